"""Ten and a hundred steps beyond the end of a noisy sine

Data   1,200 points of a sine, ten periods, with noise of 0.1. The first 1,000 are learnt from;
       twenty values are read, the next hundred are forecast from each origin behind them.
Trap   The last window is lost by an off-by-one, and the "future" begins with points that are
       already known; forecasts of one step, each fed with the truth, pass for a hundred steps.
Right  The forecast begins with the first unknown point. Fed with its own answers (recursive) it
       stays on the wave for a hundred steps; telling them all at once (direct) it is better than
       least squares on the same twenty values.
"""

import numpy as np

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome

LEARNT, STEPS = 1000, 100


def run(ask: Ask) -> Outcome:
    """An LSTM that tells a hundred steps at once, and one that is fed with its own answers."""
    frame = gw.datasets.noisy_sine(points=1200, periods=10, noise=0.1, seed=ask.seed)
    direct = gw.Forecaster(
        horizon=STEPS,
        lookback=20,
        strategy="direct",
        network=gw.Network(cell="lstm", hidden_size=50, shortcut=0),
        training=gw.Training(epochs=40, batch_size=64, learning_rate=1e-2, schedule="cosine"),
        **ask.how,
    )
    recursive = gw.Forecaster(
        horizon=STEPS,
        lookback=20,
        strategy="recursive",
        window_scaling="none",  # a sine keeps its level; relative to the last value it would drift
        network=gw.Network(cell="lstm", hidden_size=50),
        training=gw.Training(epochs=20, batch_size=64, learning_rate=1e-3),
        **ask.how,
    )
    judged = direct.fit(frame[:LEARNT], target="y").evaluate(frame)
    fed_back = recursive.fit(frame[:LEARNT], target="y").evaluate(frame)

    # nothing can forecast the noise: judged is how far from the sine itself
    clean = frame["clean"].to_numpy()[judged.origins[:, None] + np.arange(STEPS)]
    told = {"network": judged.forecasts["network"], "fed back": fed_back.forecasts["network"]}
    told |= {name: answer for name, answer in judged.forecasts.items() if name not in told}
    errors = {name: ((answer[..., 0] - clean) ** 2).mean(axis=0) for name, answer in told.items()}
    ten, hundred = "MSE of 10 steps", f"MSE of {STEPS} steps"
    scores = {n: {ten: float(e[:10].mean()), hundred: float(e.mean())} for n, e in errors.items()}
    ours, linear = scores["network"], scores["linear"]

    forecasts = {"network": direct.predict(), "fed back": recursive.predict()}
    colours = {"network": pictures.NETWORK, "fed back": pictures.OTHERS[0]}
    picture, (left, right) = pictures.figure(2)
    left.plot(frame["y"][LEARNT - 60 : LEARNT], ".", color=pictures.GREY, label="seen")
    left.plot(frame["clean"][LEARNT - 60 : LEARNT + STEPS], color=pictures.TRUTH, linewidth=1)
    for name, forecast in forecasts.items():
        left.plot(forecast["step"] - 1, forecast["y"], color=colours[name], label=name)
    left.set_ylim(-1.2, 2)
    left.legend(loc="upper left", ncols=3)
    left.set_title("From the end of what was seen")
    for name, colour in {**colours, "linear": pictures.GREY, "naive": pictures.OTHERS[2]}.items():
        right.semilogy(np.arange(1, STEPS + 1), errors[name], color=colour, label=name)
    right.set_ylim(top=60)
    right.legend(loc="upper left", ncols=2)
    right.set_title("MSE by steps ahead, of 101 origins")

    first, last = (int(forecasts["network"]["step"].iloc[at]) for at in (0, -1))
    same = np.allclose(forecasts["network"]["y"], judged.forecasts["network"][0, :, 0], atol=1e-5)
    return Outcome(
        scores=scores,
        split="1,000 points learnt from; 101 origins from there on, judged against the sine "
        "without noise",
        checks=[
            Check(
                "begins with the first unknown step, and is judged there",
                (first, last) == (LEARNT + 1, LEARNT + STEPS) and same,
                f"steps {first:,} to {last:,} behind {LEARNT:,} known ones",
            ),
            Check(
                "direct is better than least squares over a hundred steps",
                ours[hundred] < linear[hundred],
                f"{ours[hundred] / linear[hundred]:.2f} times its MSE",
            ),
            Check(
                "fed back, a hundred steps stay on the wave (MSE below a tenth of its variance)",
                scores["fed back"][hundred] < 0.05,
                f"{scores['fed back'][hundred]:.4f} of 0.5",
            ),
        ],
        said=[f"Judged on the noisy points: {judged.verdict()}"],
        picture=picture,
    )
