"""The records of a CSV or TSV file: which separator, which fields, which lines."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from pathlib import Path

from gatewise.errors import DataError

SEPARATORS = (",", ";", "\t")
LONGEST = 2**31 - 1  # characters of a field
SNIFFED = 50  # records that decide about separator and decimal mark


def records(raw: bytes, separator: str) -> Iterator[tuple[int, list[str]]]:
    """(line where it ends, fields) of each record that is not blank."""
    csv.field_size_limit(LONGEST)  # a text may be longer than what the module takes by itself
    text = io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8", newline="")
    reader = csv.reader(text, delimiter=separator, skipinitialspace=True)
    for fields in reader:
        if fields and (len(fields) > 1 or fields[0].strip()):
            yield reader.line_num, fields


def sniff(raw: bytes, path: str | Path) -> tuple[str, list[list[str]]]:
    """The separator and the first records. A separator that cuts every record into as many fields
    as the header is better than one that does not; then, more fields are better; then, a comma
    is a decimal mark where fields hold a ';'."""
    cuts = {}
    for separator in SEPARATORS:
        try:
            head = [fields for _, fields in itertools.islice(records(raw, separator), SNIFFED)]
        except csv.Error as error:
            raise DataError(f"{path} cannot be read as a table: {error}") from None
        if not head:
            raise DataError(f"{path} holds nothing but blank lines; expected a table")
        width = len(head[0])
        even = all(len(fields) == width for fields in head)
        clear = separator != "," or not any(";" in field for field in head[0])
        cuts[width > 1, even, width, clear, separator] = head
    best = max(cuts, key=lambda cut: cut[:4])
    return best[4], cuts[best]


def refuse_ragged(raw: bytes, separator: str, path: str | Path) -> None:
    """Raises DataError for the first record that has not as many fields as the header."""
    mark = {"\t": "a tab"}.get(separator, f"'{separator}'")
    try:
        width = 0
        for line, fields in records(raw, separator):
            width = width or len(fields)
            if len(fields) != width:
                raise DataError(
                    f"{path}, line {line}: {len(fields)} fields, but the header has {width} "
                    f"(separated by {mark}); put quotes around a field that holds the "
                    f"separator, or complete the line"
                )
    except csv.Error as error:
        raise DataError(f"{path} cannot be read as a table: {error}") from None
