"""Sequences read backwards: what an encoder and a decoder must carry, place by place.

    python bench/reversing.py [--seeds 3] [--engine torch]

Sequences of 9 symbols, all different from each other, so that none that is judged was learnt
from. Exact match: the whole answer is right. The network is what `Translator()` chooses by itself;
a tenth of the training pairs decides when to stop.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

from tables import mean_and_spread, met, print_table

import gatewise as gw
from gatewise.data.toys import reverse_pairs


@dataclass(frozen=True, slots=True)
class Task:
    """What is learnt, from how many pairs, and the exact match on `judged` others that is asked."""

    name: str
    length: int | tuple[int, int]
    learnt: int
    judged: int
    bar: float


TASKS = (
    Task("length 5", 5, 1_800, 200, 0.99),
    Task("lengths 3 to 20", (3, 20), 10_000, 1_000, 0.98),
)


def judge(task: Task, seed: int, **options: object) -> dict[str, float]:
    """Exact match by name, and what it cost."""
    pairs = reverse_pairs(task.learnt + task.judged, task.length, seed=seed)
    sources, targets = pairs.sources, pairs.targets
    wall, cpu = time.perf_counter(), time.process_time()
    model = gw.Translator(seed=seed, verbose=0, **options)
    model.fit(sources[: task.learnt], targets[: task.learnt])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    scores = model.evaluate(sources[task.learnt :], targets[task.learnt :]).scores()
    found = {name: float(score["exact match"] or 0.0) for name, score in scores.items()}
    return {**found, "seconds": wall, "CPU seconds": cpu, "epochs": len(model.history_.records)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--engine", default="torch")
    given = parser.parse_args()
    seeds = range(given.seeds)
    runs = {task: [judge(task, seed, engine=given.engine) for seed in seeds] for task in TASKS}
    rows = []
    for task, found in runs.items():
        for name in ("network", "nearest training source", "copy of the source"):
            own = name == "network"
            rows.append(
                (
                    f"{task.name}: {name}",
                    mean_and_spread([run[name] for run in found]),
                    ", ".join(f"{run[name]:.4f}" for run in found) if own else "",
                    f"{max(run['seconds'] for run in found):.0f}" if own else "",
                    f"{max(run['CPU seconds'] for run in found):.0f}" if own else "",
                )
            )
    print(f"{len(seeds)} seeds on {given.engine}: mean ± spread; training time of the slowest.\n")
    print_table(("task", "exact match", "each seed", "seconds", "CPU seconds"), rows)
    for task, found in runs.items():
        least = min(run["network"] for run in found)
        print(
            f"{task.name}, {task.learnt:,} pairs learnt from, {task.judged:,} others: every seed "
            f"at least {task.bar:.0%} exact: {met(least >= task.bar)}"
        )


if __name__ == "__main__":
    main()
