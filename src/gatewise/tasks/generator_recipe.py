"""What a generator's network and training are where the user does not say, and why."""

from __future__ import annotations

from dataclasses import dataclass

from gatewise.spec import Network, Training

SHORT = 20_000  # tokens; of fewer, a small network and many passes
LONG = 300_000  # of more, a large network learns more than it repeats
UPDATES = 20  # steps of an epoch at least, where that leaves FEWEST streams
FEWEST, MOST = 4, 16  # streams side by side
NGRAMS = {"char": 3, "word": 1, "bpe": 1}  # tokens that are read together at each step


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

    A short text is soon learnt by heart: its network is small, and much of what it reads is
    dropped. Few streams mean many updates in a pass: they pay more than wide batches do.
    """
    if tokens < SHORT:
        size, embedding, read, decay, epochs, length = 128, 64, 0.2, 0.01, 60, 50
    elif tokens < LONG:
        size, embedding, read, decay, epochs, length = 256, 128, 0.2, 0.01, 20, 50
    else:
        size, embedding, read, decay, epochs, length = 512, 128, 0.3, 0.05, 8, 100
    return Recipe(
        Network(
            cell="lstm",
            hidden_size=size,
            num_layers=1,
            embedding_size=embedding,
            input_dropout=read,
            dropout=0.5,
        ),
        Training(
            epochs=epochs,
            batch_size=min(MOST, max(FEWEST, tokens // (UPDATES * length))),
            optimizer="adamw",
            weight_decay=decay,
            learning_rate=4e-3,
            schedule="cosine",
            warmup_epochs=epochs / 100,
            clip_norm=1.0,
            patience=max(3, epochs // 5),
        ),
        length,
    )
