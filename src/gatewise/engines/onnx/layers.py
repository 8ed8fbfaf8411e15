"""The parts of a network, from what it reads to its head, as nodes of a graph.

Axis letters as in `gatewise.reference`, whose functions of the same names hold the equations.
Inside a graph the recurrent layers read time first, (T, B, F), as ONNX's operators want it;
directions stand beside each other as (directions, B, H).
"""

from __future__ import annotations

import numpy as np

from gatewise.engines.onnx.graph import FLOAT, INT32, INT64, Graph, States
from gatewise.reference import STATES
from gatewise.spec import NetworkSpec
from gatewise.weights import Weights, layer_prefixes


def read_sequences(graph: Graph, spec: NetworkSpec) -> tuple[str, str]:
    """The inputs of every encoder: x (B, T, F), numbers or int64 ids, and lengths (B,)."""
    ids = spec.embedding == "tokens"
    x = graph.input("x", ("batch", "time", spec.input_size), INT64 if ids else FLOAT)
    return x, graph.input("lengths", ("batch",), INT64)


def read_ids(graph: Graph, part: str, ids: str, channels: int) -> str:
    """What the first layer of encoder or decoder reads of ids: the sum of the rows of a table.

    (B, T, F) -> (T, B, E), with the table that `fold` chose
    """
    steps_first = graph.add("Transpose", ids, perm=(1, 0, 2))
    if channels == 1:
        steps_first = graph.add("Squeeze", steps_first, graph.integers(2))
        return graph.add("Gather", graph.weight(f"{part}.ids"), steps_first, axis=0)
    rows = graph.add("Gather", graph.weight(f"{part}.ids"), steps_first, axis=0)  # (T, B, F, E)
    return graph.add("ReduceSum", rows, graph.integers(2), keepdims=0)


def fold(spec: NetworkSpec, weights: Weights) -> Weights:
    """The weights with which ids are read as they stand (1 at the id, else 0) where that is
    narrower than their vectors: the first layer's input matrix is then table @ matrix.

    A vocabulary of characters is narrow, and a step then reads fewer numbers. The table stays,
    for a head that is tied to it.
    """
    folded = dict(weights)
    for part, table, ids in (
        ("encoder", "embedding.table", spec.vocab_size),
        ("decoder", "decoder.table", spec.output_size),
    ):
        if table not in weights:
            continue
        vectors = np.asarray(weights[table], dtype=np.float64)  # (V, E)
        folded[f"{part}.ids"] = weights[table]
        if ids < vectors.shape[1]:
            folded[f"{part}.ids"] = np.eye(ids, dtype=np.float32)
            for prefix in layer_prefixes(spec, part, 0):
                folded[f"{prefix}.input"] = (vectors @ weights[f"{prefix}.input"]).astype(
                    np.float32
                )
    return folded


def embed(graph: Graph, spec: NetworkSpec, x: str, lengths: str) -> tuple[str, str]:
    """What the first layer reads, and the lengths in its steps; time comes first from here on.

    x (B, T, F), lengths (B,) -> (T/S, B, E), lengths in segments
    """
    if spec.embedding == "tokens":
        return read_ids(graph, "encoder", x, spec.input_size), lengths
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


def head(graph: Graph, spec: NetworkSpec, h: str) -> str:
    """The linear map to what is predicted; tied, through the transposed table of token vectors.

    (..., X) -> (..., D)
    """
    if not spec.tie_embedding:
        return graph.linear(h, "head")
    table = "decoder.table" if spec.decoder == "tokens" else "embedding.table"
    kernel = graph.add("Transpose", graph.weight(table), perm=(1, 0))
    return graph.add("Add", graph.add("MatMul", h, kernel), graph.weight("head.bias"))


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
