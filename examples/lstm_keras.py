"""An LSTM in plain Keras 3: the cell by hand, keras.layers.LSTM, and that they are the same.

Run: python lstm_keras.py, or KERAS_BACKEND=jax python lstm_keras.py. The equations are those of
lstm_numpy.py; the backend finds the gradients. B sequences at once, T steps, F features of a step,
H hidden units.

What to know of keras.layers.LSTM:
- It answers the last h alone, (B, H). `return_sequences=True`: h of every step, (B, T, H).
  `return_state=True`: three things, the answer, then h and c after the last step, (B, H) each.
- `initial_state=[h, c]` goes on from there. `stateful=True` keeps the state between two calls, row
  by row: right only where row r of a batch goes on where row r of the batch before it ended.
- Its weights are [kernel (F, 4H), recurrent kernel (H, 4H), bias (4H,)], gates in the order
  i f c o: as ours, with c for g.
- Where sequences are padded: `mask=` (B, T), or a Masking or Embedding(mask_zero=True) layer in
  front. LSTM itself has no mask_zero.
- clipnorm of an optimizer clips each weight by itself, which turns the gradient;
  global_clipnorm clips all of them together.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # before keras is imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import ops


class HandMadeCell(keras.layers.Layer):
    """One step: W (F, 4H), R (H, 4H), b (4H,). keras.layers.RNN runs it through time."""

    def __init__(self, hidden, **kwargs):
        super().__init__(**kwargs)
        self.hidden = hidden
        self.state_size = [hidden, hidden]  # of h and c: what RNN asks for
        self.output_size = hidden

    def build(self, input_shape):
        features, hidden = input_shape[-1], self.hidden
        self.W = self.add_weight(shape=(features, 4 * hidden), initializer="glorot_uniform")
        self.R = self.add_weight(shape=(hidden, 4 * hidden), initializer="orthogonal")
        self.b = self.add_weight(shape=(4 * hidden,), initializer="zeros")
        bias = np.zeros(4 * hidden, dtype="float32")
        bias[hidden : 2 * hidden] = 1.0  # of the gate f: at first, remember
        self.b.assign(bias)

    def call(self, x, states):
        """x (B, F), h and c (B, H) -> what is shown, and the new [h, c]."""
        h, c = states
        i, f, g, o = ops.split(x @ self.W + h @ self.R + self.b, 4, axis=1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        h = ops.sigmoid(o) * ops.tanh(c)
        return h, [h, c]


def both(features, hidden):
    """The cell by hand and keras.layers.LSTM, with the same weights; all h, last h, last c."""
    hand = keras.layers.RNN(HandMadeCell(hidden), return_sequences=True, return_state=True)
    lstm = keras.layers.LSTM(hidden, return_sequences=True, return_state=True)
    for layer in (hand, lstm):
        layer.build((None, None, features))
    lstm.set_weights(hand.get_weights())
    return hand, lstm


def marked_numbers(count, steps, rng):
    """Sequences of numbers, one of the first half marked, and that number.

    x (count, steps, 2): the number, and 1 where it is marked; y (count,)
    """
    x = np.zeros((count, steps, 2), dtype="float32")
    x[:, :, 0] = rng.uniform(-1, 1, size=(count, steps))
    rows, at = np.arange(count), rng.integers(0, steps // 2, size=count)
    x[rows, at, 1] = 1
    return x, x[rows, at, 0]


def main():
    """Both LSTMs side by side, then one learns."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x, y = marked_numbers(2000, 12, rng)
    hand, lstm = both(features=2, hidden=16)

    ours, theirs = ([np.asarray(part) for part in layer(x[:64])] for layer in (hand, lstm))
    print(f"on {keras.backend.backend()}: x {x[:64].shape} -> ", end="")
    print(f"outputs {ours[0].shape}, h {ours[1].shape}, c {ours[2].shape}")
    for name, a, b in zip(("outputs", "h", "c"), ours, theirs, strict=True):
        print(f"{name} differ by at most {np.abs(a - b).max():.1e}")

    first, h, c = lstm(x[:64, :5])
    rest, _, _ = lstm(x[:64, 5:], initial_state=[h, c])
    apart = np.abs(np.concatenate([np.asarray(first), np.asarray(rest)], axis=1) - theirs[0])
    print(f"read in two pieces, the state handed on: {apart.max():.1e} from reading the whole")

    print("\nlearning to name the marked number, with keras.layers.LSTM:")
    inputs = keras.Input((None, 2))  # sequences of any length
    network = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.LSTM(16)(inputs)))
    network.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0), loss="mse")
    for epoch in range(1, 7):
        loss = network.fit(x, y[:, None], batch_size=32, epochs=1, verbose=0).history["loss"][0]
        print(f"  epoch {epoch}: loss {loss:.4f}")
    unseen, truth = marked_numbers(500, 12, rng)
    said = network.predict(unseen, verbose=0)[:, 0]
    print(f"\non 500 sequences never seen: MSE {np.mean((said - truth) ** 2):.4f}")
    print(f"always answering 0:          MSE {np.mean(truth**2):.4f}")


if __name__ == "__main__":
    main()
