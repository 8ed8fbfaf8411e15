"""The pictures of the pages, as SVG files, light and dark, in the colours of the report.

Each is drawn from what a page's own run leaves: a report in its folder, or names of its code.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DEMO = "demo-out"  # where `make demo` leaves its report
TRANSLATION = "pairs-translate"
ANSWER = 1  # of the report's translations that whose attention is drawn

TITLE, LEGEND = "Airline passengers, thousands a month", (("ink", "truth"), ("network", "forecast"))
BAND, MARGIN = 38, 10  # height of title and legend above the chart; space on its other sides
LOOKED = "Where the network looked as it wrote each digit, in %"
CELL, ROW, SIDE = 76, 30, 40  # width and height of a cell; space for the digits beside them
DARK = 0.5  # weights from here on are written in the colour of the page
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK SC', sans-serif"

Colours = Mapping[str, str]


def palettes() -> dict[str, dict[str, str]]:
    """The colours of the report: light and dark -> role -> colour."""
    style = (ROOT / "src/gatewise/report/style.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    read = re.compile(r"--([\w-]+): ([^;]+);")
    return {"light": dict(read.findall(light)), "dark": dict(read.findall(dark))}


def forecast(folder: Path, names: Mapping[str, Any], colours: Colours) -> str:  # noqa: ARG001
    """The forecast chart of a report as a file of its own: title, legend and background added."""
    report = (folder / DEMO / "report.html").read_text(encoding="utf-8")
    after = report[report.index('id="forecast"') :]
    found = re.search(r'<svg viewBox="0 0 (\d+) (\d+)"([^>]*) class="wide">(.*?)</svg>', after)
    if found is None:
        raise ValueError("the report has no forecast chart")
    width, height = int(found[1]) + 2 * MARGIN, int(found[2]) + BAND + MARGIN
    drawn = f'{_band(width)}<g transform="translate({MARGIN} {BAND})">{found[4]}</g>'
    return finished(width, height, found[3], drawn, colours)


def attention(folder: Path, names: Mapping[str, Any], colours: Colours) -> str:  # noqa: ARG001
    """One attention table of a report as a picture: a row for each token of the answer."""
    report = (folder / TRANSLATION / "report.html").read_text(encoding="utf-8")
    found = re.search(rf'<table[^>]*"attention-{ANSWER}-caption">(.*?)</table>', report, re.DOTALL)
    if found is None:
        raise ValueError("the report has no such attention table")
    head, *rows = re.findall(r"<tr>(.*?)</tr>", found[1], re.DOTALL)
    source = _headings(head)
    drawn = [_words(MARGIN + 6, 28, LOOKED, "start", "ink", 15)]
    drawn += [
        _words(SIDE + (i + 0.5) * CELL, BAND + 20, word, "middle") for i, word in enumerate(source)
    ]
    for number, row in enumerate(rows):
        top = BAND + (number + 1) * ROW
        drawn.append(_words(SIDE - 14, top + 20, *_headings(row), "middle"))
        for place, (_, percent) in enumerate(re.findall(r"<td([^>]*)>(.*?)</td>", row)):
            left, share = SIDE + place * CELL, int(percent or 0) / 100
            drawn.append(
                f'<rect x="{left}" y="{top}" width="{CELL - 2}" height="{ROW - 2}" rx="3" '
                f'style="fill: var(--network); fill-opacity: {max(share, 0.04):.2f}"/>'
            )
            colour = "card" if share >= DARK else "ink"
            drawn.append(_words(left + CELL / 2 - 1, top + 19, percent, "middle", colour))
    width, height = SIDE + len(source) * CELL + MARGIN, BAND + (len(rows) + 1) * ROW + MARGIN
    label = f' role="img" aria-label="Attention table: {" ".join(source)}"'
    return finished(width, height, label, "".join(drawn), colours)


def _headings(row: str) -> list[str]:
    cells = re.findall(r"<th[^>]*>(.*?)</th>", row, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in cells]


# -- Learning curves ------------------------------------------------------------------------------
LEFT, PANEL, TALL, GAP = 40, 262, 170, 26  # before the first plot; width, height, space between
CURVES = (("train_loss", "baseline-1", "training"), ("validation_loss", "network", "validation"))
LEAST, MOST = 0.05, 5.0  # losses that the logarithmic axis reaches from and to


def curves(folder: Path, names: Mapping[str, Any], colours: Colours) -> str:  # noqa: ARG001
    """A plot for each of `histories` (title -> History): both losses by epoch, the kept marked."""
    histories = names["histories"]
    bottom = BAND + 8 + TALL
    drawn = []
    for place, (title, history) in enumerate(histories.items()):
        left, count = LEFT + place * (PANEL + GAP), len(history.records)
        drawn += [_words(left, 28, title, "start", "ink", 15), _axes(left, bottom, count)]
        for key, role, _ in CURVES:
            losses = [getattr(record, key) for record in history.records]
            points = [
                (left + PANEL * i / max(count - 1, 1), bottom - _height(loss))
                for i, loss in enumerate(losses)
            ]
            drawn.append(_line(points, role))
        x, y = points[history.best_epoch - 1]  # of the validation loss, drawn last
        drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" style="fill: var(--network)"/>')
    for loss in (0.1, 1):
        drawn.append(_words(LEFT - 6, bottom - _height(loss) + 4, f"{loss:g}", "end"))
    for place, (_, role, words) in enumerate(CURVES):
        x, y = LEFT + place * 130, bottom + 40
        drawn += [_line([(x, y - 4), (x + 22, y - 4)], role), _words(x + 28, y, f"{words} loss")]
    width = LEFT + len(histories) * (PANEL + GAP) - GAP + 2 * MARGIN
    drawn.append(_words(width - 2 * MARGIN, bottom + 40, "nats per character, logarithmic", "end"))
    label = f' role="img" aria-label="Learning curves: {", ".join(histories)}"'
    return finished(width, bottom + 56, label, "".join(drawn), colours)


def _height(loss: float) -> float:
    """Of a loss above the bottom of its plot."""
    return TALL * math.log(min(max(loss, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)


def _axes(left: float, bottom: float, count: int) -> str:
    grid = "".join(
        f'<path d="M {left} {bottom - _height(loss):.1f} h {PANEL}" '
        f'style="stroke: var(--grid); stroke-width: 1"/>'
        for loss in (0.1, 1)
    )
    return (
        f'{grid}<path d="M {left} {bottom - TALL} v {TALL} h {PANEL}" fill="none" '
        f'style="stroke: var(--muted); stroke-width: 1"/>'
        f"{_words(left, bottom + 17, '1', 'middle')}"
        f"{_words(left + PANEL, bottom + 17, f'epoch {count}', 'end')}"
    )


def _line(points: Sequence[tuple[float, float]], role: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (
        f'<polyline points="{path}" fill="none" style="stroke: var(--{role}); stroke-width: 2.4"/>'
    )


def _words(
    x: float, y: float, words: str, anchor: str = "start", role: str = "muted", size: int = 13
) -> str:
    weight = ' font-weight="600"' if size > 13 else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}"{weight} text-anchor="{anchor}" '
        f'style="fill: var(--{role})">{html.escape(words)}</text>'
    )


def finished(width: int, height: int, marks: str, drawn: str, colours: Colours) -> str:
    """An SVG file: the colours of `var(--role)` and a background put in."""
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    page = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}{marks} '
        f'font-family="{FONT}" stroke-linejoin="round">'
        f'<rect width="{width}" height="{height}" rx="10" style="fill: var(--card)"/>'
        f"{drawn}</svg>\n"
    )
    return re.sub(r"var\(--([\w-]+)\)", lambda role: colours[role[1]], page)


def _band(width: int) -> str:
    pieces = [
        f'<text x="{MARGIN + 30}" y="28" font-size="15" font-weight="600" style="fill: var(--ink)">'
        f"{TITLE}</text>"
    ]
    for place, (role, words) in zip((width - 200, width - 115), LEGEND, strict=True):
        pieces.append(
            f'<path d="M {place} 23 h 22" style="stroke: var(--{role}); stroke-width: 2.4"/>'
            f'<text x="{place + 28}" y="27.5" font-size="13" style="fill: var(--muted)">'
            f"{words}</text>"
        )
    return "".join(pieces)
