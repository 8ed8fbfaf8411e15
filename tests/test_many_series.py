"""One forecaster for many series: against NumPy, and against each series by itself."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import gatewise as gw
from gatewise import metrics
from gatewise.data.cuts import Cut, cut_series, spans
from gatewise.data.table import read_series
from gatewise.errors import DataError, UsageError
from gatewise.tasks.plan import make_plan

QUICK = {"verbose": 0, "engine": "torch"}
FEW = gw.Training(epochs=2, batch_size=32)
SMALL = gw.Network(hidden_size=4)


def frame(count=30, steps=60, seed=0, noise=0.1):
    return gw.datasets.long_frame(gw.datasets.multi_sine(count, steps, noise, seed))


def dated(names=("A", "B", "C"), days=80, seed=0):
    """Daily series, each a week's wave around a level of its own, that begin on different days."""
    rng = np.random.default_rng(seed)
    parts = []
    for i, name in enumerate(names):
        t = np.arange(days)
        parts.append(
            pd.DataFrame(
                {
                    "shop": name,
                    "day": pd.date_range(f"2024-01-{1 + i:02}", periods=days),
                    "sold": 10.0 * (i + 1)
                    + np.sin(2 * np.pi * t / 7)
                    + 0.1 * rng.normal(size=days),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def learnt():
    data = frame()
    model = gw.Forecaster(horizon=2, lookback=12, network=SMALL, training=FEW, **QUICK)
    return data, model.fit(data[data.series < 20], target="y", time="step", series="series")


def test_no_window_leaves_its_series():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 30, size=40)
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    whose = np.repeat(np.arange(40), lengths)
    held = bounds[:-1] + rng.integers(0, lengths + 1)
    cut = Cut(bounds, held)
    is_held = np.zeros(len(whose), dtype=bool)
    is_held[spans(held, bounds[1:])] = True
    for lookback, horizon in [(1, 1), (5, 2), (9, 4)]:
        seen, kept = set(), set()
        for start in range(len(whose) - lookback - horizon + 1):
            rows = np.arange(start, start + lookback + horizon)
            if len(set(whose[rows])) > 1:
                continue
            if not is_held[rows].any():
                seen.add(start)
            if is_held[rows[lookback:]].all():
                kept.add(start)
        assert cut.seen(lookback, horizon).tolist() == sorted(seen)
        assert cut.kept(lookback, horizon).tolist() == sorted(kept)
        assert set(cut.every(lookback, horizon).tolist()) >= seen | kept


def swinging(count=60, steps=40, seed=0):
    """x[t] = 1.6 x[t-1] - 0.9 x[t-2] + noise; from one series to the next it jumps."""
    rng = np.random.default_rng(seed)
    waves = rng.normal(size=(count, steps))
    for t in range(2, steps):
        waves[:, t] = 1.6 * waves[:, t - 1] - 0.9 * waves[:, t - 2] + waves[:, t]
    return waves


def lagged(waves, lookback, horizon, stop):
    """Regressors and answers of every window that ends before `stop` in its series."""
    windows = [
        wave[start : start + lookback + horizon]
        for wave in waves
        for start in range(stop - lookback - horizon + 1)
    ]
    table = np.array(windows)
    return np.column_stack([table[:, :lookback], np.ones(len(table))]), table[:, lookback:]


def test_the_linear_baseline_is_least_squares_over_the_windows_of_all_series():
    waves, lookback, horizon = swinging(), 4, 3
    data = gw.datasets.long_frame(waves)
    model = gw.Forecaster(
        horizon=horizon, lookback=lookback, network=SMALL, training=FEW, **QUICK
    ).fit(data[data.series < 40], target="y", series="series")
    judged = model.evaluate(data[data.series >= 40])
    x, y = lagged(waves[:40], lookback, horizon, 40)
    weights = np.linalg.lstsq(x, y, rcond=None)[0]
    new, truth = lagged(waves[40:], lookback, horizon, 40)
    np.testing.assert_allclose(judged.truth[..., 0], truth)
    np.testing.assert_allclose(judged.forecasts["linear"][..., 0], new @ weights, atol=0.02)


def test_the_solved_shortcut_is_least_squares_over_the_windows_of_all_series():
    waves = swinging(count=400)
    untrained = gw.Training(epochs=1, learning_rate=1e-12)
    model = gw.Forecaster(
        horizon=1, lookback=4, network=SMALL, training=untrained, retrain=False,
        validation=10, window_scaling="none", **QUICK,
    ).fit(gw.datasets.long_frame(waves), target="y", series="series")  # fmt: skip
    x, y = lagged(waves, 4, 1, 30)
    weights = np.linalg.lstsq(x, y, rcond=None)[0]
    np.testing.assert_allclose(model.weights_["shortcut.kernel"], weights[:-1], atol=0.01)


def test_scaling_is_learnt_on_the_training_rows_of_every_series():
    table = read_series(frame(count=5, steps=100), target="y", series="series")
    plan = make_plan(gw.Forecaster(horizon=2, lookback=10, validation=20), table)
    rows = table.values.reshape(5, 100)[:, :80]
    assert plan.codec.scaler.center[0] == pytest.approx(rows.mean())
    assert plan.codec.scaler.spread[0] == pytest.approx(rows.std())
    assert plan.cut.held.tolist() == [80, 180, 280, 380, 480]


def test_one_named_series_is_learnt_as_without_a_name():
    values = frame(count=1, steps=120)
    choices = {"horizon": 3, "lookback": 10, "network": SMALL, "training": FEW, **QUICK}
    plain = gw.Forecaster(**choices).fit(values[:100], target="y", time="step")
    named = gw.Forecaster(**choices).fit(values[:100], target="y", time="step", series="series")
    for name, weights in plain.weights_.items():
        np.testing.assert_array_equal(named.weights_[name], weights)
    ours, theirs = named.evaluate(values), plain.evaluate(values)
    np.testing.assert_array_equal(ours.origins, theirs.origins)
    for name in ("network", "naive", "drift"):
        np.testing.assert_array_equal(ours.forecasts[name], theirs.forecasts[name])
        assert ours.scores()[name] == pytest.approx(theirs.scores()[name])
    told = named.predict()
    assert told["series"].tolist() == [0, 0, 0]
    pd.testing.assert_frame_equal(told.drop(columns="series"), plain.predict())


def test_series_too_short_for_their_last_rows_are_held_out_whole():
    bounds = np.arange(0, 1001, 50)
    names = [str(i) for i in range(20)]
    cut, notes = cut_series(bounds, names, lookback=49, horizon=1, validation=0.2, seed=0)
    assert cut.whole
    assert len(cut.seen(49, 1)) == 16
    assert len(cut.kept(49, 1)) == 4
    assert not set(cut.seen(49, 1)) & set(cut.kept(49, 1))
    assert "4 of 20 series, held out whole" in notes[0]
    other, _ = cut_series(bounds, names, lookback=49, horizon=1, validation=0.2, seed=1)
    assert other.kept(49, 1).tolist() != cut.kept(49, 1).tolist()
    with pytest.raises(DataError, match="the longest, '0', has 50"):
        cut_series(bounds, names, lookback=50, horizon=1, validation=0.2, seed=0)


def test_new_series_are_judged_whole_and_known_ones_behind_what_was_learnt(learnt):
    data, model = learnt
    new = model.evaluate(data[data.series >= 20])
    assert len(new.origins) == 10 * (60 - 12 - 2 + 1)
    grown = pd.concat([part if i >= 20 else part.iloc[:55] for i, part in data.groupby("series")])
    again = gw.Forecaster(horizon=2, lookback=12, network=SMALL, training=FEW, **QUICK)
    again.fit(grown[grown.series < 20], target="y", time="step", series="series")
    judged = again.evaluate(data[data.series < 22])
    rows = judged.origins - judged.bounds[judged.whose]
    assert rows[judged.whose < 20].min() == 55
    assert rows[judged.whose >= 20].min() == 12
    with pytest.raises(DataError, match="0 of 20 series"):
        model.evaluate(data[data.series < 20])
    renamed = data[data.series < 20].assign(series=lambda part: part["series"] + 100)
    with pytest.raises(DataError, match="behind the rows seen"):
        model.evaluate(renamed)


def test_mase_is_scaled_by_each_series_own_rows(learnt):
    data, model = learnt
    big = data.assign(y=np.where(data["series"] == 25, 1000 * data["y"], data["y"]))
    judged = model.evaluate(big[big.series >= 20])
    each = []
    for name in judged.series:
        part = judged.of_series(name)
        scale = np.abs(np.diff(part.values[:12, 0])).mean()
        naive = part.forecasts["naive"]
        each.append(np.abs(part.truth - naive).mean() / scale)
        assert judged.by_series()[name]["naive"] == pytest.approx(each[-1])
    assert judged.scores()["naive"]["MASE"] == pytest.approx(np.mean(each))


def test_naive_drift_and_seasonal_naive_stay_within_their_series():
    data = dated()
    model = gw.Forecaster(horizon=3, lookback=7, network=SMALL, training=FEW, **QUICK)
    model.fit(data.groupby("shop").head(60), target="sold", time="day", series="shop")
    judged = model.evaluate(data)
    assert model.season_ == 7
    for name in "ABC":
        alone = data[data["shop"] == name]["sold"].to_numpy()
        part = judged.of_series(name)
        for place, origin in enumerate(part.origins):
            last, first = alone[origin - 1], alone[0]
            drift = last + (last - first) / (origin - 1) * np.arange(1, 4)
            np.testing.assert_allclose(part.forecasts["drift"][place, :, 0], drift)
            np.testing.assert_allclose(part.forecasts["naive"][place, :, 0], [last] * 3)
            season = alone[origin - 7 : origin - 4]
            np.testing.assert_allclose(part.forecasts["seasonal naive"][place, :, 0], season)
        scale = metrics.mase_scale(alone[:60, None], 7)
        np.testing.assert_allclose(part.scale, scale)


@pytest.mark.parametrize("strategy", ["direct", "recursive", "encoder_decoder", "by_position"])
def test_each_series_goes_on_as_if_it_were_alone(strategy):
    data = dated()
    network = gw.Network(
        hidden_size=4, **({"segment_length": 7} if strategy == "by_position" else {})
    )
    model = gw.Forecaster(
        horizon=4, lookback=14, strategy=strategy, calendar=True, network=network, training=FEW,
        **QUICK,
    ).fit(data, target="sold", time="day", series="shop")  # fmt: skip
    told = model.predict()
    pd.testing.assert_frame_equal(told, model.predict(data))
    assert list(told.columns) == ["shop", "day", "sold"]
    for name in "ABC":
        own = data[data["shop"] == name]
        part = told[told["shop"] == name].reset_index(drop=True)
        pd.testing.assert_frame_equal(part, model.predict(own), rtol=1e-5)
        assert part["day"][0] == own["day"].iloc[-1] + pd.Timedelta(days=1)
        if strategy != "encoder_decoder":  # which had to learn the level in two epochs
            assert abs(part["sold"].mean() - own["sold"].mean()) < 5


def test_a_saved_model_tells_the_same(learnt, tmp_path):
    data, model = learnt
    model.save(tmp_path / "m.gw")
    same = gw.load(tmp_path / "m.gw")
    pd.testing.assert_frame_equal(same.predict(), model.predict())
    assert same.predict()["step"].tolist()[:3] == [61, 62, 61]
    new = data[data.series >= 20]
    assert same.evaluate(new).scores() == model.evaluate(new).scores()
    assert same.summary()["Data"]["series"] == "20, told apart by 'series', 60 rows each"
    with pytest.raises(DataError, match="0 of 20 series"):
        same.evaluate(data[data.series < 20])


def test_steps_are_counted_where_no_column_does():
    data = frame(count=4, steps=80).drop(columns="step")
    model = gw.Forecaster(horizon=2, lookback=12, network=SMALL, training=FEW, **QUICK)
    told = model.fit(data, target="y", series="series").predict()
    assert told["step"].tolist() == [81, 82] * 4


def test_series_are_repaired_each_by_itself():
    data = dated()
    broken = data.drop(index=[10, 100]).sample(frac=1, random_state=0)
    with pytest.raises(
        DataError, match=r"series 'C' of data: times are not in order: row (\d+) "
    ) as e:
        read_series(broken, target="sold", time="day", series="shop")
    named = int(re.search(r"row (\d+)", str(e.value))[1])
    assert broken["shop"].iloc[named - 1] == "C"
    table = read_series(
        broken, target="sold", time="day", series="shop", sort=True, fill="interpolate"
    )
    assert sorted(table.series) == ["A", "B", "C"]
    assert table.lengths.tolist() == [80, 80, 80]
    for part in table.parts():
        own = data[data["shop"] == part.series[0]]
        np.testing.assert_array_equal(part.times, own["day"].to_numpy())
        known = part.observed[:, 0]
        np.testing.assert_allclose(part.values[known, 0], own["sold"].to_numpy()[known])
    assert any("interpolate" in note and "series '" in note for note in table.notes)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"series": "shpo"}, "column 'shpo' is not in data; did you mean 'shop'"),
        ({"series": "sold"}, "named as target and as series"),
        ({}, r"--series shop\)"),
    ],
)
def test_wrong_columns_get_an_answer(fault, words):
    with pytest.raises(DataError, match=words):
        read_series(dated(), target="sold", time="day", sort=True, **fault)


