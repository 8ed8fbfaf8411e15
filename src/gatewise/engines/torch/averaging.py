"""A running mean of the weights, on PyTorch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, final

import torch
from torch import Tensor

from gatewise.engine import mean_decay
from gatewise.engines.torch.cells import Slot


@final
class Average:
    """What is judged and kept in place of the weights that are trained.

        m <- d m + (1 - d) w     after each update; d: see gatewise.engine.mean_decay

    decay 0: the weights themselves, at no cost.
    Source: Polyak & Juditsky 1992.
    """

    def __init__(self, parameters: Sequence[Tensor], decay: float) -> None:
        self.parameters, self.decay = list(parameters), decay
        self.means: list[Tensor] = []
        self.updates = 0
        self.restart()

    def restart(self) -> None:
        """Begin at the weights as they are."""
        self.updates = 0
        if self.decay:
            self.means = [p.detach().clone() for p in self.parameters]

    def add(self) -> None:
        """After an update of the weights."""
        if not self.decay:
            return
        self.updates += 1
        decay = mean_decay(self.decay, self.updates)
        with torch.no_grad():
            torch._foreach_lerp_(self.means, [p.detach() for p in self.parameters], 1.0 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The mean stands where the weights were, until the block ends."""
        if not self.decay:
            yield
            return
        trained = [p.detach().clone() for p in self.parameters]
        self._put(self.means)
        try:
            yield
        finally:
            self._put(trained)

    def state(self, slots: Mapping[str, Slot]) -> dict[str, Tensor]:
        """The weights behind the mean, and how many updates it has seen."""
        if not self.decay:
            return {}
        trained = {f"trained.{name}": s.view(s.parameter.detach()) for name, s in slots.items()}
        return {**trained, "averaged.updates": torch.tensor(self.updates)}

    def set_state(self, state: Mapping[str, Any], slots: Mapping[str, Slot]) -> None:
        """Go on with these weights; the mean is what the weights were set to before."""
        if not self.decay or "averaged.updates" not in state:
            return
        self.updates = int(state["averaged.updates"])
        with torch.no_grad():
            for name, slot in slots.items():
                slot.view(slot.parameter).copy_(torch.tensor(state[f"trained.{name}"]))

    def _put(self, values: Sequence[Tensor]) -> None:
        with torch.no_grad():
            for parameter, value in zip(self.parameters, values, strict=True):
                parameter.copy_(value)
