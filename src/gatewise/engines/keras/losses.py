"""Losses on Keras: each gives (sum, what it is the sum over), as one tensor of two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from keras import ops

from gatewise.batch import IGNORED, Batch
from gatewise.engines.keras.cells import Tensor
from gatewise.spec import Training

Loss = Callable[[Tensor, Batch], Tensor]


def of_values(name: str) -> Loss:
    """The mean over all values of each example, summed over the (weighted) examples."""
    function = VALUES[name]

    def loss(output: Tensor, batch: Batch) -> Tensor:
        each = ops.mean(function(output, ops.cast(batch.y, "float32")), axis=(1, 2))  # (B,)
        weight = ops.ones_like(each) if batch.weight is None else batch.weight
        return ops.stack([ops.sum(each * weight), ops.sum(weight)])

    return loss


def cross_entropy(smoothing: float) -> Loss:
    """- log softmax of the true class, summed over the steps that have one.

        (1 - s) * -log p[truth] + s * mean over classes of -log p      s: smoothing

    output (B, K, C), y (B, K). Source of smoothing: Szegedy et al. 2016, section 7.
    """

    def loss(output: Tensor, batch: Batch) -> Tensor:
        truth = batch.y
        known = ops.cast(truth != IGNORED, "float32")
        logs = ops.log_softmax(output, axis=-1)
        index = ops.maximum(truth, 0)[..., None]
        each = -ops.take_along_axis(logs, index, axis=-1)[..., 0]
        if smoothing:
            each = (1.0 - smoothing) * each - smoothing * ops.mean(logs, axis=-1)
        if batch.weight is not None:
            known = known * batch.weight[:, None]
        return ops.stack([ops.sum(each * known), ops.sum(known)])

    return loss


def binary_cross_entropy(smoothing: float) -> Loss:
    """Of each class by itself; smoothing moves the truth towards one half."""
    plain = of_values("binary_cross_entropy")

    def loss(output: Tensor, batch: Batch) -> Tensor:
        truth = ops.cast(batch.y, "float32")
        return plain(output, replace(batch, y=truth * (1.0 - smoothing) + 0.5 * smoothing))

    return loss


def loss_of(training: Training) -> Loss:
    """The loss that a training asks for."""
    if training.loss in SMOOTHED:
        return SMOOTHED[training.loss](training.label_smoothing)
    return of_values(training.loss)


def _huber(output: Tensor, truth: Tensor) -> Tensor:
    off = ops.abs(output - truth)
    return ops.where(off <= 1.0, 0.5 * ops.square(off), off - 0.5)


def _binary(output: Tensor, truth: Tensor) -> Tensor:
    """- y log p - (1 - y) log(1 - p), p = sigmoid(output), written so that nothing overflows"""
    return ops.softplus(output) - output * truth


VALUES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": lambda output, truth: ops.square(output - truth),
    "mae": lambda output, truth: ops.abs(output - truth),
    "huber": _huber,
    "binary_cross_entropy": _binary,
}
SMOOTHED = {"cross_entropy": cross_entropy, "binary_cross_entropy": binary_cross_entropy}
