"""Tables for people and for the generated page, and the words that say where they were measured."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

PACKAGES = ("numpy", "pandas", "onnxruntime", "torch")


def print_table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A Markdown table whose columns line up on a terminal, too; numbers stand to the right."""
    told = [titles, *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in told) for i in range(len(titles))]
    told.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    for row in told:
        first = row[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("| " + " | ".join([first, *rest]) + " |", flush=True)
    print(flush=True)


def mean_and_spread(values: Sequence[float], digits: int = 4) -> str:
    """Mean ± standard deviation; of a single value, which spreads nothing, the value."""
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{np.mean(values):.{digits}f} ± {np.std(values):.{digits}f}"


def met(good: bool) -> str:
    """Whether a bar is met, in a word that stands out when it is not."""
    return "met" if good else "MISSED"


def machine() -> str:
    """Processor, cores, memory, versions: what a reader needs to compare, and no names."""
    words = {}
    for path, key in (("/proc/cpuinfo", "model name"), ("/proc/meminfo", "MemTotal")):
        for line in Path(path).read_text().splitlines() if Path(path).exists() else []:
            name, _, value = line.partition(":")
            if name.strip() == key:
                words[key] = value.strip()
                break
    processor = words.get("model name", platform.machine())
    memory = int(words["MemTotal"].split()[0]) / 2**20 if "MemTotal" in words else 0.0
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{processor}, {cores()} cores"
        + (f", {memory:.0f} GiB of memory" if memory else "")
        + f"; {platform.system()}, Python {platform.python_version()}, {packages}"
    )


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0))
