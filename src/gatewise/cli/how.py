"""The flags that every verb which trains has, beside those of what is to be trained."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any

import typer

from gatewise.cli.options import Options, Verb, given, panels, with_panels

Config = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="YAML file of these options, or a run's metrics.json; flags win.",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="One JSON object on stdout, all else on stderr.")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No notes, no progress.")]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Go on with an unfinished run of the same command: OUT.unfinished/."
    ),
]
Minutes = Annotated[
    float,
    typer.Option(
        "--checkpoint-minutes",
        metavar="number",
        show_default=False,
        help="Between two checkpoints within an epoch; another one stands at each epoch's end.",
    ),
]
Track = Annotated[
    str | None,
    typer.Option(
        "--track",
        metavar="tensorboard|mlflow",
        help="Show the run to this tracker, too, in local files.",
    ),
]
TrackTo = Annotated[
    str | None,
    typer.Option(
        "--track-to",
        metavar="PLACE",
        help="tensorboard: a folder; mlflow: a file of SQLite. Beside --out by itself.",
    ),
]

EXAMPLES = {  # what a task is shown with, wherever several tasks are
    "forecast": "air.csv --target passengers --horizon 12",
    "classify": "reviews.csv --text review --label sentiment",
    "tag": "names.conll",
    "generate": "play.txt",
    "translate": "dates.tsv",
}


@dataclass(frozen=True)
class How:
    """What can be asked of every verb that trains, beside what is to be trained."""

    config: str | None = None
    as_json: bool = False
    quiet: bool = False
    resume: bool = False
    checkpoint_minutes: float = 5.0
    track: str | None = None
    track_to: str | None = None


def _flags_of_how(
    *,
    config: Config = None,
    as_json: Json = False,
    quiet: Quiet = False,
    resume: Resume = False,
    checkpoint_minutes: Minutes = 5.0,
    track: Track = None,
    track_to: TrackTo = None,
) -> None:
    """The fields of `How` as typer reads them."""


def trains(own: type[Options]) -> Callable[[Verb], Verb]:
    """Spells out the `**flags` of a verb that trains: those of `How`, of its own options, of the
    network and of its training.
    """
    also = inspect.signature(_flags_of_how, eval_str=True).parameters.values()
    return with_panels(panels(own), hidden=own.meaningless, also=[*also])


def asked(flags: Mapping[str, Any]) -> tuple[dict[str, Any], How]:
    """What typer parsed, taken apart: what is to be trained, and how."""
    named = {field.name for field in fields(How)}
    how = How(**{name: value for name, value in flags.items() if name in named})
    return given({name: value for name, value in flags.items() if name not in named}), how
