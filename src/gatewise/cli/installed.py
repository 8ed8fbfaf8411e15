"""What gatewise needs, what of it is here, and whether it works."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from gatewise import version

State = Literal["works", "here", "missing", "broken"]
Packages = Mapping[str, tuple[str, str]]  # as it is imported -> as it is installed, from version

CORE = "core"
ENGINES = ("torch", "tensorflow", "jax")  # gatewise.engine, which needs NumPy, has them, too
CORE_PACKAGES: Packages = {
    "matplotlib": ("matplotlib", "3.9"),
    "narwhals": ("narwhals", "2.0"),
    "numpy": ("numpy", "1.26"),
    "onnx": ("onnx", "1.17"),
    "onnxruntime": ("onnxruntime", "1.23"),
    "pandas": ("pandas", "2.2"),
    "pydantic": ("pydantic", "2.10"),
    "yaml": ("pyyaml", "6.0"),
    "rich": ("rich", "13.9"),
    "sacrebleu": ("sacrebleu", "2.4"),
    "safetensors": ("safetensors", "0.4.5"),
    "sklearn": ("scikit-learn", "1.5"),
    "scipy": ("scipy", "1.11"),
    "seqeval": ("seqeval", "1.2.2"),
    "tokenizers": ("tokenizers", "0.20"),
    "typer": ("typer", "0.15"),
}
_KERAS = ("keras", "3.12.1")
EXTRAS: Mapping[str, Packages] = {
    "torch": {"torch": ("torch", "2.10")},
    "tensorflow": {"keras": _KERAS, "tensorflow": ("tensorflow-cpu", "2.18")},
    "jax": {"keras": _KERAS, "jax": ("jax", "0.4.34")},
    "parquet": {"pyarrow": ("pyarrow", "17")},
    "zh": {"jieba": ("jieba", "0.42.1")},
    "tune": {"optuna": ("optuna", "4.4")},
    "track": {
        "tensorboard": ("tensorboard", "2.18"),
        "mlflow": ("mlflow-skinny", "3.0"),
        "sqlalchemy": ("sqlalchemy", "2.0"),
        "alembic": ("alembic", "1.13"),
    },
}
# the same package under other names
ALSO = {"tensorflow-cpu": ("tensorflow", "tensorflow-intel"), "mlflow-skinny": ("mlflow",)}
SECONDS = 300.0  # for one engine to begin, on a slow disk
SELF_TEST = "gatewise.cli.selftest"


@dataclass(frozen=True)
class Part:
    """The core or an extra.

    packages  name -> version; None: not installed
    said      what is wrong
    command   that mends it
    result    of the self-test
    """

    name: str
    state: State
    packages: Mapping[str, str | None]
    said: str = ""
    command: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)


def examine(name: str, *, quick: bool = False) -> Part:
    """The core or an extra: its packages and, unless `quick`, whether they can be used."""
    wanted = CORE_PACKAGES if name == CORE else EXTRAS[name]
    found = {module: _version(module, told[0]) for module, told in wanted.items()}
    packages = {wanted[module][0]: version for module, version in found.items()}
    install = "pip install gatewise" if name == CORE else f"pip install 'gatewise[{name}]'"
    lacking = [module for module, version in found.items() if version is None]
    if lacking:
        state: State = "broken" if name == CORE else "missing"
        said = "" if len(lacking) == len(found) else f"without {', '.join(lacking)}"
        return Part(name, state, packages, said, install)
    old = [
        f"{module} {found[module]} is older than {least}"
        for module, (_, least) in wanted.items()
        if _number(found[module] or "") < _number(least)
    ]
    if old:
        upgrade = install.replace("install", "install --upgrade", 1)
        return Part(name, "broken", packages, "; ".join(old), upgrade)
    if quick:
        return Part(name, "here", packages)
    result, wrong = _tried(name, list(wanted))
    if wrong:
        again = f"pip install --force-reinstall {' '.join(packages)}"
        return Part(name, "broken", packages, wrong, again)
    return Part(name, "works", packages, result=result)


def _version(module: str, package: str) -> str | None:
    """Of an installed package, "" where it says none; None where it cannot be imported."""
    try:
        if importlib.util.find_spec(module) is None:
            return None
    except ValueError:  # None stands in sys.modules: it must not be imported
        return None
    for name in (package, *ALSO.get(package, ())):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return ""


def _number(text: str) -> tuple[int, ...]:
    """(2, 13, 0) of 2.13.0+cpu. A version that is not told counts as new enough."""
    match = re.match(r"\d+(\.\d+)*", text)
    return tuple(map(int, match[0].split("."))) if match else (sys.maxsize,)


def _tried(name: str, modules: list[str]) -> tuple[dict[str, Any], str]:
    """What the self-test of an engine, or importing the rest, came to: the result, what is wrong.

    In a process of its own: Keras chooses one backend, and what is broken may end its process.
    """
    tested = name == CORE or name in ENGINES
    words = ["-m", SELF_TEST, name] if tested else ["-c", f"import {', '.join(modules)}"]
    environment = {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"}
    ours = str(Path(version.__file__).parents[1])
    paths = [ours, os.environ.get("PYTHONPATH", "")]
    environment |= {"PYTHONPATH": os.pathsep.join(filter(None, paths)), "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        ran = subprocess.run(  # noqa: S603 - this interpreter
            [sys.executable, "-P", *words],  # -P: no module of the folder one is in
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return {}, f"no answer within {SECONDS:.0f} seconds"
    if ran.returncode:
        lines = ran.stderr.strip().splitlines()
        if ran.returncode < 0:  # its last line is some warning before that
            return {}, f"its process was ended by signal {-ran.returncode}"
        return {}, lines[-1] if lines else f"its process ended with {ran.returncode}"
    try:
        return (dict(json.loads(ran.stdout.splitlines()[-1])) if tested else {}), ""
    except (ValueError, IndexError):
        return {}, f"its process said {ran.stdout[-80:]!r}"
