"""What engines learn from the same weights and batches: `python keras_training.py jax out.json`.

The test runs the functions with `torch` in its own process, each engine on Keras in another.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from engine_contract import SPECS, engine_of, learnt_from, plan_of
from networks import random_batch, random_weights, spec_of

from gatewise.batch import Batch, Examples
from gatewise.engine import EpochPlan
from gatewise.spec import NetworkSpec, Training

CURVES = ("lstm", "gru")
LEARNS = "gru-1-uni-attention-pairs"  # a table, matrices, vectors, a second bias
WRITES = "lstm-1-bi-writes-additive-tied23"  # two tables, one of them the head's
CLASSES = {"loss": "cross_entropy", "label_smoothing": 0.2}
LEARNT: dict[str, tuple[str, dict[str, Any]]] = {  # name -> network, training
    "adam": (LEARNS, {"optimizer": "adam", "weight_decay": 1e-2, "weight_averaging": 0.9}),
    "adamw": (LEARNS, {"optimizer": "adamw", "weight_decay": 1e-1, "clip_value": 0.01}),
    "sgd": (LEARNS, {"optimizer": "sgd", "weight_decay": 1e-2, "clip_norm": 0.1}),
    "rmsprop": (LEARNS, {"optimizer": "rmsprop", "weight_decay": 1e-2, "clip_norm": None}),
    "adamw and L2, smoothed, weighted, tied": (
        WRITES,
        {"optimizer": "adamw", "weight_decay": 1e-1, "l2": 1e-2, **CLASSES},
    ),
    "sgd and L2, smoothed tags": (
        "gru-2-bi-steps-pairs",
        {"optimizer": "sgd", "weight_decay": 1e-2, "l2": 1e-2, **CLASSES},
    ),
    "rmsprop and L2, smoothed labels": (
        "rnn-1-bi-mean_max-tokens",
        {
            "optimizer": "rmsprop",
            "l2": 1e-2,
            "loss": "binary_cross_entropy",
            "label_smoothing": 0.2,
        },
    ),
}


def trained(engine: str, name: str) -> dict[str, Any]:
    """Losses and weights after six epochs; classes are learnt from examples of unequal weight."""
    network, training = LEARNT[name]
    spec = SPECS[network]
    batch = learnt_from(spec, training.get("loss", "mse"), rows=12)
    if "label_smoothing" in training:
        batch = replace(batch, weight=np.linspace(0.5, 2.0, 12).astype(np.float32))
    source = Examples(batch)
    found = engine_of(engine, spec, **training)
    losses = [found.train_epoch(source, plan_of(12, epoch, rate=1e-3)) for epoch in range(6)]
    losses.append(found.evaluate(source, [np.arange(12)]))
    weights = {key: value.tolist() for key, value in found.get_weights().items()}
    return {"losses": losses, "weights": weights}


def curve(engine: str, cell: str) -> list[float]:
    """The loss of each of the first fifty steps, of sines."""
    spec = spec_of(
        kind="many_to_one", cell=cell, input_size=1, output_size=1, horizon=1, hidden_size=32
    )
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, (800, 1))
    waves = np.sin(phase + np.arange(21) / 3.0).astype(np.float32)
    source = Examples(Batch(x=waves[:, :20, None], y=waves[:, 20:, None]))
    found = engine_of(engine, spec, learning_rate=3e-3)
    return [
        found.train_epoch(
            source, EpochPlan([np.arange(16) + 16 * k], np.full(1, 3e-3), np.ones(1), seed=k)
        )
        for k in range(50)
    ]


def going_on(engine: str) -> float:
    """How far two changes of the engine in the middle lead away from torch alone."""
    spec = SPECS["gru-2-bi-attention-linear"]
    source = Examples(random_batch(spec, rows=12))
    whole = engine_of("torch", spec, weight_averaging=0.9)
    parts = engine_of("torch", spec, weight_averaging=0.9)
    for epoch in range(6):
        whole.train_epoch(source, plan_of(12, epoch))
    for epoch, name in enumerate(("torch", "torch", engine, engine, "torch", "torch")):
        if epoch in (2, 4):
            before, parts = parts, engine_of(name, spec, seed=9, weight_averaging=0.9)
            parts.set_weights(before.get_weights())
            parts.set_state(before.get_state())
        parts.train_epoch(source, plan_of(12, epoch))
    found = parts.get_weights()
    return max(float(np.abs(found[n] - v).max()) for n, v in whole.get_weights().items())


def dropping(engine: str) -> dict[str, float]:
    """How far two runs lead apart: of the same seeds, with truth fed back half the time, and of
    others; and the share of a layer's inputs that is dropped.
    """
    spec = SPECS["lstm-1-bi-writes-additive"].replace(dropout=0.3, input_dropout=0.1)
    batch = random_batch(spec, rows=12)
    runs = []
    for first in (0, 0, 10):
        found = engine_of(engine, spec, loss="cross_entropy")
        for epoch in range(2):
            plan = replace(plan_of(12, epoch), seed=first + epoch, teacher_forcing=np.full(3, 0.5))
            found.train_epoch(Examples(batch), plan)
        runs.append(found.get_weights())
    apart = [
        max(float(np.abs(runs[0][name] - other[name]).max()) for name in other)
        for other in runs[1:]
    ]
    return {
        "same seed": apart[0],
        "other seed": apart[1],
        **dropped(engine),
        "drawn twice": drawn_twice(),
    }


def drawn_twice() -> int:
    """Pairs of draws that begin alike: of a step, and of four turns of a loop in it."""
    from gatewise.engines.keras.cells import Noise

    whole = Noise(np.array([7, 11], np.uint32))
    turns = [whole.of_step(number) for number in range(4)]
    drawn = [np.asarray(noise.uniform((4,))) for noise in (whole, *turns) for _ in range(4)]
    return sum(
        bool(np.array_equal(one, other))
        for place, one in enumerate(drawn)
        for other in drawn[:place]
    )


def dropped(engine: str) -> dict[str, float]:
    """A head over what stands still: a weight of it moves where its input was not dropped, beside
    the bias by as much as that input. The share that is dropped, and how much larger the rest is.
    """
    size = 512
    spec = NetworkSpec(kind="many_to_one", cell="rnn", hidden_size=size, output_size=1, dropout=0.3)
    weights = {name: np.abs(value) for name, value in random_weights(spec).items()}
    training = Training(optimizer="sgd", momentum=0.0)
    found = engine_of(engine, spec, **training.chosen())
    source = Examples(Batch(x=np.ones((1, 1, 1), np.float32), y=np.zeros((1, 1, 1), np.float32)))
    found.set_weights(weights)
    slopes = found.gradients(source.batch)  # without dropout
    read = slopes["head.kernel"] / slopes["head.bias"]
    moved, raised = [], []
    for seed in range(8):
        found.set_weights(weights)
        plan = EpochPlan([np.arange(1)], np.full(1, 1e-2), np.ones(1), seed=seed)
        found.train_epoch(source, plan)
        step = {n: v.astype(np.float64) - weights[n] for n, v in found.get_weights().items()}
        there = step["head.kernel"] != 0
        moved.append(there)
        raised.append((step["head.kernel"] / step["head.bias"] / read)[there])
    return {
        "dropped": 1.0 - float(np.mean(moved)),
        "raised": float(np.median(np.concatenate(raised))),
    }


def main() -> None:
    engine, out = sys.argv[1:]
    found: dict[str, Any] = {name: trained(engine, name) for name in LEARNT}
    found |= {f"curve of {cell}": curve(engine, cell) for cell in CURVES}
    found |= {"going on": going_on(engine), **dropping(engine)}
    Path(out).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
