"""Packaged and generated data: the published figures, seeds, and the promised noise floors."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from gatewise.data import datasets
from gatewise.data.table import read_series


def test_airline_passengers_are_the_published_ones():
    frame = datasets.airline_passengers()
    assert list(frame.columns) == ["month", "passengers"]
    truth = pd.date_range("1949-01", "1960-12", freq="MS").to_numpy()
    assert np.array_equal(frame["month"].to_numpy(), truth)
    # R's AirPassengers: first and last year, extremes, mean 280.2986
    counts = frame["passengers"]
    first, last = counts.iloc[:12].tolist(), counts.iloc[-12:].tolist()
    assert first == [112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118]
    assert last == [417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432]
    assert (counts.min(), counts.max(), counts.sum()) == (104, 622, 40363)
    assert read_series(frame).frequency == "MS"


@pytest.mark.parametrize(
    "make",
    [datasets.noisy_sine, datasets.multi_sine, datasets.random_walk, datasets.weather],
    ids=lambda make: make.__name__,
)
def test_the_seed_decides(make):
    one, same, other = (np.asarray(make(seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_noise_of_the_sine():
    frame = datasets.noisy_sine(points=20_000, periods=10, noise=0.1)
    assert np.var(frame["y"] - frame["clean"]) == pytest.approx(0.01, rel=0.05)
    ups = np.diff(np.signbit(frame["clean"]).astype(int)) == -1
    assert ups.sum() in (9, 10)
    exact = datasets.noisy_sine(noise=0.0)
    assert np.array_equal(exact["y"], exact["clean"])


def test_multi_sine_has_its_shape_and_floor():
    waves = datasets.multi_sine(series=300, steps=40)
    assert waves.shape == (300, 40)
    assert np.abs(waves).max() <= 0.75
    noise = waves - datasets.multi_sine(series=300, steps=40, noise=0.0)
    assert np.var(noise) == pytest.approx(0.1**2 / 12, rel=0.05)
    assert np.unique(waves[:, 0]).size == 300


def test_a_random_walk_cannot_be_foreseen():
    steps = np.diff(datasets.random_walk(points=5000, step=2.0)["y"])
    assert steps.std() == pytest.approx(2.0, rel=0.05)
    assert abs(np.corrcoef(steps[1:], steps[:-1])[0, 1]) < 0.05


def test_weather_columns_help_each_other():
    frame = datasets.weather(hours=24 * 200)
    table = read_series(frame, target=["temperature", "humidity", "pressure"])
    assert (table.frequency, table.season, len(table)) == ("h", 24, 24 * 200)
    now, later = table.values[:-12], table.values[12:, 0]
    alone = LinearRegression().fit(now[:, :1], later).score(now[:, :1], later)
    together = LinearRegression().fit(now, later).score(now, later)
    assert together > alone + 0.05
    assert frame["humidity"].between(0, 100).all()
