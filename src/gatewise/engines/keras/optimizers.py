"""The update of the weights, as PyTorch's optimizers make it, so that every engine learns alike.

g gradient, w weight, r rate, m and v running means (first and second moment), t updates so far.
What is remembered is named like the weight it belongs to: `first.head.kernel`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

from gatewise.engines.keras.cells import Tensor
from gatewise.engines.keras.packing import Packing
from gatewise.spec import Training

BETA_1, BETA_2 = 0.9, 0.999
ALPHA = 0.99  # of RMSprop
EPSILON = 1e-8
CLIP_EPSILON = 1e-6

Memory = dict[str, Tensor]
REMEMBERED = {
    "adam": ("first", "second"),
    "adamw": ("first", "second"),
    "sgd": ("momentum",),
    "rmsprop": ("second",),
}


def remembered(
    training: Training, packing: Packing, state: Mapping[str, Any]
) -> dict[str, NDArray[np.float32]]:
    """What the updates go on from; of what is not in the state, zeros."""
    found: dict[str, NDArray[np.float32]] = {}
    for kind in REMEMBERED[training.optimizer]:
        zeros = {name: np.zeros(shape, np.float32) for name, shape in packing.shapes.items()}
        packed = packing.pack({name: state.get(f"{kind}.{name}", zeros[name]) for name in zeros})
        found |= {f"{kind}.{name}": value for name, value in packed.items()}
    return found


def told(
    training: Training, packing: Packing, memory: Mapping[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """The same, by the names of the weights."""
    found: dict[str, NDArray[np.float32]] = {}
    for kind in REMEMBERED[training.optimizer]:
        start = f"{kind}."
        packed = {
            name.removeprefix(start): value
            for name, value in memory.items()
            if name.startswith(start)
        }
        found |= {start + name: value for name, value in packing.unpack(packed, np).items()}
    return found


def numbers(rate: float, updates: int) -> list[float]:
    """What changes from update to update: rate, and how far m and v still are from the zeros
    that they began with; `updates` counts the one to come.
    """
    return [rate, 1.0 - BETA_1**updates, float(np.sqrt(1.0 - BETA_2**updates))]


def update(
    training: Training,
    weights: Memory,
    slopes: Memory,
    memory: Memory,
    numbers: Tensor,
    matrices: Mapping[str, Any],
) -> tuple[Memory, Memory]:
    """Weights and memory after one update; weight decay and L2 reach matrices alone."""
    step = STEPS[training.optimizer]
    changed, after = {}, {}
    slopes = clipped(training, slopes)
    if training.l2:
        slopes = {n: g + training.l2 * matrices[n] * weights[n] for n, g in slopes.items()}
    for name, slope in slopes.items():
        kept = [memory[f"{kind}.{name}"] for kind in REMEMBERED[training.optimizer]]
        decay = training.weight_decay * matrices[name] if training.weight_decay else None
        changed[name], kept = step(training, weights[name], slope, kept, decay, numbers)
        for kind, value in zip(REMEMBERED[training.optimizer], kept, strict=True):
            after[f"{kind}.{name}"] = value
    return changed, after


def clipped(training: Training, slopes: Memory) -> Memory:
    """Each entry, then the norm of the whole."""
    if training.clip_value is not None:
        most = training.clip_value
        slopes = {name: ops.clip(slope, -most, most) for name, slope in slopes.items()}
    if training.clip_norm is not None:
        norm = ops.sqrt(sum(ops.sum(ops.square(slope)) for slope in slopes.values()))
        share = ops.minimum(training.clip_norm / (norm + CLIP_EPSILON), 1.0)
        slopes = {name: slope * share for name, slope in slopes.items()}
    return slopes


def _adam(
    training: Training, w: Tensor, g: Tensor, kept: list[Tensor], decay: Any, numbers: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """w - r / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + e). Source: Kingma & Ba 2015; adamw:
    Loshchilov & Hutter 2019.
    """
    if decay is not None and training.optimizer == "adamw":
        w = w * (1.0 - numbers[0] * decay)
    elif decay is not None:
        g = g + decay * w
    m = kept[0] + (1.0 - BETA_1) * (g - kept[0])
    v = BETA_2 * kept[1] + (1.0 - BETA_2) * ops.square(g)
    return w - numbers[0] / numbers[1] * m / (ops.sqrt(v) / numbers[2] + EPSILON), [m, v]


def _sgd(
    training: Training, w: Tensor, g: Tensor, kept: list[Tensor], decay: Any, numbers: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """w - r * b; b = momentum * b + g"""
    g = g + decay * w if decay is not None else g
    b = training.momentum * kept[0] + g
    return w - numbers[0] * b, [b]


def _rmsprop(
    _training: Training, w: Tensor, g: Tensor, kept: list[Tensor], decay: Any, numbers: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """w - r * g / (sqrt(v) + e). Source: Hinton 2012, lecture 6e."""
    g = g + decay * w if decay is not None else g
    v = ALPHA * kept[0] + (1.0 - ALPHA) * ops.square(g)
    return w - numbers[0] * g / (ops.sqrt(v) + EPSILON), [v]


STEPS: dict[str, Callable[..., tuple[Tensor, list[Tensor]]]] = {
    "adam": _adam,
    "adamw": _adam,
    "sgd": _sgd,
    "rmsprop": _rmsprop,
}
