"""What decoding asks of a network: take one step, and pick rows of a state.

Axis letters: B rows, V vocabulary, T source steps that attention looks at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import PADDING, START, UNKNOWN, FloatArray, IntArray
from gatewise.errors import RunError, UsageError

State = Any  # a stepper's own; decoding only hands it back
NEVER = (PADDING, UNKNOWN, START)  # ids that are no answer


class Step(NamedTuple):
    """What a network answers to one token per row.

    logits     (B, V) of the next token; -inf where one is impossible
    state      after this step
    attention  (B, T) where the step looked; None: nowhere
    """

    logits: FloatArray
    state: State
    attention: FloatArray | None = None


class Stepper(Protocol):
    """A network that goes token by token. States are never changed in place."""

    def step(self, tokens: IntArray, state: State) -> Step:
        """Read a token in each row.  (B,) -> logits (B, V)"""

    def select(self, state: State, rows: IntArray) -> State:
        """The state whose row i is row `rows[i]` of this one: reordered, repeated, dropped."""


def penalty(banned: Iterable[int], vocabulary: int) -> NDArray[np.float32]:
    """What is added to logits so that `banned` ids cannot come: -inf there, else 0.  (V,)

    Ids that the vocabulary does not have are passed over. Raises UsageError when none is left.
    """
    added = np.zeros(vocabulary, dtype=np.float32)
    added[[token for token in banned if 0 <= token < vocabulary]] = -np.inf
    if np.isneginf(added).all():
        raise UsageError(
            f"all {vocabulary} tokens of the vocabulary are banned; leave at least one to answer"
        )
    return added


def check_possible(top: NDArray[Any]) -> None:
    """Raises RunError when the highest logit of a row is NaN or infinite: nothing can be chosen."""
    if not np.isfinite(top).all():
        raise RunError(
            "the network answered NaN, infinity, or no possible token at all: its weights are "
            "damaged or diverged while training; train it anew with a lower learning rate"
        )
