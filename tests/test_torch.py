"""The torch engine against the NumPy equations, and against itself under padding and seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from networks import (
    every_spec,
    meant,
    only,
    padded,
    random_batch,
    random_weights,
    spec_of,
)

from gatewise import reference
from gatewise.batch import IGNORED, PADDING, START, Batch, Examples, batch_order, in_order
from gatewise.engine import EpochPlan, load_engine
from gatewise.engines.torch.engine import Engine
from gatewise.errors import UsageError
from gatewise.spec import NetworkSpec, Training
from gatewise.weights import initial, shapes

SPECS = every_spec()


def engine_of(spec: NetworkSpec, seed: int = 0, **training: object) -> Engine:
    return Engine(spec, Training(**training), random_weights(spec, seed), device="cpu")


def plan_of(count: int, epochs: int = 0, rate: float = 1e-2, forcing: float = 0.5) -> EpochPlan:
    batches = batch_order(count, 4, seed=3, epoch=epochs)
    steps = len(batches)
    return EpochPlan(batches, np.full(steps, rate), np.full(steps, forcing), seed=epochs)


@pytest.mark.parametrize("name", SPECS)
def test_forward_agrees_with_the_equations(name: str) -> None:
    spec = SPECS[name]
    batch = random_batch(spec)
    ours = engine_of(spec).forward(batch)
    truth = reference.forward(spec, random_weights(spec), batch)
    np.testing.assert_allclose(
        meant(spec, batch, ours.output), meant(spec, batch, truth.output), atol=1e-5
    )
    if truth.attention is not None:
        np.testing.assert_allclose(ours.attention, truth.attention, atol=1e-5)
        assert np.all(ours.attention[truth.attention == 0] == 0)
    assert (ours.state is None) == (truth.state is None)
    if truth.state is not None:
        np.testing.assert_allclose(ours.state, truth.state, atol=1e-5)


@pytest.mark.parametrize("name", SPECS)
def test_a_row_is_the_same_alone_in_a_batch_and_under_any_padding(name: str) -> None:
    spec = SPECS[name]
    engine, batch = engine_of(spec), random_batch(spec)
    engine.module.double()  # so that what is left is no rounding
    together = engine.forward(batch)
    longer = engine.forward(padded(batch, 3 * spec.segment_length, fill=9.0))
    np.testing.assert_allclose(
        meant(spec, batch, longer.output), meant(spec, batch, together.output), atol=1e-10
    )
    for row in range(len(batch.x)):
        alone = engine.forward(only(batch, row))
        steps = alone.output.shape[1]
        np.testing.assert_allclose(alone.output[0], together.output[row, :steps], atol=1e-10)
        if together.state is not None:
            np.testing.assert_allclose(alone.state[:, :, 0], together.state[:, :, row], atol=1e-10)


def test_the_backward_half_reads_from_the_end_to_the_first_token() -> None:
    spec = spec_of(kind="many_to_one", bidirectional=True)
    engine, batch = engine_of(spec), random_batch(spec)
    engine_weights = engine.get_weights()
    engine_weights["head.kernel"][: spec.hidden_size] = 0  # only the backward half is heard
    engine.set_weights(engine_weights)
    changed = batch.x.copy()
    changed[:, 0] += 1.0
    before = engine.forward(batch).output
    after = engine.forward(replace(batch, x=changed)).output
    assert np.all(np.abs(after - before).max(axis=(1, 2)) > 1e-3)


FEW = [
    "rnn-2-bi-attention-none",
    "gru-2-bi-mean-linear",
    "lstm-2-bi-last-segments",
    "lstm-1-uni-max-none",
    "gru-1-bi-fed_back-linear-2ahead",
    "lstm-2-bi-fed_back-none-0ahead",
    "lstm-2-uni-by_position-segments-2ahead",
    "rnn-1-bi-by_position-none-0ahead",
]
OF_TOKENS = [  # network, loss
    ("lstm-1-bi-mean_max-pairs", "cross_entropy"),
    ("gru-1-uni-attention-tokens", "binary_cross_entropy"),
    ("rnn-1-bi-last-none", "binary_cross_entropy"),
    ("lstm-2-uni-steps-tokens", "cross_entropy"),
    ("gru-1-bi-steps-none", "cross_entropy"),
    ("lstm-2-uni-steps-tied23", "cross_entropy"),
    ("rnn-2-uni-writes-none", "cross_entropy"),
    ("lstm-1-bi-writes-additive-tied23", "cross_entropy"),
    ("lstm-2-bi-writes-additive", "cross_entropy"),
    ("gru-2-bi-writes-multiplicative", "cross_entropy"),
]


@pytest.mark.parametrize("name", FEW)
def test_gradients_agree_with_finite_differences_of_the_equations(name: str) -> None:
    spec = SPECS[name]
    weights = random_weights(spec, dtype=np.float64)
    batch = random_batch(spec, rows=3, segments=3, dtype=np.float64)
    engine = engine_of(spec)
    engine.module.double()
    engine.set_weights(weights)
    ours = engine.gradients(batch)
    assert list(ours) == list(shapes(spec))
    are_the_slopes(
        ours, weights, lambda moved: reference.loss(spec, moved, batch, "mse", teacher_forcing=True)
    )


@pytest.mark.parametrize(("name", "loss"), OF_TOKENS)
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_of_losses_of_classes_are_finite_differences(
    name: str, loss: str, weighted: bool
) -> None:
    """Of ids that do not count, weighted examples, and tables whose row PADDING is not trained."""
    spec = SPECS[name]
    weights = random_weights(spec, dtype=np.float64)
    batch = with_classes(spec, random_batch(spec, rows=3, segments=3, dtype=np.float64), loss)
    if weighted:
        batch = replace(batch, weight=np.array([0.5, 2.0, 1.25]))
    engine = engine_of(spec, loss=loss)
    engine.module.double()
    engine.set_weights(weights)
    ours = engine.gradients(batch)
    tables = [key for key in ours if key.endswith(".table")]
    for key in tables:
        assert np.any(ours[key][1:] != 0)
    if not spec.tie_embedding:
        for key in tables:
            assert not ours[key][PADDING].any()
    are_the_slopes(ours, weights, lambda moved: reference.loss(spec, moved, batch, loss))


def with_classes(spec: NetworkSpec, batch: Batch, loss: str) -> Batch:
    """Many_to_one: classes in place of values, one of them IGNORED, or 0 and 1 for each."""
    if spec.kind != "many_to_one":
        return batch
    rng = np.random.default_rng(1)
    rows = len(batch.x)
    if loss == "binary_cross_entropy":
        shape = (rows, spec.horizon, spec.output_size)
        return replace(batch, y=rng.integers(0, 2, shape).astype(np.float64))
    y = rng.integers(0, spec.output_size, (rows, spec.horizon))
    y[0, 0] = IGNORED
    return replace(batch, y=y)


def are_the_slopes(
    ours: dict[str, Any], weights: dict[str, Any], loss: Callable[[dict[str, Any]], float]
) -> None:
    rng = np.random.default_rng(0)
    for key, value in weights.items():
        for _ in range(4):
            first = PADDING + 1 if key.endswith(".table") else 0  # row PADDING is not trained
            at = (int(rng.integers(first, len(value))),)
            at += tuple(int(rng.integers(size)) for size in value.shape[1:])
            sides = []
            for step in (1e-5, -1e-5):
                moved = {**weights, key: value.copy()}
                moved[key][at] += step
                sides.append(loss(moved))
            slope = (sides[0] - sides[1]) / 2e-5
            assert ours[key][at] == pytest.approx(slope, rel=1e-5, abs=1e-8), (key, at)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
def test_each_optimizer_learns_and_repeats_itself_to_the_last_bit(optimizer: str) -> None:
    spec = spec_of(kind="encoder_decoder", decoder="fed_back", dropout=0.3, num_layers=2)
    source = Examples(random_batch(spec, rows=12))
    runs = []
    for _ in range(2):
        engine = engine_of(spec, optimizer=optimizer, weight_decay=1e-3)
        before = engine.evaluate(source, in_order(12, 5))
        for epoch in range(8):
            engine.train_epoch(source, plan_of(12, epoch))
        assert engine.evaluate(source, in_order(12, 5)) < before
        runs.append(engine.get_weights())
    for name, value in runs[0].items():
        np.testing.assert_array_equal(value, runs[1][name])


def test_state_and_weights_carry_over_exactly() -> None:
    spec = SPECS["gru-2-bi-attention-linear"]
    source = Examples(random_batch(spec, rows=12))
    whole, first = engine_of(spec), engine_of(spec)
    for epoch in range(4):
        whole.train_epoch(source, plan_of(12, epoch))
    for epoch in range(2):
        first.train_epoch(source, plan_of(12, epoch))
    second = engine_of(spec, seed=9)
    second.set_weights(first.get_weights())
    second.set_state(first.get_state())
    for epoch in range(2, 4):
        second.train_epoch(source, plan_of(12, epoch))
    for name, value in whole.get_weights().items():
        np.testing.assert_array_equal(value, second.get_weights()[name])


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_the_second_bias_of_torch_stays_zero(cell: str) -> None:
    spec = spec_of(kind="many_to_one", cell=cell)
    engine = engine_of(spec)
    for epoch in range(3):
        engine.train_epoch(Examples(random_batch(spec, rows=12)), plan_of(12, epoch))
    second = engine.module.get_parameter("encoder.layers.0.0.module.bias_hh_l0").detach().numpy()
    trained = second[2 * spec.hidden_size :] if cell == "gru" else second[:0]
    np.testing.assert_array_equal(second[: len(second) - len(trained)], 0)
    assert np.all(trained != 0)


def test_clipping_by_norm_keeps_the_direction() -> None:
    spec = spec_of(kind="many_to_one")
    source = Examples(random_batch(spec, rows=4))
    moves = []
    for clip in (None, 1e-3):
        engine = engine_of(spec, optimizer="sgd", momentum=0.0, clip_norm=clip)
        before = engine.get_weights()
        engine.train_epoch(source, plan_of(4, rate=0.1))
        after = engine.get_weights()
        moves.append(np.concatenate([(after[n] - before[n]).ravel() for n in before]))
    lengths = [float(np.linalg.norm(move)) for move in moves]
    assert lengths[1] == pytest.approx(1e-4, rel=1e-2)  # rate times the clipped norm
    assert float(moves[0] @ moves[1]) / lengths[0] / lengths[1] == pytest.approx(1.0, abs=1e-3)


def test_an_adam_step_is_the_published_one() -> None:
    spec = spec_of(kind="many_to_one")
    batch = random_batch(spec, rows=4)
    engine = engine_of(spec, clip_norm=None)
    before, gradients = engine.get_weights(), engine.gradients(batch)
    plan = EpochPlan([np.arange(4)], np.array([1e-2]), np.zeros(1), seed=0)
    engine.train_epoch(Examples(batch), plan)
    for name, value in engine.get_weights().items():
        g = gradients[name].astype(np.float64)
        np.testing.assert_allclose(
            value, before[name] - 1e-2 * g / (np.abs(g) + 1e-8), atol=1e-6
        )  # the first step of Kingma & Ba 2015, algorithm 1


def test_seeded_initial_weights_train_the_same_on_any_engine_object() -> None:
    spec = spec_of(kind="many_to_one", horizon=1, output_size=1)
    engine = load_engine("torch", spec, Training(), initial(spec, 1), device="auto")
    for name, value in engine.get_weights().items():
        np.testing.assert_array_equal(value, initial(spec, 1)[name])


def test_unknown_engine_and_device_are_refused_by_name() -> None:
    spec = spec_of(kind="many_to_one")
    with pytest.raises(UsageError, match="engine 'troch' is unknown; did you mean 'torch'"):
        load_engine("troch", spec, Training(), initial(spec, 0))
    with pytest.raises(UsageError, match="device 'gpu' is unknown"):
        load_engine("torch", spec, Training(), initial(spec, 0), device="gpu")


def test_a_batch_may_have_no_lengths() -> None:
    spec = spec_of(kind="many_to_one", bidirectional=True, pooling="mean")
    batch = random_batch(spec)
    full = Batch(x=batch.x, lengths=np.full(len(batch.x), batch.x.shape[1]))
    engine = engine_of(spec)
    np.testing.assert_allclose(
        engine.forward(Batch(x=batch.x)).output, engine.forward(full).output, atol=1e-6
    )


def test_gradients_drop_no_token():
    spec = NetworkSpec(
        kind="many_to_one",
        embedding="tokens",
        vocab_size=20,
        embedding_size=4,
        output_size=3,
        hidden_size=4,
        token_dropout=0.5,
    )
    x = np.random.default_rng(0).integers(4, 20, (5, 6, 1))
    batch = Batch(x=x, y=np.array([[0], [1], [2], [0], [1]]))
    found = []
    for dropped in (0.5, 0.0):
        own = spec.replace(token_dropout=dropped)
        engine = load_engine("torch", own, Training(loss="cross_entropy"), initial(own, 0))
        found.append(engine.gradients(batch))
    for name, gradient in found[1].items():
        np.testing.assert_array_equal(found[0][name], gradient)


def test_additive_attention_over_long_sequences_takes_a_bounded_memory(monkeypatch):
    spec = NetworkSpec(
        kind="encoder_decoder",
        decoder="tokens",
        embedding="tokens",
        vocab_size=9,
        embedding_size=4,
        output_size=9,
        hidden_size=8,
        attention="additive",
        attention_size=32,
    )
    rng = np.random.default_rng(0)
    x, y = rng.integers(4, 9, (3, 40, 1)), rng.integers(4, 9, (3, 30))
    lengths = np.array([40, 7, 25])
    batch = Batch(x=x, lengths=lengths, start=np.full((3, 1), START), y=y)
    engine = Engine(spec, Training(loss="cross_entropy"), random_weights(spec), device="cpu")
    whole, at_once = engine.gradients(batch), engine.forward(batch)
    monkeypatch.setattr("gatewise.engines.torch.attention.AT_ONCE", 4 * 3 * 40 * 32)
    kept = []

    def keep(tensor):
        kept.extend([tensor.numel()] if tensor.dim() == 4 else [])
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        cut = engine.gradients(batch)
    assert max(kept, default=0) < 3 * 30 * 40 * 32  # (B, K, T, A)
    for name, gradient in whole.items():
        np.testing.assert_allclose(cut[name], gradient, atol=1e-6)
    found = engine.forward(batch)
    np.testing.assert_allclose(found.output, at_once.output, atol=1e-6)
    np.testing.assert_allclose(found.attention, at_once.attention, atol=1e-6)
