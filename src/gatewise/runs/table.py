"""Runs beside each other: in which order, in which columns, and what does not compare."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatewise.errors import UsageError, did_you_mean
from gatewise.runs.reading import LoggedRun, differing

GAP = 3  # blanks between two columns of a table
MOST_SETTINGS = 8  # columns of settings; all are in the JSON
ORDERS: Mapping[str, Callable[[LoggedRun], Any]] = {  # name -> key, the smallest first
    "when": lambda run: str(run.about["at"]),
    "score": lambda run: (not run.metric, run.metric, _or_last(_signed(run))),
    "loss": lambda run: _or_last(run.best_loss),
    "seconds": lambda run: run.seconds,
    "epochs": lambda run: len(run.main.epochs),
    "state": lambda run: run.state,
    "run": lambda run: run.name,
}


@dataclass(frozen=True)
class RunTable:
    """Texts of a table.

    alike  what is the same in all runs, in words
    notes  what must be said of comparing them
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    alike: str
    notes: tuple[str, ...]

    def within(self, width: int) -> list[list[int]]:
        """The columns in as many parts as it takes for each to be no wider than this; the first
        one, which names the run, stands in each.
        """
        sizes = [
            max(map(len, (name, *(row[i] for row in self.rows)))) + GAP
            for i, name in enumerate(self.head)
        ]
        parts: list[list[int]] = [[0]]
        for column in range(1, len(sizes)):
            taken = sum(sizes[one] for one in parts[-1])
            if taken + sizes[column] > width and len(parts[-1]) > 1:
                parts.append([0])
            parts[-1].append(column)
        return parts

    def part(self, columns: Sequence[int]) -> tuple[list[str], list[list[str]]]:
        """(head, rows) of some columns"""
        return [self.head[i] for i in columns], [[row[i] for i in columns] for row in self.rows]


def in_order(runs: Sequence[LoggedRun], by: str | None) -> list[LoggedRun]:
    """The oldest first, or by one of ORDERS or a setting; what has no value comes last.

    score puts the best first. Raises UsageError.
    """
    by = (by or "when").replace("-", "_")
    if by in ORDERS:
        return sorted(runs, key=ORDERS[by])
    known = {name for run in runs for name in run.settings}
    if by not in known:
        hint = did_you_mean(by, [*ORDERS, *known])
        raise UsageError(
            f"--sort {by}: neither a column ({', '.join(ORDERS)}) nor a setting of these runs{hint}"
        )
    return sorted(runs, key=lambda run: _of_any_kind(run.settings.get(by)))


def run_table(runs: Sequence[LoggedRun]) -> RunTable:
    """What differs in columns, what does not in one line."""
    settings = differing(runs)
    groups = by_data(runs)
    letters = {data: letter(place) for place, data in enumerate(groups)}
    metrics = {run.metric for run in runs if run.metric}
    only = next(iter(metrics)) if len(metrics) == 1 else ""
    kept = {"run": [run.name for run in runs], "state": [run.state for run in runs]}
    if metrics:
        kept[f"test {only or 'score'}"] = [_score(run, bool(only)) for run in runs]
        kept["best baseline"] = [_baseline(run) for run in runs]
    kept["best loss"] = [number(run.best_loss) for run in runs]
    facts = {
        "task": [str(run.about.get("task", "")) for run in runs],
        "source": [run.source for run in runs],
        "data": [letters[run.data] for run in runs],
        "engine": [str(run.about.get("engine", "")) for run in runs],
    }
    kept |= {name: told for name, told in facts.items() if len(set(told)) > 1}
    alike = [f"{name} {told[0]}" for name, told in facts.items() if _same(name, told)]
    for name in settings[:MOST_SETTINGS]:
        kept[name] = [number(run.settings[name]) for run in runs]
    kept["epochs"] = [f"{len(run.main.epochs)}/{run.main.planned}" for run in runs]
    kept["seconds"] = [number(run.seconds) for run in runs]
    kept["when"] = [str(run.about["at"])[:16].replace("T", " ") for run in runs]
    return RunTable(
        head=tuple(kept),
        rows=tuple(zip(*kept.values(), strict=True)),
        alike=", ".join(alike),
        notes=tuple(_notes(runs, groups, letters, settings)),
    )


