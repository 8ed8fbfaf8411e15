"""`gatewise forecast`: from a file to a model, its scores, a forecast and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise.cli import verbs
from gatewise.cli.forecast_options import ForecastOptions
from gatewise.cli.how import asked, trains
from gatewise.cli.options import job


@trains(ForecastOptions)
def forecast(
    data: Annotated[str, typer.Argument(metavar="DATA", help="CSV, TSV or Parquet file.")],
    **flags: Any,
) -> int:
    """Train on one series or many, compare with baselines, forecast beyond the end.

    Leaves a folder: model/, report.html, predictions.csv, metrics.json and
    run.jsonl.
    Ctrl-C while it trains keeps the best model so far.

    \b
    Examples:
      gatewise forecast air.csv --target passengers --horizon 12
      gatewise forecast power.csv --target load,price --horizon 24 --features all
      gatewise forecast shops.csv --target sold --horizon 7 --series shop
      gatewise forecast air.csv --config air.yaml --cell gru --epochs 200
    """
    given, how = asked(flags)
    wanted = job(ForecastOptions, given, how.config)
    # what takes long to import, after what costs nothing to refuse
    from gatewise import outputs
    from gatewise.cli import forecast_run, show

    order = verbs.order(wanted.options, data, given, how)
    series = forecast_run.read(Path(data), wanted.options)
    order.tell_notes(series.notes)
    with order.recorded:
        run = forecast_run.train_and_judge(series, wanted, order)
        order.tell_notes(run.notes, series.notes)
        metrics = run.metrics(order.source)
        with outputs.replacing(order.out) as folder:
            run.write(folder, order, metrics)
            verbs.keep_log(order, run, folder, run.failure)
    places = verbs.left_behind(order, run.interrupted or run.failure is not None)
    if not (how.quiet and how.as_json):
        show.say(order.console, "")
        title = f"Test: {run.parts.words}, kept from training"
        show.scores(order.console, title, run.evaluation)
        show.scores(order.console, "Backtest: one forecast after the other", run.backtest)
        verbs.tell_places(order.console, places)
    if how.as_json:
        verbs.tell_json(metrics, places)
    return verbs.ended(run.interrupted, run.failure)
