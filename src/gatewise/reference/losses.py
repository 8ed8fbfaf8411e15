"""Losses in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gatewise.batch import IGNORED, Batch, FloatArray
from gatewise.reference.cells import Weights
from gatewise.reference.nets import forward
from gatewise.spec import NetworkSpec

# of each value (B, K, D)
LOSSES: dict[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "mse": lambda output, truth: np.square(output - truth),
    "mae": lambda output, truth: np.abs(output - truth),
    "huber": lambda output, truth: np.where(
        np.abs(output - truth) <= 1,
        0.5 * np.square(output - truth),
        np.abs(output - truth) - 0.5,
    ),
    # - y log p - (1 - y) log(1 - p), p = sigmoid(output), written so that nothing overflows
    "binary_cross_entropy": lambda output, truth: (
        np.maximum(output, 0) - output * truth + np.log1p(np.exp(-np.abs(output)))
    ),
}


def cross_entropy(output: FloatArray, truth: FloatArray) -> FloatArray:
    """- log softmax of the true class, 0 where it is IGNORED.  (B, K, C), (B, K) -> (B, K)"""
    known = truth != IGNORED
    shifted = output - output.max(axis=-1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    index = np.where(known, truth, 0).astype(int)[..., None]
    each: FloatArray = -np.take_along_axis(logs, index, axis=-1)[..., 0] * known
    return each


def loss(
    spec: NetworkSpec, weights: Weights, batch: Batch, kind: str, *, teacher_forcing: bool = False
) -> float:
    """The mean over all entries of batch.y that count, each as much as its example weighs."""
    output = forward(spec, weights, batch, teacher_forcing=teacher_forcing).output
    truth = np.asarray(batch.y)
    if kind == "cross_entropy":
        each, counts = cross_entropy(output, truth), truth != IGNORED
    else:
        each, counts = LOSSES[kind](output, truth), np.ones(truth.shape)
    weight = np.ones(len(truth)) if batch.weight is None else np.asarray(batch.weight)
    weight = weight.reshape(-1, *[1] * (each.ndim - 1))
    return float((each * weight).sum() / (counts * weight).sum())
