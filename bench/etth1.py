"""ETTh1, all seven columns, 96 hours ahead from 720: our row beside published ones.

    python bench/etth1.py path/to/ETTh1.csv.gz [--seeds 3]

Standard split (8,640 / 2,880 / 2,880 rows), scaled by the training rows, errors on scaled values,
every window of the test part.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from summary import Row, tell

import gatewise as gw
from gatewise.data.table import read_series
from gatewise.metrics import mae, mse

TRAIN, VALIDATION, TEST = 8640, 2880, 2880
HORIZON, LOOKBACK = 96, 720
PUBLISHED = {  # (lookback) -> MSE, MAE as their authors print them
    "SegRNN (720)": (0.341, 0.376),
    "SegRNN (96)": (0.368, 0.395),
    "PatchTST (96)": (0.414, 0.419),
    "iTransformer (96)": (0.386, 0.405),
    "DLinear (96)": (0.386, 0.400),
    "LSTMa, horizon 48 (96)": (0.702, 0.675),
}


def one_seed(path: str, seed: int, **options: object) -> tuple[dict, float]:
    frame = pd.read_csv(path).iloc[: TRAIN + VALIDATION + TEST]
    names = [name for name in frame.columns if name != "date"]
    table = read_series(frame, target=names, time="date", name="ETTh1")
    began = time.perf_counter()
    model = gw.Forecaster(
        horizon=HORIZON, lookback=LOOKBACK, validation=VALIDATION, seed=seed, **options
    )
    model.fit(table.rows(0, TRAIN + VALIDATION))
    seconds = time.perf_counter() - began
    evaluation = model.evaluate(table)
    spread = table.values[:TRAIN].std(axis=0)
    scores = {
        name: (
            mse(evaluation.truth / spread, told / spread),
            mae(evaluation.truth / spread, told / spread),
        )
        for name, told in evaluation.forecasts.items()
    }
    windows = TEST - HORIZON + 1
    if len(evaluation.origins) != windows:
        raise SystemExit(f"judged {len(evaluation.origins)} windows, the standard is {windows}")
    return scores, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    runs = []
    for seed in range(arguments.seeds):
        scores, seconds = one_seed(arguments.path, seed)
        runs.append((*scores["network"], seconds))
        print(f"seed {seed}: MSE {runs[-1][0]:.4f}  MAE {runs[-1][1]:.4f}  {seconds:.0f} s")
    print(f"\n{'ETTh1, horizon 96 (lookback)':32} {'MSE':>16} {'MAE':>16}")
    mean, spread = np.mean(runs, axis=0), np.std(runs, axis=0)
    ours = [f"{m:.3f} ± {s:.3f}" for m, s in zip(mean[:2], spread[:2], strict=True)]
    print(f"{'gatewise (720), default':32} {ours[0]:>16} {ours[1]:>16}   {mean[2]:.0f} s to train")
    for name, told in scores.items():
        if name != "network":
            print(f"{name + ' (same windows)':32} {told[0]:>16.3f} {told[1]:>16.3f}")
    rows = []
    for name, (error, absolute) in PUBLISHED.items():
        print(f"{name + ', published':32} {error:>16.3f} {absolute:>16.3f}")
        if "horizon" not in name:
            shares = [run[0] / error for run in runs]
            sides = (f"{mean[0]:.3f}", f"{error:.3f}")
            middle = float(np.median(shares))
            job = f"Error (MSE), ETTh1, {HORIZON} hours"
            rows.append(Row(job, f"{name}, published", *sides, middle, min(shares), max(shares)))
    tell(rows)


if __name__ == "__main__":
    main()
