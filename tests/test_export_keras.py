"""Exports to Keras and TensorFlow: each in processes of their own, so there are few of them."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from networks import every_spec
from test_export import saved

import gatewise as gw
from gatewise.batch import Batch
from gatewise.errors import MissingExtraError, RunError
from gatewise.exporting import export as exporting
from gatewise.exporting import keras, verify
from gatewise.exporting.subject import subject_of

HERE = Path(__file__).parent
NEEDED = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"
)
QUIET = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    spec = every_spec()["rnn-1-bi-attention-pairs"]
    return saved(tmp_path_factory.mktemp("network") / "m", spec)


@pytest.fixture(scope="module")
def forecaster(tmp_path_factory):
    frame = gw.datasets.airline_passengers()
    small = gw.Network(hidden_size=8)
    model = gw.Forecaster(6, lookback=12, verbose=0, training=gw.Training(epochs=1), network=small)
    model.fit(frame, target="passengers", time="month")
    path = tmp_path_factory.mktemp("air") / "air.gw"
    model.save(path)
    return path


# stands for the module that writes: all formats in one process, since each start costs seconds
THREE = """
import json, shutil, sys
from pathlib import Path
import numpy as np
from gatewise.engines.keras import export

job = Path(sys.argv[1])
asked = json.loads((job / "job.json").read_text())
others = {to: Path(__file__).parent / to for to in ("h5", "savedmodel")}
for to, other in others.items():
    shutil.copytree(job, other)
    (other / "job.json").write_text(json.dumps({**asked, "to": to}))
    export.run(other)
export.run(job)
for number in range(len(asked["questions"])):
    wanted = np.load(job / f"answer-{number}.npz")
    for to, other in others.items():
        told = np.load(other / f"answer-{number}.npz")
        assert set(told) == set(wanted), to
        for name in wanted:
            np.testing.assert_allclose(told[name], wanted[name], atol=1e-6, err_msg=f"{to} {name}")
"""


@NEEDED
def test_a_network_in_all_three_formats(network, tmp_path, monkeypatch):
    (tmp_path / "three.py").write_text(THREE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(keras, "MODULE", "three")
    done = gw.export(network, "keras", tmp_path / "out")
    assert done.verified.relative < 1e-6
    assert done.files == ("model.keras",)
    left = {
        to: [path.name for path in (tmp_path / to / "out").iterdir()] for to in ("h5", "savedmodel")
    }
    assert left == {"h5": ["model.h5"], "savedmodel": ["1"]}


ALL_THREE = """
import sys
import numpy as np
import keras, tensorflow as tf
given = dict(np.load("given.npz"))
told = {}
for to in ("keras", "h5"):
    model = keras.saving.load_model(f"{to}/model.{to}", compile=False)
    told[to] = np.asarray(model(given)["output"])
served = tf.saved_model.load("savedmodel/1").signatures["serving_default"]
assert set(served.structured_input_signature[1]) == {"x", "lengths"}
assert set(served.structured_outputs) == {"output"}
assert served.structured_outputs["output"].shape.as_list() == [None, 6, 1]
told["savedmodel"] = served(**{name: tf.constant(a) for name, a in given.items()})["output"]
np.savez("told.npz", **told)
assert not any(name.startswith("gatewise") for name in sys.modules)
"""


@NEEDED
@pytest.mark.nightly
def test_a_forecaster_answers_the_same_without_gatewise(forecaster, tmp_path):
    for to in ("keras", "h5", "savedmodel"):
        done = gw.export(forecaster, to, tmp_path / to)
        assert done.verified.relative < 1e-6
    assert done.files == ("1",)
    rng = np.random.default_rng(0)
    lengths = np.array([12, 5, 1, 9], dtype=np.int32)
    x = rng.normal(size=(4, 12, 1)).astype(np.float32)
    np.savez(tmp_path / "given.npz", x=x, lengths=lengths)
    environment = {name: value for name, value in QUIET.items() if name != "PYTHONPATH"}
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ALL_THREE],
        cwd=tmp_path,
        env={**environment, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stderr
    wanted = gw.load(forecaster).runner_.forward(Batch(x=x, lengths=lengths)).output
    for to, told in np.load(tmp_path / "told.npz").items():
        np.testing.assert_allclose(told, wanted, atol=1e-5 * np.abs(wanted).max(), err_msg=to)


# several networks in one process, which would each be one: the module that writes them is called
MANY = """
import sys, types
from pathlib import Path
from networks import every_spec
from test_export import saved
import gatewise as gw
from gatewise.engines.keras import export as child
from gatewise.exporting import keras

