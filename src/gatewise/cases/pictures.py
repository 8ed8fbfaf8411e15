"""The pictures of the cases: matplotlib figures that look alike."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

NETWORK, TRUTH, GREY, FLOOR = "#2457e6", "#171c28", "#8a93a6", "#08744b"
OTHERS = ("#de6214", "#8a4fd0", "#b58900", "#c2185b")  # baselines, or several networks
STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e3e6ec",
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "gatewise",
}


def figure(columns: int = 1, *, height: float = 2.9, width: float = 8.0) -> tuple[Figure, Any]:
    """An empty figure and its axes: one, or an array of `columns` side by side."""
    drawn = Figure(figsize=(width, height), layout="constrained")
    return drawn, drawn.subplots(1, columns)


def legend(axes: Axes, columns: int = 3) -> None:
    """What the lines are, above the axes, where it hides nothing."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=columns,
        columnspacing=1.2,
        handlelength=1.4,
    )


def bars(axes: Axes, values: Mapping[str, float], *, title: str = "", form: str = "{:.3g}") -> None:
    """A bar for each name, the first (ours) on top, with its figure written behind it."""
    names, lengths = list(values), list(values.values())
    colours = [NETWORK] + [GREY] * (len(names) - 1)
    drawn = axes.barh(names, lengths, color=colours, height=0.62)
    axes.bar_label(drawn, [form.format(length) for length in lengths], padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.14)
    axes.set_title(title)


def style() -> AbstractContextManager[None]:
    """A context in which all that is drawn looks like a picture of ours."""
    return rc_context(STYLE)


def save(drawn: Figure, path: Path) -> None:
    """As SVG, the same bytes for the same figure."""
    with style():
        drawn.savefig(path, format="svg", metadata={"Date": None})
