"""The networks as ONNX graphs, written straight from spec and canonical weights.

Axis letters as in `gatewise.reference`, whose functions of the same names hold the equations.
Inside a graph the recurrent layers read time first, (T, B, F), as ONNX's operators want it;
directions stand beside each other as (directions, B, H).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import final

import numpy as np

from gatewise.engines.onnx.graph import FLOAT, INT32, INT64, Graph
from gatewise.reference import STATES
from gatewise.spec import NetworkSpec
from gatewise.weights import Weights, layer_prefixes, position_size

States = list[list[str]]  # of each layer: h and, for an LSTM, c; each (directions, B, H)


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
        output = graph.add("Reshape", graph.linear(pooled, "head"), shape)
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
        graph.output("output", ("batch", spec.output_size), graph.linear(shown, "head"))
        hand_out(graph, spec, finals, "next_")
        return graph.to_bytes()


NETS: dict[str, type[ManyToOne] | type[EncoderDecoder]] = {
    "many_to_one": ManyToOne,
    "encoder_decoder": EncoderDecoder,
}


def read_sequences(graph: Graph, spec: NetworkSpec) -> tuple[str, str]:
    """The inputs of every encoder: x (B, T, F) and lengths (B,)."""
    x = graph.input("x", ("batch", "time", spec.input_size))
    return x, graph.input("lengths", ("batch",), INT64)


def embed(graph: Graph, spec: NetworkSpec, x: str, lengths: str) -> tuple[str, str]:
    """S steps side by side through one linear map; time comes first from here on.

    x (B, T, F), lengths (B,) -> (T/S, B, E), lengths in segments
    """
    if spec.segment_length > 1:
        flat = graph.integers(0, -1, spec.segment_length * spec.input_size)
        x = graph.add("Reshape", x, flat)  # (B, T, F) -> (B, T/S, S*F)
        lengths = graph.add("Div", lengths, graph.number(spec.segment_length))
    if spec.embedding != "none":
        x = graph.linear(x, "embedding")  # (B, T/S, S*F) -> (B, T/S, E)
    return graph.add("Transpose", x, perm=(1, 0, 2)), lengths


def stack(
    graph: Graph,
    spec: NetworkSpec,
    part: str,
    x: str,
    *,
    lengths: str = "",
    states: States | None = None,
) -> tuple[str, States]:
    """Layers on top of each other: encoder or decoder, which begins in `states`.

    x (T, B, F) -> steps of the top layer (T, directions, B, H), final states
    """
    if lengths:
        lengths = graph.add("Cast", lengths, to=INT32)  # the only type the operators take
    steps = ""
    finals: States = []
    for layer in range(spec.num_layers):
        if layer:
            rows_next = graph.add("Transpose", steps, perm=(0, 2, 1, 3))  # (T, B, directions, H)
            x = graph.add("Reshape", rows_next, graph.integers(0, 0, -1))
        begin = states[layer] if states else []
        prefixes = layer_prefixes(spec, part, layer)
        steps, last = graph.layer(spec.cell, prefixes, x, lengths, begin)
        finals.append(last)
    return steps, finals


def pool(
    graph: Graph, spec: NetworkSpec, steps: str, finals: States, lengths: str
) -> tuple[str, str | None]:
    """The steps as one vector and, when pooling is attention, the weight of each.

    steps (T, directions, B, H) -> (B, H * directions), (B, T)
    """
    if spec.pooling == "last":  # a layer's final h is that of each direction's own last step
        return graph.side_by_side(finals[-1][0]), None
    rows_first = graph.add("Transpose", steps, perm=(2, 0, 1, 3))  # (B, T, directions, H)
    h = graph.add("Reshape", rows_first, graph.integers(0, 0, -1))
    return POOLINGS[spec.pooling](graph, h, step_mask(graph, h, lengths))


def step_mask(graph: Graph, h: str, lengths: str) -> str:
    """True at valid steps.  h (B, T, X), lengths (B,) -> (B, T, 1)"""
    steps = graph.add("Gather", graph.add("Shape", h), graph.number(1))
    numbers = graph.add("Range", graph.number(0), steps, graph.number(1))  # (T,)
    column = graph.add("Unsqueeze", numbers, graph.integers(1))  # (T, 1)
    ends = graph.add("Unsqueeze", lengths, graph.integers(1, 2))  # (B, 1, 1)
    return graph.add("Less", column, ends)


def pool_mean(graph: Graph, h: str, mask: str) -> tuple[str, None]:
    """The mean over valid steps.  (B, T, X) -> (B, X)"""
    valid = graph.add("Where", mask, h, graph.number(0.0))
    total = graph.add("ReduceSum", valid, graph.integers(1), keepdims=0)
    ones = graph.add("Cast", mask, to=FLOAT)
    counts = graph.add("ReduceSum", ones, graph.integers(1), keepdims=0)  # (B, 1)
    return graph.add("Div", total, counts), None


def pool_max(graph: Graph, h: str, mask: str) -> tuple[str, None]:
    """The maximum over valid steps.  (B, T, X) -> (B, X)"""
    valid = graph.add("Where", mask, h, graph.number(-math.inf))
    return graph.add("ReduceMax", valid, axes=(1,), keepdims=0), None


def pool_attention(graph: Graph, h: str, mask: str) -> tuple[str, str]:
    """Additive attention, exactly 0 at padding.  (B, T, X) -> (B, X), (B, T)"""
    hidden = graph.add("Tanh", graph.linear(h, "attention"))  # (B, T, A)
    score = graph.add("Unsqueeze", graph.weight("attention.score"), graph.integers(1))  # (A, 1)
    scores = graph.add("MatMul", hidden, score)  # (B, T, 1)
    valid = graph.add("Where", mask, scores, graph.number(-math.inf))
    powers = graph.add("Softmax", valid, axis=1)
    # a fast exp of -inf may give the smallest float, not 0
    attention = graph.add("Where", mask, powers, graph.number(0.0))
    steps = graph.add("Where", mask, h, graph.number(0.0))
    weighted = graph.add("Mul", attention, steps)  # (B, T, X)
    pooled = graph.add("ReduceSum", weighted, graph.integers(1), keepdims=0)
    return pooled, graph.add("Squeeze", attention, graph.integers(2))


POOLINGS: dict[str, Callable[[Graph, str, str], tuple[str, str | None]]] = {
    "mean": pool_mean,
    "max": pool_max,
    "attention": pool_attention,
}


def bridge(graph: Graph, spec: NetworkSpec, finals: States) -> States:
    """The states in which a decoder begins: the encoder's, or a linear map of both directions.

    (directions, B, H) -> (1, B, H), each
    """
    if not spec.bidirectional:
        return finals
    begin: States = []
    for layer, states in enumerate(finals):
        begin.append([])
        for name, state in zip("hc", states, strict=False):  # only an LSTM has c
            mapped = graph.linear(graph.side_by_side(state), f"bridge.{layer}.{name}")
            begin[-1].append(graph.add("Unsqueeze", mapped, graph.integers(0)))
    return begin


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
    values = graph.linear(shown, "head")  # (B, M, S*D)
    by_step = graph.add("Reshape", values, graph.integers(0, count * size, spec.output_size))
    ends = (graph.integers(0), graph.integers(spec.horizon), graph.integers(1))
    return graph.add("Slice", by_step, *ends)


def shortcut(graph: Graph, spec: NetworkSpec, x: str, lengths: str, output: str) -> str:
    """`output` and what the last N valid steps of the predicted values add to it, if they do.

    x (B, T, F) -> (B, N, D) -> (D, B, N) @ (D, N, K) -> (B, K, D)
    """
    if not spec.shortcut:
        return output
    count, values = spec.shortcut, spec.output_size
    before_end = graph.constant("shortcut.steps", np.arange(-count, 0))  # (N,)
    ends = graph.add("Unsqueeze", lengths, graph.integers(1))  # (B, 1)
    steps = graph.add("Unsqueeze", graph.add("Add", ends, before_end), graph.integers(2))
    row = (graph.integers(0), graph.integers(values), graph.integers(2))
    own = graph.add("Slice", x, *row)  # (B, T, D)
    first = graph.add("Max", steps, graph.number(0))  # (B, N, 1)
    last = graph.add("GatherND", own, first, batch_dims=1)  # (B, N, D)
    missing = graph.add("Less", steps, graph.number(0))
    last = graph.add("Where", missing, graph.number(0.0), last)
    kernel = np.asarray(graph.weights["shortcut.kernel"], dtype=np.float32)
    by_value = kernel.reshape(count, spec.horizon, values).transpose(2, 0, 1)
    kernels = graph.constant("shortcut.kernel", np.ascontiguousarray(by_value))  # (D, N, K)
    added = graph.add("MatMul", graph.add("Transpose", last, perm=(2, 0, 1)), kernels)
    added = graph.add("Transpose", added, perm=(1, 2, 0))  # (D, B, K) -> (B, K, D)
    flat = graph.integers(spec.horizon, values)
    bias = graph.add("Reshape", graph.weight("shortcut.bias"), flat)
    return graph.add("Add", output, graph.add("Add", added, bias))


def hand_out(graph: Graph, spec: NetworkSpec, states: States, before: str) -> None:
    """Outputs h and c, named with `before` in front: all layers' states, (layers, B, H) each."""
    for name, layers in zip("hc", zip(*states, strict=True), strict=False):
        together = layers[0] if len(layers) == 1 else graph.add("Concat", *layers, axis=0)
        graph.output(before + name, (spec.num_layers, "batch", spec.hidden_size), together)


def take_in(graph: Graph, spec: NetworkSpec) -> States:
    """Inputs h and, for an LSTM, c (layers, B, H), as the states of each layer (1, B, H)."""
    layers = spec.num_layers
    found = []
    for name in STATES[spec.cell]:
        together = graph.input(name, (layers, "batch", spec.hidden_size))
        found.append(
            [together] if layers == 1 else graph.add_many("Split", layers, together, axis=0)
        )
    return [list(states) for states in zip(*found, strict=True)]
