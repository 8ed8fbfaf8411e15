"""A classifier's answers beside the baselines', and what must be said of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gatewise.judging.classes import ClassEvaluation
from gatewise.judging.labels import TOLD, LabelEvaluation
from gatewise.judging.verdict import NETWORK
from gatewise.rivals.classes import MAJORITY, TFIDF, NearestSequence, TfidfRegression
from gatewise.tasks import seen
from gatewise.tasks.beginning import unequal
from gatewise.tasks.examples import Examples

if TYPE_CHECKING:
    from gatewise.tasks.classifier import Classifier

Floats = NDArray[np.float64]

NEAREST = "nearest neighbour"
UNITS: dict[str, Any] = {"char": "char", "word": "word", "bpe": "word", "given": "token"}


def judge(model: Classifier, examples: Examples) -> ClassEvaluation | LabelEvaluation:
    """The model and its baselines on the same examples."""
    labels, strange = model.labels_.widened(examples.labels or [])
    truth = labels.encode(examples.labels or [])
    told: dict[str, Floats] = {NETWORK: model.predict_proba(examples.inputs)}
    counts = np.array(model.data_["counts"])
    told[MAJORITY] = np.tile(counts / model.data_["examples"], (len(examples.inputs), 1))
    rivals = _rivals(model)
    told |= {name: answer(examples.inputs) for name, answer in rivals.items()}
    never = len(labels) - len(model.labels_)  # classes that nobody can tell
    told = {name: np.pad(p, ((0, 0), (0, never))) for name, p in told.items()}
    counts = np.pad(counts, (0, never))
    inputs = examples.inputs
    remarks = [f"{note[0].upper()}{note[1:]}." for note in strange]
    unread = model.reading_.remarks(model.reading_.encode(inputs)[0])
    remarks += [f"{note[0].upper()}{note[1:]}." for note in unread]
    remarks += [seen.remark(inputs, model.known_), seen.remark_on_copies(inputs)]
    if not rivals:
        absent = "The nearest neighbour"
        if model.data_["kind"] != "numbers":
            absent = f"{TFIDF}, often the strongest,"
        remarks.append(
            f"{absent} is not among them: a saved model does not hold its training data."
        )
    remarks += unequal(model, "examples")
    remark = " ".join(filter(None, remarks))
    facts = {
        "seed": model.seed,
        "learnt from": model.data_["examples"],
        "held out": model.data_["held"],
    }
    if model.labels_.kind == "multilabel":
        size = model.data_["examples"]
        return LabelEvaluation(
            labels.classes, truth.astype(np.int64), told, counts, size, facts, remark
        )
    return ClassEvaluation(labels.classes, truth, told, counts, facts, remark)


def accuracy(model: Classifier, examples: Examples) -> float:
    """Share of the examples whose class, or whose every label, is told right."""
    labels, _ = model.labels_.widened(examples.labels or [])
    truth = labels.encode(examples.labels or [])
    told = model.predict_proba(examples.inputs)
    if truth.ndim == 1:
        return float((told.argmax(axis=1) == truth).mean())
    answers = np.pad(told >= TOLD, ((0, 0), (0, truth.shape[1] - told.shape[1])))
    return float((answers == truth).all(axis=1).mean())


def _rivals(model: Classifier) -> dict[str, Callable[[Sequence[Any]], Floats]]:
    """Baselines that learn, by name; fitted when first asked for, on the training examples."""
    learnt, classes = model.seen_, len(model.labels_.classes)
    if model.data_["kind"] == "numbers":
        if learnt is None:
            return {}
        known = [_steps(one) for one in learnt.inputs]
        nearest = NearestSequence.fit(known, learnt.truth, classes)
        return {NEAREST: lambda inputs: nearest.probabilities([_steps(one) for one in inputs])}
    if model.rival_ is None and learnt is not None:
        unit = UNITS[model.reading_.codec.unit]  # type: ignore[union-attr]  # of texts and tokens
        model.rival_ = TfidfRegression.fit(
            learnt.inputs,
            learnt.truth.astype(np.int64),
            learnt.held_inputs,
            learnt.held_truth.astype(np.int64),
            unit=unit,
            classes=classes,
        )
    return {} if model.rival_ is None else {TFIDF: model.rival_.probabilities}


def _steps(one: Any) -> Floats:
    """(t,) or (t, F) -> (t, F)"""
    steps = np.asarray(one, dtype=np.float64)
    return steps[:, None] if steps.ndim == 1 else steps
