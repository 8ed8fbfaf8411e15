"""What an engine is: the one place where the frameworks meet. They meet in NumPy.

An epoch, not a step, is the unit, so that each framework keeps its own fast path: weights that
stay where they are computed, one synchronisation per epoch. What changes from step to step
(learning rate, teacher forcing) is planned beforehand and handed over as arrays.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import Array, Batch, IntArray, Source
from gatewise.errors import MissingExtraError, UsageError, did_you_mean
from gatewise.spec import NetworkSpec, Training
from gatewise.weights import Weights

ENGINES = {  # name -> module with a class `Engine`
    "torch": "gatewise.engines.torch.engine",
    "tensorflow": "gatewise.engines.keras.engine",
    "jax": "gatewise.engines.keras.engine",
}
ON_KERAS = ("tensorflow", "jax")
DEVICES = ("auto", "cpu", "cuda")
GATHERED = 2**20  # values of x gathered at once
WARM_UP = 10.0  # updates
SILENT = "3"  # of TF_CPP_MIN_LOG_LEVEL


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a network answers.

    output     (B, K, D); of many_to_many (B, T, D), meaningless behind each length
    attention  weight of each step, 0 at padding: (B, T) where pooling is attention, (B, K, T) of
               a decoder with attention; else None
    state      (S, layers, B, H) after the last valid step, of many_to_many alone
    """

    output: NDArray[np.float32]
    attention: NDArray[np.float32] | None = None
    state: NDArray[np.float32] | None = None


# what an engine holds in the middle of an epoch beside weights and state (the loss so far, the
# state that a stream carries, random numbers) as named arrays, each engine's own
Progress = Mapping[str, NDArray[Any]]
HowFar = Callable[[], Progress]


@dataclass(frozen=True, slots=True)
class EpochPlan:
    """One pass over the data; the arrays have one entry per batch.

    seed   of dropout and teacher forcing in this epoch
    tick   called after each batch with what tells how far the epoch is: for a progress bar, and
           for who wants to go on from here one day
    done   so many batches were trained before; how far the epoch was then
    """

    batches: Sequence[IntArray]
    learning_rates: NDArray[np.float64]
    teacher_forcing: NDArray[np.float64]
    seed: int
    tick: Callable[[HowFar], None] = lambda how_far: None  # noqa: ARG005
    done: int = 0
    so_far: Progress = field(default_factory=dict)


class Predictor(Protocol):
    """Anything that answers a batch: an engine, or the ONNX dialect of a saved network."""

    def forward(self, batch: Batch) -> Outputs: ...


class Engine(Predictor, Protocol):
    """A network with its optimizer, built from a spec and canonical weights."""

    name: str
    version: str
    device: str

    def train_epoch(self, source: Source, plan: EpochPlan) -> float:
        """Run the plan; the mean training loss per example, or per token where each step has one.

        NaN or inf is returned, not raised. A decoder of tokens is fed the truth as often as the
        plan says; a source that carries is read in order, from the state of the batch before.
        Of an epoch that was cut off the rest is run: with weights and state as they were then, it
        ends in the same bits.
        """

    def evaluate(self, source: Source, batches: Sequence[IntArray]) -> float:
        """The mean loss without training: no dropout; a decoder of values is fed its own, one of
        tokens the truth.
        """

    def gradients(self, batch: Batch) -> dict[str, NDArray[Any]]:
        """Of the batch's loss by each canonical weight (no dropout; the truth is fed back)."""

    def get_weights(self) -> dict[str, NDArray[np.float32]]: ...

    def set_weights(self, weights: Weights) -> None: ...

    def get_state(self) -> dict[str, NDArray[Any]]:
        """What the optimizer remembers, as named arrays."""

    def set_state(self, state: dict[str, NDArray[Any]]) -> None: ...


def check_engine(name: str) -> None:
    """Raises UsageError for an unknown engine."""
    if name not in ENGINES:
        hint = did_you_mean(name, ENGINES)
        raise UsageError(f"engine '{name}' is unknown{hint} (engines: {', '.join(ENGINES)})")


