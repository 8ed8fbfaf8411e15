"""Two or more ways timed in turns, A B A B, so that what slows the machine slows all of them."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np


def in_turns(
    ways: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    warm_up: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds of each way in each round; the order is turned round every other round.

    clock  time.process_time counts those of the processor, which other jobs hardly lengthen; it
           adds up threads, so that it is fair on one core alone
    """
    names = list(ways)
    for name in names:
        for _ in range(warm_up):
            ways[name]()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for index in range(rounds):
        for name in names if index % 2 == 0 else reversed(names):
            gc.collect()
            began = clock()
            ways[name]()
            seconds[name].append(clock() - began)
    return seconds


def ratio(seconds: Mapping[str, list[float]], way: str, against: str) -> tuple[float, float, float]:
    """Median of the ratios within each round, and their quartiles."""
    ratios = np.array(seconds[way]) / np.array(seconds[against])
    low, middle, high = np.percentile(ratios, [25, 50, 75])
    return float(middle), float(low), float(high)


@contextmanager
def on_one_core() -> Iterator[None]:
    """This process, and those that it starts, may use one core; two benches seldom the same."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(allowed)[os.getpid() % len(allowed)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
