"""What a translator's network and training are where the user does not say, and why."""

from __future__ import annotations

from dataclasses import dataclass

from gatewise.spec import Network, Training

FEW = 5_000  # pairs; of fewer, small batches
MANY_TOKENS = 1_000_000  # of the targets; of more, a wide network pays
LARGE_VOCABULARY = 200  # tokens; of more, they are words: many rare, and learnt by heart
UPDATES = 6_000  # steps of the weights that are planned, at most
FEWEST_EPOCHS, MOST_EPOCHS = 10, 200
PATIENCE = 400  # updates without progress that end training


@dataclass(frozen=True, slots=True)
class Recipe:
    """Defaults; what the user gave is laid over them."""

    network: Network
    training: Training


def recipe(pairs: int, tokens: int, vocabulary: int) -> Recipe:
    """Of so many training pairs, tokens of their targets, and known target tokens.

    What counts is the number of updates: few pairs are read more often, in smaller batches. A
    cosine ends them; early stopping ends them sooner where nothing is left to learn. The truth is
    fed back throughout.
    """
    words = vocabulary > LARGE_VOCABULARY
    size = 256 if words and tokens > MANY_TOKENS else 128 if words else 64
    batch = 32 if pairs < FEW else 64
    batch = min(batch, max(4, pairs // 20))
    epochs = UPDATES * batch // max(pairs, 1)
    epochs = min(max(epochs, FEWEST_EPOCHS), MOST_EPOCHS)
    network = Network(
        cell="lstm",
        hidden_size=size,
        bidirectional=True,
        embedding_size=size,
        attention="additive",
        dropout=0.3 if words else 0.0,
        input_dropout=0.2 if words else 0.0,
    )
    training = Training(
        epochs=epochs,
        batch_size=batch,
        learning_rate=2e-3 if words else 3e-3,
        schedule="cosine",
        clip_norm=1.0,
        min_delta=5e-4,
        patience=max(4, PATIENCE * batch // max(pairs, 1)),
        teacher_forcing=1.0,
    )
    return Recipe(network, training)
