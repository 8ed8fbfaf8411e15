"""`gatewise forecast`: from a file to a model, its scores, a forecast and a report."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise import outputs
from gatewise.cli import show
from gatewise.cli.forecast_run import train_and_judge
from gatewise.cli.options import ForecastOptions, given, job, with_flags
from gatewise.data.frames import read_table
from gatewise.data.table import SeriesTable, read_series

INTERRUPTED = 130


@with_flags
def forecast(
    data: Annotated[str, typer.Argument(metavar="DATA", help="CSV, TSV or Parquet file.")],
    *,
    config: Annotated[
        str | None,
        typer.Option("--config", metavar="FILE", help="YAML file of these options; flags win."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on stdout, all else on stderr.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No notes, no progress.")] = False,
    **flags: Any,
) -> int:
    """Train on a series, compare with baselines, forecast beyond its end.

    Leaves a folder: model/, report.html, predictions.csv, metrics.json.
    Ctrl-C while it trains keeps the best model so far.

    \b
    Examples:
      gatewise forecast air.csv --target passengers --horizon 12
      gatewise forecast power.csv --target load,price --horizon 24 --features all
      gatewise forecast air.csv --config air.yaml --cell gru --epochs 200
    """
    asked = given(flags)
    wanted = job(asked, config)
    source = Path(data)
    out = Path(wanted.options.out or default_out(source))
    outputs.check(out)
    console = show.open_console(sys.stderr if as_json else sys.stdout)
    series = read(source, wanted.options)
    if not quiet:
        show.notes(console, series.notes)
    run = train_and_judge(series, wanted, verbose=0 if quiet else 1)
    if not quiet:
        show.notes(console, [note for note in run.notes if note not in series.notes])
    metrics = run.metrics(source.name)
    command = shell_line(data, {**asked, "config": config} if config else asked)
    with outputs.replacing(out) as folder:
        run.write(folder, source.name, command, metrics)
    places = {
        "report": out / "report.html",
        "predictions": out / "predictions.csv",
        "model": out / "model",
        "metrics": out / "metrics.json",
    }
    if not (quiet and as_json):
        show.say(console, "")
        title = f"Test: the last {run.test} rows, kept from training"
        show.scores(console, title, run.evaluation)
        show.scores(console, "Backtest: one forecast after the other", run.backtest)
        for name, place in places.items():
            show.say(console, f"{name:<11}  {place}")
    if as_json:
        sys.stdout.write(outputs.to_json({**metrics, "out": places}) + "\n")
    return INTERRUPTED if run.interrupted else 0


def default_out(source: Path) -> str:
    """`data/air.csv.gz` -> `air-forecast`, in the folder one is in."""
    return f"{Path(source.name.removesuffix('.gz')).stem}-forecast"


def read(source: Path, options: ForecastOptions) -> SeriesTable:
    """The series of the file, read as the options want it."""
    frame = read_table(source)
    known = [str(name) for name in frame.columns]
    features = split_names(options.features, known)
    return read_series(
        frame,
        target=split_names(options.target, known),
        time=options.time,
        features="all" if features == ["all"] and "all" not in known else features,
        sort=options.sort,
        fill=options.fill,
        duplicates=options.duplicates,
        name=source.name,
    )


def split_names(given: Sequence[str] | None, known: Sequence[str]) -> list[str] | None:
    """`a,b` is two columns, unless a column has that very name."""
    if given is None:
        return None
    names: list[str] = []
    for text in given:
        parts = [text] if text in known else [part.strip() for part in text.split(",")]
        names += [part for part in parts if part]
    return names


def shell_line(data: str, asked: Mapping[str, Any]) -> str:
    """The command that was typed, in one spelling."""
    words = ["gatewise", "forecast", data]
    for name, value in asked.items():
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        else:
            for one in value if isinstance(value, (list, tuple)) else [value]:
                words += [f"--{flag}", str(one)]
    return shlex.join(words)
