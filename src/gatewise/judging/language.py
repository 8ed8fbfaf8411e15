"""A language model beside counting ones, on the same held-out text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gatewise.errors import DataError
from gatewise.judging.verdict import NETWORK, Standing, best_rival, score_table
from gatewise.rivals.ngrams import UNIGRAM

LEVEL = 0.98  # nats nearer to each other than this are level
SHORT = 2_000  # characters below which one text says little
METRICS = ("nats per character", "bits per character", "perplexity per token")


@dataclass(frozen=True, repr=False)
class LanguageEvaluation:
    """Total nats (-log p) that the network and every baseline give the same held-out text.

    nats        name -> sum over the text; 'network' is one of them, baselines are the others
    tokens      units that were told, one after another
    characters  of the same text: tokens of different vocabularies compare per character
    facts       what else `to_dict` should hold
    remark      what else the verdict must say, a sentence
    """

    nats: Mapping[str, float]
    tokens: int
    characters: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    remark: str = ""

    ranked_by = "nats per character"

    def __post_init__(self) -> None:
        if self.tokens < 1 or self.characters < 1:
            raise DataError(
                f"the held-out text is empty: {self.tokens} tokens, {self.characters} characters"
            )
        if NETWORK not in self.nats or len(self.nats) < 2:
            raise DataError(
                f"a verdict needs the nats of '{NETWORK}' and of a baseline; received "
                f"{', '.join(self.nats) or 'nothing'}"
            )

    def scores(self) -> dict[str, dict[str, float | None]]:
        """name -> nats and bits per character, perplexity per token; None where not finite."""
        return {name: self._score(total) for name, total in self.nats.items()}

    def _score(self, total: float) -> dict[str, float | None]:
        if not math.isfinite(total):
            return dict.fromkeys(METRICS, None)
        each, token = total / self.characters, total / self.tokens
        perplexity = math.exp(token) if token < 700 else None
        return dict(zip(METRICS, (each, each / math.log(2), perplexity), strict=True))

    def ranking(self) -> list[tuple[str, float]]:
        """(name, nats per character), best (lowest) first."""
        found = [(name, float(total) / self.characters) for name, total in self.nats.items()]
        return sorted(found, key=lambda pair: (not math.isfinite(pair[1]), pair[1]))

    def standing(self) -> Standing:
        """Against the best baseline; nats within 2 % of each other are level."""
        (_, best), own = best_rival(self.ranking()), dict(self.ranking())[NETWORK]
        if not math.isfinite(own) or own * LEVEL > best:
            return "loses"
        return "beats" if own < best * LEVEL else "level"

    @property
    def learnt(self) -> bool:
        """Whether it knows more than how often each token occurs."""
        own = self.nats[NETWORK]
        return math.isfinite(own) and own < LEVEL * self.nats.get(UNIGRAM, math.inf)

    def verdict(self) -> str:
        """In words: what the network beats, and what beats it."""
        said = [self._comparison()]
        if self.characters < SHORT:
            said.append(f"A text of {self.characters} characters is short: another may differ.")
        return " ".join([*said, self.remark]).rstrip()

    def _comparison(self) -> str:
        (rival, best), own = best_rival(self.ranking()), dict(self.ranking())[NETWORK]
        where = f"on {self.characters:,} characters"
        if not math.isfinite(own):
            return f"The network LOSES: its nats {where} are not finite numbers."
        figures = f"{own:.3f} nats per character against {best:.3f}"
        standing = self.standing()
        if standing == "beats":
            alone = len(self.nats) == 2
            whom = f"the {rival} model, the only baseline here," if alone else "every baseline"
            of = "" if alone else f" of the {rival} model, the best of them"
            fewer = f"{100 * (1 - own / best):.1f} % fewer"
            return f"The network beats {whom} {where}: {figures}{of}, {fewer}."
        if not self.learnt:
            simple = self.nats[UNIGRAM] / self.characters
            said = (
                f"Nothing was learnt: {where} the network tells no more than how often each token "
                f"occurs ({own:.3f} nats per character against {simple:.3f} of the unigram model)."
            )
            if standing == "loses" and rival != UNIGRAM:
                return f"{said} There is something to learn: the {rival} model has {best:.3f}."
            return said
        if standing == "level":
            return (
                f"The network is level with the {rival} model, the best baseline, {where} "
                f"({figures}): it adds next to nothing over counting."
            )
        return (
            f"The network LOSES to the {rival} model {where}: {figures}, "
            f"{100 * (own / best - 1):.1f} % more. Do not use the network here before it beats it."
        )

    def __repr__(self) -> str:
        """The score table and the verdict, as text."""
        return f"{score_table(self.scores(), self.ranking())}\n{self.verdict()}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready scores."""
        return {
            "tokens": self.tokens,
            "characters": self.characters,
            "ranked_by": self.ranked_by,
            "scores": self.scores(),
            "learnt": self.learnt,
            "standing": self.standing(),
            "verdict": self.verdict(),
            **self.facts,
        }
