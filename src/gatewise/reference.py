"""The slow truth: every network as its equations in NumPy. Every dialect is tested against it.

Nothing here is fast and nothing is checked. It computes in the precision of what it is given, so
float64 weights and inputs allow finite differences. There is no dropout: this is inference.

Axis letters: B sequences, T time steps, F features, H hidden units, G gates, E embedding,
A attention, S segment length, M decoder positions, K predicted steps, D values per predicted
step, P features known in advance. Weight names and gate order: `gatewise.weights`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import Batch, FloatArray, IntArray, step_mask
from gatewise.spec import NetworkSpec

Weights = Mapping[str, FloatArray]
State = tuple[FloatArray, ...]  # what a layer carries, named by STATES; each (B, H)


@dataclass(frozen=True, slots=True)
class Reference:
    """What a network answers: output (B, K, D); attention (B, T or T/S), 0 at padding."""

    output: FloatArray
    attention: FloatArray | None = None


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


def sigmoid(x: FloatArray) -> FloatArray:
    """1 / (1 + exp(-x)), written with tanh, which cannot overflow."""
    half: FloatArray = 0.5 * np.tanh(0.5 * x) + 0.5
    return half


def rnn_step(x: FloatArray, h: FloatArray, W: FloatArray, R: FloatArray, b: FloatArray) -> State:
    """One step of a plain recurrent layer; returns the new h.

        h' = tanh(x W + h R + b)

    x (B, F) · h (B, H) · W (F, H) · R (H, H) · b (H,)
    Source: Elman 1990.
    """
    return (np.tanh(x @ W + h @ R + b),)


def gru_step(
    x: FloatArray, h: FloatArray, W: FloatArray, R: FloatArray, b: FloatArray, d: FloatArray
) -> State:
    """One step of a GRU layer; returns the new h.

        r, z = sigmoid(x W + h R + b)            what to read of h, what to keep   (B, H) each
        n    = tanh(x W_n + b_n + r * (h R_n + d))   what could be written         (B, H)
        h'   = (1 - z) * n + z * h

    x (B, F) · h (B, H) · W (F, 3H) · R (H, 3H) · b (3H,) · d (H,), the candidate_bias
    r multiplies after the product with R_n, as in cuDNN and PyTorch; Cho et al. multiply h itself.
    Source: Cho et al. 2014, in the form of Appleyard et al. 2016 (cuDNN).
    """
    read_r, read_z, read_n = np.split(x @ W + b, 3, axis=-1)
    kept_r, kept_z, kept_n = np.split(h @ R, 3, axis=-1)
    r, z = sigmoid(read_r + kept_r), sigmoid(read_z + kept_z)
    n = np.tanh(read_n + r * (kept_n + d))
    return ((1 - z) * n + z * h,)


def lstm_step(
    x: FloatArray, h: FloatArray, c: FloatArray, W: FloatArray, R: FloatArray, b: FloatArray
) -> State:
    """One step of an LSTM layer; returns the new h and c.

        i, f, o = sigmoid(x W + h R + b)   what to write, keep, show     (B, H) each
        g       = tanh(x W + h R + b)      what could be written         (B, H)
        c'      = f * c + i * g
        h'      = o * tanh(c')

    x (B, F) · h, c (B, H) · W (F, 4H) · R (H, 4H) · b (4H,), gates in the order i f g o
    Source: Hochreiter & Schmidhuber 1997; forget gate of Gers et al. 2000.
    """
    i, f, g, o = np.split(x @ W + h @ R + b, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


CELLS: dict[str, Callable[..., State]] = {"rnn": rnn_step, "gru": gru_step, "lstm": lstm_step}
STATES = {"rnn": ("h",), "gru": ("h",), "lstm": ("h", "c")}
LAYER_WEIGHTS = ("input", "recurrent", "bias", "candidate_bias")  # in the order of the arguments


def under(weights: Weights, prefix: str) -> dict[str, FloatArray]:
    """The weights whose names begin with `prefix.`, without it."""
    start = prefix + "."
    return {name[len(start) :]: w for name, w in weights.items() if name.startswith(start)}


def run_layer(
    cell: str,
    weights: Weights,
    x: FloatArray,
    lengths: IntArray,
    state: State | None = None,
    *,
    backward: bool = False,
) -> tuple[FloatArray, State]:
    """Read each sequence within its own length; the steps of h, 0 at padding, and the final state.

    A state stands still at padding. So the forward one ends at its sequence's last valid step,
    and the backward one begins there and ends at the first.

    x (B, T, F), lengths (B,) -> (B, T, H), state of (B, H) each; state None: zeros
    weights: input (F, G*H), recurrent (H, G*H), bias (G*H,) and, for a GRU, candidate_bias (H,)
    """
    parameters = [weights[name] for name in LAYER_WEIGHTS if name in weights]
    rows, steps, _ = x.shape
    hidden = weights["recurrent"].shape[0]
    dtype = np.result_type(x, weights["recurrent"])
    if state is None:
        state = tuple(np.zeros((rows, hidden), dtype) for _ in STATES[cell])
    valid = step_mask(lengths, steps)
    shown = np.zeros((rows, steps, hidden), dtype)  # (B, T, H)
    for t in range(steps)[:: -1 if backward else 1]:
        now = valid[:, t, None]  # (B, 1)
        moved = CELLS[cell](x[:, t], *state, *parameters)
        state = tuple(np.where(now, new, old) for new, old in zip(moved, state, strict=True))
        shown[:, t] = np.where(now, state[0], 0)
    return shown, state


def run_stack(
    spec: NetworkSpec,
    weights: Weights,
    part: str,
    x: FloatArray,
    lengths: IntArray,
    states: Sequence[State] | None = None,
) -> tuple[FloatArray, list[list[State]]]:
    """Layers on top of each other, each reading all directions of the one below, side by side.

    part is encoder or decoder; a decoder has the forward direction alone. states: one per layer,
    to begin with.  x (B, T, F) -> (B, T, H * directions), final states[layer][direction]
    """
    both = part == "encoder" and spec.bidirectional
    finals: list[list[State]] = []
    for layer in range(spec.num_layers):
        begin = None if states is None else states[layer]
        read = [
            run_layer(
                spec.cell,
                under(weights, f"{part}.{layer}.{way}"),
                x,
                lengths,
                begin,
                backward=way == "backward",
            )
            for way in (("forward", "backward") if both else ("forward",))
        ]
        x = np.concatenate([steps for steps, _ in read], axis=-1)
        finals.append([state for _, state in read])
    return x, finals


def embed(
    spec: NetworkSpec, weights: Weights, x: FloatArray, lengths: IntArray
) -> tuple[FloatArray, IntArray]:
    """One linear map of S steps side by side (linear: S = 1) and the lengths in these segments.

    x (B, T, F) -> (B, T/S, S*F) -> (B, T/S, E)
    """
    if spec.embedding == "none":
        return x, lengths
    size = spec.segment_length
    rows, steps, features = x.shape
    x = x.reshape(rows, steps // size, size * features)
    return x @ weights["embedding.kernel"] + weights["embedding.bias"], lengths // size


def encode(spec: NetworkSpec, weights: Weights, batch: Batch) -> Encoded:
    """Embedding and encoder stack.  (B, T, F) -> (B, T/S, H * directions)"""
    x = np.asarray(batch.x)
    given = np.full(len(x), x.shape[1]) if batch.lengths is None else np.asarray(batch.lengths)
    x, lengths = embed(spec, weights, x, given)
    steps, states = run_stack(spec, weights, "encoder", x, lengths)
    return Encoded(steps, step_mask(lengths, x.shape[1]), states)


def pool_last(encoded: Encoded, _weights: Weights) -> tuple[FloatArray, None]:
    """Each direction of the top layer after its own last step: forward the last valid one,
    backward the first.  -> (B, H * directions)
    """
    return np.concatenate([h for h, *_ in encoded.states[-1]], axis=-1), None


def pool_mean(encoded: Encoded, _weights: Weights) -> tuple[FloatArray, None]:
    """The mean over valid steps.  (B, T, X) -> (B, X)"""
    counts = encoded.mask.sum(axis=1, keepdims=True).astype(encoded.steps.dtype)
    mean: FloatArray = encoded.steps.sum(axis=1) / counts  # steps are 0 at padding
    return mean, None


def pool_max(encoded: Encoded, _weights: Weights) -> tuple[FloatArray, None]:
    """The maximum over valid steps.  (B, T, X) -> (B, X)"""
    valid = np.where(encoded.mask[:, :, None], encoded.steps, -np.inf)
    highest: FloatArray = valid.max(axis=1).astype(encoded.steps.dtype)
    return highest, None


def pool_attention(encoded: Encoded, weights: Weights) -> tuple[FloatArray, FloatArray]:
    """Additive attention: a weighted mean of the steps, and the weights, 0 at padding.

        e_t = v . tanh(h_t K + b)      how much step t matters
        a   = softmax of e over the valid steps alone
        s   = sum of a_t h_t

    h (B, T, X) · K (X, A) · b, v (A,) -> s (B, X), a (B, T)
    Source: Bahdanau et al. 2015, section A.1.2, without a decoder state.
    """
    hidden = np.tanh(encoded.steps @ weights["attention.kernel"] + weights["attention.bias"])
    scores = np.where(encoded.mask, hidden @ weights["attention.score"], -np.inf)  # (B, T)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    attention = (powers / powers.sum(axis=1, keepdims=True)).astype(encoded.steps.dtype)
    return np.einsum("bt,btx->bx", attention, encoded.steps), attention


POOLINGS: dict[str, Callable[[Encoded, Weights], tuple[FloatArray, FloatArray | None]]] = {
    "last": pool_last,
    "mean": pool_mean,
    "max": pool_max,
    "attention": pool_attention,
}


def head(weights: Weights, h: FloatArray) -> FloatArray:
    """The linear map to the predicted values."""
    values: FloatArray = h @ weights["head.kernel"] + weights["head.bias"]
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


def many_to_one(spec: NetworkSpec, weights: Weights, batch: Batch) -> Reference:
    """Encoder, pooling, and one head for all predicted steps.  (B, T, F) -> (B, K, D)"""
    encoded = encode(spec, weights, batch)
    pooled, attention = POOLINGS[spec.pooling](encoded, weights)  # (B, H * directions)
    output = head(weights, pooled).reshape(len(pooled), spec.horizon, spec.output_size)
    return Reference(output + shortcut(spec, weights, batch), attention)


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
        predicted.append(head(weights, steps[:, 0]))  # (B, H) -> (B, D)
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
    values = head(weights, steps).reshape(rows, count * size, spec.output_size)
    return values[:, : spec.horizon]


def encoder_decoder(
    spec: NetworkSpec, weights: Weights, batch: Batch, *, teacher_forcing: bool = False
) -> Reference:
    """Encoder, bridge, and a decoder that writes the predicted steps.  (B, T, F) -> (B, K, D)"""
    begin = bridge(spec, weights, encode(spec, weights, batch).states)
    if spec.decoder == "by_position":
        output = decode_by_position(spec, weights, begin, batch)
        return Reference(output + shortcut(spec, weights, batch))
    truth = batch.y if teacher_forcing else None
    return Reference(decode_fed_back(spec, weights, begin, batch, truth))


def forward(
    spec: NetworkSpec, weights: Weights, batch: Batch, *, teacher_forcing: bool = False
) -> Reference:
    """What the network answers. With teacher_forcing a fed-back decoder reads batch.y at every
    step, never its own output; other networks do not change.
    """
    if spec.kind == "many_to_one":
        return many_to_one(spec, weights, batch)
    return encoder_decoder(spec, weights, batch, teacher_forcing=teacher_forcing)


LOSSES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "mse": np.square,
    "mae": np.abs,
    "huber": lambda e: np.where(np.abs(e) <= 1, 0.5 * np.square(e), np.abs(e) - 0.5),
}


def loss(
    spec: NetworkSpec, weights: Weights, batch: Batch, kind: str, *, teacher_forcing: bool = False
) -> float:
    """The mean of mse, mae or huber (delta 1) over all entries of batch.y (B, K, D)."""
    output = forward(spec, weights, batch, teacher_forcing=teacher_forcing).output
    return float(np.mean(LOSSES[kind](output - np.asarray(batch.y))))
