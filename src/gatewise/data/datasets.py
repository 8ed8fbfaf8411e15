"""Data by name: one published series, generators whose truth is known, and real sets.

A generator gives the same numbers for the same seed. Its noise floor is the mean squared error
that no forecast can beat on average.
"""

from __future__ import annotations

from importlib import resources

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gatewise.data.real_readers import RealSet, real

__all__ = [
    "RealSet",
    "airline_passengers",
    "multi_sine",
    "noisy_sine",
    "random_walk",
    "real",
    "weather",
]

FloatArray = NDArray[np.float64]


def airline_passengers() -> pd.DataFrame:
    """International airline passengers in thousands, each month from 1949 to 1960.

    columns month (datetime), passengers: 144 rows
    Source: Box, Jenkins & Reinsel, Time Series Analysis, series G.
    """
    with resources.files("gatewise.data").joinpath("airline_passengers.csv").open() as file:
        return pd.read_csv(file, parse_dates=["month"], date_format="%Y-%m")


def noisy_sine(
    points: int = 1200, periods: float = 10, noise: float = 0.1, seed: int = 0
) -> pd.DataFrame:
    """A sine of `periods` periods with normal noise; its noise floor is noise ** 2.

    columns y (what is seen), clean (the sine alone)
    """
    clean = np.sin(2 * np.pi * periods * np.arange(points) / points)
    y = clean + noise * np.random.default_rng(seed).normal(size=points)
    return pd.DataFrame({"y": y, "clean": clean})


def multi_sine(
    series: int = 1000, steps: int = 50, noise: float = 0.1, seed: int = 0
) -> FloatArray:
    """Short series, each of two sines with frequencies and phases of its own.  -> (series, steps)

        x(t) = 0.5 sin((t - a) (10 p + 10)) + 0.2 sin((t - b) (20 q + 20)) + noise (u - 0.5)

    t from 0 to 1; a, b, p, q uniform on [0, 1) for each series, u for each step. Its noise floor
    is noise ** 2 / 12. Source: Géron, Hands-On Machine Learning, 2nd edition, chapter 15.
    """
    rng = np.random.default_rng(seed)
    a, b, p, q = rng.random((4, series, 1))
    t = np.linspace(0, 1, steps)
    slow = 0.5 * np.sin((t - a) * (10 * p + 10))  # (series, steps)
    fast = 0.2 * np.sin((t - b) * (20 * q + 20))
    waves: FloatArray = slow + fast + noise * (rng.random((series, steps)) - 0.5)
    return waves


def long_frame(values: FloatArray) -> pd.DataFrame:
    """Series of equal length (series, steps) as a frame with a row for each step of each: what
    `fit(frame, target="y", series="series")` reads.

    columns series (from 0), step (from 1), y
    """
    values = np.asarray(values)
    count, steps = values.shape
    return pd.DataFrame(
        {
            "series": np.repeat(np.arange(count), steps),
            "step": np.tile(np.arange(1, steps + 1), count),
            "y": values.ravel(),
        }
    )


def random_walk(points: int = 1000, step: float = 1.0, seed: int = 0) -> pd.DataFrame:
    """The sum of normal steps: nothing beats repeating its last value (noise floor step ** 2 for
    the next point).

    column y
    """
    steps = step * np.random.default_rng(seed).normal(size=points)
    return pd.DataFrame({"y": np.cumsum(steps)})


def weather(hours: int = 24 * 365, seed: int = 0) -> pd.DataFrame:
    """Hourly temperature (°C), humidity (%) and pressure (hPa) of a made-up place from 2023-01-01.

    Fronts pass: pressure drifts around 1013 with a memory of about two days. Temperature follows
    the year, the hour and, a day late, the pressure; humidity moves against temperature. So
    pressure helps to forecast temperature, and both help to forecast humidity; of pressure nothing
    tells but its own past.

    columns time, temperature, humidity, pressure
    """
    rng = np.random.default_rng(seed)
    shocks = rng.normal(size=(3, hours + 24))
    fronts = _memory(shocks[0], 0.98)  # (hours + 24,), standard deviation 1
    air = _memory(shocks[1, 24:], 0.9)
    damp = _memory(shocks[2, 24:], 0.9)
    hour = np.arange(hours)
    year = -np.cos(2 * np.pi * hour / (24 * 365))
    day = -np.cos(2 * np.pi * (hour % 24 - 3) / 24)  # coldest at three
    temperature = 11 + 9 * year + 4 * day + 3 * fronts[:hours] + air
    humidity = 70 - 2 * (temperature - 11 - 9 * year) + 4 * damp
    return pd.DataFrame(
        {
            "time": pd.date_range("2023-01-01", periods=hours, freq="h"),
            "temperature": temperature.round(2),
            "humidity": np.clip(humidity, 5, 100).round(1),
            "pressure": (1013 + 8 * fronts[24:]).round(1),
        }
    )


def _memory(shocks: FloatArray, keep: float) -> FloatArray:
    """x[t] = keep x[t-1] + sqrt(1 - keep²) shocks[t]: standard deviation 1, decaying memory."""
    x = np.empty_like(shocks)
    x[0] = shocks[0]
    fresh = np.sqrt(1 - keep**2)
    for t in range(1, len(shocks)):
        x[t] = keep * x[t - 1] + fresh * shocks[t]
    return x
