"""Tables whose cells are shaded by how large they are: real text in any script, no picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gatewise.report.markup import Html, captioned, element, joined, shorten

Floats = NDArray[np.float64]

LONG = 28  # characters of a heading that are shown


def heat_table(
    key: str,
    shares: Floats,
    texts: Sequence[Sequence[str]],
    rows: Sequence[object],
    columns: Sequence[object],
    *,
    caption: object,
    corner: object = "",
    diagonal: bool = False,
    style: str = "",
) -> Html:
    """A grid of shaded cells.

    shares    (R, C) 0 to 1: how strong each cell is shaded
    texts     what stands in each cell
    rows, columns  their headings
    corner    what the headings are
    diagonal  whether cells on the diagonal are right and all others wrong: two colours
    style     dense: small cells; upright: headings of columns too
    """
    lines = []
    for row, heading in enumerate(rows):
        cells = [
            element(
                "td",
                texts[row][column],
                class_="hit" if diagonal and row == column else None,
                style=f"--s:{share:.3f}" if share >= 0.0005 else None,
            )
            for column, share in enumerate(shares[row].tolist())
        ]
        lines.append(element("tr", element("th", heading, scope="row"), *cells))
    head = [element("td", corner, class_="corner")]
    head += [element("th", heading, scope="col") for heading in columns]
    grid = element(
        "table",
        element("thead", element("tr", *head)),
        element("tbody", joined(lines)),
        class_=f"heat{' right-wrong' if diagonal else ''} {style}".rstrip(),
        aria_labelledby=f"{key}-caption",
    )
    return captioned(key, grid, caption)


def heading(text: object) -> Html:
    """A name as a heading: shortened, whole where the pointer rests on it."""
    words = str(text)
    short = shorten(words, LONG)
    return element("bdi", short, class_="brief", title=words if short != words else None)


def numbered(names: Sequence[str]) -> list[Html]:
    """`1 first`, `2 second`: for tables whose columns are too many to be named."""
    return [
        joined([element("span", str(index), class_="index"), heading(text)], " ")
        for index, text in enumerate(names, 1)
    ]
