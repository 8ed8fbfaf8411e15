"""Sequences of unequal lengths as sources: held once, behind each other, padded batch by batch.

Axis letters: N sequences, M steps of all of them, B rows of a batch, T steps, F features or
token channels, C classes, K target steps, S steps of a segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import (
    IGNORED,
    START,
    Array,
    Batch,
    IntArray,
    in_order_by_length,
    order_by_length,
)
from gatewise.errors import DataError

STEPS_AT_ONCE = 2**15  # of a batch that is only judged
SHORTEST_STREAM = 2_000  # steps: what is lost at a stream's cold start does not count


@dataclass(frozen=True, slots=True)
class Ragged:
    """Sequences behind each other.

    values   (M, ...) steps
    starts   (N,) first step of each sequence
    lengths  (N,) its steps
    """

    values: NDArray[Any]
    starts: IntArray
    lengths: IntArray

    @classmethod
    def of(cls, sequences: Sequence[NDArray[Any]]) -> Ragged:
        """Of arrays (t_i, ...). Raises ValueError when there is none."""
        lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
        return cls(np.concatenate(sequences), np.cumsum(lengths) - lengths, lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, row: int) -> NDArray[Any]:
        start = self.starts[row]
        return self.values[start : start + self.lengths[row]]

    def take(self, rows: IntArray) -> Ragged:
        """These sequences alone; the steps are shared, not copied."""
        return Ragged(self.values, self.starts[rows], self.lengths[rows])

    def compact(self) -> Ragged:
        """The same without steps that belong to no sequence."""
        return Ragged.of([self[row] for row in range(len(self))])


@dataclass(frozen=True, eq=False)
class Sequences:
    """Sequences and what is to be said of them, padded to the longest of each batch.

    inputs   (M, F) numbers or token ids
    classes  (N, 1) numbers of classes, or (N, 1, C) 0 and 1; or
    tags     (M,) a class for each step, as `inputs` lies; or
    targets  ids that a decoder writes, END behind each; their length is not that of the inputs
    weight   (N,) how much each counts in the loss
    """

    inputs: Ragged
    classes: NDArray[Any] | None = None
    tags: NDArray[Any] | None = None
    targets: Ragged | None = None
    weight: NDArray[np.float32] | None = None
    carries: ClassVar[bool] = False

    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """See batch.Source."""
        longest = int(self.inputs.lengths.max())
        found = {
            "x": self.inputs.values,
            "starts": self.inputs.starts,
            "lengths": self.inputs.lengths,
            "classes": self.classes,
            "tags": self.tags,
            "weight": self.weight,
        }
        if self.targets is not None:
            longest = max(longest, int(self.targets.lengths.max()))
            found |= {
                "targets": self.targets.values,
                "target_starts": self.targets.starts,
                "target_lengths": self.targets.lengths,
            }
        found["steps"] = np.arange(longest)
        return {name: array for name, array in found.items() if array is not None}

    def __len__(self) -> int:
        return len(self.inputs)

    def order(
        self, batch_size: int, *, seed: int, epoch: int, limit: int | None = None
    ) -> list[IntArray]:
        """Sequences of similar length stand together."""
        return order_by_length(self._sizes, batch_size, seed=seed, epoch=epoch, limit=limit)

    def in_order(self, batch_size: int, most: int | None = None) -> list[IntArray]:
        """The shortest first."""
        return in_order_by_length(self._sizes, batch_size, most, steps=STEPS_AT_ONCE)

    @property
    def _sizes(self) -> IntArray:
        """What a sequence costs: its steps on both sides."""
        own = self.inputs.lengths
        return own if self.targets is None else own + self.targets.lengths

    def gather(self, arrays: Mapping[str, Array], rows: Array) -> Batch:
        """See batch.Source."""
        lengths = arrays["lengths"][rows]
        index, valid = _places(arrays, arrays["starts"][rows], lengths)
        x = arrays["x"][index]  # (B, T, F)
        y = start = None
        if "classes" in arrays:
            y = arrays["classes"][rows]
        elif "tags" in arrays:
            y = _only(arrays["tags"][index], valid)
        elif "targets" in arrays:
            ends = arrays["target_lengths"][rows]
            told, written = _places(arrays, arrays["target_starts"][rows], ends)
            y = _only(arrays["targets"][told], written)
            start = lengths[:, None] * 0 + START  # (B, 1), as an array of the engine
        weight = arrays["weight"][rows] if "weight" in arrays else None
        return Batch(x=x * valid[..., None], lengths=lengths, start=start, y=y, weight=weight)


def batches(steps: Ragged) -> Iterator[tuple[IntArray, Batch]]:
    """(rows, batch) of similar lengths, until all sequences are read."""
    if not len(steps):
        return
    source = Sequences(steps)
    arrays = source.arrays
    for rows in source.in_order(len(steps)):
        yield rows, source.gather(arrays, rows)


def _places(arrays: Mapping[str, Array], starts: Array, lengths: Array) -> tuple[Array, Array]:
    """Where each step of a padded batch lies, and whether there is one.  (B, T) each"""
    steps = arrays["steps"][: int(lengths.max())]
    valid = steps < lengths[:, None]
    return (starts[:, None] + steps) * valid, valid


def _only(ids: Array, valid: Array) -> Array:
    """The ids, IGNORED where there is none."""
    return ids * valid + IGNORED * ~valid


@dataclass(frozen=True, eq=False)
class Streams:
    """One long text read as many streams side by side, each going on where its last batch ended.

    An example is a segment of `segment` steps; its truth is the same one step later.

    ids      (M,) token ids, or (M, F) with n-grams behind each token; the truth is of tokens
    segment  S, steps between two updates of the weights
    """

    ids: NDArray[Any]
    segment: int
    carries: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 1 <= self.segment < len(self.ids):
            raise DataError(
                f"a text of {len(self.ids):,} tokens has no segment of {self.segment:,} steps and "
                f"the token behind it; give more text, or a smaller sequence_length"
            )

    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """See batch.Source."""
        return {"ids": self.ids, "steps": np.arange(self.segment)}

    def __len__(self) -> int:
        return (len(self.ids) - 1) // self.segment

    def order(
        self, batch_size: int, *, seed: int, epoch: int, limit: int | None = None
    ) -> list[IntArray]:
        """Every epoch cuts the text elsewhere: what is left over behind the last whole segment is
        passed over in part at the beginning, a random part each time.
        """
        room = (len(self.ids) - 1) % self.segment
        first = int(np.random.default_rng([seed, epoch]).integers(0, room + 1))
        return self._cut(first, batch_size, limit)

    def in_order(self, batch_size: int, most: int | None = None) -> list[IntArray]:
        """Few streams, each long enough for its cold start not to count."""
        streams = max(1, min(batch_size, len(self.ids) // SHORTEST_STREAM))
        return self._cut(0, streams, most)

    def _cut(self, first: int, streams: int, limit: int | None) -> list[IntArray]:
        """Batches of the segments' first steps."""
        segments = (len(self.ids) - 1 - first) // self.segment
        streams = min(streams, segments)
        count = segments // streams  # batches; what is left behind the last stream is not read
        begins = first + np.arange(streams) * count * self.segment
        shown = count if limit is None else max(1, min(count, limit // streams))
        return [begins + k * self.segment for k in range(shown)]

    def gather(self, arrays: Mapping[str, Array], rows: Array) -> Batch:
        """See batch.Source."""
        index = rows[:, None] + arrays["steps"]  # (B, S)
        ids = arrays["ids"]
        if ids.ndim == 1:
            return Batch(x=ids[index][..., None], y=ids[index + 1])
        return Batch(x=ids[index], y=ids[:, 0][index + 1])
