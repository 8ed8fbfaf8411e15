"""What may go wrong with a study: folders, other studies, other processes, trials that fail."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("optuna")

from studies import SPACE, forecaster, search, sine, table

import gatewise as gw
from gatewise.errors import DataError, MissingExtraError, RunError, UsageError
from gatewise.tuning import store, study
from gatewise.tuning import worker as workers
from gatewise.tuning.progress import Silent
from gatewise.tuning.record import Settings

# one epoch is a step for each of 50,000 rows
ORPHANED = """
import sys, time
sys.path[:0] = {paths!r}
from studies import *
from gatewise.tuning.trial import Job
from gatewise.tuning.worker import Worker
training = gw.Training(epochs=1, batch_size=1)
worker = Worker(Job(forecaster(training=training), sine(50_000), {{}}))
assert worker.receive() == ("ready",)
worker.send((0, {{"network__hidden_size": 64}}, None))
print(worker.process.pid, flush=True)
time.sleep(600)
"""
FEW = {"search": "random", "trials": 3}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The folder of a study of three trials."""
    folder = tmp_path_factory.mktemp("kept") / "study"
    search(folder=folder, **FEW)
    return folder


@pytest.fixture
def folder(kept, tmp_path):
    """A copy of it."""
    return shutil.copytree(kept, tmp_path / "study")


def test_a_study_is_not_begun_over(folder):
    before = (folder / "study.db").read_bytes()
    with pytest.raises(UsageError, match=r"holds a study already.*--resume"):
        search(folder=folder, **FEW)
    assert (folder / "study.db").read_bytes() == before


def test_nothing_there_to_go_on_with(tmp_path):
    with pytest.raises(UsageError, match="no study to go on with"):
        search(folder=tmp_path / "none", resume=True, **FEW)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 1}, "another --seed"),
        ({"search": "bayes"}, r"another --search \(search random, not bayes\)"),
        ({"prune": "median"}, "another --prune"),
        ({"space": {"hidden_size": [2, 4]}}, "another space"),
        ({"model": forecaster(lookback=6)}, r"other settings \(lookback 4, not 6\)"),
        ({"model": forecaster(seed=3)}, "another --seed"),
        ({"model": forecaster(training=gw.Training(epochs=4))}, "other settings"),
    ],
)
def test_another_study_is_refused_by_name(folder, changes, words):
    with pytest.raises(UsageError, match=words):
        search(folder=folder, resume=True, **{**FEW, **changes})


def test_other_data_are_refused(folder):
    with pytest.raises(UsageError, match="other data to learn from"):
        study.study(
            forecaster(),
            sine(seed=1),
            {},
            SPACE,
            Settings(**FEW),
            audience=Silent(),
            folder=folder,
            resume=True,
        )


def test_jobs_timeout_and_number_of_trials_may_differ(folder):
    found = search(folder=folder, resume=True, **{**FEW, "timeout": 1e4, "trials": 2})
    assert len(found.trials) == 3


