"""What a forecast run learns from, and what it is judged on."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gatewise.batch import IntArray
from gatewise.cli.forecast_options import ForecastOptions
from gatewise.data.cuts import Cut, cut_series
from gatewise.data.splits import rolling_origins
from gatewise.data.table import SeriesTable
from gatewise.errors import DataError
from gatewise.tasks.forecaster import Forecaster
from gatewise.tasks.forecaster_rows import LearntRows, seen_of_each, seen_rows
from gatewise.tasks.plan import SHORTEST_LOOKBACK

TEST_SHARE = 0.2
MOST_FOLDS = 4  # when the number is not given


@dataclass(frozen=True)
class Parts:
    """A table in two.

    rows   those that are learnt from
    words  the others, in words
    test   how many rows at the end these are, of one series; of many what was asked for
    folds  of the backtest; None: as many as fit, MOST_FOLDS at most
    cut    of many series, where each is cut; None: of one
    """

    rows: SeriesTable
    words: str
    test: int | None
    folds: int | None
    cut: Cut | None = None

    def own_folds(self, model: Forecaster) -> int:
        """Folds that need no further training."""
        if self.cut is None:
            return (self.test or 0) // model.horizon
        lengths = np.diff(self.cut.bounds)
        held = self.cut.bounds[1:] - self.cut.held
        room = np.minimum(held, lengths - model.lookback_)[held > 0] // model.horizon
        return max(int(np.median(room)), 1)

    def folds_for(self, model: Forecaster) -> int:
        """Folds of the backtest."""
        return self.folds or min(MOST_FOLDS, self.own_folds(model))


def part(table: SeriesTable, options: ForecastOptions, known: Sequence[LearntRows]) -> Parts:
    """The last rows are kept for the test, of each series; or whole series, where they are short.

    known  what the model to go on from has learnt from: none of it is tested on
    Raises DataError where that leaves too little on either side.
    """
    if table.series_name is not None:
        return _of_many(table, options, seen_of_each(known, table))
    test, folds = split_rows(len(table), options, seen_rows(known, table))
    rows = table.rows(0, len(table) - test)
    return Parts(rows, f"the last {test} rows", test, folds)


def _of_many(table: SeriesTable, options: ForecastOptions, seen: IntArray) -> Parts:
    horizon, test = options.horizon, options.test
    least, folds = horizon * (options.folds or 1), options.folds or 1
    if test is not None and test < least:
        forecasts = "one forecast" if folds == 1 else f"{folds} forecasts"
        raise DataError(
            f"test={test} rows of each series cannot hold {forecasts} of horizon={horizon}; "
            f"give --test {least} or more"
        )
    cut, _ = cut_series(
        table.bounds,
        table.series,
        lookback=options.lookback or max(SHORTEST_LOOKBACK, horizon),
        horizon=horizon,
        validation=test or TEST_SHARE,
        seed=options.seed,
        what="the test",
    )
    begins, ends = table.bounds[:-1], table.bounds[1:]
    if np.any((cut.held < ends) & (begins + seen > cut.held)):
        raise DataError(
            "the model of --start has learnt from rows of the test part; give later rows, or a "
            "smaller --test"
        )
    drawn = int(np.count_nonzero(cut.held < ends))
    words = f"{drawn:,} of {len(ends):,} series, drawn by the seed"
    if not cut.whole:
        rows = ends - cut.held
        count = f"{rows.min()}" if rows.min() == rows.max() else f"{rows.min()} to {rows.max()}"
        words = f"the last {count} rows of each series"
    return Parts(table.select(begins, cut.held), words, test, options.folds, cut)


def split_rows(rows: int, options: ForecastOptions, seen: int = 0) -> tuple[int, int]:
    """(test rows, folds): what was given, or about a fifth and as many as fit into that.

    seen  rows that the model to go on from has learnt from: none of these is a test row
    Raises DataError when the test rows do not hold one horizon or leave nothing to train on, or
    when the first fold does.
    """
    horizon = options.horizon
    test = options.test or max(horizon, int(TEST_SHARE * rows) // horizon * horizon)
    if seen and options.test is None:
        test = min(test, (rows - seen) // horizon * horizon)
    if seen and (rows - seen < horizon or test > rows - seen):
        raise DataError(
            f"the model of --start has learnt from the rows up to {seen} of {rows}: the "
            f"{rows - seen} behind them cannot hold a test of {max(test, horizon)} rows that it "
            f"has not seen; give later rows" + (", or a smaller --test" if options.test else "")
        )
    if test < horizon:
        raise DataError(
            f"test={test} rows cannot hold one forecast of horizon={horizon}; "
            f"give --test {horizon} or more"
        )
    if rows <= test + horizon:
        shorter = "a shorter --horizon or --test" if options.test else "a shorter --horizon"
        raise DataError(
            f"{rows} rows are too few: horizon={horizon} and {test} rows kept for the test need "
            f"more than {test + horizon}; give {shorter}, or more rows"
        )
    if options.folds and options.folds > test // horizon:  # the first ones train on what is before
        rolling_origins(rows, horizon, options.folds, history=_fewest_rows(options, rows))
    return test, options.folds or min(MOST_FOLDS, test // horizon)


def _fewest_rows(options: ForecastOptions, rows: int) -> int:
    """Rows that a training needs: two windows beside the validation rows; at most `rows`."""
    two_windows = (options.lookback or SHORTEST_LOOKBACK) + options.horizon + 1
    share = options.validation
    if share >= 1:
        return two_windows + int(share)
    return next(
        count
        for count in itertools.count(two_windows + options.horizon)
        if count >= rows or count - round(count * share) >= two_windows
    )
