"""What an engine is: the one place where the frameworks meet. They meet in NumPy.

An epoch, not a step, is the unit, so that each framework keeps its own fast path: data moved to
the device once, one synchronisation per epoch. What changes from step to step (learning rate,
teacher forcing) is planned beforehand and handed over as arrays.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import Batch, IntArray, Source
from gatewise.errors import MissingExtraError, UsageError, did_you_mean
from gatewise.spec import NetworkSpec, Training
from gatewise.weights import Weights

ENGINES = {"torch": "gatewise.engines.torch.engine"}  # name -> module with a class `Engine`
DEVICES = ("auto", "cpu", "cuda")


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


@dataclass(frozen=True, slots=True)
class EpochPlan:
    """One pass over the data; the arrays have one entry per batch.

    seed  of dropout and teacher forcing in this epoch
    tick  called after each batch, for a progress bar
    """

    batches: Sequence[IntArray]
    learning_rates: NDArray[np.float64]
    teacher_forcing: NDArray[np.float64]
    seed: int
    tick: Callable[[], None] = lambda: None


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


def load_engine(
    name: str, spec: NetworkSpec, training: Training, weights: Weights, *, device: str = "auto"
) -> Engine:
    """Build the network on an engine. No framework is imported before this call.

    Raises UsageError for an unknown engine or device, MissingExtraError when its framework is
    not installed.
    """
    if name not in ENGINES:
        hint = did_you_mean(name, ENGINES)
        raise UsageError(f"engine '{name}' is unknown{hint} (engines: {', '.join(ENGINES)})")
    if device not in DEVICES:
        hint = did_you_mean(device, DEVICES)
        raise UsageError(f"device '{device}' is unknown{hint} (devices: {', '.join(DEVICES)})")
    try:
        module = importlib.import_module(ENGINES[name])
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("gatewise"):
            raise
        raise MissingExtraError(error.name, extra=name) from None
    engine: Engine = module.Engine(spec, training, weights, device=device)
    return engine
