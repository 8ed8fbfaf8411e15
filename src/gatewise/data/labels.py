"""Labels in, class numbers out, and back: one class of each example, or several.

B examples, C classes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gatewise.errors import DataError, did_you_mean

Kind = Literal["binary", "multiclass", "multilabel"]
Given = Literal["str", "int", "bool"]
SEPARATORS = ("|", ";", ",")  # between several labels in one cell
LISTED = 12  # names in one message
MOST_CLASSES = 50  # as many as half of the examples are too many, from here on


@dataclass(frozen=True)
class LabelCodec:
    """The classes of the training labels, sorted: numbers by size, else by their text.

    classes    as they are shown: '0', 'spam', 'True'
    kind       binary and multiclass: one class of each example; multilabel: any number of them
    given      what the labels were: `decode` gives the same
    separator  between several labels in one cell; None: lists
    """

    classes: tuple[str, ...]
    kind: Kind
    given: Given = "str"
    separator: str | None = None

    @classmethod
    def learn(
        cls,
        labels: Iterable[Any],
        *,
        multilabel: bool = False,
        separator: str | None = None,
        rows: Sequence[int] | None = None,
    ) -> LabelCodec:
        """From the labels of the training part: text, whole numbers, booleans; or lists of them.

        multilabel  several labels may stand in one cell, separated by `separator`: None finds
                    one of | ; , in the cells. Lists are always several
        rows        where each stands, for messages; None: from 1

        Raises DataError for labels that are missing, with their rows, and for one class only.
        """
        cells = list(labels)
        if not cells:
            raise DataError("there are no labels to learn from")
        lists = [_is_list(cell) for cell in cells]
        if any(lists) and not all(lists):
            i = lists.index(False)
            row = i + 1 if rows is None else rows[i]
            raise DataError(f"label {row} is {cells[i]!r}, but others are lists of labels")
        several = multilabel or separator is not None or any(lists)
        if several and separator is None and not any(lists):
            separator = _find_separator(cells)
        counts: Counter[str] = Counter()
        for names in _cells(cells, several, separator, rows):
            counts.update(names)
        classes = tuple(sorted(counts, key=_order))
        if several:
            if not classes:
                raise DataError(f"none of the {len(cells):,} examples has a label")
            return cls(classes, "multilabel", _given(cells), separator)
        if len(classes) == 1:
            raise DataError(
                f"all {len(cells):,} labels are '{classes[0]}': there is nothing to tell apart; "
                f"give examples of at least two classes"
            )
        if len(classes) >= MOST_CLASSES and 2 * len(classes) > len(cells):
            raise DataError(
                f"{len(cells):,} labels are {len(classes):,} different ones ('{classes[0]}', "
                f"'{classes[1]}', ...), too many to learn any; is this the column of labels?"
            )
        return cls(classes, "binary" if len(classes) == 2 else "multiclass", _given(cells))

    def __len__(self) -> int:
        return len(self.classes)

    def widened(
        self, labels: Iterable[Any], rows: Sequence[int] | None = None
    ) -> tuple[LabelCodec, list[str]]:
        """(the codec with classes behind its own for labels not seen in training, notes on them)

        What was never seen cannot be told: an answer there is wrong, and counts as such.
        Raises DataError where no example has a label that was seen, and as `encode` does.
        """
        cells = _cells(list(labels), self.kind == "multilabel", self.separator, rows)
        found = Counter(name for names in cells for name in names)
        strange = [name for name in found if name not in self.classes]
        if not strange:
            return self, []
        if len(strange) == len(found):
            self._refuse_unknown(found, dict.fromkeys(self.classes, 0))
        told = "; ".join(
            f"label '{name}' ({times(found[name])}) was not among the training labels"
            f"{did_you_mean(name, self.classes)}"
            for name in strange[:LISTED]
        )
        more = f"; and {len(strange) - LISTED} more" if len(strange) > LISTED else ""
        note = f"{told}{more}: no answer can be right there, and each counts as wrong"
        return replace(self, classes=(*self.classes, *strange)), [note]

    def encode(self, labels: Iterable[Any], rows: Sequence[int] | None = None) -> NDArray[Any]:
        """Class numbers (B,) int64; of multilabel 0 and 1 (B, C) float32.

        rows  where each label stands, for messages; None: from 1

        Raises DataError that names each label not seen in training, how often it comes, and the
        nearest known one; and the rows of labels that are missing.
        """
        several = self.kind == "multilabel"
        cells = _cells(list(labels), several, self.separator, rows)
        number = {name: i for i, name in enumerate(self.classes)}
        self._refuse_unknown(Counter(name for names in cells for name in names), number)
        if not several:
            return np.array([number[names[0]] for names in cells], dtype=np.int64)
        table = np.zeros((len(cells), len(self)), dtype=np.float32)
        for row, names in zip(table, cells, strict=True):
            row[[number[name] for name in names]] = 1
        return table

    def decode(self, numbers: Any) -> list[Any]:
        """The labels of class numbers (B,), as they were given; of multilabel lists, from 0 and 1
        (B, C)."""
        as_given = {"str": str, "int": int, "bool": "True".__eq__}[self.given]
        labels = [as_given(name) for name in self.classes]  # type: ignore[operator]
        table = np.asarray(numbers)
        if self.kind == "multilabel":
            return [[labels[i] for i in np.flatnonzero(row)] for row in table]
        return [labels[int(i)] for i in table]

    def counts(self, labels: Iterable[Any]) -> dict[str, int]:
        """How many examples each class has, classes without any too."""
        found = Counter(
            name
            for names in _cells(list(labels), self.kind == "multilabel", self.separator)
            for name in names
        )
        return {name: found[name] for name in self.classes}

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "classes": list(self.classes)}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> LabelCodec:
        """What `to_dict` gave."""
        return cls(**{**saved, "classes": tuple(saved["classes"])})

    def _refuse_unknown(self, found: Mapping[str, int], number: Mapping[str, int]) -> None:
        unknown = [name for name in found if name not in number]
        if unknown:
            told = "; ".join(
                f"label '{name}' ({times(found[name])}) was not among the training labels"
                f"{did_you_mean(name, self.classes)}"
                for name in unknown[:LISTED]
            )
            more = f"; and {len(unknown) - LISTED} more" if len(unknown) > LISTED else ""
            raise DataError(f"{told}{more} (known: {listed(self.classes)})")


def listed(names: Sequence[str]) -> str:
    """Names in one line, the first dozen of many."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def times(count: int) -> str:
    """`1 time`, `2 times`"""
    return f"{count:,} time{'s' * (count != 1)}"


