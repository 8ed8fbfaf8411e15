"""The page of several runs: a table, and their learning curves laid over each other."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gatewise.evaluation import NETWORK
from gatewise.report.charts import Look, Paint, looks, thin, ticks_of_losses
from gatewise.report.markup import Html, element, name, number, plural, shorten, table
from gatewise.report.page import (
    UNFOLDED,
    Section,
    chart,
    foldable,
    legend,
    navigation,
    page,
    paragraph,
    section,
    write,
)
from gatewise.runs.reading import LoggedRun
from gatewise.runs.table import by_data, in_order, letter, run_table

DRAWN = 7  # curves in one chart: as many as there are colours
MOST = 60  # characters of a run's name in a legend


def write_runs_page(path: str | os.PathLike[str], title: str, runs: Sequence[LoggedRun]) -> None:
    """Write the page, whole or not at all. Raises RunError when the disk refuses."""
    write(path, runs_page(title, runs))


def runs_page(title: str, runs: Sequence[LoggedRun]) -> str:
    """One HTML document that needs nothing else and requests nothing; rows as they are given."""
    found = run_table(runs)
    sections: list[Section] = [
        ("runs", "Runs", _table(runs)),
        ("curves", "Learning curves", _curves(runs)),
    ]
    content = [
        element(
            "header",
            element("h1", name(shorten(title, 160))),
            paragraph(plural(len(runs), "run"), class_="muted"),
            *(paragraph(name(note), class_="muted") for note in found.notes),
        ),
        navigation([(anchor, heading) for anchor, heading, _ in sections]),
        *(section(anchor, heading, *pieces) for anchor, heading, pieces in sections),
    ]
    return page(shorten(title, 160), content)


def _table(runs: Sequence[LoggedRun]) -> Iterator[Html]:
    found = run_table(runs)
    rows = [([name(cell) for cell in row], None) for row in found.rows[:UNFOLDED]]
    words = f"Alike in all: {found.alike}." if found.alike else "The runs"
    head = [name(cell) for cell in found.head]
    yield foldable(table("runs-table", head, rows, caption=name(words)), len(rows), "All runs")
    yield paragraph(
        "Best loss is the lowest validation loss of the run's first training; test scores are of "
        "data that was kept from it.",
        class_="muted",
    )


def _curves(runs: Sequence[LoggedRun]) -> Iterator[Html]:
    """A chart for each set of examples: curves of different data do not compare."""
    groups = by_data(runs)
    for place, (data, group) in enumerate(groups.items()):
        losing = [run for run in in_order(group, "loss") if run.main.losses()]
        if len(groups) > 1:
            said = f"{group[0].source} {data[:8]}".strip()
            yield element("h3", name(f"Data {letter(place)}: {said}"))
        if not losing:
            yield paragraph("No run here has a validation loss.")
            continue
        drawn = losing[:DRAWN]
        look = _looks(drawn)
        yield legend(
            (shorten(run.name, MOST), f"k-{one.role}") for run, one in zip(drawn, look, strict=True)
        )
        if len(losing) > DRAWN:
            yield paragraph(
                f"Of {len(losing)} runs the {DRAWN} with the lowest validation loss are drawn.",
                class_="muted",
            )
        best = drawn[0]
        yield chart(
            f"curves-{place}",
            f"Line chart of the validation loss by epoch of {plural(len(drawn), 'run')}; lowest: "
            f"{shorten(best.name, MOST)} with {number(best.best_loss or 0.0)}.",
            lambda _, drawn=drawn, look=look: _overlaid(drawn, look),  # type: ignore[misc]
            wide=True,
            caption="Validation loss by epoch",
        )


def _looks(runs: Sequence[LoggedRun]) -> list[Look]:
    """The best stands out."""
    found = looks([NETWORK, *(str(place) for place in range(1, len(runs)))])
    return list(found.values())


def _overlaid(runs: Sequence[LoggedRun], look: Sequence[Look]) -> Paint:
    """Validation loss of each run's first training."""

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        every: list[float] = []
        for run, one in reversed(list(zip(runs, look, strict=True))):  # the best on top
            epochs, losses = zip(*run.main.losses(), strict=True)
            x, y = thin(np.array(epochs, dtype=np.float64), np.array(losses, dtype=np.float64))
            axes.plot(x, y, **one.style, marker="o" if len(y) < 3 else "")
            every += losses
        axes.set_xlabel("epoch")
        axes.set_ylabel("validation loss")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        ticks_of_losses(axes, every)

    return paint
