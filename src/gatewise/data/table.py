"""A series: numbers by step, targets first, with the times they belong to.

Rows in messages count from 1, as they came, without the header.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gatewise.data.columns import choose_columns, to_numbers
from gatewise.data.frames import as_frame
from gatewise.data.frequency import TimeArray, day_of_month, future, season_of
from gatewise.data.repair import DUPLICATES, FILLS, Duplicates, Fill, Raw, tidy, time_text
from gatewise.data.times import read_times
from gatewise.errors import DataError, UsageError, did_you_mean


@dataclass(frozen=True, slots=True, eq=False)
class SeriesTable:
    """One row for each step, in order, every cell a finite number.

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

    def __len__(self) -> int:
        return len(self.values)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of `values`."""
        return self.targets + self.features

    def rows(self, start: int, stop: int) -> SeriesTable:
        """The rows from `start` to before `stop`, as in a slice; nothing is copied."""
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


def read_series(
    frame: Any,
    *,
    target: str | Sequence[str] | None = None,
    time: str | None = None,
    features: str | Sequence[str] | None = None,
    sort: bool = False,
    fill: Fill | None = None,
    duplicates: Duplicates | None = None,
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
    name        of the data, for messages

    Raises DataError for anything that would make a forecast wrong in silence: what was found
    where, and the argument that repairs it. UsageError for an unknown option.
    """
    _check_choice("fill", fill, FILLS)
    _check_choice("duplicates", duplicates, DUPLICATES)
    table = as_frame(frame)
    if table.empty:
        raise DataError(f"{name} has no rows")
    chosen = choose_columns(table, target, time, features, name)
    names = chosen.targets + chosen.features
    values = np.empty((len(table), len(names)))
    for i, column in enumerate(names):
        values[:, i] = to_numbers(table[column], column, name)
    times = None if chosen.time is None else read_times(table[chosen.time], chosen.time, name)

    def label(row: int) -> str:
        cell = None if chosen.time is None else table[chosen.time].iloc[row]
        return time_text(cell.to_datetime64()) if isinstance(cell, pd.Timestamp) else str(cell)

    def twins() -> str:
        return "" if chosen.time is None else _several_series(table, chosen.time)

    keys = None if times is None else times.values
    clean = tidy(
        Raw(values, names, keys, label, twins, name), sort=sort, fill=fill, duplicates=duplicates
    )
    start, step = (None, None) if clean.count is None else clean.count
    read = () if times is None or not times.note else (times.note,)
    return SeriesTable(
        values=clean.values,
        targets=chosen.targets,
        features=chosen.features,
        times=clean.times,
        time_name=None if clean.times is None else chosen.time,
        frequency=clean.frequency,
        season=None if clean.frequency is None else season_of(clean.frequency),
        bounds=np.array([0, len(clean.values)]),
        series=(name,),
        notes=chosen.notes + read + clean.notes,
        counter=None if times is None or times.dated else chosen.time,
        counter_start=start,
        counter_step=step,
        observed=clean.observed,
    )


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
        if name == time or pd.api.types.is_numeric_dtype(frame[name].dtype):
            continue
        count = frame[name].nunique()
        if 1 < count <= len(frame) // 2 and not frame.duplicated([time, name]).any():
            return (
                f"; or are these {count} series, told apart by column '{name}'? Keep the rows "
                f"of one"
            )
    return ""


def _check_choice(option: str, value: str | None, known: Sequence[str]) -> None:
    if value is not None and value not in known:
        raise UsageError(
            f"{option}={value!r} is unknown{did_you_mean(value, known)} (known: {', '.join(known)})"
        )
