"""Sources and targets as a translator takes them, and how both sides are read and written."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from gatewise.batch import IntArray
from gatewise.data.labels import told_rows
from gatewise.data.pairs import Pairs, pairs, read_pairs
from gatewise.data.scripts import spaceless_script
from gatewise.data.sequences import Ragged
from gatewise.data.text import TextCodec
from gatewise.data.words import split_words
from gatewise.errors import DataError, UsageError
from gatewise.tasks.reading import Kind, is_empty, kind_of

LOOKED_AT = 5_000  # texts of a side, evenly spaced, that decide what it is read as
RARE = 0.02  # share of words that occur once: about as many of a new text are unknown
JOINED = 0.95  # share of targets that must come back from words as they were
SHORT = 40  # characters of a text that is read one by one rather than in pieces
LONGEST = {"char": 512, "word": 256, "bpe": 256, "given": 512}  # tokens read and written of one

Side = Literal["source", "target"]


def read_given(sources: Any, targets: Any = None) -> Pairs:
    """Pairs to learn from: two lists, or one of pairs, or a frame, or a file; see data.pairs.

    Pairs with an empty side are left out, which a note says. Raises DataError, UsageError.
    """
    found = _pairs(sources, targets)
    for name, side in (("source", found.sources), ("target", found.targets)):
        check_kind(side, cast(Side, name))
    return found


def _pairs(sources: Any, targets: Any) -> Pairs:
    if targets is not None:
        return pairs(listed(sources, "sources"), listed(targets, "targets"))
    if isinstance(sources, Pairs):
        return sources
    if isinstance(sources, (list, tuple)):
        wrong = [row for row, one in enumerate(sources) if not _is_pair(one)]
        if wrong:
            raise DataError(
                f"pair {wrong[0] + 1}: expected (source, target), not {sources[wrong[0]]!r}; "
                f"or give two lists, fit(sources, targets)"
            )
        if not sources:
            raise DataError("there are no pairs")
    elif isinstance(sources, str) and not Path(sources.partition(",")[0]).exists():
        raise UsageError(f"expected pairs, or a file of them that is there, not {sources[:60]!r}")
    return read_pairs(sources)


def _is_pair(one: Any) -> bool:
    return isinstance(one, (list, tuple, np.ndarray)) and len(one) == 2


def listed(data: Any, what: str) -> list[Any]:
    """A list of sequences. Raises UsageError for a single text, or what is no list."""
    if isinstance(data, (str, bytes)):
        raise UsageError(f"expected a list of {what}, not one text; write [text]")
    try:
        return list(data)
    except TypeError:
        raise UsageError(f"expected a list of {what}, not {type(data).__name__}") from None


def check_kind(rows: Sequence[Any], side: Side) -> Kind:
    """Texts or lists of tokens. Raises DataError for what is neither."""
    kind = kind_of(rows)
    mixed = [row for row, one in enumerate(rows, 1) if isinstance(one, str) != (kind == "text")]
    if mixed and kind != "numbers":
        raise DataError(
            f"every {side} must be of one kind: the first is {str(rows[0])[:60]!r}, "
            f"that of {told_rows(mixed[:1])} {str(rows[mixed[0] - 1])[:60]!r}"
        )
    if kind == "numbers" and len(rows):
        raise DataError(
            f"every {side} must be a text, or a list of tokens (texts or whole numbers), "
            f"not as the first: {str(rows[0])[:60]}"
        )
    return kind


def check_not_empty(rows: Sequence[Any], what: str) -> None:
    """Raises DataError that names the rows, from 1, with nothing in them."""
    empty = [
        row
        for row, one in enumerate(rows, 1)
        if (one is None or hasattr(one, "__len__")) and is_empty(one)
    ]
    if empty:
        them = "it" if len(empty) == 1 else "them"
        raise DataError(f"there is nothing in {told_rows(empty)} of the {what}; leave {them} out")


def digest(found: Pairs) -> str:
    """SHA-256 of sources and targets."""
    told = hashlib.sha256()
    for one in (*found.sources, *found.targets):
        whole = one if isinstance(one, str) else repr([str(token) for token in one])
        told.update(whole.encode("utf-8", "surrogatepass") + b"\0")
    return told.hexdigest()


@dataclass(frozen=True, slots=True)
class Written:
    """How targets become ids, and ids become answers; learnt on the training targets.

    kind   text or tokens: what an answer is
    whole  its tokens are whole numbers
    """

    kind: Kind
    whole: bool
    codec: TextCodec

    def encode(self, targets: Sequence[Any]) -> tuple[Ragged, tuple[str, ...]]:
        """Ids (M,), END behind each target, and what was cut off, in words."""
        found = self.codec.encode(targets, end=True)
        return Ragged(found.tokens[:, 0], found.starts, found.lengths), found.notes

    def decode(self, ids: IntArray) -> Any:
        """A text, or a list of tokens of the type that was learnt from."""
        if self.kind == "text":
            return self.codec.decode(ids)
        names = self.names(ids)
        return [int(name) for name in names] if self.whole else names

    def names(self, ids: IntArray) -> list[str]:
        """Each id in words."""
        return [self.codec.name(int(one)) for one in ids]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` reads it back."""
        return {"kind": self.kind, "whole": self.whole, "codec": self.codec.to_dict()}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Written:
        return cls(saved["kind"], saved["whole"], TextCodec.from_dict(saved["codec"]))


