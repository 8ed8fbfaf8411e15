"""`gatewise doctor`: what is installed, whether it works, and the command that adds what is not."""

from __future__ import annotations

import json
import os
import platform
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatewise import version
from gatewise.cli.how import Json

if TYPE_CHECKING:
    from rich.console import Console

    from gatewise.cli.installed import Part

# what changes how gatewise runs
VARIABLES = (
    "OMP_NUM_THREADS",
    "CUDA_VISIBLE_DEVICES",
    "KERAS_BACKEND",
    "GATEWISE_DATA",
    "GATEWISE_MIRROR",
    "GATEWISE_DEBUG",
)
QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container: microseconds in so many, or max
COLOURS = {"works": "green", "here": "", "missing": "yellow", "broken": "bold red"}


def doctor(
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Look, without training and asking each engine.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Show versions, devices, threads and extras, and try what is installed.

    Each engine trains a tiny network, and its answers are compared with those of
    onnxruntime.
    The exit code is 1 where something that is installed does not work.

    \b
    Examples:
      gatewise doctor
      gatewise doctor --quick
      gatewise doctor --json > report.json
    """
    from gatewise.cli.console import open_console, say
    from gatewise.cli.installed import CORE, EXTRAS, examine

    console = open_console(sys.stderr if as_json else None)
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    if not as_json:
        say(console, f"gatewise {version.__version__} in {Path(version.__file__).parent}")
        say(console, f"Python {platform.python_version()} ({sys.executable}), {system}")
        say(console, "")
    parts = []
    for name in (CORE, *EXTRAS):
        parts.append(examine(name, quick=quick))
        if not as_json:
            _tell(console, parts[-1])
    machine = machine_of(parts, quick=quick)
    broken = [part.name for part in parts if part.state == "broken"]
    if as_json:
        told = {
            "gatewise": version.__version__,
            "python": platform.python_version(),
            "system": system,
            "works": not broken,
            "tried": not quick,
            "parts": {part.name: _as_dict(part) for part in parts},
            "machine": machine,
        }
        sys.stdout.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    else:
        say(console, "")
        for name, value in machine.items():
            _row(console, f"{name:<11} ", value)
        say(console, "")
        say(console, in_short(parts, quick=quick), "bold red" if broken else "bold")
    return 1 if broken else 0


def _tell(console: Console, part: Part) -> None:
    """One line, and one more with the command that mends it."""
    from gatewise.cli.console import say

    there = [
        f"{name} {found}".strip() for name, found in part.packages.items() if found is not None
    ]
    if part.name == "core":
        named = ("numpy", "pandas", "onnx", "onnxruntime")
        there = [f"{name} {part.packages[name]}" for name in named if part.packages[name]]
    words = [", ".join(there)]
    if part.result:
        words.append(_result(part.result))
    said = "; ".join(filter(None, [*words, part.said]))
    _row(console, f"{part.name:<11} {part.state:<8} ", said, COLOURS[part.state])
    if part.command:
        say(console, f"{'':<21}{part.command}")


def _row(console: Console, head: str, words: str, style: str = "") -> None:
    """Words behind a head; on a terminal further lines begin below the first."""
    from gatewise.cli.console import say

    lines = [head + words]
    if console.is_terminal:
        lines = textwrap.wrap(head + words, console.width, subsequent_indent=" " * len(head))
    for line in lines:
        say(console, line.rstrip(), style)


def _result(result: Mapping[str, Any]) -> str:
    on = f"trained on {result['device']}, " if "device" in result else ""
    return f"{on}answers agree to {result['difference']:.0e}"


def _as_dict(part: Part) -> dict[str, Any]:
    named = ("state", "packages", "said", "command", "result")
    return {name: getattr(part, name) for name in named}


def machine_of(parts: Sequence[Part], *, quick: bool) -> dict[str, str]:
    """Cores, threads, devices, folders and variables, in words."""
    from gatewise.data.real_files import cache_folder, is_fetched
    from gatewise.data.real_sets import sets

    results = {part.name: part.result for part in parts if part.result}
    devices = [f"{name} sees one" for name, told in results.items() if told.get("device") == "cuda"]
    cache = cache_folder()
    kept = sum(is_fetched(told) for told in sets().values())
    variables = [f"{name}={os.environ[name]}" for name in VARIABLES if name in os.environ]
    return {
        "cores": _cores(),
        "threads": _threads(results.get("torch", {})),
        "cuda": ", ".join(devices) or ("not looked for" if quick else "no engine sees a device"),
        "data": f"{cache} ({kept} of {len(sets())} sets; gatewise data list)",
        "variables": ", ".join(variables) or "none is set that changes how gatewise runs",
    }


def _cores() -> str:
    """What this process may use; a container's share where that is less."""
    known = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else known
    try:
        share, period = QUOTA.read_text(encoding="ascii").split()
        quota = "" if share == "max" else f"; the container's share is {int(share) / int(period):g}"
    except (OSError, ValueError):
        quota = ""
    return f"{usable} of {known} usable{quota}"


def _threads(torch: Mapping[str, Any]) -> str:
    """What the rules of the engines take."""
    onnx = f"onnxruntime {min(4, os.cpu_count() or 1)}, and 1 where it goes step by step"
    if not torch:
        return onnx
    below = f"1 while batch size x hidden size is below {torch['one_thread_below']:,}"
    return f"torch {below}, then {torch['threads']}; {onnx}"


def in_short(parts: Sequence[Part], *, quick: bool) -> str:
    """What it comes to, in a sentence."""
    from gatewise.cli.installed import ENGINES

    broken = [part.name for part in parts if part.state == "broken"]
    if broken:
        return f"does not work: {', '.join(broken)}"
    engines = [part.name for part in parts if part.name in ENGINES and part.state != "missing"]
    if not engines:
        return (
            "no engine is installed: saved models can be asked, nothing can be trained before "
            "pip install 'gatewise[torch]' (or tensorflow, or jax)"
        )
    words = "not tried (--quick)" if quick else "all that is installed works"
    return f"{words}; engines: {', '.join(engines)}"
