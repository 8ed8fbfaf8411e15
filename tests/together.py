"""What several processes learn together: `python together.py CASE BATCH_SIZE out.npz`.

`start` starts them with what torchrun puts into the environment.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from networks import random_weights, spec_of

import gatewise as gw
from gatewise.batch import Batch, Examples, Source
from gatewise.data.sequences import Ragged, Sequences, Streams
from gatewise.engine import load_engine
from gatewise.engines import processes
from gatewise.spec import NetworkSpec, Training
from gatewise.training import fit

HERE = Path(__file__).resolve().parent
TOKENS = {"embedding": "tokens", "embedding_size": 3, "input_size": 1, "vocab_size": 9}
ALIKE = {"epochs": 3, "patience": None, "teacher_forcing": 1.0}  # drawn, it differs
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": "sgd", "learning_rate": 0.1},
    "adam": {"optimizer": "adam", "learning_rate": 1e-3, "weight_averaging": 0.5},
}


def values() -> tuple[NetworkSpec, Source, str]:
    """Numbers in, weighted; the last batch is smaller, its share of one process empty."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(33, 6, 1)).astype(np.float32)
    weight = rng.uniform(0.5, 2.0, 33).astype(np.float32)
    batch = Batch(x=x, y=np.ascontiguousarray(x[:, -1:]), weight=weight)
    return (
        spec_of(kind="many_to_one", input_size=1, output_size=1, horizon=1),
        Examples(batch),
        "mse",
    )


def tags() -> tuple[NetworkSpec, Source, str]:
    """Padded texts of unequal lengths, a class for each token: the shares hold unequal tokens."""
    rng = np.random.default_rng(0)
    texts = [rng.integers(4, 9, (int(n), 1)) for n in rng.integers(1, 12, 27)]
    ragged = Ragged.of(texts)
    spec = spec_of(kind="many_to_many", bidirectional=True, output_size=9, **TOKENS)
    return spec, Sequences(ragged, tags=ragged.values[:, 0]), "cross_entropy"


def stream() -> tuple[NetworkSpec, Source, str]:
    """One text in streams that carry their state from batch to batch."""
    ids = np.random.default_rng(0).integers(0, 9, 400)
    return spec_of(kind="many_to_many", output_size=9, **TOKENS), Streams(ids, 5), "cross_entropy"


def pairs() -> tuple[NetworkSpec, Source, str]:
    """A decoder with attention."""
    rng = np.random.default_rng(0)
    texts = [rng.integers(4, 9, (int(n), 1)) for n in rng.integers(1, 9, 22)]
    inputs = Ragged.of(texts)
    spec = spec_of(
        kind="encoder_decoder", decoder="tokens", attention="additive", output_size=9, **TOKENS
    )
    return spec, Sequences(inputs, targets=Ragged.of([t[::-1, 0] for t in texts])), "cross_entropy"


CASES = {case.__name__: case for case in (values, tags, stream, pairs)}


def learnt(case: str, batch_size: int) -> dict[str, Any]:
    """Weights and losses after three epochs with each optimizer."""
    spec, source, loss = CASES[case]()
    found: dict[str, Any] = {}
    for name, chosen in OPTIMIZERS.items():
        training = Training(loss=loss, batch_size=batch_size, **ALIKE, **chosen)
        seed = 0 if case != "values" else processes.rank()  # the first one's weights are taken
        engine = load_engine("torch", spec, training, random_weights(spec, seed), device="cpu")
        history = fit(engine, source, None, training, seed=0)
        found |= {f"{name}.{key}": value for key, value in engine.get_weights().items()}
        losses = [record.train_loss for record in history.records]
        found[f"{name}.losses"] = np.array([*losses, engine.evaluate(source, source.in_order(10))])
    return found


def everything(_: str, batch_size: int) -> dict[str, Any]:
    """All of it, in one process: PyTorch takes long to import."""
    cases = {case: learnt(case, batch_size) for case in CASES} | {"tasks": tasks(batch_size)}
    return {f"{case}.{name}": v for case, found in cases.items() for name, v in found.items()}


def tasks(batch_size: int) -> dict[str, Any]:
    """A whole forecaster and a whole generator; both processes save, the first one writes."""
    steps = np.arange(160)
    noise = np.random.default_rng(0).normal(0, 0.1, 160)
    alike = {name: ALIKE[name] for name in ("epochs", "patience")}
    training = gw.Training(batch_size=batch_size, optimizer="sgd", learning_rate=0.05, **alike)
    chosen: dict[str, Any] = {"training": training, "verbose": 1, "device": "cpu"}
    still = {"dropout": 0.0, "input_dropout": 0.0}  # differs from share to share
    forecaster = gw.Forecaster(2, network=gw.Network(hidden_size=4, **still), **chosen)
    forecaster.fit(pd.DataFrame({"y": np.sin(steps / 3) + noise}), target="y")
    text = "one two three four five six " * 30
    generator = gw.Generator(
        network=gw.Network(hidden_size=6, **still), sequence_length=8, **chosen
    )
    generator.fit(text)
    forecaster.save("model")
    found = {f"forecaster.{name}": value for name, value in forecaster.weights_.items()}
    return found | {f"generator.{name}": value for name, value in generator.weights_.items()}


def fails(_: str, batch_size: int) -> dict[str, Any]:
    """The second process stops in the middle of an epoch."""
    spec, source, loss = values()
    training = Training(loss=loss, batch_size=batch_size, epochs=5)
    engine = load_engine("torch", spec, training, random_weights(spec), device="cpu")
    steps = 0
    add = engine.average.add

    def stop() -> None:
        nonlocal steps
        add()
        steps += 1
        if steps == 3 and processes.rank() == 1:
            raise KeyboardInterrupt

    engine.average.add = stop  # behind each step
    fit(engine, source, source, training, seed=0)
    return {}


def start(
    case: str, count: int, batch_size: int, folder: Path
) -> list[tuple[int, str, dict[str, Any]]]:
    """(exit code, stderr, what was learnt) of each process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = []
    for rank in range(count):
        paths = f"{HERE.parent / 'src'}{os.pathsep}{HERE}"
        environment = {
            **os.environ,
            "PYTHONPATH": paths,
            "OMP_NUM_THREADS": "1",
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(count),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
        }
        out = folder / f"{case}-{count}-{rank}.npz"
        command = [sys.executable, "-W", "error", __file__, case, str(batch_size), str(out)]
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stderr=subprocess.PIPE, text=True
        )
        running.append((process, out))
    found = []
    for process, out in running:
        _, told = process.communicate(timeout=120)
        arrays = dict(np.load(out)) if out.exists() else {}
        found.append((process.returncode, told, arrays))
    return found


def main() -> None:
    case, size, out = sys.argv[1:]
    run = {"everything": everything, "fails": fails}.get(case, learnt)
    found = run(case, int(size))
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.npz"
        np.savez(whole, **found)
        Path(out).write_bytes(whole.read_bytes())


if __name__ == "__main__":
    main()
