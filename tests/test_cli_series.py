"""`gatewise forecast --series` and what follows it, as a user types it."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

import gatewise as gw
from gatewise.cli import main

FAST = ["--quiet", "--hidden-size", "4", "--epochs", "2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("series")
    gw.datasets.long_frame(gw.datasets.multi_sine(12, 60)).to_csv(place / "waves.csv", index=False)
    gw.datasets.long_frame(gw.datasets.multi_sine(30, 20)).to_csv(place / "short.csv", index=False)
    words = ["--target", "y", "--time", "step", "--series", "series", "--horizon", "3"]
    out = ["--out", str(place / "out")]
    assert (
        main(["forecast", str(place / "waves.csv"), *words, "--lookback", "10", *FAST, *out]) == 0
    )
    return place


def test_a_run_of_many_series_leaves_its_folder(folder):
    metrics = json.loads((folder / "out/metrics.json").read_text())
    assert metrics["series"] == 12
    assert metrics["settings"]["series"] == "series"
    assert metrics["evaluation"]["series"] == 12
    assert metrics["evaluation"]["train_rows"] == 12 * 48
    told = pd.read_csv(folder / "out/predictions.csv")
    assert told["series"].tolist() == np.repeat(np.arange(12), 3).tolist()
    assert told["step"].tolist() == [61, 62, 63] * 12
    page = (folder / "out/report.html").read_text()
    assert set(re.findall(r'id="(series-\d)', page)) == {f"series-{i}" for i in range(4)}
    assert "576, of 12 series" in page
    assert "MASE by series" in page


def test_predict_and_evaluate_read_the_series_column_again(folder, capsys):
    model, data = str(folder / "out/model"), str(folder / "waves.csv")
    assert main(["predict", model, data]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "series,step,y"
    assert len(told) == 1 + 12 * 3
    assert main(["evaluate", model, data]) == 0
    assert "of 12 series" in capsys.readouterr().out
    assert main(["info", model]) == 0
    assert "12, told apart by 'series', 48 rows each" in capsys.readouterr().out


def test_short_series_are_tested_whole(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    words = ["--target", "y", "--series", "series", "--horizon", "1", "--lookback", "18"]
    assert main(["forecast", "short.csv", *words, *FAST]) == 0
    said = capsys.readouterr().out
    assert "Test: 6 of 30 series, drawn by the seed, kept from training" in said


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["--series", "serie"], "did you mean 'series'"),
        (["--series", "series", "--lookback", "60"], "the longest, '0', has 60"),
        (["--series", "series", "--test", "2"], "give --test 3 or more"),
        (["--time", "step"], "told apart by column 'series'"),
    ],
)
def test_typical_mistakes_get_an_answer(folder, words, answer, capsys):
    data = str(folder / "waves.csv")
    assert main(["forecast", data, "--target", "y", "--horizon", "3", *words]) == 2
    assert answer in capsys.readouterr().err
