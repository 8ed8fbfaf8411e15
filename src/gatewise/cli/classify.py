"""`gatewise classify`: from texts with labels to a model, its scores and what it said."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise.cli import verbs
from gatewise.cli.classify_options import ClassifyOptions
from gatewise.cli.options import given, job, with_flags
from gatewise.cli.recording import Recording, Track, TrackTo


@with_flags(ClassifyOptions)
def classify(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="CSV, TSV, JSON Lines or Parquet file.")
    ],
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
    """Train on texts with labels, compare with baselines on texts kept from training.

    Leaves a folder: model/, report.html, predictions.csv, metrics.json, run.jsonl.
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
    from gatewise.cli import classify_run, show

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
    parts = classify_run.read(Path(data), wanted.options)
    order.tell_notes(parts.notes)
    with recording:
        run = classify_run.train_and_judge(
            parts, wanted, order.verbose, recording.watch, order.checkpoints
        )
        order.tell_notes(run.notes, parts.notes)
        tested = show.counted(len(parts.test), "text")
        return verbs.finish(order, run, f"Test: {tested}, kept from training", recording)
