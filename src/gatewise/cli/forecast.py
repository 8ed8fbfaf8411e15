"""`gatewise forecast`: from a file to a model, its scores, a forecast and a report."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise.cli.options import given, job, with_flags

INTERRUPTED = 130


@with_flags
def forecast(
    data: Annotated[str, typer.Argument(metavar="DATA", help="CSV, TSV or Parquet file.")],
    *,
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="YAML file of these options, or a run's metrics.json; flags win.",
        ),
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
    # what takes long to import, after what costs nothing to refuse
    from gatewise import outputs
    from gatewise.cli import forecast_run, show

    source = Path(data)
    out = Path(wanted.options.out or default_out(source))
    outputs.check(out)
    console = show.open_console(sys.stderr if as_json else sys.stdout)
    series = forecast_run.read(source, wanted.options)
    if not quiet:
        show.notes(console, series.notes)
    run = forecast_run.train_and_judge(series, wanted, verbose=0 if quiet else 1)
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
    if run.failure is not None:
        raise run.failure  # told like every error, with its exit code, after all is written
    return INTERRUPTED if run.interrupted else 0


def default_out(source: Path) -> str:
    """`data/air.csv.gz` -> `air-forecast`, in the folder one is in."""
    return f"{Path(source.name.removesuffix('.gz')).stem}-forecast"


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
