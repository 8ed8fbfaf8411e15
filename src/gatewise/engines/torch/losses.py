"""Losses on PyTorch: each gives (sum, what it is the sum over), as one tensor of two."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gatewise.batch import IGNORED, Batch

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


def cross_entropy(output: Tensor, batch: Batch) -> Tensor:
    """- log softmax of the true class, summed over the steps that have one.

    output (B, K, C), y (B, K)
    """
    truth: Tensor = batch.y  # type: ignore[assignment]  # what is trained on has one
    truth = truth.long()
    known = truth != IGNORED
    each = nn.functional.cross_entropy(
        output.flatten(0, 1), truth.flatten(), ignore_index=IGNORED, reduction="none"
    ).view_as(truth)
    if batch.weight is None:
        return torch.stack([each.sum(), known.sum().to(each.dtype)])
    weight = batch.weight[:, None].to(each.dtype)  # (B, 1)
    return torch.stack([(each * weight).sum(), (known * weight).sum()])


LOSSES: dict[str, Loss] = {
    "mse": of_values("mse_loss"),
    "mae": of_values("l1_loss"),
    "huber": of_values("huber_loss"),
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": of_values("binary_cross_entropy_with_logits"),
}
