"""Memory of training on long series, and of a process that only answers, beside others.

    python bench/memory.py [--rows 100000 1000000] [--rounds 2] [--quick]

Each line is a process of its own; its peak is what the system counted for it (resident memory).
Training: one epoch of 3,200 windows of 100 rows, drawn from all, next step, an LSTM of 32 units;
ours by `Forecaster.fit`, the others over the array of all windows that tutorials make (`np.stack`
of slices, then float32), with Adam and batches of 32. Answering: a saved classifier of sequences is
loaded and asked once; in PyTorch and Keras the same network from the file they save. Processes take
turns on one core, and the processor's seconds of a whole process are told, too.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import by_hand
import children
import million_rows
import numpy as np
import one_process
from side_by_side import on_one_core
from summary import Row, number, tell
from tables import print_table

EXAMPLES = 3_200
CHILD = str(Path(__file__).with_name("one_process.py"))
KERAS = {"keras-tensorflow": "tensorflow", "keras-jax": "jax"}
NAMES = {
    "torch": "PyTorch",
    "keras-tensorflow": "Keras on TensorFlow",
    "keras-jax": "Keras on JAX",
    "onnxruntime": "onnxruntime alone",
}
IMPORTS = {
    "gatewise": "import gatewise",
    "torch": "import torch",
    "keras-tensorflow": "import keras",
    "keras-jax": "import keras",
    "onnxruntime": "import onnxruntime",
}


def save(folder: Path, keras: bool) -> None:
    """The same classifier as an artifact, a file of PyTorch, and a file of Keras."""
    import prediction
    import torch

    prediction.save(folder, one_process.HIDDEN)
    plain = by_hand.torch_network(one_process.HIDDEN, 2)
    with np.load(folder / "plain.npz") as arrays:
        by_hand.give_torch(plain, arrays)
        torch.save(plain.state_dict(), folder / "plain.pt")
        if keras:
            other = by_hand.keras_network(one_process.HIDDEN, 2)
            by_hand.give_keras(other, arrays)
            other.save(folder / "plain.keras")


def measure(
    commands: dict[str, list[str]], rounds: int
) -> dict[str, tuple[list[float], list[float]]]:
    """Of each way the peaks in MB and the seconds, in turns."""
    found: dict[str, tuple[list[float], list[float]]] = {way: ([], []) for way in commands}
    for index in range(rounds):
        for way in list(commands)[:: 1 if index % 2 == 0 else -1]:
            environment = children.environment(KERAS.get(way, ""))
            with on_one_core():
                ran = million_rows.run(commands[way], environment)
            found[way][0].append(ran.peak / 1e6)
            found[way][1].append(ran.processor)
    return found


def report(jobs: dict[str, dict[str, tuple[list[float], list[float]]]]) -> None:
    rows, told = [], []
    for job, found in jobs.items():
        for way, (peaks, seconds) in found.items():
            cells = [f"{np.median(peaks):,.0f}", f"{np.median(seconds):.2f}"]
            for own, costs, unit in zip(
                found["gatewise"], (peaks, seconds), ("MB", "s"), strict=True
            ):
                if way == "gatewise":
                    cells.append("")
                    continue
                ratios = np.array(own) / np.array(costs)
                low, middle, high = np.percentile(ratios, [25, 50, 75])
                cells.append(f"{number(middle)} ({number(low)} to {number(high)})")
                if unit == "s" and job.startswith("training"):
                    continue  # the epoch's speed has a bench of its own
                sides = [f"{number(float(np.median(side)))} {unit}" for side in (own, costs)]
                kind = "Memory" if unit == "MB" else "Start to end"
                numbers = (float(middle), float(low), float(high))
                told.append(Row(f"{kind}: {job}", NAMES[way], *sides, *numbers))
            rows.append((f"{job}: {NAMES.get(way, way)}", *cells))
    head = ("process", "peak, MB", "seconds", "ours / its peak", "ours / its seconds")
    print_table(head, rows)
    tell(told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--ways", nargs="+", choices=IMPORTS, default=list(IMPORTS))
    parser.add_argument("--quick", action="store_true", help="tiny, to see that it runs")
    given = parser.parse_args()
    examples = EXAMPLES
    if given.quick:
        given.rows, given.rounds, examples = [1_000], 1, 64
    this = [sys.executable, CHILD]
    jobs = {}
    commands = {way: [sys.executable, "-c", IMPORTS[way]] for way in given.ways}
    jobs["import alone"] = measure(commands, given.rounds)
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder), keras=not KERAS.keys().isdisjoint(given.ways))
        commands = {way: [*this, "answer", way, folder] for way in given.ways}
        jobs["load a model, answer once"] = measure(commands, given.rounds)
    trained = [way for way in given.ways if way != "onnxruntime"]
    for rows in given.rows:
        commands = {way: [*this, "train", way, str(rows), str(examples)] for way in trained}
        jobs[f"training on {rows:,} rows"] = measure(commands, given.rounds)
    print(
        f"Peaks and processor seconds of whole processes on one core, medians of {given.rounds} "
        f"rounds; ratios with their quartiles. `import gatewise` loads the rest at first use.\n"
    )
    report(jobs)


if __name__ == "__main__":
    main()
