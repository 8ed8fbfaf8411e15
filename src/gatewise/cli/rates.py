"""`gatewise rates TASK DATA`: learning rates tried on what the task would learn from."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatewise.cli import verbs
from gatewise.cli.classify_options import ClassifyOptions
from gatewise.cli.forecast_options import ForecastOptions
from gatewise.cli.generate_options import GenerateOptions
from gatewise.cli.options import Job, Options, given, job, panels, with_panels
from gatewise.cli.tag_options import TagOptions
from gatewise.cli.translate_options import TranslateOptions
from gatewise.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from gatewise.tasks.rate_finding import RateSearch

OPTIONS: dict[str, type[Options]] = {
    own.verb: own
    for own in (ForecastOptions, ClassifyOptions, TagOptions, GenerateOptions, TranslateOptions)
}
NOT_HERE = ("out", "learning_rate")  # of the task's flags


def rates(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="TASK DATA", help=f"{', '.join(OPTIONS)}; and what it learns from."),
    ] = None,
) -> Any:
    """Try learning rates before a task is trained: up to 100 batches at rates that rise from 1e-6
    to 1. Tells the one to take and draws the curve.

    The same happens before training with --learning-rate auto.
    Takes the flags of the task; see gatewise rates TASK --help.

    \b
    Examples:
      gatewise rates forecast air.csv --target passengers
      gatewise rates classify reviews.csv --batch-size 64 --plot curve.svg
    """
    if not words or words[0] not in OPTIONS:
        hint = f", not '{words[0]}'{did_you_mean(words[0], OPTIONS)}" if words else ""
        raise UsageError(
            f"rates needs a task: {', '.join(OPTIONS)}{hint}; see gatewise rates --help"
        )
    task, *rest = words
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command(help=f"Try learning rates before `gatewise {task}` trains, draw the curve.")(
        _verb(task)
    )
    command = typer.main.get_command(app)
    return command.main(rest, prog_name=f"gatewise rates {task}", standalone_mode=False)


def _verb(task: str) -> Callable[..., int]:
    """What `gatewise rates TASK` does, with the flags of that task."""
    own = OPTIONS[task]

    @with_panels(panels(own), hidden={*own.meaningless, *NOT_HERE})
    def verb(
        files: Annotated[list[str], typer.Argument(metavar="DATA", help="What it learns from.")],
        *,
        config: verbs.Config = None,
        plot: Annotated[
            str | None,
            typer.Option(
                "--plot",
                metavar="FILE",
                help=".png, .svg or .pdf; none: DATA's name and -rates.png.",
            ),
        ] = None,
        as_json: verbs.Json = False,
        quiet: verbs.Quiet = False,
        **flags: Any,
    ) -> int:
        asked = given(flags)
        foreign = [f"--{name.replace('_', '-')}" for name in NOT_HERE if name in asked]
        if foreign:
            raise UsageError(f"rates has no {', '.join(foreign)}: it finds a rate, and --plot FILE")
        wanted = job(own, asked, config)
        data = ",".join(files)
        picture = Path(plot or f"{Path(Path(files[0]).name.removesuffix('.gz')).stem}-rates.png")
        order = verbs.shell_line(task, data, asked, config)
        return _try(task, data, wanted, order, picture, as_json=as_json, quiet=quiet)

    return verb


def _try(
    task: str,
    data: str,
    wanted: Job[Any],
    command: str,
    picture: Path,
    *,
    as_json: bool,
    quiet: bool,
) -> int:
    from gatewise import outputs
    from gatewise.cli import show
    from gatewise.tasks.rate_finding import check_picture
    from gatewise.tasks.rates import find_learning_rate

    check_picture(picture)
    learnt = LEARNT[task](data, wanted)
    console = verbs.open_console(as_json)
    if not quiet:
        show.notes(console, learnt.notes)
    found: RateSearch = find_learning_rate(learnt.model, *learnt.data, start=wanted.options.start)
    with outputs.replacing_file(picture) as path:
        found.plot(path)
    train = f"{command} --learning-rate {found.suggestion:g}"
    if not (quiet and as_json):
        show.say(console, found.in_words, "bold")
        show.say(console, f"{'plot':<11}  {picture}")
        show.say(console, f"{'train':<11}  {train}")
    if as_json:
        told = {**found.to_dict(), "plot": picture, "train": train}
        sys.stdout.write(outputs.to_json(told) + "\n")
    return 0


@dataclass(frozen=True)
class Learnt:
    """A model, and what it would learn from: the arguments of its fit."""

    model: Any
    data: Sequence[Any]
    notes: Sequence[str]


def _model(name: str, wanted: Job[Any]) -> Any:
    from gatewise.tasks.shared import TASKS, parameter_names

    module, cls = TASKS[name]
    task = getattr(importlib.import_module(module), cls)
    options = wanted.options
    own = {n: getattr(options, n) for n in parameter_names(task) if n in type(options).model_fields}
    return task(**own, network=wanted.network, training=wanted.training)


def _forecast(data: str, wanted: Job[Any]) -> Learnt:
    from gatewise.cli import forecast_run as run
    from gatewise.tasks.forecaster_rows import seen_rows

    series, start = run.read(Path(data), wanted.options), wanted.options.start
    seen = 0 if start is None else seen_rows(run.started(start).known_, series)
    test, _ = run.split_rows(len(series), wanted.options, seen)
    rows = series.rows(0, len(series) - test)
    return Learnt(_model("forecast", wanted), [rows], series.notes)


def _classify(data: str, wanted: Job[Any]) -> Learnt:
    from gatewise.cli import classify_run as run

    parts = run.read(Path(data), wanted.options)
    return Learnt(_model("classify", wanted), [parts.texts, parts.labels], parts.notes)


def _tag(data: str, wanted: Job[Any]) -> Learnt:
    from gatewise.cli import tag_run as run

    parts = run.read(Path(data), wanted.options)
    return Learnt(_model("tag", wanted), [parts.train], parts.notes)


def _generate(data: str, wanted: Job[Any]) -> Learnt:
    from gatewise.cli import generate_run as run

    parts = run.read(Path(data), wanted.options)
    return Learnt(_model("generate", wanted), [parts.train], parts.notes)


def _translate(data: str, wanted: Job[Any]) -> Learnt:
    from gatewise.cli import translate_run as run

    parts = run.read(data, wanted.options)
    return Learnt(_model("translate", wanted), [parts.train], parts.notes)


LEARNT: dict[str, Callable[[str, Job[Any]], Learnt]] = {
    "forecast": _forecast,
    "classify": _classify,
    "tag": _tag,
    "generate": _generate,
    "translate": _translate,
}
