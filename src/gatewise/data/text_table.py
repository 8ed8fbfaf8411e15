"""Columns of text from a file or from memory: CSV, TSV, JSON lines, Parquet, any dataframe.

Every cell stays as it is written: "NA" and "1.0" are texts; but spaces in front of a CSV field are
passed over, since a quote may follow them. Rows count from 1.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatewise.data.files import read_bytes, suffix, to_text
from gatewise.data.frames import as_frame
from gatewise.data.records import records, refuse_ragged, sniff
from gatewise.errors import DataError, did_you_mean

JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
ABSENT = "\x1f"  # a separator that separates nothing
LISTED = 12  # names in one message


@dataclass(frozen=True, eq=False)
class TextTable:
    """Columns by name, equally long, and how they are called in messages.

    first  of a CSV or TSV file its first line, which may be data in a file without a header
    """

    columns: Mapping[str, list[Any]]
    name: str
    first: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def headless(self) -> TextTable:
        """The same where the first line is data: columns '1', '2', ..."""
        rows = zip(self.first, self.columns.values(), strict=True)
        named = {str(i): [cell, *column] for i, (cell, column) in enumerate(rows, 1)}
        return TextTable(named, self.name, self.first)

    def column(self, name: str) -> list[Any]:
        """Raises DataError that names the nearest for one that is not there."""
        if name not in self.columns:
            names = list(self.columns)
            more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
            raise DataError(
                f"column '{name}' is not in {self.name}{did_you_mean(name, names)} "
                f"(columns: {', '.join(names[:LISTED])}{more})"
            )
        return self.columns[name]


def read_text_table(data: Any, encoding: str | None = None) -> TextTable:
    """A table of texts.

    data      the path of a CSV, TSV, JSON lines or Parquet file, packed or not; a dict of columns;
              a dataframe of any kind that narwhals knows
    encoding  of a file; None: UTF-8

    Raises DataError where a line cannot be read, saying which.
    """
    if isinstance(data, (str, Path)):
        return _read_file(data, encoding)
    if isinstance(data, Mapping):
        columns = {str(name): list(column) for name, column in data.items()}
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"'{name}' has {length:,}" for name, length in lengths.items())
            raise DataError(f"columns must be equally long: {told}")
        return TextTable(columns, "the data")
    frame = as_frame(data)
    return TextTable({name: frame[name].tolist() for name in frame.columns}, "the data")


def _read_file(path: str | Path, encoding: str | None) -> TextTable:
    raw = read_bytes(path, "a CSV, TSV or JSON lines file")
    if raw[:4] == b"PAR1":
        frame = as_frame(path)
        return TextTable({name: frame[name].tolist() for name in frame.columns}, str(path))
    if raw[:4] == b"PK\x03\x04":
        raise DataError(
            f"{path} is a spreadsheet or a zip archive, not a text file; save its sheet as "
            f"'CSV UTF-8', or unpack it, and pass that file"
        )
    text = to_text(raw, path, encoding)
    if suffix(path) in JSON_SUFFIXES or text.lstrip()[:2] in ('{"', "[{"):
        return TextTable(_from_objects(_objects(text, path), path), str(path))
    return _from_csv(text, path)


def _objects(text: str, path: str | Path) -> list[dict[str, Any]]:
    """The objects of JSON lines, or of one JSON list."""
    if text.lstrip().startswith("["):
        try:
            rows = json.loads(text)
        except json.JSONDecodeError as error:
            raise DataError(f"{path}, line {error.lineno} is no JSON: {error.msg}") from None
        lines = enumerate(rows, 1)
    else:
        lines = enumerate(_parsed(text, path), 1)
    found = []
    for line, row in lines:
        if row is _BLANK:
            continue
        if not isinstance(row, dict):
            raise DataError(
                f"{path}, line {line}: expected an object such as "
                f'{{"text": "...", "label": "..."}}, not {row!r}'
            )
        found.append(row)
    return found


_BLANK = object()


def _parsed(text: str, path: str | Path) -> Iterable[Any]:
    for i, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            yield _BLANK
            continue
        try:
            yield json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(
                f"{path}, line {i}, character {error.colno} is no JSON: {error.msg}; expected one "
                f"object on each line"
            ) from None


def _from_objects(rows: Sequence[dict[str, Any]], path: str | Path) -> dict[str, list[Any]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        raise DataError(f"{path} holds no objects with names")
    return {name: [row.get(name) for row in rows] for name in names}


def _from_csv(text: str, path: str | Path) -> TextTable:
    raw = text.encode()
    separator, head = sniff(raw, path)
    if len(head[0]) == 1:
        separator = ABSENT
    rows = _unquoted(text) if separator == "\t" else None
    if rows is None:
        try:
            rows = [fields for _, fields in records(raw, separator)]
        except csv.Error as error:
            raise DataError(f"{path} cannot be read as a table: {error}") from None
        if any(len(fields) != len(rows[0]) for fields in rows):
            refuse_ragged(raw, separator, path)
    first = tuple(cell.strip() for cell in rows[0])
    twins = [name for name in first if first.count(name) > 1]
    names = [str(i) for i in range(1, len(first) + 1)] if twins else first
    columns = {name: [row[i] for row in rows[1:]] for i, name in enumerate(names)}
    return TextTable(columns, str(path), first)


def _unquoted(text: str) -> list[list[str]] | None:
    """The fields of tab separated lines in which a quote is a character like any other; None when
    quotes enclose fields, or lines are not equally wide that way."""
    lines = [line.removesuffix("\r").split("\t") for line in text.split("\n") if line.strip()]
    if any(len(fields) != len(lines[0]) for fields in lines):
        return None
    opened = [field for fields in lines for field in fields if field.startswith('"')]
    if opened and all(_is_quoted(field) for field in opened):
        return None
    return lines


def _is_quoted(field: str) -> bool:
    inside = field[1:-1].replace('""', "")
    return len(field) > 1 and field.endswith('"') and '"' not in inside
