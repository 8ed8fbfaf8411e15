"""Dropout, L2 and early stopping where a network overfits

Data   1,200 points of a sine, forty periods, with noise of 0.5. Only 100 are learnt from, the next
       200 validate, the last 900 are judged; twenty values are read, the next one is forecast.
Trap   The training loss falls and passes for progress; several remedies are switched on at once,
       and nobody sees what each does.
Right  Dropout, recurrent dropout, L2 and early stopping, one at a time; training and validation
       curves side by side, "at the end" is the mean of the last ten epochs. A training error
       below the noise, which nothing can forecast, is noise learnt by heart.
"""

from typing import Any

import pandas as pd

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome

Settings = dict[str, Any]
WAYS: dict[str, tuple[Settings, Settings]] = {  # name -> added to the network, to its training
    "early stopping": ({}, {"patience": 5}),
    "nothing": ({}, {}),
    "dropout": ({"dropout": 0.5, "input_dropout": 0.3}, {}),
    "recurrent dropout": ({"recurrent_dropout": 0.5}, {}),
    "L2": ({}, {"l2": 3e-3}),
}
LEARNT, VALIDATED, NOISE, EPOCHS = 100, 200, 0.5, 60


def run(ask: Ask) -> Outcome:
    """The same LSTM with one remedy after the other."""
    frame = gw.datasets.noisy_sine(points=1200, periods=40, noise=NOISE, seed=ask.seed)
    curves: dict[str, pd.DataFrame] = {}
    scores: dict[str, dict[str, float]] = {}
    for name, (network, training) in WAYS.items():
        model = gw.Forecaster(
            horizon=1,
            lookback=20,
            scaling="none",  # so that losses are in the data's own units
            window_scaling="none",
            validation=VALIDATED,
            retrain=False,  # what is judged is what the curves show
            network=gw.Network(hidden_size=64, dropout=0, shortcut=0).replace(**network),
            training=gw.Training(
                epochs=EPOCHS, batch_size=8, learning_rate=1e-2, schedule="constant", patience=None
            ).replace(**training),
            **ask.how,
        )
        judged = model.fit(frame[: LEARNT + VALIDATED], target="y").evaluate(frame)
        curve = curves[name] = pd.DataFrame(model.history_.to_dict()["records"])
        scores[name] = {
            "test MSE": judged.scores()["network"]["RMSE"] ** 2,
            "validation, lowest": curve["validation_loss"].min(),
            "at epoch": model.history_.best_epoch,
            "at the end": curve["validation_loss"].tail(10).mean(),  # single epochs scatter
            "training": curve["train_loss"].tail(10).mean(),
        }
    for name in ("linear", "naive"):
        scores[name] = {"test MSE": judged.scores()[name]["RMSE"] ** 2}
    scores["noise (floor)"] = {"test MSE": NOISE**2}

    picture, panels = pictures.figure(len(WAYS))
    for panel, (name, curve) in zip(panels, curves.items(), strict=True):
        panel.plot(curve["epoch"], curve["train_loss"], color=pictures.OTHERS[0], label="training")
        panel.plot(
            curve["epoch"], curve["validation_loss"], color=pictures.NETWORK, label="validation"
        )
        panel.axhline(NOISE**2, color=pictures.FLOOR, linestyle=":", label="noise")
        panel.set(title=name, xlim=(0, EPOCHS + 1), ylim=(0, 0.9))
    panels[0].legend()
    for panel in panels[1:]:
        panel.set_yticklabels([])

    plain, early = scores["nothing"], scores["early stopping"]
    ended = len(curves["early stopping"])
    rise = plain["at the end"] / plain["validation, lowest"]
    checks = [
        Check(
            "without a remedy the noise is learnt by heart",
            plain["training"] < NOISE**2 and rise > 1.2,
            f"training error {plain['training']:.3f}, noise {NOISE**2}; validation error ends "
            f"{rise:.2f} times its lowest",
        ),
        *(
            Check(
                f"{name} holds the validation error down",
                scores[name]["at the end"] < 0.9 * plain["at the end"],
                f"{scores[name]['at the end']:.3f} at the end, without {plain['at the end']:.3f}",
            )
            for name in ("dropout", "recurrent dropout", "L2")
        ),
        Check(
            "early stopping ends in half the epochs, and is as good on the test part",
            ended <= EPOCHS / 2 and early["test MSE"] <= 1.1 * plain["test MSE"],
            f"{ended} of {EPOCHS} epochs; {early['test MSE']:.3f} against {plain['test MSE']:.3f}",
        ),
    ]
    return Outcome(
        scores=scores,
        split=f"{LEARNT} points learnt from, {VALIDATED} validate, the last 900 judged",
        checks=checks,
        said=[
            "Every row is judged with the weights of its lowest validation error: gatewise "
            "restores them, with or without early stopping, which saves the time."
        ],
        picture=picture,
    )
