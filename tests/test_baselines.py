"""Baselines, metrics and least squares against NumPy by hand and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, mean_squared_error

from gatewise import metrics
from gatewise.baselines import baseline_forecasts, drift, linear, naive, seasonal_naive
from gatewise.least_squares import choose_penalty, solve_ridge

SERIES = np.arange(20.0)[:, None] ** 1.5
ORIGINS = np.array([12, 14])


def test_naive_seasonal_naive_and_drift_by_hand() -> None:
    y = SERIES[:, 0]
    np.testing.assert_allclose(naive(SERIES, ORIGINS, 3)[:, :, 0], [[y[11]] * 3, [y[13]] * 3])
    np.testing.assert_allclose(
        seasonal_naive(SERIES, ORIGINS, 6, 4)[0, :, 0], [y[8], y[9], y[10], y[11], y[8], y[9]]
    )
    slope = (y[11] - y[0]) / 11
    np.testing.assert_allclose(
        drift(SERIES, ORIGINS, 2)[0, :, 0], [y[11] + slope, y[11] + 2 * slope]
    )


def test_no_baseline_reads_at_or_after_its_origin() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(80, 2))
    changed = values.copy()
    changed[60:] += 100.0
    arguments = {"horizon": 5, "lookback": 6, "season": 7, "train_rows": 55}
    before = baseline_forecasts(values, np.array([58, 60]), **arguments)
    after = baseline_forecasts(changed, np.array([58, 60]), **arguments)
    assert list(before) == ["naive", "seasonal naive", "drift", "linear"]
    for name, told in before.items():
        np.testing.assert_array_equal(told, after[name])


def test_linear_finds_an_exact_recursion() -> None:
    y = np.zeros(200)
    y[:3] = [1.0, 0.5, -0.3]
    for t in range(3, 200):
        y[t] = 1.2 * y[t - 1] - 0.9 * y[t - 2] + 0.15 * y[t - 3] + 0.2
    y += np.random.default_rng(0).normal(0, 1e-6, 200)
    origins = np.arange(150, 195)
    told = linear(y[:, None], origins, 4, 8, 150)[:, :, 0]
    truth = y[origins[:, None] + np.arange(4)]
    assert np.abs(told - truth).max() < 1e-3


def test_linear_is_least_squares_on_the_same_lags_where_data_is_plenty() -> None:
    rng = np.random.default_rng(1)
    y = np.sin(np.arange(3000) / 9) + rng.normal(0, 0.3, 3000)
    lags = np.stack([y[i : i + 20] for i in range(2500 - 20)])
    with_one = np.column_stack([lags, np.ones(len(lags))])
    weights = np.linalg.lstsq(with_one, y[20:2500], rcond=None)[0]
    origins = np.arange(2500, 2990)
    new = np.stack([y[o - 20 : o] for o in origins])
    theirs = np.column_stack([new, np.ones(len(new))]) @ weights
    ours = linear(y[:, None], origins, 1, 20, 2500)[:, 0, 0]
    truth = y[origins]
    assert np.mean((ours - truth) ** 2) <= 1.02 * np.mean((theirs - truth) ** 2)


def test_ridge_is_scikit_learns() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(5000, 4)), rng.normal(size=(5000, 2))
    design = np.column_stack([x, np.ones(5000)])
    rows = np.arange(5000)
    penalty = 0.01
    ours = solve_ridge(lambda r: (design[r], y[r]), rows, penalty)
    alpha = penalty * np.trace(x.T @ x) / 4
    theirs = Ridge(alpha=alpha).fit(x, y)
    np.testing.assert_allclose(ours[:-1], theirs.coef_.T, atol=1e-8)
    np.testing.assert_allclose(ours[-1], theirs.intercept_, atol=1e-8)


def test_the_penalty_is_large_for_noise_and_small_for_a_law() -> None:
    rng = np.random.default_rng(3)
    x = np.column_stack([rng.normal(size=(60, 30)), np.ones(60)])
    noise, law = rng.normal(size=(60, 1)), x[:, :1] * 2.0
    halves = np.arange(40), np.arange(40, 60)
    large, _ = choose_penalty(
        lambda r: (x[r], noise[r]), halves[0], lambda r: (x[r], noise[r]), halves[1]
    )
    small, _ = choose_penalty(
        lambda r: (x[r], law[r]), halves[0], lambda r: (x[r], law[r]), halves[1]
    )
    assert large >= 0.1
    assert small <= 1e-5


def test_metrics_by_hand_and_by_scikit_learn() -> None:
    rng = np.random.default_rng(4)
    truth, told = rng.normal(size=50), rng.normal(size=50)
    assert metrics.mae(truth, told) == pytest.approx(mean_absolute_error(truth, told))
    assert metrics.mse(truth, told) == pytest.approx(mean_squared_error(truth, told))
    assert metrics.rmse(truth, told) == pytest.approx(mean_squared_error(truth, told) ** 0.5)
    assert metrics.smape(np.array([1.0, 0.0]), np.array([3.0, 0.0])) == pytest.approx(50.0)
    history = np.array([[1.0], [2.0], [4.0], [7.0]])
    scale = metrics.mase_scale(history, 2)
    assert scale[0] == pytest.approx((3 + 5) / 2)
    assert metrics.mase(np.array([[[8.0]]]), np.array([[[6.0]]]), scale) == pytest.approx(0.5)
    assert np.isnan(metrics.mase(np.ones((1, 1, 1)), np.ones((1, 1, 1)), np.zeros(1)))