def missing_rows(cells: Sequence[Any]) -> list[int]:
    """The rows, from 1, of cells that are empty: None, NaN, or blank text."""
    return [i for i, cell in enumerate(cells, 1) if _is_missing(cell)]


def told_rows(rows: Sequence[int]) -> str:
    """`row 3`, or `rows 3, 7, 12 and 40 more`."""
    more = f" and {len(rows) - LISTED:,} more" if len(rows) > LISTED else ""
    return f"row{'s' * (len(rows) > 1)} {', '.join(map(str, rows[:LISTED]))}{more}"


def _cells(
    cells: list[Any], several: bool, separator: str | None, rows: Sequence[int] | None = None
) -> list[list[str]]:
    """The names of the labels of each example."""
    if several:
        if separator is None:
            return [_names(cell) for cell in cells]
        return [[] if _is_missing(cell) else _names(str(cell).split(separator)) for cell in cells]
    missing = missing_rows(cells)
    if missing:
        missing = missing if rows is None else [rows[row - 1] for row in missing]
        are = "is" if len(missing) == 1 else "are"
        raise DataError(
            f"{len(missing):,} of {len(cells):,} labels {are} missing ({told_rows(missing)}); fill "
            f"them in, or take these rows out"
        )
    return [[_name(cell)] for cell in cells]


def _names(cells: Any) -> list[str]:
    names = [_name(cell) for cell in cells if not _is_missing(cell)]
    return list(dict.fromkeys(name for name in names if name))


def _name(cell: Any) -> str:
    """A whole number is the same label as a float, which a column with gaps makes of it."""
    if isinstance(cell, (float, np.floating)) and float(cell).is_integer():
        return str(int(cell))
    return str(cell).strip()


def _is_missing(cell: Any) -> bool:
    if isinstance(cell, str):
        return not cell.strip()
    return not _is_list(cell) and bool(pd.isna(cell))  # None, NaN, NaT, NA


def _is_list(cell: Any) -> bool:
    return isinstance(cell, (list, tuple, set, frozenset, np.ndarray))


def _order(name: str) -> tuple[bool, float, str]:
    number = re.fullmatch(r"[+-]?\d+(\.\d+)?", name)
    return (number is None, float(name) if number else 0.0, name)


def _given(cells: list[Any]) -> Given:
    flat = [one for cell in cells for one in (cell if _is_list(cell) else [cell])]
    flat = [one for one in flat if not _is_missing(one)]
    if all(isinstance(one, (bool, np.bool_)) for one in flat):
        return "bool"
    numbers = (int, float, np.integer, np.floating)
    if all(isinstance(one, numbers) and float(one).is_integer() for one in flat):
        return "int"
    return "str"


def _find_separator(cells: list[Any]) -> str:
    texts = [str(cell) for cell in cells if not _is_missing(cell)]
    found = {mark: sum(mark in text for text in texts) for mark in SEPARATORS}
    best = max(SEPARATORS, key=lambda mark: found[mark])
    return best
