"""Losses on PyTorch: each gives (sum, what it is the sum over), as one tensor of two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from gatewise.batch import IGNORED, Batch
from gatewise.spec import Training

Loss = Callable[[Tensor, Batch], Tensor]


def of_values(name: str) -> Loss:
    """The mean over all values of each example, summed over the (weighted) examples."""
    function = getattr(nn.functional, name)

    def loss(output: Tensor, batch: Batch) -> Tensor:
        truth = batch.y
        if batch.weight is None:
            mean = function(output, truth)
            return torch.stack([mean * len(output), mean.new_tensor(len(output))])
        each = function(output, truth, reduction="none").flatten(1).mean(1)  # (B,)
        return torch.stack([(each * batch.weight).sum(), batch.weight.sum()])

    return loss


def cross_entropy(smoothing: float) -> Loss:
    """- log softmax of the true class, summed over the steps that have one.

        (1 - s) * -log p[truth] + s * mean over classes of -log p      s: smoothing

    output (B, K, C), y (B, K). Source of smoothing: Szegedy et al. 2016, section 7.
    """

    def loss(output: Tensor, batch: Batch) -> Tensor:
        truth: Tensor = batch.y  # type: ignore[assignment]  # what is trained on has one
        truth = truth.long()
        known = truth != IGNORED
        each = nn.functional.cross_entropy(
            output.flatten(0, 1),
            truth.flatten(),
            ignore_index=IGNORED,
            reduction="none",
            label_smoothing=smoothing,
        ).view_as(truth)
        if batch.weight is None:
            return torch.stack([each.sum(), known.sum().to(each.dtype)])
        weight = batch.weight[:, None].to(each.dtype)  # (B, 1)
        return torch.stack([(each * weight).sum(), (known * weight).sum()])

    return loss


def binary_cross_entropy(smoothing: float) -> Loss:
    """Of each class by itself; smoothing moves the truth towards one half."""
    plain = of_values("binary_cross_entropy_with_logits")

    def loss(output: Tensor, batch: Batch) -> Tensor:
        truth: Tensor = batch.y  # type: ignore[assignment]
        return plain(output, replace(batch, y=truth * (1.0 - smoothing) + 0.5 * smoothing))

    return loss


def loss_of(training: Training) -> Loss:
    """The loss that a training asks for."""
    if training.loss in SMOOTHED:
        return SMOOTHED[training.loss](training.label_smoothing)
    return of_values(VALUES[training.loss])


VALUES = {"mse": "mse_loss", "mae": "l1_loss", "huber": "huber_loss"}  # in torch's words
SMOOTHED = {"cross_entropy": cross_entropy, "binary_cross_entropy": binary_cross_entropy}
