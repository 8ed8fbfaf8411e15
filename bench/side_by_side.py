"""Two or more ways timed in turns, A B A B, so that what slows the machine slows all of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping

import numpy as np


def in_turns(
    ways: Mapping[str, Callable[[], object]], rounds: int, *, warm_up: int = 1
) -> dict[str, list[float]]:
    """Seconds of each way in each round; the order is turned round every other round."""
    names = list(ways)
    for name in names:
        for _ in range(warm_up):
            ways[name]()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for index in range(rounds):
        for name in names if index % 2 == 0 else reversed(names):
            gc.collect()
            began = time.perf_counter()
            ways[name]()
            seconds[name].append(time.perf_counter() - began)
    return seconds


def ratio(seconds: Mapping[str, list[float]], way: str, against: str) -> tuple[float, float, float]:
    """Median of the ratios within each round, and their quartiles."""
    ratios = np.array(seconds[way]) / np.array(seconds[against])
    low, middle, high = np.percentile(ratios, [25, 50, 75])
    return float(middle), float(low), float(high)
