"""A study that is killed and resumed is the one that was never killed."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("torch")
pytest.importorskip("optuna")

from studies import GRID, search, table

from gatewise.tuning.progress import Silent
from gatewise.tuning.store import Store

WAYS = {
    "random": {"search": "random"},
    "bayes": {"search": "bayes"},
    "bayes, hyperband": {"search": "bayes", "prune": "hyperband"},
    "random, median": {"search": "random", "prune": "median"},
    "grid": {"search": "grid", "space": GRID},
}

SCRIPT = """
import sys
sys.path[:0] = {paths!r}
from pathlib import Path
from studies import *
search(folder=Path({folder!r}), resume={resume!r}, **{settings!r})
print("done")
"""


class KilledError(BaseException):
    """The process ends here."""


@pytest.fixture(scope="module")
def whole():
    """way -> table of the study that nothing interrupts"""
    return {way: table(search(**settings)) for way, settings in WAYS.items()}


def killed_at(monkeypatch, name, number, *, behind):
    """The process ends at the n-th call of a writing method, before or behind it."""
    calls = iter(range(10_000))
    write = getattr(Store, name)

    def ended(self, trial):
        last = next(calls) == number
        if last and not behind:
            raise KilledError
        write(self, trial)
        if last:
            raise KilledError

    monkeypatch.setattr(Store, name, ended)


@pytest.mark.parametrize("way", WAYS)
def test_each_write_may_be_the_last(way, whole, tmp_path, monkeypatch):
    folder = tmp_path / "study"
    killed = 0
    for name in ("begin", "finish"):
        for behind in (False, True):
            for number in (0, 2):
                with monkeypatch.context() as patched:
                    killed_at(patched, name, number, behind=behind)
                    with pytest.raises(KilledError):
                        search(folder=folder, resume=folder.exists(), **WAYS[way])
                killed += 1
    assert killed == 8
    assert table(search(folder=folder, resume=True, **WAYS[way])) == whole[way]


def test_a_trial_is_killed_between_two_epochs_and_begins_anew(whole, tmp_path):
    class Killer(Silent):
        def epoch(self, trial, epoch, loss):
            if trial.number == 7 and epoch == 2:
                raise KilledError

    settings = WAYS["bayes, hyperband"]
    with pytest.raises(KilledError):
        # every trial is a candidate: one that hyperband has ended would not come to epoch 2
        search(folder=tmp_path, audience=Killer(), **{**settings, "prune": "none"})
    found = search(folder=tmp_path, resume=True, **{**settings, "prune": "none"})
    assert table(found) == whole["bayes"]


def _run(folder, resume, settings):
    paths = [path for path in sys.path if path]
    text = SCRIPT.format(paths=paths, folder=str(folder), resume=resume, settings=settings)
    return subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)


def _killed_and_resumed(folder, settings, kills, rng):
    """Killed so many times by SIGKILL, then left alone; returns how many kills met a running one"""
    met = 0
    while True:
        process = _run(folder, (folder / "study.db").exists(), settings)
        if met == kills:
            out, _ = process.communicate(timeout=120)
            assert out == "done\n"
            return met
        while not (folder / "study.db").exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.uniform(0.0, 3.0))
        if process.poll() is not None:  # it was quicker: all that is left is to look
            return met
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        met += 1


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.nightly)])
def test_sigkill_at_random_moments(jobs, whole, tmp_path):
    settings = {"search": "random", "jobs": jobs}
    _killed_and_resumed(tmp_path, settings, jobs, random.Random(jobs))
    assert table(search(folder=tmp_path, resume=True, **settings)) == whole["random"]


@pytest.mark.nightly
@pytest.mark.parametrize("way", WAYS)
def test_sigkill_at_many_random_moments(way, whole, tmp_path):
    if way == "grid":
        pytest.skip("its space is not that of the script")
    met = _killed_and_resumed(tmp_path, WAYS[way], 20, random.Random(way))
    assert met
    assert table(search(folder=tmp_path, resume=True, **WAYS[way])) == whole[way]


def test_more_trials_are_added_to_a_study_that_had_ended(whole, tmp_path):
    search(folder=tmp_path, **{**WAYS["bayes"], "trials": 5})
    assert table(search(folder=tmp_path, resume=True, **WAYS["bayes"])) == whole["bayes"]


@pytest.mark.parametrize("way", ["random", pytest.param("grid", marks=pytest.mark.nightly)])
def test_two_processes_find_what_one_finds(way, whole):
    assert table(search(**{**WAYS[way], "jobs": 2})) == whole[way]
