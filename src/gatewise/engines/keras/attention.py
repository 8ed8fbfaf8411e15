"""Attention, and the other ways to make one vector of many steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, final

import keras
from keras import ops

from gatewise.engines.keras.cells import (
    FLOAT,
    Slot,
    Tensor,
    at_steps,
    padding,
    side_by_side,
    valid_steps,
)
from gatewise.spec import NetworkSpec

NEVER = -1e30  # a score whose weight is exactly 0; -inf cannot be written into JSON


def dense(inputs: int, outputs: int, *, bias: bool = True) -> Any:
    """A linear layer whose weights are there at once."""
    layer = keras.layers.Dense(outputs, use_bias=bias, kernel_initializer="zeros", dtype=FLOAT)
    layer.build((None, inputs))
    return layer


def column(vector: Tensor) -> Tensor:
    """(A,) -> (A, 1), as a linear layer has it."""
    return vector[:, None]


def shares(scores: Tensor) -> Tensor:
    """Softmax along the last axis. Keras' own warns of sequences of one step."""
    powers = ops.exp(scores - ops.max(scores, axis=-1, keepdims=True))
    return powers / ops.sum(powers, axis=-1, keepdims=True)


@final
class AdditivePooling:
    """A weighted mean of the steps; the weights come from a small network.

        score_t  = v . tanh(W h_t + b)
        weight_t = softmax over valid steps of score_t        exactly 0 at padding
        pooled   = sum of weight_t * h_t

    Source: Bahdanau et al. 2015, with a learned query in place of the decoder's state.
    """

    def __init__(self, inputs: int, attention_size: int) -> None:
        self.hidden = dense(inputs, attention_size)
        self.score = dense(attention_size, 1, bias=False)

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives)"""
        yield "attention.kernel", Slot(self.hidden.kernel)
        yield "attention.bias", Slot(self.hidden.bias)
        yield "attention.score", Slot(self.score.kernel, column)

    def __call__(self, outputs: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """(B, T, D) -> pooled (B, D), weights (B, T)"""
        scores = self.score(ops.tanh(self.hidden(outputs)))[:, :, 0]  # (B, T)
        if lengths is not None:
            scores = ops.where(valid_steps(outputs, lengths), scores, NEVER)
        weights = shares(scores)
        return ops.matmul(weights[:, None], outputs)[:, 0], weights


@final
class Pooling:
    """The steps of a stack as one vector: `last`, `attention`, `mean`, `max` or `mean_max`."""

    def __init__(self, spec: NetworkSpec) -> None:
        self.how, self.bidirectional = spec.pooling, spec.bidirectional
        self.hidden_size = spec.hidden_size
        self.additive = (
            AdditivePooling(spec.encoded_size, spec.attention_size)
            if spec.pooling == "attention"
            else None
        )

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives)"""
        if self.additive is not None:
            yield from self.additive.slots()

    def __call__(self, outputs: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(B, T, D) -> pooled (B, D), and the attention (B, T) where there is one."""
        if self.additive is not None:
            return self.additive(outputs, lengths)
        if self.how == "last":
            return self._last(outputs, lengths), None
        return side_by_side(MEANS[how](outputs, lengths) for how in self.how.split("_")), None

    def _last(self, outputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Forward at the last valid step, backward at the first: each has read everything."""
        if lengths is None:
            last = outputs[:, -1]
        else:
            last = at_steps(outputs, ops.cast(lengths, "int32")[:, None] - 1)[:, 0]
        if not self.bidirectional:
            return last
        size = self.hidden_size
        return ops.concatenate([last[:, :size], outputs[:, 0, size:]], axis=-1)


def mean(outputs: Tensor, lengths: Tensor | None) -> Tensor:
    """Over valid steps.  (B, T, D) -> (B, D)"""
    if lengths is None:
        return ops.mean(outputs, axis=1)
    total = ops.sum(ops.where(valid_steps(outputs, lengths)[:, :, None], outputs, 0.0), axis=1)
    return total / ops.cast(lengths, "float32")[:, None]


def highest(outputs: Tensor, lengths: Tensor | None) -> Tensor:
    """Over valid steps.  (B, T, D) -> (B, D)"""
    if lengths is not None:
        outputs = ops.where(padding(outputs, lengths)[:, :, None], NEVER, outputs)
    return ops.max(outputs, axis=1)


MEANS: dict[str, Callable[[Tensor, Tensor | None], Tensor]] = {"mean": mean, "max": highest}


@final
class DecoderAttention:
    """What each decoder step takes from the encoder's valid steps, after its own stack.

        additive        e_kt = v . tanh(W m_t + U h_k + b)      Bahdanau et al. 2015
        multiplicative  e_kt = (h_k U) . m_t                    Luong et al. 2015, "general"
        a_k   = softmax of e_k over valid steps                 exactly 0 at padding
        out_k = tanh(C [h_k; sum over t of a_kt m_t] + d)       Luong et al. 2015, section 3

    m (B, T, D) what the encoder gave, h (B, K, H) the decoder's stack
    """

    def __init__(self, spec: NetworkSpec) -> None:
        read, hidden, size = spec.encoded_size, spec.hidden_size, spec.attention_size
        self.additive = spec.attention == "additive"
        if self.additive:
            self.keys = dense(read, size)
            self.score = dense(size, 1, bias=False)
        self.query = dense(hidden, size if self.additive else read, bias=False)
        self.combine = dense(hidden + read, hidden)

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives)"""
        if self.additive:
            yield "attention.kernel", Slot(self.keys.kernel)
            yield "attention.bias", Slot(self.keys.bias)
            yield "attention.score", Slot(self.score.kernel, column)
        yield "attention.query", Slot(self.query.kernel)
        yield "combine.kernel", Slot(self.combine.kernel)
        yield "combine.bias", Slot(self.combine.bias)

    def __call__(
        self, shown: Tensor, memory: Tensor, lengths: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """(B, K, H) over (B, T, D) -> (B, K, H), weights (B, K, T)"""
        query = self.query(shown)
        if self.additive:
            scores = self._additive_scores(self.keys(memory), query)  # (B, K, T)
        else:
            scores = ops.matmul(query, ops.transpose(memory, (0, 2, 1)))
        if lengths is not None:
            valid = valid_steps(memory, lengths)
            scores = ops.where(valid[:, None], scores, NEVER)
            # the encoder's outputs there are meaningless
            memory = ops.where(valid[:, :, None], memory, 0.0)
        weights = shares(scores)
        context = ops.matmul(weights, memory)  # (B, K, D)
        return ops.tanh(self.combine(ops.concatenate([shown, context], axis=-1))), weights

    def _additive_scores(self, keys: Tensor, query: Tensor) -> Tensor:
        """(B, T, A), (B, K, A) -> (B, K, T)"""
        return self.score(ops.tanh(keys[:, None] + query[:, :, None]))[:, :, :, 0]
