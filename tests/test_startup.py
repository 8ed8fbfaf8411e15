"""What loads when, and that every public name leads somewhere."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gatewise
from gatewise.cli import VERBS

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(gatewise.__file__).parents[1])}
HEAVY = {"torch", "tensorflow", "keras", "jax", "pandas", "sklearn", "matplotlib", "onnx"}
HEAVY |= {"onnxruntime", "scipy", "narwhals", "pyarrow"}


def loaded_by(code: str) -> set[str]:
    """Top-level names of all modules in a fresh process after `code`."""
    script = f"import sys\ntry:\n    {code}\nexcept SystemExit: pass\nprint(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    modules = ast.literal_eval(done.stdout.splitlines()[-1])
    return {name.partition(".")[0] for name in modules}


def test_import_loads_nothing_heavy():
    loaded = loaded_by("import gatewise")
    assert not loaded & (HEAVY | {"numpy", "pydantic", "typer", "rich"})


@pytest.mark.parametrize("words", [[], ["--help"], ["--version"], ["forcast"], ["--bogus"]])
def test_command_line_loads_nothing_heavy_before_a_verb(words):
    loaded = loaded_by(f"from gatewise.cli import main; main({words!r})")
    assert "typer" in loaded
    assert not loaded & (HEAVY | {"numpy"})


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_loads_nothing_heavy(verb):
    loaded = loaded_by(f"from gatewise.cli import main; main([{verb!r}, '--help'])")
    assert not loaded & HEAVY


@pytest.mark.parametrize("name", gatewise.__all__)
def test_every_public_name_resolves_and_is_listed(name):
    assert getattr(gatewise, name) is not None
    assert name in dir(gatewise)


def test_every_public_error_is_named():
    from gatewise import errors

    known = {name for name in vars(errors) if name.endswith("Error")}
    assert known <= set(gatewise.__all__)


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(AttributeError, match="no 'Forcaster'; did you mean 'Forecaster'"):
        _ = gatewise.Forcaster
    assert not hasattr(gatewise, "Quux")


def test_python_m_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "gatewise", "--version"],
        env=ENVIRONMENT,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, f"gatewise {gatewise.__version__}\n")
    assert Path(gatewise.__file__).with_name("__main__.py").exists()


def test_a_backend_that_does_not_come_up_is_not_chosen(tmp_path: Path):
    """Its package is there and cannot be imported: afterwards the other may be taken."""
    if importlib.util.find_spec("keras") is None:
        pytest.skip("Keras is not installed")
    (tmp_path / "jax").mkdir()
    (tmp_path / "jax" / "__init__.py").write_text("import nowhere_at_all\n")
    code = (
        "import os, sys\n"
        f"sys.path[:0] = [{str(tmp_path)!r}]\n"
        "from gatewise.engine import load_engine\n"
        "from gatewise.errors import MissingExtraError\n"
        "from gatewise.spec import NetworkSpec, Training\n"
        "try:\n"
        "    load_engine('jax', NetworkSpec(kind='many_to_one', output_size=1), Training(), {})\n"
        "except MissingExtraError:\n"
        "    print(os.environ.get('KERAS_BACKEND'), [m for m in sys.modules if m == 'keras'])\n"
    )
    environment = {name: v for name, v in ENVIRONMENT.items() if name != "KERAS_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "None []"
