"""Logs of runs, read back: what was trained, how far it came, how it ended."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gatewise.errors import UsageError
from gatewise.evaluation import NETWORK
from gatewise.runs.log import is_open
from gatewise.runs.tensorboard import flat

if TYPE_CHECKING:
    import pandas as pd

LOGS = "*.jsonl"
OWN_LOG = "run.jsonl"  # of a command
FIRST_LINE = 1_000_000  # characters at most: a file that is no log may be one endless line
EVENTS = {"run", "begin", "epoch", "end", "scores", "done"}
OWN_COLUMNS = ("engine", "epochs")  # of a table of runs
State = Literal["finished", "interrupted", "failed", "running", "killed"]


@dataclass
class Curve:
    """One training of a run: its epochs by number, the last word on each.

    planned  epochs; an early end is not a failure
    stopped  finished, no progress, interrupted; None: it did not end
    """

    name: str
    planned: int = 0
    stopped: str | None = None
    epochs: dict[int, Mapping[str, Any]] = field(default_factory=dict)

    def losses(self, name: str = "validation_loss") -> list[tuple[int, float]]:
        """(epoch, loss) of those that have one."""
        found = [(number, self.epochs[number].get(name)) for number in sorted(self.epochs)]
        return [(number, loss) for number, loss in found if loss is not None]


@dataclass
class LoggedRun:
    """What a log says of one run.

    name     of the log's folder, below that which was asked for; of one among several logs there,
             or several runs in it, with the file's name and a number
    about    the facts of its first line: at, task, data, settings, engine, versions, source, files
    curves   its trainings by name, the first one first
    scores   on data kept from training, or None
    ended    the last line, or None where the log does not say how the run ended
    is_open  whether a process is writing the log
    """

    name: str
    path: Path
    about: Mapping[str, Any]
    curves: dict[str, Curve] = field(default_factory=dict)
    scores: Mapping[str, Any] | None = None
    ended: Mapping[str, Any] | None = None
    is_open: bool = False

    @property
    def state(self) -> State:
        """finished, interrupted (Ctrl-C), failed; of a log without an end: finished where its last
        training ended (and no verb was still to judge it), running while it is held open, else
        killed.
        """
        if self.ended is not None:
            told: State = self.ended["state"]
            return told
        last = list(self.curves.values())[-1] if self.curves else None
        if last is not None and last.stopped is not None and "command" not in self.about:
            return "interrupted" if last.stopped == "interrupted" else "finished"
        return "running" if self.is_open else "killed"

    @property
    def main(self) -> Curve:
        """The first training: what validation loss and curve of the run are of."""
        return next(iter(self.curves.values()), Curve(""))

    @property
    def best_loss(self) -> float | None:
        """The lowest validation loss of an epoch of the first training."""
        told = [loss for _, loss in self.main.losses() if math.isfinite(loss)]
        return min(told, default=None)

    @property
    def seconds(self) -> float:
        """That all epochs of all trainings took."""
        each = (epoch for curve in self.curves.values() for epoch in curve.epochs.values())
        return sum(float(epoch["seconds"] or 0.0) for epoch in each)

    @property
    def settings(self) -> dict[str, Any]:
        """By flat names, as flags have them."""
        return flat(self.about.get("settings", {}))

    @property
    def data(self) -> str:
        """Hash of what was learnt from: losses of two runs compare where it is the same."""
        return str(self.about.get("data", {}).get("sha256", ""))

    @property
    def source(self) -> str:
        """Names of the files; empty where Python gave the data."""
        return str(self.about.get("source") or "")

    @property
    def own_score(self) -> float | None:
        """Of the network, by the metric of `scores`."""
        return self._scored(True)[1]

    @property
    def best_baseline(self) -> tuple[str, float | None]:
        """(name, score)"""
        return self._scored(False)

    @property
    def metric(self) -> str:
        """What `scores` is ranked by; empty without."""
        return "" if self.scores is None else str(self.scores["metric"])

    def _scored(self, own: bool) -> tuple[str, float | None]:
        ranking = [] if self.scores is None else self.scores["ranking"]
        for name, score in ranking:
            if (name == NETWORK) == own:
                return name, score
        return "", None


def read_runs(folder: str | os.PathLike[str]) -> pd.DataFrame:
    """Every run whose log lies in the folder, or in one below it; the oldest first.

    A row for each: run, at, task, source, data (SHA-256 of what was learnt from), engine, those
    settings in which the runs differ, epochs, planned and best_loss (of its first training: passes
    done, passes that it might do, lowest validation loss), metric, score, baseline and
    baseline_score (on data kept from training), seconds, state (finished, interrupted, failed,
    killed, running).

    Losses and scores of rows with another `data` do not compare. Raises UsageError where there
    is no such folder or no log in it.
    """
    import pandas as pd

    runs = logged_runs(folder)
    columns = differing(runs)
    rows = []
    for run in runs:
        rival, rival_score = run.best_baseline
        rows.append(
            {
                "run": run.name,
                "at": pd.Timestamp(run.about["at"]),
                "task": run.about.get("task"),
                "source": run.source,
                "data": run.data,
                "engine": run.about.get("engine"),
                **{name: run.settings.get(name) for name in columns},
                "epochs": len(run.main.epochs),
                "planned": run.main.planned,
                "best_loss": run.best_loss,
                "metric": run.metric,
                "score": run.own_score,
                "baseline": rival,
                "baseline_score": rival_score,
                "seconds": run.seconds,
                "state": run.state,
            }
        )
    return pd.DataFrame(rows)


def differing(runs: Sequence[LoggedRun]) -> list[str]:
    """Names of the settings that all runs have and in which they are not all alike."""
    each = [run.settings for run in runs]
    return [
        name
        for name in (each[0] if each else ())
        if name not in OWN_COLUMNS
        and all(name in settings for settings in each)
        and len({repr(settings[name]) for settings in each}) > 1
    ]


def logged_runs(folder: str | os.PathLike[str]) -> list[LoggedRun]:
    """The runs below a folder, or those of one log; the oldest first.

    Raises UsageError.
    """
    top = Path(folder)
    if not top.exists():
        raise UsageError(f"there is no folder {top}")
    paths = [top] if top.is_file() else sorted(top.rglob(LOGS))
    found = [run for path in paths for run in _runs_of(path, top)]
    if not found:
        raise UsageError(
            f"no run is logged in {top} or below; a task verb leaves run.jsonl in its --out, and "
            f"in Python fit(..., watch=gatewise.RunLog('{top / 'run.jsonl'}')) writes one"
        )
    return sorted(found, key=lambda run: datetime.fromisoformat(str(run.about["at"])))


def unread(folder: str | os.PathLike[str]) -> list[Path]:
    """Logs below a folder that were left by a command and say nothing that can be read."""
    return [path for path in sorted(Path(folder).rglob(OWN_LOG)) if not _runs_of(path, path)]


def _runs_of(path: Path, top: Path) -> list[LoggedRun]:
    runs: list[LoggedRun] = []
    for event in _events(path):
        if event["event"] == "run":
            if not (event.get("resumed") and runs):
                runs.append(LoggedRun("", path, event))
            runs[-1].ended = None
        elif runs:
            _note(runs[-1], event)
    alone = len(list(path.parent.glob(LOGS))) == 1
    for number, run in enumerate(runs, 1):
        place = path.parent if alone and top not in (path.parent, path) else path
        name = place.name if place == top else place.relative_to(top).as_posix()
        run.name = name.removesuffix(".jsonl") + (f"#{number}" if len(runs) > 1 else "")
    if runs:
        runs[-1].is_open = is_open(path)
    return runs


def _events(path: Path) -> Iterator[dict[str, Any]]:
    """What the lines say; a torn one, and what is no event of ours, is left out."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            first = _event(file.readline(FIRST_LINE))
            if first.get("event") != "run" or not first.keys() >= {"id", "at"}:
                return  # some other file of JSON lines
            yield first
            for line in file:
                event = _event(line)
                if event.get("event") in EVENTS:
                    yield event
    except OSError:
        return


def _event(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _note(run: LoggedRun, event: Mapping[str, Any]) -> None:
    match event["event"]:
        case "scores":
            run.scores = event
        case "done":
            run.ended = event
        case "begin":
            curve = run.curves.setdefault(event["training"], Curve(event["training"]))
            curve.planned, curve.stopped = event["epochs"], None
        case "epoch":
            run.curves.setdefault(event["training"], Curve(event["training"])).epochs[
                event["epoch"]
            ] = event
        case "end":
            if event["training"] in run.curves:
                run.curves[event["training"]].stopped = event["stopped"]
