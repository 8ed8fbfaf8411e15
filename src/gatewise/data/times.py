"""The column that says when: finding it, and reading it as times without a zone.

Read: dates and times of pandas, polars and NumPy; ISO text (1949-01, 1949-01-01 12:30,
1949-01-01T12:30Z); what spreadsheets write (1949/1/31, 31.01.1949, 1/31/1949); 1949Q1, Jan 1949,
1949年1月31日; whole numbers as years, as dates like 19490131, as Unix time, or as steps.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gatewise.data import frequency
from gatewise.errors import DataError

Texts = Any  # a pandas Series of text
Reader = Callable[[Texts], Any]  # -> a Series of times, NaT where the text is none

SAMPLE = 100  # texts that decide in which way a column is read
MOSTLY = 0.8  # of them must be read: a single slip must be told, not hide the column
UNIX = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
UNIX_SECONDS = (10**9, 41 * 10**8)  # 2001 to 2099: what is less may be a count
YEARS = (1700, 2200)
YEAR_WORDS = ("year", "年")
ZONE = r"(?:Z|[+-]\d\d:?\d\d)$"
DATES = (
    ("%Y/%m/%d", "year/month/day"),
    ("%m/%d/%Y", "month/day/year"),
    ("%d/%m/%Y", "day/month/year"),
    ("%d.%m.%Y", "day.month.year"),
    ("%d-%m-%Y", "day-month-year"),
    ("%Y年%m月%d日", "year, month, day"),
    ("%d-%b-%Y", "day-month-year"),
    ("%d %b %Y", "day month year"),
)
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
MONTHS = (
    ("%Y/%m", "year/month"),
    ("%m/%Y", "month/year"),
    ("%b %Y", "month year"),
    ("%b-%Y", "month-year"),
    ("%B %Y", "month year"),
    ("%YM%m", "year and month"),
    ("%Y年%m月", "year and month"),
)


@dataclass(frozen=True, slots=True)
class Times:
    """A time column, row by row as it came.

    values  (N,) datetime64[ns] without a zone; or numbers, for rows that are counted
    note    how it was read, in words; empty when there is nothing to say
    """

    values: NDArray[Any]
    note: str = ""

    @property
    def dated(self) -> bool:
        """Whether these are times, not numbers."""
        return self.values.dtype.kind == "M"


def find_time(frame: pd.DataFrame, names: Iterable[str]) -> tuple[str | None, str]:
    """The one column among `names` that holds times, or None; and why, in words.

    Of several, the one whose times differ from row to row is it, when there is only one such.
    """
    found = [name for name in names if _holds_times(frame[name], name)]
    listed = ", ".join(f"'{name}'" for name in found)
    if len(found) > 1:
        found = [name for name in found if frame[name].is_unique]
    if len(found) == 1:
        return found[0], f"column '{found[0]}' was taken as the times"
    if listed:
        return None, (
            f"several columns hold times ({listed}), none was used and rows count as steps; "
            f"choose one with time='...' (--time ...)"
        )
    return None, "no column holds times: rows count as steps"


def read_times(column: Any, name: str, data: str) -> Times:
    """The times of column `name` of `data`.

    A column with zones becomes UTC, unless every row stands at midnight of its own zone: such
    rows are dates, and keep them. Raises DataError for a row without a time, with a text that is
    none, or that mixes times with a zone and without.
    """
    column = column.reset_index(drop=True)
    _refuse_missing(column, column.isna(), name, data)
    kind = column.dtype
    if isinstance(kind, pd.PeriodDtype):
        return Times(_nanoseconds(column.dt.to_timestamp(), name, data))
    if isinstance(kind, pd.DatetimeTZDtype):
        utc = column.dt.tz_convert("UTC").dt.tz_localize(None)
        return _zoned(utc, column.dt.tz_localize(None), name, data)
    if kind.kind == "M":
        return Times(_nanoseconds(column, name, data))
    if pd.api.types.is_bool_dtype(kind):
        raise DataError(f"column '{name}' of {data} holds true and false, no times")
    if pd.api.types.is_numeric_dtype(kind):
        return _counted(column, name, data)
    return _text(column, name, data)


def _holds_times(column: Any, name: str) -> bool:
    kind = column.dtype
    if isinstance(kind, (pd.DatetimeTZDtype, pd.PeriodDtype)) or kind.kind == "M":
        return True
    if kind.kind in "iu":
        values = column.to_numpy()
        steady = len(values) > 1 and bool(np.all(np.diff(values) == 1))
        return steady and _named_year(name) and _in_years(values)
    if kind.kind != "O" and not pd.api.types.is_string_dtype(kind):
        return False
    sample = column.dropna().iloc[:SAMPLE]
    if sample.empty:
        return False
    if all(isinstance(value, datetime.date) for value in sample):
        return True
    return all(isinstance(value, str) for value in sample) and _reader(sample) is not None


def _named_year(name: str) -> bool:
    return any(word in name.casefold() for word in YEAR_WORDS)


def _in_years(values: NDArray[Any]) -> bool:
    return bool(values.min() >= YEARS[0] and values.max() <= YEARS[1])


def _counted(column: Any, name: str, data: str) -> Times:
    """Numbers: years, when the name says so; dates like 19490131; Unix time; else steps."""
    values = column.to_numpy()
    if values.dtype.kind == "O":  # a nullable type, or decimal numbers
        values = column.to_numpy(dtype=np.float64)
    if not np.all(np.isfinite(values)):
        _refuse_missing(column, ~np.isfinite(values), name, data)
    if values.dtype.kind == "f" and np.all(values == np.rint(values)):
        values = values.astype(np.int64)
    if values.dtype.kind == "f":
        return Times(values, f"the numbers of column '{name}' were taken as steps")
    values = values.astype(np.int64)
    if _named_year(name) and _in_years(values):
        years = (values - 1970).astype("datetime64[Y]").astype("datetime64[ns]")
        return Times(years, f"the numbers of column '{name}' were read as years")
    if values.min() >= YEARS[0] * 10_000 and values.max() < (YEARS[1] + 1) * 10_000:
        dates = pd.to_datetime(pd.Series(values).astype(str), format="%Y%m%d", errors="coerce")
        if dates.notna().all():
            note = f"the numbers of column '{name}' were read as dates (yearmonthday)"
            return Times(_nanoseconds(dates, name, data), note)
    for unit, each in UNIX.items():
        if values.min() >= UNIX_SECONDS[0] * each and values.max() < UNIX_SECONDS[1] * each:
            moments = values.astype(f"datetime64[{unit}]").astype("datetime64[ns]")
            note = f"the numbers of column '{name}' were read as Unix time ({unit}), in UTC"
            return Times(moments, note)
    return Times(values, f"the numbers of column '{name}' were taken as steps")


def _text(column: Any, name: str, data: str) -> Times:
    column = column.astype(object) if column.dtype == "category" else column
    if isinstance(column.iloc[0], datetime.date):
        times = pd.to_datetime(column, errors="coerce")
        _refuse_unread(column, times, name, data)
        return Times(_nanoseconds(times, name, data))
    found = _reader(column.iloc[:SAMPLE]) or _reader(column.iloc[:1])
    if found is None:
        raise DataError(
            f"column '{name}' of {data} holds no times: row 1 is {str(column.iloc[0])!r}; "
            f"expected dates such as 1949-01-31 or 1949-01-31 12:30, or whole numbers"
        )
    reader, note = found
    times = reader(column)
    _refuse_unread(column, times, name, data)
    if times.dt.tz is None:
        said = f"column '{name}' was read as {note}" if note else ""
        return Times(_nanoseconds(times, name, data), said)
    bare = column.str.replace(ZONE, "", regex=True)
    unzoned = (bare == column).to_numpy()
    if unzoned.any():
        row = int(np.argmax(unzoned))
        raise DataError(
            f"column '{name}' of {data} mixes times with a zone and without: row {row + 1} is "
            f"{column.iloc[row]!r}; give every row a zone, or none"
        )
    return _zoned(times.dt.tz_localize(None), _iso(bare), name, data)


def _zoned(utc: Any, wall: Any, name: str, data: str) -> Times:
    if (utc == wall).all():
        return Times(_nanoseconds(utc, name, data), f"times of column '{name}' are UTC")
    if (wall == wall.dt.normalize()).all():
        note = f"column '{name}' has midnights in a zone of their own: their dates were kept"
        return Times(_nanoseconds(wall, name, data), note)
    return Times(_nanoseconds(utc, name, data), f"column '{name}' was converted to UTC")


def _reader(sample: Texts) -> tuple[Reader, str] | None:
    """The way to read texts like these, and its name when others read them differently."""
    if sample.astype(str).str.contains(r"\d{4}").mean() < MOSTLY:
        return None
    for plain in (_iso, _quarters):
        if plain(sample).notna().mean() >= MOSTLY:
            return plain, ""
    fits = []
    forms = [(date + clock, note) for date, note in DATES for clock in CLOCKS]
    for form, note in itertools.chain(MONTHS, forms):
        read = _formatted(form)
        times = read(sample)
        share = float(times.notna().mean())
        if share >= MOSTLY:
            fits.append((share, _steady(times), read, note))
    if not fits:
        return None
    _, _, read, note = max(fits, key=lambda fit: fit[:2])  # the first of equal ones
    return read, note


def _iso(texts: Texts) -> Any:
    zoned = texts.iloc[:SAMPLE].astype(str).str.contains(ZONE).any()
    try:
        return pd.to_datetime(texts, format="ISO8601", errors="coerce", cache=False, utc=zoned)
    except ValueError:  # a zone further down
        return pd.to_datetime(texts, format="ISO8601", errors="coerce", cache=False, utc=True)


def _quarters(texts: Texts) -> Any:
    parts = texts.astype(str).str.extract(r"^(\d{4})[ -]?Q([1-4])$")
    months = (pd.to_numeric(parts[1]) * 3 - 2).astype("Int64").astype(str)
    return pd.to_datetime(parts[0] + "-" + months, format="%Y-%m", errors="coerce")


def _formatted(form: str) -> Reader:
    return lambda texts: pd.to_datetime(texts, format=form, errors="coerce", cache=False)


def _steady(times: Any) -> bool:
    if times.isna().any():
        return False
    values = times.to_numpy().astype("datetime64[ns]")
    if len(values) < 2 or not np.all(np.diff(values) > np.timedelta64(0)):
        return False
    grid = frequency.infer(values)
    return grid is not None and grid.positions[-1] == len(values) - 1


def _nanoseconds(times: Any, name: str, data: str) -> frequency.TimeArray:
    try:
        values: frequency.TimeArray = times.dt.as_unit("ns").to_numpy()
    except (pd.errors.OutOfBoundsDatetime, OverflowError):
        raise DataError(
            f"column '{name}' of {data} reaches from {times.min()} to {times.max()}; times must "
            f"lie between the years 1678 and {frequency.LAST_YEAR}"
        ) from None
    return values


def _refuse_missing(column: Any, missing: Any, name: str, data: str) -> None:
    rows = np.flatnonzero(missing)
    if len(rows):
        raise DataError(
            f"time column '{name}' of {data}: row {rows[0] + 1} has no time "
            f"({len(rows)} such of {len(column)}); fill it in or drop the row"
        )


def _refuse_unread(column: Any, times: Any, name: str, data: str) -> None:
    rows = np.flatnonzero(times.isna())
    if len(rows):
        raise DataError(
            f"time column '{name}' of {data}: row {rows[0] + 1} is {str(column.iloc[rows[0]])!r}, "
            f"not a time like that of row 1, {str(column.iloc[0])!r} ({len(rows)} such of "
            f"{len(column)}); correct it or drop the row"
        )
