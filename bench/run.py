"""All benches, one process each, into docs/benchmarks.md.

    python bench/run.py [--data FOLDER] [--only NAME ...] [--quick] [--busy]

`--data` names a folder that holds the real sets, at any depth, for the benches that need them. A
section that is not run stays in the page as it was measured last, and so do its rows of the table
in front. `--quick` only sees that each of them runs, at tiny sizes; the page stays as it is.
"""

from __future__ import annotations

import argparse
import datetime
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import summary
from tables import machine

from gatewise.version import __version__

BENCH = Path(__file__).resolve().parent
PAGE = BENCH.parent / "docs" / "benchmarks.md"
HEAD = """# What was measured

Written by `make bench` (`make bench DATA=folder` with real sets); do not edit by hand. Each section
says when and where it was measured, and `python bench/NAME.py` measures it again. Figures are what
came out, bars that were missed included. Where two ways are compared in speed, they ran in turns in
one process or process by process, and ratios were taken within each turn.

## Ours beside others

Every comparison with other software, lost ones included. All of it is cost (time, memory, error):
a ratio below 1 is won. In brackets the quartiles of its rounds, the extremes of its seeds, or of
several networks or series (then the ratio is their geometric mean). Where 1 lies within them, the
row is level, or mixed where some of its cases are won and some lost. The sections below say what
was measured, and hold every case.
"""
TITLES = {  # bench -> title of its section, in the order of the page
    "airline": "Airline passengers, a year ahead",
    "etth1": "ETTh1, 96 hours ahead",
    "noisy_sine": "Noisy sine, one step and a hundred steps ahead",
    "peers": "darts and neuralforecast on the same windows",
    "classes": "Classes of reviews, questions and vowels",
    "language": "The last tenth of tinyshakespeare",
    "reversing": "Sequences read backwards",
    "rates": "The learning rate that is found, beside a grid",
    "training_speed": "Training speed beside a plain PyTorch loop",
    "engines": "Three engines beside what one writes by hand",
    "equal_quality": "Training to equal quality",
    "precision": "float32, bfloat16 and torch.compile",
    "padded_training": "Texts of unequal lengths beside packed sequences",
    "tuning": "A grid of 243 settings beside a plain loop over it",
    "tuning_reviews": "Three searches over a classifier of hotel reviews",
    "generation": "Writing with 1,024 units",
    "prediction": "One answer, and many",
    "regularisation": "What dropout of every kind costs and does",
    "checkpoints": "What a checkpoint costs",
    "threads": "One thread or all of them",
    "million_rows": "A million rows",
    "memory": "Memory of training and of answering",
    "startup": "Start of the process",
}
PLAIN_TEXT = {"etth1"}  # tables for a terminal, not in Markdown
REAL_SETS = {"etth1", "classes", "language", "tuning_reviews"}  # need --data
BUSY = "Other jobs shared the cores while this was measured: seconds are those of a busy machine."
QUICK = {  # smallest arguments; the tests run the others at tiny sizes
    "airline": ["--seeds", "1"],
    "equal_quality": ["--quick"],
    "generation": ["--rounds", "1", "--length", "20"],
    "memory": ["--quick"],
    "million_rows": ["--rows", "2000", "--lookback", "24", "--examples", "64"],
    "noisy_sine": ["--seeds", "1"],
    "padded_training": ["--rounds", "1"],
    "peers": ["--quick"],
    "prediction": ["--quick"],
    "startup": ["--rounds", "1"],
    "threads": ["--rounds", "1"],
    "training_speed": ["--rounds", "1"],
}
ARGUMENTS = {
    "million_rows": ["--horizons", "24"],
    "peers": ["--seeds", "2"],
    "training_speed": ["--rounds", "5"],
}


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
    first = summary.table(summary.read(TITLES))
    page.write_text("\n".join([HEAD, first + "\n", *ordered]), encoding="utf-8")


def measure(name: str, arguments: list[str], results: Path) -> str:
    """Run one bench in a process of its own, its words passed on as they come.

    results  folder for its rows of the first table
    """
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    environment[summary.WHERE] = str(results / f"{name}.json")
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


def quickly(names: list[str]) -> None:
    """Run what has a small form; nothing that is kept is touched."""
    with tempfile.TemporaryDirectory() as results:
        for name in names:
            if name in QUICK:
                print(f"== {TITLES[name]}\n", flush=True)
                measure(name, QUICK[name], Path(results))
            else:
                print(f"{name}: has no small form; its test has\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", nargs="+", choices=TITLES, default=list(TITLES))
    parser.add_argument("--quick", action="store_true", help="see that they run, write no page")
    parser.add_argument("--busy", action="store_true", help="say that others used the machine")
    given = parser.parse_args()
    if given.quick:
        quickly([name for name in TITLES if name in given.only])
        return
    arguments = dict(ARGUMENTS)
    if given.data is not None:
        arguments |= {name: [str(given.data)] for name in REAL_SETS}
        arguments["peers"] = [*ARGUMENTS["peers"], "--data", str(given.data)]
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
        output = measure(name, arguments.get(name, []), summary.RESULTS)
        if given.busy:
            output = f"{BUSY}\n\n{output}"
        write(PAGE, {name: section(name, output, where, day)})
    print(f"written: {PAGE.relative_to(BENCH.parent)}")


if __name__ == "__main__":
    main()
