"""The floors hold: what may import what, and the rules that keep every file readable.

The floor of every module stands in one table, in docs/architecture.md.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src/gatewise"
MOST_LINES = 400
BY_COMMAND = {"docs/benchmarks.md"}  # pages that nobody writes by hand: of any length
WRITTEN = {".py", ".md", ".css", ".html", ".js", ".toml", ".yaml"}

# modules that name others above them in text and import those when they are asked for; exporting
# names one below it, which it runs as a process of its own
LATE = {
    "gatewise",
    "engine",
    "tasks.shared",
    "cli",
    "cli.saved",
    "cli.installed",
    "exporting.keras",
}
# imports that only a type checker follows and that lead upwards
FOR_TYPES = {
    ("gatewise", "stack"),
    ("tasks.backtesting", "tasks.forecaster"),
    ("tasks.class_attention", "tasks.classifier"),
    ("tasks.class_facts", "tasks.classifier"),
    ("tasks.class_judging", "tasks.classifier"),
    ("tasks.class_plan", "tasks.classifier"),
    ("tasks.class_state", "tasks.classifier"),
    ("tasks.continuing", "tasks.forecaster"),
    ("tasks.facts", "tasks.forecaster"),
    ("tasks.forecaster_beginning", "tasks.forecaster"),
    ("tasks.forecaster_score", "tasks.forecaster"),
    ("tasks.forecaster_state", "tasks.forecaster"),
    ("tasks.generator_facts", "tasks.generator"),
    ("tasks.generator_judging", "tasks.generator"),
    ("tasks.generator_plan", "tasks.generator"),
    ("tasks.generator_state", "tasks.generator"),
    ("tasks.generator_writing", "tasks.generator"),
    ("tasks.judging", "tasks.forecaster"),
    ("tasks.tag_plan", "tasks.tagger"),
    ("tasks.translator_facts", "tasks.translator"),
    ("tasks.translator_judging", "tasks.translator"),
    ("tasks.translator_plan", "tasks.translator"),
    ("tasks.translator_state", "tasks.translator"),
    ("tasks.translator_writing", "tasks.translator"),
}
# package -> the one place that may import it
AT_HOME = {
    "torch": "engines.torch",
    "tensorflow": "engines.keras",
    "keras": "engines.keras",
    "jax": "engines.keras",
    "onnx": "engines.onnx",
    "onnxruntime": "engines.onnx",
}
RUNS_CODE = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
BARRED_CALLS = {"print", "eval", "exec", "breakpoint"}


def module_name(path):
    """`src/gatewise/data/table.py` -> `data.table`; the package itself is `gatewise`."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "gatewise"


SOURCES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in SOURCES.items()}


def floors():
    """module -> its row's place: rows with the same number are the same place."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    table = re.search(r"```floors\n(.*?)```", page, re.DOTALL)[1]
    found = {}
    for row in table.splitlines():
        number, *names = row.split()
        place = tuple(map(int, number.split(".")))
        for name in names:
            assert name not in found, f"{name} stands twice in the table of floors"
            found[name] = place
    return found


FLOORS = floors()


def imports(tree: ast.AST, for_types: bool) -> Iterator[str]:
    """Dotted names that are imported, inside functions too; under TYPE_CHECKING, or elsewhere."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            if for_types:
                yield from imports(ast.Module(node.body, []), for_types=False)
            yield from imports(ast.Module(node.orelse, []), for_types)
            continue
        if isinstance(node, ast.Import) and not for_types:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not for_types:
            before = "." * node.level + (node.module or "")
            yield from (f"{before}.{alias.name}" for alias in node.names)
        yield from imports(node, for_types)


def own(dotted):
    """The module of ours that `gatewise.data.table.SeriesTable` or the like lies in, or None."""
    if dotted != "gatewise" and not dotted.startswith("gatewise."):
        return None
    name = dotted.removeprefix("gatewise").removeprefix(".") or "gatewise"
    while name not in SOURCES and "." in name:
        name = name.rpartition(".")[0]
    return name if name in SOURCES else "gatewise"


def imported(name, for_types=False):
    return {module for dotted in imports(TREES[name], for_types) if (module := own(dotted))}


def upwards(name, others):
    """Those of `others` that are not on a floor below."""
    return {other for other in others if FLOORS[other] >= FLOORS[name]} - {name}


