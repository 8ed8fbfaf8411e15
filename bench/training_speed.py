"""Our training beside a plain hand-written PyTorch loop: same network, same batches, in turns.

    python bench/training_speed.py [--rounds 15]

Both train the next-step model of a noisy sine by Adam on the mean squared error, the gradient
clipped to norm 1, without validation. One round is one epoch of each; a ratio is taken within each
round. The plain loop runs on the threads PyTorch takes by itself, and on as many as ours takes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import torch
from noisy_sine import sine
from numpy.typing import NDArray
from side_by_side import in_turns, ratio
from summary import over_cases, tell
from tables import met, print_table
from torch import Tensor, nn

from gatewise.batch import batch_order
from gatewise.data.series import SeriesCodec, Windows
from gatewise.engines.torch.engine import Engine
from gatewise.spec import Network, NetworkSpec, Training
from gatewise.training import fit
from gatewise.weights import initial

CASES = ((32, 32, 20, 1000), (64, 32, 20, 1000), (128, 64, 100, 1280))  # H, B, T, windows
MOST_RATIO = 1.15
LOOPS = {  # way -> in the first table of the page
    "plain": "PyTorch, plain loop, its threads",
    "plain, threads as ours": "PyTorch, plain loop, our threads",
}
SAME = 1e-5  # how near the losses of the first batch must be


class Plain(nn.Module):
    """What one writes by hand."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, hidden_size, batch_first=True)
        self.head = nn.Linear(hidden_size, 1)

    def forward(self, x: Tensor) -> Tensor:
        outputs, _ = self.lstm(x)
        return self.head(outputs[:, -1])


def plain_epoch(
    model: Plain, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor, order: list[Tensor]
) -> float:
    """The mean loss of one pass.  x (N, T, 1), y (N, 1)"""
    model.train()
    total = 0.0
    for index in order:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x[index]), y[index])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item() * len(index)
    return total / len(x)


def series_windows(lookback: int, count: int) -> Windows:
    """Windows over a scaled noisy sine, as the forecaster makes them."""
    series, _ = sine(0, points=count + lookback)
    codec = SeriesCodec.learn(
        series.values,
        "standard",
        columns=series.columns,
        predicted=1,
        logs=(),
        cycles=(),
        window_scaling="none",
        independent=False,
        lookback=lookback,
        horizon=1,
    )
    return codec.windows(codec.encode(series.values, None), codec.starts(0, len(series)))


def ours(hidden_size: int, batch_size: int) -> tuple[Engine, Training]:
    """The engine with the weights it starts from."""
    spec = NetworkSpec.complete(
        Network(hidden_size=hidden_size), kind="many_to_one", input_size=1, output_size=1
    )
    training = Training(batch_size=batch_size, patience=None)
    return Engine(spec, training, initial(spec, 0), device="cpu"), training


def plain_like(engine: Engine) -> Plain:
    """The plain network with the engine's weights."""
    weights = {name: torch.from_numpy(value) for name, value in engine.get_weights().items()}
    plain = Plain(engine.spec.hidden_size)
    pairs = {
        plain.lstm.weight_ih_l0: weights["encoder.0.forward.input"].T,
        plain.lstm.weight_hh_l0: weights["encoder.0.forward.recurrent"].T,
        plain.lstm.bias_ih_l0: weights["encoder.0.forward.bias"],
        plain.lstm.bias_hh_l0: torch.zeros(4 * engine.spec.hidden_size),
        plain.head.weight: weights["head.kernel"].T,
        plain.head.bias: weights["head.bias"],
    }
    with torch.no_grad():
        for parameter, value in pairs.items():
            parameter.copy_(value)
    return plain


def whole(windows: Windows) -> tuple[Tensor, Tensor]:
    """Every window at once, as one prepares them by hand.  x (N, T, 1), y (N, 1)"""
    batch = windows.gather(windows.arrays, np.arange(len(windows)))
    return torch.from_numpy(batch.x).contiguous(), torch.from_numpy(batch.y[:, :, 0]).contiguous()


def on_threads(count: int, work: Callable[[], object]) -> Callable[[], object]:
    def run() -> None:
        before = torch.get_num_threads()
        torch.set_num_threads(count)
        work()
        torch.set_num_threads(before)

    return run


def check_same(engine: Engine, windows: Windows, plain: Plain, x: Tensor, y: Tensor) -> None:
    """Both must be the same network before their speed means anything."""
    rows: NDArray[np.int64] = np.arange(min(64, len(windows)))
    told = engine.evaluate(windows, [rows])
    with torch.no_grad():
        by_hand = float(nn.functional.mse_loss(plain(x[rows]), y[rows]))
    if not np.isclose(told, by_hand, rtol=SAME):
        raise SystemExit(f"not the same network: losses {told:.6f} and {by_hand:.6f}")


def compare(
    hidden_size: int, batch_size: int, lookback: int, count: int, rounds: int
) -> tuple[dict[str, list[float]], int]:
    """Seconds per epoch of each way, and the threads that ours takes."""
    windows = series_windows(lookback, count)
    engine, training = ours(hidden_size, batch_size)
    x, y = whole(windows)
    check_same(engine, windows, plain_like(engine), x, y)
    order = [
        torch.from_numpy(rows) for rows in batch_order(len(windows), batch_size, seed=0, epoch=0)
    ]

    def by_hand(threads: int) -> Callable[[], object]:
        plain = plain_like(engine)
        optimizer = torch.optim.Adam(plain.parameters(), lr=training.learning_rate)
        return on_threads(threads, lambda: plain_epoch(plain, optimizer, x, y, order))

    ways = {
        "ours": lambda: fit(engine, windows, None, training, seed=0, epochs=1),
        "plain": by_hand(torch.get_num_threads()),
        "plain, threads as ours": by_hand(engine.threads),
    }
    return in_turns(ways, rounds, warm_up=2), engine.threads


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    rows, good = [], True
    told: dict[str, list[tuple[float, ...]]] = {}
    for hidden_size, batch_size, lookback, count in CASES:
        seconds, threads = compare(hidden_size, batch_size, lookback, count, rounds)
        cells = [f"H={hidden_size}, B={batch_size}, T={lookback}, {count} windows", threads]
        cells += [f"{1000 * np.median(taken):.1f}" for taken in seconds.values()]
        for against in list(seconds)[1:]:
            middle, low, high = ratio(seconds, "ours", against)
            cells.append(f"{middle:.2f} ({low:.2f} to {high:.2f})")
            good = good and middle <= MOST_RATIO
            costs = (1000 * float(np.median(seconds[way])) for way in ("ours", against))
            told.setdefault(against, []).append((middle, *costs))
        rows.append(cells)
    print(
        f"Milliseconds per epoch, medians of {rounds} rounds; ratios with their quartiles. "
        f"PyTorch takes {torch.get_num_threads()} threads by itself.\n"
    )
    print_table(
        (
            "network",
            "our threads",
            "ours",
            "plain",
            "plain, our threads",
            "ours / plain",
            "ours / plain on our threads",
        ),
        rows,
    )
    print(f"At most {MOST_RATIO:g} in every cell: {met(good)}")
    job, found = f"Training, an epoch, {len(CASES)} networks", []
    for against, cases in told.items():
        ratios, *costs = zip(*cases, strict=True)
        found.append(over_cases(job, LOOPS[against], "ms", ratios, costs))
    tell(found)


if __name__ == "__main__":
    main()
