"""The report of a classification run: what is told apart, what is mistaken for what, how surely."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatewise.judging.classes import ClassEvaluation, Mistake
from gatewise.judging.labels import LabelEvaluation
from gatewise.judging.verdict import NETWORK
from gatewise.report import class_charts
from gatewise.report.class_tables import by_class, confusion
from gatewise.report.inputs import shown
from gatewise.report.markup import NONE, Html, element, joined, name, percent, plural, shorten
from gatewise.report.page import Key, Section, chart, legend, paragraph, write
from gatewise.report.scoreboard import fixed, score_table
from gatewise.report.story import Tile, whole_page
from gatewise.training import History

LOWER = frozenset({"log-loss", "ECE"})
MISTAKES = 12  # that are shown
OWN: Key = ("network", "k-network")


@dataclass(frozen=True)
class ClassReport:
    """All that the page of one classification run says.

    title       heading
    source      name of the data file
    evaluation  on the part that was not learnt from
    inputs      (N,) the examples of that part: texts, lists of tokens, or arrays (t, channels)
    history     of the training
    facts       section -> name -> printable fact: data, network, training, versions
    notes       what was assumed, repaired or fell back, in words
    settings    YAML that reproduces the run
    command     the shell line that does
    created     ISO time, or None: not said
    seed        of the run, or None: not said
    rows        (N,) where each example stands in its file, from 1; None: counted in the part
    """

    title: str
    source: str
    evaluation: ClassEvaluation | LabelEvaluation
    inputs: Sequence[Any]
    history: History
    facts: Mapping[str, Mapping[str, Any]]
    notes: Sequence[str]
    settings: str
    command: str
    created: str | None = None
    seed: int | None = None
    rows: Sequence[int] | None = None

    @property
    def several(self) -> bool:
        """Whether an example may have several labels."""
        return isinstance(self.evaluation, LabelEvaluation)

    @property
    def usable(self) -> bool:
        """Whether the network's answers are finite numbers."""
        return self.evaluation.scores()[NETWORK]["ECE"] is not None


def write_class_report(path: str | os.PathLike[str], report: ClassReport) -> None:
    """Write the page of a run, whole or not at all. Raises RunError when the disk refuses."""
    write(path, class_page(report))


def class_page(report: ClassReport) -> str:
    """The page of a run: one HTML document that needs nothing else and requests nothing."""
    kind = "label" if report.several else "class"
    sections: list[Section] = [("scores", "Scores", _scores(report))]
    if report.usable:
        sections += [
            ("classes", f"By {kind}", by_class(report.evaluation)),
            ("confusion", "Confusion", confusion(report.evaluation)),
            ("calibration", "Calibration", _calibration(report)),
            ("mistakes", "Mistakes", _mistakes(report)),
        ]
    return whole_page(report, _tiles(report), sections, learnt=report.evaluation.learnt)


def _tiles(report: ClassReport) -> list[Tile]:
    evaluation = report.evaluation
    compared = evaluation.comparison
    metric = compared.metric
    kinds = len(
        evaluation.labels if isinstance(evaluation, LabelEvaluation) else evaluation.classes
    )
    return [
        (f"{metric} of the network", fixed(compared.own, 3)),
        (f"{metric} of {compared.rival}, the best baseline", fixed(compared.best, 3)),
        ("labels" if report.several else "classes", f"{kinds:,}"),
        ("test examples", f"{len(evaluation.truth):,}"),
    ]


