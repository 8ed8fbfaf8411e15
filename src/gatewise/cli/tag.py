"""`gatewise tag`: from sentences with a tag for each token to a model, its scores and its tags."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise.cli import verbs
from gatewise.cli.how import asked, trains
from gatewise.cli.options import job
from gatewise.cli.tag_options import TagOptions


@trains(TagOptions)
def tag(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="CoNLL file: a token and its tag on each line, a blank line behind each sentence; "
            "or JSON Lines with tokens and tags.",
        ),
    ],
    **flags: Any,
) -> int:
    """Train on sentences with a tag for each token, compare with a baseline on sentences kept
    from training.

    Leaves a folder: model/, report.html, predictions.csv, metrics.json and
    run.jsonl.
    Ctrl-C while it trains keeps the best model so far.

    \b
    Examples:
      gatewise tag names.conll
      gatewise tag train.conll --test test.conll --epochs 30
      gatewise predict names-tag/model more.conll
    """
    given, how = asked(flags)
    wanted = job(TagOptions, given, how.config)
    # what takes long to import, after what costs nothing to refuse
    from gatewise.cli import show, tag_run

    order = verbs.order(wanted.options, data, given, how)
    parts = tag_run.read(Path(data), wanted.options)
    order.tell_notes(parts.notes)
    with order.recorded:
        run = tag_run.train_and_judge(parts, wanted, order)
        order.tell_notes(run.notes, parts.notes)
        tested = show.counted(len(parts.test), "sentence")
        return verbs.finish(order, run, f"Test: {tested}, kept from training")
