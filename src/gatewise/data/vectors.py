"""Token vectors from a text file (GloVe, fastText, word2vec): a token a line, then its values."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import END
from gatewise.data.text import TextCodec
from gatewise.errors import DataError


@dataclass(frozen=True, slots=True)
class Vectors:
    """The vectors of a codec's tokens.

    table  (V, E) float32, NaN in the rows of tokens that the file does not hold
    note   how many it holds
    """

    table: NDArray[np.float32]
    note: str

    @property
    def size(self) -> int:
        """E"""
        return int(self.table.shape[1])


def read_vectors(path: str | os.PathLike[str], codec: TextCodec) -> Vectors:
    """Read the lines of known tokens, one by one: the file may be larger than memory.

    A first line of two whole numbers (tokens, values) is a header. A token is everything before
    the last E values, so it may hold spaces.
    Raises DataError when the file is missing, not UTF-8, or a line has another number of values,
    naming the line; and when it holds none of the tokens.
    """
    wanted = {token: END + 1 + i for i, token in enumerate(codec.vocabulary)}
    file = Path(path)
    table: NDArray[np.float32] | None = None
    found = 0
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                parts = line.decode("utf-8").rstrip("\r\n ").split(" ")
                if number == 1 and len(parts) == 2 and all(part.isdigit() for part in parts):
                    continue
                if table is None:
                    size = len(parts) - 1
                    if size < 1:
                        raise DataError(
                            f"{file}, line {number}: expected a token and its values, "
                            f"separated by spaces"
                        )
                    table = np.full((codec.size, size), np.nan, dtype=np.float32)
                size = table.shape[1]
                if len(parts) <= size and parts != [""]:
                    _values([], file, number, size)
                token = " ".join(parts[:-size])
                row = wanted.get(token.lower() if codec.lowercase else token)
                if row is None or np.isfinite(table[row, 0]):
                    continue
                table[row] = _values(parts[-size:], file, number, size)
                found += 1
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{file}, line {number}: not UTF-8 text ({error.reason})") from None
    if table is None or not found:
        raise DataError(f"{file} holds none of the {len(wanted):,} tokens of the training texts")
    return Vectors(table, f"{file.name} has vectors for {found:,} of {len(wanted):,} tokens")


def _values(texts: list[str], file: Path, number: int, size: int) -> NDArray[np.float32]:
    try:
        values = np.array([float(text) for text in texts], dtype=np.float32)
    except ValueError:
        values = np.zeros(0, dtype=np.float32)
    if len(values) != size or not np.isfinite(values).all():
        raise DataError(f"{file}, line {number}: expected {size} numbers behind the token")
    return values
