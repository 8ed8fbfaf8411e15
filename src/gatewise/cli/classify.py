"""`gatewise classify`: from texts with labels to a model, its scores and what it said."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise.cli import verbs
from gatewise.cli.classify_options import ClassifyOptions
from gatewise.cli.how import asked, trains
from gatewise.cli.options import job


@trains(ClassifyOptions)
def classify(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="CSV, TSV, JSON Lines or Parquet file.")
    ],
    **flags: Any,
) -> int:
    """Train on texts with labels, compare with baselines on texts kept from training.

    Leaves a folder: model/, report.html, predictions.csv, metrics.json and
    run.jsonl.
    Ctrl-C while it trains keeps the best model so far.

    \b
    Examples:
      gatewise classify reviews.csv --text review --label sentiment
      gatewise classify mails.csv --text subject,body --label folder
      gatewise classify train.csv --test test.csv --class-weight balanced
    """
    given, how = asked(flags)
    wanted = job(ClassifyOptions, given, how.config)
    # what takes long to import, after what costs nothing to refuse
    from gatewise.cli import classify_run, show

    order = verbs.order(wanted.options, data, given, how)
    parts = classify_run.read(Path(data), wanted.options)
    order.tell_notes(parts.notes)
    with order.recorded:
        run = classify_run.train_and_judge(parts, wanted, order)
        order.tell_notes(run.notes, parts.notes)
        tested = show.counted(len(parts.test), "text")
        return verbs.finish(order, run, f"Test: {tested}, kept from training")
