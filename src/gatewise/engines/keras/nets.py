"""The networks on Keras."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, final

import keras
from keras import ops

from gatewise.batch import PADDING, Batch
from gatewise.engines.keras.attention import DecoderAttention, Pooling
from gatewise.engines.keras.backend import backend
from gatewise.engines.keras.cells import (
    FLOAT,
    Dropout,
    Dropped,
    Noise,
    Slot,
    Stack,
    State,
    Tensor,
    side_by_side,
    symbolic,
)
from gatewise.engines.keras.layers import (
    Bridge,
    Embedding,
    Head,
    Shortcut,
    kept_rows,
    looked_up,
    table_of,
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

    stack: Dropped | None = None
    rows: Tensor | None = None
    read: Tensor | None = None
    shown: Tensor | None = None


def build(spec: NetworkSpec) -> ManyToOne | ManyToMany | EncoderDecoder:
    """The network of a spec; its weights are not initialised."""
    return NETS[spec.kind](spec)


@final
class ManyToOne:
    """embedding -> stack -> pooling -> one head for all steps of the horizon."""

    def __init__(self, spec: NetworkSpec) -> None:
        self.spec = spec
        self.embedding = Embedding(spec)
        inputs = spec.embedding_size or spec.input_size
        self.encoder = Stack(spec, inputs, bidirectional=spec.bidirectional)
        self.pooling = Pooling(spec)
        self.dropout = Dropout(spec.dropout)
        self.head = Head(spec.pooled_size, spec.horizon * spec.output_size)
        self.steps = keras.layers.Reshape((spec.horizon, spec.output_size), dtype=FLOAT)
        self.shortcut = Shortcut(spec) if spec.shortcut else None

    def slots(self) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives) of every weight."""
        yield from self.embedding.slots()
        yield from self.encoder.slots("encoder")
        yield from self.pooling.slots()
        yield from self.head.slots()
        if self.shortcut is not None:
            yield from self.shortcut.slots()

    def __call__(self, batch: Batch, noise: Noise | None = None) -> Answer:
        """Output (B, K, D), and the attention (B, T) where there is one.

        noise  random numbers of a step of training; None: nothing is dropped
        """
        x, lengths = self.embedding(batch.x, batch.lengths, noise)
        outputs, states = self.encoder(x, lengths, noise=noise)
        if self.spec.pooling == "last" and lengths is None:  # then outputs need not be kept
            top = states[-1 - self.spec.bidirectional :]
            pooled, attention = side_by_side(state[0] for state in top), None
        else:
            pooled, attention = self.pooling(outputs, lengths)
        output = self.steps(self.head(self.dropout(pooled, noise)))  # (B, K, D)
        return Answer(output if self.shortcut is None else output + self.shortcut(batch), attention)


@final
class ManyToMany:
    """embedding -> stack -> a head at every step; the state can be carried on."""

    def __init__(self, spec: NetworkSpec) -> None:
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

    def __call__(self, batch: Batch, noise: Noise | None = None) -> Answer:
        """Output (B, T, D), and the states after each last valid step."""
        x, lengths = self.embedding(batch.x, batch.lengths, noise)
        states = None
        if batch.state is not None:
            states = [
                tuple(batch.state[part, layer] for part in range(batch.state.shape[0]))
                for layer in range(self.spec.num_layers)
            ]
        outputs, finals = self.encoder(x, lengths, states, noise)
        return Answer(
            self.head(self.dropout(outputs, noise)),
            states=None if self.spec.bidirectional else finals,
        )


