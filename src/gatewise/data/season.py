"""The length of a season, read off the values alone: for series without times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

CYCLES = 4  # a season is believed when it was seen so often
AGREEMENT = 0.4  # least correlation between neighbouring cycles, once the trend is gone
SHORTEST = 3  # values that jump to and fro agree at 2 (and at 4, 6, ...) without any season
NEARLY = 0.8  # multiples of a season agree as well as the season: the shortest so near is it
RECENT = 50_000  # rows that are looked at, the last ones
PEAKS = 8  # highest peaks of each autocorrelation that are tried


def detect_season(values: FloatArray, limit: int) -> int:
    """Steps of the season in values (N,), at most `limit`; 1 when none stands out.

    Candidates are peaks of the autocorrelation, of the values without their straight line and
    of their differences (a trend hides the first, noise the second), and what these are
    multiples of. A candidate p is judged after a moving average over p steps is taken away,
    which removes any trend and leaves a season of p whole: values one and two cycles apart must
    both agree. A random walk has peaks, too, but they do not repeat.
    """
    values = np.asarray(values, dtype=np.float64)[-RECENT:]
    limit = min(limit, len(values) // CYCLES)
    if limit < SHORTEST or not np.all(np.isfinite(values)) or np.ptp(values) == 0:
        return 1
    steps = np.arange(len(values))
    level = values - np.polyval(np.polyfit(steps, values, 1), steps)
    peaks = {p for series in (level, np.diff(values)) for p in _peaks(series, limit)}
    tried = {round(p / k) for p in peaks for k in range(1, p // 2 + 1)}
    scores = {p: _agreement(values, p) for p in tried}
    best = max(scores.values(), default=0.0)
    if best < AGREEMENT:
        return 1
    season = min(p for p, score in scores.items() if score >= NEARLY * best)
    if season < SHORTEST:
        return 1
    margin = season // 10
    near = range(max(SHORTEST, season - margin), min(limit, season + margin) + 1)
    return max(near, key=lambda p: _agreement(values, p))


def autocorrelation(values: FloatArray, lags: int) -> FloatArray:
    """At lags 0..lags, through the Fourier transform; zeros for constant values.  -> (lags+1,)"""
    values = values - values.mean()
    power = np.abs(np.fft.rfft(values, 2 * len(values))) ** 2
    products = np.fft.irfft(power)[: lags + 1]
    return products / products[0] if products[0] > 0 else np.zeros(lags + 1)


def _peaks(values: FloatArray, limit: int) -> list[int]:
    found = autocorrelation(values, limit + 1)
    inner = found[1:-1]
    high = (inner >= found[:-2]) & (inner >= found[2:]) & (inner > 2 / np.sqrt(len(values)))
    lags = np.flatnonzero(high) + 1
    lags = lags[lags >= SHORTEST]
    return [int(lag) for lag in lags[np.argsort(-found[lags])][:PEAKS]]


def _agreement(values: FloatArray, period: int) -> float:
    """The lower of the correlations one and two periods apart, without the trend."""
    weights = np.ones(period)
    if period % 2 == 0:
        weights = np.concatenate([[0.5], np.ones(period - 1), [0.5]])
    sums = np.concatenate([[0.0], np.cumsum(values)])
    width = len(weights)
    means = sums[width:] - sums[:-width]  # (N - width + 1,)
    half = width // 2
    inner = values[half : half + len(means)]
    if period % 2 == 0:
        means = means - (values[: len(means)] + values[width - 1 :]) / 2
    rest = inner - means / weights.sum()
    rest = rest - rest.mean()
    spread = float(np.mean(rest**2))
    if spread <= 1e-12 * float(np.var(values)):
        return 0.0
    return min(float(np.mean(rest[lag:] * rest[:-lag])) for lag in (period, 2 * period)) / spread
