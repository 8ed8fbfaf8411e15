"""`gatewise translate`: from pairs of sequences to a model, its scores and its answers."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gatewise.cli import verbs
from gatewise.cli.how import asked, trains
from gatewise.cli.options import job
from gatewise.cli.translate_options import TranslateOptions
from gatewise.errors import UsageError


@trains(TranslateOptions)
def translate(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="DATA",
            help="TSV file of sources and targets, CSV or JSON Lines; or two files with a line for "
            "each text: SOURCES TARGETS, also written SOURCES,TARGETS.",
        ),
    ],
    **flags: Any,
) -> int:
    """Train on pairs of sequences, compare with baselines on pairs kept from training.

    Leaves a folder: model/, report.html, predictions.csv, metrics.json and
    run.jsonl.
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
    given, how = asked(flags)
    wanted = job(TranslateOptions, given, how.config)
    # what takes long to import, after what costs nothing to refuse
    from gatewise.cli import show, translate_run

    order = verbs.order(wanted.options, data, given, how)
    parts = translate_run.read(data, wanted.options)
    order.tell_notes(parts.notes)
    with order.recorded:
        run = translate_run.train_and_judge(parts, wanted, order)
        order.tell_notes(run.notes, parts.notes)
        tested = show.counted(len(parts.test), "pair")
        return verbs.finish(order, run, f"Test: {tested}, kept from training")
