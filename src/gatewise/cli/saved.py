"""`gatewise predict`, `evaluate` and `info`: what can be done with a saved model.

What the first two do is in a module for each task, named in MODULES. It has

    PREDICT, EVALUATE   the flags of these verbs that the task takes, by the names of parameters
    predict(saved, data, *, out, as_json, flags)
    evaluate(saved, data, *, as_json, flags)

Imports stand in the functions, so that help and wrong usage are answered at once.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise.errors import UsageError

MODULES = {  # task -> what does it
    "forecast": "gatewise.cli.saved_forecast",
    "classify": "gatewise.cli.saved_classify",
}

Model = Annotated[str, typer.Argument(metavar="MODEL", help="Folder of a saved model.")]
Data = Annotated[
    str, typer.Argument(metavar="DATA", help="CSV, TSV or Parquet file; of texts also JSON Lines.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Sort = Annotated[bool, typer.Option("--sort", help="Sort the rows by time (forecasts).")]
Filling = Annotated[
    str | None,
    typer.Option(
        "--fill",
        metavar="choice",
        help="What to put where a value or a time is missing: interpolate, forward, zero "
        "(forecasts).",
    ),
]
Twins = Annotated[
    str | None,
    typer.Option(
        "--duplicates",
        metavar="choice",
        help="Which row to keep where a time comes twice: first, last, mean (forecasts).",
    ),
]
Text = Annotated[
    list[str] | None,
    typer.Option("--text", metavar="text", help="Column of the texts, several: a,b (classifiers)."),
]
Label = Annotated[
    str | None, typer.Option("--label", metavar="text", help="Column of the labels (classifiers).")
]
Encoding = Annotated[
    str | None,
    typer.Option("--encoding", metavar="text", help="Of a file that is not UTF-8 (texts)."),
]


def predict(
    model: Model,
    data: Data,
    *,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="Write a CSV file instead of showing it."),
    ] = None,
    as_json: Json = False,
    sort: Sort = False,
    fill: Filling = None,
    duplicates: Twins = None,
    text: Text = None,
    encoding: Encoding = None,
) -> None:
    """Answer with a saved model: the steps after the last row of DATA, or a class for each text.

    A table on a terminal, CSV through a pipe.

    \b
    Examples:
      gatewise predict air-forecast/model air.csv
      gatewise predict air-forecast/model air.csv --out next.csv
      gatewise predict air-forecast/model air.csv --json
      gatewise predict reviews-classify/model new-reviews.csv --text review
    """
    if out is not None and Path(out).is_dir():
        raise UsageError(f"--out {out} is a folder; give the name of a file in it")
    saved, task = _loaded(model)
    module = _module(task)
    given = {
        "sort": sort,
        "fill": fill,
        "duplicates": duplicates,
        "text": text,
        "encoding": encoding,
    }
    module.predict(saved, data, out=out, as_json=as_json, flags=taken(task, module.PREDICT, given))


def evaluate(
    model: Model,
    data: Data,
    *,
    as_json: Json = False,
    sort: Sort = False,
    fill: Filling = None,
    duplicates: Twins = None,
    text: Text = None,
    label: Label = None,
    encoding: Encoding = None,
) -> None:
    """Score a saved model and the baselines on DATA that it was not trained on.

    Of a series the rows after those of the training count.

    \b
    Examples:
      gatewise evaluate air-forecast/model air-with-this-year.csv
      gatewise evaluate air-forecast/model air-with-this-year.csv --json
      gatewise evaluate reviews-classify/model more-reviews.csv --label sentiment
    """
    saved, task = _loaded(model)
    module = _module(task)
    given = {
        "sort": sort,
        "fill": fill,
        "duplicates": duplicates,
        "text": text,
        "label": label,
        "encoding": encoding,
    }
    module.evaluate(saved, data, as_json=as_json, flags=taken(task, module.EVALUATE, given))


def info(model: Model, *, as_json: Json = False) -> None:
    """Show what a saved model is, what it was trained on and how.

    \b
    Examples:
      gatewise info air-forecast/model
    """
    from gatewise import outputs
    from gatewise.cli import show
    from gatewise.tasks.shared import load

    summary = load(model).summary()
    if as_json:
        sys.stdout.write(outputs.to_json(summary) + "\n")
    else:
        show.facts(show.open_console(), summary)


def _loaded(path: str) -> tuple[Any, str]:
    """(model, name of its task)"""
    from gatewise.tasks.shared import TASKS, load

    saved = load(path)
    kind = type(saved).__name__
    return saved, next(task for task, (_, name) in TASKS.items() if name == kind)


def _module(task: str) -> Any:
    if task not in MODULES:
        raise UsageError(
            f"a model made by 'gatewise {task}' is used from Python: gatewise.load; "
            f"'gatewise info' shows what it is"
        )
    return importlib.import_module(MODULES[task])


def taken(task: str, known: Collection[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """The flags that the task knows.

    given  parameter -> value; None, False and [] were not given
    Raises UsageError that names every flag that says nothing to a model of this task.
    """
    foreign = [
        name
        for name, value in given.items()
        if value not in (None, False, []) and name not in known
    ]
    if foreign:
        listed = ", ".join(map(_flag, foreign))
        own = ", ".join(map(_flag, known)) or "none of its own"
        raise UsageError(
            f"{listed}: not for this model, which was made by 'gatewise {task}' "
            f"(flags for it: {own})"
        )
    return {name: given[name] for name in known}


def _flag(parameter: str) -> str:
    return "--" + parameter.replace("_", "-")
