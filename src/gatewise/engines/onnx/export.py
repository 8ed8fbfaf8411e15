"""ONNX files for others: what wrote them and what they are stands in them; several networks whose
answers are averaged are one graph.

Writing needs the package onnx.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, final

import onnx
from onnx import compose, helper

from gatewise.engines.onnx.graph import FLOAT
from gatewise.engines.onnx.session import Feeds, open_sessions, run_named


def averaged(graphs: Sequence[bytes], several: bool) -> bytes:
    """One graph for networks of classes whose probabilities are averaged.

        output = log of the mean of softmax(output_i)             softmax of it is that mean
        several labels: the mean's log odds                       sigmoid of it is that mean
        attention = mean of attention_i

    several  whether several labels may be true: each stands for itself
    """
    members = [
        compose.add_prefix(onnx.load_from_string(graph), f"{number}.", rename_inputs=False)
        for number, graph in enumerate(graphs, 1)
    ]
    first = members[0]
    nodes = [node for member in members for node in member.graph.node]
    constants = [c for member in members for c in member.graph.initializer]
    for number in range(1, len(members) + 1):
        nodes += _unified(number, several)
    nodes += _odds(len(members)) if several else _mean_share(len(members))
    attended = len(first.graph.output) > 1
    if attended:
        names = [f"{number}.attention" for number in range(1, len(members) + 1)]
        nodes.append(helper.make_node("Mean", names, ["attention"]))
    outputs = []
    for output in first.graph.output:
        renamed = onnx.ValueInfoProto()
        renamed.CopyFrom(output)
        renamed.name = output.name.removeprefix("1.")
        outputs.append(renamed)
    graph = helper.make_graph(nodes, "averaged", list(first.graph.input), outputs, constants)
    model = helper.make_model(
        graph,
        ir_version=first.ir_version,
        opset_imports=list(first.opset_import),
        producer_name=first.producer_name,
        producer_version=first.producer_version,
    )
    written: bytes = model.SerializeToString(deterministic=True)
    return written


def _unified(number: int, several: bool) -> list[onnx.NodeProto]:
    """(B, 1, C) -> log probabilities (1, B, 1, C) of one member; of several labels both ways."""
    given = f"{number}.output"
    ways: list[tuple[str, str, str, dict[str, Any]]]
    if not several:
        ways = [("LogSoftmax", given, "true", {"axis": -1})]
    else:  # log sigmoid(x) = -softplus(-x)
        ways = [("Softplus", f"{given}.negative", "true", {}), ("Softplus", given, "false", {})]
    nodes = [helper.make_node("Neg", [given], [f"{given}.negative"])] if several else []
    for op, read, name, options in ways:
        told = f"{number}.{name}"
        nodes.append(helper.make_node(op, [read], [f"{told}.plain"], **options))
        if several:
            nodes.append(helper.make_node("Neg", [f"{told}.plain"], [f"{told}.signed"]))
        source = f"{told}.signed" if several else f"{told}.plain"
        nodes.append(helper.make_node("Unsqueeze", [source, "first.axis"], [told]))
    if number == 1:
        axis = helper.make_tensor("first.axis.value", onnx.TensorProto.INT64, [1], [0])
        nodes.insert(0, helper.make_node("Constant", [], ["first.axis"], value=axis))
    return nodes


def _sum(members: int, name: str) -> list[onnx.NodeProto]:
    """log of the sum of the members' probabilities.  (M, B, 1, C) -> (B, 1, C)"""
    names = [f"{number}.{name}" for number in range(1, members + 1)]
    return [
        helper.make_node("Concat", names, [f"{name}.all"], axis=0),
        helper.make_node("ReduceLogSumExp", [f"{name}.all"], [f"{name}.sum"], axes=[0], keepdims=0),
    ]


def _mean_share(members: int) -> list[onnx.NodeProto]:
    count = helper.make_tensor("log.members.value", FLOAT, [], [math.log(members)])
    return [
        *_sum(members, "true"),
        helper.make_node("Constant", [], ["log.members"], value=count),
        helper.make_node("Sub", ["true.sum", "log.members"], ["output"]),
    ]


def _odds(members: int) -> list[onnx.NodeProto]:
    return [
        *_sum(members, "true"),
        *_sum(members, "false"),
        helper.make_node("Sub", ["true.sum", "false.sum"], ["output"]),
    ]


def described(graph: bytes, facts: Mapping[str, str]) -> bytes:
    """The graph with these facts in its metadata."""
    model = onnx.load_from_string(graph)
    helper.set_model_props(model, dict(facts))
    onnx.checker.check_model(model)
    written: bytes = model.SerializeToString(deterministic=True)
    return written


def in_int8(graph: bytes) -> bool:
    """Whether it holds weights of 8 bits."""
    kinds = {constant.data_type for constant in onnx.load_from_string(graph).graph.initializer}
    return bool(kinds & {onnx.TensorProto.INT8, onnx.TensorProto.UINT8})


@final
class Runs:
    """Graphs by name, each called with named arrays."""

    def __init__(self, graphs: Mapping[str, bytes]) -> None:
        """Raises ArtifactError when one cannot be read."""
        self._sessions = open_sessions(graphs, list(graphs))

    def __call__(self, name: str, feeds: Feeds) -> Feeds:
        return run_named(self._sessions[name], feeds)
