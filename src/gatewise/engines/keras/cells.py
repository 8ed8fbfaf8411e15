"""Recurrent layers on Keras: exact on padded batches, without packing.

Each layer and direction is a standard layer of Keras over the padded batch: forward steps never
see the padding that comes after them, and the backward direction reads each sequence flipped
within its own length. On symbolic inputs, and on GPUs, where cuDNN is behind it, the layer itself
is called; elsewhere the loop of the backend (`on_tensorflow`, `on_jax`) runs over its weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

import keras
from keras import ops

from gatewise.engines.keras.backend import backend
from gatewise.spec import NetworkSpec

Tensor = Any
State = tuple[Tensor, ...]  # (h, c) of an LSTM, (h,) of others; (B, H) each

FLOAT = "float32"  # whatever keras.config says
LAYERS: dict[str, Callable[..., Any]] = {
    "rnn": keras.layers.SimpleRNN,
    "gru": keras.layers.GRU,
    "lstm": keras.layers.LSTM,
}


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a canonical weight lives in a variable of Keras, and what it looks like there.

    Of several weights in one variable each is a row.
    """

    variable: Any
    layout: Callable[[Tensor], Tensor] = lambda weight: weight


def lay_out(slots: Mapping[str, Slot], weights: Mapping[str, Tensor]) -> list[tuple[Any, Tensor]]:
    """(variable, value) of every variable, from canonical weights."""
    found: dict[int, tuple[Any, list[Tensor]]] = {}
    for name, slot in slots.items():
        parts = found.setdefault(id(slot.variable), (slot.variable, []))[1]
        parts.append(slot.layout(weights[name]))
    return [
        (variable, parts[0] if len(parts) == 1 else ops.stack(parts))
        for variable, parts in found.values()
    ]


def _gates(weight: Tensor) -> Tensor:
    """A GRU's r z n as Keras has them: z r n."""
    r, z, n = ops.split(weight, 3, axis=-1)
    return ops.concatenate([z, r, n], axis=-1)


def _candidate(bias: Tensor) -> Tensor:
    """A GRU's second bias: of the candidate alone, that of the gates stays 0."""
    return ops.concatenate([ops.zeros_like(bias), ops.zeros_like(bias), bias])


@final
class Recurrent:
    """One direction of one layer."""

    def __init__(self, cell: str, inputs: int, hidden_size: int, backward: bool) -> None:
        self.cell, self.backward, self.hidden_size = cell, backward, hidden_size
        self.layer = LAYERS[cell](
            hidden_size,
            return_sequences=True,
            return_state=True,
            kernel_initializer="zeros",
            recurrent_initializer="zeros",
            dtype=FLOAT,
        )
        self.layer.build((None, None, inputs))

    def slots(self, prefix: str) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives) of this direction's weights."""
        cell = self.layer.cell
        if self.cell != "gru":
            yield f"{prefix}.input", Slot(cell.kernel)
            yield f"{prefix}.recurrent", Slot(cell.recurrent_kernel)
            yield f"{prefix}.bias", Slot(cell.bias)
            return
        yield f"{prefix}.input", Slot(cell.kernel, _gates)
        yield f"{prefix}.recurrent", Slot(cell.recurrent_kernel, _gates)
        yield f"{prefix}.bias", Slot(cell.bias, _gates)
        yield f"{prefix}.candidate_bias", Slot(cell.bias, _candidate)

    def __call__(
        self, x: Tensor, lengths: Tensor | None, state: State | None, exact_state: bool
    ) -> tuple[Tensor, State]:
        """Outputs (B, T, H), meaningless behind each length, and the state after the last step.

        With lengths the state is that of the last valid step only where `exact_state` asks for it.
        """
        if self.backward:
            x = flip(x, lengths)
        if symbolic(x) or backend.GPU:
            mask = valid_steps(x, lengths) if lengths is not None and exact_state else None
            begin = None if state is None else list(state)
            outputs, *last = self.layer(x, mask=mask, initial_state=begin)
        else:
            weights = [ops.convert_to_tensor(v.value) for v in self.layer.cell.variables[:3]]
            end = lengths if exact_state else None
            outputs, last = backend.run(self.cell, x, weights, state, end)
        if self.backward:
            outputs = flip(outputs, lengths)
        return outputs, tuple(last)


