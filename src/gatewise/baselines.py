"""Forecasts that need no network: what every network must beat to be worth its cost.

Each takes the values of the targets (N, D) in original units and the first predicted row of each
window (n,), and answers (n, K, D), reading nothing at or after that row.
"""

from __future__ import annotations

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
) -> dict[str, Floats]:
    """Every baseline by name. `linear` is fitted on the first `train_rows` rows.

    `seasonal naive` is left out where there is no season (1), `linear` where the training rows
    hold fewer than two windows. With `floors` (D,) there is a linear model of the logarithms, too,
    of values no lower than these: a network that reads logarithms must not be praised for what
    they alone bring.
    """
    found = {"naive": naive(values, origins, horizon)}
    if season > 1 and origins.min() >= season:
        found["seasonal naive"] = seasonal_naive(values, origins, horizon, season)
    found["drift"] = drift(values, origins, horizon)
    if train_rows - lookback - horizon >= 1:
        found["linear"] = linear(values, origins, horizon, lookback, train_rows)
        if floors is not None:
            logs = np.log(np.maximum(values, floors))
            told = linear(logs, origins, horizon, lookback, train_rows)
            found["linear of logs"] = np.exp(np.minimum(told, 700.0))
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


def drift(values: Floats, origins: IntArray, horizon: int) -> Floats:
    """Goes on along the line from the first value of the series to the last one."""
    last = values[origins - 1]  # (n, D)
    slope = (last - values[0]) / np.maximum(origins - 1, 1)[:, None]
    forecast: Floats = last[:, None] + np.arange(1, horizon + 1)[None, :, None] * slope[:, None]
    return forecast


def linear(
    values: Floats, origins: IntArray, horizon: int, lookback: int, train_rows: int
) -> Floats:
    """Ridge regression of the next `horizon` values on the last `lookback`, one per target.

    Values are read relative to the last one, which is a regressor of its own: the span is that of
    least squares on the same lags, and the penalty pulls towards repeating the last value.
    The penalty is the best on the last fifth of the training windows; the fit is on all of them.
    """
    forecast = np.empty((len(origins), horizon, values.shape[1]))
    starts = thin(train_rows - lookback - horizon + 1, MOST_WINDOWS)
    cut = max(len(starts) - max(int(len(starts) * HELD_OUT), 1), 1)
    # windows that overlap the held-out ones would give the answers away
    seen = starts[:cut][starts[:cut] + horizon <= starts[-(len(starts) - cut)]]
    if len(seen) < 2:
        seen = starts[:cut]
    for column in range(values.shape[1]):
        lags = _Lags(values[:, column], lookback, horizon, train_rows)
        penalty, _ = choose_penalty(lags.gather, seen, lags.gather, starts[cut:])
        weights = solve_ridge(lags.gather, starts, penalty)
        for i in range(0, len(origins), CHUNK):
            x, last = lags.read(origins[i : i + CHUNK] - lookback)
            forecast[i : i + CHUNK, :, column] = x @ weights + last[:, None]
    return forecast


class _Lags:
    """One series as regressors and answers."""

    def __init__(self, series: Floats, lookback: int, horizon: int, train_rows: int) -> None:
        self.series, self.lookback, self.horizon = series, lookback, horizon
        self.center = float(series[:train_rows].mean())

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
