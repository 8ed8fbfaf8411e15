"""A fitted forecaster and later data: what is new, what fits, what does not."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_forecaster import forecaster, waves

import gatewise as gw
from gatewise.data import datasets
from gatewise.data.table import read_series
from gatewise.errors import DataError, UsageError
from gatewise.training import History


def test_a_backtest_on_rows_that_were_seen_is_refused() -> None:
    frame = waves()
    model = forecaster().fit(frame, target="y0", time="time")
    with pytest.raises(UsageError, match=r"was trained on the first 300 rows.*refit=True"):
        model.backtest(frame, folds=2, refit=False)


@pytest.mark.parametrize("time", [None, "time"])
def test_new_rows_alone_are_judged_and_the_missing_linear_model_is_said(time: str | None) -> None:
    frame = waves(500)
    if time is None:
        frame = frame.drop(columns="time")
    model = forecaster().fit(frame[:200], target="y0", time=time)
    alone = model.evaluate(frame[200:].reset_index(drop=True))
    assert alone.train_rows == 0
    assert alone.origins[0] == model.lookback_
    assert "linear" not in alone.forecasts
    assert "The linear model, often the strongest, is not among them" in alone.verdict()
    behind = model.evaluate(frame)
    assert behind.train_rows == 200
    np.testing.assert_allclose(
        behind.forecasts["network"][model.lookback_ :], alone.forecasts["network"], rtol=1e-5
    )


def test_data_of_another_spacing_or_with_other_columns_is_refused() -> None:
    frame = waves()
    model = forecaster().fit(frame, target="y0", time="time")
    daily = frame.assign(time=pd.date_range("2024-01-01", periods=300))
    with pytest.raises(DataError, match="one row a day; the model learnt from one row an hour"):
        model.predict(daily)
    with pytest.raises(DataError, match="column 'y0' is not in"):
        model.predict(frame.rename(columns={"y0": "level"}))


def test_steps_are_counted_from_one() -> None:
    frame = waves().drop(columns="time")
    model = forecaster().fit(frame, target="y0")
    assert model.predict()["step"].tolist() == [301, 302, 303, 304]
    assert model.predict(frame[:100])["step"].tolist() == [101, 102, 103, 104]


def test_a_counted_column_goes_on_and_is_checked_again(tmp_path: Path) -> None:
    frame = waves().assign(time=np.arange(1000, 1600, 2))
    model = forecaster().fit(frame, target="y0", time="time")
    assert model.predict()["time"].tolist() == [1600, 1602, 1604, 1606]
    assert model.predict(frame[:100])["time"].tolist() == [1200, 1202, 1204, 1206]
    with pytest.raises(DataError, match="not in order"):
        model.predict(frame.iloc[::-1])
    model.save(tmp_path / "m")
    assert gw.load(tmp_path / "m").predict().equals(model.predict())


def test_filled_values_that_are_judged_are_counted() -> None:
    frame = waves()
    frame.loc[[252, 260], "y0"] = np.nan
    table = read_series(frame, target="y0", time="time", fill="interpolate")
    model = forecaster().fit(table.rows(0, 250))
    assert "2 of the 50 values judged were filled in" in model.evaluate(table).verdict()


def test_a_later_zero_does_not_stop_a_model_of_logarithms() -> None:
    frame = datasets.airline_passengers()
    frame.loc[130, "passengers"] = 0
    model = gw.Forecaster(12, verbose=0, training=gw.Training(epochs=2)).fit(frame[:120])
    assert model.codec_.logs == ("passengers",)
    scores = model.evaluate(frame).scores()
    assert all(np.isfinite(score["MAE"]) for score in scores.values())
    early = datasets.airline_passengers()
    early.loc[110, "passengers"] = 0  # among the validation rows
    assert gw.Forecaster(12, verbose=0, training=gw.Training(epochs=2)).fit(early).codec_.logs == ()


def test_a_value_out_of_all_proportion_is_named() -> None:
    frame = waves()
    model = forecaster().fit(frame, target="y0", time="time")
    frame.loc[297, "y0"] = 1e60
    with (
        np.errstate(over="ignore"),
        pytest.raises(DataError, match=r"row 298 is too far .*: 1e\+60"),
    ):
        model.predict(frame)


def test_a_fitted_model_can_be_copied_and_pickled() -> None:
    model = forecaster().fit(waves(), target="y0", time="time")
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        pd.testing.assert_frame_equal(twin.predict(), model.predict())


def test_numpy_numbers_are_numbers(tmp_path: Path) -> None:
    model = forecaster(np.int64(4), seed=np.int64(1)).fit(waves(), target="y0", time="time")
    model.save(tmp_path / "m")
    assert gw.load(tmp_path / "m").predict().equals(model.predict())


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"seed": -1}, "seed must be a whole number, at least 0, not -1"),
        ({"seed": None}, "seed must be a whole number"),
        ({"network": {"hidden_size": 8}}, "network must be a gatewise.Network"),
        ({"validation": "0.2"}, "validation must be a share"),
    ],
)
def test_arguments_of_the_wrong_type_are_refused(chosen: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        forecaster(**chosen).fit(waves(), target="y0", time="time")
    model = forecaster().fit(waves(), target="y0", time="time")
    with pytest.raises(UsageError, match="windows must be at least 1"):
        model.evaluate(waves(), windows=0)


def test_what_has_no_effect_is_said() -> None:
    model = forecaster(
        strategy="by_position",
        network=gw.Network(hidden_size=8, pooling="max", attention_size=3),
        training=gw.Training(epochs=1, momentum=0.5),
    ).fit(waves(), target="y0", time="time")
    said = [note for note in model.notes_ if note.startswith("asked for but without effect")]
    assert len(said) == 1
    assert all(name in said[0] for name in ("pooling", "attention_size", "momentum"))
    plain = forecaster().fit(waves(), target="y0", time="time")
    assert not any("without effect" in note for note in plain.notes_)


def test_a_season_that_does_not_fit_twice_is_not_assumed() -> None:
    times = pd.date_range("2024-01-01", periods=640, freq="min")
    frame = pd.DataFrame({"t": times, "y": np.sin(np.arange(640) / 9)})
    model = forecaster().fit(frame, target="y", time="t")
    assert model.season_ == 1
    assert any("1440 steps" in note and "none is assumed" in note for note in model.notes_)


def test_a_network_that_learnt_nothing_does_not_claim_a_shortcut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    untrained = History((), best_epoch=0, stopped="finished")
    monkeypatch.setattr("gatewise.tasks.training.fit", lambda *_, **__: untrained)
    for lags, said in ((0, False), (24, True)):
        network = gw.Network(hidden_size=8, shortcut=lags)
        model = forecaster(lookback=24, network=network).fit(waves(), target="y0", time="time")
        assert any("shortcut was solved anew" in note for note in model.notes_) == said
        assert any("did better on the validation rows" in note for note in model.notes_)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"training": gw.Training(loss="cross_entropy")}, "one of mse, mae, huber, not 'cross_e"),
        ({"training": gw.Training(loss="binary_cross_entropy")}, "one of mse, mae, huber"),
        ({"training": gw.Training(label_smoothing=0.1)}, "no label_smoothing"),
        ({"network": gw.Network(token_dropout=0.2)}, "no token_dropout"),
        ({"network": gw.Network(embedding_dropout=0.2)}, "no embedding_dropout"),
        ({"network": gw.Network(attention="additive")}, "no attention"),
    ],
)
def test_what_belongs_to_tokens_and_classes_is_refused(options, words):
    with pytest.raises(UsageError, match=words):
        gw.Forecaster(horizon=2, **options).fit(np.arange(80.0))
