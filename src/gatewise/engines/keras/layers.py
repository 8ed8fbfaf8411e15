"""The parts of a network around its recurrent stacks, on Keras."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, final

import keras
from keras import ops

from gatewise.batch import UNKNOWN, Batch
from gatewise.engines.keras.attention import dense
from gatewise.engines.keras.cells import (
    FLOAT,
    Dropout,
    Noise,
    Slot,
    State,
    Tensor,
    at_steps,
    drop,
    side_by_side,
    symbolic,
)
from gatewise.spec import NetworkSpec


def table_of(ids: int, size: int) -> Any:
    """A vector for each id, whose weights are there at once."""
    layer = keras.layers.Embedding(ids, size, embeddings_initializer="zeros", dtype=FLOAT)
    layer.build((None,))
    return layer


@final
class Embedding:
    """What the first layer reads: the features as they are, one linear map of each step or of
    each segment of S steps side by side, or the sum of the vectors of each step's F tokens.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        self.segment_length = spec.segment_length
        self.linear: Any = None
        self.table: Any = None
        if spec.embedding == "tokens":
            self.table = table_of(spec.vocab_size, spec.embedding_size)
        elif spec.embedding != "none":
            self.linear = dense(spec.input_size * spec.segment_length, spec.embedding_size)
        self.segments = keras.layers.Reshape(
            (-1, spec.input_size * spec.segment_length), dtype=FLOAT
        )
        self.dropout = Dropout(spec.input_dropout, spec.variational_dropout)
        self.token_dropout, self.row_dropout = spec.token_dropout, spec.embedding_dropout

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives)"""
        if self.table is not None:
            yield "embedding.table", Slot(self.table.embeddings)
        if self.linear is not None:
            yield from linear_slots("embedding", self.linear)

    def __call__(
        self, x: Tensor, lengths: Tensor | None, noise: Noise | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """(B, T, F) -> (B, T / S, E), and the lengths in segments."""
        if self.table is not None:
            if noise is not None and self.token_dropout:
                x = self._with_unknowns(x, noise)
            rows = kept_rows(self.table, self.row_dropout, noise)
            read = looked_up(self.table, x[:, :, 0] if x.shape[2] == 1 else x, rows)
            return self.dropout(read if x.shape[2] == 1 else ops.sum(read, axis=2), noise), lengths
        if self.linear is None:
            return self.dropout(x, noise), lengths
        if self.segment_length > 1:
            x = self.segments(x)
            lengths = None if lengths is None else lengths // self.segment_length
        return self.dropout(self.linear(x), noise), lengths

    def _with_unknowns(self, x: Tensor, noise: Noise) -> Tensor:
        shape = ops.shape(x)
        dropped = noise.uniform(shape[:2]) < self.token_dropout  # (B, T)
        unknown = ops.cast(ops.arange(shape[2]) == 0, x.dtype) * UNKNOWN  # (F,)
        return ops.where(dropped[..., None], unknown, x)


def kept_rows(table: Any, rate: float, noise: Noise | None) -> Tensor | None:
    """(V, 1) factors of the rows of a table, of a batch; None: nothing is dropped.

    Source: Merity et al. 2018, section 4.3; Gal & Ghahramani 2016.
    """
    if not rate or noise is None:
        return None
    return drop(ops.ones((table.input_dim, 1)), rate, noise)


def looked_up(table: Any, ids: Tensor, rows: Tensor | None) -> Tensor:
    """The vectors of ids, (...) -> (..., E); rows: see kept_rows"""
    vectors = table(ids)
    return vectors if rows is None else vectors * ops.take(rows, ids, axis=0)


@final
class Shortcut:
    """The last N valid steps of the predicted values, straight to the output; not trained.

        output[k, d] = sum over n of x[T - N + n, d] * kernel[n, k, d] + bias[k, d]

    Source: the autoregressive part of Lai et al. 2018 (LSTNet), section 3.6.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        self.spec = spec
        told = (spec.horizon, spec.output_size)
        self.map = keras.layers.EinsumDense(
            "bnd,nkd->bkd", told, bias_axes="kd", kernel_initializer="zeros", dtype=FLOAT
        )
        self.map.build((None, spec.shortcut, spec.output_size))

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives)"""
        told = (self.spec.horizon, self.spec.output_size)
        yield (
            "shortcut.kernel",
            Slot(self.map.kernel, lambda weight: ops.reshape(weight, (-1, *told))),
        )
        yield "shortcut.bias", Slot(self.map.bias, lambda weight: ops.reshape(weight, told))

    def __call__(self, batch: Batch) -> Tensor:
        """(B, T, F) -> (B, K, D)"""
        spec, x = self.spec, batch.x[:, :, : self.spec.output_size]
        count = spec.shortcut
        if batch.lengths is None:
            x = ops.pad(x, ((0, 0), (count, 0), (0, 0)))[:, -count:]
        else:
            ends = ops.cast(batch.lengths, "int32")[:, None]
            index = ends - ops.arange(count, 0, -1, dtype="int32")[None]  # (B, N)
            read = at_steps(x, ops.maximum(index, 0))
            x = ops.where((index < 0)[:, :, None], 0.0, read)
        return self.map(x)


@final
class Head:
    """The linear map to what is predicted: x @ kernel + bias.

    Tied, its kernel is a table of token vectors, transposed (Press & Wolf 2017).
    """

    def __init__(self, inputs: int, outputs: int, table: Any = None) -> None:
        self.table = table
        self.linear = dense(inputs, outputs)

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives)"""
        if self.table is None:
            yield "head.kernel", Slot(self.linear.kernel)
        yield "head.bias", Slot(self.linear.bias)

    def __call__(self, x: Tensor) -> Tensor:
        """(..., X) -> (..., D)"""
        if self.table is None or symbolic(x):  # a written graph holds the table a second time
            return self.linear(x)
        kernel = ops.transpose(self.table.embeddings.value)
        return ops.matmul(x, kernel) + self.linear.bias.value


@final
class Bridge:
    """Final states of both directions of each layer -> first states of a one-way decoder."""

    def __init__(self, spec: NetworkSpec) -> None:
        size = spec.hidden_size
        self.names = ("h", "c") if spec.cell == "lstm" else ("h",)
        self.maps = [dense(2 * size, size) for _ in range(spec.num_layers * len(self.names))]

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives)"""
        for index, linear in enumerate(self.maps):
            layer, state = divmod(index, len(self.names))
            yield from linear_slots(f"bridge.{layer}.{self.names[state]}", linear)

    def __call__(self, states: list[State]) -> list[State]:
        """Two states per layer -> one."""
        bridged = []
        for layer in range(len(states) // 2):
            ahead, back = states[2 * layer], states[2 * layer + 1]
            own = self.maps[layer * len(self.names) : (layer + 1) * len(self.names)]
            bridged.append(
                tuple(
                    linear(side_by_side([a, b]))
                    for linear, a, b in zip(own, ahead, back, strict=True)
                )
            )
        return bridged


def linear_slots(prefix: str, linear: Any) -> Iterator[tuple[str, Slot]]:
    """(canonical name, where it lives) of kernel and bias."""
    yield f"{prefix}.kernel", Slot(linear.kernel)
    yield f"{prefix}.bias", Slot(linear.bias)
