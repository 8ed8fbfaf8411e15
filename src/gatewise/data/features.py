"""Tokens as a tagger reads them: the word, its beginning, its end, its shape.

Each is a token channel of its own, so that a word never seen in training still says something.
M tokens of all sentences, F channels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gatewise.batch import END, PADDING, UNKNOWN
from gatewise.data.sequences import Ragged
from gatewise.data.units import SIZES
from gatewise.errors import DataError

CHANNELS = ("word", "beginning", "end", "shape", "pair")
AFFIX = 3  # characters
MOST = SIZES["word"]  # features of a channel: as many as words of texts are known
FEW = 5_000 * len(CHANNELS)  # features of training tokens


@dataclass(frozen=True, eq=False)
class TokenCodec:
    """What a token's features are, and which are known; learnt on the training sentences.

    vocabulary  (channel, text) from id END + 1 on, the most frequent first

    An unknown word is UNKNOWN, any other unknown feature PADDING, which adds nothing.
    """

    vocabulary: tuple[tuple[int, str], ...]

    @classmethod
    def learn(cls, sentences: Sequence[Sequence[str]], min_count: int = 2) -> TokenCodec:
        """Features that come at least `min_count` times: rarer ones could not be learnt from, and
        what an unknown word means is learnt from their tokens. Of fewer than FEW features in all,
        each is known; of each channel at most MOST, the most frequent ones. Raises DataError for
        no tokens.
        """
        counts = Counter(
            feature
            for tokens in sentences
            for features in _features(tokens)
            for feature in enumerate(features)
            if feature[1]
        )
        if not counts:
            raise DataError("there are no tokens to learn from")
        least = 1 if counts.total() < FEW else min_count
        known = [feature for feature, count in counts.items() if count >= least]
        known.sort(key=lambda feature: (-counts[feature], feature))
        kept: list[tuple[int, str]] = []
        room = [MOST] * len(CHANNELS)
        for channel, text in known:
            room[channel] -= 1
            if room[channel] >= 0:
                kept.append((channel, text))
        return cls(tuple(kept))

    @property
    def size(self) -> int:
        """V, ids in all."""
        return END + 1 + len(self.vocabulary)

    @property
    def channels(self) -> int:
        """F"""
        return len(CHANNELS)

    @cached_property
    def _known(self) -> dict[tuple[int, str], int]:
        return {feature: END + 1 + i for i, feature in enumerate(self.vocabulary)}

    def encode(self, sentences: Sequence[Sequence[str]]) -> Ragged:
        """Ids (M, F). Raises DataError for a sentence without tokens, with its number."""
        known = self._known
        rows = []
        for number, tokens in enumerate(sentences, 1):
            if not len(tokens):
                raise DataError(f"sentence {number} has no tokens; leave it out")
            rows.append(
                np.array(
                    [
                        [
                            known.get((channel, text), PADDING if channel else UNKNOWN)
                            for channel, text in enumerate(features)
                        ]
                        for features in _features(tokens)
                    ],
                    dtype=np.int32,
                )
            )
        return Ragged.of(rows)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` reads it back."""
        return {"vocabulary": [list(feature) for feature in self.vocabulary]}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> TokenCodec:
        return cls(tuple((int(channel), text) for channel, text in saved["vocabulary"]))


def _features(tokens: Sequence[str]) -> list[tuple[str, ...]]:
    """The text of each channel for each token; "" where there is none."""
    found: list[tuple[str, ...]] = []
    before = ""
    for given in tokens:
        token = str(given)
        word = token.lower()
        long = len(word) > AFFIX
        found.append(
            (
                word,
                word[:AFFIX] if long else "",
                word[-AFFIX:] if long else "",
                shape(token),
                f"{before} {word}",
            )
        )
        before = word
    return found


def shape(token: str) -> str:
    """Letters as X, x or, of scripts without capitals, c; digits as 9; runs as two.

    'Ltd.' -> 'Xxx.', 'B-52s' -> 'X-99x'
    """
    marks: list[str] = []
    for character in token:
        if character.isdigit():
            mark = "9"
        elif character.isupper():
            mark = "X"
        elif character.islower():
            mark = "x"
        else:
            mark = "c" if character.isalpha() else character
        if marks[-2:] != [mark, mark]:
            marks.append(mark)
    return "".join(marks)
