"""Whether a series wanders: whether its changes show any trace of those before them.

A random walk cannot be forecast better than by its last value. What its past tells of its next
change is nothing, which can be tested; that scores came out level shows less.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LAGS = 10  # changes back that are looked at
FEWEST = 100  # changes: below, a trace would be missed too easily
RECENT = 20_000  # changes that are looked at, the last ones: more would show what is worth nothing


def trace_of_past(values: Floats) -> float | None:
    """p of as clear a trace, were no column's changes related to their own past; values (N, D).

    The clearest column's p, times their number (Bonferroni); None where one has too few changes,
    or the same one all along.
    """
    each = [_trace(column) for column in np.asarray(values, dtype=np.float64).T]
    found = [p for p in each if p is not None]
    return min(1.0, len(each) * min(found)) if found and len(found) == len(each) else None


def _trace(values: Floats) -> float | None:
    """p of as clear a trace, were the changes d of values (N,) unrelated.

        Q = sum over k of (sum_t d[t] d[t-k])² / (sum_t d[t]² d[t-k]²)  ~  chi-square, LAGS degrees

    d is taken from its mean. The denominator lets calm and wild times alternate, as prices have
    them.
    Source: Lo & MacKinlay 1989 (the robust variance of an autocorrelation), summed as Box & Pierce
    1970 do.
    """
    changes = np.diff(values)[-RECENT:]
    if len(changes) < FEWEST or not np.isfinite(changes).all():
        return None
    changes = changes - changes.mean()
    spread = changes.std()
    if spread <= 1e-12 * max(1.0, float(np.abs(values).max())):
        return None
    changes = changes / spread
    total = 0.0
    for lag in range(1, LAGS + 1):
        products = changes[lag:] * changes[:-lag]
        size = float(np.sum(products**2))
        total += float(products.sum()) ** 2 / size if size > 0 else 0.0
    return _chi_square_tail(total, LAGS)


def _chi_square_tail(x: float, degrees: int) -> float:
    """P(X > x), X chi-square."""
    from scipy.special import chdtrc  # a third of a second, and a verdict alone asks for it

    return float(chdtrc(degrees, x))
