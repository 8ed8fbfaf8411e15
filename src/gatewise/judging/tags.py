"""Tags told beside the true ones and beside baselines, on the same sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.errors import DataError
from gatewise.judging.chance import agreement_test, exchange_test
from gatewise.judging.classes import BLIND, these
from gatewise.judging.verdict import (
    NETWORK,
    Comparison,
    Standing,
    best_rival,
    in_words,
    ranked,
    score_table,
)

Floats = NDArray[np.float64]
Tags = Sequence[Sequence[str]]
Scores = dict[str, float | None]
Span = tuple[str, int, int]  # type, first token, last token

SPANS = re.compile(r"O|[BIES]-.+")  # tags that mark spans


@dataclass(frozen=True, slots=True)
class WorstSentence:
    """A sentence with its true tags, those told, and how many spans (or tags) are wrong."""

    row: int
    tokens: tuple[str, ...]
    truth: tuple[str, ...]
    told: tuple[str, ...]
    wrong: int


@dataclass(frozen=True, repr=False)
class TagEvaluation:
    """Tags of the network and of every baseline for the same sentences.

    sentences  tokens of each of the N sentences
    truth      a tag for each token
    told       name -> tags; 'network' is one of them, baselines are the others
    facts, remark  as in ClassEvaluation

    Tags B-x, I-x (E-x, S-x) and O mark spans, read as conlleval does: an I-x that follows no x
    begins a span. A span counts when type, first and last token are right. Other tags (parts of
    speech) are scored one by one.
    """

    sentences: Tags
    truth: Tags
    told: Mapping[str, Tags]
    facts: Mapping[str, Any] = field(default_factory=dict)
    remark: str = ""

    def __post_init__(self) -> None:
        if NETWORK not in self.told or len(self.told) < 2:
            raise DataError(
                f"a verdict needs the tags of '{NETWORK}' and of a baseline; received "
                f"{', '.join(self.told) or 'nothing'}"
            )
        lengths = [len(tokens) for tokens in self.sentences]
        if not sum(lengths):
            raise DataError("there are no tokens to judge; give at least one sentence")
        for name, tags in {"the truth": self.truth, **self.told}.items():
            if [len(own) for own in tags] != lengths:
                raise DataError(
                    f"{name} must have a tag for each token of each of the {len(lengths)} "
                    f"sentences; the numbers differ"
                )

    @cached_property
    def spans(self) -> bool:
        """Whether the tags mark spans."""
        every = {tag for tags in (self.truth, *self.told.values()) for own in tags for tag in own}
        return all(SPANS.fullmatch(tag) for tag in every)

    @property
    def ranked_by(self) -> str:
        """Entity F1; token accuracy of tags that mark no spans."""
        return "entity F1" if self.spans else "token accuracy"

    def scores(self) -> dict[str, Scores]:
        """name -> entity F1, precision, recall, token accuracy; or token accuracy, macro-F1.

        Entities are counted over all sentences (micro-average); 0 where nothing was told.
        """
        return {name: dict(score) for name, score in self._scores.items()}

    @cached_property
    def _scores(self) -> dict[str, Scores]:
        return {name: self._score(name) for name in self.told}

    def _score(self, name: str) -> Scores:
        truth, told = self._flat(self.truth), self._flat(self.told[name])
        accuracy = float((truth == told).mean())
        if not self.spans:
            by_tag = [score["F1"] or 0.0 for score in self.by_type(name).values()]
            return {"token accuracy": accuracy, "macro-F1": float(np.mean(by_tag))}
        hits, said = self._sums(name).sum(axis=0)
        return {
            "entity F1": self._f1(np.array([hits, said])),
            "precision": float(hits / said) if said else 0.0,
            "recall": float(hits / self._support) if self._support else 0.0,
            "token accuracy": accuracy,
        }

    def by_type(self, name: str = NETWORK) -> dict[str, Scores]:
        """type of entity (or tag) that the truth holds -> precision, recall, F1, support."""
        if self.spans:
            if not any(self._true_spans):
                return {}
            from seqeval.metrics import classification_report

            told = [list(own) for own in self.told[name]]
            report = classification_report(
                [list(own) for own in self.truth], told, output_dict=True, zero_division=0
            )
            types = sorted({span[0] for own in self._true_spans for span in own})
            found = {of: report[of] for of in types}
        else:
            from sklearn.metrics import classification_report as by_tag

            truth, tags = self._flat(self.truth), self._flat(self.told[name])
            report = by_tag(truth, tags, output_dict=True, zero_division=0)
            found = {str(tag): report[str(tag)] for tag in np.unique(truth)}
        keys = {"precision": "precision", "recall": "recall", "F1": "f1-score"}
        return {
            of: {
                **{key: float(score[theirs]) for key, theirs in keys.items()},
                "support": float(score["support"]),
            }
            for of, score in found.items()
        }

    @cached_property
    def _true_spans(self) -> list[set[Span]]:
        return [spans_of(own) for own in self.truth]

    def _sums(self, name: str) -> Floats:
        """What each sentence adds: right spans and spans told; or right tags and none.  (N, 2)"""
        if not self.spans:
            pairs = zip(self.truth, self.told[name], strict=True)
            right = [sum(a == b for a, b in zip(*own, strict=True)) for own in pairs]
            return np.array([(count, 0) for count in right], dtype=np.float64)
        told = [spans_of(own) for own in self.told[name]]
        both = zip(self._true_spans, told, strict=True)
        return np.array([(len(a & b), len(b)) for a, b in both], dtype=np.float64)

    @cached_property
    def _support(self) -> int:
        """True spans; of tags that mark none, tokens."""
        return sum(map(len, self._true_spans if self.spans else self.truth))

    def _f1(self, sums: Floats) -> float:
        both = sums[1] + self._support
        return float(2 * sums[0] / both) if both else 0.0

    def _compared(self, sums: Floats) -> float:
        return self._f1(sums) if self.spans else float(sums[0] / self._support)

    def _flat(self, tags: Tags) -> NDArray[np.str_]:
        return np.array([tag for own in tags for tag in own])

    def ranking(self) -> list[tuple[str, float]]:
        """(name, score), best first, by `ranked_by`."""
        return ranked({name: score[self.ranked_by] for name, score in self._scores.items()})

    @cached_property
    def comparison(self) -> Comparison:
        """The network and its best baseline: random exchanges of whole sentences."""
        ranking = self.ranking()
        (rival, best), own = best_rival(ranking), dict(ranking)[NETWORK]
        alone = len(ranking) == 2
        p = exchange_test(self._sums(NETWORK), self._sums(rival), self._compared)
        where = f"on {these(len(self.sentences), 'sentence')}"
        return Comparison(
            self.ranked_by, own, rival, best, p, "randomization test", where, alone=alone
        )

    @cached_property
    def blind(self) -> float:
        """p of the network's agreement with the true tags, had it told them blindly."""
        flat = np.concatenate([self._flat(self.truth), self._flat(self.told[NETWORK])])
        _, numbers = np.unique(flat, return_inverse=True)
        truth, told = np.split(numbers.astype(np.int64), 2)
        return agreement_test(truth, told)

    @property
    def learnt(self) -> bool:
        """Whether blind tags would agree with the truth as well in under 1 of 200 cases."""
        return self.blind < BLIND

    def standing(self) -> Standing:
        """Against the best baseline; level where chance allows the difference (5 %)."""
        found = self.comparison.standing
        return "level" if found == "beats" and not self.learnt else found

    def verdict(self) -> str:
        """In words: what the network beats, what beats it, or that nothing was learnt."""
        said = self.comparison.sentence() if self.learnt else self._nothing_learnt()
        return f"{said} {self.remark}".rstrip()

    def _nothing_learnt(self) -> str:
        compared, told = self.comparison, set(self._flat(self.told[NETWORK]).tolist())
        if len(told) == 1:
            why = f"the network tags every token '{told.pop()}'"
        else:
            why = (
                "the same tags dealt out blindly agree with the truth as well "
                f"({in_words(self.blind)}, permutation test)"
            )
        return (
            f"Nothing was learnt: {compared.where} {why}. {compared.metric} is "
            f"{compared.own:.3f}; {compared.rival} has {compared.best:.3f}."
        )

    def worst_sentences(self, k: int = 10) -> list[WorstSentence]:
        """The sentences in which the network has most spans (or tags) wrong: missed or not true."""
        if self.spans:
            told = [spans_of(own) for own in self.told[NETWORK]]
            wrong = [len(a ^ b) for a, b in zip(self._true_spans, told, strict=True)]
        else:
            right = self._sums(NETWORK)[:, 0]
            wrong = [len(own) - int(r) for own, r in zip(self.truth, right, strict=True)]
        rows = sorted((row for row, count in enumerate(wrong) if count), key=lambda i: -wrong[i])
        return [
            WorstSentence(
                row=row,
                tokens=tuple(self.sentences[row]),
                truth=tuple(self.truth[row]),
                told=tuple(self.told[NETWORK][row]),
                wrong=wrong[row],
            )
            for row in rows[:k]
        ]

    def __repr__(self) -> str:
        """The score table and the verdict, as text."""
        return f"{score_table(self._scores, self.ranking())}\n{self.verdict()}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready scores."""
        return {
            "sentences": len(self.sentences),
            "tokens": sum(len(own) for own in self.sentences),
            "ranked_by": self.ranked_by,
            "scores": self.scores(),
            "by_type": {name: self.by_type(name) for name in self.told},
            "learnt": self.learnt,
            "standing": self.standing(),
            "p": self.comparison.p,
            "verdict": self.verdict(),
            **self.facts,
        }


def spans_of(tags: Sequence[str]) -> set[Span]:
    """(type, first, last) of each span in a sentence, as seqeval and conlleval read it."""
    from seqeval.metrics.sequence_labeling import get_entities

    return set(get_entities(list(tags)))
