"""Training in bfloat16, and through torch.compile."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from engine_contract import SMALL, SPECS, engine_of, learnt_from, plan_of
from networks import spec_of

import gatewise as gw
from gatewise.batch import Examples
from gatewise.data.sequences import Streams
from gatewise.engine import EpochPlan
from gatewise.engines.torch import speed

HALF = {"precision": "bfloat16"}
PLAIN = {"optimizer": "sgd", "momentum": 0.0, "clip_norm": None}
TOKENS = {"embedding": "tokens", "embedding_size": 3, "input_size": 1, "vocab_size": 6}


def epochs(network: str, **chosen):
    """(losses of two epochs, the engine)"""
    spec, loss = SPECS[network], SMALL[network]
    source = Examples(learnt_from(spec, loss, rows=8))
    engine = engine_of("torch", spec, loss=loss, **PLAIN, **chosen)
    return [engine.train_epoch(source, plan_of(8, k)) for k in range(2)], engine


@pytest.mark.parametrize("network", SMALL)
def test_steps_are_those_of_float32_as_far_as_eight_bits_reach(network):
    exact, truth = epochs(network)
    rough, engine = epochs(network, **HALF)
    np.testing.assert_allclose(rough, exact, rtol=1e-2)
    assert rough != exact
    for name, value in engine.get_weights().items():
        assert value.dtype == np.float32
        np.testing.assert_allclose(value, truth.get_weights()[name], rtol=0, atol=5e-3)


def test_what_is_judged_is_float32_and_so_is_what_is_remembered():
    spec = SPECS["lstm-1-bi-last-linear"]
    source = Examples(learnt_from(spec, "mse", rows=8))
    rough, exact = (engine_of("torch", spec, **chosen) for chosen in (HALF, {}))
    assert rough.evaluate(source, [np.arange(8)]) == exact.evaluate(source, [np.arange(8)])
    rough.train_epoch(source, plan_of(8))
    state = rough.get_state()
    assert {value.dtype for name, value in state.items() if name != "step"} == {np.dtype("f4")}


def test_a_stream_carries_its_state_in_float32():
    spec = spec_of(kind="many_to_many", output_size=6, **TOKENS)
    source = Streams(np.random.default_rng(0).integers(0, 6, 90), 4)
    batches = source.order(2, seed=0, epoch=0)
    plan = EpochPlan(batches, np.full(len(batches), 0.1), np.ones(len(batches)), seed=0)
    losses = [
        engine_of("torch", spec, loss="cross_entropy", **PLAIN, **chosen).train_epoch(source, plan)
        for chosen in (HALF, {})
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-2)


def test_a_task_learns_as_well():
    steps = np.arange(300)
    noise = np.random.default_rng(0).normal(0, 0.1, 300)
    frame = pd.DataFrame({"y": np.sin(steps / 3) + noise})
    ended = {}
    for precision in ("float32", "bfloat16"):
        training = gw.Training(precision=precision, epochs=12, learning_rate=1e-2)
        network = gw.Network(hidden_size=12, shortcut=0)
        model = gw.Forecaster(2, retrain=False, verbose=0, network=network, training=training)
        records = model.fit(frame, target="y").history_.records
        ended[precision] = [record.validation_loss for record in records]
        told = model.summary()["Training"].get("precision", "float32")
        assert told == precision
    assert min(ended["bfloat16"]) < 0.3 * ended["bfloat16"][0]
    assert min(ended["bfloat16"]) < 1.1 * min(ended["float32"])


def test_without_a_compiler_it_is_said_at_once(monkeypatch):
    monkeypatch.setattr(speed.shutil, "which", lambda name: None)
    with pytest.raises(gw.UsageError, match="finds no compiler"):
        engine_of("torch", SPECS["lstm-1-bi-last-linear"], compile=True)


def test_a_precision_that_is_not_there_is_refused():
    with pytest.raises(gw.SpecError, match="did you mean 'bfloat16'"):
        gw.Training(precision="bfloat")


@pytest.mark.nightly
@pytest.mark.parametrize("network", ["lstm-1-bi-last-linear", "gru-1-bi-fed_back-none-2ahead"])
def test_compiled_steps_are_the_same_steps(network):
    exact, truth = epochs(network)
    ours, engine = epochs(network, compile=True)
    np.testing.assert_allclose(ours, exact, rtol=1e-5)
    for name, value in engine.get_weights().items():
        np.testing.assert_allclose(value, truth.get_weights()[name], rtol=0, atol=1e-5)
