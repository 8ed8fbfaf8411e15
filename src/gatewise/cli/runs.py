"""`gatewise runs`: what was trained, how it went, and which settings made the difference."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def runs(
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="Folder of results, or one with many below it.")
    ] = ".",
    *,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            metavar="COLUMN",
            help="when, score (best first), loss, seconds, epochs, state, run, or a setting such "
            "as learning_rate.",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="PAGE.html", help="Write a page with the learning curves."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """List and compare the runs whose logs lie in a folder or below it.

    Every task verb leaves a log, run.jsonl; while it trains, in OUT.unfinished.
    In Python fit(..., watch=gatewise.RunLog(FILE)) writes one.
    Settings in which the runs differ are columns.

    \b
    Examples:
      gatewise runs
      gatewise runs results --sort score
      gatewise runs results --out runs.html
    """
    from pathlib import Path

    from gatewise import outputs
    from gatewise.cli import show
    from gatewise.runs.reading import logged_runs, unread
    from gatewise.runs.table import as_dict, in_order, run_table

    found = in_order(logged_runs(folder), sort)
    table = run_table(found)
    notes = [f"{path} cannot be read as a log, and is left out" for path in unread(folder)]
    notes += table.notes
    if out is not None:
        from gatewise.report.runs import write_runs_page

        Path(out).parent.mkdir(parents=True, exist_ok=True)
        write_runs_page(out, f"Runs in {Path(folder).resolve().name}", found)
    if as_json:
        told = {"runs": [as_dict(run) for run in found], "notes": notes, "page": out}
        sys.stdout.write(outputs.to_json(told) + "\n")
        return
    console = show.open_console()
    show.notes(console, notes)
    if table.alike:
        show.say(console, f"{show.counted(len(found), 'run')}, alike in all: {table.alike}")
        show.say(console, "")
    for columns in table.within(console.width):
        show.table(console, *table.part(columns))
    if out is not None:
        show.say(console, f"page  {out}")
