"""A random walk beside a series with a season

Data   A random walk of 1,500 steps, and airline passengers by month from 1949 to 1960 (in full:
       the pound's exchange rate by day, and a year of electricity demand by hour). The last fifth
       is judged.
Trap   Drawn beside the truth, the forecasts of the next step look like a fit, and R² is near 1:
       they are yesterday's value, one step late. Stock prices are "predicted" like this.
Right  The verdict says that the random walk cannot be beaten, and R² of its changes is near 0. On
       the series with a season the same forecaster beats the last value and the last season.
"""

import numpy as np
import pandas as pd

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome


def run(ask: Ask) -> Outcome:
    """The same forecaster on both."""
    walk, walk_name, season, season_name, horizon = series(ask)
    judged = []
    for frame, target, steps in ((walk, walk_name, 1), (season, season_name, horizon)):
        model = gw.Forecaster(horizon=steps, **ask.how)
        judged.append(model.fit(frame[: len(frame) * 4 // 5], target=target).evaluate(frame))
    walked, seasonal = judged
    names = dict.fromkeys([*walked.forecasts, *seasonal.forecasts])
    scores = {
        name: {
            f"MASE, {told.targets[0]}": told.scores()[name]["MASE"]
            for told in judged
            if name in told.forecasts
        }
        for name in names
    }

    truth, told = walked.truth[:, 0, 0], walked.forecasts["network"][:, 0, 0]
    before = walked.values[walked.origins - 1, 0]
    level, change = fit(truth, told), fit(truth - before, told - before)
    late = np.abs(told - before).mean() < np.abs(told - truth).mean()
    ratios = [of.scores()["network"]["MASE"] / of.scores()["naive"]["MASE"] for of in judged]
    behind = seasonal.scores()["network"]["MASE"] / seasonal.scores()["seasonal naive"]["MASE"]

    forecast, true = seasonal.forecasts["network"][-1, :, 0], seasonal.truth[-1, :, 0]
    picture, panels = pictures.figure(2)
    for panel, of, ratio, line, points in (
        (panels[0], walked, ratios[0], told[-60:], truth[-60:]),
        (panels[1], seasonal, ratios[1], forecast, true),
    ):
        panel.plot(points, color=pictures.TRUTH, linewidth=1, label="truth")
        panel.plot(line, color=pictures.NETWORK, label="network")
        panel.set_title(f"{of.targets[0]}: {ratio:.2f} times the error of the last value")
        panel.legend()
    return Outcome(
        scores=scores,
        split="the first four fifths of each learnt from, the last fifth judged: "
        f"{walked.targets[0]} a step ahead, {seasonal.targets[0]} {horizon} steps",
        checks=[
            Check(
                "the verdict says that the walk cannot be beaten",
                "a random walk" in walked.verdict() and walked.standing() != "beats",
                f"{ratios[0]:.3f} times the error of the last value",
            ),
            Check(
                "its forecasts are the last value, one step late",
                bool(late) and level > 0.9 and change < 0.05,
                f"R² {level:.3f} of the level, {change:.3f} of the change",
            ),
            Check(
                "with a season the last value and the last season are beaten",
                max(ratios[1], behind) < 0.9,
                f"{ratios[1]:.2f} and {behind:.2f} times their error",
            ),
        ],
        said=[f"{of.targets[0]}: {of.verdict()}" for of in judged],
        picture=picture,
    )


def series(ask: Ask) -> tuple[pd.DataFrame, str, pd.DataFrame, str, int]:
    """A walk and its name, a series with a season and its name, and how far it is forecast."""
    if ask.quick:
        walk = gw.datasets.random_walk(points=1500, seed=ask.seed).rename(columns={"y": "walk"})
        return walk, "walk", gw.datasets.airline_passengers(), "passengers", 12
    rates = gw.datasets.real("exchange-rate", ask.data).train
    power = gw.datasets.real("vic-electricity", ask.data).train
    hourly = power.set_index("time")[["demand"]].resample("1h").mean().reset_index()
    return rates, "britain", hourly[-24 * 365 :], "demand", 24


def fit(truth: np.ndarray, told: np.ndarray) -> float:
    """R²: 1 is a perfect fit, 0 what telling the mean is worth."""
    return float(1 - np.mean((truth - told) ** 2) / np.var(truth))
