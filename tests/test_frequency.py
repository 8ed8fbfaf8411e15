"""Frequencies against pandas' own calendar."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewise.data.frequency import (
    commonest_steps,
    day_of_month,
    future,
    in_words,
    infer,
    season_of,
)
from gatewise.errors import DataError

SEASONS = {
    "YS": 1,
    "YE-MAR": 1,
    "2YS": 1,
    "QS": 4,
    "QE-NOV": 4,
    "MS": 12,
    "ME": 12,
    "2MS": 6,
    "5MS": None,
    "W-SUN": 52,
    "2W-MON": 26,
    "D": 7,
    "3D": None,
    "B": 5,
    "h": 24,
    "2h": 12,
    "5h": None,
    "30min": 48,
    "15min": 96,
    "10min": 144,
    "min": 1440,
    "s": 60,
    "10s": None,
    "30s": None,
    "ms": None,
}


@given(
    st.sampled_from(list(SEASONS)),
    st.datetimes(pd.Timestamp("1750-01-01"), pd.Timestamp("2050-01-01")),
    st.integers(9, 60),
)
def test_every_frequency_is_found_and_continued_as_pandas_does(alias, start, count):
    times = pd.date_range(start, periods=count, freq=alias, unit="ns").to_numpy()
    known = count // 2
    if alias == "B" and (times[known - 1] - times[0]) == np.timedelta64(known - 1, "D"):
        return  # without a weekend in sight these are days
    grid = infer(times[:known])
    assert grid is not None
    assert grid.alias == alias
    assert np.array_equal(grid.positions, np.arange(known))
    assert np.array_equal(future(times[known - 1], alias, count - known), times[known:])


@pytest.mark.parametrize(("alias", "season"), SEASONS.items())
def test_season_of_a_frequency(alias, season):
    assert season_of(alias) == season


@given(st.sets(st.integers(1, 58), max_size=20))
def test_gaps_do_not_hide_the_frequency(dropped):
    times = pd.date_range("2001-01", periods=60, freq="MS", unit="ns").to_numpy()
    kept = [i for i in range(60) if i not in dropped]
    grid = infer(times[kept])
    assert grid is not None
    assert grid.alias == "MS"
    assert grid.positions.tolist() == kept


def test_the_largest_step_that_meets_all_times():
    hours = np.array([0, 2, 4, 6, 7, 9, 11, 13])
    grid = infer(np.datetime64("2020-01-01", "ns") + hours * np.timedelta64(1, "h"))
    assert grid is not None
    assert (grid.alias, grid.positions.tolist()) == ("h", hours.tolist())


def test_a_day_in_the_middle_of_the_month_is_kept():
    times = pd.to_datetime(["2020-01-15 06:00", "2020-02-15 06:00", "2020-03-15 06:00"])
    grid = infer(times.to_numpy())
    assert grid is not None
    assert grid.alias == "MS"
    later = future(times.to_numpy()[-1], "MS", 2)
    assert np.array_equal(later, pd.to_datetime(["2020-04-15 06:00", "2020-05-15 06:00"]))


@given(st.integers(28, 30), st.integers(2, 40), st.integers(0, 24), st.sampled_from([1, 3, 6]))
def test_a_late_day_is_kept_and_clipped_to_the_month(day, known, first, step):
    """Truth: pandas counts whole months from the day, clipped to the length of each."""
    start = pd.Timestamp(2019, 1, day, 6)
    months = first + step * np.arange(60)
    times = pd.DatetimeIndex([start + pd.DateOffset(months=int(m)) for m in months]).as_unit("ns")
    seen = times[:known]
    if seen.day.max() < day or seen.is_month_end.all():
        return  # the day is not to be seen
    grid = infer(seen.to_numpy())
    assert grid is not None
    assert grid.positions.tolist() == list(range(known))
    assert grid.alias.split("-")[0] == {1: "MS", 3: "QS", 6: "2QS"}[step]
    later = future(seen.to_numpy()[-1], grid.alias, 60 - known, day_of_month(seen.to_numpy()))
    assert np.array_equal(later, times[known:].to_numpy())


def test_days_that_jump_to_and_fro_leave_the_commonest():
    firsts = pd.date_range("2020-01-01", periods=30, freq="BMS", unit="ns").to_numpy()
    assert day_of_month(firsts) == 1


@pytest.mark.parametrize("freq", ["BME", "BMS"])
def test_working_days_at_the_edge_of_the_month_are_monthly(freq):
    times = pd.date_range("2020-01-01", periods=30, freq=freq, unit="ns").to_numpy()
    grid = infer(times)
    assert grid is not None
    assert grid.alias == freq.removeprefix("B")
    assert np.array_equal(grid.positions, np.arange(30))


def test_thirty_days_are_no_month():
    grid = infer(pd.date_range("2020-01-01", periods=30, freq="30D").to_numpy())
    assert grid is not None
    assert grid.alias == "30D"


def test_no_frequency():
    assert infer(pd.to_datetime(["2020-01-01"]).to_numpy()) is None
    jittered = pd.to_datetime(["2020-01-01 00:00:01", "2020-01-01 01:00:09", "2020-01-01 02:00:04"])
    assert infer(jittered.to_numpy()) is None


def test_words():
    assert in_words("MS") == "one row a month"
    assert in_words("h") == "one row an hour"
    assert in_words("30min") == "one row every 30 minutes"
    times = pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-05"]).to_numpy()
    assert commonest_steps(times.astype("M8[ns]")) == "1 day (67 %), 2 days (33 %)"


def test_bounds_of_time():
    with pytest.raises(DataError, match="'fortnight' is unknown"):
        season_of("fortnight")
    for alias in ("YS", "D", "B"):
        with pytest.raises(DataError, match="pass the year 2261"):
            future(np.datetime64("2260-12-31"), alias, 2000)
    assert len(future(np.datetime64("2020-12-31"), "MS", 0)) == 0
