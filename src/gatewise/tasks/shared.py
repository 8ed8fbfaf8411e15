"""What all tasks do alike: parameters as scikit-learn has them, and loading."""

from __future__ import annotations

import importlib
import inspect
import math
import os
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

from gatewise.artifact import Artifact, read_artifact
from gatewise.errors import ArtifactError, UsageError, did_you_mean
from gatewise.spec import Network, NetworkSpec, Settings, Training
from gatewise.training import History
from gatewise.version import __version__

TASKS = {  # name -> module, class
    "forecast": ("gatewise.tasks.forecaster", "Forecaster"),
    "classify": ("gatewise.tasks.classifier", "Classifier"),
    "tag": ("gatewise.tasks.tagger", "Tagger"),
    "generate": ("gatewise.tasks.generator", "Generator"),
    "translate": ("gatewise.tasks.translator", "Translator"),
}
TAUGHT = ("teacher_forcing", "teacher_forcing_schedule")  # of what writes
RANDOM, OLD = "random weights", "the model that it goes on from"  # where training begins
NESTED: dict[str, type[Settings]] = {"network": Network, "training": Training}


def load(path: str | os.PathLike[str]) -> Any:
    """The model that `save` wrote to `path`, ready to predict; no framework is needed.

    Raises ArtifactError when the folder is missing, foreign or damaged.
    """
    artifact = read_artifact(path)
    if artifact.task not in TASKS:
        raise ArtifactError(
            f"{path} holds a model for the task '{artifact.task}', which this version does not "
            f"know (known: {', '.join(TASKS)}); pip install --upgrade gatewise"
        )
    module, name = TASKS[artifact.task]
    task = getattr(importlib.import_module(module), name)
    try:
        return task.from_artifact(artifact)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"{path} is whole but is not what this version expects ({error}); it was written by "
            f"gatewise {artifact.versions.get('gatewise')}, this is {__version__}"
        ) from error


def parameter_names(task: type) -> list[str]:
    """The arguments of a task's constructor, in order."""
    return [name for name in inspect.signature(task).parameters if name != "self"]


def describe(task: Any) -> str:
    """The call that makes this task, without what stands at its default."""
    defaults = inspect.signature(type(task)).parameters
    given = [
        f"{name}={getattr(task, name)!r}"
        for name in parameter_names(type(task))
        if getattr(task, name) != defaults[name].default
    ]
    return f"{type(task).__name__}({', '.join(given)})"


def get_params(task: Any, deep: bool = True) -> dict[str, Any]:
    """The constructor's arguments by name; deep: with network__hidden_size and the like."""
    found = {name: getattr(task, name) for name in parameter_names(type(task))}
    if deep:
        for name in NESTED:
            settings = found.get(name)
            if settings is not None:
                found |= {f"{name}__{key}": value for key, value in settings.chosen().items()}
    return found


def set_params(task: Any, **params: Any) -> None:
    """Change arguments by name; network__hidden_size=32 changes one field of the network.

    Raises UsageError for an unknown name, SpecError for an unusable field; then nothing changed.
    """
    known = parameter_names(type(task))
    changed: dict[str, Any] = {}
    nested: dict[str, dict[str, Any]] = {}
    for key, value in params.items():
        name, _, field = key.partition("__")
        if name not in known or (field and name not in NESTED):
            hint = did_you_mean(key, known) or _nested_hint(key)
            raise UsageError(f"{type(task).__name__} has no parameter '{key}'{hint}")
        if field:
            nested.setdefault(name, {})[field] = value
        else:
            changed[name] = value
    for name, fields in nested.items():
        settings = changed.get(name, getattr(task, name)) or NESTED[name]()
        changed[name] = settings.replace(**fields)
    for name, value in changed.items():
        setattr(task, name, value)


def _nested_hint(key: str) -> str:
    """`; did you mean 'network__hidden_size'?`"""
    named = {f"{nest}__{name}": name for nest, kind in NESTED.items() for name in kind.model_fields}
    field = key.rpartition("__")[2]
    whole = next((path for path, name in named.items() if name == field), None)
    if whole is not None:
        return f"; did you mean '{whole}'?"
    return did_you_mean(key, named)


def argument_problems(task: Any) -> list[str]:
    """What no data could make sense of in the arguments that tasks on sequences share."""
    problems = []
    seed, size = task.seed, task.validation
    if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
        problems.append(f"seed must be a whole number, at least 0, not {seed!r}")
    if not isinstance(size, Real) or isinstance(size, bool) or not 0 <= float(size) < math.inf:
        problems.append(f"validation must be a share or a number of examples, not {size!r}")
    for name, kind in NESTED.items():
        value = getattr(task, name)
        if value is not None and not isinstance(value, kind):
            problems.append(
                f"{name} must be a gatewise.{kind.__name__}, not {value!r:.80}; "
                f"write gatewise.{kind.__name__}(...)"
            )
    return problems


def misplaced(who: str, settings: Any, names: Iterable[str]) -> list[str]:
    """Fields that mean nothing to this task and stand away from their default: what was asked for
    would not happen.
    """
    if not isinstance(settings, Settings):
        return []  # None, or told by argument_problems
    fields = type(settings).model_fields
    kind = type(settings).__name__.lower()
    return [
        f"the {kind} of a {who} has no {name}; leave it out"
        for name in names
        if getattr(settings, name) != fields[name].default
    ]


def network_state(model: Any) -> dict[str, Any]:
    """What every fitted task keeps of itself, JSON-ready, beside what is its own."""
    params = model.get_params(deep=False)
    nested = {name: None if params[name] is None else params[name].chosen() for name in NESTED}
    return {
        "params": {**params, **nested},
        "spec": model.spec_.model_dump(),
        "network": model.network_.model_dump(),
        "training": model.training_.model_dump(),
        "history": model.history_.to_dict(),
        "notes": list(model.notes_),
        "began": model.began_,
        "data": model.data_,
    }


def saved_params(artifact: Artifact) -> dict[str, Any]:
    """The constructor's arguments."""
    params = dict(artifact.model["params"])
    for name, kind in NESTED.items():
        params[name] = None if params[name] is None else kind(**params[name])
    return params


def restore_network(model: Any, artifact: Artifact) -> None:
    """Set what `network_state` kept, weights and graphs. Raises KeyError, TypeError, ValueError."""
    saved = artifact.model
    model.spec_ = NetworkSpec(**saved["spec"])
    model.network_ = Network(**saved["network"])
    model.training_ = Training(**saved["training"])
    model.history_ = History.from_dict(saved["history"])
    model.notes_ = tuple(saved["notes"])
    model.data_ = saved["data"]
    model.weights_ = artifact.weights
    model.graphs_ = artifact.graphs
    model.versions_ = artifact.versions
    model.began_ = saved.get("began")
    model.optimizer_states_ = model.rates_ = None


def started(old: Any) -> str:
    """What training begins at, in words."""
    return RANDOM if old is None else OLD


def idle(history: History, held: str = "validation examples", *, start: str = RANDOM) -> list[str]:
    """What must be said where training led nowhere."""
    if history.best_epoch or not history.records:
        return []
    found = f"no epoch of training did better on the {held} than {start}"
    return [found if start != RANDOM else f"{found}: nothing was learnt"]
