"""What JAX does in its own way: the loop over the steps, compiled steps, devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax import numpy as jnp

Tensor = Any
State = tuple[Tensor, ...]
VERSION = f"jax {jax.__version__}"
NAME = "JAX"
GPU = jax.default_backend() == "gpu"


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
    begin = state or (jnp.zeros((len(x), len(recurrent)), x.dtype),) * (1 + (cell == "lstm"))

    def step(state: State, x: Tensor) -> tuple[State, State]:
        state = CELLS[cell](x, state, kernel, recurrent, bias)
        return state, state[:1] if lengths is None else state

    # each step multiplies what it reads: all at once, it would go through memory many times
    if x.shape[1] == 1:  # of a decoder: no loop inside its own
        last, shown = step(begin, x[:, 0])
        series = tuple(part[None] for part in shown)
    else:
        last, series = jax.lax.scan(step, begin, jnp.swapaxes(x, 0, 1))
    if lengths is not None:
        last = tuple(part[lengths - 1, jnp.arange(len(x))] for part in series)
    return jnp.swapaxes(series[0], 0, 1), last


def _rnn(x: Tensor, state: State, kernel: Tensor, recurrent: Tensor, bias: Tensor) -> State:
    return (jnp.tanh(x @ kernel + state[0] @ recurrent + bias),)


def _gru(x: Tensor, state: State, kernel: Tensor, recurrent: Tensor, bias: Tensor) -> State:
    (h,) = state
    z, r, n = jnp.split(x @ kernel + bias[0], 3, axis=-1)
    kept_z, kept_r, kept_n = jnp.split(h @ recurrent + bias[1], 3, axis=-1)
    z, r = jax.nn.sigmoid(z + kept_z), jax.nn.sigmoid(r + kept_r)
    n = jnp.tanh(n + r * kept_n)
    return (n + z * (h - n),)


def _lstm(x: Tensor, state: State, kernel: Tensor, recurrent: Tensor, bias: Tensor) -> State:
    h, c = state
    i, f, g, o = jnp.split(x @ kernel + h @ recurrent + bias, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


CELLS: dict[str, Callable[..., State]] = {"rnn": _rnn, "gru": _gru, "lstm": _lstm}


def scan(step: Callable[[Any, Any], tuple[Any, Any]], carry: Any, xs: Any) -> tuple[Any, Any]:
    """step(carry, one of xs) -> (carry, shown), for each; the last carry, and all that is shown."""
    found: tuple[Any, Any] = jax.lax.scan(step, carry, xs)
    return found


def flip(x: Tensor, lengths: Tensor) -> Tensor:
    """Each sequence backwards within its own length.  (B, T, F)"""
    steps = jnp.arange(x.shape[1])
    index = lengths[:, None] - 1 - steps  # (B, T)
    return at_steps(x, jnp.where(index >= 0, index, steps))


def at_steps(x: Tensor, index: Tensor) -> Tensor:
    """(B, T, F), (B, N) -> (B, N, F)"""
    return x[jnp.arange(len(x))[:, None], index]


def uniform(shape: Any, seed: Tensor, number: int) -> Tensor:
    """Random numbers from [0, 1): the same for the same seed (2,) and number."""
    return jax.random.uniform(jax.random.wrap_key_data(mixed(seed, number)), shape)


def mixed(seed: Tensor, number: Tensor) -> Tensor:
    """Another seed for each number."""
    key = jax.random.fold_in(jax.random.wrap_key_data(seed), number)
    return jax.random.key_data(key)


def with_gradients(
    function: Callable[..., Any], values: dict[str, Tensor]
) -> tuple[Any, dict[str, Tensor]]:
    """function(values) -> (to be lowered, anything else); these, and the slope by each value."""
    found: tuple[Any, dict[str, Tensor]] = jax.value_and_grad(function, has_aux=True)(values)
    return found


def compiled(function: Callable[..., Any], donated: Sequence[int]) -> Callable[..., Any]:
    """The function compiled anew for every shape; the memory of what is donated is used again."""
    return jax.jit(function, donate_argnums=tuple(donated))


def constant(tensor: Tensor) -> Tensor:
    """The numbers alone: no gradient goes through."""
    return jax.lax.stop_gradient(tensor)


def placed(array: Any, device: str) -> Tensor:
    """As an array of its own, on the device."""
    return jax.device_put(np.array(array), _found(device))


def on(device: str) -> Any:
    """What is computed in this block is computed there."""
    return jax.default_device(_found(device))


def fitted(sizes: tuple[int, int]) -> tuple[int, int]:
    """Rows and steps, rounded up: each pair is compiled by itself, so there must be few."""
    rows, steps = (_rung(size) for size in sizes)
    return rows, steps


def _rung(size: int) -> int:
    """The next of 1 2 3 4 6 8 12 16 24 32 ..."""
    power = 1 << max(size - 1, 0).bit_length()  # the least power of two that is not below
    return power * 3 // 4 if power >= 4 and size <= power * 3 // 4 else power


def _found(device: str) -> Any:
    return jax.devices("gpu" if device == "cuda" else "cpu")[0]


def array(tensor: Tensor) -> Any:
    """As NumPy has it, a copy."""
    return np.array(tensor)
