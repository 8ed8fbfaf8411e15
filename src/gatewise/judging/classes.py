"""Classes told beside the true ones and beside baselines, on the same examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.errors import DataError
from gatewise.judging.calibration import calibration_bins, calibration_error
from gatewise.judging.chance import agreement_test, exchange_test, sign_test
from gatewise.judging.verdict import (
    ALPHA,
    NETWORK,
    Comparison,
    Standing,
    best_rival,
    in_words,
    ranked,
    score_table,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Scores = dict[str, float | None]

METRICS = ("accuracy", "macro-F1", "ROC-AUC", "log-loss", "ECE")
SKEWED = 0.6  # where one class has more of the examples than this, accuracy says little
FEW = 100  # examples that say little where nothing was learnt
BLIND = 0.005  # what blind answers reach in more cases than this was not learnt


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong answer: row of the example, true class, class told, its probability."""

    row: int
    truth: str
    told: str
    confidence: float


@dataclass(frozen=True, repr=False)
class ClassEvaluation:
    """Probabilities of the network and of every baseline for the same N examples.

    classes        names of the C classes
    truth          (N,) numbers of the true classes
    probabilities  name -> (N, C); 'network' is one of them, baselines are the others
    train_counts   (C,) examples of each class that training saw
    facts          what else `to_dict` should hold: seed, split, duplicates
    remark         what else the verdict must say, a sentence
    """

    classes: tuple[str, ...]
    truth: Ints
    probabilities: Mapping[str, Floats]
    train_counts: Ints
    facts: Mapping[str, Any] = field(default_factory=dict)
    remark: str = ""

    def __post_init__(self) -> None:
        check_shapes(self.classes, len(self.truth), self.probabilities)
        outside = [int(y) for y in np.unique(self.truth) if not 0 <= y < len(self.classes)]
        if outside:
            raise DataError(
                f"the truth holds the class {outside[0]}; there are {len(self.classes)} classes, "
                f"0 to {len(self.classes) - 1}"
            )

    @property
    def majority(self) -> int:
        """Number of the most frequent class of training."""
        return int(np.argmax(self.train_counts))

    @cached_property
    def present(self) -> Ints:
        """Classes that the truth holds: macro-F1 is the mean over these."""
        present: Ints = np.unique(self.truth)
        return present

    @property
    def ranked_by(self) -> str:
        """Accuracy; macro-F1 where one class has over 60 % of the examples."""
        share = np.bincount(self.truth).max() / len(self.truth)
        return "macro-F1" if share > SKEWED else "accuracy"

    def told(self, name: str = NETWORK) -> Ints:
        """(N,) the most probable class."""
        told: Ints = np.argmax(self.probabilities[name], axis=1).astype(np.int64)
        return told

    def scores(self) -> dict[str, Scores]:
        """name -> accuracy, macro-F1, ROC-AUC, log-loss (nats), ECE; None where not defined.

        ROC-AUC is one against the rest, the mean over classes that the truth both holds and
        lacks; of two classes it is the usual one. ECE: 15 bins of equal width.
        """
        return {name: dict(score) for name, score in self._scores.items()}

    @cached_property
    def _scores(self) -> dict[str, Scores]:
        return {name: self._score(name) for name in self.probabilities}

    def _score(self, name: str) -> Scores:
        from sklearn.metrics import f1_score

        p = np.asarray(self.probabilities[name], dtype=np.float64)
        if not np.isfinite(p).all():
            return dict.fromkeys(METRICS, None)
        told = self.told(name)
        right = told == self.truth
        f1 = f1_score(self.truth, told, labels=self.present, average="macro", zero_division=0)
        given = p[np.arange(len(p)), self.truth] / p.sum(axis=1)
        return {
            "accuracy": float(right.mean()),
            "macro-F1": float(f1),
            "ROC-AUC": area(one_hot(self.truth, len(self.classes)), p),
            "log-loss": float(-np.log(np.maximum(given, np.finfo(np.float64).eps)).mean()),
            "ECE": calibration_error(p.max(axis=1), right),
        }

    def confusion(self, name: str = NETWORK) -> Ints:
        """How often each true class (rows) was told as each class (columns).  (C, C)"""
        from sklearn.metrics import confusion_matrix

        numbers = np.arange(len(self.classes))
        found: Ints = confusion_matrix(self.truth, self.told(name), labels=numbers)
        return found

    def by_class(self, name: str = NETWORK) -> dict[str, Scores]:
        """class -> precision, recall, F1 (0 where nothing was told), support."""
        from sklearn.metrics import precision_recall_fscore_support

        numbers = np.arange(len(self.classes))
        found = precision_recall_fscore_support(
            self.truth, self.told(name), labels=numbers, zero_division=0
        )
        keys = ("precision", "recall", "F1", "support")
        return {
            of: {key: float(column[i]) for key, column in zip(keys, found, strict=True)}
            for i, of in enumerate(self.classes)
        }

    def calibration(self, name: str = NETWORK) -> list[dict[str, float]]:
        """The bins of ECE: examples, mean confidence, share right."""
        right = self.told(name) == self.truth
        return calibration_bins(np.asarray(self.probabilities[name]).max(axis=1), right)

    def worst_errors(self, k: int = 10) -> list[Mistake]:
        """The network's k most confident mistakes."""
        p, told = np.asarray(self.probabilities[NETWORK]), self.told()
        rows = np.flatnonzero(told != self.truth)
        rows = rows[np.argsort(-p[rows].max(axis=1), kind="stable")][:k]
        return [
            Mistake(
                row=int(row),
                truth=self.classes[self.truth[row]],
                told=self.classes[told[row]],
                confidence=float(p[row, told[row]]),
            )
            for row in rows
        ]

    def ranking(self) -> list[tuple[str, float]]:
        """(name, score), best first, by `ranked_by`."""
        return ranked({name: score[self.ranked_by] for name, score in self._scores.items()})

    @cached_property
    def comparison(self) -> Comparison:
        """The network and its best baseline.

        Accuracy: exact McNemar test. Macro-F1: random exchanges. On the same examples.
        """
        ranking, metric = self.ranking(), self.ranked_by
        (rival, best), own = best_rival(ranking), dict(ranking)[NETWORK]
        alone = len(ranking) == 2
        if not np.isfinite(own):
            p, test = 1.0, ""
        elif metric == "accuracy":
            p, test = self._duel(self.told(rival)), "exact McNemar test"
        else:
            ours, theirs = (self._sums(name) for name in (NETWORK, rival))
            p, test = exchange_test(ours, theirs, self._macro_f1), "randomization test"
        where = f"on {these(len(self.truth))}"
        return Comparison(metric, own, rival, best, p, test, where, alone=alone)

    def _duel(self, told: Ints) -> float:
        """p of the network against these answers, by which of the two alone is right."""
        ours, theirs = self.told() == self.truth, told == self.truth
        return sign_test(int((ours & ~theirs).sum()), int((theirs & ~ours).sum()))

    def _sums(self, name: str) -> Floats:
        """What each example adds: hits and answers of each class present.  (N, 2 C)"""
        told = self.told(name)[:, None] == self.present
        hits = told & (self.truth[:, None] == self.present)
        return np.concatenate([hits, told], axis=1).astype(np.float64)

    def _macro_f1(self, sums: Floats) -> float:
        hits, told = np.split(sums, 2)
        support = np.bincount(self.truth)[self.present]
        return float(np.mean(2 * hits / (told + support)))

    @cached_property
    def blind(self) -> float:
        """p of the network's agreement with the truth, had it answered blindly."""
        return self._blind(NETWORK)

    def _blind(self, name: str) -> float:
        p = np.asarray(self.probabilities[name], dtype=np.float64)
        return agreement_test(self.truth, p) if np.isfinite(p).all() else 1.0

    @property
    def learnt(self) -> bool:
        """Whether blind answers would agree with the truth as well in under 1 of 200 cases."""
        return self.blind < BLIND

    def standing(self) -> Standing:
        """Against the best baseline; level where chance allows the difference (5 %).

        Where nothing was learnt there is nothing to beat a baseline with.
        """
        found = self.comparison.standing
        return "level" if found == "beats" and not self.learnt else found

    def verdict(self) -> str:
        """In words: what the network beats, what beats it, or that nothing was learnt."""
        if not np.isfinite(self.comparison.own):
            said = self.comparison.sentence()
        elif not self.learnt:
            said = self._nothing_learnt()
        else:
            said = f"{self.comparison.sentence()} {self._beside_majority()}".rstrip()
        return f"{said} {self.remark}".rstrip()

    def _always(self) -> tuple[str, float]:
        return self.classes[self.majority], float((self.truth == self.majority).mean())

    def _nothing_learnt(self) -> str:
        answer, share = self._always()
        own = float((self.told() == self.truth).mean())
        said = (
            f"Nothing was learnt: {self.comparison.where} the network is no better than always "
            f"answering '{answer}', as far as they can tell (accuracy {own:.3f} against "
            f"{share:.3f}); the same answers dealt out blindly agree with the truth as well "
            f"({in_words(self.blind)}, permutation test)."
        )
        rival, best = self.comparison.rival, self.comparison.best
        if self._blind(rival) < BLIND:
            return f"{said} There is something to learn: {rival} has {self.ranked_by} {best:.3f}."
        if len(self.truth) < FEW:
            return f"{said} {too_few(len(self.truth))}"
        return f"{said} Nor did a baseline: what is read may have nothing to do with the classes."

    def _beside_majority(self) -> str:
        """What must be said where the answers are right no more often than a constant one."""
        answer, share = self._always()
        own = float((self.told() == self.truth).mean())
        always = np.full(len(self.truth), self.majority)
        against = f"always answering '{answer}' (accuracy {own:.3f} against {share:.3f})"
        if own <= share:
            return f"It is right no more often than {against}."
        if self._duel(always) >= ALPHA:
            return f"That it is right more often than {against} may be chance."
        return ""

    def __repr__(self) -> str:
        """The score table and the verdict, as text."""
        return f"{score_table(self._scores, self.ranking())}\n{self.verdict()}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready scores."""
        finite = [n for n in self.probabilities if self._scores[n]["accuracy"] is not None]
        return {
            "examples": len(self.truth),
            "classes": list(self.classes),
            "train_counts": [int(count) for count in self.train_counts],
            "ranked_by": self.ranked_by,
            "scores": self.scores(),
            "by_class": {name: self.by_class(name) for name in finite},
            "confusion": {name: self.confusion(name).tolist() for name in finite},
            "calibration": {name: self.calibration(name) for name in finite},
            "learnt": self.learnt,
            "standing": self.standing(),
            "p": self.comparison.p,
            "verdict": self.verdict(),
            **self.facts,
        }


