"""The charts of a classification report: how sure the network is, and how often rightly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axis import XAxis, YAxis
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from gatewise.report.charts import Look, Paint, ticks_of_values
from gatewise.report.svg import COLOURS

Bins = Sequence[Mapping[str, float]]

SHADES = 8  # of the cells of a large confusion matrix


def reliability(own: Bins, rival: Bins | None) -> Paint:
    """Share right by confidence, of the network and a baseline; the diagonal is what it should be.

    Bins as `calibration` of an evaluation gives them.
    """
    every = [*own, *(rival or [])]
    low = min(0.5, *(bin_["from"] for bin_ in every))

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=COLOURS["muted"], linewidth=1.1, dashes=(3, 2))
        for bins, look in ((rival, Look("baseline-1", "--")), (own, Look("network", width=2.4))):
            if bins:
                told = [bin_["confidence"] for bin_ in bins]
                right = [bin_["right"] for bin_ in bins]
                axes.plot(told, right, marker="o", markersize=5, clip_on=False, **look.style)
        axes.set(xlim=(low, 1), ylim=(0, 1.02), xlabel="confidence", ylabel="share right")
        _percent(axes.xaxis, 5)
        _percent(axes.yaxis, 5)

    return paint


def confidences(own: Bins) -> Paint:
    """How many answers were given with which confidence."""
    total = sum(bin_["count"] for bin_ in own)

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        left = [bin_["from"] for bin_ in own]
        width = [0.92 * (bin_["to"] - bin_["from"]) for bin_ in own]
        height = [100 * bin_["count"] / total for bin_ in own]
        axes.bar(left, height, width, align="edge", color=COLOURS["network"], alpha=0.75)
        axes.set(xlim=(min(0.5, *left), 1), xlabel="confidence", ylabel="% of the answers")
        _percent(axes.xaxis, 5)
        ticks_of_values(axes)

    return paint


def confusion(counts: NDArray[np.int64], kind: str) -> Paint:
    """Many classes: true ones downwards, those told to the right, darker the larger the share of
    the true one. Only cells that hold something are drawn.

    counts (C, C) · kind  what the classes are called
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    level = np.ceil(shares * SHADES).astype(int)
    size = len(counts)

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for shade in range(1, SHADES + 1):
            for right, role in ((True, "network"), (False, "baseline-1")):
                rows, columns = np.nonzero(level == shade)
                chosen = (rows == columns) == right
                corners = np.stack([columns[chosen], rows[chosen]], axis=1) + 0.5  # (n, 2)
                cells = corners[:, None] + np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
                if len(cells):
                    strength = 0.2 + 0.8 * shade / SHADES
                    axes.add_collection(
                        PolyCollection(list(cells), facecolor=COLOURS[role], alpha=strength)
                    )
        axes.set(xlim=(0.5, size + 0.5), ylim=(size + 0.5, 0.5), aspect="equal")
        axes.set(xlabel=f"{kind} told", ylabel=f"true {kind}")
        axes.grid(visible=False)
        for side in axes.spines.values():
            side.set_visible(True)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))

    return paint


def _percent(axis: XAxis | YAxis, most: int) -> None:
    axis.set_major_locator(MaxNLocator(most))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
