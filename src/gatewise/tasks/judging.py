"""A forecaster's forecasts beside the baselines, and what must be said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gatewise.baselines import baseline_forecasts
from gatewise.batch import IntArray
from gatewise.data.table import SeriesTable
from gatewise.evaluation import NETWORK, ForecastEvaluation
from gatewise.tasks.beginning import behind

if TYPE_CHECKING:
    from gatewise.tasks.forecaster import Forecaster

Floats = NDArray[np.float64]


def judge(
    model: Forecaster, table: SeriesTable, origins: IntArray, seen: int, told: Floats
) -> ForecastEvaluation:
    """What the model told (n, K, D) from these origins; the rows before `seen` were trained on."""
    values = table.values[:, : len(table.targets)]
    # below these a target is read as this value before its logarithm is taken
    floors = np.array(model.codec_.floors[: len(table.targets)])
    baselines = baseline_forecasts(
        values,
        origins,
        horizon=model.horizon,
        lookback=model.lookback_,
        season=model.season_,
        train_rows=seen,
        floors=floors if len(floors) else None,
    )
    remarks = [
        *_absent("linear" in baselines),
        *_idle(model),
        *_filled(table, origins, model.horizon),
    ]
    return ForecastEvaluation(
        targets=table.targets,
        values=values,
        times=table.times,
        origins=origins,
        forecasts={NETWORK: told, **baselines},
        train_rows=seen,
        season=model.season_,
        scale=model.scale_,
        remark=" ".join(remarks),
    )


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
