"""The linear shortcut of a forecaster, solved by least squares on its own windows.

Lags are regressors relative to the last one, which is a regressor of its own, and what is told is
relative to it, too. That changes nothing of what a linear map can say, but the ridge then pulls
towards repeating the last value instead of towards the mean, as `baselines.linear` does. Where
windows are read relative to their last value, the share of it becomes the codec's persistence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import IntArray, thin
from gatewise.data.series import Windows
from gatewise.least_squares import Floats, choose_penalty, solve_ridge

Singles = NDArray[np.float32]

MOST_EXAMPLES = 20_000


@dataclass(frozen=True, slots=True)
class Solved:
    """kernel (lags, K*D) and bias (K*D,) as `gatewise.weights` names them; persistence (K, D)."""

    kernel: Singles
    bias: Singles
    persistence: Singles


class Lags:
    """Windows of one predicted value as regressors (lags, last value, 1) and answers."""

    def __init__(self, windows: Windows, lags: int, column: int) -> None:
        self.windows, self.lags, self.column = windows, lags, column
        self.arrays = windows.arrays

    def gather(self, rows: IntArray) -> tuple[Floats, Floats]:
        """x (n, lags + 1), y (n, K) relative to the last value, in each window's own scaling."""
        batch = self.windows.gather(self.arrays, rows)
        lags = batch.x[:, -self.lags :, self.column].astype(np.float64)
        truth = np.asarray(batch.y)[:, :, self.column].astype(np.float64)
        last = lags[:, -1:]
        level = last
        if self.windows.scaling == "last":  # it was taken out, so `last` is 0
            level = self.windows.levels(rows)[:, self.column, None]
        x = np.concatenate([lags[:, :-1] - last, level, np.ones((len(lags), 1))], axis=1)
        return x, truth - last

    def last(self, rows: IntArray) -> Floats:
        """What the answers are relative to.  (n, 1)"""
        batch = self.windows.gather(self.arrays, rows)
        value: Floats = batch.x[:, -1:, self.column].astype(np.float64)
        return value


def penalties(seen: Windows, held: Windows, lags: int) -> list[float]:
    """For each predicted value, the ridge penalty that is best on the held-out windows."""
    return [
        choose_penalty(
            Lags(seen, lags, column).gather,
            thin(len(seen), MOST_EXAMPLES),
            Lags(held, lags, column).gather,
            thin(len(held), MOST_EXAMPLES),
        )[0]
        for column in range(seen.outputs.shape[1])
    ]


def solve(windows: Windows, lags: int, penalty: list[float]) -> Solved:
    """The map of all lags and the constant to all answers, of each predicted value by itself."""
    rows = thin(len(windows), MOST_EXAMPLES)
    both = np.stack(
        [
            solve_ridge(Lags(windows, lags, column).gather, rows, penalty[column])
            for column in range(windows.outputs.shape[1])
        ],
        axis=-1,
    )  # (lags + 1, K, D): lags but the last, the last value, 1
    persistence = np.ones(both.shape[1:])
    if windows.scaling == "last":
        persistence += both[-2]
        both[-2] = 0.0
    else:  # from relative to the last value to plain lags
        both[-2] += 1.0 - both[:-2].sum(axis=0)
    flat = both.astype(np.float32).reshape(lags + 1, -1)
    return Solved(flat[:-1], flat[-1], persistence.astype(np.float32))
