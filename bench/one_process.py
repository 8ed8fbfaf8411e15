"""What `memory.py` measures: a process that trains or answers, and imports nothing else.

python bench/one_process.py train WAY ROWS EXAMPLES
python bench/one_process.py answer WAY FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import by_hand
import numpy as np

LOOKBACK, HIDDEN, BATCH = 100, 32, 32
ASKED = np.sin(np.arange(LOOKBACK) / 5.0)[None, :, None]


def series(rows: int) -> np.ndarray:
    noise = 0.1 * np.random.default_rng(0).normal(size=rows)
    return np.sin(np.arange(rows) / 5.0) + noise


def train(way: str, rows: int, examples: int) -> None:
    """In this process, one epoch."""
    y = series(rows)
    if way == "gatewise":
        import gatewise as gw

        gw.Forecaster(
            1,
            LOOKBACK,
            strategy="direct",
            verbose=0,
            retrain=False,
            network=gw.Network(hidden_size=HIDDEN, shortcut=0, dropout=0.0),
            training=gw.Training(epochs=1, batch_size=BATCH, examples_per_epoch=examples),
        ).fit(y)
        return
    y = (y - y.mean()) / y.std()
    x = np.stack([y[i : i + LOOKBACK] for i in range(rows - LOOKBACK)])[..., None]
    x, ahead = x.astype(np.float32), y[LOOKBACK:, None].astype(np.float32)
    if way == "torch":
        import torch

        data = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(ahead))
        drawn = torch.utils.data.RandomSampler(data, num_samples=min(examples, len(x)))
        plain = by_hand.torch_network(HIDDEN, 1)
        adam = torch.optim.Adam(plain.parameters())
        for read, wanted in torch.utils.data.DataLoader(data, BATCH, sampler=drawn):
            adam.zero_grad()
            torch.nn.functional.mse_loss(plain(read), wanted).backward()
            adam.step()
        return
    plain = by_hand.keras_network(HIDDEN, 1)
    plain.compile(optimizer="adam", loss="mse")
    steps = min(examples, len(x)) // BATCH
    plain.fit(x, ahead, batch_size=BATCH, steps_per_epoch=steps, verbose=0)


def answer(way: str, folder: Path) -> np.ndarray:
    """In this process: load, and answer one sequence.  -> (1, 2) probabilities or logits"""
    if way == "gatewise":
        import gatewise as gw

        return gw.load(folder / "classifier").predict_proba(ASKED)
    read = ASKED.astype(np.float32)
    if way == "onnxruntime":
        import onnxruntime

        path, lengths = str(folder / "classifier" / "model.onnx"), np.array([LOOKBACK])
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return session.run(["output"], {"x": read, "lengths": lengths})[0][:, 0]
    if way == "torch":
        import torch

        plain = by_hand.torch_network(HIDDEN, 2)
        plain.load_state_dict(torch.load(folder / "plain.pt"))
        with torch.no_grad():
            return plain.eval()(torch.from_numpy(read)).numpy()
    import keras

    return keras.saving.load_model(folder / "plain.keras").predict(read, verbose=0)


if __name__ == "__main__":
    job, way, *rest = sys.argv[1:]
    if job == "train":
        train(way, *map(int, rest))
    else:
        print(answer(way, Path(*rest)))
