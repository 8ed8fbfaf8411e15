"""Whether a difference between two answers to the same questions is more than chance allows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDS = 2_000  # random exchanges
CHUNK = 20_000_000  # numbers held at once


def sign_test(wins: int, losses: int) -> float:
    """Two-sided p of so many wins and losses where both are equally likely.

        p = 2 P(X <= min(wins, losses)),  X ~ Binomial(wins + losses, 1/2)

    On the examples that exactly one of two classifiers gets right: McNemar's test, exact.
    Source: McNemar 1947; Dietterich 1998.
    """
    count = wins + losses
    if count == 0:
        return 1.0
    k = np.arange(min(wins, losses) + 1)
    steps = np.log((count - k[:-1]) / (k[:-1] + 1))  # from C(n, k) to C(n, k + 1)
    terms = np.concatenate([[0.0], np.cumsum(steps)]) - count * math.log(2)
    return float(min(1.0, 2 * np.exp(terms).sum()))


def exchange_test(
    ours: Floats, theirs: Floats, score: Callable[[Floats], float], seed: int = 0
) -> float:
    """Two-sided p of a difference between two scores that are computed from sums.

    ours, theirs  (N, S) what each example adds to the S sums of either side
    score         (S,) sums -> a score

    Each round exchanges the two answers to a random half of the examples: if both sides were
    equally good, differences as large as the one seen would be common.
    Source: approximate randomization, Noreen 1989; Yeh 2000 for F scores, Riezler & Maxwell 2005
    for BLEU.
    """
    a, b = ours.sum(axis=0), theirs.sum(axis=0)
    seen = abs(score(a) - score(b))
    change = theirs - ours
    change = change[change.any(axis=1)]  # the others change nothing
    if not len(change) or not np.isfinite(seen):
        return 1.0
    rng = np.random.default_rng(seed)
    reached = 0
    step = max(1, min(ROUNDS, CHUNK // len(change)))
    for first in range(0, ROUNDS, step):
        rounds = min(step, ROUNDS - first)
        moved = rng.integers(0, 2, (rounds, len(change)), dtype=np.int8).astype(np.float32)
        for shift in (moved @ change.astype(np.float32)).astype(np.float64):
            reached += abs(score(a + shift) - score(b - shift)) >= seen - 1e-9
    return (reached + 1) / (ROUNDS + 1)


def agreement_test(truth: Ints, told: Floats | Ints, seed: int = 0) -> float:
    """One-sided p of the probability that is given to the truth, had it been given blindly.

    truth (N,) classes, or (N, C) 0/1 labels · told (N, C) probabilities, or (N,) classes

    Each round deals the same answers out to the examples anew: a permutation test.
    """
    rng = np.random.default_rng(seed)
    count = len(told)
    rounds = int(np.clip(CHUNK // max(truth.size, 1), 200, 1_000))
    rows = np.arange(count)

    def given(order: Ints) -> float:
        if told.ndim == 1:
            return float((told[order] == truth).sum())
        if truth.ndim == 1:
            return float(told[order, truth].sum())
        return float(np.vdot(told[order], truth))

    seen = given(rows) - 1e-9 * count  # sums of the same numbers in another order are level
    reached = sum(given(rng.permutation(count)) >= seen for _ in range(rounds))
    return (reached + 1) / (rounds + 1)
