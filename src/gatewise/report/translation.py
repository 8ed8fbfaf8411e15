"""The report of a translation run: scores, examples good and bad, where the network looked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatewise.judging.translation import TranslationEvaluation
from gatewise.judging.verdict import NETWORK
from gatewise.report import lengths
from gatewise.report.attention import Alignment, looked
from gatewise.report.differences import marked
from gatewise.report.markup import Html, element, facts_list, joined, plural, shorten
from gatewise.report.page import Section, paragraph, write
from gatewise.report.scoreboard import fixed, score_table
from gatewise.report.story import Tile, whole_page
from gatewise.training import History

DECIMALS = {"BLEU": 1, "chrF": 1}
EXAMPLES = 8  # that are chosen where none are given
WORST = 8
MOST = 600  # characters of a text


@dataclass(frozen=True)
class TranslationReport:
    """All that the page of one translation run says.

    title       heading
    source      name of the data file
    evaluation  on the part that was not learnt from
    history     of the training
    facts       section -> name -> printable fact: data, network, training, versions
    notes       what was assumed, repaired or fell back, in words
    settings    YAML that reproduces the run
    command     the shell line that does
    examples    (source, reference, what the network told); none: some of the test part, evenly
    attention   of some answers: source tokens (T), answer tokens (k), weights (k, T)
    created     ISO time, or None: not said
    seed        of the run, or None: not said
    rows        (N,) where each pair stands in its file, from 1; None: counted in the part
    """

    title: str
    source: str
    evaluation: TranslationEvaluation
    history: History
    facts: Mapping[str, Mapping[str, Any]]
    notes: Sequence[str]
    settings: str
    command: str
    examples: Sequence[tuple[str, str, str]] = ()
    attention: Sequence[Alignment] = ()
    created: str | None = None
    seed: int | None = None
    rows: Sequence[int] | None = None


def write_translation_report(path: str | os.PathLike[str], report: TranslationReport) -> None:
    """Write the page of a run, whole or not at all. Raises RunError when the disk refuses."""
    write(path, translation_page(report))


def translation_page(report: TranslationReport) -> str:
    """The page of a run: one HTML document that needs nothing else and requests nothing."""
    sections: list[Section] = [
        ("scores", "Scores", _scores(report)),
        ("examples", "Examples", _examples(report)),
        ("worst", "Worst translations", _worst(report)),
    ]
    if report.attention:
        sections.append(("attention", "Attention", _attention(report.attention)))
    sections.append(("length", "Score by length", lengths.by_length(report.evaluation)))
    return whole_page(report, _tiles(report), sections, learnt=report.evaluation.learnt)


def _tiles(report: TranslationReport) -> list[Tile]:
    evaluation = report.evaluation
    compared = evaluation.comparison
    scores = evaluation.scores()[NETWORK]
    other = "token accuracy" if compared.metric == "exact match" else "exact match"
    return [
        (f"{compared.metric} of the network", fixed(compared.own, compared.digits)),
        (
            f"{compared.metric} of {compared.rival}, the best baseline",
            fixed(compared.best, compared.digits),
        ),
        (f"{other} of the network", fixed(scores[other] or 0.0, 3)),
        ("test pairs", f"{len(evaluation.sources):,}"),
    ]


def _scores(report: TranslationReport) -> Iterator[Html]:
    evaluation = report.evaluation
    yield score_table(
        evaluation.scores(),
        evaluation.ranking(),
        f"Scores on {plural(len(evaluation.sources), 'test pair')}, ranked by "
        f"{evaluation.ranked_by}. Higher is better; the best of each column is bold.",
        decimals=DECIMALS,
    )
    yield paragraph(
        "BLEU (0 to 100) counts how many runs of one to four tokens a translation shares with its "
        "reference, chrF (0 to 100) runs of one to six characters. Exact match is the share of "
        "translations that equal their reference, token accuracy the share of places with the "
        "right token. A good translation in other words than the reference scores low in all.",
        f" The seed is {report.seed}." if report.seed is not None else "",
        class_="muted",
    )
    signatures = evaluation.signatures()
    yield facts_list({f"{name}, computed as": words for name, words in signatures.items()})


def _examples(report: TranslationReport) -> Iterator[Html]:
    evaluation = report.evaluation
    chosen = [tuple(map(_words, example)) for example in report.examples]
    said = "Some of the test part" if chosen else "Taken evenly from the test part"
    if not chosen:
        count = len(evaluation.sources)
        rows = sorted({i * count // EXAMPLES for i in range(EXAMPLES)})
        told = evaluation.told[NETWORK]
        chosen = [
            tuple(map(_words, (evaluation.sources[row], evaluation.references[row], told[row])))
            for row in rows
        ]
    yield paragraph(f"{said}. What is not in the reference is marked.")
    cards = [_card(report, *example) for example in chosen]
    yield element("ol", joined(cards), class_="cases")


def _worst(report: TranslationReport) -> Iterator[Html]:
    evaluation = report.evaluation
    found = evaluation.worst(WORST)
    if not found:
        yield paragraph("There is none: every translation equals its reference.")
        return
    metric, digits = ("chrF", 1) if evaluation.as_text else ("token accuracy", 3)
    few = "those" if len(found) < WORST else f"the {len(found)}"
    yield paragraph(f"These are {few} that differ most from their reference, by {metric}.")
    cards = []
    for worst in found:
        place = f"test pair {worst.row + 1:,}"
        if report.rows is not None:
            place = f"row {report.rows[worst.row]:,}"
        said = f"{metric} {fixed(worst.score, digits)} · {place}"
        cards.append(_card(report, worst.source, worst.reference, worst.told, said))
    yield element("ol", joined(cards), class_="cases")


def _card(
    report: TranslationReport, source: str, reference: str, told: str, below: str = ""
) -> Html:
    spaced = report.evaluation.tokenize in {"13a", "none"}
    lines = {
        "source": _line(source),
        "reference": _line(reference),
        "told": marked(shorten(told, MOST), shorten(reference, MOST), spaced=spaced),
    }
    pairs = (
        element("div", element("dt", what), element("dd", line, dir="auto"))
        for what, line in lines.items()
    )
    words = below or ("equal to the reference" if told.strip() == reference.strip() else "")
    return element(
        "li",
        element("dl", joined(pairs), class_="pair"),
        element("p", words, class_="chips muted") if words else "",
    )


def _line(text: str) -> Html:
    return element("span", shorten(text, MOST)) if text.strip() else element("i", "nothing")


def _words(text: Any) -> str:
    """A text as it is; tokens of any kind in a row."""
    return text if isinstance(text, str) else " ".join(map(str, text))


def _attention(alignments: Sequence[Alignment]) -> Iterator[Html]:
    yield paragraph(
        "How much of its attention the network gave to each token of the source, as it wrote each "
        "token of its answer: a row sums to 100 %, and from 10 % on it is written down. Attention "
        "tells where the network looked, not why it wrote what it wrote."
    )
    for index, alignment in enumerate(alignments):
        yield looked(index, alignment)