def these(count: int, what: str = "example") -> str:
    """`this 1 example`, `these 200 examples`"""
    return f"this 1 {what}" if count == 1 else f"these {count} {what}s"


def too_few(count: int) -> str:
    """`This 1 example is little: more may tell.`"""
    few = "is little" if count == 1 else "are few"
    return f"{these(count).capitalize()} {few}: more may tell."


def one_hot(classes: Ints, count: int) -> Ints:
    """(N,) -> (N, C) of 0 and 1"""
    found: Ints = (classes[:, None] == np.arange(count)).astype(np.int64)
    return found


def area(truth: Ints, probabilities: Floats) -> float | None:
    """ROC-AUC, the mean over columns of 0/1 truth that hold both; None where none does.

    truth, probabilities (N, C)
    """
    from sklearn.metrics import roc_auc_score

    both = np.flatnonzero((truth.min(axis=0) == 0) & (truth.max(axis=0) == 1))
    if not len(both):
        return None
    return float(np.mean([roc_auc_score(truth[:, c], probabilities[:, c]) for c in both]))


def check_shapes(classes: tuple[str, ...], count: int, told: Mapping[str, Floats]) -> None:
    """Raises DataError unless network and baselines answer for every example and class."""
    if not count:
        raise DataError("there are no examples to judge; give at least one")
    if NETWORK not in told or len(told) < 2:
        named = ", ".join(told) or "nothing"
        raise DataError(
            f"a verdict needs the answers of '{NETWORK}' and of a baseline; received {named}"
        )
    expected = (count, len(classes))
    wrong = [f"{name} {np.shape(p)}" for name, p in told.items() if np.shape(p) != expected]
    if wrong:
        raise DataError(f"probabilities must have the shape {expected}; received {wrong[0]}")
