"""The networks as their equations in NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gatewise.batch import PADDING, Batch, FloatArray
from gatewise.reference.attention import POOLINGS, attend
from gatewise.reference.cells import State, Weights, run_stack
from gatewise.reference.layers import Encoded, bridge, encode, head, shortcut
from gatewise.spec import NetworkSpec


@dataclass(frozen=True, slots=True)
class Reference:
    """What a network answers: as gatewise.engine.Outputs, in the precision of the weights."""

    output: FloatArray
    attention: FloatArray | None = None
    state: FloatArray | None = None


def many_to_one(spec: NetworkSpec, weights: Weights, batch: Batch) -> Reference:
    """Encoder, pooling, and one head for all predicted steps.  (B, T, F) -> (B, K, D)"""
    encoded = encode(spec, weights, batch)
    pooled, attention = POOLINGS[spec.pooling](encoded, weights)  # (B, H * directions)
    output = head(spec, weights, pooled).reshape(len(pooled), spec.horizon, spec.output_size)
    return Reference(output + shortcut(spec, weights, batch), attention)


def many_to_many(spec: NetworkSpec, weights: Weights, batch: Batch) -> Reference:
    """Encoder, from batch.state, and a head at every step.  (B, T, F) -> (B, T, D), and the state
    (S, layers, B, H) after each last valid step, which a backward reading has not.
    """
    encoded = encode(spec, weights, batch)
    output = head(spec, weights, encoded.steps)
    if spec.bidirectional:
        return Reference(output)
    layers = [ways[0] for ways in encoded.states]
    return Reference(output, state=np.stack([np.stack(part) for part in zip(*layers, strict=True)]))


def decode_tokens(
    spec: NetworkSpec, weights: Weights, states: list[State], encoded: Encoded, batch: Batch
) -> Reference:
    """Step k reads the vector of id k-1 of batch.y, at first that of batch.start.

    ids (B, K) -> (B, K, E) -> stack (B, K, H) -> attention (B, K, H) -> logits (B, K, V)
    """
    truth = np.asarray(batch.y)
    before = np.concatenate([np.asarray(batch.start), truth[:, :-1]], axis=1)
    ids = np.maximum(before, PADDING)  # behind the end nothing is there to read
    ends = np.full(len(ids), ids.shape[1])
    shown, _ = run_stack(spec, weights, "decoder", weights["decoder.table"][ids], ends, states)
    shown, attention = attend(spec, weights, shown, encoded)
    return Reference(head(spec, weights, shown), attention)


def decode_fed_back(
    spec: NetworkSpec, weights: Weights, states: list[State], batch: Batch, truth: Any = None
) -> FloatArray:
    """Step k reads the value of step k-1, at first batch.start, beside what is known of step k.

    The value is the decoder's own, or with `truth` (B, K, D) the true one (teacher forcing).
    -> (B, K, D)
    """
    value = np.asarray(batch.start)  # (B, D)
    ones = np.ones(len(value), dtype=np.int64)
    predicted: list[FloatArray] = []
    for k in range(spec.horizon):
        read = value  # (B, D)
        if spec.future_size:
            read = np.concatenate([value, np.asarray(batch.future)[:, k]], axis=-1)  # (B, D + P)
        steps, finals = run_stack(spec, weights, "decoder", read[:, None], ones, states)
        states = [ways[0] for ways in finals]
        predicted.append(head(spec, weights, steps[:, 0]))  # (B, H) -> (B, D)
        value = predicted[-1] if truth is None else truth[:, k]
    return np.stack(predicted, axis=1)


def decode_by_position(
    spec: NetworkSpec, weights: Weights, states: list[State], batch: Batch
) -> FloatArray:
    """Step m reads the learned vector of position m beside what is known of its S steps.

    What reaches beyond the horizon is read as 0, and its predictions are dropped.
    (M, E) -> (B, M, E + S*P) -> (B, M, H) -> (B, M, S*D) -> (B, K, D)
    """
    rows, size, count = len(states[0][0]), spec.segment_length, spec.positions
    positions = weights["decoder.positions"]
    x = np.broadcast_to(positions, (rows, *positions.shape))  # (B, M, E)
    if spec.future_size:
        beyond = count * size - spec.horizon
        future = np.pad(np.asarray(batch.future), [(0, 0), (0, beyond), (0, 0)])  # (B, M*S, P)
        x = np.concatenate([x, future.reshape(rows, count, size * spec.future_size)], axis=-1)
    steps, _ = run_stack(spec, weights, "decoder", x, np.full(rows, count), states)
    values = head(spec, weights, steps).reshape(rows, count * size, spec.output_size)
    return values[:, : spec.horizon]


def encoder_decoder(
    spec: NetworkSpec, weights: Weights, batch: Batch, *, teacher_forcing: bool = False
) -> Reference:
    """Encoder, bridge, and a decoder that writes the predicted steps.  (B, T, F) -> (B, K, D)"""
    encoded = encode(spec, weights, batch)
    begin = bridge(spec, weights, encoded.states)
    if spec.decoder == "tokens":
        return decode_tokens(spec, weights, begin, encoded, batch)
    if spec.decoder == "by_position":
        output = decode_by_position(spec, weights, begin, batch)
        return Reference(output + shortcut(spec, weights, batch))
    truth = batch.y if teacher_forcing else None
    return Reference(decode_fed_back(spec, weights, begin, batch, truth))


def forward(
    spec: NetworkSpec, weights: Weights, batch: Batch, *, teacher_forcing: bool = False
) -> Reference:
    """What the network answers. With teacher_forcing a fed-back decoder reads batch.y at every
    step, never its own output; a decoder of tokens always does; other networks do not change.
    """
    if spec.kind == "many_to_one":
        return many_to_one(spec, weights, batch)
    if spec.kind == "many_to_many":
        return many_to_many(spec, weights, batch)
    return encoder_decoder(spec, weights, batch, teacher_forcing=teacher_forcing)
