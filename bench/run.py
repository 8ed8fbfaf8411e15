"""All benches, one process each, into docs/benchmarks.md.

    python bench/run.py [--data FOLDER] [--only NAME ...]

`--data` names a folder that holds the real sets, at any depth, for the benches that need them. A
section that is not run stays in the page as it was measured last.
"""

from __future__ import annotations

import argparse
import datetime
import os
import re
import subprocess
import sys
from pathlib import Path

from tables import machine

from gatewise.version import __version__

BENCH = Path(__file__).resolve().parent
PAGE = BENCH.parent / "docs" / "benchmarks.md"
HEAD = """# What was measured

Written by `make bench` (`make bench DATA=folder` with real sets); do not edit by hand. Each section
says when and where it was measured, and `python bench/NAME.py` measures it again. Figures are what
came out, bars that were missed included. Where two ways are compared in speed, they ran in turns in
one process, and ratios were taken within each turn.
"""
TITLES = {  # bench -> title of its section, in the order of the page
    "airline": "Airline passengers, a year ahead",
    "etth1": "ETTh1, 96 hours ahead",
    "noisy_sine": "Noisy sine, one step and a hundred steps ahead",
    "classes": "Classes of reviews, questions and vowels",
    "language": "The last tenth of tinyshakespeare",
    "reversing": "Sequences read backwards",
    "rates": "The learning rate that is found, beside a grid",
    "training_speed": "Training speed beside a plain PyTorch loop",
    "engines": "Three engines beside what one writes by hand",
    "precision": "float32, bfloat16 and torch.compile",
    "padded_training": "Texts of unequal lengths beside packed sequences",
    "tuning": "A grid of 243 settings beside a plain loop over it",
    "tuning_reviews": "Three searches over a classifier of hotel reviews",
    "generation": "Writing with 1,024 units",
    "regularisation": "What dropout of every kind costs and does",
    "checkpoints": "What a checkpoint costs",
    "threads": "One thread or all of them",
    "million_rows": "A million rows",
    "startup": "Start of the process",
}
PLAIN_TEXT = {"etth1"}  # tables for a terminal, not in Markdown
REAL_SETS = {"etth1", "classes", "language", "tuning_reviews"}  # need --data
ARGUMENTS = {"million_rows": ["--horizons", "24"], "training_speed": ["--rounds", "5"]}


def sections(page: str) -> dict[str, str]:
    """Title -> text of each section of a page, with its heading."""
    found = re.split(r"^(?=## )", page, flags=re.MULTILINE)[1:]
    return {text.splitlines()[0].removeprefix("## "): text.strip() + "\n" for text in found}


def section(name: str, output: str, where: str, day: datetime.date) -> str:
    """What a bench printed, as a section of the page."""
    words = output.strip()
    if name in PLAIN_TEXT:
        words = f"```text\n{words}\n```"
    measured = f"Measured {day.isoformat()} by gatewise {__version__} (`bench/{name}.py`): {where}."
    return f"## {TITLES[name]}\n\n{measured}\n\n{words}\n"


def write(page: Path, changed: dict[str, str]) -> None:
    """Put these sections (by name of the bench) into the page, in the order of TITLES."""
    kept = sections(page.read_text(encoding="utf-8")) if page.exists() else {}
    kept |= {TITLES[name]: text for name, text in changed.items()}
    ordered = [kept[title] for title in TITLES.values() if title in kept]
    page.parent.mkdir(exist_ok=True)
    page.write_text("\n".join([HEAD, *ordered]), encoding="utf-8")


def measure(name: str, arguments: list[str]) -> str:
    """Run one bench in a process of its own, its words passed on as they come."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, str(BENCH / f"{name}.py"), *arguments]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        raise SystemExit(f"bench/{name}.py ended with exit code {process.returncode}")
    return "".join(lines)


def etth1(folder: Path) -> list[str]:
    """The argument of its bench. Raises SystemExit when the file is not there."""
    files = sorted(folder.rglob("ETTh1.csv*"))
    if not files:
        raise SystemExit(f"no ETTh1.csv or ETTh1.csv.gz in {folder}")
    return [str(files[0])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", nargs="+", choices=TITLES, default=list(TITLES))
    given = parser.parse_args()
    arguments = dict(ARGUMENTS)
    if given.data is not None:
        arguments |= {name: [str(given.data)] for name in REAL_SETS}
        if "etth1" in given.only:
            arguments["etth1"] = etth1(given.data)
    elif set(given.only) <= REAL_SETS:
        raise SystemExit(f"{', '.join(given.only)}: needs --data FOLDER, where the real sets lie")
    where, day = machine(), datetime.datetime.now().astimezone().date()
    for name in (name for name in TITLES if name in given.only):
        if name in REAL_SETS and given.data is None:
            print(f"{name}: left out, it needs --data FOLDER\n")
            continue
        print(f"== {TITLES[name]}\n", flush=True)
        output = measure(name, arguments.get(name, []))
        write(PAGE, {name: section(name, output, where, day)})
    print(f"written: {PAGE.relative_to(BENCH.parent)}")


if __name__ == "__main__":
    main()
