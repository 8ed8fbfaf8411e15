"""Which columns of a frame are forecast, which help, which says when; and columns as numbers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gatewise.data.times import find_time
from gatewise.errors import DataError, did_you_mean

SAMPLE = 100  # cells that decide what a column of text holds
MOSTLY = 0.8  # so many of them
LISTED = 12  # names in one message
GROUPED = r"[+-]?\d{1,3}([,.' \u00a0\u202f\u2019])\d{3}(?:\1\d{3})*(?:(?!\1)[.,](\d+))?"
AMBIGUOUS = r"([+-]?[1-9]\d{0,2})[.,](\d{3})"
DECIMAL_COMMA = r"[+-]?\d+,\d+"


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a series by their parts, and what was noticed while choosing them."""

    targets: tuple[str, ...]
    features: tuple[str, ...]
    time: str | None
    notes: tuple[str, ...]


def choose_columns(
    frame: pd.DataFrame,
    target: str | Sequence[str] | None,
    time: str | None,
    features: str | Sequence[str] | None,
    data: str,
    series: str | None = None,
) -> Columns:
    """The columns named, or found where none is: see `read_series`.

    Raises DataError that lists every name that is unknown, or used twice.
    """
    every = [str(name) for name in frame.columns]
    targets, wanted = _names(target), [] if features == "all" else _names(features)
    named = [*targets, *wanted, *(name for name in (time, series) if name is not None)]
    _refuse_unknown([name for name in named if name not in every], every, data)
    _refuse_twice(named, targets, wanted, time, series)

    notes = []
    if time is None:
        time, note = find_time(frame, [name for name in every if name not in named])
        notes.append(note)
    if not targets:
        free = [name for name in every if name not in (*wanted, time, series)]
        targets = [_only_numeric(frame, free, data)]
        notes.append(f"column '{targets[0]}' was taken as the target: no other holds numbers")
    if features == "all":
        rest = [name for name in every if name not in (*targets, time, series)]
        wanted = [name for name in rest if _numeric(frame[name]) or _yes_or_no(frame[name])]
    unused = [name for name in every if name not in (*targets, *wanted, time, series)]
    if unused:
        notes.append("columns not used: " + _listed(unused))
    return Columns(tuple(targets), tuple(wanted), time, tuple(notes))


def to_numbers(column: Any, name: str, data: str) -> NDArray[np.float64]:
    """A column as float64, NaN where it is empty.  -> (N,)

    Raises DataError with the first value that is not a number.
    """
    kind = column.dtype
    if isinstance(kind, (pd.DatetimeTZDtype, pd.PeriodDtype)) or kind.kind in "Mm":
        raise DataError(f"column '{name}' of {data} holds times, not numbers")
    if kind.kind == "c":
        raise DataError(f"column '{name}' of {data} holds complex numbers; give real ones")
    if pd.api.types.is_numeric_dtype(kind):
        numbers: NDArray[np.float64] = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return numbers
    texts = column.astype(object)
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.flatnonzero(np.isnan(numbers) & column.notna().to_numpy())
    if len(wrong):
        value = texts.iloc[wrong[0]]
        advice = _advice(str(value).strip())
        if find_time(column.to_frame(name), [name])[0] is not None:
            advice = (
                f"it looks like the times: name it with time={name!r} (--time {shlex.quote(name)})"
            )
        raise DataError(
            f"column '{name}' of {data} must hold numbers, but row {wrong[0] + 1} is {value!r} "
            f"({len(wrong)} such of {len(column)}); {advice}"
        )
    return numbers


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def _names(given: str | Sequence[str] | None) -> list[str]:
    if given is None:
        return []
    return [str(given)] if isinstance(given, (str, int)) else [str(name) for name in given]


def _refuse_unknown(unknown: list[str], every: list[str], data: str) -> None:
    if unknown:
        told = "; ".join(
            f"column '{name}' is not in {data}{did_you_mean(name, every)}" for name in unknown
        )
        raise DataError(f"{told} (columns: {_listed(every)})")


def _refuse_twice(
    named: list[str],
    targets: list[str],
    features: list[str],
    time: str | None,
    series: str | None,
) -> None:
    problems = []
    for name in dict.fromkeys(name for name in named if named.count(name) > 1):
        parts = [
            *["target"] * targets.count(name),
            *["feature"] * features.count(name),
            *["time"] * (name == time),
            *["series"] * (name == series),
        ]
        problems.append(f"column '{name}' is named as {' and as '.join(parts)}; it can be one only")
    if problems:
        raise DataError("; ".join(problems))


def _only_numeric(frame: pd.DataFrame, names: list[str], data: str) -> str:
    numeric = [name for name in names if _numeric(frame[name])]
    if not numeric and len(names) == 1:
        return names[0]  # reading it tells what is wrong with it
    if not numeric:
        every = [str(name) for name in frame.columns]
        raise DataError(f"{data} has no column of numbers to forecast (columns: {_listed(every)})")
    if len(numeric) > 1:
        raise DataError(
            f"{data} has {len(numeric)} columns of numbers: {_listed(numeric)}; name the one to "
            f"forecast with target={numeric[0]!r} (--target {shlex.quote(numeric[0])})"
        )
    return numeric[0]


def _numeric(column: Any) -> bool:
    """Numbers, or text that is nearly always one: a single slip must not hide a column."""
    if _yes_or_no(column):
        return False
    if pd.api.types.is_numeric_dtype(column.dtype):
        return bool(column.dtype.kind != "c")
    if column.dtype.kind != "O" and not pd.api.types.is_string_dtype(column.dtype):
        return False
    sample = column.dropna().iloc[:SAMPLE].astype(object)
    numbers = pd.to_numeric(sample, errors="coerce")
    return len(sample) > 0 and float(numbers.notna().mean()) >= MOSTLY


def _yes_or_no(column: Any) -> bool:
    if column.dtype == object:  # with empty cells
        return pd.api.types.infer_dtype(column.iloc[:SAMPLE], skipna=True) == "boolean"
    return pd.api.types.is_bool_dtype(column.dtype)


def _advice(value: str) -> str:
    """What to write instead of `value`, never a number that it does not surely mean."""
    if either := re.fullmatch(AMBIGUOUS, value):
        whole, rest = either.groups()
        return (
            f"it can mean two numbers: write {whole}{rest} if its mark separates thousands, or "
            f"{whole}.{rest} if it is a decimal mark"
        )
    if re.fullmatch(DECIMAL_COMMA, value):
        return (
            f"it seems to have a decimal comma: write {value.replace(',', '.')}, or separate "
            f"the columns of the file with ';'"
        )
    if grouped := re.fullmatch(GROUPED, value):
        rest = grouped[2]
        whole = re.sub(r"[^0-9+-]", "", value if rest is None else value[: -len(rest)])
        number = whole if rest is None else f"{whole}.{rest}"
        return f"it seems to have a thousands separator: write {number}"
    return "correct it, or leave the cell empty and use fill='interpolate' (--fill interpolate)"
