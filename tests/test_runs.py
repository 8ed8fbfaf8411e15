"""The log of a run, read back: what was told, what outlives a kill, what compares with what."""

from __future__ import annotations

import errno
import json
import math
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from pages import NASTY, Parsed
from shop import SMALL, TARGET, forecast

import gatewise as gw
from gatewise import errors, progress
from gatewise.cli import main
from gatewise.report.runs import runs_page
from gatewise.runs.log import RunLog
from gatewise.runs.reading import logged_runs, read_runs
from gatewise.runs.several import Several, beside_progress, without_progress
from gatewise.runs.table import in_order, run_table
from gatewise.training import EpochRecord, History, Nobody

TEXTS = ["good fine", "bad awful", "good nice", "bad poor"] * 10
LABELS = ["yes", "no"] * 20
FACTS = {"task": "forecast", "engine": "torch", "data": {"sha256": "aaaa"}, "settings": {"seed": 0}}


def lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def record(epoch, loss=0.5):
    return EpochRecord(epoch, 1.0 / epoch, loss, 1e-3, 0.25)


def write(path, losses=(0.5, 0.25), state="finished", score=None, about=FACTS, **how):
    """A log as a fit writes it; without a state as one that was killed."""
    log = RunLog(path, **how)
    log.about(about)
    log.begin(9, 4)
    records = tuple(record(number, loss) for number, loss in enumerate(losses, 1))
    for one in records:
        log.epoch(one, True)
    if state is not None:
        log.end(History(records, len(records), "finished"))
        if score is not None:
            log.scores(Judged(score))
        log.close(state)
    return log


class Judged:
    ranked_by = "MASE"

    def __init__(self, own, windows=7):
        self.own, self.windows = own, windows

    def ranking(self):
        return sorted([("network", self.own), ("naive", 1.0)], key=lambda pair: pair[1])

    def standing(self):
        return "beats" if self.own < 1 else "loses"

    def verdict(self):
        return "so so"

    def to_dict(self):
        return {"windows": self.windows}


def test_a_fit_tells_what_it_trains_and_each_epoch(tmp_path):
    place = tmp_path / "new" / "a.jsonl"
    training = gw.Training(epochs=3, batch_size=8)
    model = gw.Classifier(members=2, training=training, verbose=0, seed=5)
    model.fit(TEXTS, LABELS, watch=RunLog(place))
    told = lines(place)
    run = told[0]
    assert (run["event"], run["task"], run["engine"]) == ("run", "classify", "torch")
    assert run["data"]["sha256"] == model.data_["sha256"]
    assert run["settings"]["seed"] == 5
    assert run["settings"]["network"] == model.network_.model_dump()
    assert run["settings"]["training"] == model.training_.model_dump()
    assert run["versions"] == model.versions_
    epochs = [line for line in told if line["event"] == "epoch"]
    assert [line["training"] for line in epochs] == ["member 1 of 2"] * 3 + ["member 2 of 2"] * 3
    last = [line for line in epochs if line["training"] == "member 2 of 2"]
    kept = [(r.epoch, r.train_loss, r.validation_loss) for r in model.history_.records]
    assert [(e["epoch"], e["train_loss"], e["validation_loss"]) for e in last] == kept
    found = read_runs(tmp_path / "new")
    assert found["state"].tolist() == ["finished"]
    assert found["best_loss"][0] == min(e["validation_loss"] for e in epochs[:3])
    assert found["seconds"][0] == pytest.approx(sum(e["seconds"] for e in epochs))


def test_training_anew_and_folds_have_names_of_their_own(tmp_path):
    frame = gw.datasets.airline_passengers()
    training = gw.Training(epochs=3, learning_rate=0.01)
    with gw.RunLog(tmp_path / "a.jsonl") as log:
        model = gw.Forecaster(horizon=6, verbose=0, training=training)
        model.fit(frame[:120], target="passengers", time="month", watch=log)
        model.backtest(frame[:120], folds=2, watch=log)
        log.scores(model.evaluate(frame))
    (run,) = logged_runs(tmp_path)
    names = list(run.curves)
    assert names[0] == "training"
    assert set(names) <= {
        f"{outer}{inner}"
        for outer in ("", "fold 1 of 2, ", "fold 2 of 2, ")
        for inner in ("training", "all rows")
    } | {"fold 1 of 2", "fold 2 of 2"}
    assert {"fold 1 of 2", "fold 2 of 2"} <= set(names)
    evaluation = model.evaluate(frame)
    assert run.metric == "MASE"
    assert run.own_score == evaluation.scores()["network"]["MASE"]
    assert run.best_baseline == next(p for p in evaluation.ranking() if p[0] != "network")
    assert run.state == "finished"


