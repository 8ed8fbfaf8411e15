"""--refit ships a model of all rows; what is judged stays the model that did not see the test."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from shop import ROWS, SMALL, TARGET, forecast

import gatewise as gw
from gatewise.cli import forecast_parts, main
from gatewise.cli.forecast_options import ForecastOptions
from gatewise.cli.verbs import to_yaml
from gatewise.data import datasets
from gatewise.errors import DivergedError
from gatewise.tasks.forecaster import Forecaster


def test_refit_ships_a_model_of_all_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    frame = datasets.airline_passengers()
    frame.to_csv("air.csv", index=False)
    common = ["forecast", "air.csv", "--horizon", "12", "--epochs", "3", "--quiet"]
    assert main([*common, "--out", "plain"]) == 0
    assert main([*common, "--out", "refit", "--refit"]) == 0
    plain, refit = (json.loads(Path(n, "metrics.json").read_text()) for n in ("plain", "refit"))
    assert refit["evaluation"] == plain["evaluation"]
    assert any("learnt from all 144 rows" in note for note in refit["notes"])
    model = gw.load("refit/model")
    assert model.trained_rows_ == 144
    judged = gw.load("plain/model")
    assert (model.network_, model.training_) == (judged.network_, judged.training_)
    by_hand = gw.Forecaster(
        12,
        verbose=0,
        lookback=judged.lookback_,
        strategy=judged.strategy_,
        network=judged.network_,
        training=judged.training_,
    ).fit(frame)
    told = pd.read_csv("refit/predictions.csv")["passengers"]
    np.testing.assert_allclose(told, by_hand.predict()["passengers"], rtol=1e-6)
    assert not np.allclose(told, pd.read_csv("plain/predictions.csv")["passengers"])


@pytest.mark.parametrize("kind", ["direct", "by_position"])
def test_the_refitted_model_has_the_choices_of_the_judged_one(here, kind):
    words = ["--strategy", kind, "--epochs", "1", "--quiet", "--no-retrain", "--refit"]
    seen = []
    fit = Forecaster.fit

    def spy(self, data, **rest):
        fit(self, data, **rest)
        seen.append(self)
        return self

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Forecaster, "fit", spy)
        assert forecast("shop.csv", *TARGET, *words) == 0
    judged, shipped = seen
    assert (judged.trained_rows_, shipped.trained_rows_) == (60, ROWS)
    for name in ("strategy_", "lookback_", "network_", "training_", "spec_"):
        assert getattr(shipped, name) == getattr(judged, name), name
    for name in ("logs", "window_scaling", "independent"):
        assert getattr(shipped.codec_, name) == getattr(judged.codec_, name), name
    assert any(f"on all {ROWS} rows" in note for note in shipped.notes_)


def interrupted_at(which, ending):
    """Forecaster.fit that ends its `which`-th call so."""
    calls = []
    fit = Forecaster.fit

    def fitted(self, data, **rest):
        calls.append(self)
        if len(calls) == which and isinstance(ending, BaseException):
            raise ending
        fit(self, data, **rest)
        if len(calls) == which:
            object.__setattr__(self.history_, "stopped", ending)
        return self

    return fitted


@pytest.mark.parametrize("ending", [KeyboardInterrupt(), "interrupted", DivergedError("boom")])
def test_a_refit_that_ends_early_ships_the_judged_model(here, ending, monkeypatch, capsys):
    monkeypatch.setattr(Forecaster, "fit", interrupted_at(2, ending))
    code = forecast("shop.csv", *TARGET, *SMALL, "--refit", "--out", "o")
    failed = isinstance(ending, DivergedError)
    assert code == (1 if failed else 130)
    assert ("error: boom" in capsys.readouterr().err) == failed
    assert gw.load("o/model").trained_rows_ == 60
    notes = json.loads(Path("o/metrics.json").read_text())["notes"]
    assert any(note.startswith("the refit ") and "judged" in note for note in notes)
    assert not any(note.startswith("refitted") for note in notes)


@pytest.mark.parametrize("ending", [KeyboardInterrupt(), "interrupted", DivergedError("boom")])
def test_a_backtest_that_ends_early_keeps_the_model(here, ending, monkeypatch, capsys):
    monkeypatch.setattr(Forecaster, "fit", interrupted_at(3, ending))
    words = ["--test", "12", "--folds", "4", "--refit", "--out", "o"]
    code = forecast("shop.csv", *TARGET, *SMALL, *words)
    failed = isinstance(ending, DivergedError)
    assert code == (1 if failed else 130)
    assert ("error: boom" in capsys.readouterr().err) == failed
    metrics = json.loads(Path("o/metrics.json").read_text())
    assert metrics["settings"]["folds"] == metrics["backtest"]["windows"] == 2
    assert any("the backtest " in note for note in metrics["notes"])
    assert gw.load("o/model").trained_rows_ == 60


def test_impossible_folds_are_found_before_training(here, monkeypatch, capsys):
    monkeypatch.setattr(Forecaster, "fit", lambda *given, **named: pytest.fail("trained"))
    for words in (["--folds", "50"], ["--folds", "9", "--lookback", "12"]):
        assert forecast("shop.csv", *TARGET, *words) == 2
        assert "folds or fewer" in capsys.readouterr().err


@pytest.mark.parametrize("validation", ["0.2", "0.5", "8"])
def test_the_most_folds_that_are_let_through_can_be_trained(here, validation):
    words = ["--lookback", "12", "--validation", validation, *SMALL]
    options = {"horizon": 6, "lookback": 12, "validation": float(validation)}
    if float(validation) >= 1:
        options["validation"] = int(validation)
    for folds in range(12, 0, -1):
        try:
            forecast_parts.split_rows(ROWS, forecast_parts.ForecastOptions(**options, folds=folds))
            break
        except gw.GatewiseError:
            continue
    assert folds > 2
    assert forecast("shop.csv", *TARGET, *words, "--folds", str(folds), "--quiet") == 0
    origin = ROWS - 6 * (folds + 1)  # one fold more
    with pytest.raises(gw.GatewiseError, match="too few"):
        Forecaster(**options, verbose=0, strategy="direct").fit(np.arange(origin) % 7 * 1.0)


def test_the_settings_of_a_run_with_a_refitting_backtest_give_the_same_run(here):
    words = ["--epochs", "2", "--test", "12", "--folds", "4", "--quiet"]
    assert forecast("shop.csv", *TARGET, *words, "--out", "first") == 0
    first = json.loads(Path("first/metrics.json").read_text())
    Path("again.yaml").write_text(to_yaml(ForecastOptions, first["settings"]), encoding="utf-8")
    assert forecast("shop.csv", "--config", "again.yaml", "--quiet", "--out", "second") == 0
    second = json.loads(Path("second/metrics.json").read_text())
    for name in ("evaluation", "backtest", "settings"):
        assert second[name] == first[name], name
