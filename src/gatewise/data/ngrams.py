"""Tokens in a row that are known together: a channel of ids beside the tokens' own.

The n-gram that ends at step t is the pair (the (n-1)-gram that ends at t - 1, the token at t), so
one table of pairs for each n is all there is to know. N tokens of all texts behind each other.
"""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import END, PADDING
from gatewise.data.encoded import Ids


def learn_ngrams(
    tokens: Ids, firsts: NDArray[np.bool_], most_n: int, units: int, min_count: int, size: int
) -> tuple[Ids, ...]:
    """The pairs of n = 2, 3, ..., `most_n`, each (M, 2) in order of (left, right).

    tokens     (N,) ids below `units`
    firsts     (N,) whether a token is the first of its text
    min_count  how often an n-gram must occur
    size       at most so many of each n: the most frequent
    """
    tables: list[Ids] = []
    left, start = tokens, units
    for _ in range(2, most_n + 1):
        codes = _codes(left, tokens, firsts, units)
        found, counts = np.unique(codes[codes >= 0], return_counts=True)
        found, counts = found[counts >= min_count], counts[counts >= min_count]
        kept = np.sort(found[np.argsort(-counts, kind="stable")[:size]])
        tables.append(np.stack([kept // units, kept % units], axis=1).astype(np.int32))
        left = _look_up(codes, kept, start)
        start += len(kept)
    return tuple(tables)


def ngram_ids(tokens: Ids, firsts: NDArray[np.bool_], tables: tuple[Ids, ...], units: int) -> Ids:
    """The tokens and the n-grams that end at each of them; PADDING where one is unknown.

    (N,) -> (N, 1 + tables): ids of n-grams follow those of the tokens, table by table.
    """
    channels, start = [tokens], units
    for table in tables:
        codes = _codes(channels[-1], tokens, firsts, units)
        known = table[:, 0].astype(np.int64) * units + table[:, 1]
        channels.append(_look_up(codes, known, start))
        start += len(table)
    return np.stack(channels, axis=1)


@final
class GrowingNgrams:
    """As `ngram_ids`, one step after the other, for B texts that grow side by side."""

    def __init__(self, tables: tuple[Ids, ...], units: int) -> None:
        self._units = units
        self._known: list[dict[int, int]] = []  # of each table: the code of a pair -> its id
        start = units
        for table in tables:
            codes = table[:, 0].astype(np.int64) * units + table[:, 1]
            self._known.append(
                dict(zip(codes.tolist(), range(start, start + len(table)), strict=True))
            )
            start += len(table)

    def after(self, last: Ids, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """The ids of the step that reads these tokens behind the step `last`.

        (B, F), (B,) -> (B, F)
        """
        if not self._known:
            return tokens[:, None]
        rows = zip(last.tolist(), tokens.tolist(), strict=True)
        return np.array([self._row(left, token) for left, token in rows])

    def _row(self, last: list[int], token: int) -> list[int]:
        found = [token]
        for left, known in zip(last[:-1], self._known, strict=True):
            pair = left > END and token > END
            found.append(known.get(left * self._units + token, PADDING) if pair else PADDING)
        return found


def _codes(left: Ids, tokens: Ids, firsts: NDArray[np.bool_], units: int) -> NDArray[np.int64]:
    """A number for each pair (what ends at t - 1, token at t); -1 where there is none."""
    codes = np.full(len(tokens), -1, dtype=np.int64)
    if len(tokens):
        codes[1:] = left[:-1].astype(np.int64) * units + tokens[1:]
        codes[1:][(left[:-1] <= END) | (tokens[1:] <= END) | firsts[1:]] = -1
    return codes


def _look_up(codes: NDArray[np.int64], known: NDArray[Any], start: int) -> Ids:
    if not len(known):
        return np.full(len(codes), PADDING, dtype=np.int32)
    places = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    return np.where(known[places] == codes, start + places, PADDING).astype(np.int32)
