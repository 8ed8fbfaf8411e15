"""Ridge regression summed up in chunks: all windows at once would take data x lookback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import IntArray

Floats = NDArray[np.float64]
Gather = Callable[[IntArray], tuple[Floats, Floats]]  # rows -> x (n, I), y (n, K); last x is 1

PENALTIES = 10.0 ** np.arange(-6.0, 3.0)  # relative to the mean square of the regressors
CHUNK = 2_000


def choose_penalty(
    gather: Gather, seen: IntArray, gather_held: Gather, held: IntArray
) -> tuple[float, Floats]:
    """The penalty whose fit on the rows `seen` has the least squared error on the rows `held`,
    and that fit's weights (I, K).
    """
    gram, cross = _normal_equations(gather, seen)
    errors = np.zeros(len(PENALTIES))
    solutions = [_solve(gram, cross, penalty) for penalty in PENALTIES]
    for i in range(0, len(held), CHUNK):
        x, y = gather_held(held[i : i + CHUNK])
        errors += [float(np.sum((x @ weights - y) ** 2)) for weights in solutions]
    best = int(np.argmin(errors))
    return float(PENALTIES[best]), solutions[best]


def solve_ridge(gather: Gather, rows: IntArray, penalty: float) -> Floats:
    """Weights (I, K) that minimise the squared error plus the penalty; the last regressor, the
    constant, is not penalised.
    """
    gram, cross = _normal_equations(gather, rows)
    return _solve(gram, cross, penalty)


def _normal_equations(gather: Gather, rows: IntArray) -> tuple[Floats, Floats]:
    sums: tuple[Any, Any] = (0.0, 0.0)
    for i in range(0, len(rows), CHUNK):
        x, y = gather(rows[i : i + CHUNK])
        sums = (sums[0] + x.T @ x, sums[1] + x.T @ y)
    return sums


def _solve(gram: Floats, cross: Floats, penalty: float) -> Floats:
    size = len(gram) - 1
    scale = max(float(np.trace(gram)) - float(gram[-1, -1]), 1e-300) / max(size, 1)
    ridge = np.full(len(gram), penalty * scale)
    ridge[-1] = 0.0
    return np.asarray(np.linalg.solve(gram + np.diag(ridge), cross), dtype=np.float64)
