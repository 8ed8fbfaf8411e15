"""Whether long sources are translated as well as short ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from gatewise.judging.translation import TranslationEvaluation
from gatewise.judging.verdict import NETWORK
from gatewise.report.charts import Paint, looks, ticks_of_values
from gatewise.report.markup import Html, element, table
from gatewise.report.page import chart, legend, paragraph
from gatewise.report.scoreboard import fixed

GROUPS = 6
FEW = 10  # pairs of a group below which its score is luck


def by_length(evaluation: TranslationEvaluation) -> Iterator[Html]:
    """Scores of the network and the baselines by length of the source, as a chart and a table."""
    lengths, unit = source_lengths(evaluation)
    groups = grouped(lengths)
    if len(groups) < 2:
        yield paragraph(f"The sources are equally long, or too few to compare ({unit}).")
        return
    metric, digits = ("chrF", 1) if evaluation.as_text else ("token accuracy", 3)
    scores = [_part(evaluation, rows).scores() for rows in groups]
    lines = {who: [score[who][metric] or 0.0 for score in scores] for who in evaluation.told}
    place = [float(lengths[rows].mean()) for rows in groups]
    own = lines[NETWORK]
    words = (
        f"{metric} of the network is {fixed(own[0], digits)} for the shortest sources and "
        f"{fixed(own[-1], digits)} for the longest"
    )
    drawn = looks(lines)
    yield paragraph(f"{words}.")
    yield legend((who, f"k-{drawn[who].role}") for who in lines)
    picture = chart(
        "lengths",
        f"Line chart of {metric} by length of the source in {unit}. {words}.",
        lambda _: _lines(place, lines, f"{unit} of the source", metric),
        wide=False,
    )
    rows_ = [
        (
            [
                _span(lengths[rows]),
                f"{len(rows):,}",
                *(fixed(v[i], digits) for v in lines.values()),
            ],
            None,
        )
        for i, rows in enumerate(groups)
    ]
    grid = table(
        "by-length",
        [unit, "pairs", *lines],
        rows_,
        caption=f"{metric} by length of the source",
    )
    yield element("div", picture, element("div", grid), class_="grid")


def source_lengths(evaluation: TranslationEvaluation) -> tuple[NDArray[np.int64], str]:
    """(N,) tokens, words or characters of each source, and which of these."""
    sources: list[Any] = list(evaluation.sources)
    if not isinstance(sources[0], str):
        return np.array([len(source) for source in sources]), "tokens"
    words = np.array([len(source.split()) for source in sources])
    if words.mean() >= 3:
        return words, "words"
    return np.array([len(source.strip()) for source in sources]), "characters"


def grouped(lengths: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """Rows in at most `GROUPS` groups of similar length and size, shortest first.

    Equal lengths stay together; a group has `FEW` rows at least.
    """
    order = np.argsort(lengths, kind="stable")
    size = max(FEW, -(-len(order) // GROUPS))
    groups, first = [], 0
    while first < len(order):
        last = min(first + size, len(order))
        while last < len(order) and lengths[order[last]] == lengths[order[last - 1]]:
            last += 1
        if len(order) - last < size // 2:
            last = len(order)
        groups.append(order[first:last])
        first = last
    return groups


def _part(evaluation: TranslationEvaluation, rows: NDArray[np.intp]) -> TranslationEvaluation:
    chosen = rows.tolist()
    return TranslationEvaluation(
        [evaluation.sources[row] for row in chosen],
        [evaluation.references[row] for row in chosen],
        {who: [texts[row] for row in chosen] for who, texts in evaluation.told.items()},
    )


def _span(lengths: NDArray[np.int64]) -> str:
    low, high = int(lengths.min()), int(lengths.max())
    return f"{low}" if low == high else f"{low} to {high}"


def _lines(place: list[float], lines: dict[str, list[float]], across: str, metric: str) -> Paint:
    drawn = looks(lines)

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for who in reversed(lines):
            axes.plot(place, lines[who], marker="o", markersize=5, **drawn[who].style)
        axes.set(xlabel=across, ylabel=metric)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        ticks_of_values(axes)

    return paint
