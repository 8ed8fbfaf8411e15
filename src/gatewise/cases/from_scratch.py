"""An LSTM from scratch: one step, a sequence, back-propagation

Data   Made-up sequences of 12 steps with 3 features: 64 to learn from, 64 to judge on. At each
       step the mean of all features read so far is to be said.
Trap   The equations stand on a slide and are never run: gates in another order, one bias too many
       or a gradient that lacks a term train all the same, only worse.
Right  In NumPy, one step, a sequence and its gradients are those of the engine, to rounding, and
       those of finite differences. What NumPy has learnt, the engine answers.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome

Array = NDArray[Any]
Memory = tuple[Array, ...]


def step(x: Array, h: Array, c: Array, W: Array, R: Array, b: Array) -> tuple[Array, Array, Memory]:
    """x (B, F), h and c (B, H) -> the new h and c; what the way back needs of them."""
    i, f, g, o = np.split(x @ W + h @ R + b, 4, axis=1)
    i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
    g = np.tanh(g)
    new = f * c + i * g
    return o * np.tanh(new), new, (x, h, c, i, f, g, o, np.tanh(new))


def forward(x: Array, W: Array, R: Array, b: Array) -> tuple[Array, list[Memory]]:
    """x (B, T, F) -> h at every step (B, T, H), from zeros; and what the way back needs."""
    h = c = np.zeros((len(x), len(R)))
    shown, kept = [], []
    for t in range(x.shape[1]):
        h, c, memory = step(x[:, t], h, c, W, R, b)
        shown.append(h)
        kept.append(memory)
    return np.stack(shown, axis=1), kept


def backward(upstream: Array, kept: list[Memory], W: Array, R: Array, b: Array) -> list[Array]:
    """The loss by every h (B, T, H) -> the loss by W, R and b; the last step first."""
    dW, dR, db = (np.zeros_like(weight) for weight in (W, R, b))
    dh = dc = np.zeros_like(upstream[:, 0])  # what the steps behind this one ask of it
    for t in reversed(range(len(kept))):
        x, h, c, i, f, g, o, squashed = kept[t]
        dh = dh + upstream[:, t]
        dc = dc + dh * o * (1 - squashed**2)
        gates = [dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g**2)]
        inside = np.concatenate([*gates, dh * squashed * o * (1 - o)], axis=1)  # (B, 4H)
        dW, dR, db = dW + x.T @ inside, dR + h.T @ inside, db + inside.sum(0)
        dh, dc = inside @ R.T, dc * f
    return [dW, dR, db]


def apart(ours: Iterable[Array], theirs: Iterable[Array]) -> float:
    """The largest difference, beside the largest value of each array."""
    return max(float(abs(a - b).max() / abs(b).max()) for a, b in zip(ours, theirs, strict=True))


def run(ask: Ask) -> Outcome:
    """The equations beside the engine and finite differences; then they learn."""
    rng = np.random.default_rng(ask.seed)
    x = rng.normal(size=(128, 12, 3))
    steps = np.arange(1, 13)
    truth = np.cumsum(x.mean(2), axis=1) / steps  # (128, 12), what the first unit is to show
    seen, unseen = slice(64), slice(64, None)

    def loss(shown: Array, rows: slice) -> float:
        return float(((shown[:, :, 0] - truth[rows]) ** 2).mean())

    def slopes_of(weights: list[Array]) -> tuple[float, Array, list[Array]]:
        """The loss, the loss by every h, and the loss by every weight."""
        shown, kept = forward(x[seen], *weights)
        by_h = np.zeros_like(shown)
        by_h[:, :, 0] = 2 * (shown[:, :, 0] - truth[seen]) / truth[seen].size
        return loss(shown, seen), by_h, backward(by_h, kept, *weights)

    network = gw.Network(cell="lstm", hidden_size=8)
    stack = gw.Stack(network, inputs=3, engine=ask.engine, seed=ask.seed)
    weights = [weight.astype(float) for weight in stack.weights.values()]  # W, R, b
    _, by_h, at_first = slopes_of(weights)

    h, c, _ = step(x[seen, 0], np.zeros((64, 8)), np.zeros((64, 8)), *weights)
    off = {"one step": apart([h, c], stack.read(x[seen, :1]).state[:, 0])}
    off["a sequence"] = apart([forward(x[seen], *weights)[0]], [stack.read(x[seen]).outputs])
    engine = stack.gradients(x[seen], by_h)
    off["gradients"] = apart(at_first, [engine[name] for name in stack.weights])

    measured = []
    for weight, slope in zip(weights, at_first, strict=True):  # the steepest entry of each
        at = np.unravel_index(abs(slope).argmax(), slope.shape)
        sides = []
        for nudge in (1e-5, -2e-5):
            weight[at] += nudge
            sides.append(loss(forward(x[seen], *weights)[0], seen))
        weight[at] += 1e-5
        measured.append((sides[0] - sides[1]) / 2e-5 / slope[at])
    nudged = max(abs(ratio - 1) for ratio in measured)

    curve = []
    for _ in range(400):  # plain gradient descent, at a rate of 1
        now, _, slopes = slopes_of(weights)
        curve.append(now)
        weights = [weight - slope for weight, slope in zip(weights, slopes, strict=True)]
    learnt = dict(zip(stack.weights, weights, strict=True))
    answers = gw.Stack(network, 3, weights=learnt, engine=ask.engine).read(x[unseen]).outputs
    ours, theirs = loss(forward(x[unseen], *weights)[0], unseen), loss(answers, unseen)
    memoryless = float(((x.mean(2) / steps - truth)[unseen] ** 2).mean())
    scores = {
        "network (NumPy)": {"MSE": ours, "MSE on the engine": theirs},
        "without memory": {"MSE": memoryless},
        "always 0": {"MSE": float((truth[unseen] ** 2).mean())},
    }

    picture, (left, right) = pictures.figure(2)
    left.plot(curve, color=pictures.NETWORK)
    left.axhline(memoryless, color=pictures.GREY, linestyle="--")
    left.text(400, memoryless, "best without memory", ha="right", va="bottom", color=pictures.GREY)
    left.set(title="MSE while NumPy learns", xlabel="steps", ylim=(0, None))
    by_engine, by_numpy = engine["encoder.0.forward.recurrent"], at_first[1]
    right.plot(by_engine.ravel(), by_numpy.ravel(), ".", color=pictures.NETWORK)
    right.set(title="the loss by each recurrent weight", xlabel=ask.engine, ylabel="NumPy")
    right.locator_params(nbins=4)

    return Outcome(
        scores=scores,
        split="64 sequences learnt from, 64 others judged",
        checks=[
            *(
                Check(f"{what}: as on {ask.engine}", far < 1e-5, f"{far:.1e} apart")
                for what, far in off.items()
            ),
            Check("gradients as by finite differences", nudged < 1e-6, f"{nudged:.1e} apart"),
            Check(
                "beats the best without memory",
                ours < memoryless,
                f"MSE {ours:.4f} against {memoryless:.4f}",
            ),
            Check(
                "what NumPy learnt, the engine answers",
                abs(theirs / ours - 1) < 1e-5,
                f"MSE {ours:.6f} and {theirs:.6f}",
            ),
        ],
        picture=picture,
    )
