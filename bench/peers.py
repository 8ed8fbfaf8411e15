"""LSTM forecasts beside darts and neuralforecast: the same rows, the same windows, in turns.

    python bench/peers.py [--seeds 3] [--data FOLDER] [--python PATH] [--quick]

Twice: each library's LSTM as it comes (darts asks for a lookback, and is given scaled values, as
its guide does), and all with one layer of 64 units, the same lookback, batches of 32, Adam at
0.001, the squared error, as many passes. Ours is then without its linear map. It finds its best
epoch by its last `horizon` rows, then trains anew on all rows for as many epochs, so that it may
pass twice as often, which counts in its seconds; each scales windows in its own way.
Every library has one process, and they are asked in turns, seed by seed. A model is trained once
and forecasts from every origin behind the rows learnt from; MASE is over all these windows. Seconds
are the processor's, on one core, and do not hold the imports.

darts and neuralforecast live in `.venv-peers`, which is made where it is missing, with the versions
of `bench/peers-requirements.txt`; `--python` names another interpreter that has them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import children
import numpy as np
from noisy_sine import sine
from sets import read
from side_by_side import on_one_core
from summary import Row, number, over_cases, tell
from tables import mean_and_spread, print_table

import gatewise as gw

BENCH = Path(__file__).resolve().parent
OWN = BENCH.parent / ".venv-peers"
TORCH = "torch==2.13.0"  # first and alone: a range would let pip pick a build for GPUs
MODELS = (  # library, model
    ("gatewise", "Forecaster"),
    ("darts", "RNNModel"),
    ("darts", "BlockRNNModel"),
    ("neuralforecast", "LSTM"),
)
OURS = MODELS[0]
SIZES = {"hidden_size": 64, "batch_size": 32, "learning_rate": 1e-3}
EPOCHS = {"airline": 100, "noisy sine": 30, "ETTh1 OT": 10}
SETTINGS = ("as it comes", "same size")
TIMED = {"train": "Training", "predict": "Forecasts from every origin"}
Task = dict[str, Any]


def airline() -> Task:
    y = gw.datasets.airline_passengers()["passengers"].tolist()
    return task(y, 120, lookback=24, horizon=12, season=12, begin="1949-01-01", every="MS")


def noisy_sine() -> Task:
    y = sine(0)[0].values[:, 0].tolist()
    origins = range(1020, len(y) - 11)
    found = task(y, 1020, lookback=36, horizon=12, season=120, begin="2000-01-01", every="D")
    return {**found, "origins": list(origins)}


def etth1(folder: Path) -> Task:
    """Oil temperature: four months to learn from, four to judge, from every midnight."""
    y = read("ett-h1", folder).train["OT"].to_numpy()
    test = 8_640 + 2_880
    y = y[test - 2_880 : test + 2_880].tolist()
    found = task(y, 2_880, lookback=96, horizon=24, season=24, begin="2017-06-26", every="h")
    return {**found, "origins": list(range(2_880, len(y) - 23, 24))}


def task(y: list[float], rows: int, **known: Any) -> Task:
    """Every origin behind `rows`; `scale` is the denominator of MASE."""
    season, learnt = known["season"], np.array(y[:rows])
    scale = float(np.mean(np.abs(learnt[season:] - learnt[:-season])))
    origins = list(range(rows, len(y) - known["horizon"] + 1))
    return {"y": y, "rows": rows, "origins": origins, "scale": scale, **known}


def mase(one: Task, told: np.ndarray) -> float:
    """told (origins, horizon)"""
    y, ahead = np.array(one["y"]), np.arange(one["horizon"])
    truth = y[np.array(one["origins"])[:, None] + ahead]
    return float(np.mean(np.abs(truth - told)) / one["scale"])


def seasonal_naive(one: Task) -> float:
    """The value a season ago, of the rows before the origin."""
    y, ahead = np.array(one["y"]), np.arange(one["horizon"]) % one["season"] - one["season"]
    return mase(one, y[np.array(one["origins"])[:, None] + ahead])


class Library:
    """A process that answers questions; what it says beside that goes to a file."""

    def __init__(self, name: str, python: str, said: Path) -> None:
        self.name, self.said = name, said
        with said.open("w", encoding="utf-8") as words:
            self.process = subprocess.Popen(
                [python, str(BENCH / "forecasters.py"), name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=words,
                text=True,
                env=children.environment() if name == "gatewise" else None,
                cwd=said.parent,  # where Lightning may leave its files
            )

    def ask(self, question: dict[str, Any]) -> dict[str, float]:
        """Raises SystemExit with its last words when it fails."""
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None:
            raise SystemExit(f"{self.name}: no pipe")
        stdin.write(json.dumps(question) + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} failed:\n{self.said.read_text('utf-8')[-2000:]}")
        answer: dict[str, float] = json.loads(line)
        return answer

    def close(self) -> None:
        """No more questions."""
        self.process.communicate()


def compare(
    tasks: dict[str, Task],
    python: str,
    models: Sequence[tuple[str, str]],
    seeds: int,
    epochs: dict[str, int],
    settings: Sequence[str] = SETTINGS,
) -> list[dict[str, Any]]:
    """A record of every training: library, model, task, setting, seed, MASE, seconds, peak.

    Ctrl-C ends it with the turns that are whole.
    """
    found = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        asked = {}
        for library in dict.fromkeys(library for library, _ in models):
            own = sys.executable if library == "gatewise" else python
            asked[library] = Library(library, own, Path(folder) / f"{library}.txt")
            stack.callback(asked[library].close)
        for name, one in tasks.items():
            Path(folder, f"{name}.json").write_text(json.dumps(one), encoding="utf-8")
        turns = [
            (seed, name, how)
            for seed in range(seeds)
            for how in reversed(settings)  # the shorter ones first
            for name in tasks
        ]
        turns.insert(0, (0, next(iter(tasks)), ""))  # imports, and does not count
        try:
            for turn, (seed, name, how) in enumerate(turns):
                one_turn = []
                for library, model in models if turn % 2 == 0 else reversed(models):
                    question = {
                        "series": str(Path(folder, f"{name}.json")),
                        "model": model,
                        "sizes": {**SIZES, "epochs": epochs[name] if how else 1},
                        "seed": seed,
                        "forecasts": str(Path(folder, "forecasts.npy")),
                    }
                    if how == SETTINGS[0]:
                        question["sizes"] = None
                    answer = asked[library].ask(question)
                    told = mase(tasks[name], np.load(str(question["forecasts"])))
                    facts = {"library": library, "model": model, "task": name, "how": how}
                    one_turn.append({**facts, "seed": seed, "mase": told, **answer})
                found += one_turn if how else []
        except KeyboardInterrupt:
            print(f"Stopped after {turn - 1} of {len(turns) - 1} turns; whole turns count.\n")
            for one in asked.values():
                one.process.kill()
    return found


def report(tasks: dict[str, Task], found: list[dict[str, Any]]) -> None:
    """Print a table for each series, and tell its rows."""
    told: list[Row] = []
    for name, one in tasks.items():
        rows = []
        for (how, *key), runs in grouped(found, name).items():
            errors = [run["mase"] for run in runs]
            seconds = [f"{np.median([run[what] for run in runs]):.2f}" for what in TIMED]
            each = ", ".join(f"{error:.3f}" for error in errors)
            rows.append((f"{how}: {' '.join(key)}", mean_and_spread(errors, 3), each, *seconds))
        rows.append(("seasonal naive", f"{seasonal_naive(one):.3f}", "", "", ""))
        print(
            f"{name}: {one['rows']:,} rows learnt from, horizon {one['horizon']}, "
            f"{len(one['origins'])} windows. Same size: lookback {one['lookback']}, "
            f"{one['epochs']} epochs.\n"
        )
        print_table(("forecast", "MASE", "each seed", "train, s", "predict, s"), rows)
        told += errors_of(name, grouped(found, name))
    told += speeds_of([grouped(found, name) for name in tasks])
    peaks: dict[str, float] = {}
    for run in found:
        peaks[run["library"]] = max(run["peak"], peaks.get(run["library"], 0.0))
    words = ", ".join(f"{library} {peak:,.0f} MB" for library, peak in peaks.items())
    print(f"Peaks of the processes that did all this: {words}.\n")
    for library in sorted(peaks.keys() - {OURS[0]}):
        share = peaks[OURS[0]] / peaks[library]
        sides = [f"{number(peaks[one])} MB" for one in (OURS[0], library)]
        told.append(Row("Memory: forecasting, all of it", library, *sides, share, share, share))
    tell(told)


def grouped(found: list[dict[str, Any]], name: str) -> dict[tuple[str, str, str], list[Any]]:
    """(setting, library, model) -> the runs of one series, by seed."""
    runs: dict[tuple[str, str, str], list[Any]] = {}
    for run in sorted(found, key=lambda run: (SETTINGS.index(run["how"]), run["seed"])):
        if run["task"] == name:
            runs.setdefault((run["how"], run["library"], run["model"]), []).append(run)
    order = {(how, *model): [] for how in SETTINGS for model in MODELS}
    return {key: runs[key] for key in order if key in runs}


def errors_of(name: str, groups: dict[tuple[str, str, str], list[Any]]) -> list[Row]:
    """Our error beside that of each peer, seed by seed."""
    told = []
    for (how, *key), theirs in groups.items():
        own = groups[how, *OURS]
        if tuple(key) != OURS:
            ratios = [a["mase"] / b["mase"] for a, b in zip(own, theirs, strict=True)]
            sides = [f"{np.mean([run['mase'] for run in side]):.3f}" for side in (own, theirs)]
            spread = (float(np.median(ratios)), min(ratios), max(ratios))
            told.append(Row(f"Error (MASE), {name}, {how}", " ".join(key), *sides, *spread))
    return told


def speeds_of(tasks: list[dict[tuple[str, str, str], list[Any]]]) -> list[Row]:
    """Our seconds beside those of each peer at the same size, over all series."""
    told = []
    for what, job in TIMED.items():
        for key in MODELS[1:]:
            sides: tuple[list[float], list[float]] = ([], [])
            ratios = []
            for groups in tasks:
                if (SETTINGS[1], *key) in groups:
                    both = [groups[SETTINGS[1], *one] for one in (OURS, key)]
                    for side, runs in zip(sides, both, strict=True):
                        side.append(float(np.median([run[what] for run in runs])))
                    pairs = zip(*both, strict=True)
                    ratios.append(float(np.median([a[what] / b[what] for a, b in pairs])))
            if ratios:
                job_of = f"{job}, same size, {len(ratios)} series"
                told.append(over_cases(job_of, " ".join(key), "s", ratios, sides))
    return told


def interpreter(python: str | None) -> str | None:
    """Of the environment that holds the peers, made where it is missing; None: it cannot be."""
    if python is not None:
        return python
    own = OWN / "bin" / "python"
    pip = [str(own), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    commands = [
        [sys.executable, "-m", "venv", str(OWN)],
        [*pip, TORCH],
        [*pip, "-r", str(BENCH / "peers-requirements.txt")],
    ]
    ready = OWN / "ready"
    if not ready.exists():
        for command in commands:
            if subprocess.run(command, check=False).returncode:
                return None
        ready.touch()
    return str(own)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", type=Path, help="folder with ETTh1.csv, at any depth")
    parser.add_argument("--python", help="interpreter that has darts and neuralforecast")
    parser.add_argument("--models", nargs="+", choices=[model for _, model in MODELS])
    parser.add_argument("--quick", action="store_true", help="tiny, to see that it runs")
    given = parser.parse_args()
    models = [one for one in MODELS if given.models is None or one[1] in given.models]
    tasks = {"airline": airline(), "noisy sine": noisy_sine()}
    if given.data is not None:
        tasks["ETTh1 OT"] = etth1(given.data)
    epochs = dict(EPOCHS)
    settings = SETTINGS
    if given.quick:
        tasks, epochs = {"airline": tasks["airline"]}, {"airline": 1}
        given.seeds, settings = 1, SETTINGS[1:]
    for name, one in tasks.items():
        one["epochs"] = epochs[name]
    python = sys.executable
    if any(library != "gatewise" for library, _ in models):
        found = interpreter(given.python)
        if found is None:
            print("Left out: darts and neuralforecast could not be installed here.")
            return
        python = found
    with on_one_core():
        runs = compare(tasks, python, models, given.seeds, epochs, settings)
    print(
        f"MASE, mean ± spread of the seeds; medians of the processor's seconds, on one "
        f"core. Versions: {versions(python)}.\n"
    )
    report(tasks, runs)
    if given.data is None and not given.quick:
        print("ETTh1 was left out: it needs --data FOLDER.\n")


def versions(python: str) -> str:
    """Of the peers in their environment."""
    code = (
        "from importlib.metadata import distributions as d\n"
        "print(', '.join(sorted(f'{x.name} {x.version}' for x in d() if x.name.lower() in "
        "('darts', 'neuralforecast', 'pytorch-lightning', 'torch'))))"
    )
    done = subprocess.run([python, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
