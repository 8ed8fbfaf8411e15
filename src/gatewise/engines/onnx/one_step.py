"""A language model's graph for one step at a time, with the numbers of its graph for all steps.

ONNX's recurrent operators are made for sequences: at one step they cost more than the products
that they stand for. So here a layer is its equations (see `gatewise.reference`), and what the
first layer reads of an id is looked up in a table where that is no larger than the matrix for h.

It is derived when a model is loaded and never saved: the weights are on disk once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from gatewise.engines.onnx.graph import BEYOND, INT64, Graph
from gatewise.engines.onnx.layers import hand_out, take_in
from gatewise.errors import ArtifactError
from gatewise.spec import NetworkSpec

# How many values of a row share a scale while they are multiplied: the more the faster, and with
# 256 a language model of 512 units was as close to float32 as with 32.
BLOCKS = (256, 128, 64, 32, 16)
FILLED = 0.75  # least share of the blocks' places that are not empty
MIDDLE = 128  # where it has 0
INT8_ARITHMETIC = 4  # its accuracy_level; with any other it turns the weights into floats


@dataclass(frozen=True, slots=True)
class Matrix:
    """values (X, Y), float32, or int8 times scale (Y,)."""

    values: NDArray[np.float32] | NDArray[np.int8]
    scale: NDArray[np.float32] | None = None

    def floats(self) -> NDArray[np.float32]:
        """(X, Y)"""
        floats: NDArray[np.float32] = self.values.astype(np.float32)
        return floats if self.scale is None else floats * self.scale


def one_step(spec: NetworkSpec, model: bytes) -> bytes:
    """The graph of one step of the network whose `model` graph is given, in float32 or int8.

    inputs   x (1, B), or (1, B, F) where F > 1: int64 ids; h, c (layers, B, H), no c but for an
             LSTM
    outputs  output (1, B, V); next_h, next_c

    In int8 each row is quantized by itself, in blocks: no row changes another's answer.
    Raises ArtifactError when the graph is not one that gatewise wrote.
    """
    try:
        constants = {
            constant.name: numpy_helper.to_array(constant)
            for constant in onnx.load_from_string(model).graph.initializer
        }
        return _write(spec, constants)
    except (KeyError, ValueError) as error:
        raise ArtifactError(
            f"the network's ONNX graph 'model' is not as expected ({error}); save the model again"
        ) from None


def _write(spec: NetworkSpec, constants: Mapping[str, NDArray[np.generic]]) -> bytes:
    graph = Graph("one_step", {})
    channels = () if spec.input_size == 1 else (spec.input_size,)
    ids = graph.input("x", (1, "batch", *channels), INT64)
    states = take_in(graph, spec)
    finals = []
    x = ""
    for layer, before in enumerate(states):
        name = f"encoder.{layer}"
        recurrent = _matrix(constants, f"{name}.R")
        read, inner = _biases(spec, constants[f"{name}.B"])
        if layer:
            z = _affine(graph, x, f"{name}.W", _matrix(constants, f"{name}.W"), read)
        else:
            z = _look_up(graph, spec, ids, constants, read)
        product = _affine(graph, before[0], f"{name}.R", recurrent, inner)
        finals.append(CELLS[spec.cell](graph, z, product, before))
        x = finals[-1][0]
    kernel = "embedding.table.transposed" if spec.tie_embedding else "head.kernel"
    if spec.tie_embedding and "embedding.table" in constants:
        tied = Matrix(np.ascontiguousarray(constants["embedding.table"].T, dtype=np.float32))
    else:
        tied = _matrix(constants, kernel)
    output = _affine(graph, x, kernel, tied, constants["head.bias"])
    graph.output("output", (1, "batch", spec.output_size), output)
    hand_out(graph, spec, finals, "next_")
    return graph.to_bytes()


def _matrix(constants: Mapping[str, NDArray[np.generic]], name: str) -> Matrix:
    """The matrix of this name as it multiplies a row from the right.  (X, Y)"""
    if name in constants:
        floats = np.asarray(constants[name], dtype=np.float32)
        if floats.ndim == 3:  # a layer's, as ONNX wants it: (1, Y, X)
            floats = floats[0].T
        return Matrix(np.ascontiguousarray(floats))
    values = np.asarray(constants[f"{name}_quantized"], dtype=np.int8)
    scale = np.asarray(constants[f"{name}_scale"], dtype=np.float32)
    if constants[f"{name}_zero_point"].astype(np.int64).any():
        raise ValueError(f"'{name}' has zero points")
    return Matrix(values.reshape(values.shape[-2:]), scale.reshape(-1))


def _biases(
    spec: NetworkSpec, both: NDArray[np.generic]
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """What is added to x's product and to h's.  (1, 2 * G*H) -> (G*H,), the same or None"""
    read, inner = np.split(np.asarray(both, dtype=np.float32).reshape(-1), 2)
    return (read, inner) if spec.cell == "gru" else (read + inner, None)


def _look_up(
    graph: Graph,
    spec: NetworkSpec,
    ids: str,
    constants: Mapping[str, NDArray[np.generic]],
    bias: NDArray[np.float32],
) -> str:
    """What the first layer makes of ids: their vectors' sum @ matrix + bias, or its table.

    (1, B) or (1, B, F) -> (1, B, G*H)
    """
    vectors = np.asarray(constants["encoder.ids"], dtype=np.float32)  # (V, E)
    matrix = _matrix(constants, "encoder.0.W")
    folded = len(vectors) <= spec.hidden_size
    if folded:  # every one of the F rows brings its part of the bias
        vectors = vectors @ matrix.floats() + bias / np.float32(spec.input_size)
    rows = graph.add("Gather", graph.constant("encoder.ids", vectors), ids, axis=0)
    if spec.input_size > 1:
        rows = graph.add("ReduceSum", rows, graph.integers(2), keepdims=0)
    return rows if folded else _affine(graph, rows, "encoder.0.W", matrix, bias)


def _affine(
    graph: Graph, x: str, name: str, matrix: Matrix, bias: NDArray[np.generic] | None
) -> str:
    """x @ matrix + bias.  (1, B, X) -> (1, B, Y)"""
    if matrix.scale is None:
        product = graph.add("MatMul", x, graph.constant(name, matrix.values))
    else:
        product = _product_in_int8(graph, x, name, matrix.values, matrix.scale)
    if bias is None:
        return product
    return graph.add("Add", product, graph.constant(f"{name}.bias", np.asarray(bias)))


def _product_in_int8(
    graph: Graph,
    x: str,
    name: str,
    values: NDArray[np.float32] | NDArray[np.int8],
    scale: NDArray[np.float32],
) -> str:
    """The operator wants columns as rows of whole blocks, each block with a scale."""
    rows, columns = values.shape
    filling = (size for size in BLOCKS if rows >= FILLED * size * -(-rows // size))
    size = next(filling, BLOCKS[-1])
    blocks = -(-rows // size)
    filled = np.full((columns, blocks * size), MIDDLE, dtype=np.uint8)
    filled[:, :rows] = (values.T.astype(np.int16) + MIDDLE).astype(np.uint8)
    return graph.add(
        "MatMulNBits",
        x,
        graph.constant(f"{name}.blocks", filled.reshape(columns, blocks, size)),
        graph.constant(f"{name}.scale", np.repeat(scale, blocks)),
        domain=BEYOND,
        K=rows,
        N=columns,
        bits=8,
        block_size=size,
        accuracy_level=INT8_ARITHMETIC,
    )


def _rnn(graph: Graph, z: str, product: str, _before: list[str]) -> list[str]:
    return [graph.add("Tanh", graph.add("Add", z, product))]


def _gru(graph: Graph, z: str, product: str, before: list[str]) -> list[str]:
    """Gates stand as z r n; h' = n + z * (h - n)"""
    read = graph.add_many("Split", 3, z, axis=2)
    inner = graph.add_many("Split", 3, product, axis=2)
    keep, reset = (
        graph.add("Sigmoid", graph.add("Add", mine, its))
        for mine, its in zip(read[:2], inner[:2], strict=True)
    )
    new = graph.add("Tanh", graph.add("Add", read[2], graph.add("Mul", reset, inner[2])))
    kept = graph.add("Mul", keep, graph.add("Sub", before[0], new))
    return [graph.add("Add", new, kept)]


def _lstm(graph: Graph, z: str, product: str, before: list[str]) -> list[str]:
    """Gates stand as i o f g; c' = f * c + i * g, h' = o * tanh(c')"""
    both = graph.add_many("Split", 4, graph.add("Add", z, product), axis=2)
    write, show, keep = (graph.add("Sigmoid", gate) for gate in both[:3])
    new = graph.add("Tanh", both[3])
    kept = graph.add("Mul", keep, before[1])
    c = graph.add("Add", kept, graph.add("Mul", write, new))
    return [graph.add("Mul", show, graph.add("Tanh", c)), c]


CELLS = {"rnn": _rnn, "gru": _gru, "lstm": _lstm}
