"""The network beside its baselines in one table, for every task whose scores are plain numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set

from gatewise.judging.verdict import NETWORK
from gatewise.report.markup import NONE, Html, column, element, joined, number, table
from gatewise.report.page import paragraph

Scores = Mapping[str, Mapping[str, float | None]]

UNDEFINED = "not defined on this test part, or the answers are not finite numbers."


def score_table(
    scores: Scores,
    order: Sequence[tuple[str, float]],
    caption: str,
    *,
    lower: Set[str] = frozenset(),
    decimals: Mapping[str, int | None],
    unmarked: Set[str] = frozenset(),
    undefined: str = UNDEFINED,
) -> Html:
    """One row for each name, in this order; the best of each column is bold.

    Nothing is where all look alike, or where the highest of scores is 0.

    lower      metrics of which less is better
    decimals   metric -> digits behind the point; None: about three digits that mean something
    unmarked   metrics whose best is not bold
    undefined  what is said below, where a score is not defined
    """
    metrics = list(scores[order[0][0]])
    columns = [
        _cells(
            [scores[who][m] for who, _ in order],
            decimals.get(m, 3),
            lower=m in lower,
            marked=m not in unmarked,
        )
        for m in metrics
    ]
    rows = [
        ([who, *cells], "own" if who == NETWORK else None)
        for (who, _), *cells in zip(order, *columns, strict=True)
    ]
    head = [f"{metric}\u00a0{'↓' if metric in lower else '↑'}" for metric in metrics]
    grid = table("scores-table", ["model", *head], rows, caption=caption)
    missing = any(scores[who][m] is None for who, _ in order for m in metrics)
    return joined([grid, paragraph(f"{NONE} {undefined}", class_="muted")]) if missing else grid


def _cells(
    values: Sequence[float | None], decimals: int | None, *, lower: bool, marked: bool
) -> list[object]:
    found = [math.nan if value is None else value for value in values]
    finite = [value for value in found if math.isfinite(value)]
    best = (min if lower else max)(finite) if finite else None
    texts = column(found) if decimals is None else [fixed(value, decimals) for value in found]
    alike = len(texts) > 1 and len(set(texts)) == 1
    if not marked or alike or (best == 0 and not lower):
        best = None
    return [
        element("b", text) if value == best else text
        for text, value in zip(texts, found, strict=True)
    ]


def fixed(value: float, decimals: int) -> str:
    """Shares and scores stand below one another with as many decimals each."""
    if not math.isfinite(value) or abs(value) >= 1e9:
        return number(value)
    return f"{value:z,.{decimals}f}".replace("-", "−")


def bar(share: float, words: object) -> Html:
    """A number with a bar behind it, `share` (0 to 1) of the cell long."""
    return element("span", words, class_="bar", style=f"--s:{min(max(share, 0.0), 1.0):.3f}")
