"""Parts to train, to stop and to judge with: each class in each of them, copies in one alone.

N examples. A group is what must not be torn apart: copies of a text, translations of a sentence.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import IntArray
from gatewise.errors import DataError, UsageError


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Which texts are the same but for white space, case and the form of characters.

    groups       (N,) the number of the distinct text that each row holds
    repeated     rows whose text occurs in another row too
    contradicted  of these, rows whose text has other labels elsewhere
    notes        both, told
    """

    groups: IntArray
    repeated: int
    contradicted: int
    notes: tuple[str, ...]


def duplicates(texts: Sequence[Any], labels: Any = None, what: str = "texts") -> Duplicates:
    """Copies among texts, or among lists of tokens.

    labels  (N,) or (N, C), or a list: to count copies that contradict each other
    what    the rows in the notes
    """
    numbers: dict[Any, int] = {}
    groups = np.array([numbers.setdefault(folded(t), len(numbers)) for t in texts], dtype=np.int64)
    sizes = np.bincount(groups, minlength=len(numbers))
    repeated = int(sizes[sizes > 1].sum())
    contradicted = 0
    notes = []
    if repeated:
        notes.append(
            f"{repeated:,} of {len(groups):,} {what} occur more than once: copies are kept in "
            f"one part"
        )
    if labels is not None:
        pairs = {(g, _hashable(label)) for g, label in zip(groups.tolist(), labels, strict=True)}
        several = Counter(g for g, _ in pairs)
        contradicted = sum(int(sizes[g]) for g, count in several.items() if count > 1)
        if contradicted:
            notes.append(f"{contradicted:,} of them have other labels than their copies")
    return Duplicates(groups, repeated, contradicted, tuple(notes))


def split_parts(
    count: int,
    labels: Any = None,
    groups: Any = None,
    shares: Sequence[float] = (0.7, 0.1, 0.2),
    seed: int = 0,
) -> tuple[IntArray, ...]:
    """The rows of each part, in order: every row in exactly one, the same for the same seed.

    labels  (N,) classes: each part gets its share of each class, a class of as many groups as there
            are parts is in each of them, and one of a single group in the largest. (N, C) of 0
            and 1: by the combination of labels, rare ones together. None: one class
    groups  (N,) rows of the same group stay in one part; None: each row by itself
    shares  of each part, above 0; in sum 1

    Groups are dealt class by class (of a group: its first row's), in random order, large ones
    first, to the part that lacks most of its share. Raises UsageError for shares that cannot be,
    DataError for fewer groups than parts.
    """
    wanted = np.asarray(shares, dtype=np.float64)
    if len(wanted) < 1 or (wanted <= 0).any() or abs(wanted.sum() - 1) > 1e-6:
        raise UsageError(f"shares must be above 0 and 1 in sum, not {list(shares)}")
    group = _numbered(np.arange(count) if groups is None else groups, count, "groups")
    kind = _numbered(np.zeros(count) if labels is None else labels, count, "labels")
    members = int(group.max(initial=-1)) + 1
    if members < len(wanted):
        raise DataError(
            f"{count:,} examples ({members:,} different ones) cannot be split into "
            f"{len(wanted)} parts; give more data, or the parts by yourself"
        )
    _, first = np.unique(group, return_index=True)  # (groups,) a row of each
    sizes = np.bincount(group)
    part = np.empty(members, dtype=np.int64)
    filled = np.zeros(len(wanted))  # rows in each part, of all classes
    order = np.random.default_rng(seed).permutation(members)
    order = order[np.argsort(-sizes[order], kind="stable")]
    kinds = kind[first]
    if np.ndim(labels) == 2:
        kinds = np.where(np.bincount(kinds)[kinds] < len(wanted), kinds.max() + 1, kinds)
    counts = np.bincount(kinds)
    for number in np.argsort(counts, kind="stable")[(counts == 0).sum() :]:  # rare classes first
        dealt = order[kinds[order] == number]
        part[dealt] = _deal(sizes[dealt], wanted, filled)
    if not np.isin(np.arange(len(wanted)), part).all():
        part = _fill_empty(part, sizes, len(wanted))
    places = part[group]
    return tuple(np.flatnonzero(places == i) for i in range(len(wanted)))


def _deal(sizes: IntArray, wanted: NDArray[np.float64], filled: NDArray[np.float64]) -> IntArray:
    """The part of each group of one class; `filled` is brought up to date.

    As many groups as there are parts: the smallest are dealt one to each part first.
    """
    total = sizes.sum()
    held = np.zeros(len(wanted))
    part = np.full(len(sizes), -1, dtype=np.int64)
    if len(sizes) >= len(wanted):
        smallest = np.arange(len(sizes) - 1, len(sizes) - 1 - len(wanted), -1)
        part[smallest] = np.argsort(wanted)
        held[part[smallest]] += sizes[smallest]
    for i in np.flatnonzero(part < 0):
        lack = wanted * total - held
        # where the class leaves it open, the part that lacks most over all classes
        part[i] = np.argmax(lack + 1e-3 * (wanted * (filled.sum() + total) - filled))
        held[part[i]] += sizes[i]
    filled += held
    return part


def _fill_empty(part: IntArray, sizes: IntArray, parts: int) -> IntArray:
    """A part that got nothing takes the smallest group of the part with most groups."""
    for p in range(parts):
        if not (part == p).any():
            fullest = int(np.bincount(part, minlength=parts).argmax())
            candidates = np.flatnonzero(part == fullest)
            part[candidates[np.argmin(sizes[candidates])]] = p
    return part


def _numbered(values: Any, count: int, name: str) -> IntArray:
    """Each different value, or row of values, as a number from 0."""
    if len(values) != count:
        raise UsageError(f"{name} must have {count:,} rows, not {len(values):,}")
    numbers: dict[Any, int] = {}
    return np.array(
        [numbers.setdefault(_hashable(v), len(numbers)) for v in values], dtype=np.int64
    )


def _hashable(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return tuple(value.tolist())
    return tuple(value) if isinstance(value, list) else value


def folded(text: Any) -> Any:
    """The same for copies: white space, case and the form of characters do not count."""
    if isinstance(text, str):
        return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return tuple(str(token) for token in text)
