"""Where a classifier with attention looked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gatewise.errors import UsageError
from gatewise.tasks.examples import read_examples

if TYPE_CHECKING:
    from gatewise.tasks.classifier import Classifier


class Attended(NamedTuple):
    """Where a classifier looked in one input of t steps.

    tokens   (t) what was read; of numbers 'step 1', 'step 2', ...
    weights  (t,) they sum to 1; of several members their mean
    padding  weight of the steps that were added behind it, to be read beside longer ones: 0
    """

    tokens: list[str]
    weights: NDArray[np.float32]
    padding: float


def attended(model: Classifier, data: Any) -> list[Attended]:
    """One for each input. Raises UsageError where pooling is not attention, DataError."""
    if model.spec_.pooling != "attention":
        raise UsageError(
            f"this network has no attention (pooling={model.spec_.pooling!r}); "
            f"train with network=Network(pooling='attention')"
        )
    reading = model.reading_
    inputs = read_examples(data, None, text=model.data_["text"], like=reading.kind).inputs
    steps, _ = reading.encode(inputs)
    found = model.committee_.attention(steps)
    return [
        Attended(reading.tokens(one), weights, padding)
        for one, (weights, padding) in zip(inputs, found, strict=True)
    ]
