"""Rows a second time: read as the model learnt them, and known again where it did."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import IntArray
from gatewise.data.frequency import in_words
from gatewise.data.table import SeriesTable, read_series
from gatewise.errors import DataError

HEAD = 16  # rows by which a series is told from most others before all of it is compared


@dataclass(frozen=True, slots=True)
class LearntRows:
    """The rows that a training read, by what they end with.

    count   so many rows
    steps   of the last ones the digest is taken
    digest  SHA-256 of their values
    last    time of the last one, in ns since 1970; None: rows without times
    series  name of the series that they are of; None: of the only one, without a name
    head    SHA-256 of the values of the first HEAD ones; None: these are not kept
    """

    count: int
    steps: int
    digest: str
    last: int | None
    series: str | None = None
    head: str | None = None

    @classmethod
    def of(cls, count: int, tail: SeriesTable) -> LearntRows:
        """`count` rows that end with these."""
        series = None if tail.series_name is None else tail.series[0]
        last = None
        if tail.times is not None:
            last = int(tail.times[-1].astype("datetime64[ns]").astype(np.int64))
        head = _digest(tail.values[:HEAD]) if len(tail) == count else None
        return cls(count, len(tail), _digest(tail.values), last, series, head)

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


def seen_of_each(known: Sequence[LearntRows], table: SeriesTable) -> IntArray:
    """Of each series of the table the rows up to the last one that any of these trainings read.

    With times a series is known by its name, and any is by its rows: a new name does not make a
    series new.  -> (S,)
    """
    if table.series_name is None:
        return np.array([seen_rows(known, table)])
    named: dict[str | None, list[LearntRows]] = {}
    for rows in known:
        named.setdefault(rows.series, []).append(rows)
    digests = {(rows.count, rows.digest) for rows in known}
    ends: dict[str | None, set[tuple[int, int]]] = {}
    for rows in known:
        ends.setdefault(rows.head, set()).add((rows.count, rows.steps))
    heads = sorted({min(rows.count, HEAD) for rows in known})
    found = []
    for part in table.parts():
        seen = 0
        if part.times is not None:
            seen = seen_rows(named.get(part.series[0], []), part)
        begins = {None, *(_digest(part.values[:head]) for head in heads)}
        alike = {end for begin in begins & ends.keys() for end in ends[begin]}
        for count, steps in sorted(alike):
            if seen < count <= len(part):
                own = _digest(part.values[count - steps : count])
                seen = count if (count, own) in digests else seen
        found.append(seen)
    return np.array(found, dtype=np.int64)


def learnt_rows(table: SeriesTable, tail: SeriesTable) -> list[LearntRows]:
    """What is kept of the rows that are learnt from, which end with `tail`; of each of several
    series a digest of the whole, as short ones end alike more easily.
    """
    if table.series_name is None:
        return [LearntRows.of(len(table), tail)]
    return [LearntRows.of(len(part), part) for part in table.parts()]


def together(known: Sequence[LearntRows], own: Sequence[LearntRows]) -> tuple[LearntRows, ...]:
    """With one training more: of rows of one series with times, the latest end says it all."""
    every = [*known, *own]
    if all(rows.last is not None and rows.series is None for rows in every):
        return (max(every, key=lambda rows: rows.last or 0),)
    return tuple(dict.fromkeys(every))


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
            "series": tail.series_name,
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
