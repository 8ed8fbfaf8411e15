"""The networks on PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, final

import torch
from torch import Tensor, nn

from gatewise.batch import PADDING, Batch
from gatewise.engines.torch.attention import DecoderAttention, Pooling
from gatewise.engines.torch.cells import Dropout, Dropped, Slot, Stack, State
from gatewise.engines.torch.layers import (
    Bridge,
    Embedding,
    Head,
    Shortcut,
    kept_rows,
    looked_up,
)
from gatewise.spec import NetworkSpec
from gatewise.weights import decoder_input_size, position_size


class Answer(NamedTuple):
    """As gatewise.engine.Outputs, in tensors; the states one per layer."""

    output: Tensor
    attention: Tensor | None = None
    states: list[State] | None = None


class DecoderDropped(NamedTuple):
    """What a batch drops of a decoder for all steps alike, however many calls they take.

    rows   of the table, see kept_rows
    read   of the vectors that are read, shown: of what the head reads; see Dropout.factors
    """

    stack: Dropped
    rows: Tensor | None = None
    read: Tensor | None = None
    shown: Tensor | None = None


def build(spec: NetworkSpec) -> ManyToOne | ManyToMany | EncoderDecoder:
    """The module of a spec; its weights are not initialised."""
    return NETS[spec.kind](spec)


@final
class ManyToOne(nn.Module):
    """embedding -> stack -> pooling -> one head for all steps of the horizon."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding = Embedding(spec)
        inputs = spec.embedding_size or spec.input_size
        self.encoder = Stack(spec, inputs, bidirectional=spec.bidirectional)
        self.pooling = Pooling(spec)
        self.dropout = Dropout(spec.dropout)
        self.head = Head(spec.pooled_size, spec.horizon * spec.output_size)
        self.shortcut = Shortcut(spec) if spec.shortcut else None

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives) of every weight."""
        yield from self.embedding.slots()
        yield from self.encoder.slots("encoder")
        yield from self.pooling.slots()
        yield from self.head.slots()
        if self.shortcut is not None:
            yield from self.shortcut.slots()

    def forward(self, batch: Batch) -> Answer:
        """Output (B, K, D), and the attention (B, T) where there is one."""
        x, lengths = self.embedding(batch.x, batch.lengths)
        outputs, _ = self.encoder(x, lengths)
        pooled, attention = self.pooling(outputs, lengths)
        output = self.head(self.dropout(pooled))  # (B, K * D)
        output = output.view(-1, self.spec.horizon, self.spec.output_size)
        return Answer(output if self.shortcut is None else output + self.shortcut(batch), attention)


@final
class ManyToMany(nn.Module):
    """embedding -> stack -> a head at every step; the state can be carried on."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding = Embedding(spec)
        inputs = spec.embedding_size or spec.input_size
        both = spec.bidirectional  # has read the end: nothing to carry on
        self.encoder = Stack(spec, inputs, bidirectional=both, exact_state=not both)
        self.dropout = Dropout(spec.dropout, spec.variational_dropout)
        table = self.embedding.table if spec.tie_embedding else None
        self.head = Head(spec.encoded_size, spec.output_size, table)

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives) of every weight."""
        yield from self.embedding.slots()
        yield from self.encoder.slots("encoder")
        yield from self.head.slots()

    def forward(self, batch: Batch, states: list[State] | None = None) -> Answer:
        """Output (B, T, D), and the states after each last valid step."""
        x, lengths = self.embedding(batch.x, batch.lengths)
        if states is None and batch.state is not None:
            states = [
                tuple(part[layer][None] for part in batch.state)
                for layer in range(self.spec.num_layers)
            ]
        outputs, finals = self.encoder(x, lengths, states)
        return Answer(
            self.head(self.dropout(outputs)),
            states=None if self.spec.bidirectional else finals,
        )


@final
class EncoderDecoder(nn.Module):
    """embedding -> stack -> bridge -> decoder stack: fed back, by position, of tokens -> head."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        self.embedding = Embedding(spec)
        inputs = spec.embedding_size or spec.input_size
        self.encoder = Stack(spec, inputs, bidirectional=spec.bidirectional, exact_state=True)
        self.bridge = Bridge(spec) if spec.bidirectional else None
        self.positions = (
            nn.Parameter(torch.empty(spec.positions, position_size(spec)))
            if spec.decoder == "by_position"
            else None
        )
        self.table = (
            nn.Embedding(spec.output_size, position_size(spec), padding_idx=PADDING)
            if spec.decoder == "tokens"
            else None
        )
        alike = spec.variational_dropout
        self.input_dropout = Dropout(spec.input_dropout, alike)
        self.row_dropout = nn.Dropout(spec.embedding_dropout)
        self.decoder = Stack(spec, decoder_input_size(spec), bidirectional=False)
        self.attention = None if spec.attention == "none" else DecoderAttention(spec)
        self.dropout = Dropout(spec.dropout, alike)
        self.head = Head(
            spec.hidden_size,
            spec.segment_length * spec.output_size,
            self.table if spec.tie_embedding else None,
        )
        self.shortcut = Shortcut(spec) if spec.shortcut else None

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives) of every weight."""
        yield from self.embedding.slots()
        yield from self.encoder.slots("encoder")
        if self.bridge is not None:
            yield from self.bridge.slots()
        if self.positions is not None:
            yield "decoder.positions", Slot(self.positions)
        if self.table is not None:
            yield "decoder.table", Slot(self.table.weight)
        yield from self.decoder.slots("decoder")
        if self.attention is not None:
            yield from self.attention.slots()
        yield from self.head.slots()
        if self.shortcut is not None:
            yield from self.shortcut.slots()

    def forward(self, batch: Batch, forced: Tensor | None = None) -> Answer:
        """Output (B, K, D), and the attention (B, K, T) where there is one.

        forced  (B, K) True where the decoder reads the truth of the step before, elsewhere its
                own answer; None: a decoder of values never reads it, one of tokens always
        """
        x, lengths = self.embedding(batch.x, batch.lengths)
        memory, states = self.encoder(x, lengths)
        if self.bridge is not None:
            states = self.bridge(states)
        dropped = self._dropped(states)
        if self.table is not None:
            return self._tokens(self.table, batch, memory, states, forced, dropped)
        if self.positions is not None:
            output = self._by_position(self.positions, batch, states, dropped)
            return Answer(output if self.shortcut is None else output + self.shortcut(batch))
        return Answer(self._fed_back(batch, states, forced, dropped))

    def _dropped(self, states: list[State]) -> DecoderDropped:
        rows, spec = states[0][0][0], self.spec  # (B, H)
        stack = self.decoder.dropped(rows)
        shown = self.dropout.factors(rows, spec.hidden_size)
        if self.table is None:
            return DecoderDropped(stack, shown=shown)
        read = self.input_dropout.factors(rows, position_size(spec))
        return DecoderDropped(stack, kept_rows(self.table, self.row_dropout), read, shown)

    def _tokens(
        self,
        table: nn.Embedding,
        batch: Batch,
        memory: Tensor,
        states: list[State],
        forced: Tensor | None,
        dropped: DecoderDropped,
    ) -> Answer:
        """Step k reads the id of step k - 1, at first batch.start; as many steps as batch.y."""
        start: Tensor = batch.start  # type: ignore[assignment]  # such a batch has both
        truth: Tensor = batch.y  # type: ignore[assignment]
        before = torch.cat([start.long(), truth[:, :-1].long().clamp(min=PADDING)], dim=1)
        if forced is None or bool(forced.all()):
            output, attention, _ = self._write(
                table, before, memory, batch.lengths, states, dropped
            )
            return Answer(output, attention)
        outputs: list[Tensor] = []
        weights: list[Tensor] = []
        for step in range(truth.shape[1]):
            read = before[:, step]
            if step:
                read = torch.where(forced[:, step], read, outputs[-1][:, 0].argmax(-1))
            output, attention, states = self._write(
                table, read[:, None], memory, batch.lengths, states, dropped
            )
            outputs.append(output)
            if attention is not None:
                weights.append(attention)
        return Answer(torch.cat(outputs, dim=1), torch.cat(weights, dim=1) if weights else None)

    def _write(
        self,
        table: nn.Embedding,
        read: Tensor,
        memory: Tensor,
        lengths: Tensor | None,
        states: list[State],
        dropped: DecoderDropped,
    ) -> tuple[Tensor, Tensor | None, list[State]]:
        """ids (B, K) -> logits (B, K, V), attention (B, K, T), states"""
        inputs = self.input_dropout(looked_up(table, read, dropped.rows), dropped.read)
        shown, states = self.decoder(inputs, None, states, dropped.stack)
        attention = None
        if self.attention is not None:
            shown, attention = self.attention(shown, memory, lengths)
        return self.head(self.dropout(shown, dropped.shown)), attention, states

    def _by_position(
        self, positions: Tensor, batch: Batch, states: list[State], dropped: DecoderDropped
    ) -> Tensor:
        spec = self.spec
        inputs = positions.expand(len(batch.x), -1, -1)  # (M, E) -> (B, M, E)
        if batch.future is not None:
            missing = spec.positions * spec.segment_length - spec.horizon
            future = nn.functional.pad(batch.future, (0, 0, 0, missing))  # zeros behind K
            inputs = torch.cat([inputs, future.reshape(len(inputs), spec.positions, -1)], dim=-1)
        outputs, _ = self.decoder(inputs, None, states, dropped.stack)  # (B, M, H)
        output = self.head(self.dropout(outputs, dropped.shown))  # (B, M, S * D)
        steps: Tensor = output.reshape(len(inputs), -1, spec.output_size)
        return steps[:, : spec.horizon]

    def _fed_back(
        self, batch: Batch, states: list[State], forced: Tensor | None, dropped: DecoderDropped
    ) -> Tensor:
        start: Tensor = batch.start  # type: ignore[assignment]  # a fed-back batch has one
        truth: Tensor = start if batch.y is None else batch.y
        if forced is not None and bool(forced.all()):
            before = torch.cat([start[:, None], truth[:, :-1]], dim=1)  # (B, K, D)
            return self._decode(before, batch.future, states, dropped)[0]
        value = start[:, None]  # (B, 1, D)
        outputs = []
        for step in range(self.spec.horizon):
            if forced is not None and step > 0:
                value = torch.where(forced[:, step, None, None], truth[:, step - 1, None], value)
            future = None if batch.future is None else batch.future[:, step, None]
            value, states = self._decode(value, future, states, dropped)
            outputs.append(value)
        return torch.cat(outputs, dim=1)

    def _decode(
        self, values: Tensor, future: Tensor | None, states: list[State], dropped: DecoderDropped
    ) -> tuple[Tensor, list[State]]:
        inputs = values if future is None else torch.cat([values, future], dim=-1)
        outputs, states = self.decoder(inputs, None, states, dropped.stack)
        return self.head(self.dropout(outputs, dropped.shown)), states


NETS: dict[str, type[ManyToOne] | type[ManyToMany] | type[EncoderDecoder]] = {
    "many_to_one": ManyToOne,
    "many_to_many": ManyToMany,
    "encoder_decoder": EncoderDecoder,
}
