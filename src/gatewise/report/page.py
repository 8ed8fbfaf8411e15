"""The frame that every report stands in: head, style, cards; and how a page reaches the disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from importlib import resources
from pathlib import Path

from matplotlib.figure import Figure

from gatewise.errors import RunError
from gatewise.report.markup import Html, element, joined
from gatewise.report.svg import draw
from gatewise.version import __version__

WIDE, NARROW, HALF = (920, 300), (340, 270), (440, 260)
LISTED = 24  # rows of a table that stand open; longer ones can be unfolded
UNFOLDED = 500  # rows of a table at all
Key = tuple[str, str]  # (words of a legend, class of its mark in style.css)
Section = tuple[str, str, Iterable[object]]  # anchor, title, what stands in it


def page(title: str, content: Iterable[object]) -> str:
    """A whole document. The policy in its head forbids every request and every script."""
    style = resources.files("gatewise.report").joinpath("style.css").read_text("utf-8")
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="generator", content=f"gatewise {__version__}"),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        element("style", Html(style)),
    )
    body = element("body", element("main", joined(content)))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def section(anchor: str, title: str, *content: object) -> Html:
    """A card with a heading."""
    return element(
        "section",
        element("h2", title, id=f"{anchor}-title"),
        joined(content),
        id=anchor,
        aria_labelledby=f"{anchor}-title",
    )


def navigation(anchors: Sequence[tuple[str, str]]) -> Html:
    """Links to the sections."""
    links = (element("a", title, href=f"#{anchor}") for anchor, title in anchors)
    return element("nav", joined(links), aria_label="Sections")


def chart(
    key: str,
    label: str,
    paint: Callable[[bool], Callable[[Figure], None]],
    *,
    wide: bool,
    caption: object = "",
) -> Html:
    """A figure; `paint` is told whether to draw for the full width of the page.

    A wide chart is drawn twice, for large and for small screens (the style shows one of them):
    shrunk to a phone's width, its labels could not be read.
    """
    if wide:
        drawn = [
            draw(paint(True), WIDE, key=f"{key}-wide", label=label, class_="wide"),
            draw(paint(False), NARROW, key=f"{key}-narrow", label=label, class_="narrow"),
        ]
    else:
        drawn = [draw(paint(False), HALF, key=key, label=label, class_="half")]
    words = element("figcaption", caption) if caption else ""
    return element("figure", words, *drawn)


def legend(keys: Iterable[Key]) -> Html:
    """What the lines of the charts below are."""
    entries = (
        element("li", element("i", class_=f"key {mark}", aria_hidden="true"), words)
        for words, mark in keys
    )
    return element("ul", joined(entries), class_="legend")


def foldable(grid: Html, rows: int, summary: str) -> Html:
    """A table; behind a summary where it is long."""
    if rows <= LISTED:
        return grid
    return element("details", element("summary", summary), grid)


def code(text: str, label: str) -> Html:
    """A block to copy: one click selects it whole."""
    return element(
        "div",
        element("p", label, class_="label"),
        element("pre", element("code", text), tabindex="0", aria_label=label),
    )


def paragraph(*content: object, class_: str | None = None) -> Html:
    """A paragraph."""
    return element("p", *content, class_=class_)


def write(path: str | os.PathLike[str], document: str) -> None:
    """Write whole or not at all: a file that was there stays until the new one is complete.

    Raises RunError when the disk refuses.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name[:200]}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(document.encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise RunError(
            f"cannot write {path}: {error.strerror or error}; "
            f"what stood there before is unchanged. Choose another place, or make room there"
        ) from error
