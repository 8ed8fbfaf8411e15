"""Tags without a network: the most frequent tag of each token."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from gatewise.errors import DataError

FREQUENT_TAG = "most frequent tag of the token"


@dataclass(frozen=True, slots=True)
class FrequentTags:
    """Each token gets the tag it had most often in training; an unknown one, the commonest tag.

    of_token  token -> tag
    common    the most frequent tag of all
    """

    of_token: dict[str, str]
    common: str

    @classmethod
    def fit(cls, sentences: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]) -> FrequentTags:
        """Of tags that are equally frequent for a token, the one more frequent overall.

        Raises DataError when there is no token, or tokens and tags differ in number.
        """
        overall: Counter[str] = Counter()
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        if len(sentences) != len(tags):
            raise DataError(f"{len(sentences)} sentences have {len(tags)} lists of tags")
        for number, (tokens, own) in enumerate(zip(sentences, tags, strict=True), start=1):
            if len(tokens) != len(own):
                raise DataError(f"sentence {number} has {len(tokens)} tokens and {len(own)} tags")
            overall.update(own)
            for token, tag in zip(tokens, own, strict=True):
                counts[token][tag] += 1
        if not overall:
            raise DataError("there is no tagged token to learn from; give at least one")
        order = {tag: place for place, (tag, _) in enumerate(overall.most_common())}
        of_token = {
            token: min(found, key=lambda tag: (-found[tag], order[tag]))
            for token, found in counts.items()
        }
        return cls(of_token, overall.most_common(1)[0][0])

    def predict(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """A tag for each token."""
        return [[self.of_token.get(token, self.common) for token in s] for s in sentences]
