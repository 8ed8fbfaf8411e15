"""What a training begins from instead of random weights: a fitted model, of any engine."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.engine import Engine, load_engine
from gatewise.errors import UsageError
from gatewise.spec import Network, NetworkSpec, Training
from gatewise.tasks.shared import load
from gatewise.weights import Weights

State = Mapping[str, NDArray[Any]]

OURS = {"gatewise", "python", "numpy"}  # every other version is that of an engine
FREE = (  # of training alone: no weight depends on it
    *("dropout", "input_dropout", "token_dropout"),
    *("recurrent_dropout", "variational_dropout", "embedding_dropout"),
)

TOLD = 0.01  # share of unknown tokens from which a note is worth it


@dataclass(frozen=True, slots=True)
class Beginning:
    """One network as it was left.

    state   what the optimizer remembered beside the weights; None: it begins anew
    behind  epochs that the weights have behind them: order and dropout go on from there
    """

    weights: Weights
    state: State | None = None
    behind: int = 0


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What a plan has from a fitted model.

    beginnings  of each of its networks
    facts       what must be known of the beginning, JSON-ready; notes: the same in words
    """

    spec: NetworkSpec
    network: Network
    training: Training
    beginnings: tuple[Beginning, ...]
    facts: dict[str, Any]
    notes: tuple[str, ...]


def begin_on(
    engine: str, spec: NetworkSpec, training: Training, begin: Beginning, *, device: str
) -> Engine:
    """The network on an engine, with what its optimizer remembered. Raises as `load_engine`."""
    built = load_engine(engine, spec, training, begin.weights, device=device)
    if begin.state is not None:
        built.set_state(dict(begin.state))
    return built


def fitted(task: Any, start: Any) -> Any:
    """The model to go on from: `start` itself, or what was saved there; None for None.

    Raises UsageError where it is no fitted model of the same task, ArtifactError as `load` does.
    """
    if start is None:
        return None
    model = load(start) if isinstance(start, str | os.PathLike) else start
    name = type(task).__name__
    if type(model) is not type(task):
        raise UsageError(
            f"start must be a fitted {name}, or the folder of one, not a {type(model).__name__}"
        )
    if not hasattr(model, "weights_"):
        raise UsageError(f"the {name} given as start has learnt nothing yet; call its fit first")
    return model


def _check_agrees(task: Any, old: Any, taken: Mapping[str, Any]) -> None:
    """Raises UsageError that lists every argument which the old model contradicts.

    taken  argument -> what the old model has in its place; one that stands at its default follows
    """
    defaults = {n: p.default for n, p in inspect.signature(type(task)).parameters.items()}
    asked = {n: getattr(task, n) for n in taken if getattr(task, n) != defaults[n]}
    differ = [
        f"{n} {_said(taken[n])}, not {_said(v)}"
        for n, v in asked.items()
        if v not in (taken[n], getattr(old, n))
    ]
    given = {} if task.network is None else task.network.chosen()
    for name, value in given.items():
        own = getattr(old.network_, name)
        if name not in FREE and value != own:
            differ.append(f"network {name} {_said(own)}, not {_said(value)}")
    if differ:
        raise UsageError(
            f"what shapes the network and what it reads is that of the model to go on from: "
            f"{'; '.join(differ)}; leave this out, or train without start"
        )


def _said(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else f"{value}"


def take_over(
    task: Any, old: Any, taken: Mapping[str, Any], networks: Sequence[Weights] | None = None
) -> TakenOver:
    """The old model's, with the dropout and the training settings that were given to the new one.

    taken     argument -> what the old model has in its place; see `_check_agrees`
    networks  weights of each of several; None: it has one
    Raises UsageError.
    """
    _check_agrees(task, old, taken)
    network, training = task.network or Network(), task.training or Training()
    free = {name: value for name, value in network.chosen().items() if name in FREE}
    training = training.over(old.training_)
    states, facts = _begun(old, training)
    whole = [old.weights_] if networks is None else networks
    begin = [
        Beginning(weights, None if states is None else states[number], behind(old))
        for number, weights in enumerate(whole)
    ]
    return TakenOver(
        old.spec_.replace(**free),
        old.network_.replace(**free),
        training,
        tuple(begin),
        facts,
        (_note(facts, task.engine),),
    )


def engine_of(model: Any) -> str:
    """Name and version of what trained it; a version of Keras has all names in it."""
    found = {n: version.partition("+")[0] for n, version in model.versions_.items()}
    return ", ".join(
        f"{n} {version}" if version[:1].isdigit() else version
        for n, version in found.items()
        if n not in OURS
    )


def behind(model: Any) -> int:
    """Epochs that its weights have behind them, those of the models before it, too."""
    began = model.began_
    return int(model.history_.best_epoch) + (began["epochs"] if began else 0)


def _begun(old: Any, training: Training) -> tuple[Sequence[State] | None, dict[str, Any]]:
    """(what its optimizer remembered of each network, what must be known of the beginning).

    Its memory means something to the same kind of optimizer alone, on any engine.
    """
    states, before = old.optimizer_states_, old.training_.optimizer
    anew = ""
    if states is None:
        anew = "a saved model does not hold its state"
    elif before != training.optimizer:
        anew = f"it was {before} and is {training.optimizer}"
    elif not behind(old):
        anew = "it had not begun"
    facts = {
        "engine": engine_of(old),
        "epochs": behind(old),
        "optimizer": f"begins anew: {anew}" if anew else "goes on",
        "sha256": old.data_["sha256"],
    }
    return (None if anew else states), facts


def _note(facts: Mapping[str, Any], engine: str) -> str:
    where = "" if engine in facts["engine"] else f" on {engine}"
    return f"training goes on{where} from {in_words(facts)}; the optimizer {facts['optimizer']}"


def in_words(facts: Mapping[str, Any]) -> str:
    """The model that training went on from."""
    epochs = facts["epochs"]
    return f"a model of {facts['engine']}, {epochs} epoch{'' if epochs == 1 else 's'} on"


def with_known(own: NDArray[np.uint64], old: Any) -> NDArray[np.uint64]:
    """Fingerprints of what was learnt from, with those of the model before."""
    return own if old is None else np.union1d(own, old.known_)


def flattered(known: int, count: int, what: str) -> list[str]:
    """A note where the old model had learnt from some of the held-out `count`."""
    if known <= 0:
        return []
    return [
        f"that model learnt from, or was stopped by, {known:,} of the {count:,} {what}: they "
        f"flatter it, and training may stop too early; new ones would not"
    ]


def unread(unknown: float) -> list[str]:
    """A note where the old vocabulary lacks so large a share of the tokens."""
    if unknown < TOLD:
        return []
    return [
        f"{unknown:.1%} of the tokens are not in the vocabulary of that model and are read as "
        f"unknown"
    ]


def unequal(model: Any, what: str) -> list[str]:
    """What must be said where baselines stand beside a model that went on from another one."""
    if model.began_ is None:
        return []
    return [
        f"The baselines learnt from the new {what} alone, the network from those of the model "
        f"before it, too."
    ]
