"""Several labels for each example: those told beside the true ones and beside baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.errors import DataError
from gatewise.judging.calibration import calibration_bins, calibration_error
from gatewise.judging.chance import agreement_test, exchange_test
from gatewise.judging.classes import BLIND, FEW, Mistake, area, check_shapes, these, too_few
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
Ints = NDArray[np.int64]
Scores = dict[str, float | None]

METRICS = ("subset accuracy", "micro-F1", "macro-F1", "ROC-AUC", "log-loss", "ECE")
TOLD = 0.5  # a label is told from this probability on


@dataclass(frozen=True, repr=False)
class LabelEvaluation:
    """Probabilities of each of C labels, of the network and of every baseline.

    labels         names of the C labels
    truth          (N, C) of 0 and 1
    probabilities  name -> (N, C), each label by itself; a label is told from 0.5 on
    train_counts   (C,) examples with each label that training saw
    train_size     examples that training saw
    facts, remark  as in ClassEvaluation
    """

    labels: tuple[str, ...]
    truth: Ints
    probabilities: Mapping[str, Floats]
    train_counts: Ints
    train_size: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    remark: str = ""

    ranked_by = "micro-F1"

    def __post_init__(self) -> None:
        check_shapes(self.labels, len(self.truth), self.probabilities)
        if np.shape(self.truth) != (len(self.truth), len(self.labels)):
            raise DataError(
                f"the truth must have the shape {(len(self.truth), len(self.labels))}; "
                f"received {np.shape(self.truth)}"
            )
        if not np.isin(self.truth, (0, 1)).all():
            raise DataError("the truth of several labels must be 0 or 1 for each of them")

    def told(self, name: str = NETWORK) -> Ints:
        """(N, C) 1 where a label is told."""
        return (np.asarray(self.probabilities[name]) >= TOLD).astype(np.int64)

    def scores(self) -> dict[str, Scores]:
        """name -> subset accuracy, micro-F1, macro-F1, ROC-AUC, log-loss, ECE; None: not defined.

        Subset accuracy: all labels of an example right. Macro-F1 and ROC-AUC are means over
        labels, macro-F1 over those that the truth holds. Log-loss (nats) and ECE (15 bins of
        equal width) are of the single yes or no.
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
        truth, told = self.truth, self.told(name)
        present = np.flatnonzero(truth.any(axis=0))
        each = [f1_score(truth[:, c], told[:, c], zero_division=0) for c in present]
        given = np.where(truth == 1, p, 1 - p)
        right = told == truth
        return {
            "subset accuracy": float(right.all(axis=1).mean()),
            "micro-F1": self._micro_f1(self._sums(name).sum(axis=0)),
            "macro-F1": float(np.mean(each)) if each else None,
            "ROC-AUC": area(truth, p),
            "log-loss": float(-np.log(np.maximum(given, np.finfo(np.float64).eps)).mean()),
            "ECE": calibration_error(np.maximum(p, 1 - p).ravel(), right.ravel()),
        }

    def _sums(self, name: str) -> Floats:
        """What each example adds: hits and labels told.  (N, 2)"""
        told = self.told(name)
        return np.stack([(told * self.truth).sum(axis=1), told.sum(axis=1)], 1).astype(np.float64)

    def _micro_f1(self, sums: Floats) -> float:
        both = sums[1] + self.truth.sum()
        return float(2 * sums[0] / both) if both else 0.0

    def confusion(self, name: str = NETWORK) -> Ints:
        """For each label: true 0 or 1 (rows) told as 0 or 1 (columns).  (C, 2, 2)"""
        from sklearn.metrics import multilabel_confusion_matrix

        pair = self.truth, self.told(name)
        if len(self.labels) == 1:  # scikit-learn reads one column as classes 0 and 1
            pair = pair[0].ravel(), pair[1].ravel()
            found: Ints = multilabel_confusion_matrix(*pair, labels=[1])
            return found
        found = multilabel_confusion_matrix(*pair)
        return found

    def by_class(self, name: str = NETWORK) -> dict[str, Scores]:
        """label -> precision, recall, F1 (0 where nothing was told), support."""
        found: dict[str, Scores] = {}
        for label, ((_, wrong), (missed, hits)) in zip(
            self.labels, self.confusion(name).tolist(), strict=True
        ):
            told, support = hits + wrong, hits + missed
            found[label] = {
                "precision": hits / told if told else 0.0,
                "recall": hits / support if support else 0.0,
                "F1": 2 * hits / (told + support) if told + support else 0.0,
                "support": float(support),
            }
        return found

    def calibration(self, name: str = NETWORK) -> list[dict[str, float]]:
        """The bins of ECE: yes-or-no answers, mean confidence, share right."""
        p = np.asarray(self.probabilities[name])
        right = self.told(name) == self.truth
        return calibration_bins(np.maximum(p, 1 - p).ravel(), right.ravel())

    def worst_errors(self, k: int = 10) -> list[Mistake]:
        """The network's k most confident mistakes, of single labels: `label` against `not label`.

        The confidence is that of the yes or no given.
        """
        p, told = np.asarray(self.probabilities[NETWORK]), self.told()
        sure = np.where(told != self.truth, np.maximum(p, 1 - p), -1.0)
        order = np.argsort(-sure, axis=None, kind="stable")[: min(k, int((sure >= 0).sum()))]
        found = []
        for row, column in zip(*np.unravel_index(order, sure.shape), strict=True):
            yes, no = self.labels[column], f"not {self.labels[column]}"
            truth, said = (yes, no) if self.truth[row, column] else (no, yes)
            found.append(Mistake(int(row), truth, said, float(sure[row, column])))
        return found

    def ranking(self) -> list[tuple[str, float]]:
        """(name, micro-F1), best first."""
        return ranked({name: score[self.ranked_by] for name, score in self._scores.items()})

    @cached_property
    def comparison(self) -> Comparison:
        """The network and its best baseline by micro-F1: random exchanges of their answers."""
        ranking = self.ranking()
        (rival, best), own = best_rival(ranking), dict(ranking)[NETWORK]
        alone = len(ranking) == 2
        p = 1.0
        if np.isfinite(own):
            p = exchange_test(self._sums(NETWORK), self._sums(rival), self._micro_f1)
        where = f"on {these(len(self.truth))}"
        return Comparison(
            self.ranked_by, own, rival, best, p, "randomization test", where, alone=alone
        )

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
        """Against the best baseline; level where chance allows the difference (5 %)."""
        found = self.comparison.standing
        return "level" if found == "beats" and not self.learnt else found

    def verdict(self) -> str:
        """In words: what the network beats, what beats it, or that nothing was learnt."""
        compared = self.comparison
        if not np.isfinite(compared.own) or self.learnt:
            said = compared.sentence()
        else:
            said = self._nothing_learnt()
        return f"{said} {self.remark}".rstrip()

    def _nothing_learnt(self) -> str:
        compared = self.comparison
        often = np.flatnonzero(np.asarray(self.train_counts) >= TOLD * self.train_size)
        answer = " and ".join(f"'{self.labels[c]}'" for c in often) or "no label"
        said = (
            f"Nothing was learnt: {compared.where} the network is no better than always answering "
            f"{answer}, as far as they can tell (micro-F1 {compared.own:.3f}); the same answers "
            f"dealt out blindly agree with the truth as well ({in_words(self.blind)}, "
            f"permutation test)."
        )
        if self._blind(compared.rival) < BLIND:
            return (
                f"{said} There is something to learn: {compared.rival} has micro-F1 "
                f"{compared.best:.3f}."
            )
        if len(self.truth) < FEW:
            return f"{said} {too_few(len(self.truth))}"
        return f"{said} Nor did a baseline: what is read may have nothing to do with the labels."

    def __repr__(self) -> str:
        """The score table and the verdict, as text."""
        return f"{score_table(self._scores, self.ranking())}\n{self.verdict()}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready scores."""
        finite = [n for n in self.probabilities if self._scores[n]["ECE"] is not None]
        return {
            "examples": len(self.truth),
            "labels": list(self.labels),
            "train_counts": [int(count) for count in self.train_counts],
            "train_size": self.train_size,
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
