"""What is said of a series whose changes show no trace of their past."""

from __future__ import annotations

import numpy as np
import pytest
from test_evaluation import evaluation

from gatewise.data import datasets
from gatewise.judging.wandering import LAGS, _chi_square_tail, trace_of_past


def walk(steps: np.ndarray) -> np.ndarray:
    return np.cumsum(steps)[:, None]


def test_one_walk_in_twenty_shows_a_trace_by_chance() -> None:
    rng = np.random.default_rng(0)
    found = [trace_of_past(walk(rng.normal(size=600))) for _ in range(400)]
    shares = [np.mean(np.array(found) < level) for level in (0.05, 0.5)]
    assert 0.025 <= shares[0] <= 0.085  # 0.05, three spreads of 400 draws about it
    assert 0.42 <= shares[1] <= 0.58


def test_alternating_calm_and_wild_times_are_no_trace() -> None:
    """Of 200 walks whose steps have a variance that carries on, a naive test finds far more."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        variance, steps = 1.0, np.empty(800)
        for t in range(len(steps)):
            steps[t] = np.sqrt(variance) * rng.normal()
            variance = 0.05 + 0.25 * steps[t] ** 2 + 0.7 * variance
        found.append(trace_of_past(walk(steps)))
    assert np.mean(np.array(found) < 0.05) < 0.11


@pytest.mark.parametrize(
    "values",
    [
        datasets.airline_passengers()["passengers"].to_numpy(float),
        datasets.noisy_sine()["y"].to_numpy(),
        datasets.weather(2000)["temperature"].to_numpy(),
        np.cumsum(np.convolve(np.random.default_rng(0).normal(size=1000), [1, 0.3])),
    ],
    ids=["airline", "sine", "weather", "moving average"],
)
def test_what_has_a_season_a_level_or_a_memory_shows_a_trace(values: np.ndarray) -> None:
    assert trace_of_past(values[:, None]) < 0.01


def test_of_several_columns_the_clearest_counts() -> None:
    rng = np.random.default_rng(0)
    walks = np.cumsum(rng.normal(size=(1000, 3)), axis=0)
    assert trace_of_past(walks) > 0.05
    waves = datasets.noisy_sine(1000)[["y"]].to_numpy()
    assert trace_of_past(np.concatenate([walks, waves], axis=1)) < 1e-6


def test_too_little_says_nothing() -> None:
    rng = np.random.default_rng(0)
    assert trace_of_past(walk(rng.normal(size=50))) is None
    assert trace_of_past(np.arange(500.0)[:, None]) is None
    assert trace_of_past(np.full((500, 1), 3.0)) is None


def test_the_tail_is_that_of_chi_square() -> None:
    """Tabulated: 18.307 is exceeded in 5 % of cases at ten degrees, 23.209 in 1 %."""
    assert _chi_square_tail(18.307, LAGS) == pytest.approx(0.05, abs=1e-5)
    assert _chi_square_tail(23.209, LAGS) == pytest.approx(0.01, abs=1e-5)


def judged(own: float, *, values: np.ndarray, windows: int = 30) -> str:
    """The verdict on a network beside a last value that is off by 1."""
    origins = np.arange(len(values) - windows - 4, len(values) - 4)
    truth = values[origins[:, None] + np.arange(4)]
    forecasts = {"network": truth + own, "naive": truth + 1.0, "drift": truth + 1.01}
    return evaluation(own, values=values, origins=origins, forecasts=forecasts).verdict()


def test_a_random_walk_is_called_one_where_nothing_beats_its_last_value() -> None:
    values = datasets.random_walk(600, seed=2)[["y"]].to_numpy()
    said = judged(0.99, values=values)
    assert "more than 2 % better than repeating the last value (naive), and the changes of 'y'" in (
        said
    )
    assert "a random walk, as far as the past tells" in said
    assert "nothing beats the last value" in said
    assert "random walk" not in judged(0.9, values=values)  # it was beaten
    assert "last value (naive)" not in judged(0.99, values=values, windows=9)


def test_a_series_with_a_trace_is_not_called_a_random_walk() -> None:
    said = judged(1.5, values=datasets.noisy_sine(600)[["y"]].to_numpy())
    assert said.endswith("better than repeating the last value (naive).")
