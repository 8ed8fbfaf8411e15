"""Recurrent layers on Keras: exact on padded batches, without packing.

Each layer and direction is a standard layer of Keras over the padded batch: forward steps never
see the padding that comes after them, and the backward direction reads each sequence flipped
within its own length. On symbolic inputs, and on GPUs, where cuDNN is behind it, the layer itself
is called; elsewhere the loop of the backend (`on_tensorflow`, `on_jax`) runs over its weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
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

    @property
    def recurrent(self) -> Tensor:
        """The recurrent matrix, as Keras has it."""
        return ops.convert_to_tensor(self.layer.cell.recurrent_kernel.value)

    def __call__(
        self,
        x: Tensor,
        lengths: Tensor | None,
        state: State | None,
        exact_state: bool,
        recurrent: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Outputs (B, T, H), meaningless behind each length, and the state after the last step.

        With lengths the state is that of the last valid step only where `exact_state` asks for it.

        recurrent  stands in place of the recurrent matrix
        """
        if self.backward:
            x = flip(x, lengths)
        if symbolic(x) or backend.GPU:
            mask = valid_steps(x, lengths) if lengths is not None and exact_state else None
            begin = None if state is None else list(state)
            with nullcontext() if recurrent is None else self._standing(recurrent):
                outputs, *last = self.layer(x, mask=mask, initial_state=begin)
        else:
            end = lengths if exact_state else None
            weights = self._weights(recurrent)
            outputs, last = backend.run(self.cell, x, weights, state, end)
        if self.backward:
            outputs = flip(outputs, lengths)
        return outputs, tuple(last)

    def _weights(self, recurrent: Tensor | None) -> list[Tensor]:
        kernel, whole, bias = (ops.convert_to_tensor(v.value) for v in self._variables)
        return [kernel, whole if recurrent is None else recurrent, bias]

    @property
    def _variables(self) -> list[Any]:
        return list(self.layer.cell.variables[:3])  # kernel, recurrent kernel, bias

    def _standing(self, recurrent: Tensor) -> Any:
        """A block in which the layer has this matrix; a scope hides the one around it."""
        whole = zip(self._variables, self._weights(recurrent), strict=True)
        return keras.StatelessScope(state_mapping=whole)


@final
class Dropout:
    """Each value is 0 with probability `rate`, the others are multiplied by 1 / (1 - rate).

    alike  a feature is dropped at all steps of a sequence or at none of them

    Source of alike: Gal & Ghahramani 2016, "variational".
    """

    def __init__(self, rate: float, alike: bool = False) -> None:
        self.rate, self.alike = rate, alike and rate > 0

    def factors(self, x: Tensor, size: int, noise: Noise | None) -> Tensor | None:
        """(B, 1, size) for all steps of these rows; None: each step has its own, or nothing is
        dropped.
        """
        if not self.alike or noise is None:
            return None
        return drop(ops.ones((ops.shape(x)[0], 1, size)), self.rate, noise)

    def __call__(self, x: Tensor, noise: Noise | None, factors: Tensor | None = None) -> Tensor:
        """(B, T, X) -> (B, T, X); factors: drawn before, for more steps than these"""
        if factors is None:
            factors = self.factors(x, x.shape[-1], noise)
        return drop(x, self.rate, noise) if factors is None else x * factors


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a batch of training drops of a stack for all steps alike, however many calls they take.

    matrices  the recurrent matrix of each layer and direction; None: whole
    inputs    see Dropout.factors, of each layer above the first
    """

    matrices: list[Tensor | None]
    inputs: list[Tensor | None]


@final
class Stack:
    """Layers on top of each other, each in one or two directions.

    dropout      of the input of each layer above the first
    weight_drop  of the entries of recurrent matrices: once per batch, so that the loop over the
                 steps is the same (DropConnect; Merity et al. 2018, section 2)
    exact_state  see Recurrent.__call__
    """

    def __init__(
        self, spec: NetworkSpec, inputs: int, *, bidirectional: bool, exact_state: bool = False
    ) -> None:
        self.exact_state, self.hidden_size = exact_state, spec.hidden_size
        self.dropout = Dropout(spec.dropout, spec.variational_dropout)
        self.weight_drop = spec.recurrent_dropout
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

    def dropped(self, x: Tensor, noise: Noise | None) -> Dropped:
        """Drawn for a batch; x (B, ...): anything of its rows."""
        matrices: list[Tensor | None] = []
        inputs: list[Tensor | None] = []
        for index, layer in enumerate(self.layers):
            size = self.hidden_size * len(layer)
            inputs.append(self.dropout.factors(x, size, noise) if index else None)
            drops = noise is not None and self.weight_drop
            matrices += [
                drop(way.recurrent, self.weight_drop, noise) if drops else None for way in layer
            ]
        return Dropped(matrices, inputs)

    def __call__(
        self,
        x: Tensor,
        lengths: Tensor | None = None,
        states: list[State] | None = None,
        noise: Noise | None = None,
        dropped: Dropped | None = None,
    ) -> tuple[Tensor, list[State]]:
        """(B, T, inputs) -> outputs (B, T, directions * H), and one state per layer and
        direction, in that order.

        dropped  drawn before, for more steps than these
        """
        dropped = dropped or self.dropped(x, noise)
        finals: list[State] = []
        for index, layer in enumerate(self.layers):
            x = self.dropout(x, noise, dropped.inputs[index]) if index else x
            outputs = []
            for direction in layer:
                state = None if states is None else states[len(finals)]
                matrix = dropped.matrices[len(finals)]
                output, final_state = direction(x, lengths, state, self.exact_state, matrix)
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
