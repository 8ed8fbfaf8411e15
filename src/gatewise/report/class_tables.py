"""The tables of a classification report: scores by class, and what is mistaken for what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from gatewise.judging.classes import ClassEvaluation
from gatewise.judging.labels import LabelEvaluation
from gatewise.report import class_charts
from gatewise.report.heat import heading, heat_table, numbered
from gatewise.report.markup import (
    NONE,
    Html,
    element,
    joined,
    name,
    percent,
    plural,
    shorten,
    table,
)
from gatewise.report.page import UNFOLDED, chart, foldable, paragraph
from gatewise.report.scoreboard import bar, fixed

Counts = NDArray[np.int64]

NAMED = 7  # classes whose names fit above the columns of a confusion matrix
SPELT = 30  # classes that get a matrix with numbers in it
PAIRS = 15  # most confused pairs that are listed
RARE = 20  # examples of a class below which a score of it says little


def by_class(evaluation: ClassEvaluation | LabelEvaluation) -> Iterator[Html]:
    """Precision, recall, F1 and support of each class, and how often training saw it."""
    several = isinstance(evaluation, LabelEvaluation)
    kind = "label" if several else "class"
    scores = evaluation.by_class()
    counts = np.asarray(evaluation.train_counts)
    yield paragraph(_balance(list(scores), counts, evaluation))
    most = max(int(counts.max()), 1)
    numbers = [] if len(scores) <= NAMED or several else numbered(list(scores))
    rows = []
    for index, (of, score) in enumerate(scores.items()):
        support = int(score["support"] or 0)
        precision, recall, f1 = (score[key] or 0.0 for key in ("precision", "recall", "F1"))
        told: list[object] = [bar(f1, fixed(f1, 3)), fixed(precision, 3), fixed(recall, 3)]
        if not support:
            told = [NONE] * 3
        seen = bar(counts[index] / most, f"{counts[index]:,}")
        title = numbers[index] if numbers else heading(of)
        rows.append(([title, *told, f"{support:,}", seen], None))
    grid = table(
        "by-class",
        [kind, "F1", "precision", "recall", "test examples", "learnt from"],
        rows[:UNFOLDED],
        caption=f"The network by {kind}. Precision: of those told as it, how many are. "
        f"Recall: of those that are it, how many are told. F1: their harmonic mean.",
    )
    plurals = "labels" if several else "classes"
    yield foldable(grid, len(rows), f"Scores of {len(rows):,} {plurals}")
    if len(rows) > UNFOLDED:
        yield paragraph(f"{len(rows) - UNFOLDED:,} further {plurals} are left out.", class_="muted")
    absent = sum(not score["support"] for score in scores.values())
    if absent:
        yield paragraph(f"{NONE} there is no test example of it.", class_="muted")
    few = sum(0 < (score["support"] or 0) < RARE for score in scores.values())
    if few:
        whose = f"{few:,} of the {plurals} {'has' if few == 1 else 'have'}"
        yield paragraph(
            f"{whose} fewer than {RARE} test examples: scores of so few can be luck.",
            class_="muted",
        )


def _balance(
    classes: Sequence[str], counts: Counts, evaluation: ClassEvaluation | LabelEvaluation
) -> Html:
    """How evenly training saw the classes, in words."""
    total = int(counts.sum())
    if isinstance(evaluation, LabelEvaluation):
        total = evaluation.train_size
    most, least = int(np.argmax(counts)), int(np.argmin(counts))
    whole = max(total, 1)
    words = (
        f"Training saw {plural(total, 'example')}. Most frequent: ",
        name(shorten(classes[most], 60)),
        f" ({counts[most]:,}, {percent(counts[most] / whole)}); least: ",
        name(shorten(classes[least], 60)),
        f" ({counts[least]:,}, {percent(counts[least] / whole)}).",
    )
    return joined(words, "")


def confusion(evaluation: ClassEvaluation | LabelEvaluation) -> Iterator[Html]:
    """What is told for what: a shaded table, a picture where classes are many, the worst pairs."""
    if isinstance(evaluation, LabelEvaluation):
        yield _of_labels(evaluation)
        return
    yield from confusion_tables(evaluation.classes, evaluation.confusion(), "example", "class")


def confusion_tables(
    classes: Sequence[str], counts: Counts, what: str, kind: str
) -> Iterator[Html]:
    """counts (C, C): how often each true class (rows) was told as each class (columns).

    what  is counted; kind  what its classes are called
    """
    size = len(classes)
    pairs = joined(_pairs(classes, counts, what, kind)) if size > 2 else ""
    if size <= SPELT:
        matrix = _matrix(classes, counts, what, kind)
        if size <= NAMED and pairs:
            yield element("div", element("div", matrix), element("div", pairs), class_="grid")
        else:
            yield joined([matrix, pairs])
    else:
        picture = chart(
            "matrix",
            f"Confusion matrix as a picture, {kind} by {kind}: true downwards, told rightwards.",
            lambda _: class_charts.confusion(counts, kind),
            wide=False,
            caption=f"Darker: a larger share of the true {kind}; the diagonal is told rightly",
        )
        yield element("div", picture, element("div", pairs), class_="grid")


def _matrix(classes: Sequence[str], counts: Counts, what: str, kind: str) -> Html:
    few = len(classes) <= NAMED
    rows = [heading(of) for of in classes] if few else numbered(classes)
    columns = rows if few else [str(index) for index in range(1, len(classes) + 1)]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shares = np.where(np.eye(len(classes), dtype=bool), shares, np.sqrt(shares))  # few are seen too
    texts = [[f"{count:,}" if count else "·" for count in row] for row in counts.tolist()]
    return heat_table(
        "matrix",
        shares,
        texts,
        rows,
        columns,
        caption=f"{what.capitalize()}s by true {kind} (rows) and {kind} told (columns). "
        f"The darker, the larger the share of its row; on the diagonal are the right answers.",
        corner="true ↓ told →",
        diagonal=True,
        style="" if few else "dense",
    )


def _pairs(classes: Sequence[str], counts: Counts, what: str, kind: str) -> Iterator[Html]:
    """The pairs that are confused most often."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    if not wrong.any():
        yield paragraph(f"No {kind} is mistaken for another.")
        return
    order = np.argsort(-wrong, axis=None, kind="stable")[:PAIRS]
    order = order[wrong.ravel()[order] > 0]
    true, told = np.unravel_index(order, wrong.shape)
    shares = wrong / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    most = shares[true, told].max()
    rows = [
        (
            [
                joined([heading(classes[a]), "→", heading(classes[b])], " "),
                f"{wrong[a, b]:,}",
                bar(shares[a, b] / most, percent(shares[a, b])),
            ],
            None,
        )
        for a, b in zip(true.tolist(), told.tolist(), strict=True)
    ]
    yield table(
        "pairs",
        [f"true {kind} → {kind} told", f"{what}s", f"of the true {kind}"],
        rows,
        caption=f"What is mistaken most often: {plural(len(rows), 'pair')} "
        f"of {int((wrong > 0).sum()):,}.",
    )


def _of_labels(evaluation: LabelEvaluation) -> Html:
    """Of each label: told rightly, missed, told wrongly, rightly not told."""
    rows = []
    for label, ((nothing, wrong), (missed, hits)) in zip(
        evaluation.labels, evaluation.confusion().tolist(), strict=True
    ):
        rows.append(([heading(label), *(f"{n:,}" for n in (hits, missed, wrong, nothing))], None))
    grid = table(
        "matrix",
        ["label", "told rightly", "missed", "told wrongly", "rightly not told"],
        rows[:UNFOLDED],
        caption="Test examples by label: a label is told from a probability of 50 % on.",
    )
    return foldable(grid, len(rows), f"Confusion of {len(rows):,} labels")
