"""--refit ships a model of all rows; what is judged stays the model that did not see the test."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gatewise as gw
from gatewise.cli import main
from gatewise.data import datasets


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
    by_hand = gw.Forecaster(12, verbose=0, training=gw.Training(epochs=3)).fit(frame)
    told = pd.read_csv("refit/predictions.csv")["passengers"]
    np.testing.assert_allclose(told, by_hand.predict()["passengers"], rtol=1e-6)
    assert not np.allclose(told, pd.read_csv("plain/predictions.csv")["passengers"])
