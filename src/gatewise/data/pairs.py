"""Pairs of texts, what is read and what shall be written: one file of two columns, or two files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatewise.data.files import read_bytes, read_lines, suffix, to_text
from gatewise.data.labels import missing_rows, told_rows
from gatewise.data.text_table import JSON_SUFFIXES, TextTable, read_text_table
from gatewise.errors import DataError

SOURCE_NAMES = ("source", "src", "input", "from", "question", "x")
TARGET_NAMES = ("target", "tgt", "trg", "output", "to", "answer", "y")

Side = list[Any]  # texts, or lists of tokens


@dataclass(frozen=True, eq=False)
class Pairs:
    """Sources and their targets, row by row: texts, or lists of tokens.

    notes  what a user should know about how they were read
    rows   where each stands in what was read, from 1
    """

    sources: Side
    targets: Side
    notes: tuple[str, ...] = ()
    rows: Sequence[int] = ()

    def __post_init__(self) -> None:
        if not self.rows:
            object.__setattr__(self, "rows", range(1, len(self.sources) + 1))

    def __len__(self) -> int:
        return len(self.sources)


def read_pairs(
    data: Any, source: str = "auto", target: str = "auto", encoding: str | None = None
) -> Pairs:
    """Pairs without those that have an empty side, which a note counts.

    data    the path of a TSV file (source, target, and columns that are not read; with or without
            a header), of a CSV file with a header, of JSON lines; "SRC,TGT" or a tuple of two
            paths: files with a line for each text; a list of (source, target); a dict or dataframe
    source, target  columns; 'auto': by their names, else the first and the second

    Raises DataError where both sides are not equally many, or a column is not there.
    """
    files = _two_files(data)
    if files is not None:
        return pairs(*_parallel(*files, encoding))
    if isinstance(data, (list, tuple)):
        wrong = [i for i, row in enumerate(data, 1) if not _is_pair(row)]
        if wrong:
            raise DataError(
                f"pair {wrong[0]}: expected (source, target), not {data[wrong[0] - 1]!r}"
            )
        return pairs([row[0] for row in data], [row[1] for row in data])
    if isinstance(data, (str, Path)) and _is_plain_tsv(data, source, target, encoding):
        return _from_tsv(data, encoding)
    return _from_table(read_text_table(data, encoding), source, target)


def pairs(
    sources: Sequence[Any],
    targets: Sequence[Any],
    notes: tuple[str, ...] = (),
    rows: Sequence[int] = (),
) -> Pairs:
    """Pairs from two lists, without those that have an empty side.

    rows  where each stands, for messages; empty: from 1
    """
    sources, targets = list(sources), list(targets)
    if len(sources) != len(targets):
        raise DataError(
            f"there are {len(sources):,} sources and {len(targets):,} targets; expected as many"
        )
    empty = sorted({*_empty(sources), *_empty(targets)})
    if len(empty) == len(sources):
        raise DataError(f"none of {len(sources):,} pairs has text on both sides")
    rows = rows or range(1, len(sources) + 1)
    if not empty:
        return Pairs(sources, targets, notes, rows)
    gone = {row - 1 for row in empty}
    kept = [i for i in range(len(sources)) if i not in gone]
    what = (
        "1 pair has an empty side and was"
        if len(empty) == 1
        else (f"{len(empty):,} pairs have an empty side and were")
    )
    note = f"{what} left out ({told_rows([rows[row - 1] for row in empty])})"
    return Pairs(
        [sources[i] for i in kept],
        [targets[i] for i in kept],
        (*notes, note),
        [rows[i] for i in kept],
    )


def _is_pair(row: Any) -> bool:
    return not isinstance(row, str) and hasattr(row, "__len__") and len(row) == 2


def _empty(side: Sequence[Any]) -> list[int]:
    missing = missing_rows(side)
    lists = [i for i, one in enumerate(side, 1) if hasattr(one, "__len__") and not len(one)]
    return [*missing, *lists]


def _two_files(data: Any) -> tuple[str | Path, str | Path] | None:
    if isinstance(data, tuple) and len(data) == 2 and all(isinstance(p, (str, Path)) for p in data):
        return data[0], data[1]
    if isinstance(data, str) and "," in data and not Path(data).exists():
        parts = data.split(",")
        if len(parts) == 2 and any(Path(part).exists() for part in parts):
            return parts[0], parts[1]
    return None


def _parallel(
    first: str | Path, second: str | Path, encoding: str | None
) -> tuple[list[str], list[str]]:
    sides = read_lines(first, encoding), read_lines(second, encoding)
    if len(sides[0]) != len(sides[1]):
        raise DataError(
            f"{first} has {len(sides[0]):,} lines and {second} has {len(sides[1]):,}; line by "
            f"line they must be pairs, so expected as many"
        )
    return sides


def _is_plain_tsv(path: str | Path, source: str, target: str, encoding: str | None) -> bool:
    """Lines of source, tab, target, and no header: no column is named, none has a known name."""
    if {source, target} != {"auto"} or suffix(path) in (".csv", ".parquet", *JSON_SUFFIXES):
        return False
    raw = read_bytes(path, "a file of pairs")
    if raw[:4] in (b"PAR1", b"PK\x03\x04"):
        return False
    first = [
        cell.strip().casefold() for cell in to_text(raw, path, encoding).split("\n")[0].split("\t")
    ]
    return not ({*SOURCE_NAMES, *TARGET_NAMES} & set(first))


def _from_tsv(path: str | Path, encoding: str | None) -> Pairs:
    rows = [line.removesuffix("\r").split("\t") for line in read_lines(path, encoding)]
    short = [i for i, fields in enumerate(rows, 1) if len(fields) < 2 and fields[0].strip()]
    if short:
        raise DataError(
            f"{path}, line {short[0]}: expected source, tab, target, but there is no tab "
            f"({len(short):,} such of {len(rows):,} lines)"
        )
    places = [i for i, fields in enumerate(rows, 1) if len(fields) > 1]
    rows = [rows[i - 1] for i in places]
    wide = max((len(fields) for fields in rows), default=2)
    notes = (f"the first two of {wide} columns are read",) if wide > 2 else ()
    return pairs([fields[0] for fields in rows], [fields[1] for fields in rows], notes, places)


def _from_table(table: TextTable, source: str, target: str) -> Pairs:
    names = list(table.columns)
    if len(names) < 2:
        raise DataError(f"{table.name} has one column ('{names[0]}'); expected source and target")
    chosen, notes = [], []
    for asked, known in ((source, SOURCE_NAMES), (target, TARGET_NAMES)):
        folded = {name.casefold(): name for name in names if name not in (source, target)}
        found = [folded[name] for name in known if name in folded]
        chosen.append(asked if asked != "auto" else found[0] if found else None)
    for i, name in enumerate(chosen):
        if name is None:
            chosen[i] = next(other for other in names if other not in chosen)
            notes.append(f"column '{chosen[i]}' was taken as the {('source', 'target')[i]}")
    sides = [table.column(str(name)) for name in chosen]
    if chosen[0] == chosen[1]:
        raise DataError(f"column '{chosen[0]}' is named as source and as target; it can be one")
    return pairs(sides[0], sides[1], tuple(notes))
