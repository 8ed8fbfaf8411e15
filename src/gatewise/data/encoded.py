"""Texts as ids: many sequences of unequal length behind each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import END, PADDING, IntArray

Ids = NDArray[np.int32]
Truncation = Literal["end", "start", "middle"]


@dataclass(frozen=True, eq=False)
class Encoded:
    """Texts as ids, behind each other: B texts, N tokens of all of them, F channels.

    tokens   (N, F) ids; channel 0 the tokens, the others the n-grams that end there
    lengths  (B,) tokens of each text
    notes    what was cut off
    """

    tokens: Ids
    lengths: IntArray
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def starts(self) -> IntArray:
        """(B,) where each text begins in `tokens`"""
        return np.cumsum(self.lengths) - self.lengths

    def rows(self) -> list[Ids]:
        """Each text by itself: views (length, F)."""
        return np.split(self.tokens, np.cumsum(self.lengths)[:-1]) if len(self) else []

    def cut(self, most: int, truncate: Truncation) -> Encoded:
        """At most `most` tokens of each text; which part of a longer one is not read."""
        long = int((self.lengths > most).sum())
        if not long:
            return self
        head, tail = kept_ends(most, truncate)
        every = np.repeat(self.lengths, self.lengths)  # (N,) of the text that a token is in
        place = np.arange(len(self.tokens)) - np.repeat(self.starts, self.lengths)  # (N,)
        kept = (every <= most) | (place < head) | (place >= every - tail)
        texts, its = ("text", "its") if long == 1 else ("texts", "their")
        note = f"{long:,} {texts} longer than {most:,} tokens: {its} {truncate} is not read"
        return Encoded(self.tokens[kept], np.minimum(self.lengths, most), (*self.notes, note))

    def with_end(self) -> Encoded:
        """END behind each text."""
        behind = np.cumsum(self.lengths)
        tokens = np.insert(self.tokens, behind, PADDING, axis=0)
        tokens[behind + np.arange(len(behind)), 0] = END
        return replace(self, tokens=tokens, lengths=self.lengths + 1)


def kept_ends(length: int, truncate: Truncation) -> tuple[int, int]:
    """How many tokens are read from the start and from the end of a text that is too long."""
    head = {"end": length, "start": 0, "middle": length - length // 2}[truncate]
    return head, length - head


def firsts(lengths: IntArray) -> NDArray[np.bool_]:
    """Whether a token is the first of its text.  (B,) -> (N,)"""
    first = np.zeros(int(lengths.sum()), dtype=bool)
    first[(np.cumsum(lengths) - lengths)[lengths > 0]] = True
    return first
