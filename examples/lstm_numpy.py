"""An LSTM in NumPy: forward, backward, trained. Read from top to bottom; run: python lstm_numpy.py

An LSTM reads a sequence step by step. Beside what it shows, h, it carries a memory, c, that is
only added to and faded, so that a gradient reaches far back. One step:

    i = sigmoid(x W_i + h R_i + b_i)    how much to write           (B, H)
    f = sigmoid(x W_f + h R_f + b_f)    how much of c to keep       (B, H)
    g =    tanh(x W_g + h R_g + b_g)    what could be written       (B, H)
    o = sigmoid(x W_o + h R_o + b_o)    how much of c to show       (B, H)
    c' = f * c + i * g                  the memory                  (B, H)
    h' = o * tanh(c')                   what is shown               (B, H)

B sequences at once, T steps, F features of a step, H hidden units. The four W stand side by side
in one matrix W (F, 4H), the four R in R (H, 4H), the biases in b (4H,), in the order i f g o: one
product in place of four.

Source: Hochreiter & Schmidhuber 1997, Long short-term memory; the gate f is of Gers et al. 2000.
"""

import numpy as np

# ---------------------------------------------------------------- forward


def sigmoid(a):
    """1 / (1 + exp(-a)), written with tanh, which cannot overflow."""
    return 0.5 * np.tanh(0.5 * a) + 0.5


def step(x, h, c, W, R, b):
    """One step: x (B, F), h and c (B, H) -> the new h and c, and a memo for the way back."""
    i, f, g, o = np.split(x @ W + h @ R + b, 4, axis=1)  # (B, 4H) -> four times (B, H)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c_new = f * c + i * g
    squashed = np.tanh(c_new)
    return o * squashed, c_new, (x, h, c, i, f, g, o, squashed)


def sequence(x, W, R, b):
    """Every step, from h = c = 0: x (B, T, F) -> all h (B, T, H), the last (h, c), the memos."""
    h = c = np.zeros((len(x), len(R)))
    shown, memos = [], []
    for t in range(x.shape[1]):
        h, c, memo = step(x[:, t], h, c, W, R, b)
        shown.append(h)
        memos.append(memo)
    return np.stack(shown, axis=1), (h, c), memos


# ---------------------------------------------------------------- backward
#
# dz stands for the derivative of the loss by z. Two rules make the whole of back-propagation:
# what a value is used for twice asks for it twice (add up), and through y = s(a) goes dy * s'(a):
#
#     y = sigmoid(a):  da = dy * y * (1 - y)        y = tanh(a):  da = dy * (1 - y * y)


def step_back(dh, dc, memo, W, R):
    """Through one step: dh, dc (B, H) of what it made -> of what it read, and of the weights.

    -> dx (B, F), dh, dc (B, H), dW (F, 4H), dR (H, 4H), db (4H,)
    """
    x, h, c, i, f, g, o, squashed = memo
    dc = dc + dh * o * (1 - squashed**2)  # h' = o * tanh(c'): c' is used here, and by the next step
    di, df, dg, do = dc * g, dc * c, dc * i, dh * squashed
    inside = [di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)]
    da = np.concatenate(inside, axis=1)  # (B, 4H), of a = x W + h R + b
    return da @ W.T, da @ R.T, dc * f, x.T @ da, h.T @ da, da.sum(axis=0)


def sequence_back(dshown, memos, W, R):
    """Through all steps, the last first: "back-propagation through time".

    dshown (B, T, H), of every h that the loss looks at (0 where it does not)
    -> dx (B, T, F), dW, dR, db: the weights serve every step, so theirs is a sum over the steps
    """
    dW, dR, db = np.zeros_like(W), np.zeros_like(R), np.zeros(W.shape[1])
    dh = dc = np.zeros_like(dshown[:, 0])  # behind the last step nothing asks
    dx = []
    for t in reversed(range(len(memos))):
        dx_t, dh, dc, dW_t, dR_t, db_t = step_back(dshown[:, t] + dh, dc, memos[t], W, R)
        dx.append(dx_t)
        dW, dR, db = dW + dW_t, dR + dR_t, db + db_t
    return np.stack(dx[::-1], axis=1), dW, dR, db


# ---------------------------------------------------------------- a network, and its loss


def initial(features, hidden, rng):
    """Weights to begin with: W, R, b of the LSTM, V (H, 1) and v (1,) of the answer h V + v.

    The bias of the gate f begins at 1: at first, remember (Gers et al. 2000).
    """
    weights = {
        "W": rng.normal(size=(features, 4 * hidden)) / np.sqrt(features),
        "R": rng.normal(size=(hidden, 4 * hidden)) / np.sqrt(hidden),
        "b": np.zeros(4 * hidden),
        "V": rng.normal(size=(hidden, 1)) / np.sqrt(hidden),
        "v": np.zeros(1),
    }
    weights["b"][hidden : 2 * hidden] = 1.0
    return weights


