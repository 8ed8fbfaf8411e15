"""The tables of a forecast report: errors of the network beside those of the baselines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.evaluation import METRICS, NETWORK, ForecastEvaluation
from gatewise.report.markup import (
    NONE,
    Html,
    column,
    element,
    facts_list,
    markup,
    name,
    number,
    plural,
    table,
)
from gatewise.report.page import UNFOLDED, foldable, paragraph
from gatewise.report.run import ForecastReport


def score_tables(report: ForecastReport) -> Iterator[Html]:
    """Errors of the network and the baselines, over all targets and by target; what they are of."""
    evaluation = report.evaluation
    scores, order = evaluation.scores(), [who for who, _ in evaluation.ranking()]
    shown = [m for m in METRICS if report.single or m not in {"MAE", "RMSE"}]
    grid = [[scores[who][metric] for metric in shown] for who in order]
    cells = [_best_in_bold([list(values)])[0] for values in zip(*grid, strict=True)]
    rows = [
        ([who, *(texts[row] for texts in cells)], "own" if who == NETWORK else None)
        for row, who in enumerate(order)
    ]
    head = [f"{metric}{' %' if metric == 'sMAPE' else ''}" for metric in shown]
    yield table(
        "errors",
        ["forecast", *head],
        rows,
        caption=f"Errors over {plural(len(evaluation.origins), 'test window')} of "
        f"{plural(evaluation.horizon, 'step')}. Lower is better; the best of each column is bold.",
    )
    yield _split(report)
    cycle = f"repeating the value {evaluation.season} steps before"
    if evaluation.season == 1:
        cycle = "repeating the value before"
    yield paragraph(
        f"MASE divides the error by that of {cycle} within {_scaled_by(evaluation)}: below 1 is "
        f"better than that. sMAPE runs from 0 to 200 %.",
        ""
        if report.single
        else " Both are means over the targets; MAE and RMSE are in the unit "
        "of each target, do not average, and stand in the table by target.",
        class_="muted",
    )
    if any(not np.isfinite(value) for values in grid for value in values):
        yield paragraph(f"{NONE} {_UNDEFINED}", class_="muted")
    if not report.single:
        yield from _by_target(report)


def _scaled_by(evaluation: ForecastEvaluation) -> str:
    if evaluation.several:
        return "the rows of the same series before the first one judged"
    return "the training rows"


_UNDEFINED = (
    "not defined: the target repeats itself exactly within the training rows, so there is "
    "no error to divide by."
)


def _by_target(report: ForecastReport) -> Iterator[Html]:
    evaluation = report.evaluation
    names = list(evaluation.forecasts)
    shown = evaluation.targets[:UNFOLDED]
    scores = [evaluation.scores(target) for target in shown]
    mase = _best_in_bold([[score[who]["MASE"] for who in names] for score in scores])
    rows = [
        ([name(target), *cells, *(number(score[NETWORK][unit]) for unit in ("MAE", "RMSE"))], None)
        for target, cells, score in zip(shown, mase, scores, strict=True)
    ]
    caption = "MASE by target (lower is better; bold: the best of the row), then MAE and RMSE"
    grid = table(
        "by-target",
        ["target", *names, "MAE of the network", "RMSE of the network"],
        rows,
        caption=f"{caption} of the network in the unit of the target.",
    )
    yield foldable(grid, len(rows), f"Scores of {plural(len(evaluation.targets), 'target')}")
    if len(evaluation.targets) > UNFOLDED:
        yield paragraph(f"{left_out(len(evaluation.targets) - UNFOLDED)} here.", class_="muted")


def _best_in_bold(groups: list[list[float]]) -> list[list[object]]:
    """Numbers as text, all with the same decimals; the lowest of each group is marked."""
    texts = iter(column([value for values in groups for value in values]))
    found: list[list[object]] = []
    for values in groups:
        best = min((value for value in values if np.isfinite(value)), default=None)
        found.append([element("b", next(texts)) if v == best else next(texts) for v in values])
    return found


def _split(report: ForecastReport) -> Html:
    evaluation = report.evaluation
    if evaluation.several:
        return facts_list(_split_of_many(report))
    first = int(evaluation.origins.min())
    last = int(evaluation.origins.max()) + evaluation.horizon - 1
    pairs: dict[str, object] = {
        "Training rows": _stretch(evaluation, 0, evaluation.train_rows - 1),
        "Test rows": _stretch(evaluation, first, last),
        "Windows": f"{len(evaluation.origins):,}, each {plural(evaluation.horizon, 'step')} long",
    }
    if report.seed is not None:
        pairs["Seed"] = str(report.seed)
    return facts_list(pairs)


def _split_of_many(report: ForecastReport) -> dict[str, object]:
    evaluation = report.evaluation
    judged = np.unique(evaluation.whose)
    seen = np.zeros(0) if evaluation.seen is None else evaluation.seen
    pairs: dict[str, object] = {
        "Training rows": f"{evaluation.train_rows:,}, of {np.count_nonzero(seen):,} series",
        "Series judged": f"{len(judged):,}, {np.count_nonzero(seen[judged] == 0):,} of them not "
        f"learnt from",
        "Windows": f"{len(evaluation.origins):,}, each {plural(evaluation.horizon, 'step')} long",
    }
    return pairs | ({} if report.seed is None else {"Seed": str(report.seed)})


def _stretch(evaluation: ForecastEvaluation, first: int, last: int) -> Html:
    words = f"{first + 1:,} to {last + 1:,}"
    if evaluation.times is None:
        return markup(words)
    start, end = (element("time", day) for day in dates(evaluation.times[[first, last]]))
    return Html(f"{words} ({start} to {end})")


def fold_table(report: ForecastReport) -> Html:
    """Errors of the network and the baselines in each fold of the backtest."""
    backtest = report.backtest
    names = list(backtest.forecasts)
    usable, divisor = np.ones(1, dtype=bool), np.ones(1)
    if not report.single and (backtest.scale > 0).any():
        usable = backtest.scale > 0
        divisor = backtest.scale[usable]
    errors = np.array(
        [
            (np.abs(backtest.truth - f)[..., usable] / divisor).mean(axis=(1, 2))
            for f in backtest.forecasts.values()
        ]
    )
    order = np.argsort(backtest.origins, kind="stable").tolist()
    origins = backtest.origins[order]
    starts = [f"{row + 1:,}" for row in origins.tolist()]
    if backtest.times is not None:
        starts = dates(backtest.times[origins])
    cells = _best_in_bold(errors.T[order].tolist())
    rows = [
        ([fold, start, *values], None)
        for fold, (start, values) in enumerate(zip(starts, cells, strict=True), 1)
    ]
    unit = "MAE" if report.single else "Error in units of each target's scale (as MASE)"
    grid = table(
        "folds",
        ["fold", "starts", *names],
        rows,
        caption=f"{unit} of each fold; bold: the best of the row.",
    )
    return foldable(grid, len(rows), "Errors by fold")


def dates(times: NDArray[Any]) -> list[str]:
    """As short as they can be said: a day where all are midnights."""
    if not np.issubdtype(times.dtype, np.datetime64):
        return [str(time) for time in times.tolist()]
    texts = [str(time).replace("T", " ") for time in times.astype("datetime64[s]")]
    for ending in (" 00:00:00", ":00"):
        if all(text.endswith(ending) for text in texts):
            return [text.removesuffix(ending) for text in texts]
    return texts


def left_out(count: int) -> str:
    """In words: how many targets are not shown."""
    return f"{plural(count, 'further target')} {'is' if count == 1 else 'are'} left out"
