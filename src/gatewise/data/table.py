"""One or many series: numbers by step, targets first, with the times they belong to.

Rows in messages count from 1, as they came, without the header.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gatewise.data.apart import Apart, names_of, tidy_each
from gatewise.data.columns import choose_columns, to_numbers
from gatewise.data.frames import as_frame
from gatewise.data.frequency import TimeArray, day_of_month, future, season_of
from gatewise.data.repair import DUPLICATES, FILLS, Duplicates, Fill, Raw, time_text
from gatewise.data.times import read_times
from gatewise.errors import DataError, UsageError, did_you_mean


@dataclass(frozen=True, slots=True, eq=False)
class SeriesTable:
    """One row for each step, in order, every cell a finite number; series behind each other.

    values     (N, C) float64: the targets first, then the features
    targets    names of the columns that are forecast
    features   names of the columns that help
    times      (N,) datetime64[ns] without a zone; None: rows are steps 0, 1, 2, ...
    time_name  of the column of times
    frequency  pandas offset alias ('MS', 'D', '30min'); None without times
    season     steps of the cycle that is usual at this frequency; None: unknown
    bounds     (S+1,) row offsets of the series; [0, N] for one
    series     names of the series
    notes      what was found, assumed and repaired, in words
    counter    name of the column of numbers that put the rows in order; None: times did, or none
    counter_start, counter_step  its number in the first row and from row to row; None where it
               does not count evenly in whole numbers
    observed   (N, C) False where `fill` put the number; None: it put none
    series_name  name of the column that tells the series apart; None: there is one, without a name
    counts     (S, 2) counter_start and counter_step of each series; rows that nothing else counts
               count from 1. With a series_name alone
    numbered   whether the names of the series came as whole numbers, not as text
    """

    values: NDArray[np.float64]
    targets: tuple[str, ...]
    features: tuple[str, ...]
    times: TimeArray | None
    time_name: str | None
    frequency: str | None
    season: int | None
    bounds: NDArray[np.int64]
    series: tuple[str, ...]
    notes: tuple[str, ...]
    counter: str | None = None
    counter_start: int | None = None
    counter_step: int | None = None
    observed: NDArray[np.bool_] | None = None
    series_name: str | None = None
    counts: NDArray[np.int64] | None = None
    numbered: bool = False

    def __len__(self) -> int:
        return len(self.values)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of `values`."""
        return self.targets + self.features

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Rows of each series.  (S,)"""
        return np.diff(self.bounds)

    def parts(self) -> Iterator[SeriesTable]:
        """Each series as a table of its own; nothing is copied."""
        for number, name in enumerate(self.series):
            part = self.rows(int(self.bounds[number]), int(self.bounds[number + 1]))
            if self.counts is not None:
                first, step = self.counts[number].tolist()
                part = replace(part, counter_start=first, counter_step=step, counts=None)
            yield replace(part, series=(name,))

    def rows(self, start: int, stop: int) -> SeriesTable:
        """The rows from `start` to before `stop`, as in a slice, as one series; nothing is copied.

        Of several series `parts` and `select` go along their bounds.
        """
        part = slice(start, stop)
        values = self.values[part]
        first, step = self.counter_start, self.counter_step
        if first is not None and step is not None:
            first += part.indices(len(self))[0] * step
        return replace(
            self,
            values=values,
            times=None if self.times is None else self.times[part],
            bounds=np.array([0, len(values)]),
            counter_start=first,
            observed=None if self.observed is None else self.observed[part],
        )

    def select(self, first: NDArray[np.int64], stop: NDArray[np.int64]) -> SeriesTable:
        """Of each series the rows from `first` to before `stop`, of the table; a series of which
        none are left is gone.  (S,) each
        """
        parts = [
            part.rows(int(a - begin), int(b - begin))
            for part, begin, a, b in zip(self.parts(), self.bounds, first, stop, strict=False)
            if b > a
        ]
        return behind_each_other(parts, like=self)

    def future_times(self, steps: int) -> TimeArray | None:
        """The times of the `steps` after the last row; None without a frequency."""
        if self.times is None or self.frequency is None or len(self) == 0:
            return None
        return future(self.times[-1], self.frequency, steps, day_of_month(self.times))

    @property
    def step_name(self) -> str:
        """What `future_steps` counts: the counter, or 'step' for rows."""
        return "step" if self.counter is None or self.counter_start is None else self.counter

    def future_steps(self, steps: int) -> NDArray[np.int64]:
        """The numbers of the `steps` after the last row: those of the counter that follow, or
        N+1, ..., N+steps, as rows count from 1.  -> (steps,)"""
        ahead = np.arange(len(self), len(self) + steps, dtype=np.int64)
        if self.counter_start is None or self.counter_step is None:
            return ahead + 1
        return self.counter_start + self.counter_step * ahead

    def summary(self) -> dict[str, Any]:
        """What an artifact keeps of the data: plain values, for JSON."""
        ends = [] if self.times is None else [time_text(time) for time in self.times[[0, -1]]]
        return {
            "rows": len(self),
            "time": self.time_name,
            "first": ends[0] if ends else None,
            "last": ends[-1] if ends else None,
            "frequency": self.frequency,
            "season": self.season,
            "targets": list(self.targets),
            "features": list(self.features),
            **self._series_summary(),
            "columns": {
                name: {
                    "min": float(column.min()),
                    "mean": float(column.mean()),
                    "max": float(column.max()),
                    "std": float(column.std()),
                }
                for name, column in zip(self.columns, self.values.T, strict=True)
            },
            "sha256": hashlib.sha256(self.values.astype("<f8").tobytes()).hexdigest(),
        }

    def _series_summary(self) -> dict[str, Any]:
        if self.series_name is None:
            return {}
        lengths = self.lengths
        return {
            "series": self.series_name,
            "series_count": len(lengths),
            "series_shortest": int(lengths.min()),
            "series_longest": int(lengths.max()),
        }


def behind_each_other(parts: Sequence[SeriesTable], like: SeriesTable) -> SeriesTable:
    """Tables of one series each as one table, with names and notes of `like`."""
    times = [part.times for part in parts if part.times is not None]
    observed = [part.observed for part in parts if part.observed is not None]
    named = like.counts is not None
    counts = [(part.counter_start or 0, part.counter_step or 0) for part in parts] if named else []
    return replace(
        like,
        values=np.concatenate([like.values[:0], *(part.values for part in parts)]),
        times=np.concatenate([like.times[:0], *times]) if like.times is not None else None,
        observed=np.concatenate(observed) if observed else None,
        bounds=np.cumsum([0, *map(len, parts)]).astype(np.int64),
        series=tuple(name for part in parts for name in part.series),
        counter_start=None if named or not parts else parts[0].counter_start,
        counts=np.array(counts, dtype=np.int64).reshape(-1, 2) if named else None,
    )


def read_series(
    frame: Any,
    *,
    target: str | Sequence[str] | None = None,
    time: str | None = None,
    features: str | Sequence[str] | None = None,
    sort: bool = False,
    fill: Fill | None = None,
    duplicates: Duplicates | None = None,
    series: str | None = None,
    name: str = "data",
) -> SeriesTable:
    """Check a table and take the series out of it.

    frame       whatever `as_frame` reads
    target      columns to forecast; None: the only column of numbers
    time        column of times (or of counted steps); None: the only column that holds times
    features    columns that help; 'all': every other column of numbers
    sort        put rows in the order of their times
    fill        missing steps and empty cells: 'interpolate' (a line between neighbours, which
                looks ahead), 'forward' (the last value again) or 'zero'
    duplicates  rows with the same time: keep the 'first', the 'last' or their 'mean'
    series      column that names the series of each row; None: all rows are of one
    name        of the data, for messages

    Raises DataError for anything that would make a forecast wrong in silence: what was found
    where, and the argument that repairs it. UsageError for an unknown option.
    """
    _check_choice("fill", fill, FILLS)
    _check_choice("duplicates", duplicates, DUPLICATES)
    table = as_frame(frame)
    if table.empty:
        raise DataError(f"{name} has no rows")
    chosen = choose_columns(table, target, time, features, name, series)
    names = chosen.targets + chosen.features
    values = np.empty((len(table), len(names)))
    for i, column in enumerate(names):
        values[:, i] = to_numbers(table[column], column, name)
    times = None if chosen.time is None else read_times(table[chosen.time], chosen.time, name)

    def label(row: int) -> str:
        cell = None if chosen.time is None else table[chosen.time].iloc[row]
        return time_text(cell.to_datetime64()) if isinstance(cell, pd.Timestamp) else str(cell)

    def twins() -> str:
        return "" if chosen.time is None or series else _several_series(table, chosen.time)

    keys = None if times is None else times.values
    codes = np.zeros(len(table), dtype=np.int64)
    names_found: tuple[str, ...] = (name,)
    if series is not None:
        codes, names_found = names_of(table[series], series, name)
    apart = tidy_each(
        Raw(values, names, keys, label, twins, name),
        codes,
        names_found,
        sort=sort,
        fill=fill,
        duplicates=duplicates,
    )
    clean = apart.rows
    start, step, counts = None, None, None
    counter = None if times is None or times.dated else chosen.time
    if series is not None:
        even = counter is not None and bool(np.all(apart.counts[:, 1] > 0))
        counter, counts = (counter, apart.counts) if even else (None, np.ones_like(apart.counts))
    elif clean.count is not None:
        start, step = clean.count
    read = () if times is None or not times.note else (times.note,)
    return SeriesTable(
        values=clean.values,
        targets=chosen.targets,
        features=chosen.features,
        times=clean.times,
        time_name=None if clean.times is None else chosen.time,
        frequency=clean.frequency,
        season=None if clean.frequency is None else season_of(clean.frequency),
        bounds=apart.bounds,
        series=apart.names,
        notes=chosen.notes + read + clean.notes + _lengths_told(apart, series),
        counter=counter,
        counter_start=start,
        counter_step=step,
        observed=clean.observed,
        series_name=series,
        counts=counts,
        numbered=series is not None and pd.api.types.is_integer_dtype(table[series]),
    )


def _lengths_told(apart: Apart, column: str | None) -> tuple[str, ...]:
    if column is None:
        return ()
    count, lengths = len(apart.names), np.diff(apart.bounds)
    low, high = int(lengths.min()), int(lengths.max())
    rows = f"{low:,} rows" if low == high else f"{low:,} to {high:,} rows"
    if count == 1:
        return (f"column '{column}' names one series, of {rows}",)
    return (f"{count:,} series of {rows} each, told apart by column '{column}'",)


def check_varies(table: SeriesTable) -> None:
    """Raises DataError when a target has the same value in every row."""
    targets = zip(table.targets, table.values.T, strict=False)
    constant = [
        f"column '{name}' is constant (always {column[0]:g})"
        for name, column in targets
        if np.all(column == column[0])
    ]
    if constant:
        raise DataError(f"{'; '.join(constant)}: there is nothing to learn")


def _several_series(frame: pd.DataFrame, time: str) -> str:
    """A hint, when a column of names tells rows with equal times apart."""
    for name in frame.columns:
        if name == time or frame[name].dtype.kind in "fcMm":
            continue
        rows = frame[name].value_counts()
        if pd.api.types.is_numeric_dtype(frame[name].dtype) and rows.nunique() > 1:
            continue  # counted things; numbers that name series stand in as many rows each
        count = len(rows)
        if 1 < count <= len(frame) // 2 and not frame.duplicated([time, name]).any():
            return (
                f"; or are these {count} series, told apart by column '{name}'? Then name it "
                f"with series={str(name)!r} (--series {shlex.quote(str(name))})"
            )
    return ""


def _check_choice(option: str, value: str | None, known: Sequence[str]) -> None:
    if value is not None and value not in known:
        raise UsageError(
            f"{option}={value!r} is unknown{did_you_mean(value, known)} (known: {', '.join(known)})"
        )
