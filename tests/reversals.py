"""Lists of numbers and the same backwards, for the tests of the translator."""

from __future__ import annotations

import numpy as np

import gatewise as gw

SMALL = gw.Network(hidden_size=32, embedding_size=16, dropout=0.0, input_dropout=0.0)
QUICK = gw.Training(epochs=15, batch_size=16, learning_rate=1e-2)
ONE = gw.Training(epochs=1, batch_size=32)


def reversals(count, longest=4, symbols=5, seed=0):
    """All different."""
    rng = np.random.default_rng(seed)
    rows = {}
    while len(rows) < count:
        row = rng.integers(1, symbols + 1, rng.integers(1, longest + 1)).tolist()
        rows[tuple(row)] = row[::-1]
    return [list(row) for row in rows], list(rows.values())


def translator(**options):
    return gw.Translator(**{"verbose": 0, "network": SMALL, "training": QUICK, **options})


SOURCES, TARGETS = reversals(500)
NEW, BACKWARDS = SOURCES[400:], TARGETS[400:]
