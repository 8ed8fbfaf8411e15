"""The pictures and the outputs that the README shows, made anew: `make docs`.

README.md is a script: its commands and its Python are run from top to bottom in an empty folder,
and what they print takes the place of what stands behind them. The other language shows the same
blocks. The pictures are drawn from reports that its commands leave: the forecast chart of the
first, and where a translation looked.
"""

from __future__ import annotations

import contextlib
import html
import io
import re
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gatewise.cli import main

ROOT = Path(__file__).resolve().parents[1]
README, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
IMAGES = ROOT / "docs/images"
DEMO = "demo-out"  # where `make demo` leaves its report
TRANSLATION = "pairs-translate"
ANSWER = 1  # of the report's translations that whose attention is drawn

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = "$ "
HEAD = re.compile(r"(.*) \| head -n (\d+)")  # the one pipe that commands may have

TITLE, LEGEND = "Airline passengers, thousands a month", (("ink", "truth"), ("network", "forecast"))
BAND, MARGIN = 38, 10  # height of title and legend above the chart; space on its other sides
LOOKED = "Where the network looked as it wrote each digit, in %"
CELL, ROW, SIDE = 76, 30, 40  # width and height of a cell; space for the digits beside them
DARK = 0.5  # weights from here on are written in the colour of the page
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"


def blocks(page: str) -> list[tuple[str, str]]:
    """(language, text) of every fenced block, in order."""
    return [(language, text) for language, text in FENCE.findall(page)]


def rerun(page: str, folder: Path) -> str:
    """The page with every shown output made anew in `folder`.

    console  `$ command` lines, each followed by what it prints
    python   run in one namespace, as one program; a `text` block behind it shows its output
    yaml     a file, named in its first line: `# air.yaml`
    sh       what only a fresh machine can run: left as it is
    """
    names: dict[str, Any] = {}
    said = ""

    def renewed(found: re.Match[str]) -> str:
        nonlocal said
        language, text = found.groups()
        if language == "console":
            commands = [line for line in text.splitlines() if line.startswith(PROMPT)]
            text = "".join(f"{line}\n{run(line[len(PROMPT) :])}" for line in commands)
        elif language == "python":
            said = _printed(text, names)
        elif language == "text":
            text = said
        elif language == "yaml":
            (folder / text.splitlines()[0].removeprefix("# ")).write_text(text, encoding="utf-8")
        return f"```{language}\n{text}```"

    with contextlib.chdir(folder):
        return FENCE.sub(renewed, page)


def with_blocks_of(page: str, other: str) -> str:
    """The page with the fenced blocks of the other one in the place of its own."""
    given: Iterator[re.Match[str]] = FENCE.finditer(other)
    return FENCE.sub(lambda _: next(given)[0], page)


def run(command: str) -> str:
    """What a command prints: its stdout, or, when it fails, its stderr."""
    piped = HEAD.fullmatch(command)
    words = shlex.split(piped[1] if piped else command)
    if words[0] == "make":
        words = recipe(words[1])
    if words[:2] == ["python", "-c"]:
        return _printed(words[2], {})
    if words[0] != "gatewise":
        raise ValueError(f"the README runs gatewise, python -c and make, not: {command}")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words[1:])
    lines = (err if code else out).getvalue().rstrip().splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines[: int(piped[2]) if piped else None])


def recipe(target: str) -> list[str]:
    """The words of the one command that `make target` runs, whatever folder one is in."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = re.search(rf"^{target}:.*\n\t(.*)$", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"the Makefile has no target '{target}'")
    words = shlex.split(found[1].replace("$(BIN)/", ""))
    return [str(ROOT / word) if word.startswith("src/") else word for word in words]


def _printed(code: str, names: dict[str, Any]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "README", "exec"), names)  # noqa: S102 - our own page
    return out.getvalue()


def palettes() -> dict[str, dict[str, str]]:
    """The colours of the report: light and dark -> role -> colour."""
    style = (ROOT / "src/gatewise/report/style.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]
    read = re.compile(r"--([\w-]+): ([^;]+);")
    return {"light": dict(read.findall(light)), "dark": dict(read.findall(dark))}


def picture(report: str, colours: dict[str, str]) -> str:
    """The forecast chart of a report as a file of its own: title, legend and background added."""
    after = report[report.index('id="forecast"') :]
    found = re.search(r'<svg viewBox="0 0 (\d+) (\d+)"([^>]*) class="wide">(.*?)</svg>', after)
    if found is None:
        raise ValueError("the report has no forecast chart")
    width, height = int(found[1]) + 2 * MARGIN, int(found[2]) + BAND + MARGIN
    drawn = f'{_band(width)}<g transform="translate({MARGIN} {BAND})">{found[4]}</g>'
    return _file(width, height, found[3], drawn, colours)


def attention_picture(report: str, colours: dict[str, str]) -> str:
    """One attention table of a report as a picture: a row for each token of the answer."""
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
    return _file(width, height, label, "".join(drawn), colours)


def _headings(row: str) -> list[str]:
    cells = re.findall(r"<th[^>]*>(.*?)</th>", row, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in cells]


def _words(x: float, y: float, words: str, anchor: str, role: str = "muted", size: int = 13) -> str:
    weight = ' font-weight="600"' if size > 13 else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}"{weight} text-anchor="{anchor}" '
        f'style="fill: var(--{role})">{html.escape(words)}</text>'
    )


def _file(width: int, height: int, marks: str, drawn: str, colours: dict[str, str]) -> str:
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


# name of the picture -> (where the command leaves its report, what draws it)
PICTURES = {
    "airline-passengers": (DEMO, picture),
    "attention": (TRANSLATION, attention_picture),
}


def make() -> None:
    """Write both READMEs and the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        page = rerun(README.read_text(encoding="utf-8"), Path(folder))
        reports = {
            place: (Path(folder) / place / "report.html").read_text(encoding="utf-8")
            for place, _ in PICTURES.values()
        }
    chinese = with_blocks_of(CHINESE.read_text(encoding="utf-8"), page)
    README.write_text(page, encoding="utf-8")
    CHINESE.write_text(chinese, encoding="utf-8")
    IMAGES.mkdir(exist_ok=True)
    for name, (place, draw) in PICTURES.items():
        for light, colours in palettes().items():
            drawn = draw(reports[place], colours)
            (IMAGES / f"{name}-{light}.svg").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    make()
