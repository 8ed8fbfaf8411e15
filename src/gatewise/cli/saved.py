"""`gatewise predict`, `evaluate` and `info`: what can be done with a saved model.

Imports stand in the functions, so that help and wrong usage are answered at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatewise.errors import UsageError

if TYPE_CHECKING:
    from gatewise.data.table import SeriesTable
    from gatewise.tasks.forecaster import Forecaster

Model = Annotated[str, typer.Argument(metavar="MODEL", help="Folder of a saved model.")]
Data = Annotated[str, typer.Argument(metavar="DATA", help="CSV, TSV or Parquet file.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Sort = Annotated[bool, typer.Option("--sort", help="Sort the rows by time.")]
Filling = Annotated[
    str | None,
    typer.Option(
        "--fill",
        metavar="choice",
        help="What to put where a value or a time is missing: interpolate, forward, zero.",
    ),
]
Twins = Annotated[
    str | None,
    typer.Option(
        "--duplicates",
        metavar="choice",
        help="Which row to keep where a time comes twice: first, last, mean.",
    ),
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
) -> None:
    """Continue DATA with a saved model: the steps after its last row.

    A table on a terminal, CSV through a pipe.

    \b
    Examples:
      gatewise predict air-forecast/model air.csv
      gatewise predict air-forecast/model air.csv --out next.csv
      gatewise predict air-forecast/model air.csv --json
    """
    from gatewise import outputs
    from gatewise.cli import show
    from gatewise.tasks.shared import load

    if out is not None and Path(out).is_dir():
        raise UsageError(f"--out {out} is a folder; give the name of a file in it")
    saved = load(model)
    series = read_like(saved, data, sort=sort, fill=fill, duplicates=duplicates)
    if out is not None and Path(out).exists() and Path(out).samefile(data):
        raise UsageError(f"--out {out} is DATA itself; choose another file")
    future = saved.predict(series)
    if out is not None:
        with outputs.replacing_file(Path(out)) as path:
            future.to_csv(path, index=False)
        show.say(show.open_console(sys.stderr), f"{len(future)} rows in {out}")
    if as_json:
        answer = {str(name): future[name].tolist() for name in future.columns}
        sys.stdout.write(outputs.to_json(answer) + "\n")
    elif out is None and sys.stdout.isatty():
        columns = [
            future[name].map(show.number) if name in series.targets else future[name].astype(str)
            for name in future.columns
        ]
        header = [str(name) for name in future.columns]
        show.table(show.open_console(), header, list(zip(*columns, strict=True)))
    elif out is None:
        future.to_csv(sys.stdout, index=False)


def evaluate(
    model: Model,
    data: Data,
    *,
    as_json: Json = False,
    sort: Sort = False,
    fill: Filling = None,
    duplicates: Twins = None,
) -> None:
    """Score a saved model and the baselines on DATA, after the rows it was trained on.

    \b
    Examples:
      gatewise evaluate air-forecast/model air-with-this-year.csv
      gatewise evaluate air-forecast/model air-with-this-year.csv --json
    """
    from gatewise import outputs
    from gatewise.cli import show
    from gatewise.tasks.shared import load

    saved = load(model)
    evaluation = saved.evaluate(read_like(saved, data, sort=sort, fill=fill, duplicates=duplicates))
    if as_json:
        sys.stdout.write(outputs.to_json(evaluation.to_dict()) + "\n")
    else:
        show.scores(show.open_console(), f"{Path(data).name} after the training", evaluation)


def read_like(saved: Forecaster, data: str, **repairs: Any) -> SeriesTable:
    """The columns of the file that the model learnt from."""
    from gatewise.data.frames import read_table
    from gatewise.data.table import read_series

    return read_series(
        read_table(data),
        target=list(saved.tail_.targets),
        time=saved.tail_.time_name,
        features=list(saved.tail_.features),
        name=Path(data).name,
        **repairs,
    )


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