@final
class EncoderDecoder:
    """embedding -> stack -> bridge -> decoder stack: fed back, by position, of tokens -> head."""

    def __init__(self, spec: NetworkSpec) -> None:
        self.spec = spec
        self.embedding = Embedding(spec)
        inputs = spec.embedding_size or spec.input_size
        self.encoder = Stack(spec, inputs, bidirectional=spec.bidirectional, exact_state=True)
        self.bridge = Bridge(spec) if spec.bidirectional else None
        width = position_size(spec)
        self.positions = table_of(spec.positions, width) if spec.decoder == "by_position" else None
        self.table = table_of(spec.output_size, width) if spec.decoder == "tokens" else None
        alike = spec.variational_dropout
        self.input_dropout = Dropout(spec.input_dropout, alike)
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
            yield "decoder.positions", Slot(self.positions.embeddings)
        if self.table is not None:
            yield "decoder.table", Slot(self.table.embeddings)
        yield from self.decoder.slots("decoder")
        if self.attention is not None:
            yield from self.attention.slots()
        yield from self.head.slots()
        if self.shortcut is not None:
            yield from self.shortcut.slots()

    def __call__(self, batch: Batch, noise: Noise | None = None, forced: Any = None) -> Answer:
        """Output (B, K, D), and the attention (B, K, T) where there is one.

        forced  (B, K) 1 where the decoder reads the truth of the step before, 0 where its own
                answer; True: the truth everywhere; None: a decoder of values never reads it, one of
                tokens always
        """
        memory, states, lengths = self.encode(batch, noise)
        dropped = self._dropped(states, noise)
        if self.table is not None:
            return self._tokens(batch, memory, states, lengths, noise, forced, dropped)
        if self.positions is not None:
            output = self._by_position(batch, states, noise, dropped)
            return Answer(output if self.shortcut is None else output + self.shortcut(batch))
        return Answer(self._fed_back(batch, states, noise, forced, dropped))

    def _dropped(self, states: list[State], noise: Noise | None) -> DecoderDropped:
        if noise is None:
            return DecoderDropped()
        rows, spec = states[0][0], self.spec  # (B, H)
        stack = self.decoder.dropped(rows, noise)
        shown = self.dropout.factors(rows, spec.hidden_size, noise)
        if self.table is None:
            return DecoderDropped(stack, shown=shown)
        read = self.input_dropout.factors(rows, position_size(spec), noise)
        kept = kept_rows(self.table, spec.embedding_dropout, noise)
        return DecoderDropped(stack, kept, read, shown)

    def encode(
        self, batch: Batch, noise: Noise | None = None
    ) -> tuple[Tensor, list[State], Tensor | None]:
        """What was read (B, T, D), the states in which the decoder begins, and the lengths."""
        x, lengths = self.embedding(batch.x, batch.lengths, noise)
        memory, states = self.encoder(x, lengths, noise=noise)
        return memory, states if self.bridge is None else self.bridge(states), lengths

    def _tokens(
        self,
        batch: Batch,
        memory: Tensor,
        states: list[State],
        lengths: Tensor | None,
        noise: Noise | None,
        forced: Any,
        dropped: DecoderDropped,
    ) -> Answer:
        """Step k reads the id of step k - 1, at first batch.start; as many steps as batch.y."""
        told = ops.maximum(batch.y[:, :-1], PADDING)  # type: ignore[index]  # such a batch has one
        before = ops.concatenate([batch.start, told], axis=1)  # (B, K)
        if forced is None or forced is True:
            answer = self.write(before, memory, states, lengths, noise, dropped)
            return answer._replace(states=None)

        def step(carry: Any, now: Any) -> tuple[Any, Any]:
            (states, written), (number, truth, reads_truth) = carry, now
            read = ops.where(reads_truth > 0, truth, written)
            own = None if noise is None else noise.of_step(number)
            answer = self.write(read[:, None], memory, states, lengths, own, dropped)
            written = ops.cast(ops.argmax(answer.output[:, 0], axis=-1), read.dtype)
            shown = [part[:, 0] for part in answer[:2] if part is not None]
            return (answer.states, written), shown

        first = ops.concatenate([ops.ones_like(forced[:, :1]), forced[:, 1:]], axis=1)
        numbers = ops.arange(ops.shape(before)[1], dtype="int32")
        steps = (numbers, ops.transpose(before), ops.transpose(first))  # (K,), (K, B), (K, B)
        _, series = backend.scan(step, (states, before[:, 0]), steps)
        return Answer(*(ops.swapaxes(part, 0, 1) for part in series))

    def write(
        self,
        read: Tensor,
        memory: Tensor | None,
        states: list[State],
        lengths: Tensor | None,
        noise: Noise | None = None,
        dropped: DecoderDropped | None = None,
    ) -> Answer:
        """ids (B, K) -> logits (B, K, V), attention (B, K, T), states"""
        dropped = dropped or DecoderDropped()
        inputs = self.input_dropout(looked_up(self.table, read, dropped.rows), noise, dropped.read)
        shown, states = self.decoder(inputs, None, states, noise, dropped.stack)
        attention = None
        if self.attention is not None:
            shown, attention = self.attention(shown, memory, lengths)
        return Answer(self.head(self.dropout(shown, noise, dropped.shown)), attention, states)

    def _by_position(
        self, batch: Batch, states: list[State], noise: Noise | None, dropped: DecoderDropped
    ) -> Tensor:
        spec = self.spec
        numbers = ops.arange(spec.positions, dtype="int32")
        numbers = ops.zeros_like(batch.x[:, :1, 0], dtype="int32") + numbers  # (B, M)
        inputs = self.positions(numbers)  # type: ignore[misc]  # (B, M, E)
        if batch.future is not None:
            missing = spec.positions * spec.segment_length - spec.horizon
            future = ops.pad(batch.future, ((0, 0), (0, missing), (0, 0)))  # zeros behind K
            width = spec.segment_length * spec.future_size
            future = keras.layers.Reshape((spec.positions, width), dtype=FLOAT)(future)
            inputs = ops.concatenate([inputs, future], axis=-1)
        outputs, _ = self.decoder(inputs, None, states, noise, dropped.stack)  # (B, M, H)
        output = self.head(self.dropout(outputs, noise, dropped.shown))  # (B, M, S * D)
        output = keras.layers.Reshape((-1, spec.output_size), dtype=FLOAT)(output)
        return output[:, : spec.horizon]

    def _fed_back(
        self,
        batch: Batch,
        states: list[State],
        noise: Noise | None,
        forced: Any,
        dropped: DecoderDropped,
    ) -> Tensor:
        start = batch.start[:, None]  # type: ignore[index]  # a fed-back batch has one
        if forced is True:
            before = ops.concatenate([start, batch.y[:, :-1]], axis=1)  # type: ignore[index]
            return self._decode(before, batch.future, states, noise, dropped)[0]
        if symbolic(start):
            return self._unrolled(start, batch, states)

        def step(carry: Any, now: dict[str, Tensor]) -> tuple[Any, Any]:
            states, value = carry
            if forced is not None:
                value = ops.where(now["forced"][:, None] > 0, now["truth"], value)
            future = now["future"][:, None] if "future" in now else None
            own = None if noise is None else noise.of_step(now["number"])
            output, states = self._decode(value[:, None], future, states, own, dropped)
            return (states, output[:, 0]), output[:, 0]

        steps = {"number": ops.arange(self.spec.horizon, dtype="int32")}
        if forced is not None:  # the first value is the start in any case
            before = ops.concatenate([start, batch.y[:, :-1]], axis=1)  # type: ignore[index]
            steps |= {"truth": ops.swapaxes(before, 0, 1), "forced": ops.transpose(forced)}
        if batch.future is not None:
            steps["future"] = ops.swapaxes(batch.future, 0, 1)
        _, outputs = backend.scan(step, (states, start[:, 0]), steps)  # (K, B, D)
        return ops.swapaxes(outputs, 0, 1)

    def _unrolled(self, value: Tensor, batch: Batch, states: list[State]) -> Tensor:
        """The same step by step, in a graph that is written: it may hold standard layers alone."""
        outputs = []
        for step in range(self.spec.horizon):
            future = None if batch.future is None else batch.future[:, step : step + 1]
            value, states = self._decode(value, future, states, None, DecoderDropped())
            outputs.append(value)
        return ops.concatenate(outputs, axis=1)

    def _decode(
        self,
        values: Tensor,
        future: Tensor | None,
        states: list[State],
        noise: Noise | None,
        dropped: DecoderDropped,
    ) -> tuple[Tensor, list[State]]:
        inputs = values if future is None else ops.concatenate([values, future], axis=-1)
        outputs, states = self.decoder(inputs, None, states, noise, dropped.stack)
        return self.head(self.dropout(outputs, noise, dropped.shown)), states


NETS: dict[str, type[ManyToOne] | type[ManyToMany] | type[EncoderDecoder]] = {
    "many_to_one": ManyToOne,
    "many_to_many": ManyToMany,
    "encoder_decoder": EncoderDecoder,
}
