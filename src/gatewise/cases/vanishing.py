"""Gradients that vanish, measured

Data   Sequences of 50 random numbers; one of the first five is marked. At the end: was it above 0?
       1,000 to learn from, 500 to judge on; more without --quick.
Trap   "The gradient vanishes" is shown as 0.5 to the power of 20, which is no network. What a
       forget gate does about it depends on its bias, which is not mentioned.
Right  The slope of what is shown last by every input, through RNN, GRU and LSTM as they begin to
       learn, plotted by distance; and a task that the RNN fails and the LSTM solves.
"""

import numpy as np

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome

STEPS, FAR = 50, 20
NETWORKS = {
    "LSTM, forget bias 5": gw.Network(cell="lstm", hidden_size=32, forget_bias=5),
    "LSTM, forget bias 1": gw.Network(cell="lstm", hidden_size=32, forget_bias=1),
    "GRU": gw.Network(cell="gru", hidden_size=32),
    "RNN": gw.Network(cell="rnn", hidden_size=32),
}


def run(ask: Ask) -> Outcome:
    """Gradients by distance before training, then the accuracy after it."""
    rng = np.random.default_rng(ask.seed)
    learnt, judged = 1000 if ask.quick else 4000, 500
    x = np.zeros((learnt + judged, STEPS, 2), np.float32)  # a number, and whether it is marked
    x[:, :, 0] = rng.normal(size=x.shape[:2])
    rows, at = np.arange(len(x)), rng.integers(0, 5, size=len(x))
    x[rows, at, 1] = 1
    labels = np.where(x[rows, at, 0] > 0, "above", "below").tolist()

    # what is shown behind the last step, in a random direction, by every input
    upstream = np.zeros((16, FAR, 32))
    upstream[:, -1] = rng.normal(size=(16, 32))
    noise = rng.normal(size=(16, FAR, 8))
    slopes = {}
    for name, network in NETWORKS.items():
        stack = gw.Stack(network, inputs=8, engine=ask.engine, seed=ask.seed)
        by_input = np.linalg.norm(stack.gradients(noise, upstream)["x"], axis=2)  # (16, FAR)
        slopes[name] = by_input.mean(axis=0)[::-1]  # by distance from the end
    left_over = {name: float(slope[-1] / slope[0]) for name, slope in slopes.items()}

    training = gw.Training(epochs=12, batch_size=50, learning_rate=5e-3, patience=None)
    scores = {}
    for name, network in NETWORKS.items():
        plain = network.replace(pooling="last", bidirectional=False, dropout=0, input_dropout=0)
        model = gw.Classifier(members=1, network=plain, training=training, **ask.how)
        model.fit(list(x[:learnt]), labels[:learnt])
        accuracy = model.score(list(x[learnt:]), labels[learnt:])
        scores[name] = {"accuracy": accuracy, f"slope, first / last of {FAR}": left_over[name]}
    most = max(labels[:learnt], key=labels[:learnt].count)
    scores["most frequent class"] = {"accuracy": labels[learnt:].count(most) / judged}
    accuracies = {name: score["accuracy"] for name, score in scores.items()}
    remembers, rnn = accuracies["LSTM, forget bias 5"], accuracies["RNN"]

    picture, (left, right) = pictures.figure(2, height=3.2)
    colours = (pictures.NETWORK, *pictures.OTHERS)
    for (name, slope), colour in zip(slopes.items(), colours, strict=False):
        left.semilogy(slope / slope[0], color=colour, label=name)
    left.set(xlabel="steps back", title="slope by an input, beside the last")
    left.legend(loc="lower left", fontsize=8)
    pictures.bars(right, accuracies, title="accuracy on the task")

    return Outcome(
        scores=scores,
        split=f"{learnt:,} sequences learnt from (a tenth of them held out), {judged} judged",
        checks=[
            Check(
                f"RNN: of the first of {FAR} inputs, less than a hundredth arrives",
                left_over["RNN"] < 0.01,
                f"{left_over['RNN']:.1e}",
            ),
            Check(
                "forget bias 5: nothing is lost",
                left_over["LSTM, forget bias 5"] > 1,
                f"{left_over['LSTM, forget bias 5']:.2g}",
            ),
            Check("the LSTM with forget bias 5 solves it", remembers > 0.9, f"{remembers:.1%}"),
            Check("the RNN does not", rnn < 0.65, f"{rnn:.1%}"),
        ],
        said=[
            f"Slope by the first of {FAR} inputs, beside that by the last: "
            + ", ".join(f"{name} {share:.2g}" for name, share in left_over.items())
            + ".",
            "A GRU begins with its gates half open, so that half of what it holds goes at each "
            f"step: {accuracies['GRU']:.1%} here. The bias of a forget gate is what decides.",
        ],
        picture=picture,
    )
