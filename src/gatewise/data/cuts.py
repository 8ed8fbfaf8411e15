"""Which rows of each series are learnt from, and which decide when to stop.

Axis letters: N rows, S series, L lookback, K horizon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatewise.data.apart import listed
from gatewise.errors import DataError

IntArray = NDArray[np.int64]
Floats = NDArray[np.float64]

WORTH = 0.5  # share of the windows that must be left to learn from where last rows are held
SHARE = 0.2  # of whole series, where a number of rows was asked for


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """Series behind each other, each cut in two; a window never leaves its series.

    bounds  (S+1,) row offsets
    held    (S,) first held row of each series: its end where none is held, its begin where it is
            held whole
    whole   whether whole series are held, instead of the last rows of each
    """

    bounds: IntArray
    held: IntArray
    whole: bool = False

    @property
    def held_count(self) -> int:
        """Rows that are held."""
        return int((self.bounds[1:] - self.held).sum())

    def seen(self, lookback: int, horizon: int) -> IntArray:
        """Starts of the windows of rows that are learnt from."""
        return spans(self.bounds[:-1], self.held - lookback - horizon + 1)

    def kept(self, lookback: int, horizon: int) -> IntArray:
        """Starts of the windows whose predicted rows are held: what they read may lie before."""
        first = np.maximum(self.held - lookback, self.bounds[:-1])
        return spans(first, self.bounds[1:] - lookback - horizon + 1)

    def every(self, lookback: int, horizon: int) -> IntArray:
        """Starts of all windows."""
        return spans(self.bounds[:-1], self.bounds[1:] - lookback - horizon + 1)

    def learnt(self, values: Floats) -> Floats:
        """The rows that are learnt from.  (N, C) -> (n, C)"""
        return values[spans(self.bounds[:-1], self.held)]

    def judging(self, values: Floats) -> Floats:
        """The rows that are held.  (N, C) -> (N - n, C)"""
        return values[spans(self.held, self.bounds[1:])]

    def in_words(self) -> str:
        """What decides when to stop."""
        count = len(self.held)
        if self.whole:
            drawn = int(np.count_nonzero(self.held < self.bounds[1:]))
            return f"{drawn:,} whole series"
        if count == 1:
            return f"the last {self.held_count}"
        return f"the last rows of each series ({self.held_count:,} rows)"


def spans(first: IntArray, stop: IntArray) -> IntArray:
    """The numbers from each `first` to before its `stop`, behind each other."""
    counts = np.maximum(stop - first, 0)
    before = np.cumsum(counts) - counts
    found: IntArray = np.repeat(first - before, counts) + np.arange(int(counts.sum()))
    return found


def cut_series(
    bounds: IntArray,
    names: Sequence[str],
    *,
    lookback: int,
    horizon: int,
    validation: float | int,
    seed: int,
    what: str = "validation",
) -> tuple[Cut, list[str]]:
    """Hold the last rows of each of several series; where that would leave less than half of the
    windows to learn from, whole series, drawn by the seed. With notes in words.

    validation  share of the rows of each series (at least one horizon) or number of its last rows;
                of whole series that share, or a fifth
    what        it is for, in messages
    Raises DataError where neither leaves a window on both sides.
    """
    lengths, ends = np.diff(bounds), bounds[1:]
    rows = np.full(len(lengths), int(validation))
    if validation < 1:
        rows = np.maximum(horizon, np.rint(lengths * validation).astype(np.int64))
    elif validation < horizon:
        raise DataError(
            f"{validation} rows of each series, kept for {what}, cannot hold one forecast of "
            f"{horizon} steps; keep at least {horizon}, or lower the horizon"
        )
    cut = Cut(bounds, np.maximum(ends - rows, bounds[:-1]))
    seen, kept = len(cut.seen(lookback, horizon)), len(cut.kept(lookback, horizon))
    if kept and seen >= WORTH * len(cut.every(lookback, horizon)):
        return cut, []
    usable = np.flatnonzero(lengths >= lookback + horizon)
    if len(usable) < 2:
        longest = int(np.argmax(lengths))
        raise DataError(
            f"the series are too short: lookback {lookback} + horizon {horizon} are "
            f"{lookback + horizon} rows, and the longest, '{names[longest]}', has "
            f"{lengths[longest]}; learning and {what} need two such series, or longer ones; "
            f"lower lookback or horizon"
        )
    share = validation if validation < 1 else SHARE
    count = int(np.clip(round(share * len(usable)), 1, len(usable) - 1))
    drawn = np.random.default_rng(seed).permutation(usable)[:count]
    held = ends.copy()
    held[drawn] = bounds[:-1][drawn]
    return Cut(bounds, held, whole=True), [
        f"{what} on {count:,} of {len(usable):,} series, held out whole: the series are too "
        f"short to hold out the last rows of each ({lookback + horizon} rows make one window)"
    ]


def too_short(
    bounds: IntArray, names: Sequence[str], lookback: int, horizon: int, what: str
) -> list[str]:
    """A note that names the series that hold no window; none where all do."""
    short = np.flatnonzero(np.diff(bounds) < lookback + horizon).tolist()
    if not short:
        return []
    some = listed([names[i] for i in short])
    return [
        f"too short for one window ({lookback} + {horizon} rows) and {what}: "
        f"{'series ' if len(short) > 1 else 'the series '}{some}"
    ]
