"""HTML built so that text cannot become markup, and numbers as a reader wants them."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

DIGEST, DIGITS = re.compile("[0-9a-f]{64}"), 16  # of a SHA-256; `gatewise info` shows all of it
NONE = "–"  # what stands where there is no number
_VOID = frozenset({"meta", "link"})
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class Html(str):
    """Markup. Any other text is escaped before it enters a page."""


def markup(content: object) -> Html:
    """`content` as markup: escaped, unless it is markup already."""
    if isinstance(content, Html):
        return content
    return Html(html.escape(_UNPRINTABLE.sub("\ufffd", str(content))))


def element(tag: str, *content: object, **attributes: object) -> Html:
    """`<tag ...>content</tag>`; False and None leave an attribute out, True gives its bare name.

    A trailing underscore is dropped (`class_`), others become hyphens (`aria_label`).
    """
    opening = tag
    for name, value in attributes.items():
        if value is not None and value is not False:
            opening += f" {name.rstrip('_').replace('_', '-')}"
            opening += "" if value is True else f'="{markup(value)}"'
    inside = "".join(map(markup, content))
    return Html(f"<{opening}>" if tag in _VOID else f"<{opening}>{inside}</{tag}>")


def name(text: object) -> Html:
    """A name that the user gave: kept apart from the direction of the text around it."""
    return element("bdi", text)


def shorten(text: str, most: int) -> str:
    """At most `most` characters; `…` at the end says that there were more."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def joined(parts: Iterable[object], separator: str = "\n") -> Html:
    """Pieces of a page behind one another."""
    return Html(markup(separator).join(map(markup, parts)))


def table(
    key: str,
    head: Sequence[object],
    rows: Iterable[tuple[Sequence[object], str | None]],
    *,
    caption: object,
    hidden_caption: bool = False,
) -> Html:
    """A table whose first column names the row; each row comes with its class (or None).

    key  unique within the page. The caption stands before the part that scrolls sideways.
    """
    lines = [
        element(
            "tr",
            element("th", cells[0], scope="row"),
            *(element("td", cell) for cell in cells[1:]),
            class_=style,
        )
        for cells, style in rows
    ]
    grid = element(
        "table",
        element("thead", element("tr", *(element("th", cell, scope="col") for cell in head))),
        element("tbody", joined(lines)),
        aria_labelledby=f"{key}-caption",
    )
    return captioned(key, grid, caption, hidden_caption=hidden_caption)


def captioned(key: str, grid: Html, caption: object, *, hidden_caption: bool = False) -> Html:
    """A table that scrolls sideways by itself, below its caption."""
    style = "unseen" if hidden_caption else "caption"
    return joined(
        [
            element("p", caption, class_=style, id=f"{key}-caption"),
            element(
                "div",
                grid,
                class_="scroll",
                tabindex="0",
                role="region",
                aria_labelledby=f"{key}-caption",
            ),
        ]
    )


def facts_list(facts: Mapping[str, Any]) -> Html:
    """Name and value pairs."""
    pairs = (
        element("div", element("dt", name(key)), element("dd", fact(key, value)))
        for key, value in facts.items()
    )
    return element("dl", joined(pairs))


def fact(key: str, value: Any) -> Html:
    """A printable fact as text: lists joined, numbers shortened."""
    text: object = name(value)
    if isinstance(value, str) and DIGEST.fullmatch(value):
        text = element("span", name(f"{value[:DIGITS]}…"), title=value)
    elif value is None or (isinstance(value, list | tuple) and not value):
        text = "none"
    elif isinstance(value, bool | np.bool_):
        text = "yes" if value else "no"
    elif isinstance(value, int | np.integer):
        grouped = abs(int(value)) >= 10_000 and "seed" not in key.casefold()
        text = f"{value:,}" if grouped else str(value)
    elif isinstance(value, float | np.floating):
        text = f"{value:,.6g}" if math.isfinite(value) else NONE
    elif isinstance(value, Mapping):
        text = joined([Html(f"{name(k)}: {fact(str(k), v)}") for k, v in value.items()], ", ")
    elif isinstance(value, list | tuple | set | frozenset):
        text = joined([fact(key, entry) for entry in value], ", ")
    return markup(text)


def number(value: float, digits: int = 3) -> str:
    """With about `digits` digits that mean something; `–` for what is not a number."""
    if not math.isfinite(value):
        return NONE
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if not -5 < exponent < 9:
        return _scientific(value, digits)
    return _fixed(value, max(0, digits - 1 - exponent))


def column(values: Sequence[float], digits: int = 3) -> list[str]:
    """Numbers that stand below one another: the same decimals, enough for the smallest."""
    sizes = [abs(value) for value in values if math.isfinite(value) and value != 0]
    if not sizes:
        return [number(value) for value in values]
    smallest, largest = math.floor(math.log10(min(sizes))), math.floor(math.log10(max(sizes)))
    if largest >= 9 or largest < -4:
        return [number(value, digits) for value in values]
    decimals = min(digits - 1 - smallest, digits - largest)
    decimals = max(decimals, 1 - smallest, 0)  # two digits of the smallest in any case
    return [_fixed(value, decimals) if math.isfinite(value) else NONE for value in values]


def percent(share: float) -> str:
    """A share of 1 as a percentage."""
    return f"{number(100 * share, 3 if share > 0.1 else 2)} %"


def plural(count: int, noun: str) -> str:
    """`1 window`, `2 windows`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _fixed(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}".replace("-", "−")


def _scientific(value: float, digits: int) -> str:
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}".replace("-", "−")
