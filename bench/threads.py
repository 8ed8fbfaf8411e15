"""One thread or all: seconds per training step by the size of the network and the batch.

    python bench/threads.py [--rounds 7]

Gathering, forward, backward, clipping and Adam of the torch engine, one thread and all threads in
turns. The rule `ONE_THREAD_BELOW` in gatewise.engines.torch.engine is read off this table.
"""

from __future__ import annotations

import argparse

import numpy as np
from side_by_side import in_turns, ratio
from tables import cores, print_table
from training_speed import ours, series_windows

from gatewise.batch import batch_order
from gatewise.engine import EpochPlan
from gatewise.engines.torch.engine import ONE_THREAD_BELOW

BATCHES = (16, 32, 64, 256)
HIDDEN = (16, 32, 64, 128, 256)
LOOKBACKS = (20, 100)
SMALLEST, LARGEST = 256, 65536
STEPS = 8


def seconds_per_step(
    hidden_size: int, batch_size: int, lookback: int, threads: tuple[int, ...], rounds: int
) -> dict[str, list[float]]:
    """By the number of threads."""
    windows = series_windows(lookback, batch_size * STEPS)
    batches = batch_order(len(windows), batch_size, seed=0, epoch=0)
    plan = EpochPlan(
        batches=batches,
        learning_rates=np.full(len(batches), 1e-3),
        teacher_forcing=np.zeros(len(batches)),
        seed=0,
    )
    ways = {}
    for count in threads:
        engine, _ = ours(hidden_size, batch_size)
        engine.threads = count
        ways[str(count)] = lambda engine=engine: engine.train_epoch(windows, plan)
    taken = in_turns(ways, rounds, warm_up=2)
    return {name: [second / len(batches) for second in seconds] for name, seconds in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    both = (1, cores())
    rows = []
    for lookback in LOOKBACKS:
        sizes = [(b * h, b, h) for b in BATCHES for h in HIDDEN if SMALLEST <= b * h <= LARGEST]
        for units, batch_size, hidden_size in sorted(sizes):
            seconds = seconds_per_step(hidden_size, batch_size, lookback, both, rounds)
            one, many = (1000 * float(np.median(seconds[str(count)])) for count in both)
            middle, low, high = ratio(seconds, str(both[1]), "1")
            rows.append(
                (
                    f"{units}",
                    batch_size,
                    hidden_size,
                    lookback,
                    f"{one:.2f}",
                    f"{many:.2f}",
                    f"{middle:.2f} ({low:.2f} to {high:.2f})",
                    1 if units < ONE_THREAD_BELOW else both[1],
                )
            )
    print(f"Milliseconds per step, medians of {rounds} rounds; below 1, more threads pay.\n")
    print_table(("B x H", "B", "H", "T", "1 thread", f"{both[1]} threads", "ratio", "taken"), rows)


if __name__ == "__main__":
    main()
