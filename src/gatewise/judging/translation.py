"""Translations beside the references and beside baselines, of the same sources."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.errors import DataError
from gatewise.judging.chance import exchange_test, sign_test
from gatewise.judging.classes import these
from gatewise.judging.verdict import (
    NETWORK,
    Comparison,
    Standing,
    best_rival,
    ranked,
    score_table,
)

Floats = NDArray[np.float64]
Text = str | Sequence[Any]
Scores = dict[str, float]

FEW_WORDS = 4  # in the mean: BLEU looks at up to four in a row
HAN = re.compile(r"[\u3400-\u9fff]")
NO_SPACES = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff]")  # kana, Thai, ...


@dataclass(frozen=True, slots=True)
class WorstTranslation:
    """A source, its reference, what the network told, and the score (chrF or token accuracy)."""

    row: int
    source: str
    reference: str
    told: str
    score: float


@dataclass(frozen=True, repr=False)
class TranslationEvaluation:
    """Translations of the network and of every baseline, of the same N sources.

    sources, references  texts, or lists of tokens of any kind
    told    name -> N translations; 'network' is one of them, baselines are the others
    facts, remark  as in ClassEvaluation

    Texts are ranked by BLEU, lists of tokens by exact match.
    """

    sources: Sequence[Text]
    references: Sequence[Text]
    told: Mapping[str, Sequence[Text]]
    facts: Mapping[str, Any] = field(default_factory=dict)
    remark: str = ""

    def __post_init__(self) -> None:
        if NETWORK not in self.told or len(self.told) < 2:
            raise DataError(
                f"a verdict needs the translations of '{NETWORK}' and of a baseline; received "
                f"{', '.join(self.told) or 'nothing'}"
            )
        if not len(self.sources):
            raise DataError("there are no translations to judge; give at least one pair")
        for name, texts in {"the references": self.references, **self.told}.items():
            if len(texts) != len(self.sources):
                raise DataError(f"{name}: {len(texts)} translations of {len(self.sources)} sources")

    @property
    def as_text(self) -> bool:
        """Whether the translations are texts, not lists of tokens."""
        return isinstance(self.references[0], str)

    @cached_property
    def tokenize(self) -> str:
        """How sacrebleu cuts for BLEU.

        none  lists of tokens
        char  scripts without spaces other than Chinese, or fewer than 4 words in the mean
        zh    Chinese: each character by itself
        13a   everything else, as published scores do
        """
        if not self.as_text:
            return "none"
        joined = "".join(str(text) for text in self.references)
        letters = max(sum(not c.isspace() for c in joined), 1)
        if len(NO_SPACES.findall(joined)) > 0.1 * letters:
            return "char"
        if len(HAN.findall(joined)) > 0.3 * letters:
            return "zh"
        words = sum(len(str(text).split()) for text in self.references) / len(self.references)
        return "char" if words < FEW_WORDS else "13a"

    @property
    def ranked_by(self) -> str:
        """BLEU of texts; exact match of lists of tokens, and where every BLEU is 0, because it
        counts runs of four tokens and the texts are shorter.
        """
        said = any(score["BLEU"] for score in self._scores.values())
        return "BLEU" if self.as_text and said else "exact match"

    def scores(self) -> dict[str, Scores]:
        """name -> BLEU and chrF (0 to 100, of the whole), exact match, token accuracy (0 to 1).

        Token accuracy: equal tokens at equal places, divided by the places of the longer of the
        two, over all pairs. Tokens of a text are what stands between spaces; its characters
        where `tokenize` is zh or char.
        """
        return {name: dict(score) for name, score in self._scores.items()}

    @cached_property
    def _scores(self) -> dict[str, Scores]:
        return {name: self._score(name) for name in self.told}

    def _score(self, name: str) -> Scores:
        told, references = self._texts(self.told[name]), [self._texts(self.references)]
        hits, places = np.array(self._places(name)).sum(axis=0)
        return {
            "BLEU": float(self._bleu().corpus_score(told, references).score),
            "chrF": float(self._chrf().corpus_score(told, references).score),
            "exact match": float(self._exact(name).mean()),
            "token accuracy": float(hits / places) if places else 1.0,
        }

    def _bleu(self, **chosen: Any) -> Any:
        from sacrebleu.metrics.bleu import BLEU

        return BLEU(tokenize=self.tokenize, force=True, **chosen)

    def _chrf(self) -> Any:
        from sacrebleu.metrics.chrf import CHRF

        return CHRF(whitespace=not self.as_text)

    def signatures(self) -> dict[str, str]:
        """How BLEU and chrF were computed, in sacrebleu's words."""
        metrics = {"BLEU": self._bleu(), "chrF": self._chrf()}
        texts = self._texts(self.references)
        for metric in metrics.values():
            metric.corpus_score(texts[:1], [texts[:1]])  # which tells it the number of references
        return {name: str(metric.get_signature()) for name, metric in metrics.items()}

    def _texts(self, sequences: Sequence[Text]) -> list[str]:
        return [s if isinstance(s, str) else " ".join(map(str, s)) for s in sequences]

    def _tokens(self, text: Text) -> list[Any]:
        if not isinstance(text, str):
            return list(text)
        return text.split() if self.tokenize == "13a" else [c for c in text if not c.isspace()]

    def _places(self, name: str) -> list[tuple[int, int]]:
        """Equal tokens at equal places, and places, of each pair."""
        found = []
        for reference, told in zip(self.references, self.told[name], strict=True):
            a, b = self._tokens(reference), self._tokens(told)
            hits = sum(x == y for x, y in zip(a, b, strict=False))
            found.append((hits, max(len(a), len(b))))
        return found

    def _exact(self, name: str) -> NDArray[np.bool_]:
        """Texts are equal but for spaces at the ends."""
        pairs = zip(self.references, self.told[name], strict=True)
        if self.as_text:
            return np.array([str(a).strip() == str(b).strip() for a, b in pairs])
        return np.array([list(a) == list(b) for a, b in pairs])

    def ranking(self) -> list[tuple[str, float]]:
        """(name, score), best first, by `ranked_by`."""
        return ranked({name: score[self.ranked_by] for name, score in self._scores.items()})

    @cached_property
    def comparison(self) -> Comparison:
        """The network and its best baseline on the same pairs.

        BLEU: random exchanges of translations. Exact match: exact McNemar test.
        """
        ranking = self.ranking()
        (rival, best), own = best_rival(ranking), dict(ranking)[NETWORK]
        alone = len(ranking) == 2
        where = f"on {these(len(self.sources), 'pair')}"
        if self.ranked_by == "BLEU":
            p = exchange_test(self._sums(NETWORK), self._sums(rival), self._from_sums)
            return Comparison("BLEU", own, rival, best, p, "randomization test", where, 1, alone)
        ours, theirs = self._exact(NETWORK), self._exact(rival)
        p = sign_test(int((ours & ~theirs).sum()), int((theirs & ~ours).sum()))
        return Comparison(
            "exact match", own, rival, best, p, "exact McNemar test", where, alone=alone
        )

    def _sums(self, name: str) -> Floats:
        """What each pair adds to BLEU: n-grams right, n-grams told, both lengths.  (N, 10)"""
        metric = self._bleu(effective_order=True)
        pairs = zip(self._texts(self.told[name]), self._texts(self.references), strict=True)
        found = [metric.sentence_score(told, [reference]) for told, reference in pairs]
        return np.array(
            [[*s.counts, *s.totals, s.sys_len, s.ref_len] for s in found], dtype=np.float64
        )

    def _from_sums(self, sums: Floats) -> float:
        from sacrebleu.metrics.bleu import BLEU

        whole = np.rint(sums).astype(int).tolist()
        order = (len(whole) - 2) // 2
        return float(BLEU.compute_bleu(whole[:order], whole[order:-2], whole[-2], whole[-1]).score)

    @cached_property
    def learnt(self) -> bool:
        """False where the network answers the same whatever the source."""
        return len({str(s) for s in self.sources}) < 2 or len(self._distinct()) > 1

    def _distinct(self) -> set[str]:
        return set(self._texts(self.told[NETWORK]))

    def standing(self) -> Standing:
        """Against the best baseline; level where chance allows the difference (5 %)."""
        found = self.comparison.standing
        return "level" if found == "beats" and not self.learnt else found

    def verdict(self) -> str:
        """In words: what the network beats, what beats it, or that nothing was learnt."""
        compared = self.comparison
        said = compared.sentence()
        if not self.learnt:
            digits = compared.digits
            said = (
                f"Nothing was learnt: {compared.where} the network answers "
                f"'{self._distinct().pop()[:60]}' whatever the source ({compared.metric} "
                f"{compared.own:.{digits}f}; {compared.rival} has {compared.best:.{digits}f})."
            )
        return f"{said} {self.remark}".rstrip()

    def worst(self, k: int = 10) -> list[WorstTranslation]:
        """The network's k worst translations: by chrF, of lists of tokens by token accuracy."""
        sources, references = self._texts(self.sources), self._texts(self.references)
        told = self._texts(self.told[NETWORK])
        if self.as_text:
            metric = self._chrf()
            pairs = zip(told, references, strict=True)
            scores = [float(metric.sentence_score(a, [b]).score) for a, b in pairs]
        else:
            scores = [hits / max(places, 1) for hits, places in self._places(NETWORK)]
        wrong = np.flatnonzero(~self._exact(NETWORK))
        order = sorted(wrong.tolist(), key=lambda row: scores[row])[:k]
        return [
            WorstTranslation(row, sources[row], references[row], told[row], scores[row])
            for row in order
        ]

    def __repr__(self) -> str:
        """The score table and the verdict, as text."""
        return f"{score_table(self._scores, self.ranking())}\n{self.verdict()}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready scores."""
        return {
            "pairs": len(self.sources),
            "ranked_by": self.ranked_by,
            "scores": self.scores(),
            "signatures": self.signatures(),
            "learnt": self.learnt,
            "standing": self.standing(),
            "p": self.comparison.p,
            "verdict": self.verdict(),
            **self.facts,
        }