def test_what_cannot_be_one_table_is_named():
    hourly = dated(("D",), 40).assign(
        day=lambda d: pd.date_range("2024-01-01", periods=40, freq="h")
    )
    with pytest.raises(DataError, match="'D' has one row an hour, most have one row a day"):
        read_series(pd.concat([dated(), hourly]), target="sold", time="day", series="shop")
    nameless = dated().assign(shop=lambda data: data["shop"].where(data.index != 4))
    with pytest.raises(DataError, match="row 5 has no name"):
        read_series(nameless, target="sold", time="day", series="shop")


def test_short_series_are_named_and_left_out():
    data = pd.concat([dated(), dated(("short",), 9)])
    model = gw.Forecaster(horizon=3, lookback=10, network=SMALL, training=FEW, **QUICK)
    model.fit(data, target="sold", time="day", series="shop")
    assert any("not learnt from: the series 'short'" in note for note in model.notes_)
    with pytest.raises(DataError, match="series 'short' has fewer than the 10 rows"):
        model.predict(data)


def test_a_backtest_of_many_series_ends_with_each(learnt):
    data, model = learnt
    judged = model.backtest(data[data.series >= 20], folds=3)
    rows = judged.origins - judged.bounds[judged.whose]
    assert rows.reshape(10, 3).tolist() == [[54, 56, 58]] * 10
    with pytest.raises(UsageError, match="no series has 3 folds"):
        model.backtest(data[data.series < 20], folds=3)
    with pytest.raises(UsageError, match="goes through one series in time"):
        model.backtest(data, folds=3, refit=True)


def test_a_value_out_of_reach_is_named_with_its_series(learnt):
    data, model = learnt
    wild = data.assign(y=data["y"].mask((data["series"] == 7) & (data["step"] == 58), 1e60))
    with pytest.raises(DataError, match="row 3 from the end of series '7' is too far"):
        model.predict(wild)
    with pytest.raises(DataError, match="row 58 of series '7' is too far"):
        model.evaluate(wild)


def test_score_is_that_of_evaluate(learnt):
    data, model = learnt
    new = data[data.series >= 20]
    assert model.score(new) == -model.evaluate(new).scores()["network"]["MASE"]


def test_training_goes_on_from_a_model_of_many_series(learnt):
    data, model = learnt
    on = gw.Forecaster(horizon=2, lookback=12, training=FEW, **QUICK)
    on.fit(data[data.series >= 20], series="series", start=model)
    with pytest.raises(DataError, match="behind the rows seen"):
        on.evaluate(data)