def are_whole(rows: Sequence[Any]) -> bool:
    """Whether every token of these lists is a whole number."""
    return all(isinstance(token, Integral) for row in rows for token in row)


def learn_codec(
    rows: Sequence[Any],
    side: Side,
    unit: str,
    *,
    lowercase: bool | None,
    vocab_size: int | None,
    max_length: int | None,
) -> TextCodec:
    """Of one side of the training pairs.

    What is written keeps its capitals and marks unless `lowercase` says otherwise, because an
    answer cannot bring back what reading took away.
    """
    notes: tuple[str, ...] = ()
    if unit == "auto" and isinstance(rows[0], str):
        unit, notes = _unit_of(rows, side)
    writing = side == "target"
    codec = TextCodec.learn(
        rows,
        unit,
        lowercase=False if writing and lowercase is None else lowercase,
        normalization="nfc" if writing and unit == "word" else None,
        vocab_size=vocab_size,
    )
    told = tuple(f"{side}s: {note}" for note in (*notes, *codec.notes))
    return replace(codec, max_length=max_length or LONGEST[codec.unit], notes=told)


def _unit_of(rows: Sequence[str], side: Side) -> tuple[str, tuple[str, ...]]:
    """What texts are read as, and what to tell of it.

    Words, where there are spaces, few words are rare (the share of words that occur once is about
    the share of a new text that nobody has seen: Good 1953) and, to write, the words can be put
    together again. Else characters of short texts and pieces of words of longer ones.
    """
    shown = [rows[int(i)] for i in np.linspace(0, len(rows) - 1, min(len(rows), LOOKED_AT))]
    if spaceless_script(shown) is not None:
        return "auto", ()  # characters, and the codec says why
    counts = Counter(word.lower() for text in shown for word in split_words(text))
    once = sum(1 for count in counts.values() if count == 1) / max(counts.total(), 1)
    why = f"{once:.1%} of their words occur only once" if once > RARE else ""
    if not why and side == "target" and counts:
        codec = TextCodec.learn(shown, "word", lowercase=False, normalization="nfc", min_count=1)
        same = [
            codec.decode(ids) == text
            for ids, text in zip(codec.encode(shown).rows(), shown, strict=True)
        ]
        if np.mean(same) < JOINED:
            why = f"{1 - np.mean(same):.0%} of them would not come back from words as they were"
    if not why:
        return "word", ()
    if np.median([len(text) for text in shown]) <= SHORT:
        return "char", (f"{why}: characters are read",)
    return "bpe", (f"{why}: pieces of words are read",)
