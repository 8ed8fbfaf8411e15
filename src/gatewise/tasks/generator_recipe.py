"""What a generator's network and training are where the user does not say, and why."""

from __future__ import annotations

from dataclasses import dataclass

from gatewise.spec import Network, Training

SHORT = 20_000  # tokens; of fewer, a small network and many passes
LONG = 300_000  # of more, a large network learns more than it repeats
UPDATES = 20  # steps of an epoch at least, where that leaves MIN_STREAMS
MIN_STREAMS, MAX_STREAMS = 4, 32


@dataclass(frozen=True, slots=True)
class Recipe:
    """Defaults; what the user gave is laid over them.

    sequence_length  steps through which errors flow back, and after which weights are updated
    """

    network: Network
    training: Training
    sequence_length: int


def recipe(tokens: int) -> Recipe:
    """Of so many training tokens.

    A short text is learnt by heart within a few passes: its network is small, and much of what
    it reads is dropped. Few streams mean many updates: they pay more than wide batches.
    """
    if tokens < SHORT:
        size, embedding, dropout, epochs, length = 128, 64, 0.5, 60, 50
    elif tokens < LONG:
        size, embedding, dropout, epochs, length = 256, 128, 0.4, 25, 100
    else:
        size, embedding, dropout, epochs, length = 512, 128, 0.3, 7, 100
    streams = tokens // (UPDATES * length)
    return Recipe(
        Network(
            cell="lstm",
            hidden_size=size,
            num_layers=1,
            embedding_size=embedding,
            dropout=dropout,
        ),
        Training(
            epochs=epochs,
            batch_size=min(MAX_STREAMS, max(MIN_STREAMS, streams)),
            optimizer="adam",
            learning_rate=4e-3,
            schedule="cosine",
            warmup_epochs=min(0.2, epochs / 100),
            clip_norm=1.0,
            patience=max(3, epochs // 6),
        ),
        length,
    )
