"""Language models that count: one token, and five in a row.

Token ids are 0 to V - 1. Answers are nats, -log p of each token given those before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.errors import DataError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

UNIGRAM = "unigram"
FIVEGRAM = "5-gram"
ORDER = 5
DISCOUNTS = (0.5, 1.0, 1.5)  # where too little is counted to estimate them
BREAK = -1  # between pieces of text: nothing before it is read


def unigram_nats(train: Ints, ids: Ints, vocab_size: int) -> Floats:
    """By how often each token occurs in training, counted once more than it does.  -> (N,)

    p(w) = (count(w) + 1) / (N + V)
    """
    _check(train, vocab_size, "the training text")
    _check(ids, vocab_size, "the text")
    counts = np.bincount(train, minlength=vocab_size) + 1.0
    nats: Floats = -np.log(counts / counts.sum())[ids]
    return nats


@dataclass(frozen=True, slots=True)
class Level:
    """What is known of n-grams of one length, numbered 0 to G - 1 in the order of their keys.

    keys    (G,) (number of the first n - 1 tokens) * V + last token, ascending
    share   (G,) max(c - D(c), 0) / c(context): what is left of its share after the discount
    spare   (context,) what the discounts leave to shorter contexts; 1 where nothing followed
    """

    keys: Ints
    share: Floats
    spare: Floats


@dataclass(frozen=True, slots=True)
class NgramModel:
    """Interpolated modified Kneser-Ney: sums to one over the vocabulary after any context.

        p_n(w | h) = max(c(h w) - D(c), 0) / c(h) + spare(h) p_{n-1}(w | h')
        spare(h)   = (D1 N1(h) + D2 N2(h) + D3 N3+(h)) / c(h)       p_0 = 1 / V

    h' is h without its first token. c counts at the longest length; below, it counts how many
    different tokens stand before the n-gram. N_k(h): how many tokens follow h exactly k times.
    Source: Chen & Goodman 1999, section 3.
    """

    levels: tuple[Level, ...]
    vocab_size: int

    @classmethod
    def fit(cls, ids: Ints, order: int = ORDER, vocab_size: int | None = None) -> NgramModel:
        """Count the n-grams of 1 to `order` tokens in a text (N,); vocab_size None: as it needs.

        By sorting: 1 M tokens take seconds. Raises DataError for no tokens or ids outside.
        """
        ids = np.asarray(ids, dtype=np.int64)
        size = vocab_size if vocab_size is not None else int(ids.max(initial=0)) + 1
        _check(ids, size, "the training text")
        if not len(ids) or order < 1:
            raise DataError(
                f"n-grams need a text and an order of at least 1; "
                f"received {len(ids)} tokens and order {order}"
            )
        order = min(order, len(ids))
        before = np.zeros(len(ids) + 1, dtype=np.int64)  # the empty context before each token
        numbers, keys, counts = [], [], []
        for n in range(1, order + 1):
            key = before[: len(ids) - n + 1] * size + ids[n - 1 :]
            found, number, count = np.unique(key, return_inverse=True, return_counts=True)
            before = number
            numbers.append(number)
            keys.append(found)
            counts.append(count)
        for n in range(order - 1):  # of different tokens before each n-gram
            _, first = np.unique(numbers[n + 1], return_index=True)
            counts[n] = np.bincount(numbers[n][1:][first], minlength=len(keys[n]))
        contexts = [1, *(len(found) for found in keys[:-1])]
        levels = [
            _level(found, count, found // size, known)
            for found, count, known in zip(keys, counts, contexts, strict=True)
        ]
        return cls(tuple(levels), size)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Arrays to be saved; `from_arrays` reads them."""
        found: dict[str, NDArray[Any]] = {}
        for n, level in enumerate(self.levels, start=1):
            found[f"keys_{n}"] = level.keys
            found[f"share_{n}"] = level.share.astype(np.float32)
            found[f"spare_{n}"] = level.spare.astype(np.float32)
        return found

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], vocab_size: int) -> NgramModel:
        """What `to_arrays` gave, again."""
        levels = [
            Level(
                arrays[f"keys_{n}"].astype(np.int64),
                arrays[f"share_{n}"].astype(np.float64),
                arrays[f"spare_{n}"].astype(np.float64),
            )
            for n in range(1, len(arrays) // 3 + 1)
        ]
        return cls(tuple(levels), vocab_size)

    def nats(self, ids: Ints, before: Ints | None = None) -> Floats:
        """-log p of each token given those before it.  (N,) -> (N,)

        before  tokens that stand before the first one; None: nothing does
        """
        ids = np.asarray(ids, dtype=np.int64)
        _check(ids, self.vocab_size, "the text")
        if before is None or not len(before):
            return self._nats(ids)
        read = np.asarray(before, dtype=np.int64)[-(len(self.levels) - 1) :]
        if len(self.levels) == 1:
            read = read[:0]
        _check(read, self.vocab_size, "the text before")
        return self._nats(np.concatenate([read, ids]))[len(read) :]

    def distribution(self, before: Ints) -> Floats:
        """Probability of each token of the vocabulary after these.  -> (V,)"""
        longest = len(self.levels) - 1
        read = np.asarray(before, dtype=np.int64)
        read = read[max(len(read) - longest, 0) :]
        _check(read, self.vocab_size, "the text before")
        row = np.concatenate([[BREAK], read, [0]])
        rows = np.tile(row, (self.vocab_size, 1))
        rows[:, -1] = np.arange(self.vocab_size)
        p: Floats = np.exp(-self._nats(rows.ravel()).reshape(rows.shape)[:, -1])
        return p

    def _nats(self, ids: Ints) -> Floats:
        """(N,) -> (N,); whatever stands at a BREAK means nothing."""
        p = np.full(len(ids), 1 / self.vocab_size)
        before = np.where(ids == BREAK, -1, 0)  # number of the context that each token has
        for level in self.levels:
            known = (before >= 0) & (ids != BREAK)
            context = np.where(known, before, 0)
            number = _find(level.keys, context * self.vocab_size + ids, known)
            share = np.where(number >= 0, level.share[np.maximum(number, 0)], 0.0)
            p = np.where(known, share + level.spare[context] * p, p)
            before = np.concatenate([[-1], number[:-1]])
        nats: Floats = -np.log(p)
        return nats


def _level(keys: Ints, counts: Ints, contexts: Ints, known: int) -> Level:
    """Discounted shares of n-grams with these (adjusted) counts, in `known` contexts."""
    discount = np.concatenate([[0.0], _discounts(counts)])[np.minimum(counts, 3)]
    total = np.bincount(contexts, weights=counts, minlength=known)
    freed = np.bincount(contexts, weights=discount, minlength=known)
    divisor = np.where(total > 0, total, 1.0)
    share = (counts - discount) / divisor[contexts]
    return Level(keys, share, np.where(total > 0, freed / divisor, 1.0))


def _discounts(counts: Ints) -> Floats:
    """D1, D2, D3+ from how many n-grams occur 1, 2, 3 and 4 times.

    D_k = k - (k + 1) Y n_{k+1} / n_k      Y = n_1 / (n_1 + 2 n_2)
    """
    n = np.bincount(np.minimum(counts, 5), minlength=6).astype(np.float64)
    if (n[1:5] == 0).any():
        return np.array(DISCOUNTS)
    y = n[1] / (n[1] + 2 * n[2])
    k = np.arange(1, 4)
    found: Floats = k - (k + 1) * y * n[2:5] / n[1:4]
    return found if ((found > 0) & (found < k)).all() else np.array(DISCOUNTS)


def _find(keys: Ints, wanted: Ints, known: NDArray[np.bool_]) -> Ints:
    """Place of each wanted key that is known, -1 where it is not there."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(known & (keys[place] == wanted), place, -1)


def _check(ids: Ints, vocab_size: int, what: str) -> None:
    outside = ids[(ids < 0) | (ids >= vocab_size)]
    if len(outside):
        raise DataError(
            f"{what} holds the id {int(outside[0])}; a vocabulary of {vocab_size} has ids 0 to "
            f"{vocab_size - 1}"
        )