def test_two_processes_on_one_study(folder):
    other = sqlite3.connect(folder / "study.lock", timeout=0, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(UsageError, match="another process is working on the study"):
        search(folder=folder, resume=True, **FEW)
    other.close()  # as at the end of its process, however that comes
    search(folder=folder, resume=True, **FEW)


def test_a_second_study_cannot_begin_while_the_first_runs(tmp_path):
    class Other(Silent):
        met = None

        def done(self, trial, best):
            if self.met is None:
                with pytest.raises(UsageError) as Other.met:
                    search(folder=tmp_path, resume=True, **FEW)

    search(folder=tmp_path, audience=Other(), **FEW)
    assert "another process" in str(Other.met.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="cannot write into"):
        search(folder=tmp_path / "study", **FEW)


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write into"):
        search(folder=tmp_path / "file" / "study", **FEW)


def test_a_file_that_is_no_study(tmp_path):
    (tmp_path / "study.db").write_text("not a database, at all, but some text" * 100)
    with pytest.raises(UsageError, match=r"study.db cannot be used as a study"):
        search(folder=tmp_path, resume=True, **FEW)


def test_a_truncated_study_is_told(folder):
    size = (folder / "study.db").stat().st_size
    os.truncate(folder / "study.db", size // 2)
    with pytest.raises((UsageError, RunError), match="study"):
        search(folder=folder, resume=True, **FEW)


def test_a_full_disk_ends_the_study_and_keeps_it(tmp_path, monkeypatch):
    whole = table(search(search="random"))
    finish = store.Store.finish

    def limited(self, trial):
        if trial.number == 3:  # SQLite says of its own limit what it says of a full disk
            from sqlalchemy import event

            def limit(connection, _):
                pages = connection.execute("PRAGMA page_count").fetchone()[0]
                connection.execute(f"PRAGMA max_page_count={pages}")

            self.storage.remove_session()
            self.storage.engine.dispose()
            event.listen(self.storage.engine, "connect", limit)
            trial = replace(trial, rungs={"filler": "x" * 100_000})
        finish(self, trial)

    with monkeypatch.context() as patched:
        patched.setattr(store.Store, "finish", limited)
        with pytest.raises(RunError, match=r"cannot be written.*full.*--resume"):
            search(folder=tmp_path, search="random")
    assert table(search(folder=tmp_path, resume=True, search="random")) == whole


class Interrupter(Silent):
    """Ctrl-C after some epoch of a trial."""

    def __init__(self, number, epoch):
        self.at = (number, epoch)

    def epoch(self, trial, epoch, loss):
        if (trial.number, epoch) == self.at:
            raise KeyboardInterrupt


@pytest.mark.parametrize("epoch", [1, 2])
def test_ctrl_c_during_a_trial_leaves_it_for_the_next_run(tmp_path, epoch):
    found = search(folder=tmp_path, audience=Interrupter(2, epoch), search="random")
    assert found.ended == "interrupted"
    assert found.counts() == {"complete": 2, "pruned": 0, "failed": 0, "left": 1}
    assert found.best.number in (0, 1)
    again = search(folder=tmp_path, resume=True, search="random")
    assert table(again) == table(search(search="random"))


def test_ctrl_c_before_anything_is_known(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        search(folder=tmp_path, audience=Interrupter(0, 1), search="random")
    assert table(search(folder=tmp_path, resume=True, search="random"))


def test_a_failing_trial_is_recorded(tmp_path):
    # a rate of 1e30 diverges, whatever the network
    space = {"learning_rate": [1e-2, 1e30], "hidden_size": [2, 4]}
    model = forecaster(training=gw.Training(epochs=3, batch_size=32, clip_norm=None))
    found = search(space, tmp_path, model=model, search="grid", trials=None)
    failed = [trial for trial in found.trials if trial.state == "failed"]
    assert {trial.params["training__learning_rate"] for trial in failed} == {1e30}
    assert len(failed) == 2
    assert all("diverged" in trial.outcome.reason for trial in failed)
    assert found.best.params["training__learning_rate"] == 1e-2
    again = search(space, tmp_path, model=model, search="grid", trials=None, resume=True)
    assert table(again) == table(found)


def test_a_process_that_dies_costs_its_trial_alone(monkeypatch):
    team, first = [], []  # of processes; the one that trains trial 0
    begin, send = workers.Worker.__init__, workers.Worker.send

    def noted(self, job):
        begin(self, job)
        team.append(self)

    def sent(self, message):
        if isinstance(message, tuple) and message[0] == 0:
            first.append(self)
        send(self, message)

    class Killer(Silent):
        def epoch(self, trial, epoch, loss):
            if trial.number == 0:
                first[0].process.kill()

    monkeypatch.setattr(workers.Worker, "__init__", noted)
    monkeypatch.setattr(workers.Worker, "send", sent)
    found = search(
        {"hidden_size": [2, 4, 8]}, search="grid", trials=None, jobs=2, audience=Killer()
    )
    assert found.counts()["complete"] >= 2
    failed = [trial for trial in found.trials if trial.state == "failed"]
    assert all(
        "its process was ended by SIGKILL (out of memory" in t.outcome.reason for t in failed
    )
    assert len(failed) == 1
    assert all(worker.process.poll() is not None for worker in team)  # none is left behind


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_a_process_whose_parent_was_killed_ends_within_its_epoch():
    text = ORPHANED.format(paths=[path for path in sys.path if path])
    parent = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)
    worker = Path("/proc") / parent.stdout.readline().strip() / "stat"
    time.sleep(3.0)  # it is in its epoch, which takes minutes
    assert running(worker)
    parent.kill()
    parent.communicate()
    until = time.monotonic() + 20.0  # of minutes
    while running(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert not running(worker)


def running(stat):
    """Whether the process is there and no zombie."""
    try:
        return stat.read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_memory_runs_out_in_one_trial(monkeypatch):
    fit = gw.Forecaster.fit

    def hungry(self, *args, **more):
        if self.network.hidden_size == 8:
            raise MemoryError
        return fit(self, *args, **more)

    monkeypatch.setattr(gw.Forecaster, "fit", hungry)
    found = search({"hidden_size": [4, 8]}, search="grid", trials=None)
    assert sorted(trial.state for trial in found.trials) == ["complete", "failed"]
    assert "out of memory" in found.table().query("hidden_size == 8").reason.item()


def test_some_that_fail_alike_do_not_speak_for_all():
    # this seed draws the lookback that is longer than the data three times before the other
    found = search({"lookback": [4, 300]}, search="random", trials=5, seed=9)
    assert [trial.state for trial in found.trials[:3]] == ["failed"] * 3
    assert found.best.params == {"lookback": 4}


def test_where_every_trial_fails_for_what_was_given_it_is_a_mistake_of_the_user():
    with pytest.raises(UsageError, match=r"no trial of 4 came to its end.*segment_length"):
        search({"segment_length": [3], "dropout": [0.1, 0.2, 0.3, 0.4]}, search="grid", trials=None)


def test_where_every_trial_fails_there_is_no_winner():
    model = forecaster(training=gw.Training(epochs=3, batch_size=32, clip_norm=None))
    with pytest.raises(RunError, match=r"no trial of 1 came to its end.*diverged"):
        search({"learning_rate": [1e30]}, model=model, search="grid", trials=None)


def test_data_are_checked_before_any_trial(tmp_path):
    with pytest.raises(DataError, match="too few"):
        study.study(
            forecaster(),
            sine(5),
            {},
            SPACE,
            Settings(**FEW),
            audience=Silent(),
            folder=tmp_path / "study",
        )
    assert not (tmp_path / "study").exists()


def test_time_is_up_after_the_first_complete_trial(tmp_path):
    found = search(folder=tmp_path, search="random", timeout=1e-3)
    assert (found.ended, len(found.trials)) == ("timeout", 1)
    assert found.best is not None
    assert table(search(folder=tmp_path, resume=True, search="random")) == table(
        search(search="random")
    )


def test_time_is_up_where_trials_fail_too():
    model = forecaster(training=gw.Training(epochs=3, batch_size=32, clip_norm=None))
    space = {"learning_rate": [1e30], "hidden_size": [2, 4, 8]}
    with pytest.raises(RunError, match=r"no trial of 1 came to its end.*diverged.*time was up"):
        search(space, model=model, search="grid", trials=None, timeout=1e-3)


def test_processes_of_torchrun_are_refused(monkeypatch):
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=r"2 processes of torchrun.*jobs"):
        search(**FEW)


def test_a_process_for_trials_does_not_take_itself_for_one_of_torchrun(monkeypatch):
    names = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "LOCAL_RANK")
    for name in names:
        monkeypatch.setenv(name, "0" if name.endswith("RANK") else "1")
    told = workers.environment()
    assert not set(names) & set(told)
    assert told["OMP_NUM_THREADS"] == "1"
    assert told["PATH"] == os.environ["PATH"]


def test_without_optuna_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'gatewise\[tune\]'"):
        search(**FEW)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"search": "baies"}, "did you mean 'bayes'?"),
        ({"prune": "hyper"}, "prune must be one of none, hyperband, median"),
        ({"trials": 0}, "trials must be a whole number"),
        ({"jobs": 1.5}, "jobs must be a whole number"),
        ({"timeout": -1}, "timeout must be a number of seconds above 0"),
    ],
)
def test_settings_that_cannot_be(settings, words):
    with pytest.raises(UsageError) as refused:
        search(**{**FEW, **settings})
    assert words in str(refused.value)
