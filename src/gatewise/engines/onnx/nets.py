"""The networks as ONNX graphs, written straight from spec and canonical weights."""

from __future__ import annotations

from typing import final

from gatewise.engines.onnx.attention import attend, pool, step_mask
from gatewise.engines.onnx.graph import INT64, Graph, States
from gatewise.engines.onnx.layers import (
    bridge,
    embed,
    fold,
    hand_out,
    head,
    read_ids,
    read_sequences,
    shortcut,
    stack,
    take_in,
)
from gatewise.spec import NetworkSpec
from gatewise.weights import Weights, position_size


@final
class ManyToOne:
    """Embedding, stack, pooling, one head for all steps: one graph, `model`.

    inputs   x (B, T, F), lengths (B,) int64
    outputs  output (B, K, D), attention (B, T/S) where pooling is attention
    """

    def __init__(self, spec: NetworkSpec, weights: Weights) -> None:
        self.spec = spec
        self.weights = weights

    def graphs(self) -> dict[str, bytes]:
        spec = self.spec
        graph = Graph("many_to_one", fold(spec, self.weights))
        x, lengths = read_sequences(graph, spec)
        read, ends = embed(graph, spec, x, lengths)
        steps, finals = stack(graph, spec, "encoder", read, lengths=ends)
        pooled, attention = pool(graph, spec, steps, finals, ends)  # (B, H * directions)
        shape = graph.integers(-1, spec.horizon, spec.output_size)
        output = graph.add("Reshape", head(graph, spec, pooled), shape)
        output = shortcut(graph, spec, x, lengths, output)
        graph.output("output", ("batch", spec.horizon, spec.output_size), output)
        if attention:
            graph.output("attention", ("batch", "steps"), attention)
        return {"model": graph.to_bytes()}


@final
class ManyToMany:
    """Embedding, stack, a head at every step: one graph, `model`.

    inputs   x (B, T, F), lengths (B,) int64; one-way also h, c (layers, B, H) to begin in;
             no c but for an LSTM
    outputs  output (B, T, D), meaningless at padding; one-way also next_h, next_c after each
             last valid step
    """

    def __init__(self, spec: NetworkSpec, weights: Weights) -> None:
        self.spec = spec
        self.weights = weights

    def graphs(self) -> dict[str, bytes]:
        spec = self.spec
        graph = Graph("many_to_many", fold(spec, self.weights))
        x, lengths = embed(graph, spec, *read_sequences(graph, spec))
        begin = None if spec.bidirectional else take_in(graph, spec)
        steps, finals = stack(graph, spec, "encoder", x, lengths=lengths, states=begin)
        output = head(graph, spec, graph.steps_side_by_side(steps))
        graph.output("output", ("batch", "time", spec.output_size), output)
        if not spec.bidirectional:
            hand_out(graph, spec, finals, "next_")
        return {"model": graph.to_bytes()}


