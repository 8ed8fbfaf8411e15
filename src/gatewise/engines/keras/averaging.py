"""A running mean of the weights, on Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np

from gatewise.engine import mean_decay
from gatewise.engines.keras.cells import Tensor


@final
class Average:
    """What is judged and kept in place of the weights that are trained.

        m <- d m + (1 - d) w     after each update; d: see gatewise.engine.mean_decay

    decay 0: the weights themselves, at no cost.
    Source: Polyak & Juditsky 1992.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.means: dict[str, Tensor] = {}
        self.updates = 0

    def restart(self, weights: Mapping[str, Tensor]) -> None:
        """Begin at these copies of the weights."""
        self.updates = 0
        self.means = dict(weights) if self.decay else {}

    def share(self) -> float:
        """How much the weights after the next update add to the mean; that update is counted."""
        if not self.decay:
            return 0.0
        self.updates += 1
        return 1.0 - mean_decay(self.decay, self.updates)

    def in_place_of(self, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The mean where there is one, else the weights."""
        return self.means if self.decay else weights

    def state(self, weights: Mapping[str, Tensor]) -> dict[str, Any]:
        """The weights behind the mean, and how many updates it has seen."""
        if not self.decay:
            return {}
        trained = {f"trained.{name}": value for name, value in weights.items()}
        return {**trained, "averaged.updates": np.array(self.updates)}

    def set_state(self, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """The weights to go on with; the mean is what the weights were set to before."""
        if not self.decay or "averaged.updates" not in state:
            return {}
        self.updates = int(state["averaged.updates"])
        start = "trained."
        return {
            name.removeprefix(start): value
            for name, value in state.items()
            if name.startswith(start)
        }


def moved(
    means: Mapping[str, Tensor], weights: Mapping[str, Tensor], share: Tensor
) -> dict[str, Tensor]:
    """The means after an update of the weights."""
    return {name: mean + share * (weights[name] - mean) for name, mean in means.items()}
