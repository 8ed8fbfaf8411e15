"""Graphs with weights of 8 bits: a quarter of the size, and a step several times as fast.

What is quantized: the matrices of LSTM layers and of every linear map, each column by a scale of
its own. What is read (x, h) is quantized as it comes, by its range in that run: an answer may
differ in the last digits with what else is in the batch. Tables of vectors, biases and gates stay
in float32, and so do the recurrent layers of GRU and RNN (see `left_in_float`).

Writing needs the package onnx; reading what was written does not.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from gatewise.spec import NetworkSpec

QUANTIZED = ["LSTM", "MatMul"]  # the operators; MatMul by a constant alone
PREPARED = {"onnx.quant.pre_process": "onnxruntime.quant"}  # nothing is left to fold or infer


def left_in_float(spec: NetworkSpec) -> str | None:
    """What a user must know: a sentence where recurrent layers are not quantized, else None."""
    if spec.cell == "lstm":
        return None
    return (
        f"the recurrent layers of {spec.cell.upper()} cells stay in float32 (8 bits are there for "
        f"LSTM layers alone); only the linear maps around them are kept in int8"
    )


def quantize_graphs(graphs: Mapping[str, bytes]) -> dict[str, bytes]:
    """Every graph of a network with weights of 8 bits, as `build_graphs` names them."""
    return {name: quantize(graph) for name, graph in graphs.items()}


def quantize(graph: bytes) -> bytes:
    """The same graph with weights of 8 bits; the same graph gives the same bytes.

    Weights use 7 of the 8 bits: processors that add pairs of products in 16 bits (AVX2 without
    VNNI) would overflow with 8, and answer otherwise than the rest.
    Source: dynamic quantization of onnxruntime.
    """
    model = onnx.load_from_string(graph)
    _fold_transposed(model.graph)
    helper.set_model_props(model, PREPARED)
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "float32.onnx"), Path(folder, "int8.onnx")
        before.write_bytes(model.SerializeToString())
        quantize_dynamic(
            before,
            after,
            op_types_to_quantize=QUANTIZED,
            nodes_to_exclude=_in_float(model.graph),
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
        small = onnx.load_from_string(after.read_bytes())
    small.producer_name, small.producer_version = model.producer_name, model.producer_version
    del small.metadata_props[:]
    del small.graph.value_info[:]
    written: bytes = small.SerializeToString(deterministic=True)
    return written


def _fold_transposed(graph: onnx.GraphProto) -> None:
    """A tied head's matrix becomes a constant of its own, so that it can be quantized."""
    constants = {constant.name: constant for constant in graph.initializer}
    turned = [n for n in graph.node if n.op_type == "Transpose" and n.input[0] in constants]
    for node in turned:
        table = numpy_helper.to_array(constants[node.input[0]])
        name = f"{node.input[0]}.transposed"
        graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(table.T), name))
        for reader in graph.node:
            reader.input[:] = [name if i == node.output[0] else i for i in reader.input]
        graph.node.remove(node)
    read = {name for node in graph.node for name in node.input}
    for name, constant in constants.items():
        if name not in read:
            graph.initializer.remove(constant)


def _in_float(graph: onnx.GraphProto) -> list[str]:
    """Products with a vector: they gain nothing, and what depends on them (attention) is fine.
    Several matrices at once, those of the shortcut: onnxruntime cannot run them.
    """
    constants = {constant.name: constant.dims for constant in graph.initializer}
    vectors = {
        n.output[0] for n in graph.node if n.op_type == "Unsqueeze" and n.input[0] in constants
    }
    vectors |= {name for name, dims in constants.items() if dims and dims[-1] == 1}
    vectors |= {name for name, dims in constants.items() if len(dims) > 2}
    return [n.name for n in graph.node if n.op_type == "MatMul" and n.input[1] in vectors]
