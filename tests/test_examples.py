"""The examples are what they say: their equations and gradients are the engines', and they run."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gatewise as gw
from gatewise.reference.cells import lstm_step, run_layer

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
NAMES = ("lstm_numpy", "lstm_pytorch", "lstm_keras")
RNG = np.random.default_rng(0)
X, UPSTREAM = RNG.normal(size=(3, 5, 2)), RNG.normal(size=(3, 5, 4))
WEIGHTS = {"input": (2, 16), "recurrent": (4, 16), "bias": (16,)}
W, R, B = given = [RNG.normal(size=shape) / np.sqrt(shape[0]) for shape in WEIGHTS.values()]
CANONICAL = {f"encoder.0.forward.{n}": w for n, w in zip(WEIGHTS, given, strict=True)}


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def engine(name="torch"):
    """Ours with the same weights."""
    return gw.Stack(gw.Network(hidden_size=4), 2, weights=CANONICAL, engine=name)


def reference():
    """The slow truth: h of every step, the last h and c."""
    weights = dict(zip(WEIGHTS, given, strict=True))
    return run_layer("lstm", weights, X, np.full(3, 5))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_needs_no_gatewise(name):
    tree = ast.parse((EXAMPLES / f"{name}.py").read_text(encoding="utf-8"))
    names = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not [name for name in names if name.split(".")[0] == "gatewise"]
    assert f"`{name}.py`" in (EXAMPLES / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_an_example_runs_and_has_learnt(name):
    words = [sys.executable, str(EXAMPLES / f"{name}.py")]
    if name == "lstm_keras":
        pytest.importorskip("tensorflow")
    run = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT, timeout=300)
    assert run.returncode == 0, run.stderr
    ours, nothing = (float(line.rpartition("MSE ")[2]) for line in run.stdout.splitlines()[-2:])
    assert ours < 0.02 < 0.3 < nothing


def test_numpy_is_the_equations_and_the_engine():
    numpy = example("lstm_numpy")
    h, c = RNG.normal(size=(2, 3, 4))
    one = numpy.step(X[:, 0], h, c, *given)[:2]
    np.testing.assert_allclose(one, lstm_step(X[:, 0], h, c, *given), rtol=1e-12)
    shown, last, memos = numpy.sequence(X, *given)
    truth, finals = reference()
    np.testing.assert_allclose(shown, truth, rtol=1e-12)
    np.testing.assert_allclose(last, finals, rtol=1e-12)
    read = engine().read(X)
    np.testing.assert_allclose(shown, read.outputs, atol=1e-6)
    np.testing.assert_allclose(last, read.state[:, 0], atol=1e-6)
    slopes = engine().gradients(X, UPSTREAM)
    ours = numpy.sequence_back(UPSTREAM, memos, W, R)
    for slope, name in zip(ours, ("x", *CANONICAL), strict=True):
        np.testing.assert_allclose(slope, slopes[name], atol=1e-5, err_msg=name)


def test_numpys_gradients_are_slopes_at_every_entry():
    numpy = example("lstm_numpy")
    rng = np.random.default_rng(1)
    weights = numpy.initial(2, 4, rng)
    x, y = numpy.marked_numbers(3, 6, rng)
    _, slopes = numpy.loss_and_gradients(weights, x, y)
    assert set(slopes) == set(weights)
    for name, slope in slopes.items():
        for at in np.ndindex(slope.shape):
            measured = numpy.by_differences(weights, x, y, name, at)
            assert abs(slope[at] - measured) < 1e-8, (name, at)


def test_pytorch_is_the_equations_and_the_engine():
    torch = pytest.importorskip("torch")
    file = example("lstm_pytorch")
    hand = file.HandMade(2, 4).double()
    with torch.no_grad():
        for parameter, weight in zip((hand.W, hand.R, hand.b), given, strict=True):
            parameter.copy_(torch.tensor(weight))
    lstm = file.built_in(hand)
    truth, finals = reference()
    for layer in (hand, lstm):
        x = torch.tensor(X, requires_grad=True)
        shown, state = layer(x)
        np.testing.assert_allclose(shown.detach(), truth, rtol=1e-10)
        np.testing.assert_allclose(torch.cat(state).detach(), finals, rtol=1e-10)
        (shown * torch.tensor(UPSTREAM)).sum().backward()
        slopes = engine().gradients(X, UPSTREAM)
        np.testing.assert_allclose(x.grad, slopes["x"], atol=1e-5)
    # of the LSTM's own the matrices are transposed
    theirs = [lstm.weight_ih_l0.grad.T, lstm.weight_hh_l0.grad.T, lstm.bias_ih_l0.grad]
    ours = [hand.W.grad, hand.R.grad, hand.b.grad]
    for name, a, b in zip(CANONICAL, ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-10)
        np.testing.assert_allclose(a, slopes[name], atol=1e-5, err_msg=name)
    first, (h, c) = hand(torch.tensor(X[:, :2]))
    rest, _ = hand(torch.tensor(X[:, 2:]), (h, c))
    np.testing.assert_allclose(torch.cat([first, rest], 1).detach(), truth, rtol=1e-10)


def test_keras_is_the_equations_and_the_engine():
    pytest.importorskip("tensorflow")
    words = [sys.executable, str(Path(__file__))]
    run = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == "checked"


def keras_checked():
    """In a process of its own: Keras has one backend for good."""
    import tensorflow as tf

    hand, lstm = example("lstm_keras").both(2, 4)
    np.testing.assert_array_equal(hand.get_weights()[2], [0] * 4 + [1] * 4 + [0] * 8)
    truth, finals = reference()
    ours = engine("tensorflow")
    read, slopes = ours.read(X), ours.gradients(X, UPSTREAM)
    np.testing.assert_allclose(read.outputs, truth, atol=1e-6)
    for layer in (hand, lstm):
        layer.set_weights(given)
        x = tf.constant(X, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(x)
            shown, *state = layer(x)
            loss = tf.reduce_sum(shown * tf.constant(UPSTREAM, tf.float32))
        np.testing.assert_allclose(shown, truth, atol=1e-6)
        np.testing.assert_allclose(state, finals, atol=1e-6)
        variables = [x, *(v.value for v in layer.trainable_variables)]
        for name, slope in zip(("x", *CANONICAL), tape.gradient(loss, variables), strict=True):
            np.testing.assert_allclose(slope, slopes[name], atol=1e-5, err_msg=name)


if __name__ == "__main__":
    keras_checked()
    json.dump("checked", sys.stdout)
