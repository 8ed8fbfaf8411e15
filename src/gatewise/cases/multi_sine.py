"""Many short series under one network

Data   1,000 series of 50 steps, each the sum of two sines with frequencies and phases of its own,
       and noise. 700 are learnt from; of the 300 others the last value is forecast.
Trap   One window of 49 values from each series is too little to learn from, and no baseline stands
       beside the loss: the LSTM of the tutorials has three times the error of least squares.
Right  Every window of 30 values is learnt from, none reaches into another series, and the network
       clearly beats least squares on series that it has never seen. The noise stands beside both.
"""

import numpy as np

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome

READ = 30


def run(ask: Ask) -> Outcome:
    """An LSTM of 50 units beside least squares on the same 30 values, and on all 49."""
    count, learnt, epochs = (500, 280, 30) if ask.quick else (1000, 700, 40)
    waves = gw.datasets.multi_sine(series=count, steps=50, noise=0.1, seed=ask.seed)
    frame = gw.datasets.long_frame(waves)  # columns series, step, y
    new = frame[frame["series"] >= learnt]

    network = gw.Network(cell="lstm", hidden_size=50, shortcut=0)
    training = gw.Training(
        epochs=epochs, batch_size=64, learning_rate=5e-3, schedule="cosine", patience=epochs
    )
    model = gw.Forecaster(
        horizon=1, lookback=READ, window_scaling="none", retrain=not ask.quick,
        network=network, training=training, **ask.how,
    )  # fmt: skip
    model.fit(frame[frame["series"] < learnt], target="y", time="step", series="series")

    judged = model.evaluate(new[new["step"] >= 50 - READ])  # one window of each: to the last value
    scores = {name: {"MSE": score["RMSE"] ** 2} for name, score in judged.scores().items()}
    lags = np.column_stack([waves[:, :49], np.ones(count)])
    weights = np.linalg.lstsq(lags[:learnt], waves[:learnt, 49], rcond=None)[0]
    straight = lags[learnt:] @ weights
    scores["linear, all 49 values"] = {"MSE": np.mean((straight - waves[learnt:, 49]) ** 2)}
    scores["noise (floor)"] = {"MSE": 0.1**2 / 12}
    best = min(scores["linear"]["MSE"], scores["linear, all 49 values"]["MSE"])
    ratio = scores["network"]["MSE"] / best

    picture, (left, middle, right) = pictures.figure(3)
    for place, wave in enumerate(waves[learnt : learnt + 3]):
        left.plot(np.arange(1, 51), wave - 1.5 * place, color=pictures.GREY)
        left.plot(50, judged.forecasts["network"][place, 0, 0] - 1.5 * place, "o",
                  color=pictures.NETWORK, label="forecast" if place == 0 else None)  # fmt: skip
    left.set_yticks([])
    left.set_ylim(-5.2, 1)
    left.set_xlabel("step")
    left.set_title("Three new series")
    left.legend(loc="lower left")
    edges = np.linspace(-0.2, 0.2, 25)
    for name, colour in (("linear", pictures.OTHERS[0]), ("network", pictures.NETWORK)):
        errors = (judged.truth - judged.forecasts[name])[:, 0, 0]
        middle.hist(errors, edges, histtype="step", color=colour, linewidth=1.6, label=name)
    middle.axvspan(-0.05, 0.05, color="#e8eaf0", zorder=0, label="noise")
    middle.set_title("Errors of the new series")
    middle.set_xlabel("truth - forecast")
    middle.set_ylim(top=1.5 * middle.get_ylim()[1])  # room for the legend
    middle.legend(loc="upper left", fontsize=8)
    shown = ["network", "linear", "linear, all 49 values", "noise (floor)"]
    pictures.bars(right, {name: scores[name]["MSE"] for name in shown}, title="MSE")
    right.locator_params(axis="x", nbins=3)

    return Outcome(
        scores=scores,
        split=f"{learnt} series learnt from, the last value of {count - learnt} others judged",
        checks=[
            Check("clearly beats least squares", ratio < 0.9, f"{ratio:.2f} times its MSE"),
        ],
        said=[judged.verdict()],
        picture=picture,
    )  # fmt: skip
