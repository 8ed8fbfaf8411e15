"""Checkpoints: whole or not there, told apart from another run's, never in each other's way."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gatewise as gw
from gatewise import checkpoint
from gatewise.checkpoint import (
    Checkpoints,
    RunCheckpoints,
    Snapshot,
    fingerprint,
    part,
    prefixed,
)
from gatewise.errors import CheckpointError, UsageError
from gatewise.training import Nobody

SINE = np.sin(np.arange(120) / 5) + np.random.default_rng(2).normal(0, 0.1, 120)
OURS = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
FACTS = {"identity": {"seed": 1}, "made by": "numpy", "epoch": 3}


def snapshot(value: float = 0.0) -> Snapshot:
    arrays = {"w": np.full((2, 3), value, np.float32), "step": np.array(7), "empty": np.zeros(0)}
    return Snapshot(arrays, {**FACTS, "value": value})


def written(folder: Path, count: int) -> list[Path]:
    stage = RunCheckpoints(Checkpoints(folder), resume=False).stage()
    for number in range(count):
        stage.write(snapshot(number))
    return sorted((folder / "01").iterdir())


def last(folder: Path) -> tuple[Snapshot | None, list[str]]:
    run = RunCheckpoints(Checkpoints(folder), resume=True)
    return run.stage().last(FACTS["identity"], FACTS["made by"]), run.notes


def small(**training: object) -> gw.Forecaster:
    return gw.Forecaster(
        2,
        lookback=6,
        verbose=0,
        network=gw.Network(hidden_size=3),
        training=gw.Training(**{"epochs": 4, "patience": None, **training}),
    )


def test_what_is_written_comes_back_to_the_last_bit(tmp_path):
    assert len(written(tmp_path, 5)) == 2  # the newest, and the one before
    found, notes = last(tmp_path)
    assert found.facts == snapshot(4).facts
    assert notes == []
    for name, array in snapshot(4).arrays.items():
        np.testing.assert_array_equal(found.arrays[name], array)
        assert (found.arrays[name].dtype, found.arrays[name].shape) == (array.dtype, array.shape)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_damaged_one_is_told_and_the_one_before_is_used(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    newest = written(folder, 3)[-1]
    content = newest.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        newest.write_bytes(content[:at])
    else:
        newest.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    found, (note,) = last(folder)
    assert found.facts["value"] == 1.0
    assert newest.name in note
    assert "damaged" in note


def test_when_none_is_whole_it_begins_anew_and_says_so(tmp_path):
    for path in written(tmp_path, 2):
        path.write_bytes(b"")
    found, notes = last(tmp_path)
    assert found is None
    assert "began anew" in notes[-1]


def test_a_damaged_one_is_never_one_of_the_two_that_are_kept(tmp_path):
    written(tmp_path, 2)[-1].write_bytes(b"torn")
    stage = RunCheckpoints(Checkpoints(tmp_path), resume=True).stage()
    stage.last(FACTS["identity"], FACTS["made by"])
    stage.write(snapshot(9))
    kept = sorted((tmp_path / "01").iterdir())
    assert [path.name[:6] for path in kept] == ["000001", "000003"]
    kept[-1].unlink()
    assert last(tmp_path)[0].facts["value"] == 0.0


def test_another_run_is_refused_by_what_differs(tmp_path):
    model = small().fit(SINE, checkpoints=tmp_path)
    for other, data, said in (
        (small(learning_rate=0.5), SINE, "learning_rate was 0.003 and is 0.5"),
        (small(), SINE**2, "the data are not the same"),
        (small().set_params(network__hidden_size=4), SINE, "hidden_size was 3 and is 4"),
        (small().set_params(seed=3), SINE, "seed was 0 and is 3"),
    ):
        with pytest.raises(UsageError, match=said):
            other.fit(data, checkpoints=tmp_path, resume=True)
    again = small().fit(SINE, checkpoints=tmp_path, resume=True)
    assert fingerprint(again.weights_) == fingerprint(model.weights_)


def test_a_new_run_puts_the_old_checkpoints_aside(tmp_path):
    small().fit(SINE, checkpoints=tmp_path)
    before = {path.name for path in (tmp_path / "01").iterdir()}
    model = small(learning_rate=0.5).fit(SINE, checkpoints=tmp_path)
    assert {path.name for path in (tmp_path / "before/01").iterdir()} == before
    assert any("put into" in note for note in model.notes_)


def test_resume_without_a_folder_is_refused():
    with pytest.raises(UsageError, match="checkpoints="):
        small().fit(SINE, resume=True)


@pytest.mark.parametrize("wrong", [{"minutes": 0}, {"batches": 0}, {"pause": -1}])
def test_times_that_cannot_be_are_refused(wrong, tmp_path):
    with pytest.raises(UsageError, match="checkpoints are written every"):
        Checkpoints(tmp_path, **wrong)


def test_where_no_folder_can_be_nothing_is_trained(tmp_path):
    (tmp_path / "file").write_text("in the way")

    class Trained(Nobody):
        def tick(self):
            raise AssertionError("too late")

    with pytest.raises(UsageError, match="choose another folder"):
        small().fit(SINE, checkpoints=tmp_path / "file" / "run", watch=Trained())


def test_the_same_object_goes_on_with_its_own_run(tmp_path):
    whole = small(batch_size=8).fit(SINE)
    keep = Checkpoints(tmp_path)
    small(batch_size=8).fit(SINE, checkpoints=keep, watch=Interrupts(25))
    seen = Counts()
    found = small(batch_size=8).fit(SINE, checkpoints=keep, resume=True, watch=seen)
    assert fingerprint(found.weights_) == fingerprint(whole.weights_)
    assert seen.epochs < 2 * 4  # of early stopping and of all rows
    small(batch_size=8).fit(SINE, checkpoints=keep)
    assert (tmp_path / "before/01").is_dir()


class Counts(Nobody):
    epochs = 0

    def epoch(self, record, best):
        self.epochs += 1


def test_another_version_or_device_is_told(tmp_path):
    written(tmp_path, 1)
    run = RunCheckpoints(Checkpoints(tmp_path), resume=True)
    run.stage().last(FACTS["identity"], "numpy 9 on cuda")
    assert "are of numpy, this is numpy 9 on cuda" in run.notes[-1]


FULL_DISK = """
import resource, sys
import numpy as np
from gatewise.checkpoint import Checkpoints, RunCheckpoints, Snapshot
from gatewise.errors import CheckpointError
facts = {"identity": {"seed": 1}, "made by": "numpy"}
stage = RunCheckpoints(Checkpoints(sys.argv[1]), resume=False).stage()
stage.write(Snapshot({"w": np.zeros(9)}, {**facts, "value": 1}))
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))  # no file may grow beyond some bytes
try:
    stage.write(Snapshot({"w": np.ones(9)}, {**facts, "value": 2}))
