"""The networks on PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import torch
from torch import Tensor, nn

from gatewise.batch import Batch
from gatewise.engines.torch.attention import Pooling
from gatewise.engines.torch.cells import Slot, Stack, State
from gatewise.spec import NetworkSpec
from gatewise.weights import decoder_input_size, position_size


def build(spec: NetworkSpec) -> ManyToOne | EncoderDecoder:
    """The module of a spec; its weights are not initialised."""
    return ManyToOne(spec) if spec.kind == "many_to_one" else EncoderDecoder(spec)


@final
class Embedding(nn.Module):
    """One linear map of each step, or of each segment of S steps side by side."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.segment_length = spec.segment_length
        self.linear = nn.Linear(spec.input_size * spec.segment_length, spec.embedding_size)

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives)"""
        yield from _linear_slots("embedding", self.linear)

    def forward(self, x: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(B, T, F) -> (B, T / S, E), and the lengths in segments."""
        size = self.segment_length
        if size > 1:
            x = x.reshape(x.shape[0], x.shape[1] // size, size * x.shape[2])
            lengths = None if lengths is None else lengths // size
        return self.linear(x), lengths


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
class ManyToOne(nn.Module):
    """embedding -> stack -> pooling -> one head for all steps of the horizon."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding = None if spec.embedding == "none" else Embedding(spec)
        inputs = spec.embedding_size or spec.input_size
        self.encoder = Stack(spec, inputs, bidirectional=spec.bidirectional)
        self.pooling = Pooling(spec)
        self.dropout = nn.Dropout(spec.dropout)
        self.head = nn.Linear(spec.encoded_size, spec.horizon * spec.output_size)
        self.shortcut = Shortcut(spec) if spec.shortcut else None

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives) of every weight."""
        if self.embedding is not None:
            yield from self.embedding.slots()
        yield from self.encoder.slots("encoder")
        yield from self.pooling.slots()
        yield from _linear_slots("head", self.head)
        if self.shortcut is not None:
            yield from self.shortcut.slots()

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Output (B, K, D), and the attention (B, T) where there is one."""
        x, lengths = batch.x, batch.lengths
        if self.embedding is not None:
            x, lengths = self.embedding(x, lengths)
        outputs, _ = self.encoder(x, lengths)
        pooled, attention = self.pooling(outputs, lengths)
        output = self.head(self.dropout(pooled))  # (B, K * D)
        output = output.view(-1, self.spec.horizon, self.spec.output_size)
        return output if self.shortcut is None else output + self.shortcut(batch), attention


@final
class EncoderDecoder(nn.Module):
    """embedding -> stack -> bridge -> decoder stack, fed back or by position -> head."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding = None if spec.embedding == "none" else Embedding(spec)
        inputs = spec.embedding_size or spec.input_size
        self.encoder = Stack(spec, inputs, bidirectional=spec.bidirectional, exact_state=True)
        self.bridge = Bridge(spec) if spec.bidirectional else None
        self.positions = (
            nn.Parameter(torch.empty(spec.positions, position_size(spec)))
            if spec.decoder == "by_position"
            else None
        )
        self.decoder = Stack(spec, decoder_input_size(spec), bidirectional=False)
        self.dropout = nn.Dropout(spec.dropout)
        self.head = nn.Linear(spec.hidden_size, spec.segment_length * spec.output_size)
        self.shortcut = Shortcut(spec) if spec.shortcut else None

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives) of every weight."""
        if self.embedding is not None:
            yield from self.embedding.slots()
        yield from self.encoder.slots("encoder")
        if self.bridge is not None:
            yield from self.bridge.slots()
        if self.positions is not None:
            yield "decoder.positions", Slot(self.positions)
        yield from self.decoder.slots("decoder")
        yield from _linear_slots("head", self.head)
        if self.shortcut is not None:
            yield from self.shortcut.slots()

    def forward(self, batch: Batch, forced: Tensor | None = None) -> tuple[Tensor, None]:
        """Output (B, K, D).

        forced  (B, K) True where a fed-back decoder reads the truth of the step before;
                None: nowhere
        """
        x, lengths = batch.x, batch.lengths
        if self.embedding is not None:
            x, lengths = self.embedding(x, lengths)
        _, states = self.encoder(x, lengths)
        if self.bridge is not None:
            states = self.bridge(states)
        if self.positions is not None:
            output = self._by_position(self.positions, batch, states)
            return output if self.shortcut is None else output + self.shortcut(batch), None
        return self._fed_back(batch, states, forced), None

    def _by_position(self, positions: Tensor, batch: Batch, states: list[State]) -> Tensor:
        spec = self.spec
        inputs = positions.expand(len(batch.x), -1, -1)  # (M, E) -> (B, M, E)
        if batch.future is not None:
            missing = spec.positions * spec.segment_length - spec.horizon
            future = nn.functional.pad(batch.future, (0, 0, 0, missing))  # zeros behind K
            inputs = torch.cat([inputs, future.reshape(len(inputs), spec.positions, -1)], dim=-1)
        outputs, _ = self.decoder(inputs, states=states)  # (B, M, H)
        output = self.head(self.dropout(outputs))  # (B, M, S * D)
        steps: Tensor = output.reshape(len(inputs), -1, spec.output_size)
        return steps[:, : spec.horizon]

    def _fed_back(self, batch: Batch, states: list[State], forced: Tensor | None) -> Tensor:
        start: Tensor = batch.start  # type: ignore[assignment]  # a fed-back batch has one
        truth: Tensor = start if batch.y is None else batch.y
        if forced is not None and bool(forced.all()):
            before = torch.cat([start[:, None], truth[:, :-1]], dim=1)  # (B, K, D)
            return self._decode(before, batch.future, states)[0]
        value = start[:, None]  # (B, 1, D)
        outputs = []
        for step in range(self.spec.horizon):
            if forced is not None and step > 0:
                value = torch.where(forced[:, step, None, None], truth[:, step - 1, None], value)
            future = None if batch.future is None else batch.future[:, step, None]
            value, states = self._decode(value, future, states)
            outputs.append(value)
        return torch.cat(outputs, dim=1)

    def _decode(
        self, values: Tensor, future: Tensor | None, states: list[State]
    ) -> tuple[Tensor, list[State]]:
        inputs = values if future is None else torch.cat([values, future], dim=-1)
        outputs, states = self.decoder(inputs, states=states)
        return self.head(self.dropout(outputs)), states


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
                yield from _linear_slots(f"bridge.{layer}.{self.names[state]}", linear)

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


def _linear_slots(prefix: str, linear: nn.Linear) -> Iterator[tuple[str, Slot]]:
    yield f"{prefix}.kernel", Slot(linear.weight, transposed=True)
    yield f"{prefix}.bias", Slot(linear.bias)
