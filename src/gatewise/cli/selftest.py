"""Whether this machine computes what it should; run as a process, with the name of an engine.

A tiny network is trained on an engine, and what onnxruntime answers from its graph is compared
with what the engine answers; `core` compares onnxruntime with the equations in NumPy, and needs
no framework. `gatewise doctor` asks each engine in a process of its own, because Keras chooses its
backend once.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np

from gatewise import reference
from gatewise.batch import Batch, Examples, batch_order
from gatewise.engine import Engine as Trained
from gatewise.engine import EpochPlan, load_engine
from gatewise.engines.onnx.engine import Engine, build_graphs
from gatewise.errors import RunError
from gatewise.spec import NetworkSpec, Training
from gatewise.weights import initial

CORE = "core"
CLOSE = 1e-4  # float32, and other orders of summation
ROWS, STEPS, EPOCHS, BATCH = 64, 6, 20, 16
RATE = 0.02


def examine(name: str) -> dict[str, Any]:
    """What came out: versions, device, the largest difference of two answers, seconds.

    Raises RunError where nothing was learnt or answers differ, and whatever an engine raises.
    """
    began = time.perf_counter()
    spec = NetworkSpec(kind="many_to_one", hidden_size=8, input_size=2, output_size=1, horizon=1)
    weights = initial(spec, seed=0)
    x = np.random.default_rng(0).normal(size=(ROWS, STEPS, 2)).astype(np.float32)
    y = x.mean(axis=(1, 2))[:, None, None]  # (B, 1, 1)
    batch = Batch(x, y=y)
    if name == CORE:
        told: dict[str, Any] = {}
        answer = reference.forward(spec, weights, batch).output
    else:
        engine = load_engine(name, spec, Training(batch_size=BATCH, learning_rate=RATE), weights)
        told = {"version": engine.version, "device": engine.device, **_threads(engine)}
        losses = []
        for epoch in range(EPOCHS):
            batches = batch_order(ROWS, BATCH, seed=0, epoch=epoch)
            rates = np.full(len(batches), RATE)
            plan = EpochPlan(batches, rates, np.ones(len(batches)), seed=epoch)
            losses.append(engine.train_epoch(Examples(batch), plan))
        if not losses[-1] < losses[0] / 2:
            raise RunError(f"the loss went from {losses[0]:.3g} to {losses[-1]:.3g}: not learnt")
        weights = engine.get_weights()
        answer = engine.forward(batch).output
    onnx = Engine(spec, build_graphs(spec, weights)).forward(batch).output
    difference = float(np.abs(onnx - answer).max())
    if not difference < CLOSE:
        raise RunError(f"onnxruntime answers otherwise, by up to {difference:.2g}")
    return {**told, "difference": difference, "seconds": time.perf_counter() - began}


def _threads(engine: Trained) -> dict[str, Any]:
    """What the rule for threads takes; PyTorch alone has one."""
    if engine.name != "torch":
        return {}
    home: Any = sys.modules[type(engine).__module__]
    return {"threads": home.AVAILABLE_THREADS, "one_thread_below": home.ONE_THREAD_BELOW}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(examine(sys.argv[1])) + "\n")
