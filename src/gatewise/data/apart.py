"""Rows of many series in one table, told apart by a column: each checked and repaired by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.data import frequency
from gatewise.data.repair import Duplicates, Fill, Raw, Tidy, tidy, time_text
from gatewise.errors import DataError

IntArray = NDArray[np.int64]

LISTED = 3  # series that a message or a note names
TELLING = 3  # rows from which the spacing of a series is believed against that of the others


@dataclass(frozen=True, slots=True)
class Apart:
    """Series behind each other, in the order in which they first appear.

    rows    their rows as one; `count` of it means nothing
    names   of the series
    bounds  (S+1,) row offsets
    counts  (S, 2) first number and step of rows that count themselves evenly; step 0: they do not
    """

    rows: Tidy
    names: tuple[str, ...]
    bounds: IntArray
    counts: IntArray


def names_of(column: Any, name: str, data: str) -> tuple[IntArray, tuple[str, ...]]:
    """(series of each row, names of the series), as column `name` of `data` says.

    Raises DataError for a row that has no name.
    """
    import pandas as pd

    codes, found = pd.factorize(column, use_na_sentinel=True)
    empty = np.flatnonzero(codes < 0)
    if len(empty):
        raise DataError(
            f"series column '{name}' of {data}: row {empty[0] + 1} has no name ({len(empty)} such "
            f"of {len(codes)}); fill it in or drop the row"
        )
    words = [str(value) for value in found]
    if len(set(words)) < len(words):  # 7 and "7", as readers leave them that guess part by part
        again, unique = pd.factorize(np.array(words, dtype=object))
        return again[codes].astype(np.int64), tuple(unique.tolist())
    return codes.astype(np.int64), tuple(words)


def tidy_each(
    raw: Raw,
    codes: IntArray,
    names: tuple[str, ...],
    *,
    sort: bool,
    fill: Fill | None,
    duplicates: Duplicates | None,
) -> Apart:
    """`repair.tidy` of each series by itself.

    Raises DataError that names the series.
    """
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(len(names) + 1))
    parts: list[Tidy] = []
    problems: list[str] = []
    for number, name in enumerate(names):
        rows = order[ends[number] : ends[number + 1]]
        own = replace(
            raw,
            values=raw.values[rows],
            keys=None if raw.keys is None else raw.keys[rows],
            rows=rows,
            data=raw.data if len(names) == 1 else f"series '{name}' of {raw.data}",
        )
        try:
            parts.append(tidy(own, sort=sort, fill=fill, duplicates=duplicates))
        except DataError as error:
            problems.append(str(error))
    if problems:
        more = len(problems) - LISTED
        rest = [f"and {more} more series with problems"] if more > 0 else []
        raise DataError("\n".join([*problems[:LISTED], *rest]))
    return _joined(parts, names, raw)


def _joined(parts: list[Tidy], names: tuple[str, ...], raw: Raw) -> Apart:
    alias = _one_frequency(parts, names, raw.data)
    observed = None
    if any(part.observed is not None for part in parts):
        observed = np.concatenate(
            [np.ones(p.values.shape, bool) if p.observed is None else p.observed for p in parts]
        )
    times = [part.times for part in parts if part.times is not None]
    rows = Tidy(
        values=np.concatenate([part.values for part in parts]),
        times=np.concatenate(times) if times else None,
        frequency=alias,
        observed=observed,
        count=parts[0].count if len(parts) == 1 else None,
        notes=_notes(parts, names, alias),
    )
    return Apart(
        rows=rows,
        names=names,
        bounds=np.cumsum([0, *(len(part.values) for part in parts)]).astype(np.int64),
        counts=np.array([part.count or (0, 0) for part in parts], dtype=np.int64),
    )


def _one_frequency(parts: list[Tidy], names: tuple[str, ...], data: str) -> str | None:
    """The frequency that the series share; one of two rows cannot tell its own.

    Raises DataError where they differ.
    """
    known = Counter(part.frequency for part in parts if part.frequency is not None)
    if not known:
        return None
    telling = Counter(
        part.frequency
        for part in parts
        if part.frequency is not None and len(part.values) >= TELLING
    )
    usual = (telling or known).most_common(1)[0][0]
    others = [n for n, p in zip(names, parts, strict=True) if p.frequency not in (usual, None)]
    odd = [name for name in others if len(parts[names.index(name)].values) >= TELLING]
    if odd:
        own = parts[names.index(odd[0])].frequency or usual
        raise DataError(
            f"the series of {data} have different steps: {listed(odd)} has "
            f"{frequency.in_words(own)}, most have {frequency.in_words(usual)}; resample them to "
            f"one, or learn them apart"
        )
    return usual


def _notes(parts: list[Tidy], names: tuple[str, ...], alias: str | None) -> tuple[str, ...]:
    """What was found in all of them once, repairs with the names of some series."""
    if len(parts) == 1:
        return parts[0].notes
    notes = []
    times = [part.times for part in parts if part.times is not None and len(part.times)]
    if alias is not None and times:
        first, last = min(own[0] for own in times), max(own[-1] for own in times)
        words = frequency.in_words(alias)
        season = frequency.season_of(alias)
        cycle = f", season {season}" if season and season > 1 else ""
        notes.append(f"{words} (frequency {alias}{cycle}), {time_text(first)} to {time_text(last)}")
    told: dict[str, list[tuple[str, str]]] = {}
    for name, part in zip(names, parts, strict=True):
        for note in part.notes:
            if part.frequency is None or not note.startswith(frequency.in_words(part.frequency)):
                told.setdefault(note.split(":")[0], []).append((name, note))
    for found in told.values():
        some = "; ".join(f"series '{name}': {note}" for name, note in found[:LISTED])
        more = len(found) - LISTED
        notes.append(some + (f"; and likewise in {more} more series" if more > 0 else ""))
    return tuple(notes)


def listed(names: Sequence[str]) -> str:
    """`'A'`, or `'A', 'B', 'C' and 4 more`."""
    more = len(names) - LISTED
    some = ", ".join(f"'{name}'" for name in names[:LISTED])
    return f"{some} and {more} more" if more > 0 else some
