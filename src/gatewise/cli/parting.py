"""Which examples are judged on: some of the file, drawn by the seed, or those of another file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gatewise.batch import IntArray
from gatewise.data.parts import duplicates, split_parts
from gatewise.errors import DataError

FAR = 0.25  # of what was asked for
FEW = 20  # examples: of fewer, scores say next to nothing
NOT_LEARNT = "are not learnt from"
COPIES = "occur more than once"  # in the notes of data.parts.duplicates


def is_of_copies(note: str) -> bool:
    """Whether it says what is not learnt from."""
    return NOT_LEARNT in note


def without_copies(told: Sequence[str], notes: Sequence[str]) -> list[str]:
    """`notes` of a training, without what `told` said of copies before: they are the same ones."""
    known = any(COPIES in note for note in told)
    return [note for note in notes if not (known and COPIES in note)]


def split_off(
    count: int,
    test: float | int,
    *,
    what: str,
    seed: int,
    groups: IntArray | None = None,
    labels: Any = None,
) -> tuple[IntArray, IntArray, list[str]]:
    """(rows to learn from, rows to judge on, notes)

    test    share (below 1) or number
    what    the examples in messages: texts, sentences, pairs
    groups, labels  as in data.parts.split_parts

    Raises DataError when either part would be empty.
    """
    share = test if test < 1 else test / count
    if count < 2:
        raise DataError(f"{what}: 1 is too few; some are learnt from, others judged on")
    if share >= 1:
        raise DataError(
            f"test={test} leaves nothing of {count:,} {what} to learn from; give a share such as "
            f"--test 0.2, or a number below {count:,}"
        )
    if share * count < 1:
        raise DataError(
            f"test={test} of {count:,} {what} is less than one; give a larger share, "
            f"--test FILE, or more {what}"
        )
    train, held = split_parts(
        count, labels=labels, groups=groups, shares=(1 - share, share), seed=seed
    )
    notes = []
    if abs(len(held) - share * count) > max(1 - 1e-9, FAR * share * count):
        notes.append(
            f"the test part holds {len(held):,} of {count:,} {what}, not {share * count:.3g} as "
            f"test={test} says: each class is in both parts, and copies are in one"
        )
    if len(held) < FEW:
        notes.append(f"the test part holds {len(held):,} of {count:,} {what}: scores are rough")
    return train, held, notes


def unseen(
    examples: Sequence[Any], test: Sequence[Any], *, what: str, name: str
) -> tuple[IntArray, list[str]]:
    """(rows of `examples` without copies in the test, notes)

    what  the examples, name  the file of the test, in messages
    Raises DataError when no row is left.
    """
    groups = duplicates([*examples, *test]).groups
    shared = np.isin(groups[: len(examples)], groups[len(examples) :])
    kept = np.flatnonzero(~shared)
    if not len(kept):
        raise DataError(f"all {what} are in {name}, too: nothing is left to learn from")
    if not shared.any():
        return kept, []
    return kept, [
        f"{int(shared.sum()):,} {what} {NOT_LEARNT}: {name} holds them, too "
        f"(keep_duplicates keeps them)"
    ]
