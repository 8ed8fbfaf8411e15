"""Temperature, humidity and pressure a day ahead, read together

Data   A made-up place, hour by hour, for a year (quick: 120 days): fronts move the pressure, the
       temperature follows it a day late, humidity moves against temperature. The last fifth is
       judged.
Trap   The scaler is fitted on all rows, those to be judged among them; one error is given for
       three variables in three units; what each would be worth read alone is not asked.
Right  Scaled by the rows learnt from; the error of each variable in its own unit, beside least
       squares on its own past. Reading all three together pays where one tells of another, in
       temperature and humidity; of pressure nothing tells but its own past.
"""

import numpy as np

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome

UNITS = {"temperature": "°C", "humidity": "%", "pressure": "hPa"}
HORIZON = 24


def run(ask: Ask) -> Outcome:
    """One LSTM that reads three variables and forecasts them."""
    frame = gw.datasets.weather(hours=24 * (120 if ask.quick else 365), seed=ask.seed)
    learnt = frame[: len(frame) * 4 // 5]
    model = gw.Forecaster(
        horizon=HORIZON,
        lookback=48,
        strategy="direct",
        channel_independent=False,  # all three are read together
        network=gw.Network(cell="lstm", hidden_size=64, dropout=0.3),
        training=gw.Training(
            epochs=15, patience=5, batch_size=64, learning_rate=2e-3, schedule="cosine"
        ),
        **ask.how,
    )
    model.fit(learnt, target=list(UNITS), time="time")
    judged = model.evaluate(frame)

    by_variable = {variable: judged.scores(variable) for variable in UNITS}
    scores = {
        name: {f"{v} MAE, {unit}": by_variable[v][name]["MAE"] for v, unit in UNITS.items()}
        for name in judged.forecasts
    }
    scores["noise (floor)"] = dict(zip(scores["network"], floor(), strict=True))

    picture, panels = pictures.figure(3)
    for panel, (variable, unit) in zip(panels, UNITS.items(), strict=True):
        errors = {name: row[f"{variable} MAE, {unit}"] for name, row in scores.items()}
        pictures.bars(panel, errors, title=f"{variable}: MAE in {unit}")
        if variable != "temperature":
            panel.set_yticklabels([])

    means, everything = learnt[list(UNITS)].mean(), frame[list(UNITS)].mean()
    checks = [
        Check(
            "scaled by the rows learnt from alone",
            np.allclose(model.codec_.scaler.center, means, rtol=1e-6),
            f"temperature around {means['temperature']:.2f} °C; of all rows "
            f"{everything['temperature']:.2f} °C",
        )
    ]
    ratios = {
        variable: score["network"]["MAE"] / score["linear"]["MAE"]
        for variable, score in by_variable.items()
    }
    for variable, most in (("temperature", 0.9), ("humidity", 0.95)):
        words = f"{variable}: at most {most:g} times the error of its own past alone (linear)"
        checks.append(Check(words, ratios[variable] <= most, f"{ratios[variable]:.3f}"))
    return Outcome(
        scores=scores,
        split=f"{len(learnt):,} hours learnt from, the {len(frame) - len(learnt):,} after them "
        f"judged, {HORIZON} hours ahead from {len(judged.origins):,} origins",
        checks=checks,
        said=[
            judged.verdict(),
            f"Nothing tells of the pressure but its own past: {ratios['pressure']:.3f} times the "
            f"error of linear. The floor is what noise makes on average; the days judged may be "
            f"calmer or wilder.",
        ],
        picture=picture,
    )


def floor() -> list[float]:
    """The mean absolute error of whoever knows how the weather was made, by its noise alone.

    What has a memory of keep per hour is unknown by sqrt(1 - keep^2h) after h hours.
    """
    hours = np.arange(1, HORIZON + 1)
    air, front = (np.sqrt(1 - keep ** (2 * hours)).mean() for keep in (0.9, 0.98))
    spread = np.array([air, np.hypot(2, 4) * air, 8 * front])  # each variable's own noise
    return list(np.sqrt(2 / np.pi) * spread)
