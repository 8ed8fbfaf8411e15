"""The Forecaster as a user has it: what it learns, says, refuses, saves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import gatewise as gw
from gatewise.data import datasets
from gatewise.data.table import read_series
from gatewise.engine import Outputs
from gatewise.errors import DataError, SpecError, UsageError
from gatewise.tasks.recipe import logarithm_pays, segment_length

QUICK = gw.Training(epochs=3)
SMALL = gw.Network(hidden_size=8)


def forecaster(horizon: int = 4, **chosen: object) -> gw.Forecaster:
    fields = {"verbose": 0, "training": QUICK, "network": SMALL}
    return gw.Forecaster(horizon, **{**fields, **chosen})


def waves(rows: int = 300, columns: int = 2, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    steps = np.arange(rows)
    frame = {
        f"y{i}": 10 * (i + 1) + np.sin(2 * np.pi * steps / (12 + i)) + rng.normal(0, 0.1, rows)
        for i in range(columns)
    }
    return pd.DataFrame({"time": pd.date_range("2024-01-01", periods=rows, freq="h"), **frame})


@pytest.mark.parametrize("strategy", ["direct", "recursive", "encoder_decoder", "by_position"])
@pytest.mark.parametrize("target", ["y0", ["y0", "y1"]])
@pytest.mark.parametrize("calendar", [False, True])
def test_every_strategy_forecasts_one_and_many_columns(
    strategy: str, target: object, calendar: bool
) -> None:
    frame = waves()
    model = forecaster(strategy=strategy, calendar=calendar, lookback=24)
    model.fit(frame.iloc[:250], target=target, time="time")
    names = [target] if isinstance(target, str) else target
    told = model.predict(frame)
    assert list(told.columns) == ["time", *names]
    assert told["time"].tolist() == list(pd.date_range("2024-01-13 12:00", periods=4, freq="h"))
    for name in names:
        assert np.all(np.abs(told[name] - frame[name].mean()) < 3)
    scores = model.evaluate(frame).scores()
    assert list(scores) == ["network", "naive", "seasonal naive", "drift", "linear"]


@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_features_are_read(strategy: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=800)
    frame = pd.DataFrame({"y": np.concatenate([[0.0], x[:-1]]), "x": x})  # y repeats x a step later
    errors = []
    for features in (None, "x"):
        model = forecaster(
            1,
            lookback=4,
            strategy=strategy,
            network=gw.Network(hidden_size=16),
            training=gw.Training(epochs=15, learning_rate=1e-2, batch_size=16),
        )
        model.fit(frame[:600], target="y", features=features)
        errors.append(model.evaluate(frame).scores()["network"]["MAE"])
    assert errors[1] < 0.6 * errors[0]


def test_the_same_seed_gives_the_same_bits_and_another_does_not() -> None:
    frame = waves()
    told = [
        forecaster(seed=seed, network=gw.Network(hidden_size=8, dropout=0.2, shortcut=0))
        .fit(frame, target="y0", time="time")
        .predict()["y0"]
        .to_numpy()
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(told[0], told[1])
    assert np.all(told[0] != told[2])


def test_fit_reads_nothing_of_what_comes_later() -> None:
    frame = waves()
    changed = frame.copy()
    changed.loc[250:, ["y0", "y1"]] = 1e6
    first, second = (
        forecaster().fit(read_series(f, target="y0", time="time").rows(0, 250))
        for f in (frame, changed)
    )
    for name, value in first.weights_.items():
        np.testing.assert_array_equal(value, second.weights_[name])


def test_predictions_come_from_the_onnx_graph() -> None:
    frame = waves()
    model = forecaster().fit(frame, target="y0", time="time")

    class Zero:
        def forward(self, batch: object) -> Outputs:
            return Outputs(np.zeros((len(batch.x), 4, 1), dtype=np.float32))

    before = model.predict()["y0"]
    model.runner_ = Zero()
    assert np.all(before != model.predict()["y0"])


def test_save_and_load_give_the_same_answers(tmp_path: Path) -> None:
    frame = waves()
    for strategy in ("direct", "encoder_decoder"):
        model = forecaster(strategy=strategy, calendar=True)
        model.fit(frame.iloc[:260], target=["y0", "y1"], time="time")
        model.save(tmp_path / strategy)
        again = gw.load(tmp_path / strategy)
        pd.testing.assert_frame_equal(again.predict(), model.predict())
        pd.testing.assert_frame_equal(again.predict(frame), model.predict(frame))
        assert again.evaluate(frame).scores("y0") == model.evaluate(frame).scores("y0")
        assert again.summary() == model.summary()
        assert again.get_params(deep=False) == model.get_params(deep=False)
        again.save(tmp_path / "again")
        assert gw.load(tmp_path / "again").predict().equals(model.predict())


def test_a_second_fit_starts_afresh() -> None:
    frame = waves()
    model = forecaster().fit(frame, target="y0", time="time")
    first = model.predict()
    model.fit(frame, target="y1", time="time")
    model.fit(frame, target="y0", time="time")
    pd.testing.assert_frame_equal(model.predict(), first)


def test_backtest_refits_where_it_would_be_judged_on_rows_it_has_seen() -> None:
    frame = waves(200)
    unseen = forecaster().fit(frame.iloc[:180], target="y0", time="time")
    seen = forecaster().fit(frame, target="y0", time="time")
    frozen = unseen.backtest(frame, folds=3)
    np.testing.assert_array_equal(frozen.origins, [188, 192, 196])
    np.testing.assert_array_equal(
        frozen.forecasts["network"], unseen.evaluate(frame).forecasts["network"][8::4]
    )
    fresh = seen.backtest(frame, folds=3)
    np.testing.assert_array_equal(fresh.origins, [188, 192, 196])
    by_hand = forecaster().fit(frame.iloc[:192], target="y0", time="time")
    np.testing.assert_allclose(
        fresh.forecasts["network"][1, :, 0], by_hand.predict()["y0"], rtol=1e-6
    )


def test_what_is_shown_is_short_and_says_it_all() -> None:
    frame = waves()
    model = forecaster(seed=3).fit(frame.iloc[:250], target=["y0", "y1"], time="time")
    assert repr(model).startswith("Forecaster(horizon=4, seed=3, verbose=0, network=Network(")
    lines = repr(model.evaluate(frame)).splitlines()
    assert lines[0].split() == ["sMAPE", "MASE"]  # MAE of several units has no mean
    assert {line.split("  ")[0] for line in lines[1:6]} == {
        "network",
        "naive",
        "seasonal naive",
        "drift",
        "linear",
    }
    assert lines[6].startswith("The network ")


def test_evaluation_says_when_everything_was_seen() -> None:
    frame = waves()
    model = forecaster().fit(frame, target="y0", time="time")
    with pytest.raises(DataError, match=r"0 of 300 rows are new.*refit=True"):
        model.evaluate(frame)


def test_a_random_walk_is_not_beaten_and_the_verdict_says_so() -> None:
    frame = datasets.random_walk(1500, seed=3)
    model = gw.Forecaster(1, verbose=0, training=gw.Training(epochs=10)).fit(frame[:1200])
    evaluation = model.evaluate(frame)
    scores = evaluation.scores()
    assert scores["network"]["MASE"] > 0.97 * scores["naive"]["MASE"]
    assert "LOSES" in evaluation.verdict() or "level with" in evaluation.verdict()
    assert "a random walk, as far as the past tells" in evaluation.verdict()


def test_sine_is_learnt_to_within_a_tenth_of_the_linear_autoregression() -> None:
    frame = datasets.noisy_sine()
    y = frame["y"].to_numpy()
    x = np.stack([np.append(y[i : i + 20], 1.0) for i in range(1000)])
    weights = np.linalg.lstsq(x, y[20:1020], rcond=None)[0]
    new = np.stack([np.append(y[i : i + 20], 1.0) for i in range(1000, 1180)])
    linear = np.mean((new @ weights - y[1020:]) ** 2)
    model = gw.Forecaster(1, lookback=20, verbose=0).fit(frame[:1020], target="y")
    told = model.evaluate(frame)
    ours = told.scores()["network"]["RMSE"] ** 2
    assert ours <= 1.10 * linear


def test_the_network_alone_does_not_wander_off_when_fed_with_itself() -> None:
    frame = datasets.noisy_sine()
    model = gw.Forecaster(
        100,
        lookback=20,
        strategy="recursive",
        verbose=0,
        network=gw.Network(hidden_size=32, shortcut=0),
        training=gw.Training(epochs=25),
    ).fit(frame[:1020], target="y")
    assert model.codec_.window_scaling == "none"
    told = model.predict()["y"].to_numpy()
    assert (
        np.abs(told).max() < 1.5
    )  # read relative to the last value, it left the sine by 3 and more
    trend = pd.DataFrame({"y": np.arange(300.0) + np.sin(np.arange(300))})
    apart = forecaster(network=gw.Network(hidden_size=8, shortcut=0)).fit(trend)
    assert apart.codec_.window_scaling == "last"


def test_airline_passengers_beat_the_seasonal_naive_on_rolling_origins() -> None:
    frame = datasets.airline_passengers()
    for seed in range(3):  # `make bench` prints the scores
        model = gw.Forecaster(12, verbose=0, seed=seed).fit(frame.iloc[:120])
        scores = model.evaluate(frame).scores()
        assert scores["network"]["MASE"] < 1
        assert scores["network"]["MASE"] < scores["seasonal naive"]["MASE"]


def test_short_series_fall_back_and_say_so() -> None:
    model = gw.Forecaster(12, verbose=0, training=QUICK).fit(datasets.airline_passengers())
    assert model.strategy_ == "direct"
    assert any("too few" in note for note in model.notes_)


def test_logarithms_pay_where_the_spread_grows_with_the_level() -> None:
    passengers = datasets.airline_passengers()[["passengers"]].to_numpy(float)
    assert logarithm_pays(passengers, 12)
    steps = np.arange(400.0)[:, None]
    assert not logarithm_pays(50 + steps / 10 + np.sin(2 * np.pi * steps / 12), 12)
    assert not logarithm_pays(passengers - 200, 12)


def test_segments_divide_the_lookback() -> None:
    assert segment_length(720, 96) == 48
    assert segment_length(168, 24) == 12
    assert segment_length(101, 24) is None
    for lookback in range(8, 200):
        size = segment_length(lookback, 24)
        assert size is None or lookback % size == 0


def test_parameters_are_scikit_learns() -> None:
    model = gw.Forecaster(3, network=gw.Network(hidden_size=8), training=QUICK)
    params = model.get_params()
    assert params["network__hidden_size"] == 8
    assert params["training__epochs"] == 3
    twin = clone(model)
    assert twin.get_params() == params
    twin.set_params(network__hidden_size=16, horizon=5, training__learning_rate=0.1)
    assert (twin.network.hidden_size, twin.horizon, model.network.hidden_size) == (16, 5, 8)
    assert twin.training.epochs == 3
    with pytest.raises(UsageError, match="no parameter 'horizont'; did you mean 'horizon'"):
        twin.set_params(horizont=1)
    with pytest.raises(SpecError, match="did you mean 'hidden_size'"):
        twin.set_params(network__hiden_size=1)
    assert twin.horizon == 5


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"horizon": 0}, "horizon must be a whole number of steps, at least 1, not 0"),
        ({"horizon": 2.5}, "horizon must be a whole number"),
        ({"lookback": 0}, "lookback must be a whole number"),
        ({"strategy": "directly"}, "did you mean 'direct'"),
        ({"scaling": "std", "window_scaling": "lst"}, "scaling must be.*window_scaling must be"),
        ({"transform": "logs"}, "did you mean 'log'"),
        ({"validation": 1.5}, "validation must be"),
        ({"engine": "pytorch"}, "engine 'pytorch' is unknown"),
        ({"device": "gpu"}, "device 'gpu' is unknown"),
        ({"lookback": 25, "network": gw.Network(segment_length=4)}, "not a multiple of"),
        ({"transform": "log"}, "transform='log' needs values clearly above 0"),
    ],
)
def test_unusable_arguments_are_refused_in_words(chosen: dict, message: str) -> None:
    frame = pd.DataFrame({"y": np.sin(np.arange(100.0))})
    with pytest.raises((UsageError, SpecError), match=message):
        forecaster(**{"horizon": 4, **chosen}).fit(frame)


def test_too_few_rows_name_what_is_needed() -> None:
    frame = pd.DataFrame({"y": np.arange(30.0) ** 1.1})
    with pytest.raises(DataError, match=r"30 training rows are too few: lookback 24 \+ horizon 4"):
        forecaster(lookback=24).fit(frame)
    model = forecaster(lookback=6).fit(frame)
    with pytest.raises(DataError, match="has 5 rows, and the model reads the last 6"):
        model.predict(frame[:5])


def test_a_failed_fit_leaves_what_was_learnt() -> None:
    frame = waves()
    model = forecaster().fit(frame, target="y0", time="time")
    before = model.predict()
    with pytest.raises(DataError):
        model.fit(frame.assign(y0=1.0), target="y0", time="time")
    pd.testing.assert_frame_equal(model.predict(), before)


def test_nothing_is_told_before_anything_was_learnt() -> None:
    with pytest.raises(UsageError, match="call fit first"):
        forecaster().predict(waves())
    with pytest.raises(UsageError, match="call fit first"):
        forecaster().predict()
