"""`gatewise tag`: from sentences with a tag for each token to a model, its scores and its tags."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise.cli import verbs
from gatewise.cli.options import given, job, with_flags
from gatewise.cli.recording import Recording, Track, TrackTo
from gatewise.cli.tag_options import TagOptions


@with_flags(TagOptions)
def tag(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="CoNLL file: a token and its tag on each line, a blank line behind each sentence; "
            "or JSON Lines with tokens and tags.",
        ),
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
    """Train on sentences with a tag for each token, compare with a baseline on sentences kept
    from training.

    Leaves a folder: model/, report.html, predictions.csv, metrics.json, run.jsonl.
    Ctrl-C while it trains keeps the best model so far.

    \b
    Examples:
      gatewise tag names.conll
      gatewise tag train.conll --test test.conll --epochs 30
      gatewise predict names-tag/model more.conll
    """
    asked = given(flags)
    wanted = job(TagOptions, asked, config)
    # what takes long to import, after what costs nothing to refuse
    from gatewise.cli import show, tag_run

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
    parts = tag_run.read(Path(data), wanted.options)
    order.tell_notes(parts.notes)
    with recording:
        run = tag_run.train_and_judge(
            parts, wanted, order.verbose, recording.watch, order.checkpoints
        )
        order.tell_notes(run.notes, parts.notes)
        tested = show.counted(len(parts.test), "sentence")
        return verbs.finish(order, run, f"Test: {tested}, kept from training", recording)
