"""Translations without a network: the source itself, and what the nearest one was translated to.

A sequence is a text, or a list of tokens of any kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatewise.errors import DataError

Text = str | Sequence[Any]

COPY = "copy of the source"
NEAREST = "nearest training source"
CHUNK = 4_000_000  # similarities held at once
GAP = "\x1f"  # between tokens: no token holds it


def copied(sources: Sequence[Text]) -> list[Text]:
    """Each source as it is."""
    return list(sources)


@dataclass(frozen=True, slots=True)
class NearestTranslation:
    """Answers with the target of the training source that is most alike.

    Alike: cosine of TF-IDF over 1 to 3 characters (tokens, where sources are lists), which are
    counted as 1 + log k. Of equals the first; where nothing is shared, the first of all.
    """

    vectorizer: Any
    known: Any  # (N, M), sparse
    targets: Sequence[Text]

    @classmethod
    def fit(cls, sources: Sequence[Text], targets: Sequence[Text]) -> NearestTranslation:
        """Raises DataError for no pairs, or sources and targets of unequal number."""
        from sklearn.feature_extraction.text import TfidfVectorizer

        if not sources or len(sources) != len(targets):
            raise DataError(
                f"translation pairs need as many sources as targets; received {len(sources)} and "
                f"{len(targets)}"
            )
        read: dict[str, Any] = {"analyzer": "char"}
        if not isinstance(sources[0], str):
            read = {"token_pattern": rf"[^{GAP}]+", "lowercase": False}
        vectorizer = TfidfVectorizer(
            ngram_range=(1, 3), sublinear_tf=True, dtype=np.float32, **read
        )
        joined = _joined(sources)
        if not any(joined):
            raise DataError("every source is empty; give texts or tokens to learn from")
        return cls(vectorizer, vectorizer.fit_transform(joined), targets)

    def translate(self, sources: Sequence[Text]) -> list[Text]:
        """The target of the nearest training source for each, chunk by chunk."""
        if not len(sources):
            return []
        asked = self.vectorizer.transform(_joined(sources))
        known = self.known.T.tocsr()
        step = max(1, CHUNK // len(self.targets))
        found: list[Text] = []
        for first in range(0, asked.shape[0], step):
            alike = (asked[first : first + step] @ known).toarray()  # (n, N)
            found += [self.targets[int(row)] for row in alike.argmax(axis=1)]
        return found


def _joined(sequences: Sequence[Text]) -> list[str]:
    return [s if isinstance(s, str) else GAP.join(map(str, s)) for s in sequences]
