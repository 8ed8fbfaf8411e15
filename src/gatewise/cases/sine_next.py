"""The next value of a noisy sine

Data   1,200 points of a sine, ten periods, with noise of 0.1. Twenty values are read, the next one
       is forecast; the last 180 are kept from training.
Trap   Ten updates are called ten epochs; no baseline stands beside the loss; an answer of shape
       (N, 1) against a truth of shape (N,) broadcasts to (N, N), and the network learns the mean.
Right  Within 10 % of least squares on the same twenty values, on every engine, and the noise,
       which nothing can forecast, stands beside it.
"""

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome


def run(ask: Ask) -> Outcome:
    """A small LSTM beside least squares, the last value and the noise."""
    frame = gw.datasets.noisy_sine(points=1200, periods=10, noise=0.1, seed=ask.seed)
    network = gw.Network(cell="lstm", hidden_size=32)
    model = gw.Forecaster(horizon=1, lookback=20, network=network, **ask.how)
    model.fit(frame[:1020], target="y")

    judged = model.evaluate(frame)  # the 180 windows behind the rows learnt from
    scores = {name: {"MSE": score["RMSE"] ** 2} for name, score in judged.scores().items()}
    ratio = scores["network"]["MSE"] / scores["linear"]["MSE"]
    scores["noise (floor)"] = {"MSE": 0.1**2}

    picture, (left, right) = pictures.figure(2)
    left.plot(frame["y"][-180:], ".", color=pictures.GREY, label="seen")
    left.plot(frame["clean"][-180:], color=pictures.TRUTH, linewidth=1, label="without noise")
    told = judged.forecasts["network"][:, 0, 0]
    left.plot(judged.origins, told, color=pictures.NETWORK, label="forecast")
    pictures.legend(left)
    pictures.bars(right, {name: score["MSE"] for name, score in scores.items()}, title="MSE")

    return Outcome(
        scores=scores,
        split="1,020 points learnt from, the last 180 judged",
        checks=[Check("within 10 % of least squares", ratio <= 1.1, f"{ratio:.3f} times its MSE")],
        said=[judged.verdict()],
        picture=picture,
    )
