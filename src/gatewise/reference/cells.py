"""Recurrent cells as their equations in NumPy, and layers and stacks of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from gatewise.batch import FloatArray, IntArray, step_mask
from gatewise.spec import NetworkSpec

Weights = Mapping[str, FloatArray]
State = tuple[FloatArray, ...]  # what a layer carries, named by STATES; each (B, H)


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
