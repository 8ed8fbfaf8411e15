"""A small vocabulary to write ONNX graphs in: inputs, weights by their canonical names, nodes.

The same weights give the same bytes: names are counted, nothing is dated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from gatewise.errors import SpecError
from gatewise.version import __version__
from gatewise.weights import GATES, Weights

OPSET = 17  # the first with everything used here; onnxruntime has read it since 1.12
IR_VERSION = 8  # what goes with opset 17
BEYOND = "com.microsoft"  # onnxruntime's own operators
LARGEST = 2**31 - 2**20  # bytes of a protobuf message, less some room for the nodes

Shape = Sequence[int | str]
States = list[list[str]]  # of each layer: h and, for an LSTM, c; each (directions, B, H)
FLOAT, INT32, INT64 = (onnx.TensorProto.FLOAT, onnx.TensorProto.INT32, onnx.TensorProto.INT64)

# Where ONNX's gates stand in ours: LSTM i o f c in i f g o, GRU z r h in r z n.
GATE_ORDER = {"rnn": (0,), "gru": (1, 0, 2), "lstm": (0, 3, 1, 2)}


@final
class Graph:
    """A graph that is being written. Every method that adds something returns its name."""

    def __init__(self, name: str, weights: Weights) -> None:
        self.name = name
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.initializers: dict[str, NDArray[Any]] = {}

    def input(self, name: str, shape: Shape, kind: int = FLOAT) -> str:
        """An input; a text in `shape` names an axis of any size."""
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name: str, shape: Shape, value: str) -> None:
        """Hand `value` out under this name."""
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, FLOAT, shape))

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """An array that is part of the graph, once under each name."""
        self.initializers[name] = values
        return name

    def weight(self, name: str) -> str:
        """A canonical weight as it is."""
        return self.constant(name, np.asarray(self.weights[name], dtype=np.float32))

    def number(self, value: float) -> str:
        """A float32, or for an int an int64, without axes."""
        kind = np.int64 if isinstance(value, int) else np.float32
        return self.constant(f"number.{value}", np.array(value, dtype=kind))

    def integers(self, *values: int) -> str:
        """int64 values in a row."""
        named = f"integers.{'_'.join(map(str, values))}"
        return self.constant(named, np.array(values, dtype=np.int64))

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """A node with one output."""
        return self.add_many(op, 1, *inputs, **attributes)[0]

    def add_many(self, op: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """A node with several outputs."""
        name = f"{op}.{len(self.nodes)}"
        names = [f"{name}.{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=name, **attributes))
        return names

    def linear(self, x: str, prefix: str) -> str:
        """x @ kernel + bias of the weights under `prefix`.  (..., X) -> (..., Y)"""
        product = self.add("MatMul", x, self.weight(f"{prefix}.kernel"))
        return self.add("Add", product, self.weight(f"{prefix}.bias"))

    def side_by_side(self, directions: str) -> str:
        """(directions, B, H) -> (B, directions * H)"""
        rows_first = self.add("Transpose", directions, perm=(1, 0, 2))
        return self.add("Reshape", rows_first, self.integers(0, -1))

    def steps_side_by_side(self, steps: str) -> str:
        """(T, directions, B, H) -> (B, T, directions * H)"""
        rows_first = self.add("Transpose", steps, perm=(2, 0, 1, 3))
        return self.add("Reshape", rows_first, self.integers(0, 0, -1))

    def layer(
        self,
        cell: str,
        prefixes: Sequence[str],
        x: str,
        lengths: str = "",
        states: Sequence[str] = (),
    ) -> tuple[str, list[str]]:
        """One recurrent layer with the weights under `prefixes`, one per direction.

        x (T, B, F), lengths (B,) int32, states (directions, B, H) each: h and, for an LSTM, c
        -> steps (T, directions, B, H), final states
        """
        hidden = self.weights[f"{prefixes[0]}.recurrent"].shape[0]
        parameters = [
            self.constant(f"{prefixes[0].rpartition('.')[0]}.{leaf}", np.stack(ways))
            for leaf, ways in zip(
                ("W", "R", "B"),
                zip(*(self._onnx_layout(cell, prefix) for prefix in prefixes), strict=True),
                strict=True,
            )
        ]
        finals = 2 if cell == "lstm" else 1
        steps, *last = self.add_many(
            cell.upper(),
            1 + finals,
            x,
            *parameters,
            lengths,
            *states,
            hidden_size=hidden,
            direction="bidirectional" if len(prefixes) == 2 else "forward",
            **({"linear_before_reset": 1} if cell == "gru" else {}),
        )
        return steps, last

    def _onnx_layout(self, cell: str, prefix: str) -> list[NDArray[np.float32]]:
        """W (G*H, F), R (G*H, H) and B (2*G*H,): input biases, then recurrent ones."""

        def gates(name: str) -> NDArray[np.float32]:
            blocks = np.split(np.asarray(self.weights[f"{prefix}.{name}"]), GATES[cell], axis=-1)
            ordered = [blocks[gate] for gate in GATE_ORDER[cell]]
            return np.ascontiguousarray(np.concatenate(ordered, axis=-1).T, dtype=np.float32)

        bias = gates("bias")
        second = np.zeros_like(bias)
        if cell == "gru":
            inner = self.weights[f"{prefix}.candidate_bias"]
            second[-len(inner) :] = inner
        return [gates("input"), gates("recurrent"), np.concatenate([bias, second])]

    def to_bytes(self) -> bytes:
        """The finished model.

        Raises SpecError when it is larger than the 2 GiB that an ONNX file can hold.
        """
        size = sum(values.nbytes for values in self.initializers.values())
        if size > LARGEST:
            raise SpecError(
                f"the network's weights take {size / 2**30:.1f} GiB and one ONNX graph holds less "
                f"than 2 GiB; make hidden_size or num_layers smaller"
            )
        graph = helper.make_graph(
            self.nodes,
            self.name,
            self.inputs,
            self.outputs,
            [numpy_helper.from_array(values, name) for name, values in self.initializers.items()],
        )
        known = [helper.make_opsetid("", OPSET)]
        if any(node.domain == BEYOND for node in self.nodes):
            known.append(helper.make_opsetid(BEYOND, 1))
        model = helper.make_model(
            graph,
            ir_version=IR_VERSION,
            opset_imports=known,
            producer_name="gatewise",
            producer_version=__version__,
        )
        written: bytes = model.SerializeToString(deterministic=True)
        return written
