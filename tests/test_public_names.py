"""What is public can be found, says what it is, and is what the documentation calls it."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

import gatewise
from gatewise import errors
from gatewise.cli.forecast_options import ForecastOptions
from gatewise.cli.options import field_help
from gatewise.tasks.shared import TASKS, parameter_names

PACKAGE = Path(gatewise.__file__).parent
MODULES = sorted(
    "gatewise." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if not path.name.startswith("__")
)
SETTINGS = [gatewise.Network, gatewise.NetworkSpec, gatewise.Training, ForecastOptions]


@pytest.mark.parametrize("name", [name for name in gatewise.__all__ if not name.startswith("__")])
def test_a_public_name_is_itself_and_documented(name):
    value = getattr(gatewise, name)
    called = getattr(value, "__name__", name).rpartition(".")[2]
    assert called == name
    if not name.endswith("Error"):  # errors.py draws and explains all of them at its top
        assert len(inspect.getdoc(value) or "") > 20
    assert inspect.getmodule(value).__name__.startswith("gatewise")


def test_a_star_import_gives_every_name():
    found: dict[str, object] = {}
    exec("from gatewise import *", found)
    assert set(gatewise.__all__) <= set(found)
    assert sorted(gatewise.__all__) == gatewise.__all__


def test_a_type_checker_sees_the_same_names():
    """What `__getattr__` finds at run time stands under TYPE_CHECKING, too, with its home."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {a.name: node.module for node in block.body for a in node.names}
    assert set(seen) | {"__version__"} == set(gatewise.__all__)
    for name, module in seen.items():
        assert getattr(gatewise, name) is getattr(importlib.import_module(module), name)


def test_types_are_shipped():
    assert (PACKAGE / "py.typed").is_file()


def test_the_errors_are_those_of_the_drawing():
    drawn = set(re.findall(r"(\w+Error)\b", errors.__doc__)) - {
        "ValueError",
        "ImportError",
        "RuntimeError",
    }
    there = {
        name for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.GatewiseError)
    }  # fmt: skip
    assert drawn == there == {name for name in gatewise.__all__ if name.endswith("Error")}
    for name in there - {"GatewiseError"}:
        kind = getattr(errors, name)
        code = re.search(rf"{name}.*exit (\d)", errors.__doc__)
        assert code is None or kind.exit_code == int(code[1])


def test_load_and_save_belong_together():
    assert gatewise.load is importlib.import_module("gatewise.tasks.shared").load
    for module, name in TASKS.values():
        task = getattr(importlib.import_module(module), name)
        assert getattr(gatewise, name) is task
        for method in ("fit", "save", "from_artifact", "get_params", "set_params", "summary"):
            assert callable(getattr(task, method))
        assert sum(hasattr(task, verb) for verb in ("predict", "generate", "translate")) == 1


@pytest.mark.parametrize(("module", "name"), TASKS.values())
def test_every_argument_and_method_of_a_task_is_explained(module, name):
    task = getattr(importlib.import_module(module), name)
    doc = inspect.getdoc(task)
    for argument in parameter_names(task):
        assert re.search(rf"(^|, ){argument}\b", doc, re.MULTILINE), argument
    for method, value in vars(task).items():
        if not method.startswith("_"):
            assert inspect.getdoc(value), f"{name}.{method}"


@pytest.mark.parametrize("settings", SETTINGS)
def test_every_field_of_the_settings_is_explained(settings):
    assert issubclass(settings, BaseModel)
    explained = field_help(settings)
    shared = set(gatewise.Network.model_fields) if settings is gatewise.NetworkSpec else set()
    assert set(settings.model_fields) - shared <= set(explained)


@pytest.mark.parametrize("name", MODULES)
def test_what_a_module_offers_is_documented(name):
    module = importlib.import_module(name)
    assert module.__doc__
    assert module.__doc__.splitlines()[0].strip()
    for public, value in vars(module).items():
        own = getattr(value, "__module__", None) == name and not public.startswith("_")
        if (
            own
            and (inspect.isclass(value) or inspect.isfunction(value))
            and name != errors.__name__
        ):
            written = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
            assert written, f"{name}.{public}"
            assert not written.startswith(f"{public}("), f"{name}.{public} has no words of its own"


def test_an_unknown_name_is_no_attribute():
    assert not hasattr(gatewise, "Predictor")
    with pytest.raises(AttributeError, match="did you mean 'Network'"):
        _ = gatewise.Netwrk
