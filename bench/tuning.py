"""A grid of 243 settings on the noisy sine, beside a plain sequential loop over the same grid.

    python bench/tuning.py [--plain 9] [--prune hyperband] [--jobs 2]

hidden_size x num_layers x dropout x learning_rate x batch_size, three values each; an LSTM alone,
next step, 20 epochs at most, early stopping after 5 without progress. Ours prunes and has two
processes of one thread. The loop is what one writes by hand with `nn.LSTM`: it trains an evenly
drawn part of the grid (--plain 243: all of it), and its time for all is reckoned from that.
Test MSE is compared with least squares on the same 20 lags.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import time
from typing import Any

import numpy as np
import torch
from noisy_sine import LOOKBACK, TRAIN_ROWS, TRAIN_WINDOWS, linear_mse, sine
from summary import Row, tell
from tables import met, print_table

import gatewise as gw

GRID: dict[str, list[Any]] = {
    "hidden_size": [32, 64, 128],
    "num_layers": [1, 2, 3],
    "dropout": [0.1, 0.2, 0.3],
    "learning_rate": [1e-4, 1e-3, 1e-2],
    "batch_size": [16, 32, 64],
}
EPOCHS, PATIENCE = 20, 5
HELD = 0.2  # of the training rows
MOST_SECONDS, MOST_RATIO = 240.0, 1.10


def ours(prune: str, jobs: int, grid: dict[str, list[Any]], epochs: int) -> dict[str, Any]:
    """Seconds of the search, processor seconds, the result."""
    series, _ = sine(0)
    model = gw.Forecaster(
        horizon=1,
        lookback=LOOKBACK,
        network=gw.Network(shortcut=0),
        training=gw.Training(epochs=epochs, patience=PATIENCE),
        verbose=0,
    )
    busy, began = processor(), time.perf_counter()
    result = gw.tune(
        model,
        series,
        grid,
        search="grid",
        prune=prune,
        jobs=jobs,
        test=len(series) - TRAIN_ROWS,
        verbose=0,
    )
    return {
        "seconds": time.perf_counter() - began,
        "processor": processor() - busy,
        "result": result,
        "mse": mse(result.evaluation.tuned),
        "defaults": mse(result.evaluation.defaults),
    }


def processor() -> float:
    """Processor seconds of this process and of those that it has ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def mse(evaluation: Any) -> float:
    return float(np.mean((evaluation.forecasts["network"] - evaluation.truth) ** 2))


class Plain(torch.nn.Module):
    """What one writes by hand."""

    def __init__(self, hidden: int, layers: int, dropout: float) -> None:
        super().__init__()
        between = dropout if layers > 1 else 0.0
        self.lstm = torch.nn.LSTM(1, hidden, layers, batch_first=True, dropout=between)
        self.drop = torch.nn.Dropout(dropout)
        self.head = torch.nn.Linear(hidden, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.drop(self.lstm(x)[0][:, -1]))


def by_hand(points: list[tuple[Any, ...]], epochs: int) -> tuple[float, float]:
    """(seconds, lowest test MSE by validation) of a sequential loop over these points."""
    values = sine(0)[0].values[:, 0]
    rows = int(TRAIN_ROWS * (1 - HELD))
    mean, spread = values[:rows].mean(), values[:rows].std()
    scaled = torch.tensor((values - mean) / spread, dtype=torch.float32)
    windows = scaled.unfold(0, LOOKBACK + 1, 1)  # (N, 21)
    x, y = windows[:, :-1, None], windows[:, -1:]
    cut = rows - LOOKBACK
    began, best = time.perf_counter(), (float("inf"), float("nan"))
    for hidden, layers, dropout, rate, size in points:
        torch.manual_seed(0)
        net = Plain(hidden, layers, dropout)
        adam = torch.optim.Adam(net.parameters(), lr=rate)
        lowest, kept, waited = float("inf"), float("nan"), 0
        for _ in range(epochs):
            net.train()
            for batch in torch.randperm(cut).split(size):
                adam.zero_grad()
                loss = torch.nn.functional.mse_loss(net(x[batch]), y[batch])
                loss.backward()
                torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                adam.step()
            net.eval()
            with torch.no_grad():
                held = torch.mean((net(x[cut:TRAIN_WINDOWS]) - y[cut:TRAIN_WINDOWS]) ** 2).item()
                test = torch.mean((net(x[TRAIN_WINDOWS:]) - y[TRAIN_WINDOWS:]) ** 2).item()
            waited = 0 if held < lowest else waited + 1
            if held < lowest:
                lowest, kept = held, test
            if waited >= PATIENCE:
                break
        best = min(best, (lowest, kept * spread**2))
    return time.perf_counter() - began, best[1]


