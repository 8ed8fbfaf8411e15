"""Grid, random and Bayesian search over a classifier of hotel reviews, 12 trials each.

    python bench/tuning_reviews.py DATA [--out FOLDER] [--minutes 8] [--jobs 2] [--texts 4000]

Each search has the same settings to choose from and the same limit of time; the winner and the
defaults are trained in full on the same part and judged on the same fifth that no trial has seen.
OUT/grid, OUT/random and OUT/bayes hold the studies: a run that was ended goes on where it was.
OUT/grid.html and so on are their pages. --texts 0: all of them.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import sets
from tables import print_table

import gatewise as gw

GRID = {
    "hidden_size": [32, 64, 128],
    "learning_rate": [1e-3, 2e-3, 4e-3],
    "dropout": [0.3, 0.5],
    "cell": ["lstm", "gru"],
}
RANGES = {
    "hidden_size": {"low": 32, "high": 128, "log": True},
    "learning_rate": {"low": 5e-4, "high": 8e-3, "log": True},
    "dropout": {"low": 0.1, "high": 0.6},
    "input_dropout": {"low": 0.1, "high": 0.6},
    "cell": ["lstm", "gru"],
    "pooling": ["mean_max", "max", "attention"],
}
SPACES = {"grid": GRID, "random": RANGES, "bayes": RANGES}
TRIALS = 12
NETWORKS = ("network", "defaults")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("tuning-reviews"))
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--texts", type=int, default=4000)
    parser.add_argument("--searches", nargs="+", choices=SPACES, default=list(SPACES))
    given = parser.parse_args()
    texts, labels = sets.hotel(given.data)
    if given.texts:
        rows = np.random.default_rng(0).permutation(len(texts))[: given.texts]
        texts, labels = [texts[i] for i in rows], [labels[i] for i in rows]
    found = []
    for search in given.searches:
        folder = given.out / search
        began = time.perf_counter()
        result = gw.tune(
            gw.Classifier(),
            texts,
            SPACES[search],
            labels=labels,
            search=search,
            trials=TRIALS,
            jobs=given.jobs,
            timeout=60 * given.minutes,
            out=folder,
            resume=(folder / "study.db").exists(),
        )
        result.report(given.out / f"{search}.html")
        scores = result.evaluation.scores()
        counts = result.study.counts()
        found.append(
            (
                search,
                counts["complete"],
                f"{result.study.best.value:.4f}",
                *(f"{scores[name]['accuracy']:.4f}" for name in ("network", "defaults")),
                f"{max(s['accuracy'] for n, s in scores.items() if n not in NETWORKS):.4f}",
                f"{time.perf_counter() - began:.0f}",
            )
        )
        print(f"{search}: {result.best_params}\n{result.verdict}\n")
    titles = (
        "search",
        "trials",
        "validation loss",
        "tuned",
        "defaults",
        "best baseline",
        "seconds",
    )
    print(f"Accuracy on a fifth of {len(texts):,} reviews.\n")
    print_table(titles, found)


if __name__ == "__main__":
    main()
