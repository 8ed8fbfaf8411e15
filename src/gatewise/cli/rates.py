"""`gatewise rates TASK DATA`: learning rates tried on what the task would learn from."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatewise.cli import verbs
from gatewise.cli.classify_options import ClassifyOptions
from gatewise.cli.forecast_options import ForecastOptions
from gatewise.cli.generate_options import GenerateOptions
from gatewise.cli.how import EXAMPLES, Config, Json, Quiet
from gatewise.cli.options import Job, Options, given, job, panels, with_panels
from gatewise.cli.tag_options import TagOptions
from gatewise.cli.translate_options import TranslateOptions
from gatewise.errors import UsageError

if TYPE_CHECKING:
    from gatewise.tasks.rate_finding import RateSearch

OPTIONS: dict[str, type[Options]] = {
    own.verb: own
    for own in (ForecastOptions, ClassifyOptions, TagOptions, GenerateOptions, TranslateOptions)
}
NOT_HERE = ("out", "learning_rate")  # of the task's flags
HELP = """Try learning rates before `gatewise {task}` trains: up to 100 batches at rates that rise
    from 1e-6 to 1. Tells the one to take and draws the curve.

    The same happens before training with --learning-rate auto.
    Takes the flags of the task; see gatewise {task} --help.

    \b
    Examples:
      gatewise rates {task} {example}
      gatewise rates {task} {example} \\
        --batch-size 64 --plot curve.svg
    """


def _verb(task: str, own: type[Options]) -> Callable[..., int]:
    """What `gatewise rates TASK` does, with the flags of that task."""

    def verb(
        files: Annotated[list[str], typer.Argument(metavar="DATA", help="What it learns from.")],
        *,
        config: Config = None,
        plot: Annotated[
            str | None,
            typer.Option(
                "--plot",
                metavar="FILE",
                help=".png, .svg or .pdf; none: DATA's name and -rates.png.",
            ),
        ] = None,
        as_json: Json = False,
        quiet: Quiet = False,
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

    verb.__name__ = task
    verb.__doc__ = HELP.format(task=task, example=EXAMPLES[task])
    return with_panels(panels(own), hidden={*own.meaningless, *NOT_HERE})(verb)


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
    from gatewise.cli.ready import READERS
    from gatewise.tasks.rate_finding import check_picture
    from gatewise.tasks.rates import find_learning_rate

    check_picture(picture)
    ready = READERS[task](data, wanted)
    console = verbs.open_console(as_json)
    if not quiet:
        show.notes(console, ready.notes)
    found: RateSearch = find_learning_rate(
        ready.model, ready.data, **ready.fit, start=wanted.options.start
    )
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


rates: Mapping[str, Callable[..., int]] = {task: _verb(task, own) for task, own in OPTIONS.items()}