def called(command, **_):
    child.run(Path(command[-1]))
    return types.SimpleNamespace(returncode=0, stderr="")

keras.subprocess = types.SimpleNamespace(run=called)
folder = Path(sys.argv[1])
for number, (name, to) in enumerate([
    ("gru-2-bi-by_position-segments-2ahead-shortcut4", "h5"),
    ("lstm-2-bi-fed_back-linear-2ahead", "savedmodel"),
    ("lstm-2-uni-steps-tied23", "keras"),
    ("gru-2-uni-steps-tokens", "savedmodel"),
    ("lstm-1-bi-writes-additive-tied23", "h5"),
    ("rnn-1-bi-attention-pairs", "savedmodel"),
]):
    model = saved(folder / f"m{number}", every_spec()[name])
    assert gw.export(model, to, folder / f"e{number}").verified.relative < 1e-6, name
texts, labels = ["a b", "b c", "c d", "d a"] * 8, ["x", "y"] * 16
several = [["x"], ["x", "y"], ["y"], []] * 8
for number, truth in enumerate([labels, several]):
    model = gw.Classifier(members=2, verbose=0, training=gw.Training(epochs=1), unit="word")
    done = gw.export(model.fit(texts, truth), "keras", folder / f"c{number}")
    assert done.notes == ("2 networks are averaged in it, as the model does",)
"""


@NEEDED
@pytest.mark.nightly
def test_networks_of_every_kind(tmp_path):
    source = str(Path(gw.__file__).parents[1])
    path = os.pathsep.join([source, str(HERE)])
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MANY, str(tmp_path)],
        env={**QUIET, "PYTHONPATH": path, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stderr


@NEEDED
@pytest.mark.nightly
@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.parametrize("to", ["keras", "h5"])
def test_its_lines_load_it_on_another_backend(tmp_path, backend, to):
    pytest.importorskip(backend)
    spec = every_spec()["lstm-2-bi-fed_back-linear-0ahead"]
    subject = subject_of(saved(tmp_path / "m", spec))
    parts = keras.parts_of(subject)
    files, answers = keras.write(subject, tmp_path, to, parts)
    assert files == (f"model.{to}",)
    opening, _ = keras.opening(to, parts)
    part, feeds = list(verify.questions(subject, parts))[-1]
    exact = {one.name: feeds[one.name].astype(one.dtype) for one in part.inputs}
    np.savez(tmp_path / "given.npz", **exact)
    given = "given = dict(np.load('given.npz'))"
    tell = "np.savez('told.npz', **ask('model', given))"
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "\n".join([*opening, given, tell])],
        cwd=tmp_path,
        env={**QUIET, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    assert "compiled" not in ran.stderr
    told = np.load(tmp_path / "told.npz")["output"]
    np.testing.assert_allclose(told, answers[-1]["output"], atol=1e-5)


def test_what_keras_refuses_is_told_and_nothing_is_left(network, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(keras, "MODULE", "gatewise.no_such_module")
    with pytest.raises(RunError, match=r"could not write this network as h5: .*no_such"):
        gw.export(network, "h5", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


SLOW = """
import os, time
open("began", "w").write(str(os.getpid()))
time.sleep(60)
"""
KILLED = """
import sys
from gatewise.cli import main
from gatewise.exporting import export, keras
export.importlib.util.find_spec = lambda name: name
keras.MODULE = "slow"
sys.exit(main(["export", sys.argv[1], "--to", "h5", "--out", "out"]))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.nightly)],
)
def test_an_export_that_is_ended_leaves_nothing_behind(network, tmp_path, number, code):
    (tmp_path / "temporary").mkdir()
    (tmp_path / "slow.py").write_text(SLOW)
    path = os.pathsep.join([str(Path(gw.__file__).parents[1]), str(tmp_path)])
    running = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(network)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path, "TMPDIR": str(tmp_path / "temporary")},
        stderr=subprocess.DEVNULL,
    )
    try:
        began = tmp_path / "began"
        deadline = time.monotonic() + 60
        while not (began.exists() and began.read_text()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert list((tmp_path / "temporary").glob("gatewise-*"))
        running.send_signal(number)
        assert running.wait(timeout=30) == code
    finally:
        running.kill()
        running.wait()
    assert list((tmp_path / "temporary").glob("gatewise-*")) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["began", "slow.py", "temporary"]
    with pytest.raises(ProcessLookupError):
        os.kill(int(began.read_text()), 0)


def test_a_missing_extra_is_named(network, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"keras is not .* 'gatewise\[tensorflow\]'"):
        gw.export(network, "keras", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
