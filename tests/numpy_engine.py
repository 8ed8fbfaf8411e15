"""The smallest engine: the equations of `gatewise.reference`, slopes by finite differences, plain
gradient descent. What any engine owes can be read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gatewise import reference
from gatewise.batch import IGNORED, PADDING, Batch, IntArray, Source
from gatewise.engine import EpochPlan, Outputs
from gatewise.spec import NetworkSpec, Training
from gatewise.weights import Weights

STEP = 1e-5


class NumpyEngine:
    """Knows neither dropout nor momentum; in 64 bits inside."""

    name, version = "numpy", np.__version__

    def __init__(
        self, spec: NetworkSpec, training: Training, weights: Weights, *, device: str = "cpu"
    ) -> None:
        self.spec, self.training, self.device = spec, training, device
        self.set_weights(weights)

    def train_epoch(self, source: Source, plan: EpochPlan) -> float:
        total = plan.so_far["total"] if plan.done else np.zeros(2)
        state = plan.so_far.get("state")
        left = slice(plan.done, None)
        for rows, rate in zip(plan.batches[left], plan.learning_rates[left], strict=True):
            batch = replace(source.gather(source.arrays, rows), state=state)
            total = total + self._loss(batch)
            state = self.forward(batch).state if source.carries else None
            for name, slope in self.gradients(batch).items():
                self.weights[name] = self.weights[name] - rate * slope
            so_far = {"total": total} if state is None else {"total": total, "state": state}
            plan.tick(so_far.copy)
        return float(total[0] / total[1])

    def evaluate(self, source: Source, batches: Sequence[IntArray]) -> float:
        total = np.zeros(2)
        state = None
        for rows in batches:
            batch = replace(source.gather(source.arrays, rows), state=state)
            total += self._loss(batch)
            state = self.forward(batch).state if source.carries else None
        return float(total[0] / total[1])

    def forward(self, batch: Batch) -> Outputs:
        return reference.forward(self.spec, self.weights, batch)

    def gradients(self, batch: Batch) -> dict[str, Any]:
        return {name: self._slopes(name, batch) for name in self.weights}

    def get_weights(self) -> dict[str, Any]:
        return {name: value.astype(np.float32) for name, value in self.weights.items()}

    def set_weights(self, weights: Weights) -> None:
        self.weights = {name: np.asarray(value, np.float64) for name, value in weights.items()}

    def get_state(self) -> dict[str, Any]:
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        pass

    def _loss(self, batch: Batch) -> Any:
        """(sum, what it is the sum over)"""
        mean = reference.loss(self.spec, self.weights, batch, self.training.loss)
        weight = np.ones(len(batch.x)) if batch.weight is None else batch.weight
        if self.training.loss == "cross_entropy":
            weight = weight[:, None] * (batch.y != IGNORED)
        return np.array([mean, 1.0]) * weight.sum()

    def slope(self, name: str, at: tuple[int, ...], batch: Batch) -> float:
        """Of the loss, by one entry of a weight; what is not trained has none."""
        if name.startswith("shortcut.") or (name.endswith(".table") and at[0] == PADDING):
            return 0.0
        sides = []
        for step in (STEP, -STEP):
            moved = self.weights[name].copy()
            moved[at] += step
            weights, loss = {**self.weights, name: moved}, self.training.loss
            sides.append(reference.loss(self.spec, weights, batch, loss, teacher_forcing=True))
        return (sides[0] - sides[1]) / (2 * STEP)

    def _slopes(self, name: str, batch: Batch) -> Any:
        slopes = np.zeros_like(self.weights[name])
        for at in np.ndindex(slopes.shape):
            slopes[at] = self.slope(name, at, batch)
        return slopes
