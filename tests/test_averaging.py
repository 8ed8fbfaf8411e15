"""A running mean of the weights is what it says, and goes on after a stop."""

from __future__ import annotations

import numpy as np
from networks import random_batch, random_weights, spec_of

from gatewise.batch import Examples, batch_order
from gatewise.engine import EpochPlan
from gatewise.engines.torch.engine import Engine
from gatewise.spec import NetworkSpec, Training


def engine_of(spec: NetworkSpec, training: Training) -> Engine:
    return Engine(spec, training, random_weights(spec), device="cpu")


def plan(count: int, epoch: int) -> EpochPlan:
    batches = batch_order(count, 4, seed=3, epoch=epoch)[:1]
    return EpochPlan(batches, np.full(1, 0.1), np.full(1, 0.0), seed=epoch)


def test_the_kept_weights_are_the_running_mean_of_the_trained_ones() -> None:
    spec = spec_of(kind="many_to_one")
    source = Examples(random_batch(spec, rows=12))
    training = Training(learning_rate=0.1, optimizer="sgd", momentum=0.0, clip_norm=None)
    plain, averaged = (
        engine_of(spec, training),
        engine_of(spec, training.replace(weight_averaging=0.5)),
    )
    mean = plain.get_weights()
    for step in range(6):
        plain.train_epoch(source, plan(12, step))
        averaged.train_epoch(source, plan(12, step))
        share = min(0.5, (2 + step) / (11 + step))
        mean = {
            name: share * mean[name] + (1 - share) * w for name, w in plain.get_weights().items()
        }
    for name, weight in averaged.get_weights().items():
        np.testing.assert_allclose(weight, mean[name], atol=1e-6)
    again = engine_of(spec, training.replace(weight_averaging=0.5))
    again.set_weights(averaged.get_weights())
    again.set_state(averaged.get_state())
    for engine in (averaged, again):
        engine.train_epoch(source, plan(12, 7))
    for name, weight in averaged.get_weights().items():
        np.testing.assert_array_equal(again.get_weights()[name], weight)