def answer(weights, x):
    """One number for each sequence, read off the last h.  (B, T, F) -> (B,), and what was shown"""
    shown, _, memos = sequence(x, weights["W"], weights["R"], weights["b"])
    return (shown[:, -1] @ weights["V"] + weights["v"])[:, 0], shown, memos


def loss_and_gradients(weights, x, y):
    """The mean square error, and its derivative by each weight."""
    said, shown, memos = answer(weights, x)
    off = said - y  # (B,)
    dsaid = (2 * off / len(y))[:, None]  # (B, 1), of mean(off ** 2)
    dshown = np.zeros_like(shown)
    dshown[:, -1] = dsaid @ weights["V"].T  # the answer looks at the last step alone
    _, dW, dR, db = sequence_back(dshown, memos, weights["W"], weights["R"])
    by = {"W": dW, "R": dR, "b": db, "V": shown[:, -1].T @ dsaid, "v": dsaid.sum(axis=0)}
    return np.mean(off**2), by


def by_differences(weights, x, y, name, at, size=1e-5):
    """The same derivative by one entry, measured: nudge it up and down. Slow, and the judge."""
    losses = []
    for nudge in (size, -size):
        moved = {**weights, name: weights[name].copy()}
        moved[name][at] += nudge
        losses.append(np.mean((answer(moved, x)[0] - y) ** 2))
    return (losses[0] - losses[1]) / (2 * size)


# ---------------------------------------------------------------- learning


def marked_numbers(count, steps, rng):
    """Sequences of numbers, one of them marked, and that number: x (count, steps, 2), y (count,).

    Feature 0 is a number from -1 to 1, feature 1 is 1 at the marked step and 0 elsewhere. The mark
    stands in the first half, so that it must be remembered.
    """
    x = np.zeros((count, steps, 2))
    x[:, :, 0] = rng.uniform(-1, 1, size=(count, steps))
    rows, at = np.arange(count), rng.integers(0, steps // 2, size=count)
    x[rows, at, 1] = 1
    return x, x[rows, at, 0]


def adam(weights, slopes, memory, count, rate=0.01):
    """One step of Adam (Kingma & Ba 2015): m, s are running means of the slope and its square."""
    for name, slope in slopes.items():
        m, s = memory.get(name, (0.0, 0.0))
        m, s = 0.9 * m + 0.1 * slope, 0.999 * s + 0.001 * slope**2
        memory[name] = (m, s)
        mean, square = m / (1 - 0.9**count), s / (1 - 0.999**count)  # they began at 0
        weights[name] = weights[name] - rate * mean / (np.sqrt(square) + 1e-8)


def train(weights, x, y, updates=600, batch=64, tell=print):
    """Learn from x and y, `batch` sequences at an update; the weights are changed in place."""
    rng, memory = np.random.default_rng(1), {}
    for count in range(1, updates + 1):
        rows = rng.integers(0, len(x), size=batch)
        loss, slopes = loss_and_gradients(weights, x[rows], y[rows])
        norm = np.sqrt(sum(np.sum(slope**2) for slope in slopes.values()))
        if norm > 1:  # clip by norm: a shorter step in the same direction
            slopes = {name: slope / norm for name, slope in slopes.items()}
        adam(weights, slopes, memory, count)
        if count % 100 == 0:
            tell(f"  update {count}: loss {loss:.4f}")


def main():
    """Check the gradients, learn, judge on sequences never seen."""
    rng = np.random.default_rng(0)
    weights = initial(features=2, hidden=16, rng=rng)
    x, y = marked_numbers(2000, steps=12, rng=rng)
    print(f"x {x.shape}: sequences, steps, features; y {y.shape}")
    print(f"weights: {', '.join(f'{name} {w.shape}' for name, w in weights.items())}")

    print("\ngradients, by the chain rule and by finite differences:")
    _, slopes = loss_and_gradients(weights, x[:8], y[:8])
    for name, slope in slopes.items():
        at = np.unravel_index(np.abs(slope).argmax(), slope.shape)
        measured = by_differences(weights, x[:8], y[:8], name, at)
        print(f"  {name}{[int(i) for i in at]}: {slope[at]:+.8f} and {measured:+.8f}")

    print("\nlearning to name the marked number:")
    train(weights, x, y)
    unseen, truth = marked_numbers(500, steps=12, rng=rng)
    said, _, _ = answer(weights, unseen)
    print(f"\non 500 sequences never seen: MSE {np.mean((said - truth) ** 2):.4f}")
    print(f"always answering 0:          MSE {np.mean(truth**2):.4f}")


if __name__ == "__main__":
    main()
