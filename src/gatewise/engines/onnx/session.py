"""What onnxruntime runs, and the arrays that it takes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gatewise.errors import ArtifactError

ERRORS_ONLY = 3  # onnxruntime's log severity
VERSION: str = onnxruntime.__version__

Feeds = dict[str, NDArray[Any]]

onnxruntime.disable_telemetry_events()  # Windows alone would send any


def open_sessions(
    graphs: Mapping[str, bytes], names: Sequence[str], threads: int | None = None
) -> dict[str, Any]:
    """The graphs of these names, ready to run.

    threads: of one call; None: one for each core, at most four. Raises ArtifactError when a graph
    is missing or cannot be read.
    """
    missing = [name for name in names if name not in graphs]
    if missing:
        raise ArtifactError(
            f"the network's ONNX graph '{missing[0]}' is missing "
            f"(given: {', '.join(sorted(graphs)) or 'none'}); save the model again"
        )
    threads = threads or min(4, os.cpu_count() or 1)
    return {name: _session(name, graphs[name], threads) for name in names}


def _session(name: str, graph: bytes, threads: int) -> Any:
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
            f"the network's ONNX graph '{name}' cannot be read ({error}); save the model again"
        ) from None


def run_named(session: Any, feeds: Feeds) -> Feeds:
    """Every output of a graph by its name."""
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


def floats(values: Any) -> NDArray[np.float32]:
    """As a graph takes numbers."""
    return np.ascontiguousarray(values, dtype=np.float32)


def ids(values: Any) -> NDArray[np.int64]:
    """As a graph takes whole numbers."""
    return np.ascontiguousarray(values, dtype=np.int64)
