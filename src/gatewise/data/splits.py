"""Which rows train, which watch the training, which judge: always in the order of time.

Rows count from 0. A split by chance would show a network the future of what it is judged on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatewise.errors import DataError, UsageError


@dataclass(frozen=True, slots=True)
class Split:
    """Three ranges of rows, one behind the other, that together are all rows."""

    train: range
    validation: range
    test: range


def temporal_split(
    rows: int, *, validation: float = 0.1, test: float = 0.2, at_least: int = 1
) -> Split:
    """Cut `rows` rows into train, validation and test, in this order.

    validation, test  a number of rows (a whole number), or a share of all rows (below 1), rounded
    at_least          rows that the training part needs (lookback + horizon)

    Raises UsageError for a size that is negative, DataError when too few rows are left to train.
    """
    sizes = {"validation": validation, "test": test}
    counts = {name: _count(name, size, rows) for name, size in sizes.items()}
    last = rows - counts["test"]
    first = last - counts["validation"]
    if first < max(at_least, 1):
        taken = " and ".join(f"{count} for {name}" for name, count in counts.items())
        raise DataError(
            f"the data has {rows} rows; {taken} leave {max(first, 0)} to train on, which needs "
            f"at least {max(at_least, 1)} (lookback + horizon); lower these sizes, the lookback "
            f"or the horizon, or bring more rows"
        )
    return Split(range(first), range(first, last), range(last, rows))


def check_length(rows: int, lookback: int, horizon: int, name: str = "the data") -> None:
    """Raises DataError when not even one window of lookback + horizon fits into the rows."""
    needed = lookback + horizon
    if rows < needed:
        can = f"lower lookback to {rows - horizon} or less" if rows > horizon else "lower both"
        raise DataError(
            f"{name} has {rows} rows; lookback {lookback} + horizon {horizon} needs at least "
            f"{needed}; {can}, or bring more rows"
        )


def rolling_origins(
    rows: int, horizon: int, folds: int, stride: int | None = None, *, history: int = 1
) -> NDArray[np.int64]:
    """The first predicted row of each fold, in order; the last fold ends with the last row.

    stride   rows between two folds; None: `horizon`, so that no row is predicted twice
    history  rows that must come before the first fold (lookback + what training needs)

    origin[i] = rows - horizon - stride * (folds - 1 - i)                         -> (folds,)

    Raises UsageError for a number below 1, DataError when the rows do not suffice.
    """
    stride = horizon if stride is None else stride
    for name, value in (("horizon", horizon), ("folds", folds), ("stride", stride)):
        if value < 1:
            raise UsageError(f"{name} must be at least 1, not {value}")
    needed = history + horizon + stride * (folds - 1)
    if rows < needed:
        most = 1 + (rows - history - horizon) // stride
        advice = f"ask for {most} folds or fewer" if most >= 1 else "lower horizon or lookback"
        raise DataError(
            f"the data has {rows} rows; {folds} folds of horizon {horizon}, {stride} rows apart, "
            f"behind {history} rows of history need at least {needed}; {advice}"
        )
    return rows - horizon - stride * np.arange(folds - 1, -1, -1, dtype=np.int64)


def _count(name: str, size: float, rows: int) -> int:
    if size < 0 or (size >= 1 and size != int(size)):
        raise UsageError(f"{name} must be a number of rows or a share of them below 1, not {size}")
    return round(size * rows) if size < 1 else int(size)