def load_engine(
    name: str, spec: NetworkSpec, training: Training, weights: Weights, *, device: str = "auto"
) -> Engine:
    """Build the network on an engine. No framework is imported before this call.

    Raises UsageError for an unknown engine or device, or where Keras already runs on another
    backend; MissingExtraError when its framework is not installed.
    """
    check_engine(name)
    if device not in DEVICES:
        hint = did_you_mean(device, DEVICES)
        raise UsageError(f"device '{device}' is unknown{hint} (devices: {', '.join(DEVICES)})")
    given = os.environ.get("KERAS_BACKEND")
    try:
        if name in ON_KERAS:
            _choose_backend(name)
        module = importlib.import_module(ENGINES[name])
    except ModuleNotFoundError as error:
        if given is None and "keras" not in sys.modules:
            _choose_nothing()
        if error.name is None or error.name.startswith("gatewise"):
            raise
        raise MissingExtraError(error.name, extra=name) from None
    engine: Engine = module.Engine(spec, training, weights, device=device)
    return engine


def _choose_backend(name: str) -> None:
    """Keras reads its backend once, when it is imported, for the whole process.

    Raises MissingExtraError, or UsageError where it is another one.
    """
    for package in ("keras", name):
        if sys.modules.get(package) is None and not _findable(package):
            raise MissingExtraError(package, extra=name)
    live = sys.modules.get("keras")
    given = os.environ.get("KERAS_BACKEND")
    backend = given if live is None else live.config.backend()
    if backend not in (None, "", name):
        if live is None:
            cause, advice = f"KERAS_BACKEND is '{backend}'", f"unset it, or set it to '{name}'"
        else:
            cause = f"Keras already runs on '{backend}' in this process, for good"
            advice = f"start a new process, with KERAS_BACKEND unset or '{name}'"
        raise UsageError(f"engine '{name}' needs KERAS_BACKEND={name}, but {cause}; {advice}")
    os.environ["KERAS_BACKEND"] = name
    if name != "tensorflow" or live is not None:
        return
    # oneDNN calls its fallbacks errors; the process that began this one may have said so, too
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", SILENT) == SILENT:
        with _silent():
            importlib.import_module("keras")


def _findable(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # None stands in sys.modules: it must not be imported
        return False


def _choose_nothing() -> None:
    """The backend did not come up: another may still be chosen."""
    os.environ.pop("KERAS_BACKEND", None)
    for module in [name for name in sys.modules if name.startswith("keras.")]:
        del sys.modules[module]


@contextmanager
def _silent() -> Iterator[None]:
    """TensorFlow greets on stderr from C++, before it reads how much it is to say."""
    try:
        kept = os.dup(2)
    except OSError:  # a process without stderr
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def device_of(name: str, there: bool, framework: str) -> str:
    """`cpu` or `cuda`, for what was asked for; there: whether the framework sees a CUDA device.

    Raises UsageError where it does not, and should.
    """
    if name == "auto":
        return "cuda" if there else "cpu"
    if name == "cuda" and not there:
        raise UsageError(
            f"device 'cuda' was asked for, but {framework} sees no CUDA device here; "
            f"use device='auto' (takes one where there is one) or 'cpu'"
        )
    return name


def truth_unasked(decoder: str) -> float | None:
    """The share of steps before which a decoder reads the truth, if nobody says how often: one of
    values none, one of tokens all; None where nothing is fed back.
    """
    return {"fed_back": 0.0, "tokens": 1.0}.get(decoder)


def mean_decay(decay: float, updates: int) -> float:
    """d of a running mean m <- d m + (1 - d) w of the weights: min(decay, (1 + t) / (10 + t)).

    At first it is smaller, or the mean would remember the beginning.
    Source: TensorFlow's ExponentialMovingAverage.
    """
    return min(decay, (1.0 + updates) / (WARM_UP + updates))


def gathered(
    source: Source,
    arrays: Mapping[str, Array],
    batches: Sequence[IntArray],
    as_rows: Callable[[IntArray], Array] = lambda rows: rows,
) -> Iterator[Batch]:
    """The batches of an epoch, gathered many at a time: small ones cost more to gather than to
    learn from. Sequences of unequal lengths are padded batch by batch.

    arrays, as_rows  the data, and what turns numbers of examples into an index of it
    """
    names = [field.name for field in fields(Batch)]
    first = 0
    while first < len(batches):
        block = [batches[first]]
        one = source.gather(arrays, as_rows(block[0][:1]))
        room = GATHERED // math.prod(one.x.shape) if one.lengths is None else 0
        while first + len(block) < len(batches) and (len(block) + 1) * len(block[0]) <= room:
            block.append(batches[first + len(block)])
        whole = source.gather(arrays, as_rows(np.concatenate(block)))
        at = 0
        for rows in block:
            parts = (getattr(whole, name) for name in names)
            yield Batch(*(None if part is None else part[at : at + len(rows)] for part in parts))
            at += len(rows)
        first += len(block)
