"""What checkpoints cost: an epoch with one in each, beside the same epoch without.

python bench/checkpoints.py
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

import gatewise as gw

TURNS = 3
SIZES = {  # hidden_size, rows of the series, batch_size
    "small: 32 units, 2,000 rows": (32, 2_000, 32),
    "large: 512 units, 1,000 rows": (512, 1_000, 64),
}
EPOCHS = 4


def seconds(series: np.ndarray, hidden_size: int, batch_size: int, folder: Path | None) -> float:
    """Of an epoch, in the mean."""
    training = gw.Training(epochs=EPOCHS, patience=None, batch_size=batch_size)
    model = gw.Forecaster(
        1,
        lookback=24,
        retrain=False,
        verbose=0,
        network=gw.Network(hidden_size=hidden_size),
        training=training,
    )
    began = time.perf_counter()
    model.fit(series, checkpoints=folder)
    return (time.perf_counter() - began) / EPOCHS


def main() -> None:
    rng = np.random.default_rng(0)
    print(f"{'':32} without  with one in each  more")
    for name, (hidden_size, rows, batch_size) in SIZES.items():
        series = np.sin(np.arange(rows) / 7) + rng.normal(0, 0.1, rows)
        plain, kept, size = [], [], 0
        for _ in range(TURNS):
            plain.append(seconds(series, hidden_size, batch_size, None))
            with tempfile.TemporaryDirectory() as folder:
                kept.append(seconds(series, hidden_size, batch_size, Path(folder)))
                size = max(path.stat().st_size for path in Path(folder, "01").iterdir())
        more = statistics.median(b - a for a, b in zip(plain, kept, strict=True))
        print(
            f"{name:32} {statistics.median(plain):5.3f} s   {statistics.median(kept):5.3f} s"
            f"           {1000 * more:4.0f} ms, {size / 1e6:.1f} MB"
        )


if __name__ == "__main__":
    main()
