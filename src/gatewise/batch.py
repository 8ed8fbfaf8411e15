"""Batches: named arrays, where they are gathered from, and in which order.

Axis letters: B sequences, T time steps, F features, K predicted steps, D values per predicted
step, P features known in advance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

Array = Any  # a NumPy array, or the tensor of an engine: only indexing and arithmetic are used
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.floating[Any]]


PADDING, UNKNOWN, START, END = 0, 1, 2, 3  # the first ids of every vocabulary
IGNORED = -1  # in place of a class: does not count
CHUNK = 32  # batches whose examples are sorted by length together


@dataclass(frozen=True, slots=True)
class Batch:
    """What a network reads and, when `y` is there, what it should answer.

    x        (B, T, F) sequences, padded at the end where they are shorter than T: numbers, or
             ids of tokens whose vectors are added
    lengths  (B,) valid steps of each sequence; None: all T of them
    future   (B, K, P) features known in advance, for a decoder
    start    (B, D) the value before the first predicted step, for a decoder that is fed back;
             (B, 1) the first id that a decoder of tokens reads
    state    (S, layers, B, H) where a many_to_many network begins: h and, for an LSTM, c;
             None: zeros
    weight   (B,) how much each example counts in the loss; None: alike
    y        (B, K, D) the truth. Of classes (B, 1), of tokens (B, T) or (B, K) ids, IGNORED where
             there is nothing to say
    """

    x: Array
    lengths: Array | None = None
    future: Array | None = None
    start: Array | None = None
    state: Array | None = None
    weight: Array | None = None
    y: Array | None = None


class Source(Protocol):
    """Examples that batches are gathered from by number.

    `arrays` is all the data, once: an engine may move it to its device and keep it there.
    `gather` picks examples out of these arrays (or an engine's copies of them) with indexing and
    arithmetic alone, so that the same lines serve NumPy and every engine.
    `carries` says that each batch goes on where the one before it ended: the network keeps its
    state from batch to batch.
    """

    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]: ...

    @property
    def carries(self) -> bool: ...

    def __len__(self) -> int: ...

    def gather(self, arrays: Mapping[str, Array], rows: Array) -> Batch: ...

    def order(
        self, batch_size: int, *, seed: int, epoch: int, limit: int | None = None
    ) -> list[IntArray]:
        """The batches of one epoch of training: a pure function of (seed, epoch)."""

    def in_order(self, batch_size: int, most: int | None = None) -> list[IntArray]:
        """Batches to judge by: every example once or, with `most`, so many of them."""


@dataclass(frozen=True, slots=True)
class Examples:
    """A source that holds every example as it is: `batch` with N examples in place of B."""

    batch: Batch
    carries: ClassVar[bool] = False

    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        named = {name: getattr(self.batch, name) for name in Batch.__slots__}
        return {name: array for name, array in named.items() if array is not None}

    def __len__(self) -> int:
        return len(self.batch.x)

    def gather(self, arrays: Mapping[str, Array], rows: Array) -> Batch:
        return Batch(**{name: array[rows] for name, array in arrays.items()})

    def order(
        self, batch_size: int, *, seed: int, epoch: int, limit: int | None = None
    ) -> list[IntArray]:
        return batch_order(len(self), batch_size, seed=seed, epoch=epoch, limit=limit)

    def in_order(self, batch_size: int, most: int | None = None) -> list[IntArray]:
        return in_order(len(self), batch_size, most)


def batch_order(
    count: int, batch_size: int, *, seed: int, epoch: int, limit: int | None = None
) -> list[IntArray]:
    """The batches of one epoch: a pure function of (seed, epoch), the same on every engine.

    Each example comes once, in random order; with `limit`, a random part of that size.
    The last batch may be smaller.
    """
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return _cut(order[:limit], batch_size)


def order_by_length(
    lengths: IntArray, batch_size: int, *, seed: int, epoch: int, limit: int | None = None
) -> list[IntArray]:
    """As `batch_order`, but sequences of similar length stand together: little is padded.

    The examples are shuffled, sorted by length within every CHUNK batches, cut, and the batches
    shuffled once more.
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(lengths))[:limit]
    batches: list[IntArray] = []
    for first in range(0, len(order), CHUNK * batch_size):
        chunk = order[first : first + CHUNK * batch_size]
        chunk = chunk[np.argsort(lengths[chunk], kind="stable")]
        batches += _cut(chunk, batch_size)
    return [batches[i] for i in rng.permutation(len(batches))]


def in_order_by_length(
    lengths: IntArray, batch_size: int, most: int | None = None, steps: int | None = None
) -> list[IntArray]:
    """As `in_order`, the shortest first; with `steps`, a batch pads to at most so many in all."""
    rows = np.arange(len(lengths)) if most is None else thin(len(lengths), most)
    rows = rows[np.argsort(lengths[rows], kind="stable")]
    batches, first = [], 0
    while first < len(rows):
        size = batch_size
        if steps is not None:  # the last of a batch is its longest
            most_rows = min(batch_size, steps // max(1, int(lengths[rows[first]])))
            ends = lengths[rows[first : first + most_rows]]
            fits = ends * np.arange(1, len(ends) + 1) <= steps
            size = max(1, int(np.count_nonzero(fits)))
        batches.append(rows[first : first + size])
        first += size
    return batches


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
