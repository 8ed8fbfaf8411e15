"""Ten steps at once, of series that were never seen

Data   Series of 80 steps, each the sum of two sines with frequencies and phases of its own, and
       noise. Fifty values are read, the next ten are forecast, on series that were not learnt from.
Trap   The encoder-decoder is trained on overlapping windows of one series and judged on that very
       series: it looks perfect, and on a new series it may be worse than always saying zero.
Right  Many series are learnt from, others are judged, beside the last value and least squares on
       the same fifty values; and what the network of one series makes of them stands beside that.
"""

import numpy as np

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome


def run(ask: Ask) -> Outcome:
    """An encoder, its last state before every step of a decoder, a head at every step."""
    learnt, epochs = (150, 14) if ask.quick else (400, 30)
    frame = gw.datasets.long_frame(gw.datasets.multi_sine(learnt + 100, steps=80, seed=ask.seed))
    new = frame[frame["series"] >= learnt]

    network = gw.Network(cell="lstm", hidden_size=50, segment_length=1, shortcut=0)
    training = gw.Training(
        epochs=epochs, batch_size=64, learning_rate=5e-3, schedule="cosine", loss="mse",
        patience=epochs,
    )  # fmt: skip
    model = gw.Forecaster(
        horizon=10, lookback=50, strategy="by_position", window_scaling="none", retrain=False,
        network=network, training=training, **ask.how,
    )  # fmt: skip
    model.fit(frame[frame["series"] < learnt], target="y", time="step", series="series")
    judged = model.evaluate(new)  # every window of the new series
    scores = {name: {"MSE": float(np.mean((judged.truth - told) ** 2))} for name, told in
              judged.forecasts.items()}  # fmt: skip

    single = gw.Forecaster(**model.get_params(deep=False))
    single.fit(frame[frame["series"] == 0], target="y", time="step", series="series")
    alone = single.evaluate(new).forecasts["network"]
    scores["network of one series"] = {"MSE": float(np.mean((judged.truth - alone) ** 2))}
    scores["always zero"] = {"MSE": float(np.mean(judged.truth**2))}
    scores["noise (floor)"] = {"MSE": 0.1**2 / 12}
    against = {name: scores["network"]["MSE"] / scores[name]["MSE"] for name in scores}

    picture, (left, right) = pictures.figure(2)
    wave, start = new["y"].to_numpy()[:80], judged.origins[0]
    ahead = np.arange(start, start + 10)
    left.plot(np.arange(25, 60), wave[25:60], color=pictures.GREY, label="a new series")
    left.plot(ahead, judged.forecasts["linear"][0], color=pictures.OTHERS[0], label="linear")
    left.plot(ahead, alone[0], color=pictures.OTHERS[1], label="network of one series")
    left.plot(ahead, judged.forecasts["network"][0], color=pictures.NETWORK, label="network")
    left.set_xlabel("step")
    left.set_ylim(-2.2, 1.2)
    left.legend(loc="lower left", ncols=2, fontsize=8)
    pictures.bars(right, {name: score["MSE"] for name, score in scores.items()}, title="MSE")
    right.locator_params(axis="x", nbins=4)

    return Outcome(
        scores=scores,
        split=f"{learnt} series learnt from, all windows of 100 others judged",
        checks=[
            Check("clearly beats least squares", against["linear"] < 0.9,
                  f"{against['linear']:.2f} times its MSE"),
            Check("far better than the last value", against["naive"] < 0.2,
                  f"{against['naive']:.3f} times its MSE"),
        ],
        said=[judged.verdict()],
        picture=picture,
    )  # fmt: skip
