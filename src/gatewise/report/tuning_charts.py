"""The charts of a study: how it went, which settings matter, where good ones lie."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from gatewise.report.charts import Paint, ticks_of_values
from gatewise.report.svg import COLOURS
from gatewise.tuning.record import Study, Trial, shown
from gatewise.tuning.space import Choice, Dimension

Floats = NDArray[np.float64]

GOOD = 0.1  # of the complete trials, drawn to stand out
WIDE_RANGE = 20.0  # times the lowest loss: then the axis is logarithmic
WORST = 0.9  # of the losses; those beyond are drawn at the edge


def complete(study: Study) -> list[Trial]:
    """Trials with a value."""
    return [trial for trial in study.trials if trial.value is not None]


def history(study: Study, usual: float | None) -> Paint:
    """Every trial's loss, and the best so far; a line where the defaults stand."""
    done = complete(study)
    ended = [t for t in study.trials if t.outcome is not None and t.state == "pruned"]
    at = np.array([trial.number + 1 for trial in done], dtype=float)
    losses = np.array([trial.value for trial in done], dtype=float)

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        top = _top(losses)
        if usual is not None and usual <= top:
            axes.axhline(usual, color=COLOURS["muted"], linewidth=1.1, dashes=(3, 2))
        if ended:
            stopped = np.array([_last(trial) for trial in ended])
            place = [trial.number + 1 for trial in ended]
            axes.plot(
                place,
                np.minimum(stopped, top),
                "x",
                color=COLOURS["baseline-6"],
                markersize=4,
                markeredgewidth=1.1,
            )
        axes.plot(at, np.minimum(losses, top), "o", color=COLOURS["baseline-1"], markersize=4.5)
        if len(losses):
            best = np.minimum.accumulate(losses)
            end = max(float(trial.number + 1) for trial in study.trials)
            axes.step(
                np.append(at, end),
                np.append(best, best[-1]),
                where="post",
                color=COLOURS["network"],
                linewidth=2.2,
            )
        axes.set_xlabel("trial")
        axes.set_ylabel("validation loss")
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
        _losses_on(axes, losses)

    return paint


def importance(shares: Mapping[str, float]) -> Paint:
    """A bar for each setting, the most important on top."""
    names = list(shares)[::-1]

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        axes.barh(
            range(len(names)), [100 * shares[n] for n in names], color=COLOURS["network"], alpha=0.8
        )
        axes.set_yticks(range(len(names)), names)
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x")
        axes.set_xlabel("% of the difference between trials")
        axes.set_xlim(left=0)

    return paint


def parallel(study: Study, wide: bool) -> Paint:
    """A line for each complete trial through its settings to its loss; the best ones stand out."""
    done = sorted(complete(study), key=lambda trial: -_value(trial))
    losses = np.array([trial.value for trial in done], dtype=float)
    axes_of = [_Place.of(dimension) for dimension in study.space]
    good = max(1, math.ceil(GOOD * len(done)))

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        count = len(axes_of) + 1
        top = _top(losses)
        heights = _scaled(np.minimum(losses, top))
        for rank, (trial, height) in enumerate(zip(done, heights, strict=True)):
            from_best = len(done) - 1 - rank
            line = [place.of_value(trial.params[place.name]) for place in axes_of]
            stands_out = from_best < good
            axes.plot(
                range(count),
                [*line, height],
                color=COLOURS["network" if stands_out else "baseline-6"],
                linewidth=2.6 if from_best == 0 else 1.6 if stands_out else 0.9,
                alpha=1.0 if stands_out else 0.35,
                zorder=3 if stands_out else 2,
            )
        for x, place in enumerate(axes_of):
            axes.axvline(x, color=COLOURS["muted"], linewidth=0.8)
            for where, words in place.labels():
                axes.text(x + 0.04, where, words, fontsize=10, va="center", ha="left", zorder=4)
        axes.axvline(count - 1, color=COLOURS["ink"], linewidth=1.2)
        for where, loss in ((0.0, losses.min()), (1.0, min(losses.max(), top))):
            axes.text(count - 0.96, where, f"{loss:.3g}", fontsize=10, va="center", ha="left")
        names = [*(dimension.short for dimension in study.space), "validation loss"]
        axes.set_xticks(range(count), names, rotation=0 if wide and count < 8 else 30)
        if not (wide and count < 8):
            for label in axes.get_xticklabels():
                label.set_ha("right")
        axes.yaxis.set_major_locator(NullLocator())
        axes.grid(visible=False)
        axes.set_xlim(-0.1, count - 1 + 0.45)
        axes.set_ylim(-0.06, 1.06)
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(axis="x", length=0)

    return paint