@final
class Stack:
    """Layers on top of each other, each in one or two directions.

    dropout      of the input of each layer above the first
    exact_state  see Recurrent.__call__
    """

    def __init__(
        self, spec: NetworkSpec, inputs: int, *, bidirectional: bool, exact_state: bool = False
    ) -> None:
        self.exact_state, self.dropout = exact_state, spec.dropout
        self.layers: list[list[Recurrent]] = []
        for _ in range(spec.num_layers):
            ways = (False, True) if bidirectional else (False,)
            self.layers.append(
                [Recurrent(spec.cell, inputs, spec.hidden_size, backward) for backward in ways]
            )
            inputs = spec.hidden_size * len(ways)

    def slots(self, part: str) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives) of every layer and direction."""
        for index, layer in enumerate(self.layers):
            for direction in layer:
                way = "backward" if direction.backward else "forward"
                yield from direction.slots(f"{part}.{index}.{way}")

    def __call__(
        self,
        x: Tensor,
        lengths: Tensor | None = None,
        states: list[State] | None = None,
        noise: Noise | None = None,
    ) -> tuple[Tensor, list[State]]:
        """(B, T, inputs) -> outputs (B, T, directions * H), and one state per layer and
        direction, in that order.
        """
        finals: list[State] = []
        for index, layer in enumerate(self.layers):
            x = x if index == 0 else drop(x, self.dropout, noise)
            outputs = []
            for direction in layer:
                state = None if states is None else states[len(finals)]
                output, final_state = direction(x, lengths, state, self.exact_state)
                outputs.append(output)
                finals.append(final_state)
            x = outputs[0] if len(outputs) == 1 else ops.concatenate(outputs, axis=-1)
        return x, finals


@final
class Noise:
    """The random numbers of a step of training, all from one seed (2,)."""

    def __init__(self, seed: Tensor) -> None:
        self.seed, self.drawn = seed, 0

    def uniform(self, shape: Any) -> Tensor:
        """From [0, 1), others with each call."""
        self.drawn += 1
        return backend.uniform(shape, self.seed, self.drawn)

    def of_step(self, number: Tensor) -> Noise:
        """Other numbers for each turn of a loop."""
        return Noise(backend.mixed(self.seed, number))


def drop(x: Tensor, rate: float, noise: Noise | None) -> Tensor:
    """Dropout; None: nothing is dropped."""
    if noise is None or not rate:
        return x
    return ops.where(noise.uniform(ops.shape(x)) < rate, 0.0, x * (1.0 / (1.0 - rate)))


def symbolic(x: Tensor) -> bool:
    """Whether a graph is being written, not computed."""
    return isinstance(x, keras.KerasTensor)


def step_numbers(x: Tensor) -> Tensor:
    """0, 1, ... of each row's steps.  (B, T, F) -> (B, T) or (1, T)"""
    if symbolic(x):  # T is not known there
        return ops.cumsum(ops.ones_like(x[:, :, 0], dtype="int32"), axis=1) - 1
    return ops.arange(ops.shape(x)[1], dtype="int32")[None]


def valid_steps(x: Tensor, lengths: Tensor) -> Tensor:
    """False behind each sequence's length.  (B, T)"""
    return step_numbers(x) < ops.cast(lengths, "int32")[:, None]


def padding(x: Tensor, lengths: Tensor) -> Tensor:
    """True behind each sequence's length.  (B, T)"""
    return step_numbers(x) >= ops.cast(lengths, "int32")[:, None]


def flip(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Each sequence backwards within its own length; its padding stays behind.  (B, T, F)"""
    if lengths is None:
        return ops.flip(x, axis=1)
    if not symbolic(x):
        return backend.flip(x, lengths)
    steps = step_numbers(x)
    index = ops.cast(lengths, "int32")[:, None] - 1 - steps  # (B, T)
    index = ops.where(index >= 0, index, steps)
    return ops.take_along_axis(x, index[:, :, None], axis=1)


def at_steps(x: Tensor, index: Tensor) -> Tensor:
    """Some steps of each row.  (B, T, F), (B, N) -> (B, N, F)"""
    if symbolic(x):
        return ops.take_along_axis(x, index[:, :, None], axis=1)
    return backend.at_steps(x, index)


def side_by_side(parts: Iterable[Tensor]) -> Tensor:
    """Along the last axis."""
    return ops.concatenate(list(parts), axis=-1)
