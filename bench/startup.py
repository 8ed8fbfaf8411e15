"""How long a process takes that only imports gatewise, or only asks for help.

    python bench/startup.py [--rounds 10]

Whole processes, in turns, beside a Python that does nothing; wall seconds.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from side_by_side import in_turns
from tables import met, print_table

BARS = {"import gatewise": 0.3, "gatewise --help": 0.5}


def commands() -> dict[str, list[str]]:
    """Name -> command line. The console script where it is installed, else the module."""
    script = shutil.which("gatewise", path=str(Path(sys.executable).parent))
    gatewise = [script] if script else [sys.executable, "-m", "gatewise"]
    return {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import gatewise": [sys.executable, "-c", "import gatewise"],
        "gatewise --help": [*gatewise, "--help"],
    }


def run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    ways = {name: (lambda command=command: run(command)) for name, command in commands().items()}
    seconds = in_turns(ways, rounds)
    rows = []
    for name, taken in seconds.items():
        middle, bar = float(np.median(taken)), BARS.get(name)
        judged = ("", "") if bar is None else (f"{bar:g}", met(middle < bar))
        rows.append((name, f"{middle:.3f}", f"{max(taken):.3f}", *judged))
    print(f"Seconds of the whole process, {rounds} runs.\n")
    print_table(("process", "median", "longest", "bar", ""), rows)


if __name__ == "__main__":
    main()
