"""Forecasts that need no network: what every network must beat to be worth its cost.

Each takes the values of the targets (N, D) in original units and the first predicted row of each
window (n,), and answers (n, K, D), reading nothing at or after that row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import IntArray, thin
from gatewise.least_squares import CHUNK, choose_penalty, solve_ridge

Floats = NDArray[np.float64]

MOST_WINDOWS = 20_000  # that the linear model is fitted on
HELD_OUT = 0.2  # last share of them, on which its penalty is chosen


def baseline_forecasts(
    values: Floats,
    origins: IntArray,
    *,
    horizon: int,
    lookback: int,
    season: int,
    train_rows: int,
    floors: Floats | None = None,
    begins: IntArray | int = 0,
    learnt: Mapping[str, Linear] | None = None,
) -> dict[str, Floats]:
    """Every baseline by name. `linear` is fitted on the first `train_rows` rows.

    `seasonal naive` is left out where there is no season (1), `linear` where the training rows
    hold fewer than two windows. With `floors` (D,) there is a linear model of the logarithms, too,
    of values no lower than these: a network that reads logarithms must not be praised for what
    they alone bring.

    begins  first row of the series, or (n,) of that of each window
    learnt  linear models that were fitted before: then none is fitted on these rows
    """
    found = {"naive": naive(values, origins, horizon)}
    if season > 1 and (origins - begins).min() >= season:
        found["seasonal naive"] = seasonal_naive(values, origins, horizon, season)
    found["drift"] = drift(values, origins, horizon, begins)
    if learnt is not None:
        told = {name: model.forecast(values, origins) for name, model in learnt.items()}
        return found | told
    if train_rows - lookback - horizon >= 1:
        found["linear"] = linear(values, origins, horizon, lookback, train_rows)
        if floors is not None:
            logs = np.log(np.maximum(values, floors))
            found["linear of logs"] = _exp(linear(logs, origins, horizon, lookback, train_rows))
    return found


def naive(values: Floats, origins: IntArray, horizon: int) -> Floats:
    """Repeats the last value."""
    forecast: Floats = np.repeat(values[origins - 1][:, None], horizon, axis=1)
    return forecast


def seasonal_naive(values: Floats, origins: IntArray, horizon: int, season: int) -> Floats:
    """Repeats the last season."""
    back = np.arange(horizon) % season - season
    forecast: Floats = values[origins[:, None] + back]
    return forecast


def drift(values: Floats, origins: IntArray, horizon: int, begins: IntArray | int = 0) -> Floats:
    """Goes on along the line from the first value of the series to the last one.

    begins  first row of the series, or (n,) of that of each window
    """
    last = values[origins - 1]  # (n, D)
    slope = (last - values[begins]) / np.maximum(origins - begins - 1, 1)[:, None]
    forecast: Floats = last[:, None] + np.arange(1, horizon + 1)[None, :, None] * slope[:, None]
    return forecast


def linear(
    values: Floats, origins: IntArray, horizon: int, lookback: int, train_rows: int
) -> Floats:
    """`Linear` of one series, whose penalty is the best on the last fifth of the training windows;
    the fit is on all of them.
    """
    starts = thin(train_rows - lookback - horizon + 1, MOST_WINDOWS)
    cut = max(len(starts) - max(int(len(starts) * HELD_OUT), 1), 1)
    # windows that overlap the held-out ones would give the answers away
    seen = starts[:cut][starts[:cut] + horizon <= starts[-(len(starts) - cut)]]
    if len(seen) < 2:
        seen = starts[:cut]
    center = values[:train_rows].mean(axis=0)
    return Linear.fit(values, seen, starts[cut:], starts, lookback, horizon, center).forecast(
        values, origins
    )


def learn_linears(
    values: Floats,
    seen: IntArray,
    held: IntArray,
    every: IntArray,
    lookback: int,
    horizon: int,
    floors: Floats | None = None,
) -> dict[str, Linear]:
    """`linear`, and with `floors` `linear of logs`, of windows of many series.

    seen, held, every  as in `Linear.fit`
    """
    seen, held, every = (starts[thin(len(starts), MOST_WINDOWS)] for starts in (seen, held, every))
    center = values.mean(axis=0)
    found = {"linear": Linear.fit(values, seen, held, every, lookback, horizon, center)}
    if floors is not None:
        logs = np.log(np.maximum(values, floors))
        fitted = Linear.fit(logs, seen, held, every, lookback, horizon, logs.mean(axis=0))
        found["linear of logs"] = replace(fitted, floors=floors)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """Ridge regression of the next K values on the last L, one per target.

    Values are read relative to the last one, which is a regressor of its own: the span is that of
    least squares on the same lags, and the penalty pulls towards repeating the last value.

    center   (D,) taken from the last value
    weights  (L + 1, K, D)
    floors   (D,) logarithms of values no lower than these are read and told; None: the values
    """

    center: Floats
    weights: Floats
    floors: Floats | None = None

    @classmethod
    def fit(
        cls,
        values: Floats,
        seen: IntArray,
        held: IntArray,
        every: IntArray,
        lookback: int,
        horizon: int,
        center: Floats,
    ) -> Linear:
        """On the windows that start at `every`, with the penalty whose fit on `seen` is the best
        on `held`.
        """
        weights = []
        for column in range(values.shape[1]):
            lags = _Lags(values[:, column], lookback, horizon, float(center[column]))
            penalty, _ = choose_penalty(lags.gather, seen, lags.gather, held)
            weights.append(solve_ridge(lags.gather, every, penalty))
        return cls(center, np.stack(weights, axis=-1))

    def forecast(self, values: Floats, origins: IntArray) -> Floats:
        """(n, K, D)"""
        steps, horizon, columns = self.weights.shape
        if self.floors is not None:
            values = np.log(np.maximum(values, self.floors))
        told = np.empty((len(origins), horizon, columns))
        for column in range(columns):
            center = float(self.center[column])
            lags = _Lags(values[:, column], steps - 1, horizon, center)
            weights = np.ascontiguousarray(self.weights[..., column])
            for i in range(0, len(origins), CHUNK):
                x, last = lags.read(origins[i : i + CHUNK] - lags.lookback)
                told[i : i + CHUNK, :, column] = x @ weights + last[:, None]
        return told if self.floors is None else _exp(told)


def _exp(logs: Floats) -> Floats:
    """Of whatever a linear map may say: e ** 700 is the last that is finite."""
    values: Floats = np.exp(np.minimum(logs, 700.0))
    return values


class _Lags:
    """One column as regressors and answers."""

    def __init__(self, series: Floats, lookback: int, horizon: int, center: float) -> None:
        self.series, self.lookback, self.horizon = series, lookback, horizon
        self.center = center

    def gather(self, starts: IntArray) -> tuple[Floats, Floats]:
        """Regressors (n, L + 1), and the values after them relative to the last one (n, K)."""
        x, last = self.read(starts)
        told = self.series[starts[:, None] + self.lookback + np.arange(self.horizon)]
        return x, told - last[:, None]

    def read(self, starts: IntArray) -> tuple[Floats, Floats]:
        """Regressors (n, L + 1), and the last values (n,)."""
        read = self.series[starts[:, None] + np.arange(self.lookback)]
        last = read[:, -1]
        x = read - last[:, None]  # the last column becomes 0: it holds the level instead
        x[:, -1] = last - self.center
        return np.concatenate([x, np.ones((len(x), 1))], axis=1), last
