"""The engine on Keras beside the one on PyTorch: the same names, the same training, one backend."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from engine_contract import HERE, outcome
from keras_training import CURVES, LEARNT, curve, trained
from test_engine_contract import ON_KERAS, needs

from gatewise.engine import load_engine
from gatewise.errors import MissingExtraError
from gatewise.spec import NetworkSpec, Training
from gatewise.weights import initial

ENGINES = HERE.parent / "src/gatewise/engines"
FILES = ("attention", "averaging", "cells", "engine", "layers", "losses", "nets")
ONE_SIDED = {  # what only one of the two has, and why
    "attention": {"AT_ONCE", "NEVER", "dense", "column", "shares"},
    "averaging": {"moved"},
    "cells": {"NAMES", "HELD", "MODULES", "FUNCTIONS", "LAYERS", "FLOAT", "Tensor", "Noise"}
    | {"lay_out", "drop"}
    | {"symbolic", "step_numbers", "valid_steps", "at_steps", "side_by_side"},
    "engine": {"OPTIMIZERS", "REMEMBERED", "AVAILABLE_THREADS", "ONE_THREAD_BELOW"}
    | {"FIELDS", "Arrays"},
    "layers": {"table_of"},
}


def public(path: Path) -> list[str]:
    """Names defined at the top of a file, in order."""
    found = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign):
            found += [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.append(node.target.id)
    return [name for name in found if not name.startswith("_")]


@pytest.mark.parametrize("file", FILES)
def test_both_folders_have_the_same_public_names_in_the_same_order(file: str) -> None:
    ours, torch = (public(ENGINES / side / f"{file}.py") for side in ("keras", "torch"))
    aside = ONE_SIDED.get(file, set())
    assert [name for name in ours if name not in aside] == [
        name for name in torch if name not in aside
    ]
    assert aside <= set(ours) ^ set(torch)


def test_both_backends_have_the_same_public_names() -> None:
    ours, other = (
        set(public(ENGINES / "keras" / f"on_{side}.py")) for side in ("tensorflow", "jax")
    )
    assert ours - {"SPREAD", "SMALL"} == other


@pytest.mark.parametrize("engine", ON_KERAS)
@pytest.mark.parametrize("name", LEARNT)
def test_training_is_that_of_torch(engine: str, name: str) -> None:
    needs(engine)
    ours, theirs = outcome("keras_training.py", engine)[name], trained("torch", name)
    np.testing.assert_allclose(ours["losses"], theirs["losses"], atol=1e-5)
    for key, value in theirs["weights"].items():
        np.testing.assert_allclose(ours["weights"][key], value, atol=2e-5, err_msg=key)


@pytest.mark.parametrize("engine", ON_KERAS)
@pytest.mark.parametrize("cell", CURVES)
def test_loss_curves_are_those_of_torch_within_a_hundredth(engine: str, cell: str) -> None:
    needs(engine)
    ours, theirs = outcome("keras_training.py", engine)[f"curve of {cell}"], curve("torch", cell)
    assert len(theirs) == 50
    assert theirs[-1] < 0.7 * theirs[0]  # something is learnt
    np.testing.assert_allclose(ours, theirs, rtol=0.01)


@pytest.mark.parametrize("engine", ON_KERAS)
def test_what_torch_began_goes_on_elsewhere_and_back(engine: str) -> None:
    needs(engine)
    assert outcome("keras_training.py", engine)["going on"] < 1e-5


@pytest.mark.parametrize("engine", ON_KERAS)
def test_the_same_seed_drops_the_same_and_another_does_not(engine: str) -> None:
    needs(engine)
    found = outcome("keras_training.py", engine)
    assert found["same seed"] == 0.0
    assert found["other seed"] > 1e-4
    assert 0.27 < found["dropped"] < 0.33  # four deviations of 4096 draws around 0.3
    assert found["raised"] == pytest.approx(1 / 0.7, rel=1e-3)  # what is not dropped
    assert found["drawn twice"] == 0


REFUSED = """
import sys
sys.path[:0] = {path!r}
from gatewise.engine import load_engine
from gatewise.errors import UsageError
from gatewise.spec import NetworkSpec, Training
from gatewise.weights import initial
spec = NetworkSpec(kind="many_to_one", output_size=1, hidden_size=2)
{before}
try:
    load_engine({engine!r}, spec, Training(), initial(spec, 0))
except UsageError as error:
    print(error)
"""


def refusal(engine: str, before: str, **variables: str) -> str:
    environment = {key: v for key, v in os.environ.items() if key != "KERAS_BACKEND"}
    code = REFUSED.format(path=[str(HERE.parent / "src")], before=before, engine=engine)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_another_backend_is_refused_by_name() -> None:
    needs("tensorflow")
    needs("jax")
    told = refusal("tensorflow", "", KERAS_BACKEND="jax")
    assert told.startswith(
        "engine 'tensorflow' needs KERAS_BACKEND=tensorflow, but KERAS_BACKEND is 'jax'; "
        "unset it, or set it to 'tensorflow'"
    )
    first = "load_engine('jax', spec, Training(), initial(spec, 0))"
    told = refusal("tensorflow", first)
    assert told.startswith(
        "engine 'tensorflow' needs KERAS_BACKEND=tensorflow, but Keras already runs on 'jax' in "
        "this process, for good; start a new process"
    )


@pytest.mark.parametrize("engine", ON_KERAS)
def test_a_missing_framework_is_told_with_its_extra(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for package in ("keras", engine):
        monkeypatch.delitem(sys.modules, package, raising=False)
    spec = NetworkSpec(kind="many_to_one", output_size=1)
    with pytest.raises(MissingExtraError, match=rf"pip install 'gatewise\[{engine}\]'"):
        load_engine(engine, spec, Training(), initial(spec, 0))
