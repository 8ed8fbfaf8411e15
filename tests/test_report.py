"""The report of a forecast run: true to the numbers, harmless, alone, and the same every time."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from pages import NASTY, Parsed, harmless, requests_nothing, sound
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from gatewise.errors import RunError
from gatewise.evaluation import ForecastEvaluation
from gatewise.metrics import mase_scale
from gatewise.report import ForecastReport, forecast_page, write_forecast_report
from gatewise.report.markup import element, number, percent
from gatewise.training import EpochRecord, History


def report(
    *names: str,
    rows: int = 120,
    horizon: int = 6,
    windows: int | None = None,
    error: float = 0.1,
    frequency: str | None = "MS",
    constant: bool = False,
    **changes: Any,
) -> ForecastReport:
    names = names or ("passengers",)
    rng = np.random.default_rng(7)
    t = np.arange(rows + horizon)[:, None]
    values = 100 + t + 20 * np.sin(2 * np.pi * t / 12 + np.arange(len(names)))
    values = values * 0 + 5.0 if constant else values + rng.normal(size=values.shape)
    train = rows * 3 // 4
    times = None
    if frequency is not None:
        times = pd.date_range("2001-01-01", periods=len(t), freq=frequency).to_numpy()

    def evaluation(origins: Any) -> ForecastEvaluation:
        truth = values[origins[:, None] + np.arange(horizon)]
        noise = rng.normal(size=truth.shape) * (0.0 if constant else 1.0)
        forecasts = {
            "network": truth + 10 * error * noise,
            "naive": np.repeat(values[origins - 1][:, None], horizon, axis=1),
            "seasonal naive": truth - (0.0 if constant else 11.0),
            "linear": truth - 10 * noise,
        }
        return ForecastEvaluation(
            names,
            values[:rows],
            None if times is None else times[:rows],
            origins,
            forecasts,
            train,
            12,
            mase_scale(values[:train], 12),
        )

    last = rows - horizon
    tested = np.arange(train, last + 1)
    if windows is not None:
        tested = np.linspace(train, last, windows).astype(int)
    beyond = np.arange(1, horizon + 1) if times is None else times[rows:]
    made = ForecastReport(
        title=f"Forecast of {names[0]}",
        source="data.csv",
        evaluation=evaluation(tested),
        backtest=evaluation(last - horizon * np.arange(3)[::-1]),
        future=pd.DataFrame(
            {"month": beyond, **{name: values[rows:, i] for i, name in enumerate(names)}}
        ),
        history=History(
            tuple(EpochRecord(e, 4.0 / e**3, 3.0 / e**2, 1e-3, 0.5) for e in range(1, 6)),
            4,
            "no progress",
        ),
        facts={"data": {"rows": rows, "gaps": None}, "versions": {"gatewise": "9.8.7"}},
        notes=["the frequency was inferred"],
        settings="horizon: 6\nseed: 3\n",
        command="gatewise forecast data.csv --horizon 6",
        created="2026-01-02T03:04:05+00:00",
        seed=3,
    )
    return dataclasses.replace(made, **changes)


@pytest.fixture(scope="module")
def page() -> str:
    return forecast_page(report())


@pytest.fixture
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what does not look at them: they take nine tenths of the time."""
    monkeypatch.setattr("gatewise.report.page.draw", lambda *_, **__: element("svg"))


def test_page_is_sound_and_accessible(page: str) -> None:
    parsed = sound(page)
    requests_nothing(page)
    assert len([1 for tag, _ in parsed.elements if tag == "svg"]) == 9  # three wide ones twice
    assert parsed.sections[:5] == ["scores", "forecast", "backtest", "steps", "residuals"]
    assert parsed.sections[5:] == ["training", "data", "notes", "reproduce"]


def test_nothing_the_user_wrote_becomes_markup() -> None:
    evil = report(
        NASTY,
        "second",
        title=NASTY,
        source=NASTY,
        facts={NASTY: {NASTY: NASTY, "list": [NASTY, {NASTY: NASTY}]}},
        notes=[NASTY],
        settings=NASTY,
        command=NASTY,
        created=NASTY,
    )
    parsed = harmless(forecast_page(evil))
    assert parsed.text.count(NASTY) > 12
    assert any(NASTY in (attrs.get("aria-label") or "") for _, attrs in parsed.elements)


