"""Networks of the same kind from different seeds, whose answers are averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from gatewise.checkpoint import RunCheckpoints
from gatewise.data.sequences import Ragged, Sequences, batches
from gatewise.engines.onnx.engine import Engine as Runner
from gatewise.engines.onnx.engine import build_graphs
from gatewise.judging.calibration import fit_temperature
from gatewise.spec import NetworkSpec, Training
from gatewise.tasks.beginning import Beginning, State
from gatewise.tasks.learning import Learnt, learn
from gatewise.tasks.rate_finding import RateSearch
from gatewise.tasks.shared import idle
from gatewise.training import History, Watch

Singles = NDArray[np.float32]
Floats = NDArray[np.float64]

HEAD = ("head.kernel", "head.bias")
APART = 1_000  # between the seeds of two members: runs of neighbouring seeds share none


@dataclass(frozen=True, slots=True)
class Member:
    """One of them; state: what its optimizer remembers beside the weights.

    rates  how the learning rate of all was found, of the first alone
    """

    training: Training
    rates: RateSearch | None
    weights: dict[str, Singles]
    state: State
    history: History
    versions: dict[str, str]


def train_members(
    count: int,
    spec: NetworkSpec,
    training: Training,
    train: Sequences,
    held: Sequences | None,
    *,
    engine: str,
    device: str,
    seed: int,
    watch: Watch,
    given: Mapping[str, Singles],
    beginnings: Sequence[Beginning] = (),
    checkpoints: RunCheckpoints | None = None,
) -> list[Member]:
    """Train `count` networks, one after the other; each from its own beginning where there is one.

    Ctrl-C keeps those that are whole, or the first as far as it got; the history of the last says
    so.
    """
    found: list[Member] = []
    for number in range(count):
        learnt: Learnt | None = None
        if count > 1:
            watch.about({"part": f"member {number + 1} of {count}"})
        try:
            learnt = learn(
                spec,
                training,
                train,
                held,
                engine=engine,
                device=device,
                seed=seed + APART * number,
                watch=watch,
                given=given,
                beginning=beginnings[number] if beginnings else None,
                checkpoints=checkpoints,
            )
        except KeyboardInterrupt:
            if not found:
                raise
        whole = learnt is not None and learnt.history.stopped != "interrupted"
        if learnt is not None and (whole or not found):
            training = learnt.training  # one learning rate for all
            found.append(
                Member(
                    training,
                    learnt.rates,
                    learnt.weights,
                    learnt.state,
                    learnt.history,
                    learnt.versions,
                )
            )
        if not whole:
            history = replace(found[-1].history, stopped="interrupted")
            found[-1] = replace(found[-1], history=history)
            break
    return found


def calibrated(
    spec: NetworkSpec, members: Sequence[Member], held: Sequences | None
) -> tuple[list[Member], float]:
    """The members with logits divided by the temperature at which the mean of their probabilities
    suits the held-out part; and that.

    Source: Guo et al. 2017.
    """
    if held is None or held.classes is None:
        return list(members), 1.0
    runners = [Runner(spec, build_graphs(spec, member.weights)) for member in members]
    logits = np.stack([_logits(runner, spec, held.inputs) for runner in runners])  # (M, N, C)
    temperature = fit_temperature(logits, held.classes[:, 0])
    cooled = []
    for member in members:
        scaled = dict(member.weights)
        for name in HEAD:
            scaled[name] = (scaled[name] / temperature).astype(np.float32)
        cooled.append(replace(member, weights=scaled))
    return cooled, temperature


@final
class Committee:
    """Answers with the mean of its members' probabilities."""

    def __init__(self, spec: NetworkSpec, graphs: Mapping[str, bytes]) -> None:
        """graphs: `model` of the first member, `model-2` of the second, ..."""
        self.spec = spec
        self.runners = [Runner(spec, {"model": graphs[name]}) for name in sorted(graphs)]

    def probabilities(self, steps: Ragged, several: bool) -> Floats:
        """(N, C); of several labels each stands for itself."""
        told = [softmax(_logits(runner, self.spec, steps), several) for runner in self.runners]
        mean: Floats = np.mean(told, axis=0)
        return mean

    def attention(self, steps: Ragged) -> list[tuple[Singles, float]]:
        """The mean weight of each step, (t,) for each sequence, and of the padding behind it."""
        weights = [np.zeros(int(length), np.float32) for length in steps.lengths]
        padding = [0.0] * len(steps)
        for runner in self.runners:
            for rows, batch in batches(steps):
                told = runner.forward(batch).attention
                for row, own in zip(rows.tolist(), told if told is not None else (), strict=True):
                    length = steps.lengths[row]
                    weights[row] += own[:length] / len(self.runners)
                    padding[row] += float(own[length:].sum()) / len(self.runners)
        return list(zip(weights, padding, strict=True))


def graphs_of(spec: NetworkSpec, members: Sequence[Member]) -> dict[str, bytes]:
    """The ONNX graph of each member, by the names that `Committee` reads."""
    return {
        _named("model", number): build_graphs(spec, member.weights)["model"]
        for number, member in enumerate(members, 1)
    }


def weights_of(members: Sequence[Member]) -> dict[str, Singles]:
    """All weights; those of the second member as `2.head.bias`, and so on."""
    return {
        name if number == 1 else f"{number}.{name}": weight
        for number, member in enumerate(members, 1)
        for name, weight in member.weights.items()
    }


def trained_weights(
    weights: Mapping[str, Singles], count: int, temperature: float
) -> list[dict[str, Singles]]:
    """Of each member, as training left them: what `weights_of` and `calibrated` made is undone."""
    found = []
    for number in range(1, count + 1):
        prefix = "" if number == 1 else f"{number}."
        own = {
            name.removeprefix(prefix): weight
            for name, weight in weights.items()
            if name.startswith(prefix) and (number > 1 or not name[0].isdigit())
        }
        for name in HEAD:
            own[name] = (own[name] * temperature).astype(np.float32)
        found.append(own)
    return found


def notes_of(members: Sequence[Member], start: str) -> list[str]:
    """What must be said of them: how many there are, and where training led nowhere.

    start  what they began at
    """
    found = [note for member in members for note in idle(member.history, start=start)]
    if len(members) > 1:
        found.append(f"{len(members)} networks from different seeds are averaged")
    return list(dict.fromkeys(found))


def _named(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"


def _logits(runner: Runner, spec: NetworkSpec, steps: Ragged) -> Singles:
    """(N, C)"""
    told = np.empty((len(steps), spec.output_size), dtype=np.float32)
    for rows, batch in batches(steps):
        told[rows] = runner.forward(batch).output[:, 0]
    return told


def softmax(logits: Singles, several: bool) -> Floats:
    """Over the classes, or of several labels a sigmoid each.  (N, C) -> (N, C)"""
    z = logits.astype(np.float64)
    if several:
        each: Floats = np.exp(-np.logaddexp(0.0, -z))
        return each
    powers: Floats = np.exp(z - z.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares
