"""Reading times: every way of writing them gives the times that pandas wrote."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewise.data.times import find_time, read_times
from gatewise.errors import DataError

DAYS = pd.date_range("1999-12-01", periods=40, freq="D")
MONTHS = pd.date_range("1999-12-01", periods=40, freq="MS")


def read(values):
    return read_times(pd.Series(values), "t", "data")


def found(values, name="t"):
    return find_time(pd.DataFrame({name: values}), [name])[0]


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d",
        "%Y-%m-%dT%H:%M:%S",
        "%Y-%m-%d %H:%M:%S.%f",
        "%Y/%m/%d",
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%m/%d/%Y %H:%M",
        "%m/%d/%Y %I:%M:%S %p",
        "%d-%m-%Y %H:%M:%S",
        "%d %b %Y",
        "%Y年%m月%d日",
    ],
)
def test_days_written_in_many_ways(form):
    texts = DAYS.strftime(form)
    assert found(texts) == "t"
    assert np.array_equal(read(texts).values, DAYS.to_numpy())


@pytest.mark.parametrize(
    "form", ["%Y-%m", "%Y/%m", "%m/%Y", "%b %Y", "%b-%Y", "%B %Y", "%YM%m", "%d/%m/%Y", "%m/%d/%Y"]
)
def test_months_written_in_many_ways(form):
    texts = MONTHS.strftime(form)
    assert found(texts) == "t"
    assert np.array_equal(read(texts).values, MONTHS.to_numpy())


@pytest.mark.parametrize("form", ["{}Q{}", "{}-Q{}", "{} Q{}"])
def test_quarters(form):
    quarters = pd.period_range("2019Q3", periods=6, freq="Q")
    texts = [form.format(quarter.year, quarter.quarter) for quarter in quarters]
    assert found(texts) == "t"
    assert np.array_equal(read(texts).values, quarters.to_timestamp().to_numpy())


def test_an_order_of_day_and_month_that_others_read_differently_is_told():
    assert "day/month/year" in read(DAYS.strftime("%d/%m/%Y")).note
    assert read(DAYS.strftime("%Y-%m-%d")).note == ""


def test_typed_times():
    dates = [datetime.date(2020, 1, 31), datetime.date(2020, 2, 29)]
    truth = pd.to_datetime(dates).to_numpy()
    for values in (dates, pd.to_datetime(dates), np.array(dates, "M8[D]")):
        assert found(values) == "t"
        assert np.array_equal(read(values).values, truth)
    months = pd.period_range("2020-01", periods=2, freq="M")
    assert found(months) == "t"
    assert np.array_equal(read(months).values, months.to_timestamp().to_numpy())


def test_zones_become_utc_through_the_change_of_clocks():
    hours = pd.date_range("2020-10-24 20:00", periods=12, freq="h", tz="Europe/Berlin")
    truth = hours.tz_convert("UTC").tz_localize(None).to_numpy()
    for values in (hours, [time.isoformat() for time in hours]):
        times = read(values)
        assert np.array_equal(times.values, truth)
        assert times.note == "column 't' was converted to UTC"
    zulu = read(["2020-01-01T00:30Z", "2020-01-01T01:30Z"])
    assert np.array_equal(zulu.values, pd.to_datetime(["2020-01-01 00:30", "2020-01-01 01:30"]))


def test_midnights_of_a_zone_keep_their_dates():
    days = pd.date_range("2020-10-20", periods=10, freq="D", tz="Europe/Berlin")
    truth = days.tz_localize(None).to_numpy()
    for values in (days, [day.isoformat() for day in days]):
        times = read(values)
        assert np.array_equal(times.values, truth)
        assert "their dates were kept" in times.note


def test_numbers_as_years_dates_or_steps():
    years = [1998, 1999, 2000]
    assert found(years, "Year") == "Year"
    assert found(years, "年份") == "年份"
    assert found(years, "y") is None
    assert found([1998, 2000, 2001], "year") is None
    named = read_times(pd.Series(years), "year", "data")
    assert named.values.astype("M8[Y]").astype(str).tolist() == ["1998", "1999", "2000"]
    assert not read(years).dated
    dates = read([20200131, 20200229])
    assert np.array_equal(dates.values, pd.to_datetime(["2020-01-31", "2020-02-29"]))
    hours = pd.date_range("2020-01-01", periods=3, freq="h").to_numpy()
    for unit in ("s", "ms", "us", "ns"):
        unix = read(hours.astype(f"M8[{unit}]").astype(np.int64))
        assert np.array_equal(unix.values, hours)
    assert read([0, 1, 2]).values.tolist() == [0, 1, 2]
    assert read([0.5, 1.0]).values.tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["2020-01", "2020-13", "2020-03"], r"row 2 is '2020-13', not a time .* \(1 such of 3\)"),
        (["2020-01", None, "2020-03"], r"row 2 has no time \(1 such of 3\)"),
        ([0.0, np.nan], "row 2 has no time"),
        ([0.0, np.inf], "row 2 has no time"),
        (["north", "south"], "holds no times: row 1 is 'north'"),
        (["2020-01-01T00:00Z", "2020-01-01T01:00"], "row 2 is '2020-01-01T01:00'; give every"),
        (["0001-01-01", "2020-01-01"], "0001-01-01"),
        (np.array(["0001", "2020"], "M8[s]"), "between the years 1678 and 2261"),
    ],
)
def test_what_is_no_time(values, told):
    with pytest.raises(DataError, match=told):
        read(values)


def test_the_column_of_times_is_found():
    frame = pd.DataFrame({"a": ["x", "y"], "b": ["2020-01", "2020-02"], "c": ["2021", "n"]})
    assert find_time(frame, frame.columns) == ("b", "column 'b' was taken as the times")
    assert find_time(frame, ["a"])[0] is None
    twice = frame.assign(a=["2020-01-01", "2020-01-02"])
    name, note = find_time(twice, ["a", "b"])
    assert name is None
    assert "'a', 'b'" in note
    assert "--time" in note
    repeated = frame.assign(a="2020-01-01")  # a date that does not tell rows apart
    assert find_time(repeated, ["a", "b"])[0] == "b"


@given(st.lists(st.text(max_size=12), min_size=1, max_size=5))
def test_text_never_breaks_the_search(values):
    assert found(pd.Series(values, dtype="str")) in (None, "t")


@given(
    st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1)),
    st.sampled_from(["D", "h", "min", "s"]),
)
def test_iso_text_is_read_as_written(start, step):
    times = pd.date_range(start, periods=5, freq=step, unit="us")
    assert np.array_equal(read([time.isoformat() for time in times]).values, times.to_numpy())
