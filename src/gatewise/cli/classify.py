"""`gatewise classify`: from texts with labels to a model, its scores and what it said."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise.cli import verbs
from gatewise.cli.classify_options import ClassifyOptions
from gatewise.cli.options import given, job, with_flags


@with_flags(ClassifyOptions)
def classify(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="CSV, TSV, JSON Lines or Parquet file.")
    ],
    *,
    config: verbs.Config = None,
    as_json: verbs.Json = False,
    quiet: verbs.Quiet = False,
    **flags: Any,
) -> int:
    """Train on texts with labels, compare with baselines on texts kept from training.

    Leaves a folder: model/, predictions.csv, metrics.json.
    Ctrl-C while it trains keeps the best model so far.

    \b
    Examples:
      gatewise classify reviews.csv --text review --label sentiment
      gatewise classify mails.csv --text subject,body --label folder --class-weight balanced
      gatewise classify train.csv --test test.csv
    """
    asked = given(flags)
    wanted = job(ClassifyOptions, asked, config)
    # what takes long to import, after what costs nothing to refuse
    from gatewise import outputs
    from gatewise.cli import classify_run, show

    source = Path(data)
    out = verbs.out_folder(wanted.options.out, source, "classify")
    console = verbs.open_console(as_json)
    parts = classify_run.read(source, wanted.options)
    if not quiet:
        show.notes(console, parts.notes)
    run = classify_run.train_and_judge(parts, wanted, verbose=0 if quiet else 1)
    if not quiet:
        show.notes(console, [note for note in run.notes if note not in parts.notes])
    metrics = run.metrics(source.name)
    with outputs.replacing(out) as folder:
        run.write(folder, metrics)
    places = verbs.places(out)
    if not (quiet and as_json):
        show.say(console, "")
        title = f"Test: {len(parts.test):,} texts, kept from training"
        show.score_table(console, title, run.evaluation)
        verbs.tell_places(console, places)
    if as_json:
        verbs.tell_json(metrics, places)
    return verbs.ended(run.interrupted)
