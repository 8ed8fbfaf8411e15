"""The folder of results is whole or untouched, however a run ends."""

from __future__ import annotations

import datetime
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from shop import ENVIRONMENT, SMALL, TARGET, earlier_run, fingerprint, forecast

from gatewise import outputs
from gatewise.cli import forecast_run, main
from gatewise.training import Nobody


@pytest.mark.parametrize("metrics", [None, "no json", "[1]", '{"accuracy": 1}'])
def test_a_folder_that_is_not_ours_is_refused_before_training(here, metrics, capsys):
    (here / "thesis").mkdir()
    (here / "thesis/chapter1.txt").write_text("years of work")
    if metrics is not None:
        (here / "thesis/metrics.json").write_text(metrics)
    before = fingerprint(here / "thesis")
    assert forecast("shop.csv", *TARGET, "--out", "thesis") == 2
    captured = capsys.readouterr()
    assert "not overwritten" in captured.err
    assert "epoch" not in captured.err
    assert fingerprint(here / "thesis") == before


def test_the_folder_one_is_in_is_refused(here, monkeypatch, capsys):
    earlier_run(here / "out")
    monkeypatch.chdir(here / "out/model")
    for out in (".", "..", str(here / "out")):
        assert forecast("../../shop.csv", *TARGET, "--out", out) == 2
        assert "error: " in capsys.readouterr().err


def test_a_file_is_no_folder(here, capsys):
    assert forecast("shop.csv", *TARGET, "--out", "shop.csv") == 2
    assert "is a file" in capsys.readouterr().err


def test_an_earlier_run_is_replaced_and_your_own_files_stay(tmp_path):
    out = tmp_path / "out"
    earlier_run(out)
    (out / "my notes.txt").write_text("mine")
    outputs.check(out)
    with outputs.replacing(out) as folder:
        (folder / "metrics.json").write_text("new")
        assert (out / "metrics.json").read_text() == '{"gatewise": "0.1.0"}'
    assert (out / "metrics.json").read_text() == "new"
    assert (out / "my notes.txt").read_text() == "mine"
    assert {p.name for p in tmp_path.iterdir()} == {"out"}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_run_that_fails_while_writing_leaves_the_earlier_one(here, error, monkeypatch, capsys):
    before = earlier_run(here / "out")

    def fail(self, folder, *rest):
        (folder / "half").write_text("half")
        raise error

    monkeypatch.setattr(forecast_run.ForecastRun, "write", fail)
    code = forecast("shop.csv", *TARGET, "--out", "out", *SMALL)
    assert code == (130 if isinstance(error, KeyboardInterrupt) else 1)
    assert fingerprint(here / "out") == before
    assert list(here.glob(".*")) == []
    assert "error: " in capsys.readouterr().err


def test_a_swap_that_fails_puts_the_earlier_folder_back(tmp_path, monkeypatch):
    out = tmp_path / "out"
    before = earlier_run(out)
    real = Path.rename

    def rename(self, target):
        if self.name == "new":
            raise OSError(5, "Input/output error")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="Input/output"), outputs.replacing(out) as folder:
        (folder / "metrics.json").write_text("new")
    assert fingerprint(out) == before


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
@pytest.mark.parametrize("undone", [True, False])
def test_your_files_survive_a_swap_that_fails_among_them(tmp_path, error, undone, monkeypatch):
    out = tmp_path / "out"
    earlier_run(out)
    for name in "abc":
        (out / name).write_text(f"my {name}")
    before = fingerprint(out)
    real = Path.rename
    kept = []

    def rename(self, target):
        if self.parent.name == "old":
            kept.append(self.name)
            if len(kept) == 2:
                raise error
        if kept and self == out and not undone:
            raise OSError(5, "Input/output error")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(type(error) if undone else OSError) as caught, outputs.replacing(out) as new:
        (new / "metrics.json").write_text("new")
    if undone:
        assert fingerprint(out) == before
        assert {p.name for p in tmp_path.iterdir()} == {"out"}
    else:
        (old,) = tmp_path.glob(".out-*/old")
        assert fingerprint(old) == before
        assert str(old) in str(caught.value)


