"""Classes of real sets, each seed beside its baselines on the same test part.

    python bench/classes.py DATA [--sets hotel imdb trec vowels] [--seeds 3] [--engine torch]

hotel: Chinese hotel reviews, a random stratified split for each seed (70 / 10 / 20 %). imdb and
trec: the published halves; a tenth of the training half decides when to stop. vowels: numeric
sequences of 12 channels, the published halves.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import sets
from tables import mean_and_spread, met, print_table

import gatewise as gw
from gatewise.data.parts import split_parts

PAIR = ("这个产品很好用", "太差了")
NAMES = ("hotel", "imdb", "trec", "vowels")
METRIC = {"hotel": "macro-F1"}
BARS = {"hotel": 0.88, "imdb": 0.888, "trec": 0.89, "vowels": 0.95}
MINUTES = {"hotel": 10, "imdb": 12}


def parts(name: str, folder: Path, seed: int) -> tuple[sets.Labelled, sets.Labelled, float]:
    """Training and validation examples together, test examples, the validation share."""
    if name != "hotel":
        train, test = getattr(sets, name)(folder)
        return train, test, 0.1
    texts, labels = sets.hotel(folder)
    known, held = split_parts(len(texts), labels=np.array(labels), shares=(0.8, 0.2), seed=seed)
    first, second = (
        ([texts[i] for i in rows], [labels[i] for i in rows]) for rows in (known, held)
    )
    return first, second, 0.125


def judge(name: str, folder: Path, seed: int, engine: str) -> tuple[dict, float, gw.Classifier]:
    """Scores by name, seconds of training, the model."""
    train, test, share = parts(name, folder, seed)
    began = time.perf_counter()
    model = gw.Classifier(seed=seed, verbose=0, validation=share, engine=engine).fit(*train)
    seconds = time.perf_counter() - began
    return model.evaluate(*test).scores(), seconds, model


def one_seed(name: str, folder: Path, seed: int, engine: str) -> tuple[dict, float]:
    """Scores by name, seconds of training; told in a line."""
    metric = METRIC.get(name, "accuracy")
    scores, seconds, model = judge(name, folder, seed, engine)
    print(
        f"{name}, seed {seed}: {metric} {scores['network'][metric]:.4f}, {seconds:.0f} s",
        flush=True,
    )
    if name == "hotel":
        sure = model.predict_proba(list(PAIR))[:, 1]
        told = ", ".join(f"{text} {p:.2f}" for text, p in zip(PAIR, sure, strict=True))
        print(f"  probability of a good review: {told}", flush=True)
    return scores, seconds


def tell(name: str, runs: list[dict], took: list[float]) -> None:
    """The table of all seeds, and the bars."""
    metric = METRIC.get(name, "accuracy")
    print()
    shown = ("accuracy", "macro-F1", "ROC-AUC", "log-loss", "ECE")
    rows = [
        (who, *(mean_and_spread([run[who][m] for run in runs], 3) for m in shown))
        for who in runs[0]
    ]
    print_table((name, *shown), rows)
    mean = float(np.mean([run["network"][metric] for run in runs]))
    print(f"{name}: mean {metric} {mean:.4f}, the bar is {BARS[name]}: {met(mean >= BARS[name])}")
    if name == "hotel":
        rival = float(np.mean([run["TF-IDF + logistic regression"][metric] for run in runs]))
        print(f"not over half a point under TF-IDF ({rival:.4f}): {met(mean >= rival - 0.005)}")
    if name in MINUTES:
        slow = max(took) / 60
        print(f"at most {MINUTES[name]} minutes: {slow:.1f}: {met(slow <= MINUTES[name])}")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--engine", default="torch")
    given = parser.parse_args()
    for name in given.sets:
        runs = [one_seed(name, given.data, seed, given.engine) for seed in range(given.seeds)]
        tell(name, [scores for scores, _ in runs], [seconds for _, seconds in runs])


if __name__ == "__main__":
    main()
