"""A table of answers: a table on a terminal, CSV through a pipe or in a file, JSON on request."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatewise import outputs
from gatewise.cli import show
from gatewise.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd


def check_not_data(out: str | None, data: str) -> None:
    """Raises UsageError when the answers would be written over what they are read from."""
    if out is not None and Path(out).exists() and Path(out).samefile(data):
        raise UsageError(f"--out {out} is DATA itself; choose another file")


def tell_frame(
    answers: pd.DataFrame, *, measured: Sequence[str], out: str | None, as_json: bool
) -> None:
    """Into the file `out`, or shown.

    measured  columns whose numbers a terminal shows with four digits
    """
    if out is not None:
        with outputs.replacing_file(Path(out)) as path:
            answers.to_csv(path, index=False)
        show.say(show.open_console(sys.stderr), f"{len(answers)} rows in {out}")
    if as_json:
        columns = {str(name): answers[name].tolist() for name in answers.columns}
        sys.stdout.write(outputs.to_json(columns) + "\n")
    elif out is None and sys.stdout.isatty():
        shown = [
            answers[name].map(show.number if name in measured else _cell)
            for name in answers.columns
        ]
        header = [str(name) for name in answers.columns]
        show.table(show.open_console(), header, list(zip(*shown, strict=True)))
    elif out is None:
        answers.to_csv(sys.stdout, index=False)


def _cell(value: Any) -> str:
    return "" if value is None else str(value)
