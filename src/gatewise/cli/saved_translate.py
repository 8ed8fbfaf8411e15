"""What `gatewise predict` and `evaluate` do with a saved translator."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from gatewise import outputs
from gatewise.cli import show
from gatewise.cli.answers import check_not_data, tell_frame
from gatewise.cli.translate_run import as_texts
from gatewise.data.files import read_lines, suffix
from gatewise.data.pairs import SOURCE_NAMES, TARGET_NAMES, read_pairs
from gatewise.data.text_table import JSON_SUFFIXES, read_text_table
from gatewise.errors import DataError
from gatewise.tasks.reading import is_empty
from gatewise.tasks.translator import Translator

# flags of these two verbs that a translator takes
PREDICT = ("source", "beam", "length_penalty", "encoding")
EVALUATE = ("source", "target", "beam", "length_penalty", "encoding")
TABLES = (".csv", ".tsv", ".parquet", *JSON_SUFFIXES)


def predict(
    saved: Translator, data: str, *, out: str | None, as_json: bool, flags: Mapping[str, Any]
) -> None:
    """An answer to each source of DATA, a line of a file or a row of a table; to an empty one an
    empty answer.
    """
    sources, notes_on_file = read_sources(data, flags["source"], flags["encoding"])
    check_not_data(out, data)
    if saved.source_.kind == "tokens":
        sources = [one.split() if isinstance(one, str) else one for one in sources]
    full = [one for one in sources if not is_empty(one)]
    if not full:
        raise DataError(f"{data} holds nothing to translate")
    notes = show.open_console(sys.stderr)
    show.notes(notes, notes_on_file)
    gone = len(sources) - len(full)
    if gone:
        what = "source has an empty answer" if gone == 1 else "sources have empty answers"
        show.notes(notes, [f"{gone:,} empty {what}"])
    show.notes(notes, saved.remarks(full))
    answered = iter(saved.translate(full, flags["beam"], flags["length_penalty"]))
    told = ["" if is_empty(one) else next(answered) for one in sources]
    sources = ["" if one is None else one for one in sources]
    answers = pd.DataFrame(
        {"row": range(1, len(told) + 1), "source": as_texts(sources), "told": as_texts(told)}
    )
    tell_frame(answers, measured=[], out=out, as_json=as_json)


def read_sources(
    data: str, source: str | None, encoding: str | None
) -> tuple[list[Any], list[str]]:
    """(sources, notes): the lines of a text file, or a column of a table: by its name, else the
    first. Lines that all have a tab are rows of a table.
    """
    notes: list[str] = []
    if source is None and suffix(data) not in TABLES:
        sources: list[Any] = read_lines(data, encoding)
        if all("\t" in line for line in sources if line.strip()):
            names = {cell.strip().casefold() for cell in sources[0].split("\t")}
            if names & {*SOURCE_NAMES, *TARGET_NAMES}:
                return read_sources(data, "", encoding)
            sources = [line.split("\t")[0] for line in sources]
            notes.append(f"the lines of {data} have tabs: what stands before the first is read")
    else:
        table = read_text_table(Path(data), encoding)
        folded = {name.casefold(): name for name in table.columns}
        known = [folded[name] for name in SOURCE_NAMES if name in folded]
        if source is None and not known and suffix(data) == ".tsv":
            table = table.headless()
        name = source or (known or list(table.columns))[0]
        sources = table.column(name)
        if not source and not known and len(table.columns) > 1:
            notes.append(f"column '{name}' was taken as the source")
    return sources, notes


def evaluate(saved: Translator, data: str, *, as_json: bool, flags: Mapping[str, Any]) -> None:
    """Scores on the pairs of DATA, which the model must not have learnt from."""
    found = read_pairs(
        data, flags["source"] or "auto", flags["target"] or "auto", flags["encoding"]
    )
    evaluation = saved.evaluate(found, beam=flags["beam"], length_penalty=flags["length_penalty"])
    if as_json:
        sys.stdout.write(outputs.to_json(evaluation.to_dict()) + "\n")
    else:
        title = f"{Path(data).name}: {show.counted(len(found), 'pair')}"
        show.score_table(show.open_console(), title, evaluation)
