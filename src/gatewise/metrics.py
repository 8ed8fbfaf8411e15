"""Scores of point forecasts. Arrays of any equal shape; the mean runs over every entry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def mae(truth: Floats, forecast: Floats) -> float:
    """Mean absolute error, in the unit of the data."""
    return float(np.mean(np.abs(truth - forecast)))


def mse(truth: Floats, forecast: Floats) -> float:
    """Mean squared error, in the squared unit of the data."""
    return float(np.mean((truth - forecast) ** 2))


def rmse(truth: Floats, forecast: Floats) -> float:
    """Root of the mean squared error, in the unit of the data."""
    return float(np.sqrt(mse(truth, forecast)))


def smape(truth: Floats, forecast: Floats) -> float:
    """Symmetric mean absolute percentage error, 0 to 200 (percent).

        mean of 200 |y - f| / (|y| + |f|)     0 where both are 0

    Source: Makridakis et al. 2020 (M4), equation 1.
    """
    size = np.abs(truth) + np.abs(forecast)
    error = np.abs(truth - forecast)
    ratio = np.divide(error, size, out=np.zeros_like(error), where=size > 0)
    return float(200.0 * np.mean(ratio))


def mase_scale(history: Floats, season: int) -> Floats:
    """What MASE divides by: the in-sample error of repeating the season before.  (N, D) -> (D,)

        mean over t of |y[t] - y[t - season]|

    Falls back to season 1 where the history is not longer than a season. A column that repeats
    itself exactly has scale 0; its MASE is not defined (NaN).
    Source: Hyndman & Koehler 2006.
    """
    lag = season if len(history) > season else 1
    scale: Floats = np.mean(np.abs(history[lag:] - history[:-lag]), axis=0)
    noise = 1e-9 * np.mean(np.abs(history), axis=0)  # of rounding, in a column that repeats itself
    return np.where(scale > noise, scale, 0.0)


def mase(truth: Floats, forecast: Floats, scale: Floats) -> float:
    """Mean absolute scaled error; arrays (..., D), scale (D,). Below 1 beats the in-sample
    seasonal naive. Columns whose scale is 0 are left out; NaN when none is left.
    """
    usable = scale > 0
    if not usable.any():
        return float("nan")
    error = np.abs(truth - forecast).reshape(-1, len(scale)).mean(axis=0)
    return float(np.mean(error[usable] / scale[usable]))


def mase_by_row(truth: Floats, forecast: Floats, scale: Floats) -> float:
    """The same of windows (n, K), each in units of its own series, scale (n,). Windows whose scale
    is 0 are left out; NaN when none is left.
    """
    usable = scale > 0
    if not usable.any():
        return float("nan")
    error = np.abs(truth - forecast).mean(axis=1)
    return float(np.mean(error[usable] / scale[usable]))
