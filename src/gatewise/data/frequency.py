"""How far apart the rows of a series are, which times follow, and how long its season is.

A frequency is a pandas offset alias: 'MS', 'ME', 'QS', 'YE-MAR', 'W-SUN', 'D', 'B', 'h', '30min'.
Months, quarters and years are counted on the calendar, because they differ in length; all
shorter steps are counted in nanoseconds. Times have no zone: a clock change cannot bend them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatewise.errors import DataError

IntArray = NDArray[np.int64]
TimeArray = NDArray[np.datetime64]

DAY = 86_400_000_000_000  # nanoseconds, as all lengths here
LENGTHS = {
    "W": 7 * DAY,
    "D": DAY,
    "h": DAY // 24,
    "min": DAY // 1440,
    "s": 10**9,
    "ms": 10**6,
    "us": 10**3,
    "ns": 1,
}
MONTHS = {"MS": 1, "ME": 1, "QS": 3, "QE": 3, "YS": 12, "YE": 12}
WORDS = {"M": "month", "Q": "quarter", "Y": "year", "W": "week", "D": "day", "B": "business day"}
WORDS |= {"h": "hour", "min": "minute", "s": "second", "ms": "millisecond"}
WORDS |= {"us": "microsecond", "ns": "nanosecond"}
MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAY_NAMES = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
SPARSEST = 4  # a step that no row is off by counts when at least one step in so many has a row
LAST_YEAR = 2261  # the last full year that datetime64[ns] can hold


@dataclass(frozen=True, slots=True)
class Grid:
    """Times as whole steps of one frequency.

    alias      the frequency
    positions  (N,) the step of each time, counted from 0 at the first; a jump is a gap
    """

    alias: str
    positions: IntArray


def infer(times: TimeArray) -> Grid | None:
    """The frequency of times that are in order and distinct; None when they have none.

    The commonest step decides, so gaps do no harm; when some times lie between its steps, the
    largest step that meets all of them does, unless it would leave most of the steps empty.
    """
    if len(times) < 2:
        return None
    times = times.astype("datetime64[ns]")
    numbers = times.astype(np.int64)
    anchored = _anchor(times)
    if anchored in ("exact", "near"):
        months = _months(times)
        step = common_step(months)
        if step is not None and (anchored == "exact" or common_step(numbers) is None):
            return Grid(_month_alias(times, step), (months - months[0]) // step)
    if (workdays := _workdays(times)) is not None:
        return Grid("B", workdays)
    step = common_step(numbers)
    if step is None:
        return None
    return Grid(_fixed_alias(step, times[0]), (numbers - numbers[0]) // step)


def common_step(numbers: IntArray) -> int | None:
    """The step of increasing integers, which may have gaps; None when they have no one step."""
    steps, counts = np.unique(np.diff(numbers), return_counts=True)
    step = int(steps[np.argmax(counts)])
    if not np.any(steps % step):
        return step
    step = int(np.gcd.reduce(steps))
    span = int(numbers[-1] - numbers[0]) // step + 1
    return step if span <= SPARSEST * len(numbers) else None


def day_of_month(times: TimeArray) -> int:
    """The day that monthly times stand on: the largest, when the shorter months alone keep times
    from it; else the commonest, for times that avoid weekends."""
    days = _days_of_month(times)
    if _clipped(times):
        return int(days.max())
    counts = np.bincount(days)
    return int(np.flatnonzero(counts == counts.max())[-1])


def future(last: np.datetime64, alias: str, steps: int, day: int = 0) -> TimeArray:
    """The `steps` times after `last`.  -> (steps,) datetime64[ns]

    day  of the month that steps of months keep, as far as a month has it; 0: that of `last`

    Raises DataError when they pass the year that a time can hold.
    """
    count, unit = _parse(alias)
    ahead = np.arange(1, steps + 1, dtype=np.int64) * count
    last = last.astype("datetime64[ns]")
    date = last.astype("datetime64[D]")
    clock = last - date.astype("datetime64[ns]")
    if unit in MONTHS:
        month = last.astype("datetime64[M]")
        ahead = ahead * MONTHS[unit]
        _must_fit(month, int(ahead[-1]) // 12 if steps else 0)
        starts = month + ahead
        lengths = _month_lengths(starts)
        kept = day or int(_days_of_month(np.array([last]))[0])
        wanted = 31 if unit.endswith("E") else kept
        days = starts.astype("datetime64[D]") + (np.minimum(wanted, lengths) - 1)
        return _at(days, clock)
    _must_fit(date, int(steps * count * (LENGTHS.get(unit, 2 * DAY) / DAY) / 365))
    if unit == "B":
        return _at(np.busday_offset(date, ahead, roll="backward"), clock)
    later: TimeArray = last + (ahead * LENGTHS[unit]).astype("timedelta64[ns]")
    return later


def season_of(alias: str) -> int | None:
    """Steps of the seasonal cycle that is usual at this frequency; None when none is.

    Months, quarters, years: a year. Weeks: a year of 52. Days: a week (5 business days).
    Hours and minutes: a day. Seconds: a minute. Other steps below a minute: none.
    """
    count, unit = _parse(alias)
    if unit in MONTHS:
        months = count * MONTHS[unit]
        return _whole(12, months) if months < 12 else 1
    if unit == "B":
        return 5 if count == 1 else None
    if unit in ("W", "D"):
        return _whole(52 if unit == "W" else 7, count)
    if unit in ("h", "min"):
        return _whole(DAY, count * LENGTHS[unit])
    return 60 if (count, unit) == (1, "s") else None


def in_words(alias: str) -> str:
    """`'one row a month'`, `'one row every 30 minutes'`."""
    count, unit = _parse(alias)
    word = WORDS[unit[0] if unit in MONTHS else unit]
    return f"one row every {count} {word}s" if count > 1 else f"one row {_article(word)} {word}"


def commonest_steps(times: TimeArray) -> str:
    """The three commonest steps between times in order, in words: `'1 h (75 %), 2 h (25 %)'`."""
    steps, counts = np.unique(np.diff(times.astype(np.int64)), return_counts=True)
    first = np.argsort(-counts, kind="stable")[:3]
    shares = 100 * counts[first] / counts.sum()
    named = [_step_text(int(step)) for step in steps[first]]
    return ", ".join(f"{name} ({share:.0f} %)" for name, share in zip(named, shares, strict=True))


def _article(word: str) -> str:
    return "an" if word == "hour" else "a"


def _step_text(step: int) -> str:
    unit = next(unit for unit in LENGTHS if unit != "W" and step % LENGTHS[unit] == 0)
    count = step // LENGTHS[unit]
    if unit == "D":
        return f"{count} day{'s' if count > 1 else ''}"
    return f"{count} {unit}"


def _parse(alias: str) -> tuple[int, str]:
    found = re.fullmatch(r"(\d*)([A-Za-z]+)(?:-[A-Z]{3})?", alias)
    if found is None or found[2] not in {*LENGTHS, *MONTHS, "B"}:
        raise DataError(
            f"frequency {alias!r} is unknown; expected one such as 'h', '30min', 'D', 'B', "
            f"'W-SUN', 'MS', 'QS', 'YS'"
        )
    return int(found[1] or 1), found[2]


def _whole(cycle: int, step: int) -> int | None:
    return cycle // step if cycle % step == 0 else None


def _must_fit(start: np.datetime64, years: int) -> None:
    if start.astype("datetime64[Y]").astype(np.int64) + 1970 + years >= LAST_YEAR:
        raise DataError(f"the times after {start} pass the year {LAST_YEAR}: ask for fewer steps")


def _at(days: TimeArray, clock: np.timedelta64) -> TimeArray:
    return np.asarray(days.astype("datetime64[ns]") + clock, dtype="datetime64[ns]")


def _months(times: TimeArray) -> IntArray:
    return times.astype("datetime64[M]").astype(np.int64)


def _days_of_month(times: TimeArray) -> IntArray:
    starts = times.astype("datetime64[M]").astype("datetime64[D]")
    return times.astype("datetime64[D]").astype(np.int64) - starts.astype(np.int64) + 1


def _month_lengths(months: TimeArray) -> IntArray:
    days = (months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")
    lengths: IntArray = days.astype(np.int64)
    return lengths


def _anchor(times: TimeArray) -> str:
    """How times stand in their months: `exact` (one a month at most, at one hour, on the same
    day, or on the last of months that lack it), `near` (one a month at most, days that
    differ little), or `no`."""
    months = _months(times)
    if np.diff(months).min() < 1:
        return "no"
    starts: TimeArray = times.astype("datetime64[M]")
    offsets = times - starts.astype("datetime64[ns]")
    if np.all(offsets == offsets[0]) or _clipped(times):
        return "exact"
    days = _days_of_month(times)
    return "near" if days.max() - days.min() <= 5 else "no"


def _clipped(times: TimeArray) -> bool:
    """Whether all times share a clock, and a day of the month as far as each month has it: the
    30th, for one, or the last."""
    days = times.astype("datetime64[D]")
    clocks = times - days.astype("datetime64[ns]")
    numbers = _days_of_month(times)
    lengths = _month_lengths(times.astype("datetime64[M]"))
    held = numbers == np.minimum(numbers.max(), lengths)
    return bool(np.all(held) and np.all(clocks == clocks[0]))


def _at_month_end(times: TimeArray) -> bool:
    """Whether all times stand on the last day, or all on the last working day, of their month."""
    days = times.astype("datetime64[D]")
    lasts = (days.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1
    working = np.busday_offset(lasts, 0, roll="backward")
    return bool(np.all(days == lasts) or np.all(days == working))


def _month_alias(times: TimeArray, months: int) -> str:
    """Of steps of so many months; a day that is neither first nor last is written as a start,
    and `future` keeps it."""
    side = "E" if _at_month_end(times) else "S"
    month = int(_months(times[:1])[0]) % 12
    if months % 12 == 0:
        name, count = "Y", months // 12
        usual = 0 if side == "S" else 11
    elif months % 3 == 0:
        name, count = "Q", months // 3
        month, usual = month % 3, 0 if side == "S" else 2
        # QE-DEC, the usual one, ends in March, June, September and December
        month, usual = (month, usual) if side == "S" else (month + 9, 11)
    else:
        name, count, month, usual = "M", months, 0, 0
    anchor = "" if month == usual else f"-{MONTH_NAMES[month]}"
    return f"{count if count > 1 else ''}{name}{side}{anchor}"


def _workdays(times: TimeArray) -> IntArray | None:
    """Business days from the first, for a time on each of them and none at weekends."""
    days = times.astype("datetime64[D]")
    clocks = times - days.astype("datetime64[ns]")
    if not (np.all(clocks == clocks[0]) and np.all(np.is_busday(days))):
        return None
    numbers = days.astype(np.int64)
    counted: IntArray = np.busday_count(days[0], days)
    crossed = counted[-1] < numbers[-1] - numbers[0]
    return counted if crossed and np.diff(counted).min() == 1 == _commonest(counted) else None


def _commonest(numbers: IntArray) -> int:
    steps, counts = np.unique(np.diff(numbers), return_counts=True)
    return int(steps[np.argmax(counts)])


def _fixed_alias(step: int, first: np.datetime64) -> str:
    unit = next(unit for unit in LENGTHS if step % LENGTHS[unit] == 0)
    count = step // LENGTHS[unit]
    weekday = (int(first.astype("datetime64[D]").astype(np.int64)) + 3) % 7  # 1970-01-01: Thursday
    anchor = f"-{DAY_NAMES[weekday]}" if unit == "W" else ""
    return f"{count if count > 1 else ''}{unit}{anchor}"
