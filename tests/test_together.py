"""Two processes with batches of B learn what one does with batches of 2 B."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from shop import ENVIRONMENT, SMALL, TARGET
from together import CASES, start, values

import gatewise as gw
from gatewise.cli import main
from gatewise.engines import processes
from gatewise.engines.torch.team import Team

AGENT = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}


@pytest.mark.parametrize("case", [*CASES, "tasks"])
def test_two_processes_are_one_with_twice_the_batch(case, tmp_path):
    (one,) = start(case, 1, 8, tmp_path)
    first, second = start(case, 2, 4, tmp_path)
    assert [code for code, _, _ in (one, first, second)] == [0, 0, 0], first[1] + second[1]
    assert one[2]
    for name, value in one[2].items():
        np.testing.assert_allclose(first[2][name], value, rtol=0, atol=1e-5, err_msg=name)
        np.testing.assert_array_equal(second[2][name], first[2][name], err_msg=name)
    assert second[1] == ""  # the first one shows how training goes
    if case == "tasks":
        assert "trained 3 epochs" in first[1]
        notes = gw.load(tmp_path / "model").notes_
        assert any(note.startswith("2 processes trained together") for note in notes)
        assert [path.name for path in tmp_path.glob("*model*")] == ["model"]


def test_three_processes_are_the_same_again(tmp_path):
    (one,) = start("tags", 1, 6, tmp_path)
    found = start("tags", 3, 2, tmp_path)
    assert [code for code, _, _ in found] == [0, 0, 0]
    for name, value in one[2].items():
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
    _, source, _ = values()
    for name, value in AGENT.items():
        monkeypatch.setenv(name, value)
    from gatewise.training import fit

    engine = object()  # is not asked
    stage = gw.Checkpoints(tmp_path).stage()
    with pytest.raises(gw.UsageError, match="without torchrun"):
        fit(engine, source, None, gw.Training(), seed=0, stage=stage)
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(gw.UsageError, match="not 'two'"):
        processes.count()


def test_an_engine_on_keras_says_that_it_trains_alone(monkeypatch):
    script = (
        "from networks import random_weights; from together import values\n"
        "import gatewise as gw; from gatewise.engine import load_engine\n"
        "spec = values()[0]\n"
        "try: load_engine('jax', spec, gw.Training(), random_weights(spec), device='cpu')\n"
        "except gw.UsageError as error: print(error)"
    )
    paths = f"{ENVIRONMENT['PYTHONPATH']}{os.pathsep}{os.path.dirname(__file__)}"
    environment = {**os.environ, **AGENT, "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert "use engine 'torch', or start without torchrun" in done.stdout


@pytest.mark.skipif(shutil.which("torchrun") is None, reason="torchrun is not installed")
def test_torchrun_leaves_one_folder_and_one_set_of_words(here):
    words = ["forecast", "shop.csv", *TARGET, *SMALL, "--batch-size", "8", "--device", "cpu"]
    agent = ["torchrun", "--nproc-per-node", "2", "--master-port", "0", "-m", "gatewise"]
    done = subprocess.run(
        [*agent, *words, "--out", "two"],
        env={**ENVIRONMENT, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Test: the last") == 1
    assert done.stderr.count("trained 2 epochs") == 1
    assert sorted(path.name for path in here.iterdir()) == ["shop.csv", "two"]
    assert main([*words[:-4], "--batch-size", "16", "--device", "cpu", "--out", "one"]) == 0
    one, two = (gw.load(here / name / "model").weights_ for name in ("one", "two"))
    for name, value in one.items():
        np.testing.assert_allclose(two[name], value, rtol=0, atol=1e-4, err_msg=name)
    wrong = subprocess.run(
        [*agent, "forecast", "gone.csv", *TARGET],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert wrong.returncode != 0
    assert wrong.stderr.count("error: ") == 1
