"""The report of a forecast run: whether it may be trusted, what it says, how to repeat it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

import numpy as np

from gatewise.evaluation import NETWORK, ForecastEvaluation
from gatewise.report import charts, several
from gatewise.report.markup import (
    Html,
    column,
    element,
    joined,
    name,
    number,
    percent,
    plural,
    table,
)
from gatewise.report.page import (
    LISTED,
    UNFOLDED,
    Key,
    chart,
    foldable,
    legend,
    paragraph,
    write,
)
from gatewise.report.run import ForecastReport
from gatewise.report.scores import dates, fold_table, left_out, score_tables
from gatewise.report.story import Tile, whole_page

TRUTH: Final[Key] = ("truth", "k-ink")
OWN: Final[Key] = ("network", "k-network")


def write_forecast_report(path: str | os.PathLike[str], report: ForecastReport) -> None:
    """Write the page of a run, whole or not at all. Raises RunError when the disk refuses."""
    write(path, forecast_page(report))


def forecast_page(report: ForecastReport) -> str:
    """The page of a run: one HTML document that needs nothing else and requests nothing."""
    many = report.evaluation.several
    sections = [
        ("scores", "Scores", score_tables(report)),
        ("forecast", "Forecast", several.forecasts(report) if many else _forecast(report)),
        ("backtest", "Backtest", several.backtest(report) if many else _backtest(report)),
        ("steps", "Error by step of the horizon", _steps(report)),
        ("residuals", "Residuals", several.residuals(report) if many else _residuals(report)),
    ]
    return whole_page(report, _tiles(report), sections)


def _tiles(report: ForecastReport) -> list[Tile]:
    evaluation = report.evaluation
    scores = evaluation.scores()
    order = ("MASE", "MAE", "sMAPE")  # as evaluation.ranking
    metric = next(metric for metric in order if np.isfinite(scores[NETWORK][metric]))
    rival, rival_score = next(pair for pair in evaluation.ranking() if pair[0] != NETWORK)
    return [
        (f"{metric} of the network", number(scores[NETWORK][metric])),
        (f"{metric} of {rival}, the best baseline", number(rival_score)),
        ("forecast beyond the end", _beyond(report)),
        ("test windows", f"{len(evaluation.origins):,}"),
    ]


def _beyond(report: ForecastReport) -> str:
    if not report.evaluation.several:
        return plural(len(report.future), "step")
    steps = report.evaluation.horizon
    return f"{plural(steps, 'step')} of {len(report.future) // steps:,} series"


def _forecast(report: ForecastReport) -> Iterator[Html]:
    evaluation, view = report.evaluation, charts.View.of(report.evaluation)
    count = len(view.windows)
    yield legend(
        [
            TRUTH,
            OWN,
            ("end of the training rows", "k-mark"),
            ("beyond the end of the data", "k-shade"),
        ]
    )
    beyond = f"beyond the end of the data, the next {plural(len(report.future), 'step')}"
    windows = "the last test window" if count == 1 else f"the last {count:,} test windows that "
    windows += "" if count == 1 else "do not overlap"
    words = f"Forecasts of {windows}; {beyond}."
    if view.start > evaluation.train_rows:
        away = plural(view.start - evaluation.train_rows, "row")
        words += f" The training rows end {away} before the view: see the whole series below it."
    yield paragraph(words)
    pieces = []
    for index, target in report.charted:
        ahead = report.ahead[:, index]
        label = (
            f"Line chart of {target}: history and truth, forecasts of {windows}, and the forecast "
            f"beyond the end, between {number(ahead.min())} and {number(ahead.max())}."
        )

        def paint(wide: bool, index: int = index) -> charts.Paint:
            return charts.forecast(evaluation, report.ahead, report.axis, view, index, wide)

        caption = _caption(report, evaluation, target)
        pieces.append(chart(f"forecast-{index}", label, paint, wide=report.single, caption=caption))
    yield _charts(report, pieces)
    yield _forecast_table(report)


def _forecast_table(report: ForecastReport) -> Html:
    columns = [column(report.ahead[:UNFOLDED, index].tolist(), 4) for index, _ in report.charted]
    when = dates(report.beyond[:UNFOLDED])
    rows = [([time, *values], None) for time, *values in zip(when, *columns, strict=True)]
    head = ["time" if report.beyond.dtype.kind == "M" else "step"]
    grid = table(
        "future",
        [*head, *(name(target) for _, target in report.charted)],
        rows,
        caption="Forecast beyond the end of the data",
        hidden_caption=True,
    )
    return foldable(grid, LISTED + 1, "The forecast in numbers")


def _caption(report: ForecastReport, evaluation: ForecastEvaluation, target: str) -> Html:
    """Name of the target; beside it its MASE, where there are several."""
    if report.single:
        return element("b", name(target))
    mase = number(evaluation.scores(target)[NETWORK]["MASE"])
    return Html(f"{element('b', name(target))} {element('span', f'MASE {mase}')}")


def _charts(report: ForecastReport, pieces: list[Html]) -> Html:
    if report.single:
        return joined(pieces)
    grid = element("div", joined(pieces), class_="grid")
    missing = len(report.evaluation.targets) - len(pieces)
    words = f"{left_out(missing)} here; their scores stand above."
    return joined([grid, paragraph(words, class_="muted")]) if missing else grid


def _backtest(report: ForecastReport) -> Iterator[Html]:
    backtest = report.backtest
    folds = plural(len(backtest.origins), "fold")
    drawn = [who for who in ("seasonal naive", "naive") if who in backtest.forecasts][:1]
    yield paragraph(
        f"{folds.capitalize()}, each a forecast from a later origin. ", backtest.verdict()
    )
    yield legend([TRUTH, OWN, *((who, _mark(backtest, who)) for who in drawn)])
    axis = charts.Axis.of(backtest, report.beyond)
    pieces = []
    for index, target in report.charted:
        label = f"Line chart of {target}: truth and forecast of each of {folds}."

        def paint(wide: bool, index: int = index) -> charts.Paint:
            return charts.backtest(backtest, axis, index, wide)

        caption = _caption(report, backtest, target)
        pieces.append(chart(f"backtest-{index}", label, paint, wide=report.single, caption=caption))
    yield _charts(report, pieces)
    yield fold_table(report)


def _mark(evaluation: ForecastEvaluation, who: str) -> str:
    role = charts.looks(evaluation.forecasts)[who].role
    return f"k-{role}"


def _steps(report: ForecastReport) -> Iterator[Html]:
    evaluation = report.evaluation
    if evaluation.horizon == 1:
        yield paragraph("The horizon is one step: the score table says it all.")
        return
    errors = evaluation.by_step()
    own = errors[NETWORK]
    others = np.array([error for who, error in errors.items() if who != NETWORK])
    won = int((own < others.min(axis=0)).sum())
    unit = "Mean absolute error" if report.single else "Mean MASE over the targets"
    words = (
        f"{unit}: {number(own[0])} at step 1, {number(own[-1])} at "
        f"step {evaluation.horizon}. The network is better than every baseline at "
        f"{won} of {evaluation.horizon} steps."
    )
    yield paragraph(words)
    yield legend((who, _mark(evaluation, who)) for who in errors)
    yield chart(
        "steps",
        f"Line chart of the error by step of the horizon. {words}",
        lambda wide: charts.by_step(evaluation, wide),
        wide=True,
    )


def _residuals(report: ForecastReport) -> Iterator[Html]:
    evaluation = report.evaluation
    found = evaluation.truth - evaluation.forecasts[NETWORK]  # (n, K, D)
    scale, unit = float(evaluation.scale[0]), ""
    if not report.single:
        usable = np.where(evaluation.scale > 0, evaluation.scale, np.nan)
        found, scale, unit = found / usable, 1.0, " in units of each target's scale"
    places = evaluation.origins[:, None, None] + np.arange(evaluation.horizon)[:, None]
    rows = np.broadcast_to(places, found.shape).ravel()
    residuals = found.ravel()
    keep = np.isfinite(residuals)
    residuals, rows = residuals[keep], rows[keep]
    if not len(residuals):
        yield paragraph("There are no finite residuals to show.")
        return
    mean, inside = float(residuals.mean()), float((np.abs(residuals) <= scale).mean())
    lean = "too low" if mean > 0 else "too high"
    amount = f" ({number(abs(mean) / scale, 2)} of the scale)" if report.single and scale else ""
    words = f"Truth minus forecast{unit}: the mean is {number(mean)}"
    if mean != 0:
        words += f", so the network forecasts {lean} by {number(abs(mean))}{amount} on average"
    if scale > 0:
        words += (
            f". {percent(inside)} of the residuals lie within ±1 scale (±{number(scale)}, the "
            f"shaded band): the mean error of the seasonal naive forecast in the training rows"
        )
    words += "."
    yield paragraph(words)
    first = chart(
        "histogram",
        f"Histogram of the residuals. {words}",
        lambda _: charts.histogram(residuals, scale),
        wide=False,
        caption="How often",
    )
    many = residuals.size > charts.POINTS
    second = chart(
        "over-time",
        "Residuals over time" + (", as mean and 5 to 95 % band." if many else ", one dot each."),
        lambda _: charts.residuals_over_time(residuals, rows, report.axis, scale),
        wide=False,
        caption="Over time" + (": mean, and where 5 to 95 % lie" if many else ""),
    )
    yield element("div", first, second, class_="grid")
