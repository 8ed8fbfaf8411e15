"""What a classifier's network and training are where the user does not say, and why.

Values were chosen on validation parts; see docs/benchmarks.md for what they give.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import IntArray
from gatewise.spec import Network, Training

FEW = 2_000  # examples; of fewer, more passes and smaller steps
NGRAMS = {"char": 3, "word": 2, "bpe": 1, "given": 1}  # channels: the token, pairs, triples
LONGEST = {"char": 512, "word": 400, "bpe": 400, "given": 512}  # tokens read of a text


@dataclass(frozen=True, slots=True)
class Recipe:
    """Defaults; what the user gave is laid over them."""

    network: Network
    training: Training


def for_text(count: int) -> Recipe:
    """Of `count` training texts.

    Texts are overfitted within a few passes: tokens are dropped whole, vectors in part, and a
    running mean of the weights is kept. Mean and maximum over the steps find what decides
    wherever it stands.
    """
    network = Network(
        cell="lstm",
        hidden_size=64,
        bidirectional=True,
        pooling="mean_max",
        embedding_size=128,
        input_dropout=0.4,
        token_dropout=0.2,
        dropout=0.5,
    )
    few = count < FEW
    training = Training(
        epochs=60 if few else 20,
        batch_size=32,
        learning_rate=2e-3,
        weight_averaging=0.99,
        min_delta=1e-4,
        patience=10 if few else 4,
    )
    return Recipe(network, training)


def for_numbers(count: int) -> Recipe:
    """Of `count` training sequences of numbers."""
    few = count < FEW
    network = Network(
        cell="lstm", hidden_size=64, bidirectional=True, pooling="mean_max", dropout=0.3
    )
    training = Training(
        epochs=150 if few else 40,
        batch_size=16 if few else 64,
        learning_rate=2e-3,
        weight_averaging=0.99,
        min_delta=1e-4,
        patience=25 if few else 8,
    )
    return Recipe(network, training)


def max_length(unit: str) -> int:
    """Tokens that are read of a text."""
    return LONGEST[unit]


def example_weights(numbers: IntArray, classes: int) -> NDArray[np.float32]:
    """Every class counts alike, however rare.  (N,) -> (N,), mean 1

    w_i = N / (C * examples of the class of i)
    """
    counts = np.bincount(numbers, minlength=classes)
    present = np.count_nonzero(counts)
    return (len(numbers) / (present * counts[numbers])).astype(np.float32)
