"""Windows and codec against slices, scikit-learn's scalers, and torch as a second reader."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from gatewise.data.calendar import cycle_values, cycles_for
from gatewise.data.series import Scaler, SeriesCodec

ROWS = 40


def codec_of(values: np.ndarray, **chosen: object) -> SeriesCodec:
    fields = {
        "columns": tuple("abcdef"[: values.shape[1]]),
        "predicted": 2,
        "logs": (),
        "cycles": (),
        "window_scaling": "none",
        "independent": False,
        "lookback": 5,
        "horizon": 3,
    }
    return SeriesCodec.learn(values, "standard", **{**fields, **chosen})


def some_values(columns: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(5.0, 2.0, size=(ROWS, columns))


@pytest.mark.parametrize(
    ("how", "theirs"),
    [("standard", StandardScaler()), ("minmax", MinMaxScaler()), ("robust", RobustScaler())],
)
def test_scaling_is_scikit_learns(how: str, theirs: object) -> None:
    values = some_values()
    ours = Scaler.learn(values, how).scale(values)
    np.testing.assert_allclose(ours, theirs.fit_transform(values), rtol=1e-5, atol=1e-6)


def test_a_column_that_does_not_vary_is_not_divided_by_nothing() -> None:
    values = np.full((10, 1), 1e9 + 0.1)
    assert np.all(np.isfinite(Scaler.learn(values, "standard").scale(values)))


@pytest.mark.parametrize("window_scaling", ["none", "last", "mean_std"])
@pytest.mark.parametrize("independent", [False, True])
def test_windows_are_slices_and_restore_undoes_their_scaling(
    window_scaling: str, independent: bool
) -> None:
    values = some_values()
    codec = codec_of(values, window_scaling=window_scaling, independent=independent)
    encoded = codec.encode(values, None)
    windows = codec.windows(encoded, codec.starts(0, ROWS))
    starts = np.arange(ROWS - 5 - 3 + 1)
    np.testing.assert_array_equal(windows.starts, starts)
    assert len(windows) == len(starts) * (2 if independent else 1)
    rows = np.arange(len(windows))
    batch = windows.gather(windows.arrays, rows)
    truth = codec.decode(windows, rows, np.asarray(batch.y))
    for row in rows:
        group, start = divmod(int(row), len(starts))
        own = [group] if independent else [0, 1]
        told = values[start + 5 : start + 8][:, own]
        np.testing.assert_allclose(truth[row], told, rtol=1e-4)
        read = encoded[start : start + 5]
        np.testing.assert_allclose(batch.x[row][:, len(own) :], read[:, 2:], rtol=1e-6)
        level = {"none": 0 * read[-1], "last": read[-1], "mean_std": read.mean(axis=0)}
        difference = batch.x[row][:, : len(own)] - (read - level[window_scaling])[:, own]
        if window_scaling != "mean_std":
            np.testing.assert_allclose(difference, 0, atol=1e-6)


def test_torch_gathers_what_numpy_gathers() -> None:
    values = some_values(4)
    codec = codec_of(values, window_scaling="mean_std", independent=True)
    windows = codec.windows(codec.encode(values, None), codec.starts(10, ROWS))
    rows = np.random.default_rng(1).permutation(len(windows))[:7]
    ours = windows.gather(windows.arrays, rows)
    tensors = {name: torch.from_numpy(array) for name, array in windows.arrays.items()}
    theirs = windows.gather(tensors, torch.from_numpy(rows))
    for name in ("x", "y", "start"):
        np.testing.assert_allclose(getattr(theirs, name), getattr(ours, name), atol=1e-6)


def test_persistence_is_what_the_truth_is_relative_to() -> None:
    values = some_values(2)
    share = np.array([[0.9, 0.5], [0.8, 0.4], [0.7, 0.3]], dtype=np.float32)
    codec = codec_of(values, window_scaling="last", persistence=share)
    encoded = codec.encode(values, None)
    windows = codec.windows(encoded, np.array([4]))
    batch = windows.gather(windows.arrays, np.array([0]))
    np.testing.assert_allclose(batch.y[0], encoded[9:12] - share * encoded[8], atol=1e-6)
    back = codec.decode(windows, np.array([0]), np.asarray(batch.y))
    np.testing.assert_allclose(back[0], values[9:12], rtol=1e-5)


def test_memory_grows_with_the_rows_not_with_rows_times_lookback() -> None:
    values = np.random.default_rng(0).normal(size=(100_000, 1))
    codec = codec_of(values, predicted=1, lookback=720)
    windows = codec.windows(codec.encode(values, None), codec.starts(0, len(values)))
    assert sum(array.nbytes for array in windows.arrays.values()) < 16 * len(values)


def test_what_is_learnt_of_the_first_rows_does_not_see_the_others() -> None:
    values = some_values()
    changed = values.copy()
    changed[30:] *= 100
    first, second = (codec_of(v[:30]).scaler for v in (values, changed))
    np.testing.assert_array_equal(first.center, second.center)
    np.testing.assert_array_equal(first.spread, second.spread)


def test_logarithms_are_taken_and_undone_and_have_a_floor() -> None:
    values = np.exp(some_values(2))
    codec = codec_of(values, logs=("a",))
    encoded = codec.encode(values, None)
    by_hand = np.log(values[:, 0])
    np.testing.assert_allclose(
        encoded[:, 0], (by_hand - by_hand.mean()) / by_hand.std(), rtol=1e-4, atol=1e-5
    )
    windows = codec.windows(encoded, np.array([0]))
    told = codec.decode(windows, np.array([0]), windows.gather(windows.arrays, np.array([0])).y)
    np.testing.assert_allclose(told[0], values[5:8], rtol=1e-4)
    floor = values[:, 0].min() / 2
    values[3, 0] = 0.0  # a later zero has no logarithm: it is read as the floor
    assert codec.floors == (floor,)
    lowest = (np.log(floor) - by_hand.mean()) / by_hand.std()
    assert codec.encode(values, None)[3, 0] == pytest.approx(lowest, rel=1e-4)


def test_a_codec_comes_back_from_json() -> None:
    values = np.exp(some_values())
    share = np.ones((3, 2), dtype=np.float32)
    codec = codec_of(values, logs=("a", "b"), persistence=share, ahead=True)
    again = SeriesCodec.from_dict(codec.to_dict())
    assert again.to_dict() == codec.to_dict()
    np.testing.assert_array_equal(again.encode(values, None), codec.encode(values, None))


@settings(max_examples=40, deadline=None)
@given(
    lookback=st.integers(1, 12),
    horizon=st.integers(1, 6),
    first=st.integers(0, 39),
    stop=st.integers(1, 40),
)
def test_no_window_is_told_a_row_outside_what_was_asked_for(
    lookback: int, horizon: int, first: int, stop: int
) -> None:
    values = some_values(2)
    codec = codec_of(values, lookback=lookback, horizon=horizon)
    starts = codec.starts(first, stop)
    by_hand = [
        start
        for start in range(ROWS)
        if start + lookback >= first and start + lookback + horizon <= stop
    ]
    assert starts.tolist() == by_hand


def test_calendar_cycles_show_what_the_spacing_can() -> None:
    hours = pd.date_range("2024-02-28", periods=72, freq="h").to_numpy()
    assert cycles_for(hours) == ("hour of day", "day of week", "day of year")
    days = pd.date_range("2024-01-01", periods=30).to_numpy()
    assert cycles_for(days) == ("day of week", "day of year")
    months = pd.date_range("2024-01-01", periods=30, freq="MS").to_numpy()
    assert cycles_for(months) == ("day of year",)
    values = cycle_values(hours, ("hour of day", "day of week", "day of year"))
    stamps = pd.DatetimeIndex(hours)
    angle = 2 * np.pi * stamps.hour.to_numpy() / 24
    np.testing.assert_allclose(values[:, 0], np.sin(angle), atol=1e-6)
    np.testing.assert_allclose(values[:, 1], np.cos(angle), atol=1e-6)
    week = stamps.day_of_week.to_numpy() / 7
    np.testing.assert_allclose(values[:, 2], np.sin(2 * np.pi * week), atol=1e-6)
    year = (stamps.day_of_year - 1).to_numpy() / 366
    np.testing.assert_allclose(values[:, 4], np.sin(2 * np.pi * year), atol=1e-6)
