"""`gatewise forecast`: from a file to a model, its scores, a forecast and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise.cli import verbs
from gatewise.cli.forecast_options import ForecastOptions
from gatewise.cli.options import given, job, with_flags
from gatewise.cli.recording import Recording, Track, TrackTo


@with_flags(ForecastOptions)
def forecast(
    data: Annotated[str, typer.Argument(metavar="DATA", help="CSV, TSV or Parquet file.")],
    *,
    config: verbs.Config = None,
    as_json: verbs.Json = False,
    quiet: verbs.Quiet = False,
    resume: verbs.Resume = False,
    checkpoint_minutes: verbs.Minutes = 5.0,
    track: Track = None,
    track_to: TrackTo = None,
    **flags: Any,
) -> int:
    """Train on a series, compare with baselines, forecast beyond its end.

    Leaves a folder: model/, report.html, predictions.csv, metrics.json, run.jsonl.
    Ctrl-C while it trains keeps the best model so far.

    \b
    Examples:
      gatewise forecast air.csv --target passengers --horizon 12
      gatewise forecast power.csv --target load,price --horizon 24 --features all
      gatewise forecast air.csv --config air.yaml --cell gru --epochs 200
    """
    asked = given(flags)
    wanted = job(ForecastOptions, asked, config)
    # what takes long to import, after what costs nothing to refuse
    from gatewise import outputs
    from gatewise.cli import forecast_run, show

    order = verbs.order(
        wanted.options,
        data,
        asked,
        config,
        quiet=quiet,
        as_json=as_json,
        resume=resume,
        minutes=checkpoint_minutes,
    )
    recording = Recording(
        order.out, order.data, order.command, track=track, track_to=track_to, resume=resume
    )
    series = forecast_run.read(Path(data), wanted.options)
    order.tell_notes(series.notes)
    with recording:
        run = forecast_run.train_and_judge(
            series, wanted, order.verbose, recording.watch, order.checkpoints
        )
        order.tell_notes(run.notes, series.notes)
        metrics = run.metrics(order.source)
        with outputs.replacing(order.out) as folder:
            run.write(folder, order.source, order.command, metrics)
            recording.keep(run, folder, run.failure)
    places = verbs.left_behind(order, recording, run.interrupted)
    if not (quiet and as_json):
        show.say(order.console, "")
        title = f"Test: the last {run.test} rows, kept from training"
        show.scores(order.console, title, run.evaluation)
        show.scores(order.console, "Backtest: one forecast after the other", run.backtest)
        verbs.tell_places(order.console, places)
    if as_json:
        verbs.tell_json(metrics, places)
    return verbs.ended(run.interrupted, run.failure)