def test_any_script_and_broken_text_can_be_written(tmp_path: Any) -> None:
    odd = report("客流量（万人次）", "ركاب", "\x00\x1b", source="a\udc80b.csv")
    write_forecast_report(tmp_path / "report.html", odd)  # a missing glyph would warn
    parsed = Parsed((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert parsed.text.count("客流量（万人次）") >= 4
    assert "a\ufffdb.csv" in parsed.text
    assert "\x1b" not in parsed.text


@pytest.mark.usefixtures("no_charts")
@pytest.mark.parametrize(
    ("error", "words", "style"),
    [
        (0.1, "beats every baseline", "verdict beats"),
        (0.995, "is level with linear", "verdict level"),
        (2.0, "LOSES to linear", "verdict loses"),
    ],
)
def test_verdict(error: float, words: str, style: str) -> None:
    made = report(error=error)
    parsed = Parsed(forecast_page(made))
    assert words in made.evaluation.verdict()
    assert made.evaluation.verdict() in parsed.text
    assert made.backtest.verdict() in parsed.text
    assert [attrs.get("class") for _, attrs in parsed.elements].count(style) == 1


def test_scores_are_the_true_ones(page: str) -> None:
    evaluation = report().evaluation
    rows = {row[0]: row for row in reversed(Parsed(page).rows)}
    assert rows["forecast"] == ["forecast", "MAE", "RMSE", "sMAPE %", "MASE"]
    for name, forecast in evaluation.forecasts.items():
        truth, guess = evaluation.truth.ravel(), forecast.ravel()
        mae = mean_absolute_error(truth, guess)
        expected = [
            mae,
            root_mean_squared_error(truth, guess),
            np.mean(200 * np.abs(truth - guess) / (np.abs(truth) + np.abs(guess))),
            mae / evaluation.scale[0],
        ]
        assert [float(cell) for cell in rows[name][1:]] == pytest.approx(expected, rel=0.02)
    best = [evaluation.scores()["network"][metric] for metric in ("MAE", "RMSE", "sMAPE", "MASE")]
    assert [float(text) for text in Parsed(page).bold[:4]] == pytest.approx(best, rel=0.02)


def test_folds_and_split_and_residuals_are_the_true_ones(page: str) -> None:
    made = report()
    parsed = Parsed(page)
    at = next(i for i, row in enumerate(parsed.rows) if row[0] == "fold")
    for fold in range(3):
        errors = [
            mean_absolute_error(made.backtest.truth[fold, :, 0], f[fold, :, 0])
            for f in made.backtest.forecasts.values()
        ]
        cells = parsed.rows[at + 1 + fold]
        assert cells[:2] == [str(fold + 1), ["2009-07-01", "2010-01-01", "2010-07-01"][fold]]
        assert [float(cell) for cell in cells[2:]] == pytest.approx(errors, rel=0.02)
    assert "1 to 90 (2001-01-01 to 2008-06-01)" in parsed.text
    assert "91 to 120 (2008-07-01 to 2010-12-01)" in parsed.text
    assert "25, each 6 steps long" in parsed.text
    residuals = made.evaluation.truth - made.evaluation.forecasts["network"]
    assert f"the mean is {number(residuals.mean())}" in parsed.text
    inside = (np.abs(residuals) <= made.evaluation.scale).mean()
    assert f"{percent(inside)} of the residuals lie within ±1 scale" in parsed.text


def test_what_reproduces_the_run_is_there(page: str) -> None:
    text = Parsed(page).text
    for words in (
        "gatewise forecast data.csv --horizon 6",
        "horizon: 6\nseed: 3",
        "the frequency was inferred",
        "9.8.7",
        "2026-01-02 03:04:05 UTC",
        "Seed3",
        "The weights of epoch 4 were kept: the lowest validation loss, 0.188",
        "it stopped early",
    ):
        assert words in text


@pytest.mark.usefixtures("no_charts")
def test_several_targets_are_told_apart() -> None:
    names = [f"y{index}" for index in range(10)]
    made = report(*names)
    parsed = Parsed(forecast_page(made))
    text = parsed.text
    assert "2 further targets are left out" in text
    assert len([1 for tag, _ in parsed.elements if tag == "figure"]) == 8 + 8 + 1 + 2 + 1
    at = next(i for i, row in enumerate(parsed.rows) if row[0] == "target")
    for index, name in enumerate(names):
        cells = parsed.rows[at + 1 + index]
        scores = made.evaluation.scores(name)
        expected = [score["MASE"] for score in scores.values()]
        expected += [scores["network"]["MAE"], scores["network"]["RMSE"]]
        assert cells[0] == name
        assert [float(cell) for cell in cells[1:]] == pytest.approx(expected, rel=0.02)


def test_undefined_scores_are_dashes_with_a_reason() -> None:
    parsed = Parsed(forecast_page(report(constant=True)))
    assert ["network", "0", "0", "0", "–"] in parsed.rows
    assert "– not defined: the target repeats itself exactly" in parsed.text
    assert "nan" not in parsed.text


def test_one_step_without_times_or_validation() -> None:
    records = (EpochRecord(1, 0.5, None, 1e-3, 0.1),)
    made = report(
        horizon=1, rows=400, frequency=None, history=History(records, 1, "finished"), seed=None
    )
    text = Parsed(forecast_page(made)).text
    assert "The horizon is one step" in text
    assert "Training rows1 to 300\nTest rows301 to 400\nWindows" in text
    assert "epoch 1, the last, were kept: training loss 0.500" in text
    assert "Seed" not in text


def test_irregular_times_and_training_that_never_helped() -> None:
    made = report()
    history = dataclasses.replace(made.history, best_epoch=0)
    future = made.future.rename(columns={"month": "step"}).assign(step=range(120, 126))
    parsed = Parsed(forecast_page(dataclasses.replace(made, future=future, history=history)))
    assert "1 to 90 (2001-01-01 to 2008-06-01)" in parsed.text
    assert "No epoch did better than the weights before training" in parsed.text
    at = parsed.rows.index(["step", "passengers"])
    assert [row[0] for row in parsed.rows[at + 1 : at + 7]] == [str(s) for s in range(120, 126)]


def test_same_input_same_bytes_whatever_the_user_set(page: str, tmp_path: Any) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")
    with matplotlib.rc_context({"axes.facecolor": "red", "svg.fonttype": "path", "font.size": 30}):
        write_forecast_report(target, report())
    assert target.read_text(encoding="utf-8") == page
    assert list(tmp_path.iterdir()) == [target]


def test_large_runs_make_small_pages() -> None:
    names = [f"y{index}" for index in range(7)]
    made = report(*names, rows=60_000, horizon=96, windows=300, frequency="min")
    assert len(forecast_page(made).encode()) < 1_000_000


@pytest.mark.usefixtures("no_charts")
@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_a_failed_write_leaves_the_old_file(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    target = tmp_path / "report.html"
    target.write_text("old")
    monkeypatch.setattr(os, step, refuse)
    with pytest.raises(RunError, match=r"report\.html.*No space left.*unchanged"):
        write_forecast_report(target, report())
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
