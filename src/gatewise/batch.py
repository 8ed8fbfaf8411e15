"""Batches: named arrays, where they are gathered from, and in which order.

Axis letters: B sequences, T time steps, F features, K predicted steps, D values per predicted
step, P features known in advance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = Any  # a NumPy array, or the tensor of an engine: only indexing and arithmetic are used
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Batch:
    """What a network reads and, when `y` is there, what it should answer.

    x        (B, T, F) sequences, padded at the end where they are shorter than T
    lengths  (B,) valid steps of each sequence; None: all T of them
    future   (B, K, P) features known in advance, for a decoder
    start    (B, D) the value before the first predicted step, for a decoder that is fed back
    y        (B, K, D) the truth
    """

    x: Array
    lengths: Array | None = None
    future: Array | None = None
    start: Array | None = None
    y: Array | None = None


class Source(Protocol):
    """Examples that batches are gathered from by number.

    `arrays` is all the data, once: an engine may move it to its device and keep it there.
    `gather` picks examples out of these arrays (or an engine's copies of them) with indexing and
    arithmetic alone, so that the same lines serve NumPy and every engine.
    """

    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]: ...

    def __len__(self) -> int: ...

    def gather(self, arrays: Mapping[str, Array], rows: Array) -> Batch: ...


@dataclass(frozen=True, slots=True)
class Examples:
    """A source that holds every example as it is: `batch` with N examples in place of B."""

    batch: Batch

    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        named = {name: getattr(self.batch, name) for name in Batch.__slots__}
        return {name: array for name, array in named.items() if array is not None}

    def __len__(self) -> int:
        return len(self.batch.x)

    def gather(self, arrays: Mapping[str, Array], rows: Array) -> Batch:
        return Batch(**{name: array[rows] for name, array in arrays.items()})


def batch_order(
    count: int, batch_size: int, *, seed: int, epoch: int, limit: int | None = None
) -> list[IntArray]:
    """The batches of one epoch: a pure function of (seed, epoch), the same on every engine.

    Each example comes once, in random order; with `limit`, a random part of that size.
    The last batch may be smaller.
    """
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return _cut(order[:limit], batch_size)


def in_order(count: int, batch_size: int, most: int | None = None) -> list[IntArray]:
    """Every example once, from the first to the last; with `most`, so many, evenly spaced."""
    return _cut(np.arange(count) if most is None else thin(count, most), batch_size)


def thin(count: int, most: int) -> IntArray:
    """At most `most` of the numbers 0 to count - 1, evenly spaced, from the first to the last."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def _cut(order: NDArray[np.int64], batch_size: int) -> list[IntArray]:
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]


def pad(sequences: Sequence[NDArray[Any]]) -> tuple[NDArray[np.float32], IntArray]:
    """Sequences (t_i, F) of any lengths as one array (B, max t_i, F), zeros behind, and lengths."""
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    width = sequences[0].shape[1]
    x = np.zeros((len(sequences), int(lengths.max()), width), dtype=np.float32)
    for row, sequence in zip(x, sequences, strict=True):
        row[: len(sequence)] = sequence
    return x, lengths


def step_mask(lengths: IntArray, steps: int) -> NDArray[np.bool_]:
    """True at valid steps.  (B,) -> (B, T)"""
    mask: NDArray[np.bool_] = np.arange(steps) < np.asarray(lengths)[:, None]
    return mask