def test_progress_is_shown_beside_a_log_unless_it_shows_itself(tmp_path, capsys):
    watch = beside_progress(RunLog(tmp_path / "a.jsonl"), 1)
    assert [type(one) for one in watch.watches] == [RunLog, progress.Lines]
    assert isinstance(beside_progress(None, 1), progress.Lines)
    shown = progress.watch(1)
    assert beside_progress(shown, 1) is shown
    assert beside_progress(watch, 1) is watch
    assert [type(one) for one in without_progress(watch).watches] == [RunLog]
    assert isinstance(without_progress(shown), Nobody)
    assert len(Several(watch, Several(Nobody())).watches) == 3
    both = beside_progress([Nobody(), RunLog(tmp_path / "b.jsonl")], 1)
    assert [type(one) for one in both.watches] == [Nobody, RunLog, progress.Lines]


def test_a_second_fit_with_the_same_log_is_a_second_run(tmp_path):
    log = write(tmp_path / "a.jsonl", state=None)
    log.about({**FACTS, "settings": {"seed": 1}})
    log.begin(9, 4)
    log.epoch(record(1), True)
    log.close()
    found = read_runs(tmp_path)
    assert found["run"].tolist() == ["a#1", "a#2"]
    assert found["seed"].tolist() == [0, 1]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_last_line_is_left_out_and_the_next_run_begins_on_its_own(tmp_path, cut):
    place = tmp_path / "a.jsonl"
    write(place, losses=(0.5, 0.25, 0.125), state=None)
    whole = place.read_bytes()
    place.write_bytes(whole[:-cut])
    (run,) = logged_runs(place)
    assert run.state == "killed"
    assert [loss for _, loss in run.main.losses()] == [0.5, 0.25] + [0.125] * (cut == 1)
    write(place, losses=(0.75,))
    assert [run.state for run in logged_runs(place)] == ["killed", "finished"]


def test_a_run_that_goes_on_is_one_run_and_its_last_word_counts(tmp_path):
    place = tmp_path / "a.jsonl"
    write(place, losses=(0.5, 0.4, 0.3), state=None)
    again = RunLog(place, resume=True)
    again.about(FACTS)
    again.begin(9, 4)
    for number, loss in ((3, 0.35), (4, 0.2)):
        again.epoch(record(number, loss), True)
    again.end(History((record(4),), 4, "no progress"))
    again.close()
    (run,) = logged_runs(place)
    assert run.main.losses() == [(1, 0.5), (2, 0.4), (3, 0.35), (4, 0.2)]
    assert run.state == "finished"


def test_anew_forgets_what_stood_there(tmp_path):
    write(tmp_path / "a.jsonl", losses=(0.5, 0.4))
    write(tmp_path / "a.jsonl", losses=(0.75,), anew=True)
    (run,) = logged_runs(tmp_path)
    assert run.main.losses() == [(1, 0.75)]


def broken_off(place, error):
    with RunLog(place) as log:
        log.about(FACTS)
        log.begin(2, 1)
        raise error


def test_with_tells_how_it_ended(tmp_path):
    with pytest.raises(ValueError, match="no luck"):
        broken_off(tmp_path / "a.jsonl", ValueError("no luck"))
    with pytest.raises(KeyboardInterrupt):
        broken_off(tmp_path / "b.jsonl", KeyboardInterrupt())
    with RunLog(tmp_path / "c.jsonl"):
        pass
    assert not (tmp_path / "c.jsonl").exists()  # nothing was trained
    found = logged_runs(tmp_path)
    assert {run.name: run.state for run in found} == {"a": "failed", "b": "interrupted"}
    assert "a failed: ValueError: no luck" in run_table(found).notes


def test_numbers_that_json_does_not_know_are_null(tmp_path):
    write(tmp_path / "a.jsonl", losses=(math.nan, 0.5))
    assert "NaN" not in (tmp_path / "a.jsonl").read_text()
    assert logged_runs(tmp_path)[0].best_loss == 0.5


