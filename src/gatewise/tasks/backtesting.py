"""One forecast after the other, from origins that are a horizon apart and end with the data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gatewise.checkpoint import RunCheckpoints
from gatewise.data.splits import rolling_origins
from gatewise.data.table import SeriesTable
from gatewise.errors import DataError, UsageError
from gatewise.evaluation import ForecastEvaluation
from gatewise.tasks.beginning import behind
from gatewise.tasks.forecaster_beginning import refit_start
from gatewise.tasks.forecaster_rows import seen_of_each, seen_rows
from gatewise.tasks.judging import judge
from gatewise.training import Nobody, Watch

if TYPE_CHECKING:
    from gatewise.tasks.forecaster import Forecaster


def backtest(
    model: Forecaster,
    table: SeriesTable,
    folds: int,
    refit: bool | None,
    start: Any,
    checkpoints: RunCheckpoints | None,
    watch: Watch | None,
) -> ForecastEvaluation:
    """As `Forecaster.backtest` says."""
    if table.series_name is not None:
        return _of_many(model, table, folds, refit)
    origins = rolling_origins(len(table), model.horizon, folds)
    seen = seen_rows(model.known_, table)
    if refit is None:
        refit = bool(origins[0] < seen)
    if refit:
        return _refitted(model, table, folds, start, checkpoints, watch or Nobody())
    if origins[0] < seen:
        raise UsageError(
            f"this model was trained on the first {seen} rows, and the first fold starts "
            f"at row {origins[0] + 1}: scores there would say nothing; use refit=True, "
            f"or fit on fewer rows"
        )
    if origins[0] < model.lookback_:
        raise DataError(
            f"the first of {folds} folds starts at row {origins[0] + 1}, and the model "
            f"reads {model.lookback_} rows before it; lower folds or give more rows"
        )
    return judge(model, table, origins, np.array([seen]))


def _refitted(
    model: Forecaster,
    table: SeriesTable,
    folds: int,
    start: Any,
    checkpoints: RunCheckpoints | None,
    watch: Watch,
) -> ForecastEvaluation:
    """Each fold by a fresh model of the rows before it."""
    origins = rolling_origins(len(table), model.horizon, folds)
    old = refit_start(model, table, int(origins[0]), start)
    parts: list[ForecastEvaluation] = []
    idle = 0  # folds whose training added nothing to the solved shortcut
    for number, origin in enumerate(origins, 1):
        watch.about({"round": f"fold {number} of {folds}"})
        fresh = type(model)(**model.get_params(deep=False))
        fresh.set_params(verbose=0)
        fresh.fit(table.rows(0, int(origin)), start=old, watch=watch, checkpoints=checkpoints)
        if fresh.history_.stopped == "interrupted":
            raise KeyboardInterrupt  # half-trained folds would be scores of nothing
        idle += bool(fresh.spec_.shortcut) and not behind(fresh)
        parts.append(judge(fresh, table, np.array([origin]), np.array([origin])))
    watch.about({"round": None})
    return replace(
        parts[0],
        origins=origins,
        remark=f"In {idle} of {folds} folds the recurrent part added nothing." if idle else "",
        forecasts={
            name: np.concatenate([part.forecasts[name] for part in parts])
            for name in parts[0].forecasts
            if all(name in part.forecasts for part in parts)
        },
    )


def _of_many(
    model: Forecaster, table: SeriesTable, folds: int, refit: bool | None
) -> ForecastEvaluation:
    """The folds at the end of each series that this model can forecast and has not seen."""
    if refit:
        raise UsageError(
            "a backtest that trains anew (refit=True) goes through one series in time; of many "
            "series fit on the first rows, or on some of the series, and evaluate or backtest the "
            "others"
        )
    if folds < 1:
        raise UsageError(f"folds must be at least 1, not {folds}")
    seen = seen_of_each(model.known_, table)
    back = model.horizon * np.arange(folds, 0, -1)
    rows = table.lengths[:, None] - back  # (S, folds), within each series
    fits = (rows >= np.maximum(seen, model.lookback_)[:, None]).all(axis=1)
    if not fits.any():
        raise UsageError(
            f"no series has {folds} folds of {model.horizon} new rows behind those that this model "
            f"learnt from and the {model.lookback_} that it reads; lower folds, give later rows or "
            f"other series, or fit on fewer rows"
        )
    origins = (table.bounds[:-1, None] + rows)[fits].ravel()
    return judge(model, table, origins, seen)
