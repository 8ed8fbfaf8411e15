"""Results on a terminal (rich tables) or through a pipe (plain aligned text)."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gatewise.evaluation import METRICS, NETWORK, ForecastEvaluation

PLAIN_WIDTH = 10_000  # text through a pipe is never wrapped
MANY_TARGETS = 12


def open_console(stream: TextIO | None = None) -> Console:
    """Writes to `stream` (default: stdout) as it is: no markup, no colours guessed from words."""
    stream = sys.stdout if stream is None else stream
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(
            file=stream, highlight=False, markup=False, emoji=False, width=PLAIN_WIDTH
        )
    return console


def say(console: Console, text: str, style: str = "") -> None:
    """One paragraph; a terminal wraps it, a pipe gets it as one line."""
    console.print(Text(text, style=style))
    console.file.flush()


def notes(console: Console, lines: Sequence[str]) -> None:
    """What was noticed in the data or chosen from it."""
    for line in lines:
        say(console, f"note: {line}", "yellow")


def table(
    console: Console,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    title: str = "",
    bold: Sequence[int] = (),
) -> None:
    """The first column to the left, all others to the right; `bold` rows stand out."""
    if title:
        say(console, title, "bold")
    shape = box.SIMPLE_HEAD if console.is_terminal else None
    drawn = Table(box=shape, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for number, name in enumerate(header):
        drawn.add_column(
            Text(name), justify="right" if number else "left", no_wrap=not console.is_terminal
        )
    for number, row in enumerate(rows):
        drawn.add_row(*map(Text, row), style="bold" if number in bold else None)
    console.print(drawn)


def scores(console: Console, title: str, evaluation: ForecastEvaluation) -> None:
    """The network beside the baselines on the same windows, best first, and what it comes to."""
    found = evaluation.scores()
    metrics = [m for m in METRICS if any(math.isfinite(score[m]) for score in found.values())]
    names = [name for name, _ in evaluation.ranking()]
    rows = [[name, *(number(found[name][metric]) for metric in metrics)] for name in names]
    windows = len(evaluation.origins)
    title = f"{title} ({windows} window{'' if windows == 1 else 's'} of {evaluation.horizon})"
    table(console, ["", *metrics], rows, title=title, bold=[names.index(NETWORK)])
    if len(evaluation.targets) > 1:
        by_target(console, evaluation)
    verdict = evaluation.verdict()
    colours = {"beats": "bold green", "level": "bold yellow", "loses": "bold red"}
    say(console, verdict, colours[evaluation.standing()])
    say(console, "")


def by_target(console: Console, evaluation: ForecastEvaluation) -> None:
    """For each target the network's MAE beside that of its best baseline."""
    rows = []
    for target in evaluation.targets[:MANY_TARGETS]:
        errors = {name: score["MAE"] for name, score in evaluation.scores(target).items()}
        own = errors.pop(NETWORK)
        best = min(errors, key=errors.__getitem__)
        rows.append([target, number(own), number(errors[best]), best])
    if len(evaluation.targets) > MANY_TARGETS:
        rows.append([f"... {len(evaluation.targets) - MANY_TARGETS} more", "", "", ""])
    say(console, "")
    table(console, ["target", "MAE network", "MAE best baseline", "which"], rows)


def facts(console: Console, sections: Mapping[str, Mapping[str, Any]]) -> None:
    """Sections of `name  value` lines."""
    for title, section in sections.items():
        say(console, title, "bold")
        width = max(map(len, section), default=0)
        for name, value in section.items():
            line = Text(f"  {name:<{width}}  ", style="cyan").append(Text(fact(value), ""))
            console.print(line, soft_wrap=True)
        say(console, "")


def fact(value: Any) -> str:
    """A value in words: None and an empty list are none, lists are joined."""
    if value is None or value in ((), []):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(fact(inner) for inner in value)
    return str(value)


def number(value: float) -> str:
    """Four significant digits, whole where that is more; - where there is none."""
    if not math.isfinite(value):
        return "-"
    if 1e4 <= abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:#.4g}".rstrip(".")
