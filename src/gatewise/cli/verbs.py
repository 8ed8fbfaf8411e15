"""What the verbs that train have in common: where results go, what is said of them, how they end.

A verb is a function with `how.trains(ItsOptions)` that calls these in the order of its own work;
see `gatewise.cli.forecast`. Imports stand in the functions, so that help and wrong usage are
answered at once.
"""

from __future__ import annotations

import atexit
import datetime
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gatewise.cli.how import How
from gatewise.cli.options import Job, Options
from gatewise.engines import processes
from gatewise.errors import GatewiseError
from gatewise.version import __version__

if TYPE_CHECKING:
    from rich.console import Console

    from gatewise.checkpoint import RunCheckpoints
    from gatewise.cli.recording import Recording
    from gatewise.cli.show import Judged
    from gatewise.spec import Training
    from gatewise.training import History, Watch

INTERRUPTED = 130  # the exit code

PAUSE = 1.0  # seconds: an epoch shorter than that costs less to repeat than to store


@dataclass(frozen=True)
class Order:
    """What was typed, and where its answers go.

    data     the files as they were named
    source   name of the data file
    command  the line that was typed, in one spelling
    out      folder of the results
    checkpoints, recording  of its trainings; what only looks for settings has none
    """

    verb: str
    source: str
    command: str
    out: Path
    console: Console
    quiet: bool
    as_json: bool
    checkpoints: RunCheckpoints | None = None
    recording: Recording | None = None

    @property
    def verbose(self) -> int:
        """Of the training."""
        return 0 if self.quiet else 1

    @property
    def watch(self) -> Watch:
        """Who is told of the trainings, beside the progress that is shown."""
        from gatewise.training import Nobody

        return Nobody() if self.recording is None else self.recording.watch

    @property
    def beside(self) -> dict[str, Any]:
        """What every fit of the run is given beside its data."""
        return {"watch": self.watch, "checkpoints": self.checkpoints}

    @property
    def recorded(self) -> AbstractContextManager[object]:
        """The block in which all trains, and is written."""
        return nullcontext() if self.recording is None else self.recording

    def tell_notes(self, notes: Sequence[str], told: Sequence[str] = ()) -> None:
        """Those that were not told before."""
        from gatewise.cli import show

        if not self.quiet:
            show.notes(self.console, [note for note in notes if note not in told])


class Run(Protocol):
    """What a verb that trains has found."""

    @property
    def evaluation(self) -> Judged: ...

    @property
    def interrupted(self) -> bool: ...

    def metrics(self, source: str) -> dict[str, Any]:
        """What metrics.json and --json say."""

    def write(self, folder: Path, order: Order, metrics: Mapping[str, Any]) -> None:
        """All results into an empty folder."""


def order(options: Options, data: str, asked: Mapping[str, Any], how: How) -> Order:
    """Found out before anything is read: where results go, and whether they can.

    data   path of a file; or of several, with commas between them
    asked  the flags as they were given
    Raises UsageError, MissingExtraError.
    """
    from gatewise.checkpoint import Checkpoints, RunCheckpoints
    from gatewise.cli.recording import Recording

    verb = type(options).verb
    files = [Path(part) for part in ([data] if Path(data).exists() else data.split(","))]
    out = out_folder(getattr(options, "out", None), files[0], verb)
    command = shell_line(verb, data, asked, how.config)
    checkpoints = RunCheckpoints(
        Checkpoints(unfinished(out), minutes=how.checkpoint_minutes, pause=PAUSE),
        resume=how.resume,
    )
    found = Order(
        verb=verb,
        source=",".join(file.name for file in files),
        command=command,
        out=out,
        console=open_console(how.as_json),
        quiet=how.quiet,
        as_json=how.as_json,
        checkpoints=checkpoints,
        recording=Recording(
            out,
            unfinished(out),
            data,
            command,
            track=how.track,
            track_to=how.track_to,
            resume=how.resume,
        ),
    )
    found.tell_notes([*checkpoints.nothing_there(), *checkpoints.given_up()])
    return found


def unfinished(out: Path) -> Path:
    """Where a run keeps how far it is, until its results are in `out`."""
    place = out.resolve()
    return out.parent / f"{out.name or place.name}.unfinished"


def finish(order: Order, run: Run, title: str) -> int:
    """Write the results, show scores and places; the exit code.

    title  of the table of scores
    """
    from gatewise import outputs
    from gatewise.cli import show

    told = run.metrics(order.source)
    with outputs.replacing(order.out) as folder:
        run.write(folder, order, told)
        keep_log(order, run, folder)
    left = left_behind(order, run.interrupted)
    if not (order.quiet and order.as_json):
        show.say(order.console, "")
        show.score_table(order.console, title, run.evaluation)
        tell_places(order.console, left)
    if order.as_json:
        tell_json(told, left)
    return ended(run.interrupted)


def keep_log(order: Order, run: Run, folder: Path, failure: Exception | None = None) -> None:
    """The log of the run, with its scores and its end, among the results."""
    if order.recording is not None:
        order.recording.keep(run, folder, failure)


