"""Series that are too short, or of which no window is judged: told, and nothing is lost."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import gatewise as gw
from gatewise import metrics
from gatewise.cli import main
from gatewise.errors import UsageError
from gatewise.evaluation import ForecastEvaluation
from gatewise.report.run import ForecastReport
from gatewise.report.several import forecasts

FEW = gw.Training(epochs=1, batch_size=64)
SMALL = gw.Network(hidden_size=4)


@pytest.fixture(scope="module")
def data():
    whole = gw.datasets.long_frame(gw.datasets.multi_sine(12, 40))
    young = pd.DataFrame({"series": 99, "step": range(5), "y": np.arange(5.0)})
    return pd.concat([whole, young], ignore_index=True)


@pytest.fixture(scope="module")
def model(data):
    fresh = gw.Forecaster(horizon=2, lookback=12, network=SMALL, training=FEW, verbose=0)
    return fresh.fit(data, target="y", time="step", series="series")


def test_a_model_goes_on_from_the_series_that_it_learnt_from(data, model):
    told = model.predict()
    assert told["series"].unique().tolist() == list(range(12))
    pd.testing.assert_frame_equal(told, model.predict(data[data["series"] != 99]))


@pytest.mark.parametrize("kind", [int, str])
def test_names_come_back_as_they_were_given(kind, data, model, tmp_path):
    given = data[data["series"] != 99].astype({"series": kind})
    assert model.predict(given)["series"].map(type).unique().tolist() == [kind]
    few = {"network": SMALL, "training": FEW, "verbose": 0}
    own = gw.Forecaster(horizon=2, lookback=12, **few)
    own.fit(given, target="y", time="step", series="series").save(tmp_path / "m")
    again = gw.load(tmp_path / "m").predict()
    assert again.merge(given, on="series").shape[0] == 12 * 2 * 40


def test_a_run_is_not_lost_to_one_young_series(data, tmp_path):
    data.to_csv(tmp_path / "data.csv", index=False)
    words = ["--target", "y", "--time", "step", "--series", "series", "--horizon", "2"]
    fast = ["--lookback", "12", "--hidden-size", "4", "--epochs", "1", "--quiet"]
    out = str(tmp_path / "out")
    assert main(["forecast", str(tmp_path / "data.csv"), *words, *fast, "--out", out]) == 0
    told = pd.read_csv(tmp_path / "out/predictions.csv")
    assert told["series"].unique().tolist() == list(range(12))
    said = json.loads((tmp_path / "out/metrics.json").read_text())["notes"]
    note = "no forecast beyond the end of the series '99': fewer than the 12 rows that are read"
    assert note in said


def test_what_was_not_judged_is_told_from_what_cannot_be(data, model):
    new = data.assign(series=data["series"] + 200, y=data["y"] + 0.01)
    judged = model.evaluate(new, windows=6)
    assert "1 series has no window that is new and whole, and stayed out." in judged.remark
    assert "6 series have new windows, but none among those judged" in judged.remark
    left = next(name for name in judged.series if name not in judged.by_series())
    with pytest.raises(UsageError, match=r"none of the 6 windows is of it; evaluate that series"):
        judged.of_series(left)
    assert model.evaluate(new).remark.count("stayed out") == 1
    with pytest.raises(UsageError, match="folds must be at least 1, not 0"):
        model.backtest(new, folds=0)


def still(targets: int = 1) -> ForecastEvaluation:
    """Three series: the first stands still before it is judged, so that nothing scales it."""
    values = np.tile(np.arange(30.0)[:, None], targets)
    origins = np.array([5, 15, 25])
    truth = values[origins[:, None] + np.arange(3)]
    off = np.array([1.0, 9.0, 2.0])[:, None, None]
    return ForecastEvaluation(
        targets=tuple("ab"[:targets]),
        values=values,
        times=None,
        origins=origins,
        forecasts={"network": truth + off, "naive": truth + 3.0},
        train_rows=15,
        season=1,
        scale=np.repeat([[0.0], [1.0], [1.0]], targets, axis=1),
        series=("still", "bad", "good"),
        bounds=np.array([0, 10, 20, 30]),
        seen=np.full(3, 5),
    )


def test_steps_of_series_that_nothing_scales_are_in_units_of_the_data() -> None:
    made = still(targets=2)
    np.testing.assert_allclose(made.by_step()["network"], [5.5] * 3)  # of the two that are scaled
    nothing = replace(made, scale=np.zeros((3, 2)))
    np.testing.assert_allclose(nothing.by_step()["network"], [4.0] * 3)


def test_the_report_ranks_the_series_that_have_an_error() -> None:
    made = still()
    report = ForecastReport(
        title="",
        source="",
        evaluation=made,
        backtest=made,
        future=pd.DataFrame({"series": ["bad"], "step": [11], "a": [1.0]}),
        history=None,
        facts={},
        notes=(),
        settings="",
        command="",
    )
    page = "".join(str(piece) for piece in forecasts(report))
    assert "2 of 3 series that were judged" in page
    rows = [page.rindex(f">{name}<") for name in ("bad", "good", "still")]
    assert rows == sorted(rows)


def test_a_verdict_measures_each_forecast_once(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(metrics, "mae", lambda truth, told: asked.append(1) or 0.0)
    made = still()
    made.verdict()
    repr(made)
    assert len(asked) == len(made.forecasts)
    made.scores()["network"]["MAE"] = 9.0
    assert made.scores()["network"]["MAE"] == 0.0