except CheckpointError as error:
    print(error)
"""


def test_on_a_full_disk_the_last_good_one_stays(tmp_path):
    script = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    told = subprocess.run(script, env=OURS, capture_output=True, text=True, check=True)
    assert "File too large" in told.stdout
    found, notes = last(tmp_path)
    assert (found.facts["value"], notes) == (1, [])
    assert len(list((tmp_path / "01").iterdir())) == 1  # nothing half-written is left


class Fills(Nobody):
    """The disk is full after so many epochs."""

    def __init__(self, monkeypatch, epochs: int) -> None:
        self.monkeypatch, self.epochs = monkeypatch, epochs

    def epoch(self, record, best):
        if record.epoch == self.epochs:
            self.monkeypatch.setattr(checkpoint.os, "fsync", full)


def full(handle: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_training_stops_on_a_full_disk_and_goes_on_when_there_is_room(tmp_path, monkeypatch):
    whole = small().fit(SINE)
    with pytest.raises(CheckpointError, match="No space left on device"):
        small().fit(SINE, checkpoints=tmp_path, watch=Fills(monkeypatch, 3))
    monkeypatch.undo()
    found = small().fit(SINE, checkpoints=tmp_path, resume=True)
    assert fingerprint(found.weights_) == fingerprint(whole.weights_)


class Interrupts(Nobody):
    def __init__(self, batches: int) -> None:
        self.left = batches

    def tick(self):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_after_ctrl_c_it_goes_on_to_the_same_bits(tmp_path):
    whole = small(batch_size=8).fit(SINE)
    stopped = small(batch_size=8).fit(SINE, checkpoints=tmp_path, watch=Interrupts(25))
    assert stopped.history_.stopped == "interrupted"
    found = small(batch_size=8).fit(SINE, checkpoints=tmp_path, resume=True)
    assert found.history_.stopped == "finished"
    assert fingerprint(found.weights_) == fingerprint(whole.weights_)


def test_checkpoints_change_nothing(tmp_path):
    plain, kept = small().fit(SINE), small().fit(SINE, checkpoints=Checkpoints(tmp_path, batches=1))
    assert fingerprint(plain.weights_) == fingerprint(kept.weights_)


def test_members_of_a_committee_go_on_where_they_were(tmp_path):
    texts = ["good " * n for n in range(1, 21)] + ["bad " * n for n in range(1, 21)]
    labels = ["+"] * 20 + ["-"] * 20
    training = gw.Training(epochs=2, patience=None)

    def model() -> gw.Classifier:
        return gw.Classifier(
            members=2, verbose=0, network=gw.Network(hidden_size=3), training=training
        )

    whole = model().fit(texts, labels)
    with pytest.raises(RuntimeError, match="killed"):
        model().fit(texts, labels, checkpoints=tmp_path, watch=Dies(3))
    assert {path.name for path in tmp_path.iterdir()} == {"01", "02", "lock"}
    found = model().fit(texts, labels, checkpoints=tmp_path, resume=True)
    assert fingerprint(found.weights_) == fingerprint(whole.weights_)


class Dies(Nobody):
    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def epoch(self, record, best):
        self.left -= 1

    def tick(self):
        if not self.left:
            raise RuntimeError("killed")


def test_names_under_a_prefix_come_back():
    arrays = {"a": np.arange(3), "a/b": np.arange(2)}
    back = part({**prefixed("x", arrays), **prefixed("y", arrays)}, "x")
    assert back.keys() == arrays.keys()


def test_a_fingerprint_tells_names_shapes_and_types_apart():
    arrays = [
        {"a": np.zeros(4)},
        {"b": np.zeros(4)},
        {"a": np.zeros((2, 2))},
        {"a": np.zeros(4, np.int64)},
        {"a": np.ones(4)},
    ]
    assert len({fingerprint(one) for one in arrays}) == len(arrays)


HOLDS = """
import sys
from gatewise.checkpoint import Checkpoints, RunCheckpoints
run = RunCheckpoints(Checkpoints(sys.argv[1]), resume=False)
run.stage()
print("held", flush=True)
sys.stdin.read()
"""


def test_one_process_at_a_time_has_the_checkpoints(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)],
        env=OURS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(UsageError, match="another process trains"):
            small().fit(SINE, checkpoints=tmp_path)
        other.kill()
    small().fit(SINE, checkpoints=tmp_path)