def named(name):
    """Our modules that stand in its texts; not the package it lies in, whose files it may read."""
    found = {str(node.value) for node in ast.walk(TREES[name]) if isinstance(node, ast.Constant)}
    dotted = {text for text in found if re.fullmatch(r"gatewise(\.\w+)+", text)}
    return {text.removeprefix("gatewise.") for text in dotted} - {name.rpartition(".")[0]}


def test_every_module_has_a_floor():
    assert set(SOURCES) - set(FLOORS) == set(), "give it a row in docs/architecture.md"
    assert set(FLOORS) - set(SOURCES) == set(), "docs/architecture.md names what is not there"


def test_rows_of_the_table_stand_in_order():
    places = list(FLOORS.values())
    assert places == sorted(places)


@pytest.mark.parametrize("name", SOURCES)
def test_imports_come_from_floors_below(name):
    assert not upwards(name, imported(name))


def test_imports_for_types_alone_that_lead_upwards_are_known():
    found = {(name, up) for name in SOURCES for up in upwards(name, imported(name, for_types=True))}
    assert found == FOR_TYPES


def test_only_known_modules_name_what_is_above_them():
    every = {name: named(name) for name in SOURCES}
    assert set().union(*every.values()) <= set(SOURCES), "a module that is not there is named"
    assert {name for name, others in every.items() if others} == LATE
    assert upwards("engine", every["engine"])


def test_imports_are_absolute():
    for name, tree in TREES.items():
        relative = [dotted for dotted in imports(tree, for_types=False) if dotted.startswith(".")]
        assert not relative, name


@pytest.mark.parametrize("name", SOURCES)
def test_engines_know_nothing_of_each_other_and_nobody_of_their_frameworks(name):
    engine = re.match(r"engines\.\w+", name)
    for other in imported(name):
        met = re.match(r"engines\.\w+", other)
        alien = engine and met and met[0] not in (engine[0], "engines.processes")  # of no framework
        assert not alien, f"{name} imports {other}"
    for dotted in [*imports(TREES[name], False), *imports(TREES[name], True)]:
        home = AT_HOME.get(dotted.partition(".")[0])
        assert home is None or name == home or name.startswith(f"{home}."), f"{name}: {dotted}"


@pytest.mark.parametrize("name", SOURCES)
def test_the_package_asserts_prints_and_unpickles_nothing(name):
    for node in ast.walk(TREES[name]):
        assert not isinstance(node, ast.Assert), f"line {node.lineno}: raise an error instead"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in BARRED_CALLS, f"line {node.lineno}: {node.func.id}"
    tops = {dotted.partition(".")[0] for dotted in imports(TREES[name], for_types=False)}
    assert not tops & RUNS_CODE


def test_packages_are_empty_but_for_those_that_are_meant_to_say_something():
    says = {name for name, path in SOURCES.items() if path.name == "__init__.py"}
    says = {name for name in says if len(TREES[name].body) > 1}
    assert says == {"gatewise", "cli", "reference", "report"}


@pytest.mark.parametrize("folder", ["src", "tests", "bench", "docs"])
def test_no_file_is_too_long(folder):
    files = [path for path in (ROOT / folder).rglob("*") if path.suffix in WRITTEN]
    assert files
    written = [path for path in files if path.relative_to(ROOT).as_posix() not in BY_COMMAND]
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in written}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_a_lazy_import_is_seen_and_one_for_types_is_told_apart():
    tree = ast.parse(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from gatewise.cli import main\nelse:\n    import gatewise.batch\n"
        "def f():\n    from gatewise import spec\n    import gatewise.data.table as t\n"
    )
    plain, typed = (list(imports(tree, for_types)) for for_types in (False, True))
    assert {own(dotted) for dotted in plain} - {None} == {"batch", "spec", "data.table"}
    assert {own(dotted) for dotted in typed} == {"cli"}
    assert own("gatewise.spec.Network") == "spec"
    assert own("gatewiser") is None


def test_an_import_from_above_or_beside_is_noticed():
    assert upwards("spec", {"errors", "engine", "batch"}) == {"engine", "batch"}
    assert upwards("cli", {"engines.torch.engine", "report"}) == set()
