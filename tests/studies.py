"""Small studies for tests: a noisy sine, tiny networks, a few epochs."""

from __future__ import annotations

import numpy as np

import gatewise as gw
from gatewise.data.table import read_series
from gatewise.tuning.progress import Silent
from gatewise.tuning.record import Settings
from gatewise.tuning.study import study

SPACE = {
    "hidden_size": [2, 4, 8],
    "learning_rate": {"low": 1e-3, "high": 1e-1, "log": True},
    "num_layers": [1, 2],
}
GRID = {"hidden_size": [2, 4], "batch_size": [16, 32, 64], "num_layers": [1, 2]}


def sine(rows=120, seed=0):
    """A series table of a noisy sine."""
    noise = np.random.default_rng(seed).normal(0, 0.1, rows)
    return read_series(np.sin(np.arange(rows) / 5) + noise, name="sine")


def forecaster(**more):
    """One step ahead, three epochs."""
    given = {
        "horizon": 1,
        "lookback": 4,
        "network": gw.Network(shortcut=0),
        "training": gw.Training(epochs=3, batch_size=32),
        "verbose": 0,
    }
    return gw.Forecaster(**{**given, **more})


def search(space=SPACE, folder=None, *, resume=False, audience=None, model=None, **settings):
    """A study of 12 trials."""
    return study(
        model or forecaster(),
        sine(),
        {},
        space,
        Settings(**{"trials": 12, **settings}),
        audience=audience or Silent(),
        folder=folder,
        resume=resume,
    )


def table(found):
    """What must be the same however a study came about: all but seconds."""
    return found.table().drop(columns="seconds").to_csv()
