"""Attention, and the other ways to make one vector of many steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import final

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from gatewise.engines.torch.cells import Slot, padding
from gatewise.spec import NetworkSpec

AT_ONCE = 2**26  # values between keys and scores of an additive attention, held at once


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
    """The steps of a stack as one vector: `last`, `attention`, `mean`, `max` or `mean_max`."""

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
        parts = [MEANS[how](outputs, lengths) for how in self.how.split("_")]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1), None

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


def mean(outputs: Tensor, lengths: Tensor | None) -> Tensor:
    """Over valid steps.  (B, T, D) -> (B, D)"""
    if lengths is None:
        return outputs.mean(1)
    total = outputs.masked_fill(padding(outputs, lengths)[..., None], 0.0).sum(1)
    return total / lengths[:, None].to(total.dtype)


def highest(outputs: Tensor, lengths: Tensor | None) -> Tensor:
    """Over valid steps.  (B, T, D) -> (B, D)"""
    if lengths is None:
        return outputs.amax(1)
    return outputs.masked_fill(padding(outputs, lengths)[..., None], -torch.inf).amax(1)


MEANS: dict[str, Callable[[Tensor, Tensor | None], Tensor]] = {"mean": mean, "max": highest}


@final
class DecoderAttention(nn.Module):
    """What each decoder step takes from the encoder's valid steps, after its own stack.

        additive        e_kt = v . tanh(W m_t + U h_k + b)      Bahdanau et al. 2015
        multiplicative  e_kt = (h_k U) . m_t                    Luong et al. 2015, "general"
        a_k   = softmax of e_k over valid steps                 exactly 0 at padding
        out_k = tanh(C [h_k; sum over t of a_kt m_t] + d)       Luong et al. 2015, section 3

    m (B, T, D) what the encoder gave, h (B, K, H) the decoder's stack
    """

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        read, hidden, size = spec.encoded_size, spec.hidden_size, spec.attention_size
        self.additive = spec.attention == "additive"
        if self.additive:
            self.keys = nn.Linear(read, size)
            self.score = nn.Parameter(torch.empty(size))
        self.query = nn.Linear(hidden, size if self.additive else read, bias=False)
        self.combine = nn.Linear(hidden + read, hidden)

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives)"""
        if self.additive:
            yield "attention.kernel", Slot(self.keys.weight, transposed=True)
            yield "attention.bias", Slot(self.keys.bias)
            yield "attention.score", Slot(self.score)
        yield "attention.query", Slot(self.query.weight, transposed=True)
        yield "combine.kernel", Slot(self.combine.weight, transposed=True)
        yield "combine.bias", Slot(self.combine.bias)

    def forward(
        self, shown: Tensor, memory: Tensor, lengths: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """(B, K, H) over (B, T, D) -> (B, K, H), weights (B, K, T)"""
        query = self.query(shown)
        if self.additive:
            scores = _additive_scores(self.keys(memory), query, self.score)  # (B, K, T)
        else:
            scores = query @ memory.transpose(1, 2)
        if lengths is not None:
            scores = scores.masked_fill(padding(memory, lengths)[:, None], -torch.inf)
        weights = torch.softmax(scores, dim=-1)
        if lengths is not None:  # the encoder's outputs there are meaningless, maybe not finite
            memory = memory.masked_fill(padding(memory, lengths)[..., None], 0.0)
        context = weights @ memory  # (B, K, D)
        return torch.tanh(self.combine(torch.cat([shown, context], dim=-1))), weights


def _additive_scores(keys: Tensor, query: Tensor, score: Tensor) -> Tensor:
    """(B, T, A), (B, K, A), (A,) -> (B, K, T)

    Long sequences are scored some decoder steps at a time, and once more on the way back: what
    stands between, (B, K, T, A), would fill the memory.
    """
    most = max(1, AT_ONCE // keys.numel())
    if query.shape[1] <= most:
        return _scores(keys, query, score)
    pieces = [
        checkpoint(_scores, keys, part, score, use_reentrant=False, preserve_rng_state=False)
        for part in torch.split(query, most, dim=1)
    ]
    return torch.cat(pieces, dim=1)


def _scores(keys: Tensor, query: Tensor, score: Tensor) -> Tensor:
    return torch.tanh(keys[:, None] + query[:, :, None]) @ score
