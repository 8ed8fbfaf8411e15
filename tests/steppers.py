"""Steppers for the tests of decoding: tables in place of networks."""

from __future__ import annotations

import numpy as np

from gatewise.decoding.stepper import Step


class Table:
    """What comes next depends on the sentence, the last two tokens and how many there were.

    logits (S, V, V, V): sentence, token before the last, last -> next; the more tokens were read,
    the larger (`drift`): otherwise answers made of the same pairs would be equally likely.
    The state of each row is its sentence, its last token and what it has read; where it looks
    (`looks`) spells the latter.
    """

    def __init__(self, logits, drift=0.0, looks=False):
        self.logits = np.asarray(logits, dtype=np.float32)
        self.drift = drift
        self.looks = looks
        self.rows = []  # of every step

    def begin(self, sentences, last=0):
        count = len(sentences)
        return np.array(sentences, dtype=int), np.full(count, last), np.zeros((count, 0))

    def row(self, sentence, before, last, count):
        """Logits after `count` tokens, the start among them."""
        return self.logits[sentence, before, last] * np.float32(1 + self.drift * count)

    def step(self, tokens, state):
        sentence, last, seen = state
        assert tokens.shape == last.shape == sentence.shape
        assert tokens.dtype == np.int64
        self.rows.append(len(tokens))
        if self.looks or self.drift:
            seen = np.hstack([seen, tokens[:, None]])
        logits = self.row(sentence, last, tokens, seen.shape[1])
        looked = np.pad(seen, ((0, 0), (0, 9)))[:, :9] if self.looks else None
        return Step(logits, (sentence, tokens, seen), looked)

    def select(self, state, rows):
        assert rows.dtype == np.int64
        return tuple(part[rows] for part in state)


def log_softmax(z):
    z = np.asarray(z, dtype=np.float64)
    z = z - z.max()
    return z - np.log(np.exp(z).sum())
