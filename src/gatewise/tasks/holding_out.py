"""Which examples decide when to stop: alike in all tasks on sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from gatewise.batch import IntArray
from gatewise.data.parts import Duplicates, split_parts
from gatewise.errors import UsageError

FEWEST = 20  # examples; of fewer, none decides when to stop
FAR = 0.25  # of what was asked for
FEW = 5  # of fewer held out, chance decides when to stop
MOST = 0.9  # share of the examples


def hold_out(
    count: int,
    validation: float,
    seed: int,
    *,
    what: str = "examples",
    labels: Any = None,
    copies: Duplicates | None = None,
) -> tuple[IntArray, IntArray, list[str]]:
    """(training rows, held-out rows, notes)

    validation  share (below 1) or number of the examples
    what        they are, in the plural
    labels      each part gets its share of each
    copies      that stay on one side; None: each by itself

    Raises UsageError where next to nothing is left to learn from.
    """
    if validation == 0 or count < FEWEST:
        note = f"all {count:,} {what} are learnt from: none is held out to decide when to stop"
        return np.arange(count), np.arange(0), [note]
    share = validation if validation < 1 else validation / count
    if share >= MOST:
        raise UsageError(
            f"validation={validation!r} leaves too little of {count:,} {what} to learn from"
        )
    groups, notes = (None, []) if copies is None else (copies.groups, list(copies.notes))
    train, held = split_parts(
        count, labels=labels, groups=groups, shares=(1 - share, share), seed=seed
    )
    if abs(len(held) - share * count) > max(1 - 1e-9, FAR * share * count):
        notes.append(
            f"the validation part holds {len(held):,} {what}, not {share * count:.3g} as "
            f"validation={validation!r} says: each class is in both parts, and copies are in one"
        )
    elif len(held) < FEW:
        notes.append(
            f"the validation part holds {len(held):,} of {count:,} {what}: few to decide when to "
            f"stop"
        )
    return train, held, notes
