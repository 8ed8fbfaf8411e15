"""Rows a second time: read as the model learnt them, and known again where it did."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.data.frequency import in_words
from gatewise.data.table import SeriesTable, read_series
from gatewise.errors import DataError


@dataclass(frozen=True, slots=True)
class LearntRows:
    """The rows that a training read, by what they end with.

    count   so many rows
    steps   of the last ones the digest is taken
    digest  SHA-256 of their values
    last    time of the last one, in ns since 1970; None: rows without times
    """

    count: int
    steps: int
    digest: str
    last: int | None

    @classmethod
    def of(cls, count: int, tail: SeriesTable) -> LearntRows:
        """`count` rows that end with these."""
        last = None
        if tail.times is not None:
            last = int(tail.times[-1].astype("datetime64[ns]").astype(np.int64))
        return cls(count, len(tail), _digest(tail.values), last)

    def within(self, table: SeriesTable) -> int:
        """Rows of the table up to the last one that was learnt from."""
        if table.times is not None and self.last is not None:
            last = np.datetime64(self.last, "ns")
            return int(np.searchsorted(table.times, last, side="right"))
        own = table.values[: self.count][-self.steps :]
        return self.count if _digest(own) == self.digest else 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `LearntRows(**...)` reads it back."""
        return asdict(self)


def seen_rows(known: Iterable[LearntRows], table: SeriesTable) -> int:
    """Rows of the table up to the last one that any of these trainings read."""
    return max((rows.within(table) for rows in known), default=0)


def together(known: Sequence[LearntRows], own: LearntRows) -> tuple[LearntRows, ...]:
    """With one training more: of rows with times, the latest end says it all."""
    if own.last is not None and all(rows.last is not None for rows in known):
        return (max([*known, own], key=lambda rows: rows.last or 0),)
    return tuple(dict.fromkeys([*known, own]))


def read_again(tail: SeriesTable, data: Any, **chosen: Any) -> SeriesTable:
    """Data with the columns and at the frequency of the rows learnt from, of which `tail` is the
    end.

    chosen  what of `read_series` is given; the columns are the tail's otherwise
    Raises DataError.
    """
    table: SeriesTable
    if isinstance(data, SeriesTable):
        table = data
    else:
        own: dict[str, Any] = {
            "target": list(tail.targets),
            "time": tail.time_name or tail.counter,
            "features": list(tail.features),
        }
        table = read_series(data, **{**own, **chosen})
    if (table.columns, table.targets) != (tail.columns, tail.targets):
        raise DataError(
            f"the data has the columns {_columns(table)}; the model learnt from {_columns(tail)}: "
            f"name the columns alike, or train a model of these"
        )
    if tail.frequency and table.times is not None and table.frequency is None:
        return replace(table, frequency=tail.frequency)  # too few rows to tell
    if tail.frequency and table.frequency != tail.frequency:
        raise DataError(
            f"the data has {in_words(table.frequency) if table.frequency else 'no times'}; "
            f"the model learnt from {in_words(tail.frequency)}"
        )
    return table


def _columns(table: SeriesTable) -> str:
    read = f" (forecast: {', '.join(table.targets)})" if table.features else ""
    return ", ".join(table.columns) + read


def _digest(values: NDArray[np.float64]) -> str:
    plain = np.ascontiguousarray(values + 0.0, dtype="<f8")  # -0 as 0
    return hashlib.sha256(f"{plain.shape}".encode() + plain.tobytes()).hexdigest()
