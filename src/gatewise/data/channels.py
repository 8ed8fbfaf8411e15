"""Numeric sequences in, scaled sequences out.

Axis letters: M steps of all sequences, t steps of one, F channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.data.sequences import Ragged
from gatewise.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChannelCodec:
    """Every channel relative to its mean and spread over all training steps.

    center, spread  (F,)
    max_length      steps of a sequence that are read, from its start; None: all
    """

    center: Floats
    spread: Floats
    max_length: int | None = None

    @classmethod
    def learn(cls, sequences: Sequence[Any], max_length: int | None = None) -> ChannelCodec:
        """From training sequences (t, F), or (t,) of one channel. Raises DataError."""
        checked = checked_sequences(sequences, None)
        steps = np.concatenate(checked)
        spread = steps.std(axis=0)
        return cls(steps.mean(axis=0), np.where(spread > 0, spread, 1.0), max_length)

    @property
    def channels(self) -> int:
        """F"""
        return len(self.center)

    def encode(self, sequences: Sequence[Any]) -> Ragged:
        """Scaled steps (M, F), float32.

        Raises DataError for an empty sequence, another number of channels, or values that are
        no finite numbers, with the number of the sequence.
        """
        if not len(sequences):
            none = np.zeros(0, dtype=np.int64)
            return Ragged(np.zeros((0, self.channels), dtype=np.float32), none, none)
        checked = checked_sequences(sequences, self.channels)
        scaled = [(s[: self.max_length] - self.center) / self.spread for s in checked]
        return Ragged.of([s.astype(np.float32) for s in scaled])

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` reads it back."""
        return {
            "center": self.center.tolist(),
            "spread": self.spread.tolist(),
            "max_length": self.max_length,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ChannelCodec:
        return cls(np.array(data["center"]), np.array(data["spread"]), data["max_length"])


def checked_sequences(sequences: Sequence[Any], channels: int | None) -> list[Floats]:
    """Each as (t, F). Raises DataError, one message for the first three problems."""
    found: list[Floats] = []
    problems: list[str] = []
    for number, given in enumerate(sequences, 1):
        try:
            steps = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError):
            problems.append(f"sequence {number} holds values that are no numbers")
            continue
        steps = steps[:, None] if steps.ndim == 1 else steps
        if steps.ndim != 2 or 0 in steps.shape:
            problems.append(
                f"sequence {number} must be (steps, channels), at least one of each, "
                f"not of shape {np.shape(given)}"
            )
            continue
        channels = steps.shape[1] if channels is None else channels
        if steps.shape[1] != channels:
            problems.append(f"sequence {number} has {steps.shape[1]} channels, not {channels}")
        elif not np.isfinite(steps).all():
            step = int(np.argmin(np.isfinite(steps).all(axis=1)))
            problems.append(f"sequence {number} is missing a value in step {step + 1}")
        found.append(steps)
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        raise DataError("; ".join(problems[:3]) + more)
    if not found:
        raise DataError("there are no sequences")
    return found
