"""Airline passengers a year ahead: the last 24 months, which no training saw, from rolling origins.

    python bench/airline.py [--seeds 3] [--engine torch]

Every origin that leaves twelve months to judge, the network beside its baselines on the same
windows. MASE below 1: better than last year's value was within the training months.
"""

from __future__ import annotations

import argparse

import numpy as np
from tables import mean_and_spread, met, print_table

import gatewise as gw

HORIZON, TEST = 12, 24


def judge(seed: int, **options: object) -> dict[str, dict[str, float]]:
    """Name -> metric -> score on the last months."""
    frame = gw.datasets.airline_passengers()
    model = gw.Forecaster(HORIZON, seed=seed, verbose=0, **options)
    past = frame.iloc[: len(frame) - TEST]
    return model.fit(past, target="passengers", time="month").evaluate(frame).scores()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--engine", default="torch")
    given = parser.parse_args()
    runs = [judge(seed, engine=given.engine) for seed in range(given.seeds)]
    rows = []
    for name in runs[0]:
        cells = [
            mean_and_spread([run[name][metric] for run in runs], 3)
            for metric in ("MASE", "MAE", "RMSE", "sMAPE")
        ]
        each = ", ".join(f"{run[name]['MASE']:.3f}" for run in runs) if name == "network" else ""
        rows.append((name, *cells, each))
    rows.sort(key=lambda row: float(row[1].split()[0]))
    runs_of = f"{len(runs)} seeds on {given.engine}"
    print(f"Horizon {HORIZON}, lookback as chosen, {runs_of}: mean ± spread.\n")
    print_table(("forecast", "MASE", "MAE", "RMSE", "sMAPE, %", "MASE, each seed"), rows)
    good = [run["network"]["MASE"] < min(1.0, run["seasonal naive"]["MASE"]) for run in runs]
    print(
        f"MASE below 1 and below seasonal naive: {int(np.sum(good))} of {len(runs)} seeds: "
        f"{met(all(good))}"
    )


if __name__ == "__main__":
    main()
