"""More made-up examples with classes whose rule is known; all are names of gatewise.toys, too.

Every generator gives the same for the same seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatewise.errors import UsageError

Rng = np.random.Generator
Length = int | tuple[int, int]


@dataclass(frozen=True, eq=False)
class LabelledSequences:
    """Sequences, lists of tokens or arrays (t, F), and the label of each."""

    inputs: list[Any]
    labels: list[Any]

    def __len__(self) -> int:
        return len(self.inputs)


def key_sequences(
    count: int = 2000, length: Length = (3, 40), symbols: int = 49, seed: int = 0
) -> LabelledSequences:
    """Tokens '1' to `symbols`; the rule: a row holds at most one of '1', '2', '3' and '4', and
    that is its label; a fifth of the rows holds none, and is '0'. All else is random.
    """
    rng = np.random.default_rng(seed)
    inputs, labels = [], []
    for _ in range(count):
        row = rng.integers(5, symbols + 1, size=drawn_length(rng, length))
        label = int(rng.integers(5))
        if label:
            row[rng.integers(len(row))] = label
        inputs.append([str(i) for i in row])
        labels.append(str(label))
    return LabelledSequences(inputs, labels)


def one_of(rng: Rng, choices: Sequence[str]) -> str:
    """Each as likely."""
    return choices[int(rng.integers(len(choices)))]


def drawn_length(rng: Rng, length: Length) -> int:
    """As given, or each of a range as likely. Raises UsageError."""
    low, high = (length, length) if isinstance(length, int) else length
    if not 2 <= low <= high:
        raise UsageError(f"length must be at least 2, and no range that falls, not {length}")
    return int(rng.integers(low, high + 1))
