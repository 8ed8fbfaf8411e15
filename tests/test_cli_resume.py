"""Commands keep checkpoints beside their results, and go on from them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_checkpoint import OURS, SINE, small

import gatewise as gw
from gatewise.cli import main
from gatewise.cli.recording import Recording
from gatewise.errors import CheckpointError
from gatewise.training import Nobody


def command(*words: str, folder: Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gatewise", *words],
        cwd=folder,
        env=OURS,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def test_a_command_that_is_killed_goes_on_with_resume(tmp_path):
    lines = "\n".join(f"{value:.6f}" for value in SINE)
    (tmp_path / "sine.csv").write_text(f"value\n{lines}\n")
    words = ["forecast", "sine.csv", "--horizon", "2", "--hidden-size", "3", "--epochs", "3"]
    words += ["--lookback", "6", "--patience", "none", "--folds", "2", "--no-retrain", "--quiet"]
    whole = command(*words, "--out", "whole", folder=tmp_path)
    assert whole.returncode == 0, whole.stderr
    assert not (tmp_path / "whole.unfinished").exists()
    kill = (
        "import os, signal, sys; from gatewise import checkpoint, cli\n"
        "write = checkpoint.Stage.write\n"
        "def once(*given): write(*given); os.kill(os.getpid(), signal.SIGKILL)\n"
        "checkpoint.Stage.write = once; sys.exit(cli.main(sys.argv[1:]))"
    )
    killed = subprocess.run(
        [sys.executable, "-c", kill, *words],
        cwd=tmp_path,
        env=OURS,
        check=False,
    )
    assert killed.returncode < 0
    assert (tmp_path / "sine-forecast.unfinished/01").is_dir()
    assert not (tmp_path / "sine-forecast").exists()
    went_on = command(*words, "--resume", folder=tmp_path)
    assert went_on.returncode == 0, went_on.stderr
    assert not (tmp_path / "sine-forecast.unfinished").exists()
    scores = [
        json.loads((tmp_path / out / "metrics.json").read_text())["evaluation"]
        for out in ("whole", "sine-forecast")
    ]
    assert scores[0] == scores[1]


def test_a_command_says_that_another_run_is_unfinished(tmp_path):
    lines = "\n".join(f"{value:.6f}" for value in SINE)
    (tmp_path / "sine.csv").write_text(f"value\n{lines}\n")
    small_run = small().fit(
        SINE[:-24], checkpoints=tmp_path / "sine-forecast.unfinished", watch=Nobody()
    )
    assert small_run.history_.stopped == "finished"
    told = command("forecast", "sine.csv", "--horizon", "2", "--resume", folder=tmp_path)
    assert told.returncode == 2
    assert "are of another run" in told.stderr
    assert "Traceback" not in told.stderr
    words = ["forecast", "sine.csv", "--horizon", "2", "--target", "nothing"]
    anew = command(*words, folder=tmp_path)
    assert anew.returncode == 2
    assert "sine-forecast.unfinished holds a run that was cut off" in anew.stdout


def test_what_is_not_there_to_resume_is_told_before_training(tmp_path):
    lines = "\n".join(f"{value:.6f}" for value in SINE)
    (tmp_path / "sine.csv").write_text(f"value\n{lines}\n")
    words = ["forecast", "sine.csv", "--horizon", "2", "--epochs", "1", "--resume"]
    told = command(*words, "--target", "nothing", folder=tmp_path)
    assert told.returncode == 2  # it never came to training
    assert "there is no checkpoint in sine-forecast.unfinished" in told.stdout


def test_checkpoints_stay_when_a_full_disk_ends_the_backtest(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    lines = "\n".join(f"{value:.6f}" for value in SINE)
    (tmp_path / "sine.csv").write_text(f"value\n{lines}\n")
    words = ["forecast", "sine.csv", "--horizon", "2", "--lookback", "6", "--epochs", "1"]
    backtest = gw.Forecaster.backtest
    calls = []

    def on_a_full_disk(self, *given, **named):
        calls.append(named)
        if len(calls) == 1:
            raise CheckpointError("no room")
        return backtest(self, *given, **named)

    monkeypatch.setattr(gw.Forecaster, "backtest", on_a_full_disk)
    assert main([*words, "--folds", "20"]) == 1
    assert "no room" in capsys.readouterr().err
    assert (tmp_path / "sine-forecast.unfinished/01").is_dir()
    assert main([*words, "--folds", "20", "--resume"]) == 0
    assert not (tmp_path / "sine-forecast.unfinished").exists()


def test_ctrl_c_before_a_resumed_run_goes_on_keeps_its_log(tmp_path):
    folder = tmp_path / "out.unfinished"
    folder.mkdir()
    (folder / "run.jsonl").write_text("what a killed run told\n")
    for resume, left in ((True, True), (False, False)):
        recording = Recording(tmp_path / "out", folder, "a.csv", "gatewise", resume=resume)
        with pytest.raises(KeyboardInterrupt), recording:
            raise KeyboardInterrupt
        assert folder.exists() == left
        assert not left or (folder / "run.jsonl").read_text() == "what a killed run told\n"
