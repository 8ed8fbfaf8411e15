"""Refuse a batch that does not fit the network, with every problem in one message."""

from __future__ import annotations

from typing import Any

import numpy as np

from gatewise.batch import IGNORED, Batch
from gatewise.errors import UsageError
from gatewise.reference import STATES
from gatewise.spec import NetworkSpec


def check_batch(spec: NetworkSpec, batch: Batch) -> None:
    """Refuse a batch that does not fit the network.

    Raises UsageError, one message that names what was expected and received for every problem.
    """
    shape = np.shape(batch.x)
    if len(shape) != 3 or 0 in shape[1:]:
        read = "channels of ids" if spec.embedding == "tokens" else "features"
        raise UsageError(
            f"x must be (sequences, steps, {spec.input_size} {read}), at least one step long, "
            f"not of shape {shape}"
        )
    rows, steps, features = shape
    problems = []
    if features != spec.input_size:
        problems.append(f"x has {features} features per step, the network reads {spec.input_size}")
    if steps % spec.segment_length:
        problems.append(
            f"x is {steps} steps long, not a multiple of segment_length={spec.segment_length}"
        )
    if spec.embedding == "tokens":
        problems += _id_problems("x", batch.x, spec.vocab_size)
    problems += _length_problems(spec, batch.lengths, rows, steps)
    for name, wanted in _expected(spec, rows).items():
        given = getattr(batch, name)
        if given is None:
            problems.append(f"{name} of shape {wanted} is missing")
        elif np.shape(given) != wanted:
            problems.append(f"{name} must be of shape {wanted}, not {np.shape(given)}")
    problems += _state_problems(spec, batch.state, rows)
    if spec.decoder == "tokens":
        problems += _decoder_problems(spec, batch, rows)
    if problems:
        raise UsageError("the batch does not fit the network: " + "; ".join(problems))


def _expected(spec: NetworkSpec, rows: int) -> dict[str, tuple[int, ...]]:
    """What must be there beside x, and its shape."""
    found: dict[str, tuple[int, ...]] = {}
    if spec.future_size:
        found["future"] = (rows, spec.horizon, spec.future_size)
    if spec.decoder == "fed_back":
        found["start"] = (rows, spec.output_size)
    if spec.decoder == "tokens":
        found["start"] = (rows, 1)
    return found


def _id_problems(name: str, given: Any, vocabulary: int, lowest: int = 0) -> list[str]:
    """Ids are whole numbers from `lowest` to `vocabulary` - 1."""
    ids = np.asarray(given)
    if ids.dtype.kind not in "iu":
        return [f"{name} must be ids, whole numbers below {vocabulary}, not {ids.dtype}"]
    wrong = (ids < lowest) | (ids >= vocabulary)
    if not wrong.any():
        return []
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    return [
        f"{name}[{', '.join(map(str, at))}] is id {ids[at]}, "
        f"the vocabulary has ids from {lowest} to {vocabulary - 1}"
    ]


def _length_problems(spec: NetworkSpec, lengths: Any, rows: int, steps: int) -> list[str]:
    if lengths is None:
        return []
    given = np.asarray(lengths)
    if given.shape != (rows,) or given.dtype.kind not in "iu":
        return [
            f"lengths must be {rows} whole numbers, one per sequence, "
            f"not {given.dtype} of shape {given.shape}"
        ]
    size = spec.segment_length
    wrong = (given < 1) | (given > steps) | (given % size != 0)
    if not wrong.any():
        return []
    row = int(np.argmax(wrong))
    multiples = f" and multiples of segment_length={size}" if size > 1 else ""
    return [
        f"lengths must be from 1 to {steps}, the steps of x,{multiples}; "
        f"lengths[{row}] is {given[row]}"
    ]


def _state_problems(spec: NetworkSpec, state: Any, rows: int) -> list[str]:
    if state is None:
        return []
    if spec.kind != "many_to_many" or spec.bidirectional:
        return ["state is given, but only a one-way many_to_many network begins in one"]
    wanted = (len(STATES[spec.cell]), spec.num_layers, rows, spec.hidden_size)
    if np.shape(state) != wanted:
        return [f"state must be of shape {wanted}, not {np.shape(state)}"]
    return []


def _decoder_problems(spec: NetworkSpec, batch: Batch, rows: int) -> list[str]:
    """A decoder of tokens reads the truth: start (B, 1) and y (B, K)."""
    problems = []
    if batch.start is not None:
        problems += _id_problems("start", batch.start, spec.output_size)
    if batch.y is None:
        problems.append(f"y of shape ({rows}, steps) is missing: the decoder reads it")
    elif np.ndim(batch.y) != 2 or len(batch.y) != rows or np.shape(batch.y)[1] == 0:
        problems.append(
            f"y must be of shape ({rows}, steps), at least one step long, not {np.shape(batch.y)}"
        )
    else:
        problems += _id_problems("y", batch.y, spec.output_size, IGNORED)
    return problems
