"""Answers of a saved model, one at a time and in batches, beside the same network elsewhere.

    python bench/prediction.py [--rounds 3] [--quick]

A classifier of sequences of 100 steps (one layer of LSTM, two classes), saved and loaded by
`gatewise.load`, is asked through `predict_proba`, which checks its input, scales it and divides it
into parts. Beside it stand, with the same weights, NumPy in and NumPy out, the scaling included:
plain PyTorch under `no_grad`, `model(x)` and `model.predict(x)` of Keras on TensorFlow and on JAX,
and bare onnxruntime on the graph that was saved. A framework has a process of its own, where ours
and its ways take turns. All have one core, and the processor's time is counted. Last, one step
ahead of a data frame, through `Forecaster.predict`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import by_hand
import children
import numpy as np
import pandas as pd
from side_by_side import in_turns, on_one_core, ratio
from summary import Row, number, over_cases, tell
from tables import print_table

import gatewise as gw

FRAMEWORKS = ("torch", "tensorflow", "jax")
STEPS = 100
SIZES, BATCHES = (64, 256), (1, 64, 1024)
QUICK_SIZES, QUICK_BATCHES = (8,), (1, 3)
MOST_CALLS, SECONDS = 30, 0.2  # of one way in one round
SAME = 1e-4  # how near the probabilities must be
OURS = "ours"

Way = Callable[[], Any]


def save(folder: Path, hidden_size: int) -> None:
    """A classifier and a forecaster as good as untrained, which cost the same, and their arrays."""
    rng = np.random.default_rng(0)
    network = gw.Network(hidden_size=hidden_size, num_layers=1, bidirectional=False, pooling="last")
    once = gw.Training(epochs=1)
    model = gw.Classifier(members=1, verbose=0, network=network, training=once)
    model.fit(list(rng.normal(size=(32, STEPS, 1))), [row % 2 for row in range(32)])
    model.save(folder / "classifier")
    codec = model.reading_.codec
    np.savez(folder / "plain.npz", center=codec.center, spread=codec.spread, **model.weights_)
    alone = network.replace(shortcut=0)
    ahead = gw.Forecaster(1, STEPS, verbose=0, network=alone, training=once, retrain=False)
    ahead.fit(hours(3 * STEPS), target="y", time="time").save(folder / "forecaster")


def hours(rows: int) -> pd.DataFrame:
    y = np.sin(np.arange(rows) / 5.0)
    return pd.DataFrame({"time": pd.date_range("2025-01-01", periods=rows, freq="h"), "y": y})


def ways_of(framework: str, folder: Path, x: np.ndarray) -> dict[str, Way]:
    """Each way to answer x (B, T, 1) with probabilities (B, 2)."""
    loaded = gw.load(folder / "classifier")
    with np.load(folder / "plain.npz") as arrays:
        weights = dict(arrays)
    center, spread = weights.pop("center"), weights.pop("spread")

    def scaled() -> np.ndarray:
        return ((x - center) / spread).astype(np.float32)

    ways: dict[str, Way] = {OURS: lambda: loaded.predict_proba(x)}
    if framework == "torch":
        ways |= on_torch(weights, scaled) | on_onnxruntime(folder, scaled)
    else:
        ways |= on_keras(weights, scaled, len(x))
    return ways


def on_torch(weights: by_hand.Weights, scaled: Callable[[], np.ndarray]) -> dict[str, Way]:
    import torch

    plain = by_hand.torch_network(len(weights["head.kernel"]), 2)
    by_hand.give_torch(plain, weights)
    plain.eval()

    def ask() -> np.ndarray:
        with torch.no_grad():
            return torch.softmax(plain(torch.from_numpy(scaled())), dim=1).numpy()

    return {"PyTorch": ask}


def on_onnxruntime(folder: Path, scaled: Callable[[], np.ndarray]) -> dict[str, Way]:
    import onnxruntime

    path = str(folder / "classifier" / "model.onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def ask() -> np.ndarray:
        values = scaled()
        lengths = np.full(len(values), STEPS, np.int64)
        return softmax(session.run(["output"], {"x": values, "lengths": lengths})[0][:, 0])

    return {"onnxruntime": ask}


def on_keras(
    weights: by_hand.Weights, scaled: Callable[[], np.ndarray], rows: int
) -> dict[str, Way]:
    plain = by_hand.keras_network(len(weights["head.kernel"]), 2)
    by_hand.give_keras(plain, weights)
    batch = max(32, rows)
    return {
        "model(x)": lambda: softmax(np.asarray(plain(scaled()))),
        "predict": lambda: softmax(plain.predict(scaled(), batch_size=batch, verbose=0)),
    }


def softmax(logits: np.ndarray) -> np.ndarray:
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def measure(framework: str, folder: Path, batch: int, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of a call, each way, each round. Raises SystemExit where answers differ."""
    x = np.random.default_rng(1).normal(size=(batch, STEPS, 1))
    ways = ways_of(framework, folder, x)
    answers = {name: way() for name, way in ways.items()}
    for name, told in answers.items():
        if not np.allclose(told, answers[OURS], atol=SAME):
            raise SystemExit(f"{framework}, {name}: not the same answers as ours")
    return timed(ways, rounds)


