"""The text a generator learns from: what is learnt, and what decides when to stop."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatewise.data.encoded import Ids
from gatewise.data.text import TextCodec
from gatewise.errors import DataError, UsageError

FEWEST_TO_HOLD_OUT = 500  # characters; of fewer, none decides when to stop
LONGEST_PATH = 260  # characters
FILES = (".txt", ".txt.gz", ".md", ".csv", ".tsv", ".json", ".jsonl", ".html")
FEW_TO_STOP_BY = 100  # characters
NEAR = 200  # characters before the cut where a line or a word may end


@dataclass(frozen=True, slots=True)
class Texts:
    """One long text, or several with an end each.

    several  whether each text ends: END stands behind it
    open     the last one goes on elsewhere, and has no end here
    """

    texts: tuple[str, ...]
    several: bool
    open: bool = False

    @property
    def characters(self) -> int:
        """Of all texts."""
        return sum(map(len, self.texts))

    @property
    def digest(self) -> str:
        """SHA-256 of the texts."""
        found = hashlib.sha256()
        for text in self.texts:
            found.update(text.encode("utf-8", "surrogatepass") + b"\0")
        return found.hexdigest()

    def steps(self, codec: TextCodec) -> Ids:
        """All tokens behind each other, with the n-grams that end there.  -> (M, F)"""
        tokens = codec.encode(self.texts, end=self.several).tokens
        return tokens[:-1] if self.several and self.open else tokens


def read_texts(given: Any) -> Texts:
    """One text, or a list of texts; empty ones are left out.

    Raises DataError where there is nothing to read, or no text; UsageError for the path of a file.
    """
    if isinstance(given, (str, os.PathLike)) and _is_path(given):
        path = str(given)
        raise UsageError(
            f"{path!r} is a path; read the file first: "
            f"pathlib.Path({path!r}).read_text(encoding='utf-8')"
        )
    if isinstance(given, str):
        texts, several = [given], False
    else:
        texts, several = _listed(given), True
    texts = [text for text in texts if text]
    if not "".join(texts).strip():
        raise DataError("the text is empty: there is nothing to read")
    return Texts(tuple(texts), several)


def _is_path(given: Any) -> bool:
    """Of a text: whether it is one short line that names a file or ends as names of files do."""
    if not isinstance(given, str):
        return True
    if len(given) > LONGEST_PATH or "\n" in given or not given.strip():
        return False
    try:
        return given.endswith(FILES) or Path(given).is_file()
    except (OSError, ValueError):  # no path can be so
        return False


def _listed(given: Any) -> list[str]:
    if not isinstance(given, Sequence) and not hasattr(given, "__iter__"):
        raise DataError(f"expected one text or a list of texts, not {type(given).__name__}")
    if isinstance(given, bytes):
        raise DataError("expected a text, not bytes; decode them first: .decode('utf-8')")
    if hasattr(given, "columns") or isinstance(given, Mapping):
        raise DataError(
            f"expected one text or a list of texts, not {type(given).__name__}; "
            f"give one column of it"
        )
    texts = list(given)
    wrong = [row for row, text in enumerate(texts) if not isinstance(text, str)]
    if wrong:
        raise DataError(
            f"text {wrong[0] + 1} is no text but {type(texts[wrong[0]]).__name__}; "
            f"expected one text or a list of texts"
        )
    return texts


def split(whole: Texts, validation: float) -> tuple[Texts, Texts | None, list[str]]:
    """(what is learnt from, the beginning that decides when to stop, notes)

    validation  share of the characters (below 1), or their number

    The beginning, because what follows a text is most like its end: of a book of plays, the last
    play may go on there. Raises UsageError where next to nothing is left to learn from.
    """
    count = whole.characters
    size = int(count * validation) if validation < 1 else int(validation)
    if size > count * 0.9:
        raise UsageError(
            f"validation={validation!r} leaves too little of {count:,} characters to learn from"
        )
    if not size or count < FEWEST_TO_HOLD_OUT:
        note = f"all {count:,} characters are learnt from: none decide when to stop"
        return whole, None, [note]
    last, at = _place(whole.texts, size)
    text = whole.texts[last]
    at = _softly(text, at)
    held, learnt = [*whole.texts[:last], text[:at]], [text[at:], *whole.texts[last + 1 :]]
    opened = bool(text[:at])  # else the cut stands between two texts
    found = Texts(tuple(filter(None, held)), whole.several, open=opened)
    notes = []
    if found.characters < FEW_TO_STOP_BY:
        notes.append(f"the first {found.characters:,} characters are few to decide when to stop")
    return Texts(tuple(filter(None, learnt)), whole.several), found, notes


def _place(texts: Sequence[str], at: int) -> tuple[int, int]:
    """(text, character in it) of the character `at` of all."""
    for row, text in enumerate(texts):
        if at < len(text):
            return row, at
        at -= len(text)
    return len(texts) - 1, len(texts[-1])


def _softly(text: str, at: int) -> int:
    """A little earlier, behind the end of a line or of a word, where there is one."""
    for mark in ("\n", " "):
        found = text.rfind(mark, max(0, at - NEAR), at)
        if found >= 0:
            return found + 1
    return at
