"""`gatewise translate`: from pairs of sequences to a model, its scores and its answers."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gatewise.cli import verbs
from gatewise.cli.options import given, job, with_flags
from gatewise.cli.recording import Recording, Track, TrackTo
from gatewise.cli.translate_options import TranslateOptions
from gatewise.errors import UsageError


@with_flags(TranslateOptions)
def translate(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="DATA",
            help="TSV file of sources and targets, CSV or JSON Lines; or two files with a line for "
            "each text: SOURCES TARGETS, also written SOURCES,TARGETS.",
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
    """Train on pairs of sequences, compare with baselines on pairs kept from training.

    Leaves a folder: model/, report.html, predictions.csv, metrics.json, run.jsonl.
    Ctrl-C while it trains keeps the best model so far.

    \b
    Examples:
      gatewise translate dates.tsv
      gatewise translate words.csv --source english --target german --beam 8
      gatewise translate train.en train.de --test test.en,test.de
      gatewise predict dates-translate/model lines.txt
    """
    if len(files) > 2:
        raise UsageError(
            f"{len(files)} files were given; expected one of pairs, or two with a line for each "
            f"text: SOURCES TARGETS"
        )
    data = ",".join(files)
    asked = given(flags)
    wanted = job(TranslateOptions, asked, config)
    # what takes long to import, after what costs nothing to refuse
    from gatewise.cli import show, translate_run

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
    parts = translate_run.read(data, wanted.options)
    order.tell_notes(parts.notes)
    with recording:
        run = translate_run.train_and_judge(
            parts, wanted, order.verbose, recording.watch, order.checkpoints
        )
        order.tell_notes(run.notes, parts.notes)
        tested = show.counted(len(parts.test), "pair")
        return verbs.finish(order, run, f"Test: {tested}, kept from training", recording)
