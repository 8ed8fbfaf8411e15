"""A training that is killed and goes on ends in the bits of the one that was never killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TASKS = ("forecaster", "generator")


def outcome(folder: Path, engine: str, count: int, tasks: tuple[str, ...]) -> dict:
    out = folder / "out.json"
    environment = {**os.environ, "PYTHONPATH": f"{HERE.parent / 'src'}", "OMP_NUM_THREADS": "1"}
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("KERAS_BACKEND", None)
    command = [sys.executable, str(HERE / "killed_training.py"), engine, str(out), str(count)]
    done = subprocess.run(
        [*command, *tasks], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text())


def needs(engine: str) -> None:
    if find_spec(engine) is None:
        pytest.skip(f"{engine} is not installed")


def check(found: dict, tasks: tuple[str, ...], least: int) -> None:
    assert set(found) == set(tasks)
    for task, runs in found.items():
        assert len(runs["killed"]) >= least
        differ = [kill for kill, left in runs["killed"].items() if left != runs["whole"]]
        assert differ == [], task
    wholes = [json.dumps(runs["whole"]) for runs in found.values()]
    assert len(set(wholes)) == len(wholes)  # the hashes say something


def test_killed_anywhere_it_ends_in_the_same_bits(tmp_path):
    check(outcome(tmp_path, "torch", 4, TASKS), TASKS, 4 + 9)


def test_killed_anywhere_it_ends_in_the_same_bits_on_tensorflow(tmp_path):
    needs("tensorflow")
    check(outcome(tmp_path, "tensorflow", 0, ("generator",)), ("generator",), 9)


@pytest.mark.nightly
@pytest.mark.parametrize("engine", ["torch", "tensorflow"])
def test_killed_at_twenty_moments_it_ends_in_the_same_bits(engine, tmp_path):
    needs(engine)
    check(outcome(tmp_path, engine, 20, TASKS), TASKS, 20 + 9)
