"""Classes without a network: the most frequent one, words that are counted, the nearest sequence.

Truth is (N,) class numbers, or (N, C) 0/1 where each example has several labels.
Answers are probabilities (n, C).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gatewise.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Unit = Literal["char", "word", "token"]
Texts = Sequence[str] | Sequence[Sequence[Any]]

MAJORITY = "most frequent class"
TFIDF = "TF-IDF + logistic regression"
NEIGHBOUR = "nearest neighbour"

STRENGTHS = (0.1, 1.0, 5.0, 30.0)  # C of the regression: the larger, the less it is held back
USUAL = 5.0  # of them, where there is no validation part to choose by
RARE = 1_000  # texts from which on a term must stand in two of them
MOST_TERMS = 300_000
STEPS = 64  # that sequences are brought to, at most, to be compared
CHUNK = 4_000_000  # distances held at once
GAP = "\x1f"  # between tokens: no token holds it


def majority_class(truth: Ints, classes: int, count: int) -> Floats:
    """The classes' shares of training, for each of `count` examples.  (count, C)"""
    if truth.ndim == 2:
        share = truth.mean(axis=0)
    else:
        share = np.bincount(truth, minlength=classes) / len(truth)
    return np.tile(share.astype(np.float64), (count, 1))


@dataclass(frozen=True, slots=True)
class TfidfRegression:
    """Logistic regression on how often terms occur, weighted by how rare they are.

    unit         char: 1 to 3 characters · word: 1 or 2 words · token: 1 or 2 given tokens
    terms        the M terms, by column
    idf          (M,) log((1 + n) / (1 + texts with the term)) + 1
    coefficients (C, M), or (1, M) of two classes · intercepts (C,) or (1,)
    several      each example has several labels: a regression for each
    strength     the C that was best on the validation part; USUAL without one

    A term that occurs k times counts (1 + log k) idf; rows have length 1.
    """

    unit: Unit
    terms: tuple[str, ...]
    idf: Floats
    coefficients: Floats
    intercepts: Floats
    several: bool
    strength: float

    @classmethod
    def fit(
        cls,
        texts: Texts,
        truth: Ints,
        held_texts: Texts,
        held_truth: Ints,
        *,
        unit: Unit,
        classes: int,
        refit: bool = False,
    ) -> TfidfRegression:
        """Learn from the training part; the validation part chooses the strength alone.

        refit  learn anew from both parts with the strength chosen, as a network that does so
        Raises DataError when the texts hold no term, or only one class.
        """
        terms, idf, x = _learn_terms(texts, unit)
        held = _counts(held_texts, unit, terms, idf)
        several = truth.ndim == 2
        if not several and len(np.unique(truth)) < 2:
            raise DataError("a regression needs at least two classes; the training part holds one")
        best: TfidfRegression | None = None
        lowest = np.inf
        for strength in STRENGTHS if len(held_truth) else (USUAL,):
            coefficients, intercepts = _regress(x, truth, classes, strength)
            model = cls(unit, terms, idf, coefficients, intercepts, several, strength)
            nats = _nats(model._answer(held), held_truth) if len(held_truth) else 0.0
            if best is None or nats < lowest:
                best, lowest = model, nats
            if nats > lowest * 1.2:
                break
        if best is None:
            raise DataError("a regression needs at least one strength to be fitted with")
        if not refit or not len(held_truth):
            return best
        both: Any = [*texts, *held_texts]
        truth = np.concatenate([truth, held_truth])
        terms, idf, x = _learn_terms(both, unit)
        coefficients, intercepts = _regress(x, truth, classes, best.strength)
        return cls(unit, terms, idf, coefficients, intercepts, several, best.strength)

    def probabilities(self, texts: Texts) -> Floats:
        """(n, C)"""
        return self._answer(_counts(texts, self.unit, self.terms, self.idf))

    def to_parts(self) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
        """JSON-ready facts and float32 arrays, to be saved; `from_parts` reads them."""
        facts = {
            "unit": self.unit,
            "several": self.several,
            "strength": self.strength,
            "terms": list(self.terms),
        }
        arrays = {name: getattr(self, name) for name in ("idf", "coefficients", "intercepts")}
        return facts, {name: np.asarray(a, dtype=np.float32) for name, a in arrays.items()}

    @classmethod
    def from_parts(
        cls, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> TfidfRegression:
        """What `to_parts` gave, again."""
        read = {name: np.asarray(a, dtype=np.float64) for name, a in arrays.items()}
        return cls(**{**facts, "terms": tuple(facts["terms"]), **read})

    def _answer(self, x: Any) -> Floats:
        z = np.asarray(x @ self.coefficients.T) + self.intercepts
        if self.several:
            return _sigmoid(z)
        if z.shape[1] == 1:
            z = np.concatenate([-z / 2, z / 2], axis=1)
        p: Floats = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return p


def _sigmoid(z: Floats) -> Floats:
    p: Floats = np.exp(-np.logaddexp(0.0, -z))
    return p


def _nats(p: Floats, truth: Ints) -> float:
    given = np.where(truth == 1, p, 1 - p) if truth.ndim == 2 else p[np.arange(len(p)), truth]
    return float(-np.log(np.maximum(given, 1e-12)).mean())


def _vectorizer(unit: Unit, **chosen: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    every: dict[Unit, dict[str, Any]] = {
        "char": {"analyzer": "char", "ngram_range": (1, 3)},
        "word": {"token_pattern": r"(?u)\b\w+\b", "ngram_range": (1, 2)},
        "token": {"token_pattern": rf"[^{GAP}]+", "ngram_range": (1, 2), "lowercase": False},
    }
    return TfidfVectorizer(sublinear_tf=True, dtype=np.float64, **every[unit], **chosen)


def _learn_terms(texts: Texts, unit: Unit) -> tuple[tuple[str, ...], Floats, Any]:
    """The terms, their idf, and their weighted counts in these texts, sparse (n, M)."""
    vectorizer = _vectorizer(unit, min_df=2 if len(texts) >= RARE else 1, max_features=MOST_TERMS)
    joined = _joined(texts, unit)
    analyze = vectorizer.build_analyzer()
    if not any(analyze(text) for text in joined):
        raise DataError(
            f"the {len(joined)} texts hold no {unit} that could be counted; "
            f"give texts that are not empty"
        )
    try:
        x = vectorizer.fit_transform(joined)
    except ValueError:  # each term stands in one text alone
        x = vectorizer.set_params(min_df=1).fit_transform(joined)
    return tuple(vectorizer.get_feature_names_out().tolist()), vectorizer.idf_, x


def _counts(texts: Texts, unit: Unit, terms: tuple[str, ...], idf: Floats) -> Any:
    """Weighted counts of the terms, sparse.  (n, M)"""
    vectorizer = _vectorizer(unit, vocabulary={term: i for i, term in enumerate(terms)})
    vectorizer.idf_ = idf
    if not len(texts):
        return np.zeros((0, len(terms)))
    return vectorizer.transform(_joined(texts, unit))


def _joined(texts: Texts, unit: Unit) -> list[str]:
    """Lists of tokens as one text each."""
    between = GAP if unit == "token" else " "
    return [t if isinstance(t, str) else between.join(map(str, t)) for t in texts]


def _regress(x: Any, truth: Ints, classes: int, strength: float) -> tuple[Floats, Floats]:
    """Coefficients and intercepts; what training never saw, or always saw, is told by shares."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        # a few steps short of the optimum it is still the baseline that it should be
        warnings.simplefilter("ignore", ConvergenceWarning)
        if truth.ndim == 1 and classes == 2:
            fitted = LogisticRegression(C=strength, solver="liblinear", max_iter=1000)
            fitted.fit(x, truth)
            return fitted.coef_, fitted.intercept_
        if truth.ndim == 1:
            fitted = LogisticRegression(C=strength, solver="lbfgs", max_iter=1000, tol=1e-3)
            fitted.fit(x, truth)
            w, b = np.zeros((classes, x.shape[1])), np.full(classes, -20.0)
            if len(fitted.classes_) == 2:  # of more that are known
                w[fitted.classes_[1]], b[fitted.classes_[1]] = fitted.coef_[0], fitted.intercept_[0]
                b[fitted.classes_[0]] = 0.0
            else:
                w[fitted.classes_], b[fitted.classes_] = fitted.coef_, fitted.intercept_
            return w, b
        w, b = np.zeros((classes, x.shape[1])), np.zeros(classes)
        for label in range(classes):
            seen = int(truth[:, label].sum())
            if seen in (0, len(truth)):
                b[label] = np.log((seen + 0.5) / (len(truth) - seen + 0.5))
                continue
            fitted = LogisticRegression(C=strength, solver="liblinear", max_iter=1000)
            fitted.fit(x, truth[:, label])
            w[label], b[label] = fitted.coef_[0], fitted.intercept_[0]
        return w, b


@dataclass(frozen=True, slots=True)
class NearestSequence:
    """The class of the nearest training sequence: Euclidean, on a common number of steps.

    Each sequence is stretched to S steps (linear interpolation), each channel scaled to mean 0
    and deviation 1 of the training part.

    known (N, S F) · truth (N,) or (N, C) · center, spread (F,)
    trust  share of training sequences that their nearest neighbour gets right: the probability
           of each answer
    """

    known: NDArray[np.float32]
    truth: Ints
    center: Floats
    spread: Floats
    steps: int
    classes: int
    trust: float

    @classmethod
    def fit(
        cls, sequences: Sequence[NDArray[np.floating[Any]]], truth: Ints, classes: int
    ) -> NearestSequence:
        """sequences of (T_i, F), truth (N,) or (N, C). Raises DataError for fewer than two."""
        if len(sequences) < 2:
            raise DataError(
                f"a nearest neighbour needs at least 2 sequences; received {len(sequences)}"
            )
        rows = np.concatenate(sequences).astype(np.float64)
        center, spread = rows.mean(axis=0), rows.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        steps = int(np.clip(np.median([len(s) for s in sequences]), 1, STEPS))
        known = _stretched(sequences, steps, center, spread)
        nearest = _nearest(known, known, skip_self=True)
        same = truth[nearest] == truth
        right = float(same.mean())
        low, high = (0.5 if truth.ndim == 2 else 1 / classes), 1 - 0.5 / len(sequences)
        trust = float(np.clip(right, low, high))
        return cls(known, truth, center, spread, steps, classes, trust)

    def probabilities(self, sequences: Sequence[NDArray[np.floating[Any]]]) -> Floats:
        """(n, C)"""
        x = _stretched(sequences, self.steps, self.center, self.spread)
        told = self.truth[_nearest(x, self.known)]
        if told.ndim == 2:
            return np.where(told == 1, self.trust, 1 - self.trust)
        rest = (1 - self.trust) / max(self.classes - 1, 1)
        return np.where(told[:, None] == np.arange(self.classes), self.trust, rest)


def _stretched(
    sequences: Sequence[NDArray[np.floating[Any]]], steps: int, center: Floats, spread: Floats
) -> NDArray[np.float32]:
    """Scaled, each as `steps` rows evenly spaced from its first to its last.  -> (n, S F)"""
    found = np.empty((len(sequences), steps, len(center)), dtype=np.float32)
    for row, sequence in zip(found, sequences, strict=True):
        scaled = (np.asarray(sequence, dtype=np.float64) - center) / spread
        place = np.linspace(0, len(scaled) - 1, steps)
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, len(scaled) - 1)
        part = (place - low)[:, None]
        row[:] = scaled[low] * (1 - part) + scaled[high] * part
    return found.reshape(len(sequences), -1)


def _nearest(x: NDArray[np.float32], known: NDArray[np.float32], skip_self: bool = False) -> Ints:
    """Row of the nearest known sequence, chunk by chunk.  (n, S F), (N, S F) -> (n,)"""
    length = (known**2).sum(axis=1)
    step = max(1, CHUNK // len(known))
    found = []
    for first in range(0, len(x), step):
        part = x[first : first + step]
        distance = length - 2 * part @ known.T  # and the length of x, which orders nothing
        if skip_self:
            distance[np.arange(len(part)), first + np.arange(len(part))] = np.inf
        found.append(distance.argmin(axis=1))
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def text_rivals(
    texts: Texts,
    truth: Ints,
    held_texts: Texts,
    held_truth: Ints,
    *,
    unit: Unit,
    classes: int,
    refit: bool = False,
) -> dict[str, Callable[[Texts], Floats]]:
    """Every baseline for texts by name, fitted: call it with texts for probabilities (n, C)."""
    found: dict[str, Callable[[Texts], Floats]] = {
        MAJORITY: lambda told: majority_class(truth, classes, len(told))
    }
    model = TfidfRegression.fit(
        texts, truth, held_texts, held_truth, unit=unit, classes=classes, refit=refit
    )
    found[TFIDF] = model.probabilities
    return found
