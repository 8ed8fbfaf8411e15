"""The parts of a network around its recurrent stacks, on PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import torch
from torch import Tensor, nn

from gatewise.batch import PADDING, UNKNOWN, Batch
from gatewise.engines.torch.cells import Dropout, Slot, State
from gatewise.spec import NetworkSpec


@final
class Embedding(nn.Module):
    """What the first layer reads: the features as they are, one linear map of each step or of
    each segment of S steps side by side, or the sum of the vectors of each step's F tokens.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.segment_length = spec.segment_length
        self.linear: nn.Linear | None = None
        self.table: nn.Embedding | None = None
        if spec.embedding == "tokens":
            self.table = nn.Embedding(spec.vocab_size, spec.embedding_size, padding_idx=PADDING)
        elif spec.embedding != "none":
            self.linear = nn.Linear(spec.input_size * spec.segment_length, spec.embedding_size)
        self.dropout = Dropout(spec.input_dropout, spec.variational_dropout)
        self.token_dropout = spec.token_dropout
        self.row_dropout = nn.Dropout(spec.embedding_dropout)

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives)"""
        if self.table is not None:
            yield "embedding.table", Slot(self.table.weight)
        if self.linear is not None:
            yield from linear_slots("embedding", self.linear)

    def forward(self, x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(B, T, F) -> (B, T / S, E), and the lengths in segments."""
        if self.table is not None:
            if self.training and self.token_dropout:
                dropped = torch.rand(x.shape[:2], device=x.device) < self.token_dropout  # (B, T)
                unknown = (torch.arange(x.shape[2], device=x.device) == 0) * UNKNOWN  # (F,)
                x = torch.where(dropped[..., None], unknown.to(x.dtype), x)
            rows = kept_rows(self.table, self.row_dropout)
            read = looked_up(self.table, x[:, :, 0] if x.shape[2] == 1 else x, rows)
            return self.dropout(read if x.shape[2] == 1 else read.sum(2)), lengths
        if self.linear is None:
            return self.dropout(x), lengths
        size = self.segment_length
        if size > 1:
            x = x.reshape(x.shape[0], x.shape[1] // size, size * x.shape[2])
            lengths = None if lengths is None else lengths // size
        return self.dropout(self.linear(x)), lengths


def kept_rows(table: nn.Embedding, dropout: nn.Dropout) -> Tensor | None:
    """(V, 1) factors of the rows of a table, of a batch; None: nothing is dropped.

    Source: Merity et al. 2018, section 4.3; Gal & Ghahramani 2016.
    """
    if not dropout.p or not dropout.training:
        return None
    kept: Tensor = dropout(torch.ones(table.num_embeddings, 1, device=table.weight.device))
    return kept


def looked_up(table: nn.Embedding, ids: Tensor, rows: Tensor | None) -> Tensor:
    """The vectors of ids, (...) -> (..., E); rows: see kept_rows"""
    vectors: Tensor = table(ids)
    return vectors if rows is None else vectors * nn.functional.embedding(ids, rows)


@final
class Shortcut(nn.Module):
    """The last N valid steps of the predicted values, straight to the output; not trained.

        output[k, d] = sum over n of x[T - N + n, d] * kernel[n, k, d] + bias[k, d]

    Source: the autoregressive part of Lai et al. 2018 (LSTNet), section 3.6.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        told = spec.horizon * spec.output_size
        self.kernel = nn.Parameter(torch.empty(spec.shortcut, told), requires_grad=False)
        self.bias = nn.Parameter(torch.empty(told), requires_grad=False)

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives)"""
        yield "shortcut.kernel", Slot(self.kernel)
        yield "shortcut.bias", Slot(self.bias)

    def forward(self, batch: Batch) -> Tensor:
        """(B, T, F) -> (B, K, D)"""
        spec, x = self.spec, batch.x[:, :, : self.spec.output_size]
        count, steps = spec.shortcut, x.shape[1]
        if batch.lengths is None:
            x = x[:, -count:] if steps >= count else nn.functional.pad(x, (0, 0, count - steps, 0))
        else:
            index = batch.lengths[:, None] - count + torch.arange(count, device=x.device)  # (B, N)
            read = x.gather(1, index.clamp(min=0)[..., None].expand(-1, -1, x.shape[2]))
            x = read.masked_fill((index < 0)[..., None], 0.0)
        kernel = self.kernel.view(count, spec.horizon, spec.output_size)
        output = torch.einsum("bnd,nkd->bkd", x, kernel)
        return output + self.bias.view(spec.horizon, spec.output_size)


@final
class Head(nn.Module):
    """The linear map to what is predicted: x @ kernel + bias.

    Tied, its kernel is a table of token vectors, transposed (Press & Wolf 2017).
    """

    def __init__(self, inputs: int, outputs: int, table: nn.Embedding | None = None) -> None:
        super().__init__()
        self.tied = table is not None
        self.weight = nn.Parameter(torch.empty(outputs, inputs)) if table is None else table.weight
        self.bias = nn.Parameter(torch.empty(outputs))
        if table is not None:
            table.weight.register_hook(_padding_stays)  # type: ignore[no-untyped-call]

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives)"""
        if not self.tied:
            yield "head.kernel", Slot(self.weight, transposed=True)
        yield "head.bias", Slot(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(..., X) -> (..., D)"""
        return nn.functional.linear(x, self.weight, self.bias)


@final
class Bridge(nn.Module):
    """Final states of both directions of each layer -> first states of a one-way decoder."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        size = spec.hidden_size
        self.names = ("h", "c") if spec.cell == "lstm" else ("h",)
        self.maps = nn.ModuleList(
            nn.Linear(2 * size, size) for _ in range(spec.num_layers * len(self.names))
        )

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives)"""
        for index, linear in enumerate(self.maps):
            layer, state = divmod(index, len(self.names))
            if isinstance(linear, nn.Linear):
                yield from linear_slots(f"bridge.{layer}.{self.names[state]}", linear)

    def forward(self, states: list[State]) -> list[State]:
        """Two states per layer -> one."""
        bridged = []
        for layer in range(len(states) // 2):
            ahead, back = states[2 * layer], states[2 * layer + 1]
            own = self.maps[layer * len(self.names) : (layer + 1) * len(self.names)]
            bridged.append(
                tuple(
                    linear(torch.cat([a, b], dim=-1))
                    for linear, a, b in zip(own, ahead, back, strict=True)
                )
            )
        return bridged


def _padding_stays(gradient: Tensor) -> Tensor:
    """Of a table that is also the head's: the row of PADDING must go on adding nothing."""
    rows = torch.arange(len(gradient), device=gradient.device)
    return gradient.masked_fill((rows == PADDING)[:, None], 0.0)


def linear_slots(prefix: str, linear: nn.Linear) -> Iterator[tuple[str, Slot]]:
    """(canonical name, where it lives) of kernel and bias."""
    yield f"{prefix}.kernel", Slot(linear.weight, transposed=True)
    yield f"{prefix}.bias", Slot(linear.bias)
