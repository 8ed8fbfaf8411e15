"""Additive attention and the other ways to make one vector of many steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import torch
from torch import Tensor, nn

from gatewise.engines.torch.cells import Slot
from gatewise.spec import NetworkSpec


@final
class AdditivePooling(nn.Module):
    """A weighted mean of the steps; the weights come from a small network.

        score_t  = v . tanh(W h_t + b)
        weight_t = softmax over valid steps of score_t        exactly 0 at padding
        pooled   = sum of weight_t * h_t

    Source: Bahdanau et al. 2015, with a learned query in place of the decoder's state.
    """

    def __init__(self, inputs: int, attention_size: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, attention_size)
        self.score = nn.Parameter(torch.empty(attention_size))

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives)"""
        yield "attention.kernel", Slot(self.hidden.weight, transposed=True)
        yield "attention.bias", Slot(self.hidden.bias)
        yield "attention.score", Slot(self.score)

    def forward(self, outputs: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """(B, T, D) -> pooled (B, D), weights (B, T)"""
        scores = torch.tanh(self.hidden(outputs)) @ self.score  # (B, T)
        if lengths is not None:
            scores = scores.masked_fill(padding(outputs, lengths), -torch.inf)
        weights = torch.softmax(scores, dim=1)
        return torch.einsum("bt,btd->bd", weights, outputs), weights


@final
class Pooling(nn.Module):
    """The steps of a stack as one vector: `last`, `attention`, `mean` or `max`."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
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

    def forward(self, outputs: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(B, T, D) -> pooled (B, D), and the attention (B, T) where there is one."""
        if self.additive is not None:
            pooled: tuple[Tensor, Tensor] = self.additive(outputs, lengths)
            return pooled
        if self.how == "last":
            return self._last(outputs, lengths), None
        if lengths is None:
            return (outputs.mean(1) if self.how == "mean" else outputs.amax(1)), None
        behind = padding(outputs, lengths)[..., None]
        if self.how == "mean":
            total = outputs.masked_fill(behind, 0.0).sum(1)
            return total / lengths[:, None].to(total.dtype), None
        return outputs.masked_fill(behind, -torch.inf).amax(1), None

    def _last(self, outputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Forward at the last valid step, backward at the first: each has read everything."""
        if lengths is None:
            last = outputs[:, -1]
        else:
            last = outputs[torch.arange(len(outputs), device=outputs.device), lengths - 1]
        if not self.bidirectional:
            return last
        size = self.hidden_size
        return torch.cat([last[:, :size], outputs[:, 0, size:]], dim=-1)


def padding(outputs: Tensor, lengths: Tensor) -> Tensor:
    """True behind each sequence's length.  (B, T)"""
    return torch.arange(outputs.shape[1], device=outputs.device) >= lengths[:, None]