def _scores(report: ClassReport) -> Iterator[Html]:
    evaluation = report.evaluation
    count = len(evaluation.truth)
    yield score_table(
        evaluation.scores(),
        evaluation.ranking(),
        f"Scores on {plural(count, 'test example')}, ranked by {evaluation.ranked_by}. "
        f"↑ higher is better, ↓ lower is better; the best of each column is bold.",
        lower=LOWER,
        decimals={},
        unmarked={"ECE"},  # constant answers have the best one
        undefined="not defined: ROC-AUC needs examples of a class and others in the test part, "
        "and every score needs answers that are finite numbers.",
    )
    words = (
        "Accuracy is the share of examples answered rightly. "
        "Macro-F1 is the mean over the classes of F1, so rare classes count as much as frequent "
        "ones. "
    )
    if report.several:
        words = (
            "Subset accuracy is the share of examples with all labels right. Micro-F1 counts every "
            "single label, macro-F1 is the mean over the labels. "
        )
    yield paragraph(
        words,
        "ROC-AUC is how often the truth is given a higher probability than what is not: 0.5 is "
        "chance. Log-loss (nats) punishes sure mistakes. ECE is how far confidence and share right "
        "lie apart; answers that are always the same can have the best one, so none is bold. ",
        f"The seed is {report.seed}." if report.seed is not None else "",
        class_="muted",
    )


def _calibration(report: ClassReport) -> Iterator[Html]:
    evaluation = report.evaluation
    own = evaluation.calibration()
    counts = np.array([bin_["count"] for bin_ in own])
    sure = float(np.average([bin_["confidence"] for bin_ in own], weights=counts))
    right = float(np.average([bin_["right"] for bin_ in own], weights=counts))
    error = evaluation.scores()[NETWORK]["ECE"] or 0.0
    answers = "answers (a yes or no for each label)" if report.several else "answers"
    words = f"The network is {percent(sure)} sure on average, and {percent(right)} of its {answers}"
    words += f" are right. Confidence and share right lie {percent(error)} apart (ECE)"
    lean = sure - right
    if abs(lean) > 0.02:
        words += f": it is {'surer than it should be' if lean > 0 else 'too modest'}"
    yield paragraph(f"{words}. A bin with few examples says little.")
    best = evaluation.comparison.rival
    usable = evaluation.scores()[best]["ECE"] is not None
    rival = evaluation.calibration(best) if usable else None
    beside = [(best, "k-baseline-1")] if usable else []
    yield legend([OWN, *beside, ("as it should be", "k-mark k-level")])
    yield element(
        "div",
        chart(
            "reliability",
            f"Line chart of the share right by confidence. {words}.",
            lambda _: class_charts.reliability(own, rival),
            wide=False,
            caption="How often right at which confidence",
        ),
        chart(
            "confidences",
            "Bar chart: how many of the network's answers were given with which confidence.",
            lambda _: class_charts.confidences(own),
            wide=False,
            caption="How often which confidence",
        ),
        class_="grid",
    )


def _mistakes(report: ClassReport) -> Iterator[Html]:
    evaluation = report.evaluation
    wrong, count = (evaluation.told() != evaluation.truth), len(evaluation.truth)
    found = evaluation.worst_errors(MISTAKES)
    if not found:
        examples = "the one test example is" if count == 1 else f"all {count:,} test examples are"
        yield paragraph(f"There is none: {examples} answered rightly.")
        return
    what = "label" if report.several else "example"
    total = int(wrong.sum())
    words = f"{plural(total, what)} of {wrong.size:,} {'is' if total == 1 else 'are'} told wrongly"
    if total > len(found):
        words += f". These are the {len(found)} of which the network was surest"
    elif total > 1:
        words += ", here those first of which the network was surest"
    yield paragraph(
        f"{words}. Look at them before anything else: a wrong label in the data, two classes that "
        f"mean the same and a text that was cut too early all show here."
    )
    yield element("ol", joined(_mistake(report, mistake) for mistake in found), class_="cases")


def _mistake(report: ClassReport, mistake: Mistake) -> Html:
    if report.rows is None:
        place = f"test example {mistake.row + 1:,}"
    else:
        place = f"row {report.rows[mistake.row]:,}"
    return element(
        "li",
        shown(report.inputs[mistake.row]),
        element(
            "p",
            _chip("true", mistake.truth, "good"),
            _chip("told", mistake.told, "bad"),
            element("span", f"{percent(mistake.confidence)} sure"),
            element("span", place, class_="muted"),
            class_="chips",
        ),
    )


def _chip(what: str, text: str, style: str) -> Html:
    label = name(shorten(text, 80) or NONE)
    return element("span", element("small", what), " ", label, class_=f"chip {style}")
