"""Where the forecasts of a backtest begin: always in the order of time.

Rows count from 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gatewise.errors import DataError, UsageError


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
