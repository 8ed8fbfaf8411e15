"""What a classifier's network and training are where the user does not say, and why.

Values were chosen on validation parts; see docs/benchmarks.md for what they give.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import IntArray
from gatewise.spec import Network, Training

FEW = 1_000  # examples; of fewer, more passes and smaller steps
MANY = 20_000  # examples; of so many, few passes
SHORT = 20  # tokens of the middle text
CHEAP = 1_000_000  # tokens of all texts
MEMBERS = 3
NGRAMS = {"char": 3, "word": 2, "bpe": 1, "given": 1}  # channels: the token, pairs, triples
LONGEST = {"char": 512, "word": 400, "bpe": 400, "given": 512}  # tokens read of a text


@dataclass(frozen=True, slots=True)
class Recipe:
    """Defaults; what the user gave is laid over them."""

    network: Network
    training: Training


def for_text(count: int, steps: int) -> Recipe:
    """Of `count` training texts, the middle one `steps` tokens long.

    Texts are overfitted within a few passes: tokens are dropped whole, vectors in part, labels
    are smoothed, and a running mean of the weights is kept. Mean and maximum over the steps find
    what decides wherever it stands. A large set is read twice or thrice, a short text wants a
    larger state.
    """
    few, many, short = count < FEW, count >= MANY, steps < SHORT
    network = Network(
        cell="lstm",
        hidden_size=128 if short and not few else 64,
        bidirectional=True,
        pooling="mean_max",
        embedding_size=128,
        input_dropout=0.4,
        token_dropout=0.1 if short else 0.2,
        dropout=0.5,
    )
    training = Training(
        epochs=4 if many else 60 if few else 15,
        batch_size=64 if many else 16 if few else 32,
        learning_rate=2e-3,
        label_smoothing=0.1 if short else 0.05,
        weight_averaging=0.995 if many else 0.98 if few else 0.99,
        min_delta=1e-4,
        patience=1 if many else 10 if few else 3,
    )
    return Recipe(network, training)


def for_numbers(count: int) -> Recipe:
    """Of `count` training sequences of numbers."""
    few = count < FEW
    network = Network(
        cell="lstm",
        hidden_size=64,
        bidirectional=True,
        pooling="mean_max",
        input_dropout=0.1,
        dropout=0.5,
    )
    training = Training(
        epochs=80 if few else 40,
        batch_size=16 if few else 64,
        learning_rate=2e-3,
        label_smoothing=0.1,
        weight_averaging=0.98 if few else 0.99,
        min_delta=1e-4,
        patience=20 if few else 8,
    )
    return Recipe(network, training)


def members(count: int, steps: int) -> int:
    """How many networks are trained and averaged: three where that is cheap and pays."""
    return MEMBERS if count >= FEW and count * steps <= CHEAP else 1


def max_length(unit: str) -> int:
    """Tokens that are read of a text."""
    return LONGEST[unit]


def example_weights(numbers: IntArray, classes: int) -> NDArray[np.float32]:
    """Every class counts alike, however rare.  (N,) -> (N,), mean 1

    w_i = N / (C * examples of the class of i)
    """
    if not len(numbers):
        return np.ones(0, dtype=np.float32)
    counts = np.bincount(numbers, minlength=classes)
    present = np.count_nonzero(counts)
    return (len(numbers) / (present * counts[numbers])).astype(np.float32)
