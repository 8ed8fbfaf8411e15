"""Grid, random and Bayesian search at equal cost

Data   1,200 points of a sine, ten periods, with noise of 0.1; twenty values are read, the next one
       is forecast. 1,020 points learn and validate, the last 180 are judged once, at the end.
Trap   A grid is listed and never run; learning rates and batch sizes are drawn and not used; the
       winner's validation error, the lowest of many, is shown as if it were its error.
Right  Each search has as many trials in one space (in full the whole grid of 243 is run, too), and
       what is drawn is used. The winner is chosen by validation, then judged on untouched data
       beside the defaults and least squares.
"""

from typing import Any

import numpy as np

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome

SPACE = {  # a grid takes low, middle and high of each: 3 x 3 x 3 x 3 x 3 points
    "hidden_size": {"low": 32, "high": 128, "log": True},
    "num_layers": {"low": 1, "high": 3},
    "dropout": {"low": 0.1, "high": 0.3},
    "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
    "batch_size": {"low": 16, "high": 64, "log": True},
}
QUICK = {
    "hidden_size": {"low": 8, "high": 32, "log": True},
    "learning_rate": {"low": 3e-3, "high": 3e-2, "log": True},
    "batch_size": {"low": 64, "high": 256, "log": True},
}


def run(ask: Ask) -> Outcome:
    """Three searches; the best of what they find by validation, judged on the test part."""
    frame = gw.datasets.noisy_sine(points=1200, periods=10, noise=0.1, seed=ask.seed)
    trials = 8 if ask.quick else 27
    searches: dict[str, tuple[str, Any]] = {
        search: (search, {"trials": trials}) for search in ("grid", "random", "bayes")
    }
    if not ask.quick:
        searches["whole grid"] = ("grid", {"prune": "hyperband"})
    found = {}
    for name, (search, cost) in searches.items():
        model = gw.Forecaster(
            horizon=1,
            lookback=20,
            scaling="none",  # losses in the data's own units
            network=gw.Network(cell="lstm", shortcut=0),
            training=gw.Training(epochs=8 if ask.quick else 20, patience=5, schedule="cosine"),
            **ask.how,
        )
        how: dict[str, Any] = {
            "search": search,
            "test": 180,
            "seed": ask.seed,
            "verbose": 0,
            "target": "y",
        }
        found[name] = gw.tune(model, frame, QUICK if ask.quick else SPACE, **how, **cost)

    lowest = {name: float(result.trials["value"].min()) for name, result in found.items()}
    winner = min(lowest, key=lambda name: lowest[name])
    judged = {name: result.evaluation.scores() for name, result in found.items()}
    scores: dict[str, dict[str, float]] = {}
    for name, row in {"network": winner, **{name: name for name in found}}.items():
        error = float(judged[row]["network"]["RMSE"] or np.nan)
        scores[name] = {"test MSE": error**2, "validation MSE": lowest[row]}
    for name in ("defaults", "linear"):
        scores[name] = {"test MSE": float(judged[winner][name]["RMSE"] or np.nan) ** 2}
    scores["noise (floor)"] = {"test MSE": 0.1**2}
    ratio = scores["network"]["test MSE"] / scores["linear"]["test MSE"]

    picture, (left, right) = pictures.figure(2)
    colours = (*pictures.OTHERS[:2], pictures.NETWORK, pictures.GREY)
    for (name, result), colour in zip(found.items(), colours, strict=False):
        tried = result.trials["value"].astype(float)
        left.plot(result.trials["trial"], tried, ".", color=colour, alpha=0.6)
        best = np.fmin.accumulate(tried)
        left.step(result.trials["trial"], best, where="post", color=colour, label=name)
    left.set_ylim(0.008, 0.03)  # trials far off are not shown
    left.set_title("Validation MSE of each trial, lowest so far")
    left.legend()
    pictures.bars(right, {name: row["test MSE"] for name, row in scores.items()}, title="Test MSE")

    used = all(
        result.best_model.get_params()[name] == value
        for result in found.values()
        for name, value in result.best_params.items()
    )
    equal = {len(found[name].trials) for name in ("grid", "random", "bayes")}
    return Outcome(
        scores=scores,
        split="1,020 points learn and validate, the last 180 judged once",
        checks=[
            Check("equal cost", equal == {trials}, f"{trials} trials each"),
            Check("what is drawn is used", used, "by the models that were kept"),
            Check(
                "the winner is within 10 % of least squares on untouched data",
                ratio <= 1.1,
                f"{ratio:.3f} times its MSE",
            ),
        ],
        said=[
            f"Lowest validation error: {winner}, {found[winner].best_params}.",
            found[winner].verdict,
            "Bayes begins with the six trials at random that random begins with, too.",
        ],
        picture=picture,
    )
