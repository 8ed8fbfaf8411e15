"""Programs of this folder in processes of their own: one framework each, one peak of memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BACKENDS = {"tensorflow": "tensorflow", "jax": "jax"}  # framework -> backend of Keras


def environment(framework: str = "") -> dict[str, str]:
    """Of a process that finds gatewise, and whose Keras has this backend."""
    source = str(Path(__file__).resolve().parents[1] / "src")
    found = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    found["PYTHONPATH"] = os.pathsep.join([source, *filter(None, [os.environ.get("PYTHONPATH")])])
    if framework in BACKENDS:
        found["KERAS_BACKEND"] = BACKENDS[framework]
    return found


def answer(program: str, *arguments: object, framework: str = "") -> Any:
    """The JSON of the last line that the program prints. Raises SystemExit where it fails."""
    command = [sys.executable, program, *map(str, arguments)]
    done = subprocess.run(
        command, env=environment(framework), stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{Path(program).name}: exit code {done.returncode}\n{done.stdout}")
    return json.loads(done.stdout.splitlines()[-1])


def told(value: Mapping[str, Any] | list[Any]) -> None:
    """Print what `answer` reads."""
    print(json.dumps(value), flush=True)
