"""The wheel, installed as a user does: `python tests/smoke.py [EXTRA ...]`, the core alone if none.

Builds the wheel (needs `build`) and, for the core and each extra, sets up a virtual environment
that has the wheel and what it asks for, nothing else; there it is used from the command line. The
core is asked about a model that the interpreter running this has trained, on torch, before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "src/gatewise/data/airline_passengers.csv"
ENGINES = ("torch", "tensorflow", "jax")
EXTRAS = (*ENGINES, "parquet", "zh", "tune", "track")
TORCH = "torch==2.13.0"  # named first: a range would let pip pick a build for GPUs
CLOSE = 1e-4  # of two answers of the same graph


class FailedError(Exception):
    """What a user would see went wrong."""


def say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def ran(
    words: Sequence[str | Path], folder: Path, code: int = 0, **variables: str
) -> subprocess.CompletedProcess:
    """A command, in a folder that holds nothing of the project. Raises FailedError."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env={**own, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    shown = " ".join(Path(str(word)).name for word in words[:4])
    if done.returncode != code:
        raise FailedError(f"{shown}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    say(f"  ok  {shown}")
    return done


def expect(holds: bool, words: str) -> None:
    """Raises FailedError with these words."""
    if not holds:
        raise FailedError(words)


def built(folder: Path) -> Path:
    """The wheel, made from the source archive, so that this is tried, too."""
    ran([sys.executable, "-m", "build", "--outdir", folder, ROOT], folder)
    return next(folder.glob("*.whl"))


def environment(folder: Path, wheel: Path, extra: str) -> Path:
    """A fresh one with the wheel: the folder of its programs."""
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    install = [programs / "python", "-m", "pip", "install", "--quiet"]
    if extra == "torch":
        ran([*install, TORCH], folder)
    ran([*install, "-c", ROOT / "constraints.txt", f"{wheel}[{extra}]" if extra else wheel], folder)
    return programs


def trained(folder: Path) -> tuple[Path, Path]:
    """A model, and what it forecasts, by the interpreter that runs this."""
    here = [sys.executable, "-m", "gatewise"]
    ours = {"PYTHONPATH": str(ROOT / "src")}
    words = ["--target", "passengers", "--horizon", "12", "--epochs", "2", "--quiet"]
    ran([*here, "forecast", DATA, *words, "--out", folder / "out"], folder, **ours)
    model, known = folder / "out/model", folder / "known.csv"
    ran([*here, "predict", model, DATA, "--out", known], folder, **ours)
    return model, known


def try_core(programs: Path, model: Path, expected: Path, folder: Path) -> None:
    """All that needs no framework, and a clear word where one is needed."""
    gatewise = programs / "gatewise"
    for package in ("torch", "keras", "tensorflow", "jax"):
        code = (
            f"import importlib.util, sys; sys.exit(importlib.util.find_spec('{package}') is None)"
        )
        ran([programs / "python", "-c", code], folder, 1)
    there = "sys.exit(not (pathlib.Path(gatewise.__file__).parent / 'py.typed').exists())"
    ran([programs / "python", "-c", f"import gatewise, pathlib, sys; {there}"], folder)
    expect(
        "torch" in ran([gatewise, "info", model], folder).stdout, "info does not tell the engine"
    )
    ran([gatewise, "predict", model, DATA, "--out", folder / "forecast.csv"], folder)
    compared(folder / "forecast.csv", expected)
    scores = ran([gatewise, "evaluate", model, DATA, "--json"], folder)
    expect(
        "network" in json.dumps(json.loads(scores.stdout)), "evaluate does not score the network"
    )
    expect("sine-next" in ran([gatewise, "cases", "list"], folder).stdout, "cases are not listed")
    expect("imdb" in ran([gatewise, "data", "list"], folder).stdout, "sets are not listed")
    told = json.loads(ran([gatewise, "doctor", "--json"], folder).stdout)
    states = {name: part["state"] for name, part in told["parts"].items()}
    expect(states == {"core": "works", **dict.fromkeys(EXTRAS, "missing")}, f"doctor: {states}")
    refused = ran(
        [gatewise, "forecast", DATA, "--target", "passengers", "--horizon", "12"], folder, 2
    )
    expect(
        refused.stderr.strip().splitlines()[-1]
        == "error: torch is not installed; this needs it: pip install 'gatewise[torch]'",
        f"forecast without a framework says: {refused.stderr}",
    )
    expect("Traceback" not in refused.stderr, "forecast without a framework shows a traceback")


def compared(path: Path, expected: Path) -> None:
    """Two tables of forecasts: the same words, the same numbers up to CLOSE."""
    one, other = (file.read_text().splitlines() for file in (path, expected))
    expect(len(one) == len(other), f"{len(one)} lines of forecasts, not {len(other)}")
    for got, wanted in zip(one, other, strict=True):
        for left, right in zip(got.split(","), wanted.split(","), strict=True):
            same = left == right or abs(float(left) / float(right) - 1) < CLOSE
            expect(same, f"forecast {left}, not {right}")


def try_extra(programs: Path, extra: str, folder: Path) -> None:
    """That doctor finds it working and, of an engine, that it trains."""
    told = json.loads(ran([programs / "gatewise", "doctor", "--json"], folder).stdout)
    expect(told["parts"][extra]["state"] == "works", f"doctor: {told['parts'][extra]}")
    if extra in ENGINES:
        words = [
            "--target",
            "passengers",
            "--horizon",
            "12",
            "--epochs",
            "2",
            "--engine",
            extra,
            "--quiet",
        ]
        ran([programs / "gatewise", "forecast", DATA, *words, "--out", folder / "out"], folder)
        expect((folder / "out/report.html").exists(), "forecast leaves no report")


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("extras", nargs="*", choices=[*EXTRAS, []], metavar="EXTRA")
    parser.add_argument("--wheel", type=Path, help="one that is built already")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatewise-smoke-") as name:
        folder = Path(name)
        try:
            wheel = asked.wheel.resolve() if asked.wheel else built(folder)
            say(f"{wheel.name}, {wheel.stat().st_size / 1e6:.2f} MB")
            for extra in asked.extras or [""]:
                say(extra or "the core alone")
                place = folder / (extra or "core")
                place.mkdir()
                programs = environment(place / "venv", wheel, extra)
                if extra:
                    try_extra(programs, extra, place)
                    continue
                try_core(programs, *trained(place), place)
        except FailedError as failure:
            sys.stderr.write(f"FAILED {failure}\n")
            return 1
    say("the wheel works")
    return 0


if __name__ == "__main__":
    sys.exit(main())