@final
class EncoderDecoder:
    """Encoder, bridge, decoder.

    by_position: one graph, `model`.
        inputs   x (B, T, F), lengths (B,) int64, future (B, K, P) where P > 0
        outputs  output (B, K, D)
    fed_back: two graphs. `encoder` is run once, `decoder` once for each predicted step, and is
    given the states that it, or at first the encoder, handed out.
        encoder  x, lengths -> h, c (layers, B, H) each; no c but for an LSTM
        decoder  value (B, D), future (B, P), h, c -> output (B, D), next_h, next_c
    tokens: two graphs, `decoder` run for as many steps at once as their ids are known.
        encoder  x, lengths -> h, c, with attention memory (B, T, X), 0 at padding, and for an
                 additive one keys (B, T, A), what it makes of the memory alone
        decoder  tokens (B, K) int64, h, c, memory, keys, lengths
                 -> output (B, K, D), attention (B, K, T), next_h, next_c
    """

    def __init__(self, spec: NetworkSpec, weights: Weights) -> None:
        self.spec = spec
        self.weights = weights

    def graphs(self) -> dict[str, bytes]:
        if self.spec.decoder == "by_position":
            return {"model": self._by_position()}
        if self.spec.decoder == "tokens":
            weights = fold(self.spec, self.weights)
            return {"encoder": self._encoder_of_tokens(weights), "decoder": self._tokens(weights)}
        return {"encoder": self._encoder(), "decoder": self._decoder_step()}

    def _encode(self, graph: Graph, x: str, lengths: str) -> States:
        """The states in which the decoder begins."""
        x, lengths = embed(graph, self.spec, x, lengths)
        _, finals = stack(graph, self.spec, "encoder", x, lengths=lengths)
        return bridge(graph, self.spec, finals)

    def _by_position(self) -> bytes:
        spec = self.spec
        graph = Graph("by_position", fold(spec, self.weights))
        x, lengths = read_sequences(graph, spec)
        states = self._encode(graph, x, lengths)
        output = shortcut(graph, spec, x, lengths, decode_by_position(graph, spec, states))
        graph.output("output", ("batch", spec.horizon, spec.output_size), output)
        return graph.to_bytes()

    def _encoder(self) -> bytes:
        graph = Graph("encoder", fold(self.spec, self.weights))
        states = self._encode(graph, *read_sequences(graph, self.spec))
        hand_out(graph, self.spec, states, "")
        return graph.to_bytes()

    def _encoder_of_tokens(self, weights: Weights) -> bytes:
        spec = self.spec
        graph = Graph("encoder", weights)
        x, given = read_sequences(graph, spec)
        x, lengths = embed(graph, spec, x, given)
        steps, finals = stack(graph, spec, "encoder", x, lengths=lengths)
        hand_out(graph, spec, bridge(graph, spec, finals), "")
        if spec.attention != "none":
            read = graph.steps_side_by_side(steps)
            mask = step_mask(graph, read, lengths)
            memory = graph.add("Where", mask, read, graph.number(0.0))
            graph.output("memory", ("batch", "time", spec.encoded_size), memory)
            if spec.attention == "additive":
                keys = graph.linear(memory, "attention")
                graph.output("keys", ("batch", "time", spec.attention_size), keys)
        return graph.to_bytes()

    def _tokens(self, weights: Weights) -> bytes:
        spec = self.spec
        graph = Graph("decoder", weights)
        tokens = graph.input("tokens", ("batch", "steps"), INT64)
        states = take_in(graph, spec)
        channel = graph.add("Unsqueeze", tokens, graph.integers(2))  # (B, K, 1)
        x = read_ids(graph, "decoder", channel, 1)  # (K, B, E)
        steps, finals = stack(graph, spec, "decoder", x, states=states)
        shown, attention = attend(graph, spec, graph.steps_side_by_side(steps))
        output = head(graph, spec, shown)
        graph.output("output", ("batch", "steps", spec.output_size), output)
        if attention:
            graph.output("attention", ("batch", "steps", "time"), attention)
        hand_out(graph, spec, finals, "next_")
        return graph.to_bytes()

    def _decoder_step(self) -> bytes:
        spec = self.spec
        graph = Graph("decoder", self.weights)
        read = graph.input("value", ("batch", spec.output_size))
        if spec.future_size:
            future = graph.input("future", ("batch", spec.future_size))
            read = graph.add("Concat", read, future, axis=1)  # (B, D + P)
        states = take_in(graph, spec)
        x = graph.add("Unsqueeze", read, graph.integers(0))  # (1, B, D + P)
        _, finals = stack(graph, spec, "decoder", x, states=states)
        shown = graph.add("Squeeze", finals[-1][0], graph.integers(0))  # (B, H)
        graph.output("output", ("batch", spec.output_size), head(graph, spec, shown))
        hand_out(graph, spec, finals, "next_")
        return graph.to_bytes()


def decode_by_position(graph: Graph, spec: NetworkSpec, states: States) -> str:
    """Every position's S steps of D values, cut at the horizon.

    (M, E) -> (M, B, E + S*P) -> (M, B, H) -> (B, M, S*D) -> (B, K, D)
    """
    size, count = spec.segment_length, spec.positions
    rows = graph.add("Shape", states[0][0], start=1, end=2)  # (1,), B in it
    positions = graph.add("Unsqueeze", graph.weight("decoder.positions"), graph.integers(1))
    width = position_size(spec)
    shape = graph.add("Concat", graph.integers(count), rows, graph.integers(width), axis=0)
    x = graph.add("Expand", positions, shape)  # (M, 1, E) -> (M, B, E)
    if spec.future_size:
        future = graph.input("future", ("batch", spec.horizon, spec.future_size))
        beyond = graph.integers(0, 0, 0, 0, count * size - spec.horizon, 0)
        future = graph.add("Pad", future, beyond)  # (B, K, P) -> (B, M*S, P)
        flat = graph.integers(0, count, size * spec.future_size)
        future = graph.add("Reshape", future, flat)  # (B, M, S*P)
        future = graph.add("Transpose", future, perm=(1, 0, 2))
        x = graph.add("Concat", x, future, axis=2)
    steps, _ = stack(graph, spec, "decoder", x, states=states)  # (M, 1, B, H)
    shown = graph.add("Transpose", graph.add("Squeeze", steps, graph.integers(1)), perm=(1, 0, 2))
    values = head(graph, spec, shown)  # (B, M, S*D)
    by_step = graph.add("Reshape", values, graph.integers(0, count * size, spec.output_size))
    ends = (graph.integers(0), graph.integers(spec.horizon), graph.integers(1))
    return graph.add("Slice", by_step, *ends)


NETS: dict[str, type[ManyToOne] | type[ManyToMany] | type[EncoderDecoder]] = {
    "many_to_one": ManyToOne,
    "many_to_many": ManyToMany,
    "encoder_decoder": EncoderDecoder,
}