def drawn(count: int, grid: dict[str, list[Any]]) -> list[tuple[Any, ...]]:
    """All points (243), or an orthogonal part of 27 or 9: every value of a setting comes as often
    as any other.
    """
    checks = ((1, 1, 1, 0, 0), (0, 0, 1, 1, 1), (0, 1, 0, 1, 2))[: {243: 0, 27: 2, 9: 3}[count]]
    points, places = itertools.product(*grid.values()), itertools.product(range(3), repeat=5)
    return [
        point
        for point, place in zip(points, places, strict=True)
        if all(np.dot(place, check) % 3 == 0 for check in checks)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plain", type=int, choices=(243, 27, 9), default=9)
    parser.add_argument("--prune", default="hyperband")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    values = sine(0)[0].values[:, 0]
    linear, last = linear_mse(values, TRAIN_WINDOWS, LOOKBACK)
    found = ours(given.prune, given.jobs, GRID, EPOCHS)
    study = found["result"].study
    points = drawn(given.plain, GRID)
    before = processor()
    seconds, plain = by_hand(points, EPOCHS)
    busy = processor() - before
    whole = seconds * study.wanted / len(points)
    counts = ", ".join(f"{count} {state}" for state, count in study.counts().items() if count)
    print(f"{study.wanted} settings; ours: {counts}, pruned by {given.prune}.\n")
    reckoned = "" if len(points) == study.wanted else f" (reckoned from {len(points)})"
    print_table(
        ("way", "seconds", "test MSE", "ratio to linear"),
        [
            (
                f"gw.tune, {given.jobs} processes, winner trained anew",
                f"{found['seconds']:.0f}",
                f"{found['mse']:.5f}",
                f"{found['mse'] / linear:.3f}",
            ),
            (
                "plain sequential loop",
                f"{whole:.0f}{reckoned}",
                f"{plain:.5f}" if not reckoned else "-",
                f"{plain / linear:.3f}" if not reckoned else "-",
            ),
            ("our defaults", "-", f"{found['defaults']:.5f}", f"{found['defaults'] / linear:.3f}"),
            ("linear autoregression", "-", f"{linear:.5f}", "1.000"),
            ("last value", "-", f"{last:.5f}", f"{last / linear:.3f}"),
        ],
    )
    print(
        f"Processor time of ours: {found['processor']:.0f} s, of the loop for all "
        f"{busy * study.wanted / len(points):.0f} s. Winner: {found['result'].best_params}.\n"
    )
    print(
        f"At most {MOST_SECONDS:.0f} s: {met(found['seconds'] <= MOST_SECONDS)}; within "
        f"{100 * (MOST_RATIO - 1):.0f} % of linear: {met(found['mse'] <= MOST_RATIO * linear)}\n"
    )
    share = found["seconds"] / whole
    sides = [f"{found['seconds']:.0f} s", f"{whole:.0f} s{reckoned}"]
    job = f"A grid of {study.wanted} settings"
    tell([Row(job, "PyTorch, loop over the grid", *sides, share, share, share)])


if __name__ == "__main__":
    main()
