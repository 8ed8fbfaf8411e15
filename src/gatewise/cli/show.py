"""Results on a terminal (rich tables) or through a pipe (plain aligned text)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gatewise.cli.console import open_console as open_console  # noqa: PLC0414
from gatewise.cli.console import say as say  # noqa: PLC0414
from gatewise.evaluation import NETWORK, ForecastEvaluation
from gatewise.runs.record import Judged as Ranked

MANY_TARGETS = 12
# what a verdict comes to -> how it looks
COLOURS = {"beats": "bold green", "level": "bold yellow"}
LOSING = "bold red"


class Judged(Ranked, Protocol):
    """An evaluation: scores of the network and of baselines, and what they come to."""

    def scores(self) -> Mapping[str, Mapping[str, float | None]]:
        """name -> metric -> score; None or NaN: there is none"""


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


def score_table(console: Console, title: str, evaluation: Judged) -> None:
    """The network beside the baselines on the same examples, best first, and what it comes to."""
    _ranked(console, title, evaluation.scores(), evaluation.ranking())
    _verdict(console, evaluation)


def scores(console: Console, title: str, evaluation: ForecastEvaluation) -> None:
    """`score_table` of forecasts: with the number of windows, and each target by itself."""
    windows = len(evaluation.origins)
    title = f"{title} ({windows} window{'' if windows == 1 else 's'} of {evaluation.horizon})"
    _ranked(console, title, evaluation.scores(), evaluation.ranking())
    if len(evaluation.targets) > 1:
        by_target(console, evaluation)
    _verdict(console, evaluation)


def _ranked(
    console: Console,
    title: str,
    found: Mapping[str, Mapping[str, float | None]],
    ranking: Sequence[tuple[str, float]],
) -> None:
    """A row for each name, a column for each metric that any of them has."""
    names = [name for name, _ in ranking]
    metrics = [
        metric
        for metric in found[names[0]]
        if any(_there(score.get(metric)) for score in found.values())
    ]
    rows = [[name, *(number(found[name].get(metric)) for metric in metrics)] for name in names]
    bold = [place for place, name in enumerate(names) if name == NETWORK]
    table(console, ["", *metrics], rows, title=title, bold=bold)


def _verdict(console: Console, evaluation: Judged) -> None:
    say(console, evaluation.verdict(), COLOURS.get(evaluation.standing(), LOSING))
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


def counted(count: int, noun: str) -> str:
    """`1 text`, `2 texts`"""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def number(value: float | None) -> str:
    """Four significant digits, whole where that is more; - where there is none."""
    if value is None or not math.isfinite(value):
        return "-"
    if 1e4 <= abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:#.4g}".rstrip(".")


def _there(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
