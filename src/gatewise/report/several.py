"""What the report of many series shows: some of them, from the best forecast to the worst."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gatewise.evaluation import NETWORK
from gatewise.report import charts
from gatewise.report.markup import Html, element, joined, name, number, percent, plural, table
from gatewise.report.page import chart, foldable, legend, paragraph
from gatewise.report.run import ForecastReport

SHOWN = 4  # series that get a chart
LISTED = 30  # series in the table


def forecasts(report: ForecastReport) -> Iterator[Html]:
    """Charts of some series, and the error of each by the side of the best baseline's."""
    errors = report.evaluation.by_series()
    own = {series: found[NETWORK] for series, found in errors.items()}
    # in front of the best, as nobody knows how good they are: those without an error in these units
    ranked = sorted(own, key=lambda series: (bool(np.isfinite(own[series])), own[series]))
    known = [series for series in ranked if np.isfinite(own[series])] or ranked
    chosen = [known[i] for i in sorted({round(x) for x in _spread(len(known))})]
    target = report.evaluation.targets[0]
    first = "" if report.single else f" The first target, {target}, stands for all."
    yield legend(
        [
            ("truth", "k-ink"),
            ("network", "k-network"),
            ("end of the training rows", "k-mark"),
            ("beyond the end of the data", "k-shade"),
        ]
    )
    yield paragraph(
        f"{len(chosen)} of {len(ranked):,} series that were judged, from the best forecast to the "
        f"worst.{first}"
    )
    pieces = [_chart(report, series, place, errors) for place, series in enumerate(chosen)]
    yield element("div", joined(pieces), class_="grid")
    yield _table(report, ranked, errors)


def _spread(count: int) -> list[float]:
    places: list[float] = np.linspace(0, count - 1, min(SHOWN, count)).tolist()
    return places


def _chart(
    report: ForecastReport, series: str, place: int, errors: dict[str, dict[str, float]]
) -> Html:
    own = report.evaluation.of_series(series)
    future = report.future[report.future.iloc[:, 0].astype(str) == series].iloc[:, 1:]
    alone = replace(report, evaluation=own, future=future.reset_index(drop=True))
    view = charts.View.of(own)
    count = plural(len(view.windows), "test window")
    label = f"Line chart of {series}: history and truth, forecasts of {count}, and beyond the end."

    def paint(wide: bool) -> charts.Paint:
        return charts.forecast(own, alone.ahead, alone.axis, view, 0, wide)

    told = errors[series]
    words = f"{report.evaluation.ranked_by} {number(told[NETWORK])}"
    caption = Html(f"{element('b', name(series))} {element('span', words)}")
    return chart(f"series-{place}", label, paint, wide=False, caption=caption)


def _table(report: ForecastReport, ranked: list[str], errors: dict[str, dict[str, float]]) -> Html:
    names = list(report.evaluation.forecasts)
    worst = ranked[::-1][:LISTED]
    rows: list[tuple[list[object], str | None]] = [
        ([name(series), *(number(errors[series][who]) for who in names)], None) for series in worst
    ]
    which = "" if len(worst) == len(ranked) else f", the {LISTED} worst of {len(ranked):,}"
    grid = table(
        "by-series",
        ["series", *names],
        rows,
        caption=f"{report.evaluation.ranked_by} by series{which}; the worst first.",
    )
    return foldable(grid, len(rows), "Errors by series")


def backtest(report: ForecastReport) -> Iterator[Html]:
    """What the last forecasts of each series come to."""
    found = report.backtest
    folds = len(found.origins) // len(np.unique(found.whose))
    yield paragraph(
        f"The last {plural(folds, 'forecast')} of each series, one after the other. ",
        found.verdict(),
    )


def residuals(report: ForecastReport) -> Iterator[Html]:
    """How the errors of all series spread, each in units of its own scale."""
    evaluation = report.evaluation
    units = evaluation.scale[evaluation.whose]
    scaled = (evaluation.truth - evaluation.forecasts[NETWORK]) / np.where(
        units > 0, units, np.nan
    )[:, None]
    found = scaled[np.isfinite(scaled)]
    if not len(found):
        yield paragraph("There are no finite residuals to show.")
        return
    mean, inside = float(found.mean()), float((np.abs(found) <= 1).mean())
    lean = "too low" if mean > 0 else "too high"
    words = (
        f"Truth minus forecast, in units of each series' scale (the error of repeating the season "
        f"before): on average the network forecasts {lean} by {number(abs(mean), 2)}. "
        f"{percent(inside)} of the residuals lie within ±1 (the shaded band)."
    )
    yield paragraph(words)
    yield chart(
        "histogram",
        f"Histogram of the residuals. {words}",
        lambda _: charts.histogram(found, 1.0),
        wide=False,
        caption="How often",
    )