def measure_frame(folder: Path, rounds: int) -> dict[str, list[float]]:
    """One step ahead of a frame of 100 hours: ours, and PyTorch on its column."""
    import torch

    model, frame = gw.load(folder / "forecaster"), hours(STEPS)
    with np.load(folder / "plain.npz") as arrays:
        plain = by_hand.torch_network(len(arrays["head.kernel"]), 1).eval()

    def by_torch() -> float:
        values = frame["y"].to_numpy()[-STEPS:, None]
        with torch.no_grad():
            read = torch.from_numpy(((values - 0.1) / 0.7).astype(np.float32))
            return float(plain(read[None])) * 0.7 + 0.1

    ways: dict[str, Way] = {OURS: lambda: model.predict(frame), "PyTorch": by_torch}
    for way in ways.values():
        way()
    return timed(ways, rounds)


def timed(ways: dict[str, Way], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of a call; what is fast is called more often in a round."""
    calls = {}
    for name, way in ways.items():
        began = time.process_time()
        way()
        calls[name] = int(np.clip(SECONDS / (time.process_time() - began), 1, MOST_CALLS))

    def several(name: str) -> Way:
        return lambda: [ways[name]() for _ in range(calls[name])]

    seconds = in_turns(
        {name: several(name) for name in ways}, rounds, warm_up=0, clock=time.process_time
    )
    return {name: [1000 * one / calls[name] for one in taken] for name, taken in seconds.items()}


def child(
    framework: str, folder: Path, rounds: int, batches: Sequence[int]
) -> list[dict[str, Any]]:
    """Every case of one framework: the networks that lie in the folder, by their sizes."""
    found = []
    for size in sorted(int(path.name) for path in folder.iterdir()):
        for batch in batches:
            taken = measure(framework, folder / str(size), batch, rounds)
            found.append({"size": size, "batch": batch, "ms": taken})
        if framework == "torch":
            taken = measure_frame(folder / str(size), rounds)
            found.append({"size": size, "batch": 0, "ms": taken})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="tiny, to see that it runs")
    parser.add_argument("--frameworks", nargs="+", choices=FRAMEWORKS, default=FRAMEWORKS)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    quick = ("--quick",) if given.quick else ()
    sizes, batches = (QUICK_SIZES, QUICK_BATCHES) if given.quick else (SIZES, BATCHES)
    if given.quick:
        given.rounds = 2
    if given.one:
        framework, folder = given.one
        children.told(child(framework, Path(folder), given.rounds, batches))
        return
    found: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder, on_one_core():
        for size in sizes:
            save(Path(folder) / str(size), size)
        for framework in given.frameworks:
            arguments = ("--one", framework, folder, "--rounds", given.rounds, *quick)
            found[framework] = children.answer(__file__, *arguments, framework=framework)
    report(found, given.rounds)


def report(found: dict[str, list[dict[str, Any]]], rounds: int) -> None:
    """Print every case, and tell a row for each batch size and way."""
    print(
        f"Milliseconds of the processor for a call, on one core, medians of {rounds} rounds; "
        f"ratios with their quartiles, ours over the other.\n"
    )
    rows: list[tuple[str, ...]] = []
    told: list[Row] = []
    kinds = {0: "one step ahead of a data frame", 1: "a sequence of 100 steps"}
    for batch in dict.fromkeys(case["batch"] for cases in found.values() for case in cases):
        job = kinds.get(batch, f"{batch:,} sequences of 100 steps")
        for framework, cases in found.items():
            own = [case for case in cases if case["batch"] == batch]
            for way in [name for name in (own[0]["ms"] if own else ()) if name != OURS]:
                name = way if framework == "torch" else f"Keras on {NAMES[framework]}, {way}"
                ratios = [ratio(case["ms"], OURS, way) for case in own]
                costs = [[float(np.median(case["ms"][w])) for case in own] for w in (OURS, way)]
                middles = [middle for middle, _, _ in ratios]
                told.append(over_cases(f"Answer: {job}", name, "ms", middles, costs))
                for case, ours, theirs, (middle, low, high) in zip(
                    own, *costs, ratios, strict=True
                ):
                    words = f"{number(middle)} ({number(low)} to {number(high)})"
                    what = f"{job}, H={case['size']}"
                    rows.append((what, name, number(ours), number(theirs), words))
    print_table(("answer", "beside", "ours, ms", "theirs, ms", "ours / theirs"), rows)
    tell(told)


NAMES = {"tensorflow": "TensorFlow", "jax": "JAX"}

if __name__ == "__main__":
    main()