def slices(study: Study, dimension: Dimension) -> Paint:
    """The loss of every complete trial by one setting."""
    done = complete(study)
    losses = np.array([trial.value for trial in done], dtype=float)
    values = [trial.params[dimension.name] for trial in done]
    best = study.best

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        top = _top(losses)
        drawn = np.minimum(losses, top)
        if isinstance(dimension, Choice):
            places = [dimension.values.index(value) for value in values]
            axes.set_xlim(-0.6, len(dimension.values) - 0.4)
            axes.set_xticks(range(len(dimension.values)), [shown(v) for v in dimension.values])
            spread = np.linspace(-0.14, 0.14, 5)
            x = np.array(places, dtype=float) + spread[np.arange(len(places)) % 5]
        else:
            x = np.array(values, dtype=float)
            low, high = float(dimension.low), float(dimension.high)
            if dimension.log:
                axes.set_xscale("log")
                room = (high / low) ** 0.03
                axes.set_xlim(low / room, high * room)
                axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=6))
                axes.xaxis.set_minor_locator(NullLocator())
                axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            else:
                room = 0.03 * (high - low)
                axes.set_xlim(low - room, high + room)
                axes.xaxis.set_major_locator(MaxNLocator(5, integer=dimension.whole))
        axes.plot(x, drawn, "o", color=COLOURS["baseline-1"], markersize=4.5, alpha=0.75)
        for place, loss, trial in zip(x, drawn, done, strict=True):
            if best is not None and trial.number == best.number:
                axes.plot([place], [loss], "o", color=COLOURS["network"], markersize=9)
        _losses_on(axes, losses)

    return paint


class _Place:
    """Where the values of a setting stand on its axis, 0 to 1."""

    def __init__(self, name: str, ticks: Sequence[tuple[float, str]], places: Any) -> None:
        self.name, self.ticks, self.of_value = name, ticks, places

    @classmethod
    def of(cls, dimension: Dimension) -> _Place:
        if isinstance(dimension, Choice):
            last = max(len(dimension.values) - 1, 1)
            where = {repr(value): i / last for i, value in enumerate(dimension.values)}
            ticks = [(where[repr(value)], shown(value)) for value in dimension.values]
            return cls(dimension.name, ticks, lambda value: where[repr(value)])
        change = math.log if dimension.log else float
        low, high = change(dimension.low), change(dimension.high)
        ticks = [(0.0, shown(dimension.low)), (1.0, shown(dimension.high))]
        return cls(dimension.name, ticks, lambda value: float((change(value) - low) / (high - low)))

    def labels(self) -> Sequence[tuple[float, str]]:
        return self.ticks


def _losses_on(axes: Axes, losses: Floats) -> None:
    """Round numbers; logarithmic where the losses that are shown differ widely."""
    shown_losses = np.minimum(losses, _top(losses))
    if len(losses) and losses.min() > 0 and shown_losses.max() > WIDE_RANGE * losses.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=8))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        return
    ticks_of_values(axes)
    if not len(losses):
        axes.yaxis.set_major_locator(FixedLocator([]))


def _top(losses: Floats) -> float:
    """Losses above it are drawn there: a few that went wrong would squeeze all others."""
    if len(losses) < 5:
        return math.inf
    middle, high = np.quantile(losses, [0.5, WORST])
    return float(max(high, middle) + 2.0 * (high - losses.min()))


def _scaled(values: Floats) -> Floats:
    low, high = values.min(), values.max()
    found: Floats = (values - low) / (high - low) if high > low else np.zeros_like(values)
    return found


def _value(trial: Trial) -> float:
    return math.inf if trial.value is None else trial.value


def _last(trial: Trial) -> float:
    outcome = trial.outcome
    return math.nan if outcome is None or not outcome.losses else min(outcome.losses)
