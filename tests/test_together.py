"""Two processes with batches of B learn what one does with batches of 2 B."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from shop import ENVIRONMENT, SMALL, TARGET
from together import CASES, learnt, start, tasks

import gatewise as gw
from gatewise.checkpoint import RunCheckpoints
from gatewise.cli import main
from gatewise.engines import processes
from gatewise.engines.torch.team import Team

AGENT = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}

AGENTS = ["torchrun", "--standalone", "--nproc-per-node", "2", "-m", "gatewise"]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What each of two processes said and learnt, and where they worked."""
    folder = tmp_path_factory.mktemp("two")
    return start("everything", 2, 4, folder), folder


@pytest.mark.parametrize("case", [*CASES, "tasks"])
def test_two_processes_are_one_with_twice_the_batch(two, case, tmp_path, monkeypatch):
    (first, second), _ = two
    assert (first[0], second[0]) == (0, 0), first[1] + second[1]
    monkeypatch.chdir(tmp_path)
    one = tasks(8) if case == "tasks" else learnt(case, 8)
    assert one
    for name, value in one.items():
        ours = first[2][f"{case}.{name}"]
        np.testing.assert_allclose(ours, value, rtol=0, atol=1e-5, err_msg=name)
        np.testing.assert_array_equal(second[2][f"{case}.{name}"], ours, err_msg=name)


def test_the_first_one_shows_and_writes(two):
    (first, second), folder = two
    assert first[1].count("trained 3 epochs") == 2
    assert second[1] == ""
    notes = gw.load(folder / "model").notes_
    assert sum(note.startswith("2 processes trained together") for note in notes) == 1
    assert [path.name for path in folder.glob("*model*")] == ["model"]


@pytest.mark.nightly
def test_three_processes_are_the_same_again(tmp_path):
    found = start("tags", 3, 2, tmp_path)
    assert [code for code, _, _ in found] == [0, 0, 0]
    for name, value in learnt("tags", 6).items():
        np.testing.assert_allclose(found[2][2][name], value, rtol=0, atol=1e-5, err_msg=name)


def test_one_that_is_interrupted_leaves_nobody_waiting(tmp_path):
    first, second = start("fails", 2, 4, tmp_path)
    assert second[0] not in (0, None)
    assert first[0] == 1
    assert "lost the others" in first[1]


def test_shares_are_all_of_a_batch_and_a_stream_stays():
    team = object.__new__(Team)
    team.size = 3
    shares = []
    for team.rank in range(3):
        shares.append(team.shares([np.arange(7), np.arange(2)]))
    assert sorted(np.concatenate([share[0] for share in shares])) == list(range(7))
    assert [len(share[1]) for share in shares] == [1, 1, 0]


def test_alone_there_is_nobody_to_ask():
    assert (processes.count(), processes.rank(), processes.together()) == (1, 0, [])


def test_what_cannot_be_shared_is_refused(monkeypatch, tmp_path):
    for name, value in AGENT.items():
        monkeypatch.setenv(name, value)
    how = gw.Checkpoints(tmp_path / "kept")
    checkpoints = RunCheckpoints(how, resume=False)
    assert checkpoints.stage() is checkpoints.stage() is None
    assert len(checkpoints.notes) == 1
    with pytest.raises(gw.UsageError, match="without torchrun"):
        RunCheckpoints(how, resume=True).stage()
    assert not (tmp_path / "kept").exists()
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(gw.UsageError, match="not 'two'"):
        processes.count()


def test_an_engine_on_keras_says_what_is_of_torch_alone():
    """In one process, that it trains alone, and in float32."""
    script = (
        "import os; from networks import random_weights; from together import values\n"
        "import gatewise as gw; from gatewise.engine import load_engine\n"
        "spec = values()[0]\n"
        "for chosen in ({}, {'precision': 'bfloat16'}, {'compile': True}):\n"
        "    training = gw.Training(**chosen)\n"
        "    if chosen: os.environ.pop('RANK', None)\n"
        "    try: load_engine('jax', spec, training, random_weights(spec), device='cpu')\n"
        "    except gw.UsageError as error: print(error)"
    )
    paths = f"{ENVIRONMENT['PYTHONPATH']}{os.pathsep}{os.path.dirname(__file__)}"
    environment = {**os.environ, **AGENT, "PYTHONPATH": paths}
    environment.pop("KERAS_BACKEND", None)
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    told = done.stdout.splitlines()
    assert "use engine 'torch', or start without torchrun" in told[0]
    assert told[1].startswith("precision bfloat16 is of engine 'torch'")
    assert told[2].startswith("compile is of engine 'torch'")
    assert len(told) == 3


@pytest.mark.skipif(shutil.which("torchrun") is None, reason="torchrun is not installed")
def test_torchrun_leaves_one_folder_and_one_set_of_words(here):
    words = ["forecast", "shop.csv", *TARGET, *SMALL, "--dropout", "0", "--device", "cpu"]
    done = subprocess.run(
        [*AGENTS, *words, "--batch-size", "8", "--out", "two"],
        env={**ENVIRONMENT, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Test: the last") == 1
    assert done.stderr.count("trained 2 epochs") == 1
    assert sorted(path.name for path in here.iterdir()) == ["shop.csv", "two"]
    assert main([*words, "--batch-size", "16", "--out", "one"]) == 0
    one, two = (gw.load(here / name / "model").weights_ for name in ("one", "two"))
    for name, value in one.items():
        np.testing.assert_allclose(two[name], value, rtol=0, atol=1e-4, err_msg=name)


@pytest.mark.nightly
@pytest.mark.skipif(shutil.which("torchrun") is None, reason="torchrun is not installed")
def test_an_error_of_all_is_told_once(here):
    wrong = subprocess.run(
        [*AGENTS, "forecast", "gone.csv", *TARGET],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode != 0
    assert wrong.stderr.count("error: ") == 1
