"""Padding, clipping, and what cuDNN needs

Data   Made-up sequences of 3 to 12 steps in one padded batch; and 1,200 points of a noisy sine, for
       training at a learning rate that is too high.
Trap   LSTM(mask_zero=True) is written, which does not exist, and padding is read as data. Gradients
       are clipped by value, or (Keras' clipnorm) each weight by itself, as if it were the same.
Right  Under any padding each sequence reads as it does alone. Clipping by the norm of the whole
       gradient keeps its direction, the others turn it: by how much is measured. A run that
       diverges without clipping learns with it.
"""

import numpy as np
from numpy.typing import NDArray

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome

NORM, VALUE = 0.1, 0.01  # largest norm of a gradient, largest size of an entry


def angle(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Between two directions, in degrees."""
    cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def run(ask: Ask) -> Outcome:
    """Padding read and not read; a gradient clipped in three ways; three runs."""
    rng = np.random.default_rng(ask.seed)
    lengths = rng.permutation(np.arange(3, 13))
    batch = rng.normal(size=(10, 12, 4))
    batch[np.arange(12) >= lengths[:, None]] = 9.0  # padding; any number will do
    off, unmasked = 0.0, []
    for cell in (gw.Network(cell="lstm"), gw.Network(cell="gru", bidirectional=True)):
        stack = gw.Stack(cell.replace(hidden_size=16), 4, engine=ask.engine, seed=ask.seed)
        together = stack.read(batch, lengths=lengths).outputs
        blind = stack.read(batch).outputs  # no lengths: padding is data
        for row, length in enumerate(lengths):
            alone = stack.read(batch[row : row + 1, :length]).outputs[0]
            off = max(off, np.abs(together[row, :length] - alone).max())
            if length < 12:
                unmasked.append(np.abs(blind[row, -1] - alone[-1]).mean())

    stack = gw.Stack(gw.Network(hidden_size=16), 4, engine=ask.engine, seed=ask.seed)
    x = rng.normal(size=(10, 12, 4))
    upstream = np.zeros((10, 12, 16))
    upstream[:, -1] = rng.normal(size=(10, 16))
    found = stack.gradients(x, upstream)
    by_weight = [found[name].ravel().astype(float) for name in stack.weights]
    gradient = np.concatenate(by_weight)

    def shortened(slopes: NDArray[np.float64]) -> NDArray[np.float64]:
        return slopes * min(1.0, NORM / float(np.linalg.norm(slopes)))

    turned = {
        "by the whole norm": angle(gradient, shortened(gradient)),
        "each weight's norm": angle(
            gradient, np.concatenate([shortened(slopes) for slopes in by_weight])
        ),
        "by value": angle(gradient, np.clip(gradient, -VALUE, VALUE)),
    }

    frame = gw.datasets.noisy_sine(points=1200, periods=10, noise=0.1, seed=ask.seed)
    network = gw.Network(cell="rnn", hidden_size=32, shortcut=0)
    steep = gw.Training(
        optimizer="sgd", learning_rate=0.3, schedule="cosine", epochs=15, patience=None
    )
    scores: dict[str, dict[str, float]] = {}
    curves, diverged = {}, ""
    for name, training in {
        "clipped by norm": steep.replace(clip_norm=NORM),
        "clipped by value": steep.replace(clip_norm=None, clip_value=VALUE),
        "not clipped": steep.replace(clip_norm=None),
    }.items():
        model = gw.Forecaster(horizon=1, lookback=20, network=network, training=training, **ask.how)
        try:
            model.fit(frame[:1020], target="y")
        except gw.DivergedError as error:
            diverged = f"{name}: {error}"
            continue
        judged = model.evaluate(frame).scores()
        scores[name] = {"MSE": judged["network"]["RMSE"] ** 2}
        others = {other: {"MSE": judged[other]["RMSE"] ** 2} for other in ("linear", "naive")}
        curves[name] = [record.train_loss for record in model.history_.records]
    scores |= {**others, "noise (floor)": {"MSE": 0.1**2}}
    ours, naive = scores["clipped by norm"]["MSE"], scores["naive"]["MSE"]

    picture, (left, right) = pictures.figure(2)
    drawn = left.barh(list(turned), list(turned.values()), color=pictures.NETWORK, height=0.5)
    left.bar_label(drawn, fmt="%.0f°", padding=3)
    left.margins(x=0.14)
    left.invert_yaxis()
    left.set(title="clipping turns the gradient", xlabel="degrees")
    for name, curve in curves.items():
        colour = pictures.NETWORK if name == "clipped by norm" else pictures.OTHERS[0]
        right.plot(range(1, len(curve) + 1), curve, color=colour, label=name)
    right.plot([], [], " ", label="not clipped: diverged at once" if diverged else "")
    right.legend(fontsize=8)
    right.set(title="training loss at a rate too high", xlabel="epoch", ylim=(0, None))

    return Outcome(
        scores=scores,
        split="1,020 points learnt from, the last 180 judged",
        checks=[
            Check("each sequence reads as it does alone", off < 1e-5, f"{off:.1e} apart"),
            Check(
                "read as data, padding changes what is shown last",
                min(unmasked) > 0.05,
                f"by {min(unmasked):.2f} or more",
            ),
            Check(
                "clipping by the whole norm keeps the direction, by value it turns it",
                turned["by the whole norm"] < 0.01 and turned["by value"] > 10,
                ", ".join(f"{name} {degrees:.0f}°" for name, degrees in turned.items()),
            ),
            Check("without clipping the run diverges", bool(diverged), diverged.split(";")[0]),
            Check(
                "clipped by norm it beats the last value", ours < naive, f"{ours:.4f}, {naive:.4f}"
            ),
        ],
        said=[
            diverged,
            "Clipped by value the run is saved, too: turned steps are small steps all the same.",
            "Keras' clipnorm clips each weight by itself; global_clipnorm, and clip_norm here, "
            "clip all together.",
            "cuDNN needs tanh and sigmoid where they belong, biases, no dropout between the steps "
            "of a state, and padding at the end alone: what networks are here in any case "
            "(recurrent_dropout drops entries of the matrix, not steps).",
        ],
        picture=picture,
    )
