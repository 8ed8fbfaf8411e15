"""One number for the forecasts of rows that follow those learnt from: what a search maximises."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from gatewise import metrics
from gatewise.batch import thin
from gatewise.data.table import SeriesTable
from gatewise.errors import DataError, UsageError
from gatewise.evaluation import NETWORK
from gatewise.tasks.forecaster_rows import seen_rows

if TYPE_CHECKING:
    from gatewise.tasks.forecaster import Forecaster

MOST_WINDOWS = 3_000


def negative_mase(model: Forecaster, table: SeriesTable) -> float:
    """Minus the MASE of every window of K rows behind the rows learnt from, mean over targets;
    minus the MAE where the rows learnt from repeat themselves and MASE is not defined. Of many
    series that of `evaluate`.

    Raises DataError where no window fits.
    """
    if table.series_name is not None:
        judged = model.evaluate(table)
        scores = judged.scores()[NETWORK]
        return -(scores["MASE"] if np.isfinite(scores["MASE"]) else scores["MAE"])
    joined, first = following(model, table)
    last = len(joined) - model.horizon
    if last < first:
        read = 0 if first > len(joined) else first
        raise DataError(
            f"a forecast of {model.horizon} steps needs as many rows to be judged on, and there "
            f"are {len(joined) - read} behind those learnt from; give rows that follow, in "
            f"scikit-learn with cv=TimeSeriesSplit(test_size=...), or a shorter horizon"
        )
    origins = first + thin(last - first + 1, MOST_WINDOWS)
    told = model._forecast(joined, origins)  # (n, K, D)
    rows = origins[:, None] + np.arange(model.horizon)
    truth = joined.values[:, : len(joined.targets)][rows]  # (n, K, D)
    score = metrics.mase(truth, told, model.scale_)
    return -(score if np.isfinite(score) else metrics.mae(truth, told))


def following(model: Forecaster, table: SeriesTable) -> tuple[SeriesTable, int]:
    """(rows to forecast in, first of them that may be forecast)

    Rows that hold those learnt from begin behind these; rows that go on where these ended stand
    behind their tail; others (there is a gap) are read from their own lookback on.
    """
    tail = model.tail_
    seen = seen_rows(model.known_, table)
    if seen or not _goes_on(tail, table):
        return table, max(seen, model.lookback_)
    times = tail.times
    if times is not None and table.times is not None:
        times = np.concatenate([times, table.times])
    values = np.concatenate([tail.values, table.values])
    bounds = np.array([0, len(values)])
    joined = replace(tail, values=values, times=times, bounds=bounds, observed=None)
    return joined, len(tail)


def _goes_on(tail: SeriesTable, table: SeriesTable) -> bool:
    """Whether the first row is the next one; rows without times or numbers are taken to be."""
    if not len(table):
        return True
    if tail.times is not None and table.times is not None:
        ahead = tail.future_times(1)
        return ahead is None or bool(ahead[0] == table.times[0])
    if tail.counter_start is not None and table.counter_start is not None:
        return int(tail.future_steps(1)[0]) == table.counter_start
    return True


def check_no_labels(y: object) -> None:
    """Raises UsageError where something was given."""
    if y is not None:
        raise UsageError(
            "a series has no labels: what is forecast is a column of the data, "
            "fit(frame, target='sales')"
        )
