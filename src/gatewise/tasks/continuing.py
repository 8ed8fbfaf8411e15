"""The steps after the last row of a series, or of each of many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import IntArray
from gatewise.data.apart import listed
from gatewise.data.table import SeriesTable
from gatewise.errors import DataError
from gatewise.tasks.plan import times_ahead
from gatewise.tasks.prediction import forecast

if TYPE_CHECKING:
    import pandas as pd

    from gatewise.tasks.forecaster import Forecaster

Floats = NDArray[np.float64]


def ends(table: SeriesTable, lookback: int) -> SeriesTable:
    """The last rows of each series: what is read to go on from them, and nothing more."""
    if table.series_name is None:
        return table.rows(max(len(table) - lookback, 0), len(table))
    stop = table.bounds[1:]
    return table.select(np.maximum(stop - lookback, table.bounds[:-1]), stop)


def long_enough(table: SeriesTable, lookback: int) -> tuple[SeriesTable, list[str]]:
    """The series that can be gone on from, and a note that names the others; none where all can."""
    short = np.flatnonzero(table.lengths < lookback).tolist()
    if table.series_name is None or not short:
        return table, []
    begins, stop = table.bounds[:-1], table.bounds[1:]
    kept = table.select(begins, np.where(table.lengths < lookback, begins, stop))
    some = listed([table.series[i] for i in short])
    return kept, [
        f"no forecast beyond the end of {'the series' if len(short) == 1 else 'series'} {some}: "
        f"fewer than the {lookback} rows that are read"
    ]


def forecast_from(model: Forecaster, table: SeriesTable, origins: IntArray) -> Floats:
    """What the model says of the K rows from each origin on, each within its series.

    -> (n, K, D), the targets
    """
    times = times_ahead(table, model.horizon) if model.codec_.cycles else None

    def named(row: int) -> str:
        if table.series_name is None:
            return f"row {row + 1}"
        number = int(np.searchsorted(table.bounds, row, side="right")) - 1
        return f"row {row - int(table.bounds[number]) + 1} of series '{table.series[number]}'"

    told = forecast(model.runner_, model.codec_, table.values, times, origins, model.horizon, named)
    return told[..., : len(table.targets)]


def go_on(model: Forecaster, data: SeriesTable | None) -> pd.DataFrame:
    """As `Forecaster.predict` says, of rows that have been read; None: of those learnt from, to
    which series that are too short do not belong.
    """
    import pandas as pd

    table = long_enough(model.tail_, model.lookback_)[0] if data is None else data
    _check_long_enough(table, model.lookback_)
    if table.series_name is not None:
        return _each(model, ends(table, model.lookback_), table)
    told = forecast_from(model, table, np.array([len(table)]))[0]  # (K, D)
    name, index = _ahead(table, model.horizon)
    if data is None and name == table.step_name and table.counter_start is None:
        index = index + model.trained_rows_ - len(table)  # the tail counts its own rows alone
    return pd.DataFrame({name: index} | _columns(table, told))


def _each(model: Forecaster, last: SeriesTable, table: SeriesTable) -> pd.DataFrame:
    """Of each series; `last` are their last rows, laid out with room for what is forecast."""
    import pandas as pd

    steps, horizon = model.lookback_, model.horizon
    count = len(last.series)
    read = last.values.reshape(count, steps, -1)
    room = np.repeat(read[:, -1:], horizon, axis=1)  # of these rows only the calendar is read
    values = np.concatenate([read, room], axis=1)  # (S, L + K, C)
    ahead = [_ahead(part, horizon) for part in table.parts()]
    index: NDArray[Any] = np.stack([own for _, own in ahead])  # (S, K)
    times = None
    if model.codec_.cycles and last.times is not None:
        times = np.concatenate([last.times.reshape(count, steps), index], axis=1).ravel()
    origins = np.arange(count) * (steps + horizon) + steps
    flat = values.reshape(-1, values.shape[-1])

    def named(row: int) -> str:
        number, step = divmod(row, steps + horizon)
        back = "the last row" if step >= steps - 1 else f"row {steps - step} from the end"
        return f"{back} of series '{last.series[number]}'"

    told = forecast(model.runner_, model.codec_, flat, times, origins, horizon, named)
    told = told.reshape(count * horizon, -1)[:, : len(last.targets)]
    names = np.repeat(np.array(_as_given(last)), horizon)
    own = {str(last.series_name): names, ahead[0][0]: index.ravel()}
    return pd.DataFrame(own | _columns(last, told))


def _ahead(table: SeriesTable, horizon: int) -> tuple[str, NDArray[Any]]:
    """(name of the column, times or numbers of the steps ahead)"""
    times = table.future_times(horizon)
    if times is not None:
        return table.time_name or "time", times
    return table.step_name, table.future_steps(horizon)


def _columns(table: SeriesTable, told: Floats) -> dict[str, NDArray[Any]]:
    return {target: told[:, column] for column, target in enumerate(table.targets)}


def _as_given(table: SeriesTable) -> list[str] | list[int]:
    """Names that were whole numbers are such again."""
    return [int(name) for name in table.series] if table.numbered else list(table.series)


def _check_long_enough(table: SeriesTable, lookback: int) -> None:
    short = np.flatnonzero(table.lengths < lookback)
    if not len(short):
        return
    if table.series_name is None:
        raise DataError(
            f"the data has {len(table)} rows, and the model reads the last {lookback}; "
            f"give at least so many"
        )
    raise DataError(
        f"series {listed([table.series[i] for i in short])} {'has' if len(short) == 1 else 'have'} "
        f"fewer than the {lookback} rows that the model reads (the first has "
        f"{table.lengths[short[0]]}); give more of their rows, or leave them out"
    )
