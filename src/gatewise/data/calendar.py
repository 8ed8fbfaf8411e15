"""Calendar cycles of a time, each as a point on the circle (sine and cosine): 23 h is near 0 h."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.datetime64]

CYCLES = ("hour of day", "day of week", "day of year")


def cycles_for(times: Times) -> tuple[str, ...]:
    """The cycles that the spacing of these times can show: a daily series has no hour of day."""
    if len(times) < 2:
        return ()
    step = np.median(np.diff(times).astype("timedelta64[s]").astype(np.float64))
    day = 86_400.0
    found = []
    if step < day:
        found.append("hour of day")
    if step < 7 * day:
        found.append("day of week")
    if step < 200 * day:
        found.append("day of year")
    return tuple(found)


def cycle_values(times: Times, cycles: tuple[str, ...]) -> NDArray[np.float32]:
    """Sine and cosine of each cycle.  (N,) -> (N, 2 * cycles)"""
    columns = []
    for cycle in cycles:
        angle = 2.0 * np.pi * _phase(times, cycle)
        columns += [np.sin(angle), np.cos(angle)]
    return np.stack(columns, axis=1).astype(np.float32)


def _phase(times: Times, cycle: str) -> NDArray[np.float64]:
    """Where in its cycle each time stands, 0 to 1."""
    seconds = times.astype("datetime64[s]").astype(np.int64)
    days = times.astype("datetime64[D]")
    if cycle == "hour of day":
        return (seconds % 86_400) / 86_400.0
    if cycle == "day of week":
        return ((seconds // 86_400 + 3) % 7) / 7.0  # 1970-01-01 was a Thursday; Monday is 0
    years = days.astype("datetime64[Y]")
    length = ((years + 1).astype("datetime64[D]") - years.astype("datetime64[D]")).astype(np.int64)
    phase: NDArray[np.float64] = (days - years.astype("datetime64[D]")).astype(np.int64) / length
    return phase
