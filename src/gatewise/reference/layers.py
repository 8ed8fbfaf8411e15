"""The parts of a network around its recurrent stacks, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import Batch, FloatArray, IntArray, step_mask
from gatewise.reference.cells import STATES, State, Weights, run_stack
from gatewise.spec import NetworkSpec


@dataclass(frozen=True, slots=True)
class Encoded:
    """What an encoder hands on.

    steps   (B, T, H * directions) of the top layer, 0 at padding
    mask    (B, T) True at valid steps
    states  final states: states[layer][direction]
    """

    steps: FloatArray
    mask: NDArray[np.bool_]
    states: list[list[State]]


def embed(
    spec: NetworkSpec, weights: Weights, x: NDArray[Any], lengths: IntArray
) -> tuple[FloatArray, IntArray]:
    """What the first layer reads, and the lengths in its steps.

    tokens    the sum of the vectors of each step's F ids        (B, T, F) -> (B, T, E)
    linear    one linear map of each step                        (B, T, F) -> (B, T, E)
    segments  one of S steps side by side   (B, T, F) -> (B, T/S, S*F) -> (B, T/S, E)
    """
    if spec.embedding == "none":
        return x, lengths
    if spec.embedding == "tokens":
        return weights["embedding.table"][x].sum(axis=2), lengths
    size = spec.segment_length
    rows, steps, features = x.shape
    x = x.reshape(rows, steps // size, size * features)
    return x @ weights["embedding.kernel"] + weights["embedding.bias"], lengths // size


def begin_in(spec: NetworkSpec, batch: Batch) -> list[State] | None:
    """batch.state (S, layers, B, H) as the state of each layer; None: zeros."""
    if batch.state is None:
        return None
    return [
        tuple(part[layer] for part in np.asarray(batch.state)) for layer in range(spec.num_layers)
    ]


def encode(spec: NetworkSpec, weights: Weights, batch: Batch) -> Encoded:
    """Embedding and encoder stack, from batch.state.  (B, T, F) -> (B, T/S, H * directions)"""
    x = np.asarray(batch.x)
    given = np.full(len(x), x.shape[1]) if batch.lengths is None else np.asarray(batch.lengths)
    x, lengths = embed(spec, weights, x, given)
    steps, states = run_stack(spec, weights, "encoder", x, lengths, begin_in(spec, batch))
    return Encoded(steps, step_mask(lengths, x.shape[1]), states)


def bridge(spec: NetworkSpec, weights: Weights, states: list[list[State]]) -> list[State]:
    """The state in which each decoder layer begins: that of the encoder's layer; of a
    bidirectional one a linear map of both directions, [forward, backward] K + b.
    """
    if not spec.bidirectional:
        return [ways[0] for ways in states]
    begin: list[State] = []
    for layer, ways in enumerate(states):
        pairs = zip(STATES[spec.cell], zip(*ways, strict=True), strict=True)
        begin.append(
            tuple(
                np.concatenate(pair, axis=-1) @ weights[f"bridge.{layer}.{name}.kernel"]
                + weights[f"bridge.{layer}.{name}.bias"]
                for name, pair in pairs
            )
        )
    return begin


def head(spec: NetworkSpec, weights: Weights, h: FloatArray) -> FloatArray:
    """The linear map to the predicted values: h K + b. Tied, K is the table of token vectors,
    transposed.

    Source: Press & Wolf 2017 (tied).
    """
    if spec.tie_embedding:
        part = "decoder" if spec.decoder == "tokens" else "embedding"
        kernel = weights[f"{part}.table"].T
    else:
        kernel = weights["head.kernel"]
    values: FloatArray = h @ kernel + weights["head.bias"]
    return values


def shortcut(spec: NetworkSpec, weights: Weights, batch: Batch) -> FloatArray | float:
    """What the last N valid steps of the predicted values add to the output, each to its own.

        sum over n of x[T - N + n, d] * kernel[n, k, d] + bias[k, d]; x before the first step is 0

    (B, T, F) -> (B, K, D); 0 where the network has none
    Source: the autoregressive part of Lai et al. 2018 (LSTNet), section 3.6.
    """
    if not spec.shortcut:
        return 0.0
    kernel = weights["shortcut.kernel"].reshape(-1, spec.horizon, spec.output_size)
    bias = weights["shortcut.bias"].reshape(spec.horizon, spec.output_size)
    x = np.asarray(batch.x)[:, :, : spec.output_size]
    lengths = np.full(len(x), x.shape[1]) if batch.lengths is None else np.asarray(batch.lengths)
    rows = []
    for sequence, length in zip(x, lengths, strict=True):
        last = sequence[max(0, length - spec.shortcut) : length]
        rows.append(np.einsum("nd,nkd->kd", last, kernel[-len(last) :]) + bias)
    return np.stack(rows)
