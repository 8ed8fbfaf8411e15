"""Batches cut so that each part takes a bounded memory, and the answers put together again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import Batch, IntArray
from gatewise.engine import Outputs
from gatewise.reference import STATES
from gatewise.spec import NetworkSpec
from gatewise.weights import GATES

TOGETHER = 256  # steps for which rows are kept in one part where sequences are also cut in time
READ = ("x", "lengths", "future", "start", "state", "y")
ROWS_AXIS = {"state": 2}  # (S, layers, B, H); elsewhere rows come first


def bytes_of_step(spec: NetworkSpec) -> int:
    """What one step of one sequence takes while it is read: its gates, and what it answers."""
    answered = spec.output_size if spec.kind == "many_to_many" else 0
    return 4 * (GATES[spec.cell] * spec.encoded_size + answered)


def bytes_of_decoder_step(spec: NetworkSpec, batch: Batch) -> int:
    """What one step of one row takes in a decoder of tokens: gates, logits, attention."""
    width = {"none": 0, "additive": spec.attention_size, "multiplicative": 1}[spec.attention]
    looked_at = _steps(batch.x) * width
    return 4 * (GATES[spec.cell] * spec.hidden_size + 2 * spec.output_size + looked_at)


def bytes_of_row(spec: NetworkSpec, batch: Batch) -> int:
    """What one row of the batch takes in one run."""
    steps = _steps(batch.x) // spec.segment_length
    if spec.kind == "many_to_many" and not spec.bidirectional:
        return bytes_of_step(spec) * min(steps, TOGETHER)
    if spec.decoder != "tokens":
        return bytes_of_step(spec) * steps
    written = min(_steps(batch.y), TOGETHER)
    return max(bytes_of_step(spec) * steps, bytes_of_decoder_step(spec, batch) * written)


def parts(batch: Batch, most: int) -> Iterator[Batch]:
    """At most so many rows of the batch at once, with all that a network reads."""
    named = {n: np.asarray(getattr(batch, n)) for n in READ if getattr(batch, n) is not None}
    for first in range(0, len(batch.x), most):
        rows = slice(first, first + most)
        yield Batch(**{n: a[:, :, rows] if ROWS_AXIS.get(n) else a[rows] for n, a in named.items()})


def join(answers: Sequence[Outputs]) -> Outputs:
    """The answers to the parts as that to the whole batch."""
    if len(answers) == 1:
        return answers[0]

    def whole(name: str) -> Any:
        found = [part for answer in answers if (part := getattr(answer, name)) is not None]
        return np.concatenate(found, axis=ROWS_AXIS.get(name, 0)) if found else None

    return Outputs(whole("output"), whole("attention"), whole("state"))


def nothing(spec: NetworkSpec, batch: Batch) -> Outputs:
    """The answer to no sequences, which onnxruntime does not take."""
    steps = _steps(batch.x) // spec.segment_length
    written = spec.horizon
    attention: NDArray[np.float32] | None = None
    state: NDArray[np.float32] | None = None
    if spec.kind == "many_to_many":
        written = steps
        state = None if spec.bidirectional else begin_of(spec, batch)
    elif spec.decoder == "tokens":
        written = _steps(batch.y)
        if spec.attention != "none":
            attention = np.empty((0, written, steps), np.float32)
    elif spec.kind == "many_to_one" and spec.pooling == "attention":
        attention = np.empty((0, steps), np.float32)
    return Outputs(np.empty((0, written, spec.output_size), np.float32), attention, state)


def begin_of(spec: NetworkSpec, batch: Batch) -> NDArray[np.float32]:
    """A copy of the state (S, layers, B, H) in which a many_to_many network begins."""
    if batch.state is not None:
        return np.array(batch.state, dtype=np.float32)
    return np.zeros(
        (len(STATES[spec.cell]), spec.num_layers, len(batch.x), spec.hidden_size), np.float32
    )


def lengths_of(batch: Batch) -> IntArray:
    """The valid steps of each sequence.  (B,)"""
    rows, steps = np.shape(batch.x)[:2]
    return np.full(rows, steps) if batch.lengths is None else np.asarray(batch.lengths)


def _steps(array: Any) -> int:
    return int(np.shape(array)[1])
