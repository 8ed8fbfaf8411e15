"""Where each word of an answer looked, as tables of real text: any script, and it can be copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.report.heat import heading, heat_table
from gatewise.report.markup import Html, joined
from gatewise.report.page import paragraph

Alignment = tuple[Sequence[str], Sequence[str], NDArray[np.floating[Any]]]

MOST = 48  # tokens of either side that are shown
SEEN = 0.1  # weights from here on are written into their cells
SHADE = 0.7  # below 1: small weights are seen too
FLAT = 2  # characters of the longest token that still stands lying
INVISIBLE = {" ": "␣", "\t": "⇥", "\n": "↵", "\u3000": "␣"}


def looked(index: int, alignment: Alignment) -> Html:
    """One answer: its tokens downwards, the source to the right, darker the more it was looked at.

    alignment  source tokens (T), answer tokens (k), weights (k, T)
    """
    source, answer, weights = alignment
    shares = np.asarray(weights, dtype=np.float64)[: len(answer), : len(source)]
    cut = max(shares.shape, default=0) > MOST
    shares = np.nan_to_num(shares[:MOST, :MOST])
    texts = [[f"{100 * w:.0f}" if w >= SEEN else "" for w in row] for row in shares.tolist()]
    rows = [_token(token) for token in answer[: len(shares)]]
    columns = [_token(token) for token in source[: shares.shape[1]]]
    upright = max((len(str(token)) for token in source[:MOST]), default=0) > FLAT
    grid = heat_table(
        f"attention-{index}",
        shares**SHADE,
        texts,
        rows,
        columns,
        caption=f"Answer {index + 1}: attention in %",
        corner="told ↓ source →",
        style="dense tokens" + (" upright" if upright else ""),
    )
    if not cut:
        return grid
    words = f"Only the first {MOST} tokens of either side are shown."
    return joined([grid, paragraph(words, class_="muted")])


def _token(token: object) -> Html:
    words = str(token)
    return heading("".join(INVISIBLE.get(sign, sign) for sign in words) or "∅")
