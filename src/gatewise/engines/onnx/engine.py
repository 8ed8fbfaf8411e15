"""The one inference path: a saved network, answered by onnxruntime. No framework is needed.

`build_graphs` writes the graphs (it needs the package onnx), `Engine` runs them (it does not).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gatewise.batch import Batch
from gatewise.engine import Outputs
from gatewise.engines.onnx.checks import check_batch
from gatewise.errors import ArtifactError
from gatewise.reference import STATES
from gatewise.spec import NetworkSpec
from gatewise.weights import GATES, Weights

ERRORS_ONLY = 3  # onnxruntime's log severity
WORKING_MEMORY = 2**24  # bytes of gates in one run; larger batches are cut, which is also faster

onnxruntime.disable_telemetry_events()  # Windows alone would send any


def build_graphs(spec: NetworkSpec, weights: Weights) -> dict[str, bytes]:
    """The network as ONNX files, by name: `model`, or for a decoder that is fed back `encoder`
    and `decoder`. The same spec and weights give the same bytes.

    Raises SpecError when the weights are larger than an ONNX file can hold.
    """
    from gatewise.engines.onnx.nets import NETS

    return NETS[spec.kind](spec, weights).graphs()


@final
class Engine:
    """Answers batches with the graphs of one network. It may be called from several threads."""

    name = "onnx"
    device = "cpu"
    version: str = onnxruntime.__version__

    def __init__(
        self, spec: NetworkSpec, graphs: Mapping[str, bytes], *, threads: int | None = None
    ) -> None:
        """threads: of one call; None: one for each core, at most four.

        Raises ArtifactError when a graph is missing or cannot be read.
        """
        self.spec = spec
        parts = ("encoder", "decoder") if spec.decoder == "fed_back" else ("model",)
        missing = [part for part in parts if part not in graphs]
        if missing:
            raise ArtifactError(
                f"the network's ONNX graph '{missing[0]}' is missing "
                f"(given: {', '.join(sorted(graphs)) or 'none'}); save the model again"
            )
        threads = threads or min(4, os.cpu_count() or 1)
        self._sessions = {part: _session(part, graphs[part], threads) for part in parts}

    def forward(self, batch: Batch) -> Outputs:
        """What the network answers to each sequence of the batch, whatever it is padded with.

        A batch of any size: what takes too much memory at once is answered part by part.
        Raises UsageError, one message with every problem, when a shape does not fit.
        """
        check_batch(self.spec, batch)
        spec = self.spec
        rows, steps = np.shape(batch.x)[:2]
        if rows == 0:
            return self._nothing(steps)
        gates = GATES[spec.cell] * spec.encoded_size * (steps // spec.segment_length)
        most = max(1, WORKING_MEMORY // (4 * gates))
        answers = [self._answer(_rows(batch, i, i + most)) for i in range(0, rows, most)]
        if len(answers) == 1:
            return answers[0]
        attention = [a.attention for a in answers if a.attention is not None]
        return Outputs(
            np.concatenate([a.output for a in answers]),
            np.concatenate(attention) if attention else None,
        )

    def _answer(self, batch: Batch) -> Outputs:
        rows, steps = np.shape(batch.x)[:2]
        lengths = np.full(rows, steps) if batch.lengths is None else batch.lengths
        feeds: dict[str, NDArray[Any]] = {
            "x": _ids(batch.x) if self.spec.embedding == "tokens" else _floats(batch.x),
            "lengths": np.ascontiguousarray(lengths, dtype=np.int64),
        }
        if self.spec.decoder == "fed_back":
            return self._fed_back(feeds, batch)
        if self.spec.future_size:
            feeds["future"] = _floats(batch.future)
        return Outputs(*self._sessions["model"].run(None, feeds))

    def _fed_back(self, feeds: dict[str, NDArray[Any]], batch: Batch) -> Outputs:
        """The decoder's graph once for each step: it reads the value and the states before it."""
        names = STATES[self.spec.cell]
        states = self._sessions["encoder"].run(names, feeds)
        step = self._sessions["decoder"].run
        wanted = ["output", *(f"next_{name}" for name in names)]
        value = _floats(batch.start)  # (B, D)
        output = np.empty((len(value), self.spec.horizon, self.spec.output_size), np.float32)
        future = np.asarray(batch.future) if self.spec.future_size else None
        for k in range(self.spec.horizon):
            read = {"value": value, **dict(zip(names, states, strict=True))}
            if future is not None:
                read["future"] = _floats(future[:, k])
            value, *states = step(wanted, read)
            output[:, k] = value
        return Outputs(output)

    def _nothing(self, steps: int) -> Outputs:
        """The answer to no sequences, which onnxruntime does not take."""
        spec = self.spec
        attends = spec.kind == "many_to_one" and spec.pooling == "attention"
        return Outputs(
            np.empty((0, spec.horizon, spec.output_size), np.float32),
            np.empty((0, steps // spec.segment_length), np.float32) if attends else None,
        )


def _session(part: str, graph: bytes, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin while they wait made short calls up to twice as slow on busy cores;
    # asleep, a second one costs a short call 10 % and answers long batches in half the time.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The arena kept the memory of the largest batch for good, and was no faster.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = ERRORS_ONLY
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no narrower class
        raise ArtifactError(
            f"the network's ONNX graph '{part}' cannot be read ({error}); save the model again"
        ) from None


def _floats(values: Any) -> NDArray[np.float32]:
    return np.ascontiguousarray(values, dtype=np.float32)


def _ids(values: Any) -> NDArray[np.int64]:
    return np.ascontiguousarray(values, dtype=np.int64)


def _rows(batch: Batch, first: int, end: int) -> Batch:
    """These sequences of a batch alone, without the truth."""
    named = {name: getattr(batch, name) for name in ("x", "lengths", "future", "start")}
    return Batch(**{k: a if a is None else np.asarray(a)[first:end] for k, a in named.items()})
