"""Tags of tokens in, class numbers out, and back; and the spans that BIO tags mean.

B-X begins a span of X, I-X continues it, O is outside. S sentences of unequal length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.data.labels import LISTED, listed, missing_rows, times
from gatewise.errors import DataError, did_you_mean

OUTSIDE = "O"
Tags = list[list[str]]


@dataclass(frozen=True)
class TagCodec:
    """The tags of the training sentences: O first, then sorted by type, B- before I-.

    bio  whether they are spans (all of them O, B-X or I-X) or one class for each token
    """

    tags: tuple[str, ...]
    bio: bool

    @classmethod
    def learn(cls, sentences: Iterable[Sequence[str]]) -> TagCodec:
        """From the tags of the training sentences. I-X is known when B-X is.

        Raises DataError for one tag only, and for no tags.
        """
        rows = checked_tags(sentences)
        counts = Counter(tag for tags in rows for tag in tags)
        if not counts:
            raise DataError("there are no tags to learn from")
        if len(counts) == 1:
            raise DataError(
                f"all {counts.total():,} tags are '{next(iter(counts))}': there is nothing to "
                f"tell apart"
            )
        bio = is_bio(rows)
        known = set(counts)
        if bio:
            known |= {mark + tag[2:] for tag in counts if tag != OUTSIDE for mark in ("B-", "I-")}
            known.add(OUTSIDE)
        return cls(tuple(sorted(known, key=lambda t: (t != OUTSIDE, t[2:] if bio else t, t))), bio)

    def __len__(self) -> int:
        return len(self.tags)

    def encode(self, sentences: Iterable[Sequence[str]]) -> list[NDArray[np.int64]]:
        """The class numbers of each sentence.

        Raises DataError that names each tag not seen in training and the nearest known one.
        """
        rows = checked_tags(sentences)
        number = {tag: i for i, tag in enumerate(self.tags)}
        if told := self._unknown(Counter(tag for tags in rows for tag in tags)):
            raise DataError(f"{told} (known: {listed(self.tags)})")
        return [np.array([number[tag] for tag in tags], dtype=np.int64) for tags in rows]

    def strange(self, sentences: Iterable[Sequence[str]]) -> list[str]:
        """A note on tags not seen in training: what was never seen cannot be told.

        Raises DataError where none but O was seen, or where some cannot stand beside the others.
        """
        rows = checked_tags(sentences)
        counts = Counter(tag for tags in rows for tag in tags)
        told = self._unknown(counts)
        if not told:
            return []
        if not set(counts) & set(self.tags) - {OUTSIDE} or self.bio != is_bio(rows):
            raise DataError(f"{told} (known: {listed(self.tags)})")
        return [f"{told}: no answer can be right there, and each counts as wrong"]

    def _unknown(self, counts: Counter[str]) -> str:
        """What must be said of tags that are not known, and the nearest known one."""
        unknown = [tag for tag in counts if tag not in self.tags]
        more = f"; and {len(unknown) - LISTED} more" if len(unknown) > LISTED else ""
        told = (
            f"tag '{tag}' ({times(counts[tag])}) was not among the training tags"
            f"{did_you_mean(tag, self.tags)}"
            for tag in unknown[:LISTED]
        )
        return "; ".join(told) + more

    def decode(self, sentences: Iterable[Any]) -> Tags:
        """The tags of class numbers, sentence by sentence, as they are."""
        return [[self.tags[int(i)] for i in numbers] for numbers in sentences]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"tags": list(self.tags), "bio": self.bio}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> TagCodec:
        """What `to_dict` gave."""
        return cls(tuple(saved["tags"]), saved["bio"])


def checked_tags(sentences: Iterable[Sequence[str]]) -> Tags:
    """As lists of text. Raises DataError with the sentence and the place of an empty tag."""
    rows: Tags = []
    for i, tags in enumerate(sentences, 1):
        own = list(tags)
        missing = missing_rows(own)
        if missing:
            raise DataError(f"sentence {i}, token {missing[0]} has an empty tag")
        rows.append([str(tag) for tag in own])
    return rows


def is_bio(sentences: Iterable[Sequence[str]]) -> bool:
    """Whether every tag is O, B-X or I-X, and some are not O."""
    every = {tag for tags in sentences for tag in tags} - {OUTSIDE}
    return bool(every) and all(tag[:2] in ("B-", "I-") and len(tag) > 2 for tag in every)


def repaired(sentences: Iterable[Sequence[str]]) -> tuple[Tags, tuple[str, ...]]:
    """BIO tags where each span begins with B-; a note says how many did not.

    I-X that does not continue a span of X begins one, as seqeval and the CoNLL script read it.
    """
    rows, broken = [], 0
    for tags in sentences:
        row: list[str] = []
        for tag in tags:
            continued = row and row[-1][1:] == tag[1:]
            if tag.startswith("I-") and not continued:
                broken += 1
                row.append("B-" + tag[2:])
            else:
                row.append(tag)
        rows.append(row)
    if not broken:
        return rows, ()
    what = "1 span begins" if broken == 1 else f"{broken:,} spans begin"
    return rows, (f"{what} with I- and not with B-: read as B-",)


def spans(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """(type, first token, token behind the last) of each span, in order; read like `repaired`."""
    found: list[tuple[str, int, int]] = []
    for i, tag in enumerate(repaired([tags])[0][0]):
        if tag.startswith("B-"):
            found.append((tag[2:], i, i + 1))
        elif tag.startswith("I-"):
            type_, first, _ = found[-1]
            found[-1] = (type_, first, i + 1)
    return found
