"""A million rows: memory and time of one epoch of 20,000 windows, from Python and from a CSV.

    python bench/million_rows.py [--rows 1000000] [--horizons 24 1] [--no-csv]

Each run is a fresh process; its peak is what the system counted for it (resident memory). From
Python: fit, save nothing, forecast through ONNX. From a CSV: the whole job of `gatewise forecast`,
which reads, trains, judges, backtests, forecasts, and writes the model and the report.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tables import met, print_table

LOOKBACK, EXAMPLES = 720, 20_000
MOST_BYTES = 1.5e9
# A new process inherits the peak of the one that starts it; this one in between is small.
IN_BETWEEN = """
import os, sys
process = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(process, 0)
with open(sys.argv[1], "w") as file:
    file.write(f"{used.ru_maxrss} {used.ru_utime + used.ru_stime}")
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Ran:
    """A process that ended well: its peak of resident memory, wall and processor seconds."""

    peak: int
    seconds: float
    output: str
    processor: float


def hourly(rows: int) -> pd.DataFrame:
    """A day, a week, and noise."""
    steps = np.arange(rows)
    noise = 0.1 * np.random.default_rng(0).normal(size=rows)
    y = np.sin(2 * np.pi * steps / 24) + 0.5 * np.sin(2 * np.pi * steps / 168) + noise
    return pd.DataFrame({"time": pd.date_range("1900-01-01", periods=rows, freq="h"), "y": y})


def run(command: list[str], environment: dict[str, str] | None = None) -> Ran:
    """Raises SystemExit with what the process said when it fails."""
    with tempfile.TemporaryDirectory() as folder:
        peak = Path(folder) / "peak"
        between = [sys.executable, "-S", "-c", IN_BETWEEN, str(peak)]
        began = time.perf_counter()
        ended = subprocess.run(
            [*between, *command],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        seconds = time.perf_counter() - began
        if ended.returncode:
            raise SystemExit(f"exit code {ended.returncode}:\n{ended.stdout}")
        unit = 1 if sys.platform == "darwin" else 1024
        most, processor = peak.read_text().split()
        return Ran(int(most) * unit, seconds, ended.stdout, float(processor))


def inside(rows: int, lookback: int, examples: int, horizon: int) -> dict[str, float]:
    """The run from Python, in this process: seconds of each part."""
    import gatewise as gw

    seconds = {}
    began = time.perf_counter()
    frame = hourly(rows)
    seconds["making the data"] = time.perf_counter() - began
    began = time.perf_counter()
    model = gw.Forecaster(
        horizon=horizon,
        lookback=lookback,
        verbose=0,
        training=gw.Training(epochs=1, examples_per_epoch=examples),
    ).fit(frame, target="y", time="time")
    seconds["fit"] = time.perf_counter() - began
    began = time.perf_counter()
    model.predict()
    seconds["predict"] = time.perf_counter() - began
    return seconds


def from_python(rows: int, lookback: int, examples: int, horizon: int) -> Ran:
    sizes = [str(size) for size in (rows, lookback, examples, horizon)]
    return run([sys.executable, __file__, "--inside", *sizes])


def from_csv(rows: int, lookback: int, examples: int, horizon: int) -> Ran:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hourly.csv"
        hourly(rows).to_csv(path, index=False)
        options = {
            "target": "y",
            "time": "time",
            "horizon": horizon,
            "lookback": lookback,
            "epochs": 1,
            "examples-per-epoch": examples,
            "out": Path(folder) / "out",
        }
        flags = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        command = [sys.executable, "-m", "gatewise", "forecast", str(path), *flags, "--json"]
        return run(command)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--lookback", type=int, default=LOOKBACK)
    parser.add_argument("--examples", type=int, default=EXAMPLES)
    parser.add_argument("--horizons", type=int, nargs="+", default=[24])
    parser.add_argument("--no-csv", action="store_true")
    parser.add_argument("--inside", type=int, nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        print(json.dumps(inside(*given.inside)))
        return
    rows = []
    for horizon in given.horizons:
        sizes = (given.rows, given.lookback, given.examples, horizon)
        ran = from_python(*sizes)
        parts = json.loads(ran.output.splitlines()[-1])
        words = ", ".join(f"{name} {seconds:.1f}" for name, seconds in parts.items())
        rows.append(_row(f"Python: fit and predict, horizon {horizon}", ran, words))
        if not given.no_csv:
            ran = from_csv(*sizes)
            rows.append(_row(f"gatewise forecast, horizon {horizon}", ran, ""))
    print(
        f"{given.rows:,} rows, lookback {given.lookback}, one epoch of {given.examples:,} windows; "
        f"fresh processes.\n"
    )
    print_table(("job", "peak, MB", "below 1,500 MB", "seconds", "of which"), rows)


def _row(job: str, ran: Ran, parts: str) -> tuple[str, ...]:
    return job, f"{ran.peak / 1e6:.0f}", met(ran.peak < MOST_BYTES), f"{ran.seconds:.1f}", parts


if __name__ == "__main__":
    main()
