"""The networks as ONNX graphs, written straight from spec and canonical weights."""

from __future__ import annotations

from typing import final

from gatewise.engines.onnx.attention import pool
from gatewise.engines.onnx.graph import Graph, States
from gatewise.engines.onnx.layers import (
    bridge,
    embed,
    hand_out,
    head,
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
        graph = Graph("many_to_one", self.weights)
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
class EncoderDecoder:
    """Encoder, bridge, decoder.

    by_position: one graph, `model`.
        inputs   x (B, T, F), lengths (B,) int64, future (B, K, P) where P > 0
        outputs  output (B, K, D)
    fed_back: two graphs. `encoder` is run once, `decoder` once for each predicted step, and is
    given the states that it, or at first the encoder, handed out.
        encoder  x, lengths -> h, c (layers, B, H) each; no c but for an LSTM
        decoder  value (B, D), future (B, P), h, c -> output (B, D), next_h, next_c
    """

    def __init__(self, spec: NetworkSpec, weights: Weights) -> None:
        self.spec = spec
        self.weights = weights

    def graphs(self) -> dict[str, bytes]:
        if self.spec.decoder == "by_position":
            return {"model": self._by_position()}
        return {"encoder": self._encoder(), "decoder": self._decoder_step()}

    def _encode(self, graph: Graph, x: str, lengths: str) -> States:
        """The states in which the decoder begins."""
        x, lengths = embed(graph, self.spec, x, lengths)
        _, finals = stack(graph, self.spec, "encoder", x, lengths=lengths)
        return bridge(graph, self.spec, finals)

    def _by_position(self) -> bytes:
        spec = self.spec
        graph = Graph("by_position", self.weights)
        x, lengths = read_sequences(graph, spec)
        states = self._encode(graph, x, lengths)
        output = shortcut(graph, spec, x, lengths, decode_by_position(graph, spec, states))
        graph.output("output", ("batch", spec.horizon, spec.output_size), output)
        return graph.to_bytes()

    def _encoder(self) -> bytes:
        graph = Graph("encoder", self.weights)
        states = self._encode(graph, *read_sequences(graph, self.spec))
        hand_out(graph, self.spec, states, "")
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


NETS: dict[str, type[ManyToOne] | type[EncoderDecoder]] = {
    "many_to_one": ManyToOne,
    "encoder_decoder": EncoderDecoder,
}