def test_a_log_that_is_held_open_is_of_a_run_that_goes_on(tmp_path):
    pytest.importorskip("fcntl")
    log = write(tmp_path / "a.jsonl", state=None)
    assert logged_runs(tmp_path)[0].state == "running"
    del log
    assert logged_runs(tmp_path)[0].state == "killed"


def test_a_log_can_be_copied_into_another_process(tmp_path):
    log = write(tmp_path / "a.jsonl", state=None)
    again = pickle.loads(pickle.dumps(log))
    again.epoch(record(3), True)
    assert len(logged_runs(tmp_path)[0].main.epochs) == 3


def test_a_place_that_cannot_be_written_is_told_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.UsageError, match="log of the run cannot be written"):
        write(tmp_path / "file" / "a.jsonl")


def test_runs_compare_where_their_data_is_the_same(tmp_path):
    other = {**FACTS, "data": {"sha256": "bbbb"}, "source": "b.csv", "settings": {"seed": 1}}
    write(tmp_path / "one.jsonl", losses=(0.5,), score=0.7)
    write(tmp_path / "two.jsonl", losses=(0.4,), score=0.8)
    write(tmp_path / "three.jsonl", losses=(0.1,), score=0.2, about=other)
    runs = logged_runs(tmp_path)
    table = run_table(in_order(runs, "score"))
    assert [row[0] for row in table.rows] == ["three", "one", "two"]
    column = dict(zip(table.head, zip(*table.rows, strict=True), strict=True))
    assert column["data"] == ("a", "b", "b")
    assert column["test MASE"] == ("0.2", "0.7", "0.8")
    assert column["best baseline"] == ("naive 1",) * 3
    assert column["seed"] == ("1", "0", "0")
    assert any("2 different sets of examples" in note for note in table.notes)
    assert table.alike == "task forecast, engine torch"
    page = Parsed(runs_page("Runs", runs))
    assert sum(tag == "svg" for tag, _ in page.elements) == 4  # two charts, for wide and narrow
    alike = run_table([run for run in runs if run.name != "three"])
    assert alike.notes == ()
    assert "data" not in alike.head


def test_scores_of_other_examples_do_not_compare(tmp_path):
    write(tmp_path / "one.jsonl", score=0.7)
    log = write(tmp_path / "two.jsonl", state=None)
    log.end(History((record(1),), 1, "finished"))
    log.scores(Judged(0.5, windows=3))
    log.close()
    assert "not judged on the same number" in run_table(logged_runs(tmp_path)).notes[0]


def test_other_files_of_json_lines_are_no_runs(tmp_path):
    write(tmp_path / "a.jsonl")
    (tmp_path / "texts.jsonl").write_text('{"text": "good", "event": "run"}\n{"text": 1}\n[1]\n')
    (tmp_path / "long.jsonl").write_text("x" * 2_000_000)
    (tmp_path / "numbers.jsonl").write_text("1\n2\n")
    assert [run.name for run in logged_runs(tmp_path)] == ["a"]


def test_a_page_of_many_runs_draws_the_best_and_escapes_names(tmp_path):
    for number in range(9):
        write(tmp_path / f"run-{number}.jsonl", losses=(1.0, 1.0 / (number + 1)))
    runs = logged_runs(tmp_path)
    runs[0].name = NASTY
    page = Parsed(runs_page(NASTY, runs))
    assert "Of 9 runs the 7 with the lowest validation loss are drawn" in page.text
    assert len(page.table("run")) == 9
    assert not any(tag in {"script", "img"} for tag, _ in page.elements)


