"""The report of a tagging run: what is found, what is missed, and in which sentences."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatewise.judging.tags import TagEvaluation, WorstSentence
from gatewise.judging.verdict import NETWORK
from gatewise.report.class_tables import SPELT, confusion_tables
from gatewise.report.heat import heading
from gatewise.report.markup import NONE, Html, element, joined, plural, table
from gatewise.report.page import UNFOLDED, Section, foldable, paragraph, write
from gatewise.report.scoreboard import bar, fixed, score_table
from gatewise.report.spans import both, styles, wrong_tags
from gatewise.report.story import Tile, whole_page
from gatewise.training import History

WORST = 10  # sentences that are shown
OUTSIDE = "O"


@dataclass(frozen=True)
class TagReport:
    """All that the page of one tagging run says.

    title       heading
    source      name of the data file
    evaluation  on the part that was not learnt from
    history     of the training
    facts       section -> name -> printable fact: data, network, training, versions
    notes       what was assumed, repaired or fell back, in words
    settings    YAML that reproduces the run
    command     the shell line that does
    created     ISO time, or None: not said
    seed        of the run, or None: not said
    rows        (N,) number of each sentence in its file, from 1; None: counted in the part
    """

    title: str
    source: str
    evaluation: TagEvaluation
    history: History
    facts: Mapping[str, Mapping[str, Any]]
    notes: Sequence[str]
    settings: str
    command: str
    created: str | None = None
    seed: int | None = None
    rows: Sequence[int] | None = None


def write_tag_report(path: str | os.PathLike[str], report: TagReport) -> None:
    """Write the page of a run, whole or not at all. Raises RunError when the disk refuses."""
    write(path, tag_page(report))


def tag_page(report: TagReport) -> str:
    """The page of a run: one HTML document that needs nothing else and requests nothing."""
    spans = report.evaluation.spans
    sections: list[Section] = [
        ("scores", "Scores", _scores(report)),
        ("types", "By type" if spans else "By tag", _by_type(report.evaluation)),
        ("confusion", "Confusion", _confusion(report.evaluation)),
        ("worst", "Worst sentences", _worst(report)),
    ]
    return whole_page(report, _tiles(report), sections, learnt=report.evaluation.learnt)


def _tiles(report: TagReport) -> list[Tile]:
    evaluation = report.evaluation
    compared = evaluation.comparison
    other = "token accuracy" if evaluation.spans else "macro-F1"
    return [
        (f"{compared.metric} of the network", fixed(compared.own, 3)),
        (f"{compared.metric} of {compared.rival}, the best baseline", fixed(compared.best, 3)),
        (f"{other} of the network", fixed(evaluation.scores()[NETWORK][other] or 0.0, 3)),
        ("test sentences", f"{len(evaluation.sentences):,}"),
    ]


def _scores(report: TagReport) -> Iterator[Html]:
    evaluation = report.evaluation
    tokens = sum(len(sentence) for sentence in evaluation.sentences)
    yield score_table(
        evaluation.scores(),
        evaluation.ranking(),
        f"Scores on {plural(len(evaluation.sentences), 'test sentence')} of "
        f"{plural(tokens, 'token')}, ranked by {evaluation.ranked_by}. "
        f"Higher is better; the best of each column is bold.",
        decimals={},
    )
    words = "Macro-F1 is the mean over the tags of F1, so rare tags count as much as frequent ones."
    if evaluation.spans:
        words = (
            "An entity counts as found when its type, its first and its last token are right. "
            "Precision: of those told, how many are true. Recall: of the true ones, how many are "
            "told. F1: their harmonic mean. Token accuracy also counts the tokens outside of all "
            "entities, which are easy."
        )
    seed = f" The seed is {report.seed}." if report.seed is not None else ""
    yield paragraph(words, seed, class_="muted")


def _by_type(evaluation: TagEvaluation) -> Iterator[Html]:
    own, rival = evaluation.by_type(), evaluation.comparison.rival
    if not own:
        yield paragraph("The test part holds no entity, so there is nothing to find.")
        return
    theirs = evaluation.by_type(rival)
    kind, counted = ("type", "entities") if evaluation.spans else ("tag", "tokens")
    rows = []
    for of, score in sorted(own.items(), key=lambda pair: -(pair[1]["support"] or 0)):
        f1, other = score["F1"] or 0.0, theirs.get(of, {}).get("F1")
        cells: list[object] = [heading(of), bar(f1, fixed(f1, 3))]
        cells += [fixed(score[key] or 0.0, 3) for key in ("precision", "recall")]
        cells += [NONE if other is None else fixed(other, 3), f"{score['support'] or 0:,.0f}"]
        rows.append((cells, None))
    grid = table(
        "by-type",
        [kind, "F1", "precision", "recall", f"F1 of {rival}", f"true {counted}"],
        rows[:UNFOLDED],
        caption=f"The network by {kind}, the most frequent first.",
    )
    yield foldable(grid, len(rows), f"Scores of {plural(len(rows), kind)}")


def _confusion(evaluation: TagEvaluation) -> Iterator[Html]:
    """Token by token; the B- and I- of spans are left aside."""
    flat = [
        [_kind(tag, evaluation.spans) for own in tags for tag in own]
        for tags in (evaluation.truth, evaluation.told[NETWORK])
    ]
    kinds = sorted({*flat[0], *flat[1]}, key=lambda kind: (kind == OUTSIDE, kind))
    number = {kind: index for index, kind in enumerate(kinds)}
    counts = np.zeros((len(kinds), len(kinds)), dtype=np.int64)
    np.add.at(counts, tuple([number[kind] for kind in side] for side in flat), 1)
    if evaluation.spans:
        yield paragraph(
            "By the type of single tokens; O is outside of all entities. Where an entity begins "
            "and ends does not show here."
        )
    elif len(kinds) > SPELT:
        yield paragraph("The tags are numbered in the order of their letters.")
    yield from confusion_tables(kinds, counts, "token", "type" if evaluation.spans else "tag")


def _kind(tag: str, spans: bool) -> str:
    return tag.split("-", 1)[-1] if spans else tag


def _worst(report: TagReport) -> Iterator[Html]:
    evaluation = report.evaluation
    found = evaluation.worst_sentences(WORST)
    if not found:
        count = len(evaluation.sentences)
        every = "the one test sentence is" if count == 1 else f"all {count:,} test sentences are"
        yield paragraph(f"There is none: {every} tagged rightly.")
        return
    if evaluation.spans:
        every_tag = (evaluation.truth, evaluation.told[NETWORK])
        types = {_kind(tag, True) for tags in every_tag for own in tags for tag in own}
        colours = styles(sorted(types - {OUTSIDE}))
        yield paragraph(
            "The sentences with most spans wrong. An entity that the other line has not, or has "
            "otherwise, has a broken frame and the word missed or wrong."
        )
        cards = [_card(report, one, both(one, colours)) for one in found]
    else:
        yield paragraph("The sentences with most tags wrong: behind a token, true → told.")
        cards = [_card(report, one, wrong_tags(one)) for one in found]
    yield element("ol", joined(cards), class_="cases single")


def _card(report: TagReport, sentence: WorstSentence, text: Html) -> Html:
    place = f"test sentence {sentence.row + 1:,}"
    if report.rows is not None:
        place = f"sentence {report.rows[sentence.row]:,}"
    what = "span" if report.evaluation.spans else "tag"
    words = f"{plural(sentence.wrong, what)} wrong · {place}"
    return element("li", text, element("p", words, class_="chips muted"))
