"""The learning rate that the range test suggests, beside a grid of rates, on small problems.

    python bench/rates.py [--seeds 3] [--only NAME ...]

Each model trains as many epochs at each rate; what counts is its lowest validation loss. The rule
of the suggestion was chosen on seeds 0 to 2; these are others.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from tables import met, print_table

import gatewise as gw

GRID = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
FIRST_SEED = 3
LEAST = 1e-3  # of the loss before training: what is learnt to the end is not told apart below
WORST_RATIO = 1.2  # in median
GOOD, BAD = ("good", "great", "fine", "superb"), ("bad", "awful", "poor", "dull")
FILL = ("the", "a", "film", "it", "was", "of", "story", "plot", "actor", "scene")


def sine(seed: int) -> pd.DataFrame:
    """Noise on a sine."""
    rng, steps = np.random.default_rng(seed), np.arange(600)
    return pd.DataFrame({"y": np.sin(2 * np.pi * steps / 25) + 0.2 * rng.normal(size=600)})


def reviews(seed: int) -> tuple[list[str], list[str]]:
    """One word of many decides."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(300):
        good = bool(rng.integers(2))
        words = list(rng.choice(FILL, rng.integers(5, 14)))
        words.insert(int(rng.integers(len(words))), str(rng.choice(GOOD if good else BAD)))
        texts.append(" ".join(words))
        labels.append("good" if good else "bad")
    return texts, labels


def digits(seed: int) -> list[list[str]]:
    """Short sequences."""
    rng = np.random.default_rng(seed)
    return [[str(v) for v in rng.integers(0, 6, rng.integers(2, 6))] for _ in range(300)]


def lstm(**chosen: Any) -> gw.Network:
    """16 units without a solved shortcut, so that there is something to learn."""
    return gw.Network(**{"hidden_size": 16, "shortcut": 0, **chosen})


def read(**chosen: Any) -> gw.Network:
    """As small, of tokens."""
    return gw.Network(**{"hidden_size": 24, "embedding_size": 16, **chosen})


def reverse(seed: int) -> tuple[list[list[str]], list[list[str]]]:
    """Each sequence backwards."""
    sources = digits(seed)
    return sources, [source[::-1] for source in sources]


def odd(seed: int) -> tuple[list[list[str]], list[list[str]]]:
    """Whether each digit is odd."""
    sources = digits(seed)
    return sources, [["odd" if int(v) % 2 else "even" for v in source] for source in sources]


Problem = tuple[int, Callable[[int], Any], Callable[[int], tuple[Any, ...]]]
PROBLEMS: dict[str, Problem] = {  # epochs, model of a seed, data of a seed
    "sine, lstm": (
        15,
        lambda seed: gw.Forecaster(5, retrain=False, seed=seed, network=lstm()),
        lambda seed: (sine(seed),),
    ),
    "sine, rnn": (
        10,
        lambda seed: gw.Forecaster(5, retrain=False, seed=seed, network=lstm(cell="rnn")),
        lambda seed: (sine(seed),),
    ),
    "sine, lstm, sgd": (
        10,
        lambda seed: gw.Forecaster(
            5, retrain=False, seed=seed, network=lstm(), training=gw.Training(optimizer="sgd")
        ),
        lambda seed: (sine(seed),),
    ),
    "sine, solved shortcut": (
        10,
        lambda seed: gw.Forecaster(5, retrain=False, seed=seed),
        lambda seed: (sine(seed),),
    ),
    "airline": (
        15,
        lambda seed: gw.Forecaster(12, retrain=False, seed=seed),
        lambda _: (gw.datasets.airline_passengers(),),
    ),
    "reviews": (8, lambda seed: gw.Classifier(seed=seed, members=1, network=read()), reviews),
    "odd digits": (5, lambda seed: gw.Tagger(seed=seed, network=read()), odd),
    "characters": (
        4,
        lambda seed: gw.Generator(seed=seed, sequence_length=32, network=read(hidden_size=32)),
        lambda seed: (" ".join(reviews(seed)[0]),),
    ),
    "reversing": (15, lambda seed: gw.Translator(seed=seed, network=read()), reverse),
}


def lowest_loss(model: Any, data: tuple[Any, ...], rate: float | str, epochs: int) -> float:
    """Of the validation part over all epochs; infinite where training diverged."""
    changed = (model.training or gw.Training()).replace(
        learning_rate=rate, epochs=epochs, patience=None
    )
    fresh = type(model)(**{**model.get_params(deep=False), "training": changed, "verbose": 0})
    target = {"target": "passengers" if "passengers" in data[0] else "y"}
    named = target if isinstance(model, gw.Forecaster) else {}
    try:
        history = fresh.fit(*data, **named).history_
    except gw.DivergedError:
        return math.inf
    losses = [record.validation_loss for record in history.records]
    return min(loss for loss in losses if loss is not None)


def compare(problem: Problem, seed: int) -> tuple[float, float, float]:
    """(suggested rate, best rate of the grid, loss with the one over loss with the other)"""
    epochs, make, draw = problem
    model, data = make(seed), draw(seed)
    named = {"target": "passengers" if "passengers" in data[0] else "y"}
    found = gw.find_learning_rate(
        model, *data, **(named if isinstance(model, gw.Forecaster) else {})
    )
    grid = {rate: lowest_loss(model, data, rate, epochs) for rate in GRID}
    ours = lowest_loss(model, data, found.suggestion, epochs)
    best = min(grid, key=lambda rate: grid[rate])
    floor = LEAST * float(found.smoothed[0])
    return found.suggestion, best, (ours + floor) / (grid[best] + floor)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    given = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + given.seeds)
    rows, ratios = [], []
    for name in given.only:
        found = [compare(PROBLEMS[name], seed) for seed in seeds]
        own = [ratio for _, _, ratio in found]
        ratios += own
        rows.append(
            (
                name,
                ", ".join(f"{rate:.2g}" for rate, _, _ in found),
                ", ".join(f"{best:g}" for _, best, _ in found),
                f"{np.median(own):.2f}",
                f"{max(own):.2f}",
            )
        )
    titles = ("problem", "suggested", "best of the grid", "loss / best, median", "worst")
    print_table(titles, rows)
    middle = float(np.median(ratios))
    print(
        f"Over all: median {middle:.3f} (at most {WORST_RATIO}: {met(middle <= WORST_RATIO)}), "
        f"nine of ten below {np.quantile(ratios, 0.9):.2f}; diverged: "
        f"{sum(math.isinf(ratio) for ratio in ratios)} of {len(ratios)}."
    )


if __name__ == "__main__":
    main()