def by_data(runs: Sequence[LoggedRun]) -> dict[str, list[LoggedRun]]:
    """Hash of the data learnt from -> the runs that learnt from it."""
    found: dict[str, list[LoggedRun]] = {}
    for run in runs:
        found.setdefault(run.data, []).append(run)
    return found


def as_dict(run: LoggedRun) -> dict[str, Any]:
    """All of a run but its epochs, for JSON."""
    rival, rival_score = run.best_baseline
    return {
        "run": run.name,
        "log": str(run.path),
        **{name: fact for name, fact in run.about.items() if name not in ("event", "resumed")},
        "trainings": {
            name: {"epochs": len(curve.epochs), "planned": curve.planned, "stopped": curve.stopped}
            for name, curve in run.curves.items()
        },
        "best_loss": run.best_loss,
        "metric": run.metric or None,
        "score": run.own_score,
        "baseline": rival or None,
        "baseline_score": rival_score,
        "seconds": run.seconds,
        "state": run.state,
        "error": None if run.ended is None else run.ended["error"],
    }


def number(value: Any) -> str:
    """Four significant digits; - where there is none."""
    if value is None or value == "None":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else "-"
    return str(value)


def _notes(
    runs: Sequence[LoggedRun],
    groups: Mapping[str, Sequence[LoggedRun]],
    letters: Mapping[str, str],
    settings: Sequence[str],
) -> list[str]:
    found = []
    if len(groups) > 1:
        told = "; ".join(
            f"{letters[data]} is {_described(own[0])}" for data, own in list(groups.items())[:6]
        )
        files = {run.about.get("files") for run in runs}
        if len(files) == 1 and None not in files:
            told += "; all of one file, of which other parts were kept for the test"
        found.append(
            f"these runs learnt from {len(groups)} different sets of examples (data: {told}): "
            f"losses and scores compare only where the letter is the same"
        )
    for data, own in groups.items():
        counts = {run.scores["judged"] for run in own if run.scores is not None}
        if len(counts) > 1:
            where = f"of data {letters[data]} " if len(groups) > 1 else ""
            found.append(
                f"the runs {where}were not judged on the same number of examples: their scores do "
                f"not compare, each with its own baseline does"
            )
    if len(settings) > MOST_SETTINGS:
        rest = ", ".join(settings[MOST_SETTINGS:])
        found.append(f"these settings differ, too: {rest} (--json shows all)")
    for run in runs:
        if run.state == "failed" and run.ended is not None and run.ended["error"]:
            found.append(f"{run.name} failed: {run.ended['error']}")
    return found


def _described(run: LoggedRun) -> str:
    name = f"{run.source} " if run.source else ""
    return f"{name}{run.data[:8]}"


def letter(place: int) -> str:
    """What a set of examples is called in the table."""
    return chr(ord("a") + place) if place < 26 else f"#{place + 1}"


def _same(name: str, told: Sequence[str]) -> bool:
    return name != "data" and len(set(told)) == 1 and bool(told[0])


def _score(run: LoggedRun, alone: bool) -> str:
    told = number(run.own_score)
    return told if alone or run.own_score is None else f"{told} {run.metric}"


def _baseline(run: LoggedRun) -> str:
    name, score = run.best_baseline
    return f"{name} {number(score)}" if name else "-"


def _signed(run: LoggedRun) -> float | None:
    """The score, so that less is better."""
    if run.own_score is None or run.scores is None:
        return None
    return run.own_score if run.scores["lower_is_better"] else -run.own_score


def _or_last(value: float | None) -> tuple[bool, float]:
    there = value is not None and math.isfinite(value)
    return (not there, value if there and value is not None else 0.0)


def _of_any_kind(value: Any) -> tuple[int, Any]:
    """Numbers before texts before nothing."""
    if value is None or value == "None":
        return (2, "")
    return (0, value) if isinstance(value, int | float) else (1, str(value))
