"""The benches beside other software run, at tiny sizes; their rows come into the page."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"


@pytest.fixture(autouse=True)
def bench_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    yield
    for path in BENCH.glob("*.py"):
        sys.modules.pop(path.stem, None)


def row(ratio, low, high):
    import summary

    return summary.Row("an epoch", "a loop", "1 s", "2 s", ratio, low, high)


def test_a_row_is_won_level_or_lost_by_its_spread():
    assert row(0.5, 0.4, 0.6).standing == "won"
    assert row(0.9, 0.8, 1.1).standing == "level"
    assert row(1.2, 1.1, 1.3).standing == "LOST"


def test_rows_are_told_where_the_page_asks_for_them(tmp_path, monkeypatch):
    import summary

    summary.tell([row(0.5, 0.4, 0.6)])  # nobody asks
    monkeypatch.setenv(summary.WHERE, str(tmp_path / "results" / "one.json"))
    summary.tell([row(0.5, 0.4, 0.6), row(1.2, 1.2, 1.2)])
    found = summary.read(["none", "one"], tmp_path / "results")
    assert list(found) == ["one"]
    lines = summary.table(found).splitlines()
    assert lines[0] == summary.BEGIN
    assert lines[3] == "| an epoch | a loop | 1 s | 2 s | 0.500 (0.400 to 0.600) | won |"
    assert lines[4] == "| an epoch | a loop | 1 s | 2 s | 1.20 (one run) | LOST |"
    assert lines[5] == summary.END
    assert lines[-1] == "Of 2 rows: won 1, level 0, mixed 0, LOST 1."


def test_several_cases_make_one_row():
    import summary

    one = summary.over_cases("answers", "a loop", "ms", [0.5, 2.0], [[1, 20], [2, 10]])
    assert one.standing == "mixed"
    assert (one.ratio, one.low, one.high) == (pytest.approx(1.0), 0.5, 2.0)
    assert (one.ours, one.theirs) == ("1.00 to 20.0 ms", "2.00 to 10.0 ms")
    assert summary.number(1234.5) == "1,234"
    assert summary.number(0.0123) == "0.0123"


def test_the_pages_table_has_every_row_of_the_results():
    import run
    import summary

    page = (BENCH.parent / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    first = summary.table(summary.read(run.TITLES))
    assert first in page
    assert {path.stem for path in summary.RESULTS.glob("*.json")} <= set(run.TITLES)


def test_answers_of_other_software_are_ours(tmp_path, monkeypatch):
    import prediction

    monkeypatch.setattr(prediction, "MOST_CALLS", 1)
    prediction.save(tmp_path, 4)
    taken = prediction.measure("torch", tmp_path, 3, rounds=1)
    assert set(taken) == {"ours", "PyTorch", "onnxruntime"}
    assert set(prediction.measure_frame(tmp_path, 1)) == {"ours", "PyTorch"}
    with np.load(tmp_path / "plain.npz") as arrays:
        other = {name: array + 1 for name, array in arrays.items()}
    np.savez(tmp_path / "plain.npz", **other)
    with pytest.raises(SystemExit, match="not the same answers"):
        prediction.measure("torch", tmp_path, 3, rounds=1)


def test_the_quick_form_of_predictions_runs(monkeypatch, capsys, tmp_path):
    import prediction
    import summary

    monkeypatch.setenv(summary.WHERE, str(tmp_path / "rows.json"))
    command = ["prediction.py", "--quick", "--frameworks", "torch"]
    monkeypatch.setattr(sys, "argv", command)
    prediction.main()
    assert "| a sequence of 100 steps, H=8" in capsys.readouterr().out
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert {one["beside"] for one in rows} == {"PyTorch", "onnxruntime"}


def test_both_ways_learn_the_same_examples_to_a_loss_that_all_reach(capsys):
    import equal_quality as bench

    for task in bench.TASKS:
        found = {"torch": bench.child("torch", task, seeds=1, epochs=3)}
        (told,) = bench.report(task, found)
        assert told.ratio > 0
        for course in found["torch"][0].values():
            assert [seconds for seconds, _ in course] == sorted(s for s, _ in course)
            assert course[-1][1] < 1
    assert "validation loss to reach" in capsys.readouterr().out
    courses = [[(1.0, 0.5), (2.0, 0.2)], [(1.0, 0.3), (3.0, 0.1)]]
    target = bench.target_of(courses, 0.0)
    assert target == 0.2
    assert [bench.reached(course, target) for course in courses] == [(2.0, 2), (3.0, 2)]


def test_keras_learns_by_fit():
    import equal_quality as bench

    pytest.importorskip("keras")
    course = bench.keras_fit(bench.data_of("token order", 0), 1, 0)
    assert len(course) == 1
    assert 0.3 < course[0][1] < 0.8


def test_the_quick_form_of_memory_runs(monkeypatch, capsys):
    import memory

    monkeypatch.setattr(sys, "argv", ["memory.py", "--quick", "--ways", "gatewise", "onnxruntime"])
    memory.main()
    told = capsys.readouterr().out
    assert "| load a model, answer once: onnxruntime alone" in told
    assert "| training on 1,000 rows: gatewise" in told


def test_all_windows_are_made_where_tutorials_make_them(capsys):
    import one_process

    for way in ("gatewise", "torch"):
        one_process.train(way, 300, 64)
    pytest.importorskip("keras")
    one_process.train("keras-tensorflow", 300, 64)


def test_ours_is_asked_like_the_peers(monkeypatch, capsys):
    import peers

    monkeypatch.setattr(sys, "argv", ["peers.py", "--quick", "--models", "Forecaster"])
    peers.main()
    told = capsys.readouterr().out
    assert "| same size: gatewise Forecaster" in told
    assert "13 windows" in told


def test_peers_stand_beside_ours_seed_by_seed(monkeypatch, tmp_path, capsys):
    import peers
    import summary

    monkeypatch.setenv(summary.WHERE, str(tmp_path / "rows.json"))
    task = peers.airline() | {"epochs": 1}
    found = []
    for seed in (0, 1):
        for how in peers.SETTINGS:
            for (library, model), size in zip(peers.MODELS, (1, 2, 4, 8), strict=True):
                facts = {"library": library, "model": model, "task": "airline", "how": how}
                cost = {"mase": size + seed, "train": size, "predict": size, "peak": size}
                found.append({**facts, "seed": seed, **cost})
    peers.report({"airline": task}, found[::-1])
    assert "| seasonal naive" in capsys.readouterr().out
    rows = {(r["what"], r["beside"]): r for r in json.loads((tmp_path / "rows.json").read_text())}
    error = rows["Error (MASE), airline, as it comes", "darts RNNModel"]
    assert (error["low"], error["high"]) == (1 / 2, 2 / 3)
    assert rows["Training, same size, 1 series", "neuralforecast LSTM"]["ratio"] == pytest.approx(
        1 / 8
    )
    assert rows["Memory: forecasting, all of it", "darts"]["ratio"] == 1 / 4
    assert rows["Memory: forecasting, all of it", "neuralforecast"]["ratio"] == 1 / 8


def test_mase_is_that_of_the_windows():
    import peers

    task = peers.airline()
    assert peers.seasonal_naive(task) == pytest.approx(1.801, abs=1e-3)  # as bench/airline.py's
    truth = np.array(task["y"])[np.array(task["origins"])[:, None] + np.arange(12)]
    assert truth.shape == (13, 12)
    assert peers.mase(task, truth) == 0
    assert peers.mase(task, truth + task["scale"]) == pytest.approx(1)


def test_peers_that_cannot_be_installed_are_left_out(monkeypatch, capsys):
    import peers

    monkeypatch.setattr(peers, "interpreter", lambda python: None)
    monkeypatch.setattr(sys, "argv", ["peers.py"])
    peers.main()
    assert "Left out" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="darts failed"):
        peers.compare({"a": peers.airline()}, sys.executable, [("darts", "RNNModel")], 1, {"a": 1})
