"""The charts of a forecast report. Only numbers and dates are written into them: names that the
user gave stand beside, in the page, where any script can be set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator, ScalarFormatter
from numpy.typing import NDArray

from gatewise.evaluation import NETWORK, Floats, ForecastEvaluation
from gatewise.report.svg import COLOURS
from gatewise.training import History

Paint = Callable[[Figure], None]
Rows = NDArray[np.intp]

POINTS = 1200  # of the longest line of a chart; thinned beyond, keeping every extreme
_DAY: Final = 86_400_000_000  # microseconds
_SIXTIETHS: Final = (1, 2, 5, 10, 15, 30)
_THOUSANDTHS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_STEPS: Final = {
    "us": _THOUSANDTHS,
    "ms": _THOUSANDTHS,
    "s": _SIXTIETHS,
    "m": _SIXTIETHS,
    "h": (1, 2, 3, 6, 12),
    "D": (1, 2, 4, 7, 14),
    "M": (1, 2, 3, 6),
    "Y": _THOUSANDTHS,
}
_DASHES: Final = ("--", "-.", ":", (0, (6, 1.5, 1.5, 1.5, 1.5, 1.5)))


@dataclass(frozen=True, slots=True)
class Look:
    """How a forecast is drawn in every chart: a role of `svg.COLOURS`, and dashes."""

    role: str
    dashes: Any = "-"
    width: float = 1.4

    @property
    def style(self) -> dict[str, Any]:
        return {"color": COLOURS[self.role], "linestyle": self.dashes, "linewidth": self.width}


def looks(names: Iterable[str]) -> dict[str, Look]:
    """name -> look; the network stands out, each baseline has its colour and dashes."""
    others = [name for name in names if name != NETWORK]
    return {NETWORK: Look("network", width=2.4)} | {
        name: Look(f"baseline-{index % 6 + 1}", _DASHES[index % len(_DASHES)])
        for index, name in enumerate(others)
    }


@dataclass(frozen=True, slots=True)
class Axis:
    """Where rows stand: dates, or rows counted from 1.

    x     (N + future,) position of every row and of the rows beyond the end; days, or row numbers
    zero  the time at x = 0; None: there are no dates
    """

    x: Floats
    zero: np.datetime64 | None

    @classmethod
    def of(cls, evaluation: ForecastEvaluation, beyond: NDArray[Any]) -> Axis:
        """`beyond` are the times of the rows after the end; where they are none, rows count."""
        if evaluation.times is None or beyond.dtype.kind != "M":
            return cls(np.arange(1.0, len(evaluation.values) + len(beyond) + 1), None)
        times = np.concatenate([evaluation.times, beyond.astype(evaluation.times.dtype)])
        days: Floats = (times - times[0]) / np.timedelta64(1, "D")
        return cls(days, times[0].astype("datetime64[us]"))

    def before(self, row: int) -> float:
        """Half-way between `row` and the row before it."""
        return float(self.x[max(row - 1, 0)] + self.x[min(row, len(self.x) - 1)]) / 2


@dataclass(frozen=True, slots=True)
class View:
    """The part of the series that the forecast chart shows.

    start     first row shown
    windows   test windows shown: the latest ones that do not overlap, oldest first
    """

    start: int
    windows: list[int]

    @classmethod
    def of(cls, evaluation: ForecastEvaluation) -> View:
        """The whole test part after a tail of history where that is readable, else its end."""
        rows, horizon = len(evaluation.values), evaluation.horizon
        test = rows - evaluation.train_rows
        if rows <= 240:
            start = 0
        elif test <= max(4 * horizon, 120):
            tail = max(test, 2 * horizon, 2 * evaluation.season)
            start = max(0, evaluation.train_rows - min(tail, 2 * horizon + 120))
        else:
            start = rows - max(3 * horizon, 60)
        windows: list[int] = []
        for window in np.argsort(evaluation.origins, kind="stable")[::-1].tolist():
            origin = int(evaluation.origins[window])
            if origin < start:
                break
            if not windows or origin + horizon <= evaluation.origins[windows[-1]]:
                windows.append(window)
        return cls(start, windows[::-1])


def forecast(
    evaluation: ForecastEvaluation, future: Floats, axis: Axis, view: View, target: int, wide: bool
) -> Paint:
    """History, truth and forecasts of the test part, and the forecast beyond the end; below it
    the whole series, where the view leaves the end of the training rows out.

    future (K, D)
    """
    rows, seen = len(evaluation.values), evaluation.train_rows
    truth, x = evaluation.values[:, target], axis.x

    def paint(figure: Figure) -> None:
        axes: Axes
        if view.start > seen:
            axes, strip = figure.subplots(2, 1, height_ratios=[5, 1])
            strip.plot(*thin(x[:rows], truth, 400), color=COLOURS["muted"], linewidth=0.7)
            strip.axvspan(x[view.start], x[-1], color=COLOURS["shade"])
            _vertical(strip, axis.before(seen))
            strip.grid(visible=False)
            strip.yaxis.set_major_locator(NullLocator())
            _ticks_of_rows(strip, axis)
        else:
            axes = figure.subplots()
            if view.start < seen:
                _vertical(axes, axis.before(seen))
        shown = slice(view.start, rows)
        axes.axvspan(axis.before(rows), 2 * x[-1] - axis.before(len(x) - 1), color=COLOURS["shade"])
        _truth(axes, x[shown], truth[shown])
        own = evaluation.forecasts[NETWORK]
        style = Look("network", width=2.4).style
        targets = evaluation.origins[view.windows][:, None] + np.arange(evaluation.horizon)
        drawn = own[view.windows][..., target]
        if evaluation.horizon < 3 and len(view.windows) > 1:  # as one line: points would be lost
            targets, drawn = targets.reshape(1, -1), drawn.reshape(1, -1)
        for line, values in zip(targets, drawn, strict=True):
            _line(axes, x[line], values, POINTS // len(drawn), style)
        _line(axes, x[rows:], future[:, target], POINTS // 2, style)
        _regions(axes, axis, view.start, seen, rows, wide)
        _ticks_of_rows(axes, axis)
        ticks_of_values(axes)

    return paint


def backtest(evaluation: ForecastEvaluation, axis: Axis, target: int, wide: bool) -> Paint:
    """Each fold's forecast over the truth, the naive one (of the season before, if any) beside."""
    first, horizon, x = int(evaluation.origins.min()), evaluation.horizon, axis.x
    start = max(0, first - max(horizon, min(evaluation.season, 4 * horizon)))
    shown = slice(start, int(evaluation.origins.max()) + horizon)
    look = looks(evaluation.forecasts)
    drawn = [*[name for name in ("seasonal naive", "naive") if name in look][:1], NETWORK]

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        _truth(axes, x[shown], evaluation.values[shown, target])
        for fold, origin in enumerate(np.sort(evaluation.origins).tolist(), 1):
            _vertical(axes, axis.before(origin), role="grid")
            if len(evaluation.origins) <= (12 if wide else 6):
                middle = x[origin : origin + horizon].mean()
                words = f"fold {fold}" if wide else str(fold)
                _above(axes, float(middle), words, "center")
        for name in drawn:
            for origin, values in zip(evaluation.origins, evaluation.forecasts[name], strict=True):
                place = x[origin : origin + horizon]
                limit = max(2 * POINTS // len(evaluation.origins), 2)
                _line(axes, place, values[:, target], limit, look[name].style)
        _ticks_of_rows(axes, axis)
        ticks_of_values(axes)

    return paint


def by_step(evaluation: ForecastEvaluation, wide: bool) -> Paint:
    """Error at each step of the horizon, of the network and every baseline."""
    errors, look = evaluation.by_step(), looks(evaluation.forecasts)
    steps = np.arange(1.0, evaluation.horizon + 1)

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for name, error in reversed(errors.items()):
            _line(axes, steps, error, POINTS // 2, look[name].style)
        axes.set_xlabel("step ahead")
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(8 if wide else 5, integer=True, min_n_ticks=1))
        ticks_of_values(axes)

    return paint


def histogram(residuals: Floats, scale: float) -> Paint:
    """How often which residual; the band is ±1 `scale`. The outermost 0.2 % may lie outside."""
    low, high = np.quantile(residuals, (0.001, 0.999))
    reach = max(abs(low), abs(high), scale) * 1.02 or 1.0
    bins = int(np.clip(np.sqrt(residuals.size) * 2, 11, 61)) // 2 * 2 + 1  # odd: one around 0
    counts, edges = np.histogram(residuals, bins, (-reach, reach))

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axvspan(-scale, scale, color=COLOURS["shade"])
        axes.stairs(
            100 * counts / residuals.size, edges, fill=True, color=COLOURS["network"], alpha=0.75
        )
        axes.axvline(0, color=COLOURS["ink"], linewidth=1)
        axes.set_xlabel("residual (truth − forecast)")
        axes.set_ylabel("% of residuals")
        axes.xaxis.set_major_locator(MaxNLocator(5))
        ticks_of_values(axes)

    return paint


def residuals_over_time(residuals: Floats, rows: Rows, axis: Axis, scale: float) -> Paint:
    """Residuals (M,) at the rows they belong to; many of them as mean and 5 to 95 % band."""

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        axes.axhspan(-scale, scale, color=COLOURS["shade"])
        axes.axhline(0, color=COLOURS["ink"], linewidth=1)
        colour = COLOURS["network"]
        if residuals.size <= POINTS:
            axes.plot(axis.x[rows], residuals, ".", color=colour, markersize=4, alpha=0.65)
        else:
            groups = _grouped(residuals, rows, 120)
            place = axis.x[[row for row, _ in groups]]
            bands = np.array([np.quantile(group, (0.05, 0.95)) for _, group in groups])
            means = [group.mean() for _, group in groups]
            axes.fill_between(place, bands[:, 0], bands[:, 1], color=colour, alpha=0.25)
            axes.plot(place, means, color=colour, marker="." if len(means) == 1 else "")
        axes.set_ylabel("truth − forecast")
        _ticks_of_rows(axes, axis)
        ticks_of_values(axes)

    return paint


def losses(history: History) -> Paint:
    """Training and validation loss by epoch; logarithmic where the range is wide."""
    records = history.records
    epochs = np.array([record.epoch for record in records], dtype=float)
    lines = {
        "baseline-1": [record.train_loss for record in records],
        "network": [
            np.nan if record.validation_loss is None else record.validation_loss
            for record in records
        ],
    }

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        _vertical(axes, history.best_epoch, role="best")
        for role, values in lines.items():
            style = Look(role, "--" if role == "baseline-1" else "-", 2.0).style
            _line(axes, epochs, np.array(values), POINTS // 2, style)
        axes.set_xlabel("epoch")
        axes.set_ylabel("loss")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
        ticks_of_losses(axes, [v for values in lines.values() for v in values if np.isfinite(v)])

    return paint


def thin(x: Floats, y: Floats, limit: int = POINTS) -> tuple[Floats, Floats]:
    """At most `limit` points: the lowest and the highest of each of limit / 2 equal parts."""
    if len(y) <= limit:
        return x, y
    parts = np.array_split(np.arange(len(y)), max(limit // 2, 1))
    kept = sorted(
        {int(part[pick]) for part in parts for pick in (np.argmin(y[part]), np.argmax(y[part]))}
    )
    return x[kept], y[kept]


def _grouped(values: Floats, rows: Rows, parts: int) -> list[tuple[int, Floats]]:
    """(middle row, values) of at most `parts` equal stretches of rows, empty ones left out."""
    order = np.argsort(rows, kind="stable")
    values, rows = values[order], rows[order]
    edges = np.linspace(rows[0], rows[-1] + 1, parts + 1)
    cuts = np.searchsorted(rows, edges)
    pairs = zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)
    return [(int(rows[(a + b) // 2]), values[a:b]) for a, b in pairs if b > a]


def _truth(axes: Axes, x: Floats, y: Floats) -> None:
    """Thin, on top of the forecasts: where they meet, both are seen."""
    axes.plot(*thin(x, y), color=COLOURS["ink"], linewidth=1.1, zorder=3)


def _line(axes: Axes, x: Floats, y: Floats, limit: int, style: dict[str, Any]) -> None:
    """A line, with its points where they are so few that the line alone would not show them."""
    axes.plot(*thin(x, y, max(limit, 2)), **style, marker="o" if len(y) < 3 else "", markersize=6)


def _vertical(axes: Axes, x: float, role: str = "muted") -> None:
    axes.axvline(x, color=COLOURS[role], linewidth=1.1, dashes=(3, 2))


def _above(axes: Axes, x: float, words: str, align: str) -> None:
    axes.text(x, 1.02, words, transform=axes.get_xaxis_transform(), ha=align, fontsize=11)


def _regions(axes: Axes, axis: Axis, start: int, seen: int, rows: int, wide: bool) -> None:
    """`train`, `test`, `future` above the parts that are wide enough for the word."""
    ends = [axis.x[start], max(axis.before(seen), axis.x[start]), axis.before(rows), axis.x[-1]]
    for left, right, word in zip(ends[:-1], ends[1:], ("train", "test", "future"), strict=True):
        if right - left > (0.05 if wide else 0.12) * (ends[-1] - ends[0]):
            _above(axes, (left + right) / 2, word, "center")


def _ticks_of_rows(axes: Axes, axis: Axis) -> None:
    """Dates in ISO digits (month names would depend on the locale), or row numbers."""
    figure = axes.get_figure(root=True)
    most = 4 if figure is None else min(int(figure.get_figwidth() * 72 / 95), 10)  # side by side
    if axis.zero is None:
        axes.xaxis.set_major_locator(MaxNLocator(most, integer=True, min_n_ticks=1))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        return
    low, high = (axis.zero + np.timedelta64(round(x * _DAY), "us") for x in axes.get_xlim())
    ticks = _calendar_ticks(low, high, most)
    axes.set_xticks(((ticks - axis.zero) / np.timedelta64(1, "D")).tolist(), _calendar_words(ticks))


def _calendar_ticks(low: np.datetime64, high: np.datetime64, most: int) -> NDArray[Any]:
    """Round times within low to high, at most `most`, at least two where that can be."""
    finer = np.array([low])
    for unit, steps in _STEPS.items():
        first, last = (edge.astype(f"datetime64[{unit}]").astype(int) for edge in (low, high))
        for step in steps:
            shift = 1970 if unit == "Y" else 0  # years are round by their number
            start = -(-(first + shift) // step) * step - shift
            if (last - start) // step > 3 * most:
                continue
            ticks = np.arange(start, last + 1, step).astype(f"datetime64[{unit}]")
            ticks = ticks[ticks >= low]
            if len(ticks) <= most:
                return ticks if len(ticks) > 1 else finer
            finer = ticks
    return finer


def _calendar_words(ticks: NDArray[Any]) -> list[str]:
    """No finer than the ticks; times of day have their date below, where it is another one."""
    if np.datetime_data(ticks.dtype)[0] in {"Y", "M", "D"}:
        return [str(tick) for tick in ticks]
    clock = slice(11, 16) if (ticks == ticks.astype("datetime64[m]")).all() else slice(11, None)
    days = [str(tick)[:10] for tick in ticks]
    times = [str(tick.astype("datetime64[us]")).rstrip("0").rstrip(".")[clock] for tick in ticks]
    return [
        time if index and day == days[index - 1] else f"{time}\n{day}"
        for index, (time, day) in enumerate(zip(times, days, strict=True))
    ]


def ticks_of_values(axes: Axes) -> None:
    """A few round numbers, without offset."""
    formatter = ScalarFormatter(useOffset=False)
    formatter.set_powerlimits((-4, 7))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(formatter)


def ticks_of_losses(axes: Axes, losses: Iterable[float]) -> None:
    """As `ticks_of_values`; logarithmic where the range is wide."""
    found = np.array(list(losses))
    ticks_of_values(axes)
    if found.min() > 0 and found.max() > 20 * found.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=8))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
