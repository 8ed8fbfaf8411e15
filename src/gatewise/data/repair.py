"""Rows in order, one for each step, a number in each cell: checked, and repaired where asked.

Rows in messages count from 1, as they came. Every repair is told in the notes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gatewise.data import frequency
from gatewise.errors import DataError

Fill = Literal["interpolate", "forward", "zero"]
Duplicates = Literal["first", "last", "mean"]
FILLS = ("interpolate", "forward", "zero")
DUPLICATES = ("first", "last", "mean")

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
MOST_INVENTED = 20  # missing steps for each row that filling may add, before memory is at risk
LARGEST = 1e100  # squares of more overflow soon, and float32 holds no ratio of that to other values


@dataclass(frozen=True, slots=True)
class Raw:
    """Rows as they came.

    values  (N, C)
    names   of its columns
    keys    (N,) times or counted steps; None: the rows count themselves
    label   of a row, for messages: what its time cell says
    twins   what equal times may come from, for messages
    data    what it is called in messages
    rows    (N,) their numbers in the table that they are a part of, from 0; None: they are all
    """

    values: FloatArray
    names: tuple[str, ...]
    keys: NDArray[Any] | None
    label: Callable[[int], str]
    twins: Callable[[], str]
    data: str
    rows: IntArray | None = None


@dataclass(frozen=True, slots=True)
class Tidy:
    """One row for each step, in order, without an empty cell.

    values (N, C) · times (N,) datetime64[ns] or None · frequency: alias or None
    observed (N, C), False where filling put the number; None when it put none
    count (first, step) of whole numbers that count the rows evenly; None: other keys, or none
    """

    values: FloatArray
    times: frequency.TimeArray | None
    frequency: str | None
    observed: NDArray[np.bool_] | None
    count: tuple[int, int] | None
    notes: tuple[str, ...]


def tidy(raw: Raw, *, sort: bool, fill: Fill | None, duplicates: Duplicates | None) -> Tidy:
    """Check the rows and repair what was asked for.

    Raises DataError that lists all problems: rows out of order, equal times, irregular steps,
    missing steps, empty cells, values that are infinite or too large; and for each what repairs it.
    """
    problems: list[str] = []
    notes: list[str] = []
    values, keys = raw.values, raw.keys
    alias, positions = None, np.arange(len(values))
    rows = positions if raw.rows is None else raw.rows  # the original row of each that is left
    if keys is not None:
        order = _order(raw, keys, rows, sort, problems, notes)
        if order is not None:
            values, keys, rows = values[order], keys[order], rows[order]
        values, keys, rows = _merged(raw, values, keys, rows, duplicates, problems, notes)
        alias, positions = _grid(keys, problems, notes)
        _check_gaps(raw, rows, positions, fill, problems)
    _check_cells(raw, values, rows, fill, problems)
    if problems:
        raise DataError(_all(problems, raw.data))
    observed = None
    if fill is not None:
        values, observed = _filled(values, positions, fill, notes)
    dated = keys is not None and keys.dtype.kind == "M"
    times = keys if dated else None
    if times is not None and alias is not None and len(values) > len(times):
        times = _complete(times, positions, alias)
    count = None if keys is None else _count(keys)
    return Tidy(values, times, alias, observed, count, tuple(notes))


def _all(problems: list[str], data: str) -> str:
    if len(problems) == 1:
        return f"{data}: {problems[0]}"
    return f"{data} has {len(problems)} problems:\n" + "\n".join(f"- {text}" for text in problems)


def _order(
    raw: Raw,
    keys: NDArray[Any],
    rows: IntArray,
    sort: bool,
    problems: list[str],
    notes: list[str],
) -> IntArray | None:
    """The rows in order of their times; None when they are in order already."""
    back = np.flatnonzero(keys[1:] < keys[:-1])
    if not len(back):
        return None
    before, row = rows[back[0] : back[0] + 2].tolist()
    if sort:
        notes.append("rows were sorted by time")
    else:
        problems.append(
            f"times are not in order: row {row + 1} ({raw.label(row)}) comes after "
            f"{raw.label(before)}; sort them with sort=True (--sort)"
        )
    return np.argsort(keys, kind="stable")


def _merged(
    raw: Raw,
    values: FloatArray,
    keys: NDArray[Any],
    rows: IntArray,
    how: Duplicates | None,
    problems: list[str],
    notes: list[str],
) -> tuple[FloatArray, NDArray[Any], IntArray]:
    """One row for each time; the first where nothing was asked, so that checking can go on."""
    fresh = np.concatenate([[True], keys[1:] != keys[:-1]])
    extra = len(keys) - int(fresh.sum())
    if extra == 0:
        return values, keys, rows
    second = int(np.argmin(fresh))
    if how is None:
        problems.append(
            f"rows that repeat a time: {extra}, the first is row {rows[second] + 1}, which has "
            f"{raw.label(int(rows[second]))} like row {rows[second - 1] + 1}; keep one or the "
            f"mean with duplicates='first', 'last' or 'mean' (--duplicates mean){raw.twins()}"
        )
    else:
        notes.append(f"rows that repeated a time: {extra}; the {how} of their values was kept")
    starts = np.flatnonzero(fresh)
    if how == "last":
        kept = np.concatenate([starts[1:], [len(keys)]]) - 1
        return values[kept], keys[starts], rows[kept]
    if how != "mean":
        return values[starts], keys[starts], rows[starts]
    known = np.isfinite(values) | np.isinf(values)
    sums = np.add.reduceat(np.where(known, values, 0.0), starts, axis=0)
    counts = np.add.reduceat(known.astype(np.int64), starts, axis=0)
    means = np.full_like(sums, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means, keys[starts], rows[starts]


def _grid(keys: NDArray[Any], problems: list[str], notes: list[str]) -> tuple[str | None, IntArray]:
    """The frequency, and the step of each row; rows count where keys have no one step."""
    counted = np.arange(len(keys))
    if len(keys) < 2:
        return None, counted
    if keys.dtype.kind == "M":
        grid = frequency.infer(keys)
        if grid is not None:
            first, last = time_text(keys[0]), time_text(keys[-1])
            named = f"frequency {grid.alias}{_season_text(frequency.season_of(grid.alias))}"
            notes.append(f"{frequency.in_words(grid.alias)} ({named}), {first} to {last}")
            return grid.alias, grid.positions
        problems.append(
            f"times have no one step; the commonest are {frequency.commonest_steps(keys)}; "
            f"resample them to one, or drop the time column to count rows as steps"
        )
        return None, counted
    positions = _counted_steps(keys)
    if positions is None:
        notes.append("steps of the time column differ: rows were counted instead")
        return None, counted
    return None, positions


def _season_text(season: int | None) -> str:
    if season is None:
        return ""
    return f", season {season}" if season > 1 else ", no season"


def time_text(time: np.datetime64) -> str:
    """`'1949-01-01'`, or `'1949-01-01 12:30:00'` where the clock matters."""
    return str(time.astype("datetime64[s]")).replace("T", " ").removesuffix(" 00:00:00")


def _counted_steps(keys: NDArray[Any]) -> IntArray | None:
    if keys.dtype.kind == "i":
        step = frequency.common_step(keys)
        return None if step is None else (keys - keys[0]) // step
    steps = (keys - keys[0]) / float(np.median(np.diff(keys)))
    whole: IntArray = np.rint(steps).astype(np.int64)
    even = np.all(np.abs(steps - whole) < 0.01) and np.all(np.diff(whole) > 0)
    return whole if even else None


def _count(keys: NDArray[Any]) -> tuple[int, int] | None:
    if keys.dtype.kind != "i" or len(keys) < 2:
        return None
    step = frequency.common_step(keys)
    return None if step is None else (int(keys[0]), step)


def _check_gaps(
    raw: Raw, rows: IntArray, positions: IntArray, fill: Fill | None, problems: list[str]
) -> None:
    steps = np.diff(positions)
    missing = int(steps.sum()) - len(steps)
    if missing == 0:
        return
    first = int(np.argmax(steps > 1))
    before, after = int(rows[first]), int(rows[first + 1])
    where = (
        f"steps without a row: {missing}, the first after row {before + 1} ({raw.label(before)}), "
        f"before row {after + 1} ({raw.label(after)})"
    )
    if missing > MOST_INVENTED * len(rows):
        problems.append(
            f"{where}; that is more than {MOST_INVENTED} for each of the {len(rows)} rows, too "
            f"many to fill: keep the part on one side of the gap"
        )
    elif fill is None:
        problems.append(
            f"{where}; fill them with fill='interpolate', 'forward' or 'zero' "
            f"(--fill interpolate), or drop the time column to count rows as steps"
        )


def _check_cells(
    raw: Raw, values: FloatArray, rows: IntArray, fill: Fill | None, problems: list[str]
) -> None:
    for name, column in zip(raw.names, values.T, strict=True):
        infinite = np.isinf(column)
        huge = np.flatnonzero((np.abs(column) > LARGEST) & ~infinite)
        empty = np.isnan(column)
        if infinite.any():
            row = int(np.min(rows[infinite]))
            problems.append(
                f"infinite values in column '{name}': {infinite.sum()}, the first in row "
                f"{row + 1}; correct them, or empty their cells and fill those"
            )
        if len(huge):
            at = int(huge[np.argmin(rows[huge])])
            problems.append(
                f"values beyond ±{LARGEST:g} in column '{name}': {len(huge)}, the first in row "
                f"{rows[at] + 1} ({column[at]:g}); correct them, or give the column in a larger "
                f"unit"
            )
        if not empty.any():
            continue
        row = int(np.min(rows[empty]))
        if empty.all():
            problems.append(f"column '{name}' holds no number at all")
        elif fill is None:
            problems.append(
                f"empty cells (NaN) in column '{name}': {empty.sum()}, the first in row "
                f"{row + 1}; fill them with fill='interpolate', 'forward' or 'zero' "
                f"(--fill interpolate)"
            )
        elif fill == "forward" and empty[0]:
            problems.append(
                f"column '{name}' begins with an empty cell (row {rows[0] + 1}), which "
                f"fill='forward' cannot fill; drop the rows before the first number, or use "
                f"fill='interpolate' (--fill interpolate)"
            )


def _filled(
    values: FloatArray, positions: IntArray, fill: Fill, notes: list[str]
) -> tuple[FloatArray, NDArray[np.bool_] | None]:
    """A number in every cell of every step, and which of them were there; None: all."""
    steps = int(positions[-1]) + 1 if len(positions) else 0
    missing = steps - len(values)
    if missing == 0 and not np.isnan(values).any():
        return values, None
    empty = int(np.isnan(values).sum())
    full = np.full((steps, values.shape[1]), np.nan)
    full[positions] = values
    observed = ~np.isnan(full)
    for column in full.T:
        _fill_column(column, fill)
    notes.append(f"filled ({fill}): missing steps {missing}, empty cells {empty}")
    return full, observed


def _fill_column(column: FloatArray, fill: Fill) -> None:
    """In place. `interpolate` draws a line between neighbours and repeats the first and the last
    number beyond them."""
    known = ~np.isnan(column)
    if fill == "zero":
        column[~known] = 0.0
    elif fill == "forward":
        column[:] = column[np.maximum.accumulate(np.where(known, np.arange(len(column)), 0))]
    else:
        at = np.flatnonzero(known)
        column[~known] = np.interp(np.flatnonzero(~known), at, column[at])


def _complete(times: frequency.TimeArray, positions: IntArray, alias: str) -> frequency.TimeArray:
    """A time for every step; those that were there stay as they were."""
    day = frequency.day_of_month(times)
    rest = frequency.future(times[0], alias, int(positions[-1]), day)
    every = np.concatenate([times[:1], rest])
    every[positions] = times
    return every
