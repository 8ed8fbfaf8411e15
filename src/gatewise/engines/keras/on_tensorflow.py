"""What TensorFlow does in its own way: the loop over the steps, compiled steps, devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gatewise.errors import UsageError

tf.get_logger().setLevel("ERROR")  # it warns of every network that is new to it

Tensor = Any
SPREAD = 2**32  # seeds of different numbers have nothing in common
VERSION = f"tensorflow {tf.__version__}"
CUDNN = bool(tf.config.list_physical_devices("GPU"))


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
    series: tuple[Tensor, ...] = (
        _lstm(x, kernel, recurrent, bias, begin)
        if cell == "lstm"
        else (_loop(cell, x, kernel, recurrent, bias, begin[0]),)
    )
    if lengths is None:
        last = tuple(part[-1] for part in series)
    else:
        rows = tf.range(tf.shape(lengths)[0])
        index = tf.stack([tf.cast(lengths, tf.int32) - 1, rows], axis=1)
        last = tuple(tf.gather_nd(part, index) for part in series)
    return tf.transpose(series[0], (1, 0, 2)), last


def _lstm(
    x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor, begin: tuple[Tensor, ...]
) -> tuple[Tensor, Tensor]:
    """h and c (T, B, H): one kernel for all steps, whose gates stand in the order i g f o.

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
    cell: str, x: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor, h: Tensor
) -> Tensor:
    """h (T, B, H) of a GRU or a plain layer; what the steps read is multiplied at once."""
    read = tf.tensordot(x, kernel, 1) + (bias[0] if cell == "gru" else bias)  # (T, B, G*H)
    if cell == "gru":
        return _gru(read, recurrent, bias[1], h)
    return _rnn(read, recurrent, h)


def _over(
    step: Callable[..., tuple[Tensor, Tensor]], series: list[Tensor], h: Tensor, *, back: bool
) -> tuple[Tensor, Tensor]:
    """step(h, *one of each series) -> (h, told) over all steps; what was told, and the last h."""
    count = tf.shape(series[0])[0]
    reads = [tf.TensorArray(part.dtype, count).unstack(part) for part in series]

    def body(t: Tensor, h: Tensor, told: Any) -> tuple[Tensor, Tensor, Any]:
        at = count - 1 - t if back else t
        h, now = step(h, *(part.read(at) for part in reads))
        return t + 1, h, told.write(at, now)

    told = tf.TensorArray(h.dtype, count)
    _, h, told = tf.while_loop(lambda t, *_: t < count, body, (0, h, told))
    return told.stack(), h


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _gru(read: Tensor, recurrent: Tensor, second: Tensor, begin: Tensor) -> Any:
    """h (T, B, H); see gatewise.reference.gru_step. TensorFlow's own way back through a loop
    stacks every value between, step by step; this one multiplies by R once for all steps.
    """

    def step(h: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
        z, r, n = tf.split(now, 3, axis=1)
        kept_z, kept_r, kept_n = tf.split(tf.matmul(h, recurrent) + second, 3, axis=1)
        z, r = tf.sigmoid(z + kept_z), tf.sigmoid(r + kept_r)
        n = tf.tanh(n + r * kept_n)
        h = n + z * (h - n)
        return h, tf.concat([h, z, r, n, kept_n], axis=1)

    told, _ = _over(step, [read], begin, back=False)
    shown, *gates = tf.split(told, 5, axis=2)
    before = tf.concat([begin[None], shown[:-1]], axis=0)

    def slopes(upstream: Tensor) -> tuple[Tensor, ...]:
        def back(dh: Tensor, *now: Tensor) -> tuple[Tensor, Tensor]:
            up, h, z, r, n, kept_n = now
            dh = dh + up
            dn = dh * (1.0 - z) * (1.0 - n * n)
            dz = dh * (h - n) * z * (1.0 - z)
            dr = dn * kept_n * r * (1.0 - r)
            kept = tf.concat([dz, dr, dn * r], axis=1)
            dh = dh * z + tf.matmul(kept, recurrent, transpose_b=True)
            return dh, tf.concat([kept, dn], axis=1)

        series = [upstream, before, *gates]
        told, first = _over(back, series, tf.zeros_like(begin), back=True)
        dz, dr, kept_n, dn = tf.split(told, 4, axis=2)
        kept = tf.concat([dz, dr, kept_n], axis=2)
        return (
            tf.concat([dz, dr, dn], axis=2),
            tf.tensordot(before, kept, [[0, 1], [0, 1]]),
            tf.reduce_sum(kept, axis=(0, 1)),
            first,
        )

    return shown, slopes


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _rnn(read: Tensor, recurrent: Tensor, begin: Tensor) -> Any:
    """h (T, B, H); see gatewise.reference.rnn_step, and _gru."""

    def step(h: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
        h = tf.tanh(now + tf.matmul(h, recurrent))
        return h, h

    shown, _ = _over(step, [read], begin, back=False)
    before = tf.concat([begin[None], shown[:-1]], axis=0)

    def slopes(upstream: Tensor) -> tuple[Tensor, ...]:
        def back(dh: Tensor, up: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
            moved = (dh + up) * (1.0 - h * h)
            return tf.matmul(moved, recurrent, transpose_b=True), moved

        told, first = _over(back, [upstream, shown], tf.zeros_like(begin), back=True)
        return told, tf.tensordot(before, told, [[0, 1], [0, 1]]), first

    return shown, slopes


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
    first, second = tf.unstack(tf.cast(seed, tf.int64))
    return tf.stack([first + tf.cast(number, tf.int64) * SPREAD, second])


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


def device(name: str) -> str:
    """`cpu` or `cuda`. Raises UsageError when it is not there."""
    if name == "auto":
        return "cuda" if CUDNN else "cpu"
    if name == "cuda" and not CUDNN:
        raise UsageError(
            "device 'cuda' was asked for, but TensorFlow sees no CUDA device here; "
            "use device='auto' (takes one where there is one) or 'cpu'"
        )
    return name


def array(tensor: Tensor) -> Any:
    """As NumPy has it, a copy."""
    return np.array(tensor)
