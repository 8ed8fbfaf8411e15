"""What TensorFlow does in its own way: the loop over the steps, compiled steps, devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

tf.get_logger().setLevel("ERROR")  # it warns of every network that is new to it

Tensor = Any
State = tuple[Tensor, ...]
SMALL = 64  # sizes of h
VERSION = f"tensorflow {tf.__version__}"
NAME = "TensorFlow"
GPU = bool(tf.config.list_physical_devices("GPU"))


def run(
    cell: str,
    x: Tensor,
    weights: Sequence[Tensor],
    state: tuple[Tensor, ...] | None,
    lengths: Tensor | None,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """A layer over all steps, and its state after the last one: of each length, if given.

    x (B, T, F) -> (B, T, H); weights as the layers of Keras have them
    """
    kernel, recurrent, bias = weights
    hidden = recurrent.shape[0]
    x = tf.transpose(x, (1, 0, 2))  # (T, B, F)
    begin = state or (tf.zeros((tf.shape(x)[1], hidden), x.dtype),) * (1 + (cell == "lstm"))
    if cell == "lstm" and hidden <= SMALL:
        series: tuple[Tensor, ...] = _lstm_at_once(x, kernel, recurrent, bias, begin)
        last = tuple(part[-1] for part in series)
    else:
        step = CELLS[cell](kernel, recurrent, bias)
        series, last = _loop(step, x, begin, 1 if lengths is None else len(begin))
    if lengths is not None:
        rows = tf.range(tf.shape(lengths)[0])
        index = tf.stack([tf.cast(lengths, tf.int32) - 1, rows], axis=1)
        last = tuple(tf.gather_nd(part, index) for part in series)
    return tf.transpose(series[0], (1, 0, 2)), last


def _lstm_at_once(
    x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor, begin: tuple[Tensor, ...]
) -> tuple[Tensor, ...]:
    """h and c (T, B, H): one operation for all steps, whose gates stand in the order i g f o.
    A loop has faster products, but each step of it costs what small products cost.

    Not its second version: that one's gradient is computed as if it had this order, too.
    """
    whole = tf.concat([kernel, recurrent, bias[None]], axis=0)  # (F + H + 1, 4H)
    i, f, g, o = tf.split(whole, 4, axis=1)
    whole = tf.concat([i, g, f, o], axis=1)
    nothing = tf.zeros((recurrent.shape[0],), x.dtype)  # no peepholes
    _, c, _, _, _, _, h = tf.raw_ops.BlockLSTM(
        seq_len_max=tf.shape(x, out_type=tf.int64)[0],
        x=x,
        cs_prev=begin[1],
        h_prev=begin[0],
        w=whole[:-1],
        wci=nothing,
        wcf=nothing,
        wco=nothing,
        b=whole[-1],
        forget_bias=0.0,
        cell_clip=-1.0,
        use_peephole=False,
    )
    return h, c


def _loop(
    step: Callable[[Tensor, State], State], x: Tensor, state: State, told: int
) -> tuple[tuple[Tensor, ...], State]:
    """The first parts of the state after each step (T, B, H), so many of them; the last state.

    Each step multiplies what it reads: all at once, it would go through memory many times.
    """
    if x.shape[0] == 1:  # of a decoder: no loop inside its own
        state = step(x[0], state)
        return tuple(part[None] for part in state[:told]), state
    count = tf.shape(x)[0]
    read = tf.TensorArray(x.dtype, count).unstack(x)
    arrays = [tf.TensorArray(x.dtype, count) for _ in range(told)]

    def body(t: Tensor, state: State, arrays: list[Any]) -> tuple[Tensor, State, list[Any]]:
        state = step(read.read(t), state)
        return t + 1, state, [a.write(t, part) for a, part in zip(arrays, state, strict=False)]

    _, state, arrays = tf.while_loop(lambda t, *_: t < count, body, (0, state, arrays))
    return tuple(array.stack() for array in arrays), state


def _lstm(kernel: Tensor, recurrent: Tensor, bias: Tensor) -> Callable[[Tensor, State], State]:
    """See gatewise.reference.lstm_step."""
    whole = tf.concat([kernel, recurrent], axis=0)

    def step(x: Tensor, state: State) -> State:
        h, c = state
        sums = tf.nn.bias_add(tf.matmul(tf.concat([x, h], axis=1), whole), bias)
        i, f, g, o = tf.split(sums, 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c

    return step


def _gru(kernel: Tensor, recurrent: Tensor, bias: Tensor) -> Callable[[Tensor, State], State]:
    """See gatewise.reference.gru_step."""

    def step(x: Tensor, state: State) -> State:
        (h,) = state
        z, r, n = tf.split(tf.nn.bias_add(tf.matmul(x, kernel), bias[0]), 3, axis=1)
        kept = tf.nn.bias_add(tf.matmul(h, recurrent), bias[1])
        kept_z, kept_r, kept_n = tf.split(kept, 3, axis=1)
        z, r = tf.sigmoid(z + kept_z), tf.sigmoid(r + kept_r)
        n = tf.tanh(n + r * kept_n)
        return (n + z * (h - n),)

    return step


def _rnn(kernel: Tensor, recurrent: Tensor, bias: Tensor) -> Callable[[Tensor, State], State]:
    """See gatewise.reference.rnn_step."""
    whole = tf.concat([kernel, recurrent], axis=0)

    def step(x: Tensor, state: State) -> State:
        sums = tf.matmul(tf.concat([x, *state], axis=1), whole)
        return (tf.tanh(tf.nn.bias_add(sums, bias)),)

    return step


CELLS: dict[str, Callable[..., Callable[[Tensor, State], State]]] = {
    "rnn": _rnn,
    "gru": _gru,
    "lstm": _lstm,
}


def scan(step: Callable[[Any, Any], tuple[Any, Any]], carry: Any, xs: Any) -> tuple[Any, Any]:
    """step(carry, one of xs) -> (carry, shown), for each; the last carry, and all that is shown."""
    flat = tf.nest.flatten(xs)
    count = tf.shape(flat[0])[0]
    reads = [tf.TensorArray(x.dtype, count).unstack(x) for x in flat]
    form = tf.nest.flatten(carry)
    shown = step(carry, tf.nest.map_structure(lambda x: x[0], xs))[1]  # for its shapes alone
    arrays = [
        tf.TensorArray(part.dtype, count, element_shape=part.shape)
        for part in tf.nest.flatten(shown)
    ]

    def body(t: Tensor, flat_carry: list[Tensor], arrays: list[Any]) -> tuple[Any, ...]:
        now = tf.nest.pack_sequence_as(xs, [x.read(t) for x in reads])
        moved, told = step(tf.nest.pack_sequence_as(carry, flat_carry), now)
        written = [a.write(t, v) for a, v in zip(arrays, tf.nest.flatten(told), strict=True)]
        return t + 1, tf.nest.flatten(moved), written

    _, last, arrays = tf.while_loop(lambda t, *_: t < count, body, (0, form, arrays))
    series = tf.nest.pack_sequence_as(shown, [a.stack() for a in arrays])
    return tf.nest.pack_sequence_as(carry, last), series


def flip(x: Tensor, lengths: Tensor) -> Tensor:
    """Each sequence backwards within its own length.  (B, T, F)"""
    return tf.reverse_sequence(x, lengths, seq_axis=1, batch_axis=0)


def at_steps(x: Tensor, index: Tensor) -> Tensor:
    """(B, T, F), (B, N) -> (B, N, F)"""
    return tf.gather(x, index, batch_dims=1)


def uniform(shape: Any, seed: Tensor, number: int) -> Tensor:
    """Random numbers from [0, 1): the same for the same seed (2,) and number."""
    return tf.random.stateless_uniform(shape, mixed(seed, number))


def mixed(seed: Tensor, number: Tensor) -> Tensor:
    """Another seed for each number."""
    whole = tf.cast(seed, tf.int64), tf.cast(number, tf.int64)
    return tf.random.experimental.stateless_fold_in(*whole)


def with_gradients(
    function: Callable[..., Any], values: dict[str, Tensor]
) -> tuple[Any, dict[str, Tensor]]:
    """function(values) -> (to be lowered, anything else); these, and the slope by each value."""
    with tf.GradientTape() as tape:
        tape.watch(values)
        lowered, others = function(values)
    slopes = tape.gradient(lowered, values, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return (lowered, others), {name: tf.convert_to_tensor(s) for name, s in slopes.items()}


def compiled(function: Callable[..., Any], donated: Sequence[int]) -> Callable[..., Any]:  # noqa: ARG001
    """The function as a graph, whatever the sizes of its arrays."""
    return tf.function(function, reduce_retracing=True, autograph=False)  # type: ignore[no-any-return]


def constant(tensor: Tensor) -> Tensor:
    """The numbers alone: no gradient goes through."""
    return tf.stop_gradient(tensor)


def placed(array: Any, device: str) -> Tensor:
    """As a tensor of its own, on the device."""
    with tf.device(_named(device)):
        return tf.constant(array)


def on(device: str) -> Any:
    """What is computed in this block is computed there."""
    return tf.device(_named(device))


def fitted(sizes: tuple[int, int]) -> tuple[int, int]:
    """Rows and steps as they are: one graph serves all sizes."""
    return sizes


def _named(device: str) -> str:
    return "/GPU:0" if device == "cuda" else "/CPU:0"


def array(tensor: Tensor) -> Any:
    """As NumPy has it, a copy."""
    return np.array(tensor)
