"""A little shop whose monthly sales the tests of the command line forecast."""

from __future__ import annotations

import csv
import hashlib
import math
import os
from pathlib import Path

import numpy as np

from gatewise import outputs
from gatewise.cli import main

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(outputs.__file__).parents[1])}
SMALL = ["--epochs", "2", "--hidden-size", "4", "--lookback", "12", "--strategy", "direct"]
TARGET = ["--target", "sales", "--horizon", "6"]
ROWS = 72


def months(count, first=1990):
    return [f"{first + i // 12}-{i % 12 + 1:02d}" for i in range(count)]


def sales(count):
    noise = np.random.default_rng(0).normal(0, 5, count)
    return [round(100 + i + 20 * math.sin(i * math.pi / 6) + noise[i], 2) for i in range(count)]


def write_csv(path, columns):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def open_shop(folder):
    """`shop.csv` in the folder: a good file."""
    return write_csv(folder / "shop.csv", {"month": months(ROWS), "sales": sales(ROWS)})


def fingerprint(folder):
    """Every file below `folder`, hidden ones too, and what is in it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def earlier_run(out):
    """Results as an earlier run left them."""
    (out / "model").mkdir(parents=True)
    (out / "model/model.json").write_text("{}")
    (out / "report.html").write_text("an earlier report")
    (out / "metrics.json").write_text('{"gatewise": "0.1.0"}')
    return fingerprint(out)


def forecast(*words):
    return main(["forecast", *words])
