"""The noisy sine: one step ahead beside a linear autoregression, then 100 steps fed back.

    python bench/noisy_sine.py [--seeds 3]

1,200 points over ten periods, noise 0.1, lookback 20; the first 1,000 windows train, the other 180
test. Each seed draws its own noise and its own network. Fed its own predictions, the forecast is
compared with the sine without noise, from origins at and behind the end of the training rows.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from tables import mean_and_spread, met, print_table

import gatewise as gw
from gatewise.data.table import SeriesTable, read_series

POINTS, NOISE, LOOKBACK = 1200, 0.1, 20
TRAIN_WINDOWS = 1000
TRAIN_ROWS = TRAIN_WINDOWS + LOOKBACK
STEPS = 100
ORIGINS = (1020, 1040, 1060, 1080, 1100)
MOST_RATIO, MOST_ERROR = 1.10, 0.05

WAYS = {  # name -> arguments of the forecaster
    "default": {},
    "LSTM alone": {"network": gw.Network(hidden_size=32, shortcut=0)},
}


def sine(seed: int, points: int = POINTS) -> tuple[SeriesTable, NDArray[np.float64]]:
    """The series (N,) with its noise, and without."""
    frame = gw.datasets.noisy_sine(points, periods=points / 120, noise=NOISE, seed=seed)
    return read_series(frame, target="y", name="noisy sine"), frame["clean"].to_numpy()


def linear_mse(values: NDArray[np.float64], train: int, lookback: int) -> tuple[float, float]:
    """Test MSE of least squares on the lags and a constant, and of the last value."""
    windows = np.lib.stride_tricks.sliding_window_view(values, lookback + 1)
    lags, told = windows[:, :-1], windows[:, -1]
    lags = np.concatenate([lags, np.ones((len(lags), 1))], axis=1)
    weights = np.linalg.lstsq(lags[:train], told[:train], rcond=None)[0]
    linear = np.mean((lags[train:] @ weights - told[train:]) ** 2)
    return float(linear), float(np.mean((lags[train:, -2] - told[train:]) ** 2))


def next_step_mse(series: SeriesTable, train_rows: int, lookback: int, **options: object) -> float:
    """Test MSE of the network over every window behind the training rows."""
    model = gw.Forecaster(horizon=1, lookback=lookback, verbose=0, **options)
    judged = model.fit(series.rows(0, train_rows)).evaluate(series)
    if len(judged.origins) != len(series) - train_rows:
        raise SystemExit(f"{len(judged.origins)} windows judged of {len(series) - train_rows}")
    return float(np.mean((judged.forecasts["network"] - judged.truth) ** 2))


def fed_back_mse(
    series: SeriesTable,
    clean: NDArray[np.float64],
    train_rows: int,
    lookback: int,
    steps: int,
    origins: tuple[int, ...],
    **options: object,
) -> list[float]:
    """MSE against the sine without noise of `steps` steps from each origin."""
    model = gw.Forecaster(
        horizon=steps, lookback=lookback, strategy="recursive", verbose=0, **options
    )
    model.fit(series.rows(0, train_rows))
    return [
        float(
            np.mean((model.predict(series.rows(0, first))["y"] - clean[first : first + steps]) ** 2)
        )
        for first in origins
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(parser.parse_args().seeds)
    data = [sine(seed) for seed in seeds]
    floor = linear_mse_of(data)
    print(f"Next step, MSE over {POINTS - TRAIN_ROWS} test windows; noise variance {NOISE**2:g}.\n")
    rows, ratios = [], {}
    for name, options in WAYS.items():
        errors = [
            next_step_mse(series, TRAIN_ROWS, LOOKBACK, seed=seed, **options)
            for seed, (series, _) in zip(seeds, data, strict=True)
        ]
        ratios[name] = np.array(errors) / floor["linear"]
        each = ", ".join(f"{ratio:.3f}" for ratio in ratios[name])
        rows.append((name, mean_and_spread(errors), each, f"{np.median(ratios[name]):.3f}"))
    for name, errors in floor.items():
        share = errors / floor["linear"]
        each = ", ".join(f"{ratio:.3f}" for ratio in share)
        rows.append((name, mean_and_spread(errors), each, f"{np.median(share):.3f}"))
    print_table(("way", "MSE", "ratio to linear, each seed", "median"), rows)
    for name, ratio in ratios.items():
        good = np.median(ratio) <= MOST_RATIO
        print(f"{name}: at most {MOST_RATIO:g} of linear, median of the seeds: {met(good)}\n")

    print(f"{STEPS} steps fed back, MSE against the sine without noise, by first forecast row.\n")
    for name, options in WAYS.items():
        errors = np.array(
            [
                fed_back_mse(*pair, TRAIN_ROWS, LOOKBACK, STEPS, ORIGINS, seed=seed, **options)
                for seed, pair in zip(seeds, data, strict=True)
            ]
        )
        print_table(
            (f"{name}, seed", *(str(origin) for origin in ORIGINS)),
            [
                (str(seed), *(f"{error:.4f}" for error in row))
                for seed, row in zip(seeds, errors, strict=True)
            ],
        )
        first, all_origins = (errors[:, 0] < MOST_ERROR).all(), (errors < MOST_ERROR).all()
        print(
            f"{name}: under {MOST_ERROR:g} right behind the training rows: {met(first)}; "
            f"from every origin: {met(all_origins)}\n"
        )


def linear_mse_of(
    data: list[tuple[SeriesTable, NDArray[np.float64]]],
) -> dict[str, NDArray[np.float64]]:
    """Test MSE of each simple way on each series."""
    both = [linear_mse(series.values[:, 0], TRAIN_WINDOWS, LOOKBACK) for series, _ in data]
    linear, last = np.array(both).T
    return {"linear": linear, "last value": last}


if __name__ == "__main__":
    main()