def test_a_pipe_is_written_to_and_stays_a_pipe(trained, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        words = ["predict", str(trained / "out/model"), str(trained / "shop.csv")]
        code = main([*words, "--out", str(pipe)])
        if not pipe.is_fifo():
            reader.kill()
        told, _ = reader.communicate(timeout=20)
    assert (code, pipe.is_fifo()) == (0, True)
    assert told == (trained / "out/predictions.csv").read_text()


def test_a_killed_run_leaves_the_earlier_one(tmp_path):
    before = earlier_run(tmp_path / "out")
    script = (
        "import os, pathlib, signal\n"
        "from gatewise import outputs\n"
        f"with outputs.replacing(pathlib.Path({str(tmp_path / 'out')!r})) as folder:\n"
        "    (folder / 'metrics.json').write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, timeout=60, check=False, env=ENVIRONMENT)
    assert done.returncode == -signal.SIGKILL
    assert fingerprint(tmp_path / "out") == before


def test_a_folder_that_takes_no_files_is_found_out_before_training(here, monkeypatch, capsys):
    def refuse(**where):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(outputs.tempfile, "mkdtemp", refuse)
    assert forecast("shop.csv", *TARGET) == 2
    captured = capsys.readouterr()
    assert "cannot write into" in captured.err
    assert "epoch" not in captured.err


def test_json_words():
    value = {
        "nan": math.nan,
        "inf": np.float32(np.inf),
        "array": np.array([1.5, np.nan]),
        "time": np.datetime64("2020-01-02T03", "ns"),
        "date": datetime.date(2020, 1, 2),
        "path": Path("a"),
        "yes": np.bool_(True),
        3: (1, None, "é"),
    }
    assert json.loads(outputs.to_json(value)) == {
        "nan": None,
        "inf": None,
        "array": [1.5, None],
        "time": "2020-01-02T03:00:00.000000000",
        "date": "2020-01-02",
        "path": "a",
        "yes": True,
        "3": [1, None, "é"],
    }


class CtrlC(Nobody):
    """Interrupts the training at the first batch of an epoch."""

    def __init__(self, epoch):
        self.left = epoch - 1

    def tick(self):
        if self.left == 0:
            raise KeyboardInterrupt

    def epoch(self, record, best):
        self.left -= 1


def test_ctrl_c_while_training_keeps_the_best_so_far(here, monkeypatch, capsys):
    monkeypatch.setattr("gatewise.progress.watch", lambda verbose: CtrlC(3))
    assert forecast("shop.csv", *TARGET, *SMALL, "--epochs", "50") == 130
    metrics = json.loads((here / "shop-forecast/metrics.json").read_text())
    assert metrics["history"]["stopped"] == "interrupted"
    assert len(metrics["history"]["records"]) == 2
    assert "interrupted after epoch 2 of 50" in capsys.readouterr().out
    assert any("interrupted" in note for note in metrics["notes"])
    assert main(["predict", "shop-forecast/model", "shop.csv"]) == 0


def test_ctrl_c_before_the_first_epoch_writes_nothing(here, monkeypatch, capsys):
    before = earlier_run(here / "out")
    monkeypatch.setattr("gatewise.progress.watch", lambda verbose: CtrlC(1))
    assert forecast("shop.csv", *TARGET, *SMALL, "--out", "out") == 130
    assert "error: interrupted; nothing was written" in capsys.readouterr().err
    assert fingerprint(here / "out") == before
    assert list(here.glob(".*")) == []


def gatewise(*words):
    command = [sys.executable, "-m", "gatewise", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=ENVIRONMENT)


def test_a_real_ctrl_c(here):
    words = ["--epochs", "100000", "--patience", "none", "--hidden-size", "4", "--lookback", "12"]
    with gatewise("forecast", "shop.csv", *TARGET, *words) as run:
        line = run.stderr.readline()
        while line and not line.startswith("epoch"):
            line = run.stderr.readline()
        time.sleep(0.2)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    assert "Traceback" not in err
    assert "interrupted after" in err
    assert "MASE" in out
    assert (here / "shop-forecast/metrics.json").exists()


def test_a_reader_that_leaves_is_no_error(trained):
    with gatewise("info", str(trained / "out/model")) as run:
        run.stdout.close()
        assert run.stderr.read() == ""
        assert run.wait(timeout=60) == 0


@pytest.mark.parametrize("left", [["stdout"], ["stderr"], ["stdout", "stderr"]])
@pytest.mark.parametrize("words", [[], ["--quiet"], ["--json"]])
def test_a_reader_that_leaves_does_not_cost_the_run(here, left, words):
    with gatewise("forecast", "shop.csv", *TARGET, *SMALL, *words) as run:
        for name in left:
            getattr(run, name).close()
        told = "" if "stderr" in left else run.stderr.read()
        assert run.wait(timeout=60) == 0
    assert "error" not in told.lower()
    found = {path.name for path in (here / "shop-forecast").iterdir()}
    assert found == {"model", "report.html", "predictions.csv", "metrics.json", "run.jsonl"}


def test_a_failure_that_nobody_reads_keeps_its_exit_code(here):
    with gatewise("forecast", "nowhere.csv", *TARGET) as run:
        run.stdout.close()
        run.stderr.close()
        assert run.wait(timeout=60) == 2


def test_closed_streams_are_no_error(trained):
    command = f"exec '{sys.executable}' -m gatewise info '{trained / 'out/model'}' >&- 2>&-"
    done = subprocess.run(["sh", "-c", command], timeout=60, check=False, env=ENVIRONMENT)
    assert done.returncode == 0


def test_a_mistake_of_ours_is_called_one(here, monkeypatch, capsys):
    def fail(*values, **named):
        raise TypeError("oops")

    monkeypatch.setattr(forecast_run.Forecaster, "fit", fail)
    assert forecast("shop.csv", *TARGET) == 1
    err = capsys.readouterr().err
    assert "mistake in gatewise" in err
    assert "Traceback" not in err


def test_debug_shows_where(here, monkeypatch, capsys):
    monkeypatch.setenv("GATEWISE_DEBUG", "1")
    assert forecast("nowhere.csv", *TARGET) == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("error: there is no file")


def test_operating_system_errors_have_the_exit_code_of_their_cause(here, monkeypatch, capsys):
    for number, code in ((13, 2), (30, 2), (28, 1), (5, 1)):

        def fail(source, options, number=number):
            raise OSError(number, os.strerror(number), "some/place")

        monkeypatch.setattr(forecast_run, "read", fail)
        assert forecast("shop.csv", *TARGET) == code
        assert f"error: {os.strerror(number)}: some/place" in capsys.readouterr().err


def test_a_diverged_run_exits_1_with_advice(here, capsys):
    words = ["--learning-rate", "1e30", "--clip-norm", "none", "--optimizer", "sgd"]
    code = forecast("shop.csv", *TARGET, *SMALL, *words)
    assert code == 1
    err = capsys.readouterr().err
    assert "diverged" in err
    assert "learning_rate" in err
    assert not (here / "shop-forecast").exists()


def test_an_engine_that_is_not_installed_names_the_extra(here, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "gatewise.engines.torch.engine", raising=False)
    assert forecast("shop.csv", *TARGET, *SMALL) == 2
    assert "pip install 'gatewise[torch]'" in capsys.readouterr().err
