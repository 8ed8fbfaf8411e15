"""Recurrent layers by themselves: what they show, their state, and gradients of any loss."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_engine_contract import needs

import gatewise as gw
from gatewise.batch import step_mask
from gatewise.reference.cells import run_stack

# JAX compiles each shape: at night
QUICKER = ("tensorflow", pytest.param("jax", marks=pytest.mark.nightly))

HERE = Path(__file__).resolve().parent
CELLS = ("rnn", "gru", "lstm")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 4)).astype(np.float32)
LENGTHS = np.array([5, 2, 3])


def stack_of(cell, engine="torch", **network):
    return gw.Stack(gw.Network(cell=cell, hidden_size=6, **network), 4, engine=engine, seed=1)


def slope(stack, upstream, name, at, size=1e-5):
    """Of sum(outputs * upstream), from the equations in double precision."""
    sides = []
    for step in (size, -size):
        values = {n: w.astype(float) for n, w in stack.weights.items()}
        x = X.astype(float)
        (x if name == "x" else values[name])[at] += step
        shown, _ = run_stack(stack.spec, values, "encoder", x, np.full(3, 5))
        sides.append((shown * upstream).sum())
    return (sides[0] - sides[1]) / (2 * size)


def checked(engine, cell, **network):
    """Outputs, states and slopes are those of the equations; carried on is read whole."""
    stack = stack_of(cell, engine, **network)
    both = stack.network.bidirectional
    found = stack.read(X, lengths=LENGTHS)
    truth, finals = run_stack(stack.spec, stack.weights, "encoder", X, LENGTHS)
    np.testing.assert_allclose(found.outputs, truth, atol=1e-6)
    assert (found.outputs[~step_mask(LENGTHS, 5)] == 0).all()
    if both:
        assert found.state is None
    else:
        for layer, (state,) in enumerate(finals):
            np.testing.assert_allclose(found.state[:, layer], np.stack(state), atol=1e-6)
        first = stack.read(X[:, :2])
        rest = stack.read(X[:, 2:], state=first.state)
        whole = stack.read(X)
        np.testing.assert_allclose(rest.outputs, whole.outputs[:, 2:], atol=1e-6)
        np.testing.assert_allclose(rest.state, whole.state, atol=1e-6)
    upstream = np.random.default_rng(2).normal(size=(3, 5, 12 if both else 6))
    slopes = stack.gradients(X, upstream)
    assert set(slopes) == {*stack.weights, "x"}
    rng = np.random.default_rng(3)
    for name, values in slopes.items():
        for _ in range(3):
            at = tuple(int(rng.integers(n)) for n in values.shape)
            true = slope(stack, upstream, name, at)
            assert abs(values[at] - true) < 1e-5 + 1e-4 * abs(true), (name, at)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("network", [{}, {"num_layers": 2}, {"bidirectional": True}], ids=str)
def test_a_stack_is_its_equations(cell, network):
    checked("torch", cell, **network)


@pytest.mark.parametrize("engine", QUICKER)
def test_so_it_is_on_keras(engine):
    needs(engine)
    words = [sys.executable, "-W", "error", str(Path(__file__)), engine]
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == "checked"


def test_gradients_begin_at_a_state():
    stack = stack_of("lstm")
    state = RNG.normal(size=(2, 1, 3, 6))
    upstream = np.ones((3, 5, 6))
    from_zero, from_there = (stack.gradients(X, upstream, state=s) for s in (None, state))
    assert np.abs(from_zero["x"] - from_there["x"]).max() > 1e-3


def test_no_slope_is_lost_beside_rounding():
    """Seven orders of magnitude below the largest, it is right to a hundredth."""
    stack = gw.Stack(gw.Network(cell="rnn", hidden_size=6), 4, seed=1)
    small = {n: w * (0.2 if n.endswith("recurrent") else 1) for n, w in stack.weights.items()}
    stack = gw.Stack(stack.network, 4, weights=small)
    x = np.random.default_rng(0).normal(size=(1, 12, 4))
    upstream = np.zeros((1, 12, 6))
    upstream[:, -1] = 1
    by_step = np.linalg.norm(stack.gradients(x, upstream)["x"][0], axis=1)
    assert by_step[0] < 1e-6 * by_step[-1]
    h, shown = np.zeros(6), []
    for row in x[0]:
        h = np.tanh(
            row @ small["encoder.0.forward.input"] + h @ small["encoder.0.forward.recurrent"]
        )
        shown.append(h)
    back, truth = np.ones(6), []
    for h in shown[::-1]:
        back = back * (1 - h**2)
        truth.append(np.linalg.norm(small["encoder.0.forward.input"] @ back))
        back = small["encoder.0.forward.recurrent"] @ back
    np.testing.assert_allclose(by_step, truth[::-1], rtol=1e-2)


def test_weights_of_a_fitted_model_are_taken():
    made = gw.toys.toy_waves(30, length=5)
    training = gw.Training(epochs=1)
    network = gw.Network(cell="gru", hidden_size=6)
    model = gw.Classifier(network=network, training=training, members=1, verbose=0)
    model.fit(made.inputs, made.labels)
    stack = gw.Stack(model.network_, 3, weights=model.weights_)
    np.testing.assert_array_equal(
        stack.weights["encoder.0.forward.input"], model.weights_["encoder.0.forward.input"]
    )
    assert stack.parameters == 2 * (3 * (3 * 6 + 6 * 6 + 6) + 6)  # it chose both directions


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: s.read(X[0]), r"x should be \(sequences, steps, 4\), not \(5, 4\)"),
        (lambda s: s.read(X, lengths=[5, 0, 3]), "from 1 to 5"),
        (lambda s: s.read(X, state=np.zeros((1, 3, 6))), r"should be \(2, 1, 3, 6\) \(h, c;"),
        (lambda s: s.gradients(X, np.ones(3)), "shape of the outputs"),
        (
            lambda s: gw.Stack(s.network, 5, weights=s.weights),
            r"should be \(5, 24\), not \(4, 24\)",
        ),
        (lambda s: gw.Stack(s.network, 4, weights={}), "'encoder.0.forward.input' .* is missing"),
    ],
)
def test_what_does_not_fit_is_told(call, words):
    with pytest.raises(gw.InputError, match=words):
        call(stack_of("lstm"))


def test_a_bidirectional_stack_goes_on_from_nothing():
    with pytest.raises(gw.UsageError, match="begins at both ends"):
        stack_of("gru", bidirectional=True).read(X, state=np.zeros((1, 1, 3, 6)))


if __name__ == "__main__":
    for kind, more in (("lstm", {}), ("gru", {"num_layers": 2}), ("rnn", {"bidirectional": True})):
        checked(sys.argv[1], kind, **more)
    json.dump("checked", sys.stdout)
