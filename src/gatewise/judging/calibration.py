"""Confidence that means what it says: temperature, and how far it is off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gatewise.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BINS = 15
COLDEST, HOTTEST = 0.1, 20.0  # temperatures that are looked at
GOLDEN = (5**0.5 - 1) / 2


def fit_temperature(logits: NDArray[np.floating], truth: NDArray[np.generic]) -> float:
    """T > 0 that makes the probabilities of logits / T fit best, on a validation part.

        min over T of the mean of -log p(truth; logits / T)

    logits (N, C) · truth (N,) or (N, 1) classes: softmax; (N, C) of 0/1: a sigmoid for each label

    Never worse there than T = 1. Sharper than the network (T < 1) only where it makes mistakes:
    a part without one says nothing of how sure to be.
    Raises DataError for no examples, shapes that do not match, or logits that are not finite.
    Source: Guo et al. 2017.
    """
    z = np.asarray(logits, dtype=np.float64)
    y = np.asarray(truth)
    if y.ndim == 2 and y.shape[1] == 1 and (z.ndim != 2 or z.shape[1] != 1):
        y = y[:, 0]
    if z.ndim != 2 or not z.size or len(y) != len(z) or (y.ndim == 2 and y.shape != z.shape):
        raise DataError(
            f"a temperature needs logits (N, C) and their classes (N,) or 0/1 labels (N, C); "
            f"received {z.shape} and {np.shape(truth)}"
        )
    if not np.isfinite(z).all():
        raise DataError("a temperature needs finite logits; some are NaN or infinite")
    right = (z.argmax(axis=1) == y) if y.ndim == 1 else ((z > 0) == (y > 0.5))
    coldest = 1.0 if right.all() else COLDEST

    def nats(log_t: float) -> float:
        return _nats(z / np.exp(log_t), y)

    # convex in 1/T, so it has one valley, which a golden-section search finds
    low, high = np.log(coldest), np.log(HOTTEST)
    a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_a, at_b = nats(a), nats(b)
    while high - low > 1e-4:
        if at_a <= at_b:
            high, b, at_b = b, a, at_a
            a = high - GOLDEN * (high - low)
            at_a = nats(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + GOLDEN * (high - low)
            at_b = nats(b)
    found = (low + high) / 2
    return float(np.exp(found)) if nats(found) < nats(0.0) else 1.0


def _nats(z: Floats, y: NDArray[np.generic]) -> float:
    """Mean negative log-likelihood of the truth."""
    if y.ndim == 2:
        return float(np.mean(np.logaddexp(0.0, z) - z * y.astype(np.float64)))
    top = z.max(axis=1, keepdims=True)
    normal = top[:, 0] + np.log(np.exp(z - top).sum(axis=1))
    return float(np.mean(normal - z[np.arange(len(z)), y.astype(np.int64)]))


def calibration_bins(
    confidence: Floats, right: NDArray[np.bool_], bins: int = BINS
) -> list[dict[str, float]]:
    """For each bin of equal width that is not empty: examples, mean confidence, share right."""
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    found = []
    for bin_ in np.unique(place):
        here = place == bin_
        found.append(
            {
                "from": float(bin_ / bins),
                "to": float((bin_ + 1) / bins),
                "count": int(here.sum()),
                "confidence": float(confidence[here].mean()),
                "right": float(right[here].mean()),
            }
        )
    return found


def calibration_error(confidence: Floats, right: NDArray[np.bool_], bins: int = BINS) -> float:
    """Expected calibration error: how far confidence and share right lie apart, 0 to 1.

        sum over bins of (n_b / N) |share right - mean confidence|     15 bins of equal width

    confidence (N,) probability of the answer given · right (N,) whether it was right
    Source: Guo et al. 2017, after Naeini et al. 2015.
    """
    each = calibration_bins(confidence, right, bins)
    apart = sum(b["count"] * abs(b["right"] - b["confidence"]) for b in each)
    return float(apart / max(len(confidence), 1))
