"""The report of a generation run: how well the text is foretold, and what the network writes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatewise.judging.language import LanguageEvaluation
from gatewise.judging.verdict import NETWORK, best_rival
from gatewise.report.markup import NONE, Html, element, joined, number, plural, shorten
from gatewise.report.page import Section, paragraph, write
from gatewise.report.scoreboard import fixed, score_table
from gatewise.report.story import Tile, whole_page
from gatewise.rivals.ngrams import FIVEGRAM, UNIGRAM
from gatewise.training import History

LOWER = frozenset({"nats per character", "bits per character", "perplexity per token"})
KNOWN = {
    UNIGRAM: "The unigram model knows how often each token occurs.",
    FIVEGRAM: "The 5-gram model knows what followed each four tokens.",
}
MOST = 4000  # characters of a sample that are shown
Sample = tuple[float | str, str, str]


@dataclass(frozen=True)
class LanguageReport:
    """All that the page of one generation run says.

    title       heading
    source      name of the data file
    evaluation  on the part that was not learnt from
    samples     (temperature, or settings in words; prompt; what the network wrote after it)
    history     of the training
    facts       section -> name -> printable fact: data, network, training, versions
    notes       what was assumed, repaired or fell back, in words
    settings    YAML that reproduces the run
    command     the shell line that does
    created     ISO time, or None: not said
    seed        of the run, or None: not said
    """

    title: str
    source: str
    evaluation: LanguageEvaluation
    samples: Sequence[Sample]
    history: History
    facts: Mapping[str, Mapping[str, Any]]
    notes: Sequence[str]
    settings: str
    command: str
    created: str | None = None
    seed: int | None = None


def write_language_report(path: str | os.PathLike[str], report: LanguageReport) -> None:
    """Write the page of a run, whole or not at all. Raises RunError when the disk refuses."""
    write(path, language_page(report))


def language_page(report: LanguageReport) -> str:
    """The page of a run: one HTML document that needs nothing else and requests nothing."""
    sections: list[Section] = [
        ("scores", "Scores", _scores(report)),
        ("samples", "Samples", _samples(report.samples)),
    ]
    return whole_page(report, _tiles(report), sections, learnt=report.evaluation.learnt)


def _tiles(report: LanguageReport) -> list[Tile]:
    evaluation = report.evaluation
    ranking = evaluation.ranking()
    rival, best = best_rival(ranking)
    perplexity = evaluation.scores()[NETWORK]["perplexity per token"]
    return [
        ("nats per character of the network", fixed(dict(ranking)[NETWORK], 3)),
        (f"nats per character of the {rival} model, the best baseline", fixed(best, 3)),
        ("perplexity per token", NONE if perplexity is None else number(perplexity)),
        ("held-out characters", f"{evaluation.characters:,}"),
    ]


def _scores(report: LanguageReport) -> Iterator[Html]:
    evaluation = report.evaluation
    yield score_table(
        evaluation.scores(),
        evaluation.ranking(),
        f"How surprising {plural(evaluation.characters, 'held-out character')} "
        f"({plural(evaluation.tokens, 'token')}) are, one after another. "
        f"Lower is better; the best of each column is bold.",
        lower=LOWER,
        decimals={"perplexity per token": None},
        undefined="not a finite number.",
    )
    yield paragraph(
        "Nats per character are the mean of −log p of what comes next; bits are nats divided by "
        "log 2: what a compressor led by the model would need. Perplexity is the number of equally "
        "likely tokens among which it would be as unsure; it compares only between models of the "
        "same tokens. ",
        joined([KNOWN[rival] for rival in KNOWN if rival in evaluation.nats], " "),
        f" The seed is {report.seed}." if report.seed is not None else "",
        class_="muted",
    )


def _samples(samples: Sequence[Sample]) -> Iterator[Html]:
    if not samples:
        yield paragraph("None was written.")
        return
    yield paragraph(
        "Written by the network, a token at a time; what it was given is bold. A low temperature "
        "keeps to what is likely and repeats itself, a high one dares more and errs more."
    )
    blocks = [_sample(index, *sample) for index, sample in enumerate(samples)]
    yield element("div", joined(blocks), class_="grid small")


def _sample(index: int, setting: float | str, prompt: str, text: str) -> Html:
    words = setting if isinstance(setting, str) else f"temperature {setting:g}"
    given = element("b", prompt) if prompt else ""
    return element(
        "div",
        element("h3", words, id=f"sample-{index}"),
        element(
            "pre",
            given,
            shorten(text, MOST),
            class_="sample",
            tabindex="0",
            dir="auto",
            aria_labelledby=f"sample-{index}",
        ),
        class_="facts",
    )
