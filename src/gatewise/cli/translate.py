"""`gatewise translate`: from pairs of sequences to a model, its scores and its answers."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gatewise.cli import verbs
from gatewise.cli.options import given, job, with_flags
from gatewise.cli.translate_options import TranslateOptions
from gatewise.errors import UsageError


@with_flags(TranslateOptions)
def translate(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="TSV file of sources and targets, CSV or JSON Lines; or SOURCES,TARGETS: two "
            "files with a line for each text.",
        ),
    ],
    more: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    *,
    config: verbs.Config = None,
    as_json: verbs.Json = False,
    quiet: verbs.Quiet = False,
    **flags: Any,
) -> int:
    """Train on pairs of sequences, compare with baselines on pairs kept from training.

    Leaves a folder: model/, report.html, predictions.csv, metrics.json.
    Ctrl-C while it trains keeps the best model so far.

    \b
    Examples:
      gatewise translate dates.tsv
      gatewise translate words.csv --source english --target german --attention multiplicative
      gatewise translate train.en,train.de --test test.en,test.de
      gatewise predict dates-translate/model lines.txt
    """
    if more:
        raise UsageError(
            f"two files of lines are one DATA, with a comma between them: "
            f"gatewise translate {','.join([data, *more])}"
        )
    asked = given(flags)
    wanted = job(TranslateOptions, asked, config)
    # what takes long to import, after what costs nothing to refuse
    from gatewise.cli import translate_run

    order = verbs.order(wanted.options, data, asked, config, quiet=quiet, as_json=as_json)
    parts = translate_run.read(data, wanted.options)
    order.tell_notes(parts.notes)
    run = translate_run.train_and_judge(parts, wanted, verbose=order.verbose)
    order.tell_notes(run.notes, parts.notes)
    return verbs.finish(order, run, f"Test: {len(parts.test):,} pairs, kept from training")
