"""Seasons found in values alone: there when one is known to be, silent when none is."""

import numpy as np
import pytest

from gatewise.data import datasets
from gatewise.data.season import autocorrelation, detect_season


def test_autocorrelation_is_its_definition():
    values = np.random.default_rng(0).normal(size=50).cumsum()
    centred = values - values.mean()
    truth = [centred[lag:] @ centred[: 50 - lag] for lag in range(11)] / (centred @ centred)
    np.testing.assert_allclose(autocorrelation(values, 10), truth, atol=1e-12)


def test_airline_passengers_have_a_year():
    counts = datasets.airline_passengers()["passengers"].to_numpy(float)
    assert detect_season(counts, 48) == 12
    assert detect_season(counts, 8) == 1


def test_a_noisy_sine_has_its_period():
    assert detect_season(datasets.noisy_sine()["y"].to_numpy(), 400) == 120


@pytest.mark.parametrize("period", [3, 4, 5, 7, 12, 24, 52])
def test_seasons_under_trend_and_noise(period):
    rng = np.random.default_rng(period)
    steps = np.arange(12 * period + 40)
    shape = rng.normal(size=period)
    values = (
        0.3 * steps + 0.001 * steps**2 + 2 * shape[steps % period] + rng.normal(size=len(steps))
    )
    assert detect_season(values, 100) == period


@pytest.mark.parametrize("kind", ["noise", "walk", "memory", "to and fro"])
@pytest.mark.parametrize("length", [60, 400])
def test_nothing_is_found_where_nothing_is(kind, length):
    found = []
    for seed in range(50):
        noise = np.random.default_rng(seed).normal(size=length)
        keep = {"noise": 0.0, "walk": 1.0, "memory": 0.8, "to and fro": -0.8}[kind]
        values = noise.copy()
        for t in range(1, length):
            values[t] += keep * values[t - 1]
        found.append(detect_season(values, length))
    assert sum(season > 1 for season in found) <= 3


def test_values_that_have_no_season():
    assert detect_season(np.ones(100), 20) == 1
    assert detect_season(np.arange(100.0), 20) == 1
    assert detect_season(np.arange(100.0) ** 2, 20) == 1
    assert detect_season(np.array([1.0, 2.0]), 20) == 1
    assert detect_season(np.array([]), 20) == 1
