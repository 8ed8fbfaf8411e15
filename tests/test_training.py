"""The loop with an engine that needs no framework."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from gatewise.batch import Batch, Examples, IntArray, Source, batch_order, in_order, pad, step_mask
from gatewise.engine import EpochPlan, Outputs
from gatewise.errors import DivergedError
from gatewise.schedules import learning_rates, teacher_forcing
from gatewise.spec import Training
from gatewise.training import History, fit


class Line:
    """y = w * mean(x): one weight, plain gradient descent, and a log of what it was told."""

    name, version, device = "line", "1", "cpu"

    def __init__(self, losses: Sequence[float] | None = None) -> None:
        self.w, self.plans, self.losses = 0.0, [], list(losses or [])
        self.interrupt_at: int | None = None

    def train_epoch(self, source: Source, plan: EpochPlan) -> float:
        if self.interrupt_at == len(self.plans):
            raise KeyboardInterrupt
        self.plans.append(plan)
        total = 0.0
        for rows, rate in zip(plan.batches, plan.learning_rates, strict=True):
            batch = source.gather(source.arrays, rows)
            error = self.w * batch.x.mean((1, 2)) - batch.y[:, 0, 0]
            self.w -= rate * float(np.mean(error * batch.x.mean((1, 2))))
            total += float(np.sum(error**2))
            plan.tick(dict)
        return total / sum(map(len, plan.batches))

    def evaluate(self, source: Source, batches: Sequence[IntArray]) -> float:
        if self.losses:
            return self.losses.pop(0)
        batch = source.gather(source.arrays, np.concatenate(batches))
        return float(np.mean((self.w * batch.x.mean((1, 2)) - batch.y[:, 0, 0]) ** 2))

    def forward(self, batch: Batch) -> Outputs:
        return Outputs(self.w * batch.x.mean((1, 2))[:, None, None])

    def gradients(self, batch: Batch) -> dict[str, Any]:
        return {}

    def get_weights(self) -> dict[str, Any]:
        return {"w": np.array([self.w])}

    def set_weights(self, weights: Any) -> None:
        self.w = float(weights["w"][0])

    def get_state(self) -> dict[str, Any]:
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        pass


def source(rows: int = 30) -> Examples:
    x = np.random.default_rng(0).normal(1.0, 1.0, size=(rows, 4, 1))
    return Examples(Batch(x=x, y=2.0 * x.mean((1, 2))[:, None, None]))


def test_it_learns_and_counts() -> None:
    engine = Line()
    ticks = []

    class Watch:
        def begin(self, epochs: int, batches: int) -> None:
            ticks.append((epochs, batches))

        def tick(self) -> None:
            ticks.append(1)

        def epoch(self, record: Any, best: bool) -> None:
            ticks.append((record.epoch, best))

        def end(self, history: History) -> None:
            ticks.append(history.stopped)

    training = Training(epochs=20, batch_size=8, learning_rate=0.2)
    history = fit(engine, source(), source(), training, seed=0, watch=Watch())
    assert engine.w == pytest.approx(2.0, abs=0.02)
    assert ticks[0] == (20, 4)
    assert ticks.count(1) == 4 * len(history.records)
    assert ticks[-1] == history.stopped
    assert History.from_dict(history.to_dict()) == history


def test_early_stopping_restores_the_best_weights() -> None:
    engine = Line(losses=[5.0, 4.0, 1.0, 2.0, 3.0, 2.5, 9.9])
    training = Training(epochs=50, learning_rate=0.01, patience=3)
    weights = []
    original = engine.train_epoch

    def watched(source: Source, plan: EpochPlan) -> float:
        loss = original(source, plan)
        weights.append(engine.w)
        return loss

    engine.train_epoch = watched  # type: ignore[method-assign]
    history = fit(engine, source(), source(), training, seed=0)
    assert (history.best_epoch, history.stopped, len(history.records)) == (2, "no progress", 5)
    assert engine.w == weights[1]


def test_the_start_is_kept_when_no_epoch_is_better() -> None:
    engine = Line(losses=[1.0, 2.0, 3.0])
    history = fit(engine, source(), source(), Training(epochs=9, patience=2), seed=0)
    assert history.best_epoch == 0
    assert engine.w == 0.0


def test_without_validation_the_last_epoch_is_kept() -> None:
    history = fit(Line(), source(), None, Training(epochs=7, patience=2), seed=0)
    assert (history.best_epoch, history.stopped) == (7, "finished")


def test_min_delta_is_what_counts_as_progress() -> None:
    engine = Line(losses=[5.0, 4.0, 3.95, 3.91, 3.0])
    history = fit(engine, source(), source(), Training(epochs=9, patience=2, min_delta=0.1), seed=0)
    assert history.best_epoch == 1


def test_a_diverged_run_stops_with_advice() -> None:
    engine = Line()
    training = Training(epochs=500, learning_rate=1e6, clip_norm=None)
    with (
        np.errstate(all="ignore"),
        pytest.raises(DivergedError, match=r"lower learning_rate \(now 1e\+06\).*clip_norm=1.0"),
    ):
        fit(engine, source(), source(), training, seed=0)


def test_ctrl_c_keeps_the_best_so_far_and_early_on_goes_through() -> None:
    engine = Line(losses=[5.0, 4.0, 6.0, 6.0])
    engine.interrupt_at = 2
    history = fit(engine, source(), source(), Training(epochs=9), seed=0)
    assert (history.stopped, history.best_epoch, len(history.records)) == ("interrupted", 1, 2)
    engine = Line()
    engine.interrupt_at = 0
    with pytest.raises(KeyboardInterrupt):
        fit(engine, source(), source(), Training(epochs=9), seed=0)


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    first, again = (batch_order(50, 8, seed=3, epoch=2) for _ in range(2))
    other = batch_order(50, 8, seed=3, epoch=3)
    np.testing.assert_array_equal(np.concatenate(first), np.concatenate(again))
    assert np.concatenate(first).tolist() != np.concatenate(other).tolist()
    assert sorted(np.concatenate(first)) == list(range(50))
    part = np.concatenate(batch_order(50, 8, seed=3, epoch=2, limit=20))
    assert len(part) == len(set(part.tolist())) == 20
    assert [len(rows) for rows in in_order(10, 4)] == [4, 4, 2]
    assert np.concatenate(in_order(1000, 64, most=10)).tolist()[-1] == 999


def test_padding_and_mask() -> None:
    x, lengths = pad([np.ones((2, 3)), np.ones((4, 3))])
    assert x.shape == (2, 4, 3)
    np.testing.assert_array_equal(x.sum((1, 2)), [6, 12])
    np.testing.assert_array_equal(step_mask(lengths, 4).sum(1), [2, 4])


def rates(**training: Any) -> np.ndarray:
    chosen = Training(learning_rate=1.0, **training)
    return np.concatenate([learning_rates(chosen, epoch, 5) for epoch in range(chosen.epochs)])


def test_schedules() -> None:
    np.testing.assert_allclose(rates(epochs=3), 1.0)
    step = rates(epochs=4, schedule="step", schedule_epochs=2, schedule_factor=0.1)
    np.testing.assert_allclose(step, [1.0] * 10 + [0.1] * 10)
    cosine = rates(epochs=4, schedule="cosine")
    position = np.arange(20) / 20
    np.testing.assert_allclose(cosine, 0.5 * (1 + np.cos(np.pi * position)))
    warm = rates(epochs=4, warmup_epochs=1.0)
    np.testing.assert_allclose(warm[:5], [0.2, 0.4, 0.6, 0.8, 1.0])
    np.testing.assert_allclose(warm[5:], 1.0)
    plateau = Training(schedule="plateau", schedule_factor=0.5, learning_rate=1.0)
    np.testing.assert_allclose(learning_rates(plateau, 0, 3, drops=2), 0.25)


def test_the_plateau_schedule_drops_after_so_many_epochs_without_progress() -> None:
    engine = Line(losses=[5.0, *[6.0] * 12])
    training = Training(
        epochs=7, schedule="plateau", schedule_epochs=2, learning_rate=1.0, patience=None
    )
    history = fit(engine, source(), source(), training, seed=0)
    assert [r.learning_rate for r in history.records] == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]


def test_teacher_forcing_schedules() -> None:
    linear = Training(epochs=5, teacher_forcing=0.8, teacher_forcing_schedule="linear")
    np.testing.assert_allclose(
        [teacher_forcing(linear, e) for e in range(5)], [0.8, 0.6, 0.4, 0.2, 0.0], atol=1e-12
    )
    sigmoid = Training(epochs=80, teacher_forcing=1.0, teacher_forcing_schedule="inverse_sigmoid")
    shares = [teacher_forcing(sigmoid, e) for e in range(80)]
    assert shares[0] == pytest.approx(10 / 11)
    assert np.all(np.diff(shares) < 0)
    assert teacher_forcing(Training(epochs=10**6, teacher_forcing_schedule="constant"), 5) == 0.5
    assert math.isfinite(teacher_forcing(sigmoid, 10**6))
