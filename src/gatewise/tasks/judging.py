"""A forecaster's forecasts beside the baselines, and what must be said of them.

A table with a column of series is judged series by series; origins are rows of the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gatewise import metrics
from gatewise.baselines import Linear, baseline_forecasts, learn_linears
from gatewise.batch import IntArray, thin
from gatewise.data.cuts import Cut, spans
from gatewise.data.series import SeriesCodec
from gatewise.data.table import SeriesTable
from gatewise.errors import DataError, UsageError
from gatewise.evaluation import NETWORK, ForecastEvaluation
from gatewise.tasks.beginning import behind
from gatewise.tasks.forecaster_rows import seen_of_each

if TYPE_CHECKING:
    from gatewise.tasks.forecaster import Forecaster

Floats = NDArray[np.float64]


def mase_scale(table: SeriesTable, season: int) -> Floats:
    """What MASE divides by: `metrics.mase_scale` of the targets, mean over the series.  (D,)"""
    own = [
        metrics.mase_scale(part.values[:, : len(table.targets)], season)
        for part in table.parts()
        if len(part) > 1
    ]
    scale: Floats = np.mean(own, axis=0)
    return scale


def learn_baselines(
    table: SeriesTable, cut: Cut, codec: SeriesCodec, horizon: int
) -> dict[str, Linear] | None:
    """The linear models of many series: new ones are judged beside them, which no longer are
    beside the rows that they learnt from. None for one series, of which `evaluate` has the rows.
    """
    if table.series_name is None:
        return None
    count, lookback = len(table.targets), codec.lookback
    seen, kept = cut.seen(lookback, horizon), cut.kept(lookback, horizon)
    every = cut.every(lookback, horizon)
    floors = np.array(codec.floors[:count]) if codec.floors else None
    return learn_linears(table.values[:, :count], seen, kept, every, lookback, horizon, floors)


def evaluate(model: Forecaster, table: SeriesTable, windows: int) -> ForecastEvaluation:
    """Every window behind the rows seen, thinned to so many. Raises as `Forecaster.evaluate`."""
    if windows < 1:
        raise UsageError(f"windows must be at least 1, not {windows}")
    seen = seen_of_each(model.known_, table)
    begins, lengths = table.bounds[:-1], table.lengths
    origins = spans(
        begins + np.maximum(seen, model.lookback_), begins + lengths - model.horizon + 1
    )
    if not len(origins):
        raise DataError(
            f"no forecast of {model.horizon} steps fits behind the rows seen in training: "
            f"{_new(table, seen)}, and the model reads {model.lookback_} before it forecasts; "
            f"give later rows, or train on fewer (in Python, backtest with refit=True trains anew)"
        )
    return judge(model, table, origins[thin(len(origins), windows)], seen)


def _new(table: SeriesTable, seen: IntArray) -> str:
    rows = f"{len(table) - int(seen.sum())} of {len(table)} rows are new"
    if len(table.series) == 1:
        return rows
    fresh = int(np.count_nonzero(seen == 0))
    return f"{rows}, {fresh} of {len(seen)} series, of at most {table.lengths.max()} rows"


def judge(
    model: Forecaster, table: SeriesTable, origins: IntArray, seen: IntArray
) -> ForecastEvaluation:
    """What the model says from these origins; of each series the first `seen` (S,) rows were
    trained on.
    """
    told = model._forecast(table, origins)  # (n, K, D)
    values = table.values[:, : len(table.targets)]
    # below these a target is read as this value before its logarithm is taken
    floors = np.array(model.codec_.floors[: len(table.targets)])
    whose = np.searchsorted(table.bounds, origins, side="right") - 1
    several = table.series_name is not None
    baselines = baseline_forecasts(
        values,
        origins,
        horizon=model.horizon,
        lookback=model.lookback_,
        season=model.season_,
        train_rows=int(seen.sum()),
        floors=floors if len(floors) else None,
        begins=table.bounds[whose],
        learnt=model.linears_,
    )
    remarks = [
        *_absent("linear" in baselines),
        *_idle(model),
        *_filled(table, origins, model.horizon),
        *_unjudged(table, whose, np.maximum(seen, model.lookback_) + model.horizon),
    ]
    return ForecastEvaluation(
        targets=table.targets,
        values=values,
        times=table.times,
        origins=origins,
        forecasts={NETWORK: told, **baselines},
        train_rows=int(seen.sum()),
        season=model.season_,
        scale=_scales(values, table, origins, whose, model.season_) if several else model.scale_,
        remark=" ".join(remarks),
        series=table.series if several else (),
        bounds=table.bounds if several else None,
        seen=seen if several else None,
    )


def _scales(
    values: Floats, table: SeriesTable, origins: IntArray, whose: IntArray, season: int
) -> Floats:
    """What MASE divides by in each series: of the rows before the first one that is judged, which
    are those learnt from, or of a new series those that the first window reads.  (S, D)
    """
    scales = np.zeros((len(table.series), values.shape[1]))
    judged, first = np.unique(whose, return_index=True)  # origins rise
    for number, window in zip(judged.tolist(), first.tolist(), strict=True):
        before = values[table.bounds[number] : origins[window]]
        if len(before) > 1:
            scales[number] = metrics.mase_scale(before, season)
    return scales


def _unjudged(table: SeriesTable, whose: IntArray, least: IntArray) -> list[str]:
    """What must be said of series that stayed out; `least` (S,) rows hold a new window of each."""
    missing = np.bincount(whose, minlength=len(table.series)) == 0
    without = int(np.count_nonzero(missing & (table.lengths < least)))
    other = int(np.count_nonzero(missing)) - without
    said = []
    if without:
        some = "1 series has" if without == 1 else f"{without} series have"
        said.append(f"{some} no window that is new and whole, and stayed out.")
    if other:
        some = "1 series has" if other == 1 else f"{other} series have"
        said.append(f"{some} new windows, but none among those judged, and stayed out.")
    return said


def _absent(linear: bool) -> list[str]:
    if linear:
        return []
    return [
        "The linear model, often the strongest, is not among them: the data does not hold the "
        "training rows that it is fitted on."
    ]


def _idle(model: Forecaster) -> list[str]:
    if behind(model) or not model.spec_.shortcut:
        return []
    return [
        "No epoch of training improved on the solved linear shortcut, so what is kept is that "
        "shortcut alone: a linear forecast, to which the recurrent part adds nothing."
    ]


def _filled(table: SeriesTable, origins: IntArray, horizon: int) -> list[str]:
    """What must be said where judged values were invented by a repair."""
    if table.observed is None:
        return []
    rows = np.unique(origins[:, None] + np.arange(horizon))
    judged = table.observed[rows, : len(table.targets)]
    missing = int(np.count_nonzero(~judged))
    if not missing:
        return []
    return [
        f"{missing} of the {judged.size} values judged were filled in, not observed, and are "
        f"easier to hit: all scores flatter."
    ]