def test_the_verb_lists_sorts_and_draws(here, capsys):
    assert forecast("shop.csv", *TARGET, *SMALL, "--quiet", "--out", "r/one") == 0
    more = ["--learning-rate", "0.02", "--out", "r/two"]
    assert forecast("shop.csv", *TARGET, *SMALL, "--quiet", *more) == 0
    capsys.readouterr()
    assert main(["runs", "r", "--sort", "learning_rate", "--out", "page.html"]) == 0
    told = capsys.readouterr().out
    head, *rows = told.split("\n\n")[1].splitlines()
    assert {"learning_rate", "best", "state"} <= set(head.split())
    assert [row.split()[0] for row in rows[:2]] == ["one", "two"]
    assert "shop.csv" in told
    assert "<svg" in (here / "page.html").read_text()
    assert main(["runs", "r", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    metrics = json.loads((here / "r/one/metrics.json").read_text())
    assert found["runs"][0]["score"] == metrics["evaluation"]["scores"]["network"]["MASE"]
    assert found["runs"][0]["command"].startswith("gatewise forecast shop.csv")
    assert found["runs"][0]["state"] == "finished"
    assert not list(here.rglob("*.unfinished"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "there is no folder nowhere"),
        (["."], "no run is logged"),
        (["log", "--sort", "sede"], "did you mean 'seed'"),
    ],
)
def test_what_the_verb_cannot_do_is_told(here, capsys, words, message):
    write(here / "log" / "a.jsonl")
    (here / "log" / "a.jsonl").rename(here / "log" / ("a.jsonl" if words[0] == "log" else "a.txt"))
    assert main(["runs", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_run_that_diverges_leaves_its_log(here, capsys):
    words = ["--learning-rate", "1e12", "--clip-norm", "none", "--shortcut", "0", "--out", "out"]
    assert forecast("shop.csv", *TARGET, "--quiet", "--epochs", "3", *words) == 1
    (run,) = logged_runs(here)
    assert (run.name, run.state) == ("out.unfinished", "failed")
    assert "diverged" in run.ended["error"]


def test_a_killed_run_leaves_the_epochs_that_it_did(here):
    command = [sys.executable, "-m", "gatewise", "forecast", "shop.csv", *TARGET, "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(Path(gw.__file__).parents[1])}
    training = ["--epochs", "100000", "--patience", "none", "--out", "out"]
    with subprocess.Popen([*command, *training], env=environment, cwd=here) as run:
        place = here / "out.unfinished" / "run.jsonl"
        end = time.monotonic() + 60
        while time.monotonic() < end and not (
            place.exists() and place.read_text().count('"event": "epoch"') > 5
        ):
            time.sleep(0.05)
        assert logged_runs(here)[0].state == "running"
        run.send_signal(signal.SIGKILL)
    (found,) = logged_runs(here)
    assert found.state == "killed"
    epochs = sorted(found.main.epochs)
    assert epochs == list(range(1, len(epochs) + 1))
    assert len(epochs) >= 5
    assert np.isfinite([loss for _, loss in found.main.losses()]).all()
    assert not (here / "out").exists()
    assert forecast("shop.csv", *TARGET, *SMALL, "--quiet", "--out", "out") == 0
    assert [run.state for run in logged_runs(here)] == ["finished"]
    assert not (here / "out.unfinished").exists()


def test_a_fit_behind_one_that_failed_is_a_run_of_its_own(tmp_path):
    log = RunLog(tmp_path / "a.jsonl")
    series = np.sin(np.arange(120) / 5)

    def learn(**training):
        network, training = gw.Network(hidden_size=2, shortcut=0), gw.Training(epochs=2, **training)
        gw.Forecaster(1, lookback=5, verbose=0, network=network, training=training).fit(
            series, watch=log
        )

    with pytest.raises(gw.DivergedError):
        learn(learning_rate=1e12, clip_norm=None)
    learn(learning_rate=0.02)
    log.close()
    first, second = sorted(logged_runs(tmp_path), key=lambda run: run.state)
    assert (first.state, second.state) == ("failed", "finished")
    assert second.settings["learning_rate"] == 0.02


def test_a_log_on_a_full_disk_says_so(tmp_path, monkeypatch):
    log = RunLog(tmp_path / "a.jsonl")
    log.about({"task": "forecast"})
    log.begin(1, 1)

    def full(file, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(gw.RunError, match="No space left on device"):
        log.begin(1, 1)


def test_a_log_that_says_nothing_is_told(tmp_path, capsys):
    with RunLog(tmp_path / "good" / "run.jsonl") as log:
        log.about({"task": "forecast", "engine": "torch", "data": {}})
        log.begin(1, 1)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "run.jsonl").write_bytes(b'{"event": "ru')
    assert main(["runs", str(tmp_path)]) == 0
    told = "".join(capsys.readouterr().out.split())  # a terminal breaks lines anywhere
    assert "bad/run.jsonlcannotbereadasalog" in told
    assert "good/run.jsonlcannot" not in told