def left_behind(order: Order, unfinished: bool) -> dict[str, Path]:
    """What a run has left, and where; checkpoints too, where there is something to go on with."""
    left = places(order.out)
    if order.checkpoints is None or order.recording is None:
        return left
    if unfinished and processes.count() == 1:  # several write none
        left["unfinished"] = order.checkpoints.folder
    else:
        order.checkpoints.remove()
        order.recording.tidy()
    return left


def page_facts(order: Order, settings: Mapping[str, Any], own: type[Options]) -> dict[str, Any]:
    """What every report says of its run: source, command, settings, time, seed."""
    return {
        "source": order.source,
        "command": order.command,
        "settings": to_yaml(own, settings),
        "created": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "seed": settings["seed"],
    }


def out_folder(given: str | None, source: Path, verb: str) -> Path:
    """Where the results go; found out before anything is computed whether they can.

    Of `data/air.csv.gz` that is `air-forecast`, in the folder one is in.
    Raises UsageError.
    """
    from gatewise import outputs

    out = Path(given or f"{Path(source.name.removesuffix('.gz')).stem}-{verb}")
    outputs.check(out)
    if not processes.rank():
        return out
    aside = tempfile.mkdtemp()  # of several processes the first one writes: this goes nowhere
    atexit.register(shutil.rmtree, aside, ignore_errors=True)
    return Path(aside, out.name)


def open_console(as_json: bool) -> Console:
    """Where notes and tables go: stdout, unless that is for JSON alone."""
    from gatewise.cli import show

    return show.open_console(sys.stderr if as_json else sys.stdout)


def metrics(verb: str, source: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """What metrics.json and --json say: the mark of a run, and what was found.

    found  with `settings` last, the keys of a --config file
    """
    from gatewise.outputs import MARK_KEY

    return {MARK_KEY: __version__, "task": verb, "data": source, **found}


def write_metrics(folder: Path, told: Mapping[str, Any]) -> None:
    """metrics.json; it marks the folder as one of ours."""
    from gatewise.outputs import MARK, to_json

    (folder / MARK).write_text(to_json(told) + "\n", encoding="utf-8")


def places(out: Path) -> dict[str, Path]:
    """What a run has left in its folder, and where."""
    left = {
        "report": out / "report.html",
        "winner": out / "winner.html",
        "predictions": out / "predictions.csv",
        "samples": out / "samples.txt",
        "model": out / "model",
        "metrics": out / "metrics.json",
        "log": out / "run.jsonl",
    }
    return {name: place for name, place in left.items() if place.exists()}


def tell_places(console: Console, left: Mapping[str, Path]) -> None:
    """A line for each of them."""
    from gatewise.cli import show

    for name, place in left.items():
        hint = "   (--resume goes on)" if name == "unfinished" else ""
        show.say(console, f"{name:<11}  {place}{hint}")


def tell_json(told: Mapping[str, Any], left: Mapping[str, Path]) -> None:
    """The metrics and the places as one JSON object on stdout."""
    from gatewise import outputs

    sys.stdout.write(outputs.to_json({**told, "out": left}) + "\n")


def ended(interrupted: bool, failure: GatewiseError | None = None) -> int:
    """The exit code of a run whose results are written.

    Raises `failure`: it is told like every error, with its exit code, after all is written.
    """
    if failure is not None:
        raise failure
    return INTERRUPTED if interrupted else 0


def shell_line(verb: str, data: str, asked: Mapping[str, Any], config: str | None) -> str:
    """The command that was typed, in one spelling."""
    words = ["gatewise", *verb.split(), data]
    for name, value in {**asked, "config": config}.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        elif value is not None:
            for one in value if isinstance(value, (list, tuple)) else [value]:
                words += [f"--{flag}", str(one)]
    return shlex.join(words)


def to_yaml(own: type[Options], settings: Mapping[str, Any]) -> str:
    """The text of a --config file."""
    import yaml

    from gatewise import outputs

    head = f"# gatewise {__version__}: gatewise {own.verb} DATA --config THIS_FILE\n"
    return head + yaml.safe_dump(
        outputs.plain(settings), sort_keys=False, allow_unicode=True, default_flow_style=None
    )


def settings_again(
    wanted: Job[Any],
    chosen: Mapping[str, Any],
    network: Mapping[str, Any],
    training: Mapping[str, Any],
) -> dict[str, Any]:
    """What --config needs for the same run again: every setting as the run used it.

    chosen  of the verb's own options those that the run found for itself
    """
    flat = {**wanted.options.model_dump(exclude={"out"}), **chosen}
    known = {name: value for name, value in flat.items() if value is not None}
    return {**known, "network": network, "training": training}


def interruption(history: History, training: Training) -> list[str]:
    """What must be said of a training that Ctrl-C ended: one note, else none."""
    if history.stopped != "interrupted":
        return []
    best = history.best_epoch
    kept = f"the best model so far, of epoch {best}," if best else "the model as it was before"
    epochs = f"epoch {len(history.records)} of {training.epochs}"
    return [f"training was interrupted after {epochs}; {kept} was kept"]


def distinct(notes: Sequence[str]) -> tuple[str, ...]:
    """Each note once, in order, without empty ones."""
    return tuple(note for note in dict.fromkeys(notes) if note)
