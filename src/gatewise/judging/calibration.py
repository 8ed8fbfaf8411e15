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
    logits (M, N, C) of M networks: the mean of their probabilities, all at one temperature

    Never worse there than T = 1. Sharper than the network (T < 1) only where it makes mistakes:
    a part without one says nothing of how sure to be.
    Raises DataError for no examples, shapes that do not match, or logits that are not finite.
    Source: Guo et al. 2017.
    """
    z = np.asarray(logits, dtype=np.float64)
    z = z[None] if z.ndim == 2 else z  # (M, N, C)
    y = np.asarray(truth)
    if y.ndim == 2 and y.shape[1] == 1 and (z.ndim != 3 or z.shape[2] != 1):
        y = y[:, 0]
    fits = z.ndim == 3 and z.size > 0 and len(y) == z.shape[1]
    if not fits or (y.ndim == 2 and y.shape != z.shape[1:]):
        raise DataError(
            f"a temperature needs logits (N, C) and their classes (N,) or 0/1 labels (N, C); "
            f"received {np.shape(logits)} and {np.shape(truth)}"
        )
    if not np.isfinite(z).all():
        raise DataError("a temperature needs finite logits; some are NaN or infinite")
    mean = z.mean(axis=0)  # (N, C)
    right = (mean.argmax(axis=1) == y) if y.ndim == 1 else ((mean > 0) == (y > 0.5))
    coldest = 1.0 if right.all() else COLDEST

    def nats(log_t: float) -> float:
        return _nats(z / np.exp(log_t), y)

    # of one network convex in 1/T: one valley, which a golden-section search finds
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
    """Mean negative log-likelihood of the truth.  z (M, N, C)"""
    if y.ndim == 2:
        told = y.astype(np.float64)
        yes, no = (_mean_of_logs(-np.logaddexp(0.0, sign * z)) for sign in (-1, 1))  # (N, C)
        return float(-np.mean(told * yes + (1 - told) * no))
    top = z.max(axis=2, keepdims=True)
    normal = top[..., 0] + np.log(np.exp(z - top).sum(axis=2))  # (M, N)
    given = z[:, np.arange(z.shape[1]), y.astype(np.int64)] - normal
    return float(-np.mean(_mean_of_logs(given)))


def _mean_of_logs(logs: Floats) -> Floats:
    """log of the mean of exp over the first axis.  (M, ...) -> (...)"""
    top = logs.max(axis=0)
    found: Floats = top + np.log(np.exp(logs - top).mean(axis=0))
    return found


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
