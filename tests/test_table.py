"""Series taken out of tables: what is found, refused and repaired, with pandas as the truth."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewise.data.table import check_varies, read_series
from gatewise.errors import DataError, UsageError

MONTHS = pd.date_range("1949-01", periods=8, freq="MS")


def monthly(**more):
    return pd.DataFrame({"month": MONTHS.strftime("%Y-%m"), "y": np.arange(8.0), **more})


def test_all_is_found_in_a_plain_table():
    table = read_series(monthly(), name="air.csv")
    assert (table.targets, table.features, table.time_name) == (("y",), (), "month")
    assert (table.frequency, table.season, len(table)) == ("MS", 12, 8)
    assert table.values.dtype == np.float64
    assert table.values.tolist() == [[value] for value in range(8)]
    assert np.array_equal(table.times, MONTHS.to_numpy())
    assert table.bounds.tolist() == [0, 8]
    assert np.array_equal(table.future_times(2), pd.to_datetime(["1949-09", "1949-10"]))
    notes = " · ".join(table.notes)
    assert "column 'month' was taken as the times" in notes
    assert "column 'y' was taken as the target" in notes
    assert "one row a month (frequency MS, season 12), 1949-01-01 to 1949-08-01" in notes


@pytest.mark.parametrize(
    ("freq", "told"),
    [
        ("h", "(frequency h, season 24)"),
        ("YS", "(frequency YS, no season)"),
        ("10s", "(frequency 10s)"),
    ],
)
def test_the_season_that_a_frequency_stands_for_is_told(freq, told):
    frame = pd.DataFrame({"t": pd.date_range("2001", periods=9, freq=freq), "y": range(9)})
    assert any(told in note for note in read_series(frame).notes)


@pytest.mark.parametrize("day", [29, 30])
def test_a_month_counted_from_its_30th_day_goes_on_there(day):
    days = [pd.Timestamp(2020, 1, day) + pd.DateOffset(months=i) for i in range(16)]
    table = read_series({"t": days[:14], "y": range(14)})  # ends in February 2021
    assert table.times[-1] == np.datetime64("2021-02-28")
    assert np.array_equal(table.future_times(2), pd.DatetimeIndex(days[14:]))


def test_without_times_rows_are_steps():
    table = read_series([3, 1, 2])
    assert table.values.tolist() == [[3], [1], [2]]
    assert (table.times, table.time_name, table.frequency, table.season) == (None,) * 4
    assert table.future_times(3) is None
    assert table.summary()["first"] is None


def test_targets_stand_before_features():
    frame = monthly(b=1.0, word="w", flag=[True, False] * 4, a=2)
    table = read_series(frame, target=["a", "y"], features="all")
    assert table.columns == ("a", "y", "b", "flag")
    assert table.values[1].tolist() == [2, 1, 1, 0]
    assert any("not used: word" in note for note in table.notes)
    one = read_series(frame, target="y", features="b")
    assert one.columns == ("y", "b")


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"target": "Y1"}, r"'Y1' is not in data; did you mean 'y'\?|columns: month, y, z"),
        ({"target": ["a", "b"]}, "'a' is not in data.*'b' is not in data"),
        ({"target": "y", "features": ["y"]}, "'y' is named as target and as feature"),
        ({"target": "month", "time": "month"}, "as target and as time"),
        ({"target": ["y", "y"]}, "as target and as target"),
        ({"target": None}, r"2 columns of numbers: y, z; .*--target y"),
        ({"target": "month"}, "must hold numbers, but row 1 is '1949-01'"),
        ({"target": "y", "time": "word"}, "'word' of data holds no times: row 1 is 'w'"),
        ({"target": "y", "time": "flag"}, "true and false"),
    ],
)
def test_wrong_columns(columns, told):
    with pytest.raises(DataError, match=told):
        read_series(monthly(z=1, word="w", flag=True), **columns)


def test_yes_and_no_are_features_but_no_target():
    frame = monthly(flag=pd.Series([True, None] * 4, dtype=object))
    assert read_series(frame).targets == ("y",)
    table = read_series(frame, target="y", features="all", fill="forward")
    assert table.values[:, 1].tolist() == [1.0] * 8


def test_a_table_without_numbers_or_rows():
    with pytest.raises(DataError, match="no column of numbers"):
        read_series({"a": ["x", "y"], "b": ["z", "z"]})
    with pytest.raises(DataError, match="'a' of data must hold numbers, but row 1 is 'x'"):
        read_series({"a": ["x", "y"]})
    with pytest.raises(DataError, match="no rows"):
        read_series(pd.DataFrame({"y": []}))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("none", r"row 3 is 'none' \(1 such of 8\); correct it, or leave the cell empty"),
        ("1,234.5", "thousands separator: write 1234.5"),
        ("1.234.567", "thousands separator: write 1234567$"),
        ("10,037.72", "write 10037.72$"),
        ("1.501,01", "write 1501.01$"),
        ("1 234 567,5", "write 1234567.5$"),
        ("1'005", "write 1005$"),
        ("-1,005", "write -1005 if .* thousands, or -1.005 if"),
        ("0,005", "decimal comma: write 0.005"),
        ("12,5", "decimal comma: write 12.5"),
    ],
)
def test_text_among_numbers(value, told):
    frame = monthly()
    frame["y"] = frame["y"].astype(str)
    frame.loc[2, "y"] = value
    with pytest.raises(DataError, match=told):
        read_series(frame, target="y")


def test_times_where_numbers_are_wanted_are_named():
    frame = pd.DataFrame({"day": MONTHS.strftime("%Y-%m-%d"), "y": np.arange(8.0)})
    with pytest.raises(DataError, match=r"'day' .* looks like the times: .* time='day' \(--time"):
        read_series(frame, time="y")


def test_one_slip_does_not_hide_a_column():
    slips = [str(value) for value in range(8)]
    slips[5] = "?"
    with pytest.raises(DataError, match=r"2 columns of numbers: y, z; .*--target y"):
        read_series(monthly(z=slips))
    with pytest.raises(DataError, match=r"'z' of data must hold numbers, but row 6 is '\?'"):
        read_series(monthly(z=slips), target="y", features="all")
    dates = monthly()
    dates.loc[4, "month"] = "1949/May"
    with pytest.raises(DataError, match="row 5 is '1949/May', not a time like that of row 1"):
        read_series(dates)


def test_numbers_in_text_and_in_nullable_columns_are_read():
    frame = monthly()
    as_text = read_series(frame.assign(y=frame["y"].astype(str)), target="y")
    nullable = read_series(frame.assign(y=frame["y"].astype("Int64")))
    for table in (as_text, nullable):
        assert table.values[:, 0].tolist() == list(range(8))


def test_rows_out_of_order():
    frame = monthly().iloc[[0, 1, 4, 2, 3, 5, 6, 7]]
    with pytest.raises(DataError) as caught:
        read_series(frame)
    assert str(caught.value) == (
        "data: times are not in order: row 4 (1949-03) comes after 1949-05; "
        "sort them with sort=True (--sort)"
    )
    table = read_series(frame, sort=True)
    assert table.values[:, 0].tolist() == list(range(8))
    assert "rows were sorted by time" in table.notes


@pytest.mark.parametrize(("how", "kept"), [("first", 2), ("last", 30), ("mean", 16)])
def test_repeated_times(how, kept):
    frame = pd.concat([monthly(), pd.DataFrame({"month": ["1949-03"], "y": [30.0]})])
    frame = frame.sort_values("month", kind="stable")
    with pytest.raises(DataError, match=r"row 4, which has 1949-03 like row 3.*--duplicates mean"):
        read_series(frame)
    table = read_series(frame, duplicates=how)
    assert table.values[:, 0].tolist() == [0, 1, kept, 3, 4, 5, 6, 7]


def test_several_series_in_one_table_are_pointed_out():
    frame = pd.concat([monthly(store="A"), monthly(store="B")])
    with pytest.raises(DataError, match="2 series, told apart by column 'store'"):
        read_series(frame)


@pytest.mark.parametrize(
    ("fill", "filled"), [("interpolate", [2, 3]), ("forward", [1, 1]), ("zero", [0, 0])]
)
def test_missing_steps(fill, filled):
    frame = monthly().drop([2, 3])
    with pytest.raises(DataError, match=r"without a row: 2, .* row 2 \(1949-02\), before row 3"):
        read_series(frame)
    table = read_series(frame, fill=fill)
    assert table.values[:, 0].tolist() == [0, 1, *filled, 4, 5, 6, 7]
    assert np.array_equal(table.times, MONTHS.to_numpy())
    assert f"filled ({fill}): missing steps 2, empty cells 0" in table.notes


def test_filling_leaves_the_times_that_are_there():
    days = pd.to_datetime(["2020-01-30", "2020-02-28", "2020-04-29"])  # late, but no month ends
    table = read_series({"t": days, "y": [1.0, 2.0, 4.0]}, fill="interpolate")
    assert table.times.astype("M8[D]").astype(str).tolist() == [
        "2020-01-30",
        "2020-02-28",
        "2020-03-30",
        "2020-04-29",
    ]


def test_a_gap_too_wide_to_fill():
    times = [*pd.date_range("2000", periods=10, freq="min"), pd.Timestamp("2020")]
    with pytest.raises(DataError, match="too many to fill"):
        read_series({"t": times, "y": range(11)}, fill="zero")


def test_empty_cells():
    frame = monthly(z=1.0)
    frame.loc[[0, 3, 7], "y"] = np.nan
    with pytest.raises(DataError, match=r"column 'y': 3, the first in row 1; .*--fill"):
        read_series(frame, target="y", features="all")
    table = read_series(frame, target="y", fill="interpolate")
    assert table.values[:, 0].tolist() == [1, 1, 2, 3, 4, 5, 6, 6]
    with pytest.raises(DataError, match=r"begins with an empty cell \(row 1\)"):
        read_series(frame, target="y", fill="forward")
    with pytest.raises(DataError, match="no number at all"):
        read_series(monthly(z=np.nan), target="z", fill="zero")


@pytest.mark.parametrize("fill", [None, "interpolate", "forward", "zero"])
def test_filled_cells_are_known_as_such(fill):
    assert read_series(monthly(), fill=fill).observed is None
    if fill is None:
        return
    frame = monthly(z=1.0)
    frame.loc[6, "z"] = np.nan
    table = read_series(frame.drop([2, 3]), target="y", features="z", fill=fill)
    truth = frame.drop([2, 3]).set_index("month").reindex(frame["month"])[["y", "z"]].notna()
    assert table.observed.dtype == bool
    assert np.array_equal(table.observed, truth)
    assert np.array_equal(table.rows(2, 5).observed, truth[2:5])


def test_values_too_large_to_be_scaled():
    frame = monthly(z=1.0)
    frame.loc[[4, 6], "y"] = [-2e100, 1e300]
    with pytest.raises(
        DataError, match=r"column 'y': 2, the first in row 5 \(-2e\+100\)"
    ) as caught:
        read_series(frame, target="y")
    assert "row 6" not in str(caught.value)
    frame["y"] = 1e100
    assert len(read_series(frame, target="y")) == 8


def test_infinite_values_are_never_filled():
    frame = monthly()
    frame.loc[5, "y"] = np.inf
    with pytest.raises(DataError, match="infinite values in column 'y': 1, the first in row 6"):
        read_series(frame, fill="zero")


def test_all_problems_are_told_at_once():
    frame = monthly().drop([3]).iloc[::-1]
    frame.iloc[1, 1] = np.nan
    with pytest.raises(DataError) as caught:
        read_series(frame, name="air.csv")
    lines = str(caught.value).splitlines()
    assert lines[0] == "air.csv has 3 problems:"
    assert [line.split()[1] for line in lines[1:]] == ["times", "steps", "empty"]
    assert "row 2" in lines[3]  # as the rows came, not as they were sorted


def test_irregular_times():
    times = pd.to_datetime(["2020-01-01 00:00:00", "2020-01-01 01:00:07", "2020-01-01 02:31:00"])
    with pytest.raises(DataError, match=r"no one step; the commonest are 3607 s \(50 %\), 5453 s"):
        read_series({"t": times, "y": [1, 2, 3]})


def test_counted_steps():
    frame = pd.DataFrame({"step": [0, 10, 30, 40], "y": [0.0, 1, 3, 4]})
    with pytest.raises(DataError, match=r"without a row: 1, .* row 2 \(10\)"):
        read_series(frame, target="y", time="step")
    table = read_series(frame, target="y", time="step", fill="interpolate")
    assert table.values[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert (table.times, table.frequency) == (None, None)
    seconds = frame.assign(step=np.array([0, 1, 2, 3]) * 0.1)
    assert len(read_series(seconds, target="y", time="step")) == 4
    with pytest.raises(DataError, match=r"row 3 .* comes after"):
        read_series(frame.assign(step=[0, 2, 1, 3]), target="y", time="step")
    uneven = read_series(frame.assign(step=[0, 7, 107, 1000]), target="y", time="step")
    assert any("rows were counted instead" in note for note in uneven.notes)


def test_counted_steps_are_continued_and_checked_again():
    frame = pd.DataFrame({"step": [5, 15, 25, 45], "y": [0.0, 1, 2, 4]})
    table = read_series(frame, target="y", time="step", fill="zero")
    assert (table.counter, table.time_name, table.step_name) == ("step", None, "step")
    assert table.future_steps(3).tolist() == [55, 65, 75]
    assert table.rows(1, 3).future_steps(2).tolist() == [35, 45]
    assert table.rows(-2, 5).future_steps(1).tolist() == [55]
    assert table.rows(-2, 5).rows(1, 2).counter_start == 45
    with pytest.raises(DataError, match="without a row: 1"):
        read_series(frame, target="y", time=table.counter)
    uncounted = read_series([3, 1, 2])
    assert (uncounted.counter, uncounted.step_name) == (None, "step")
    assert uncounted.future_steps(2).tolist() == [4, 5]
    assert uncounted.rows(1, 3).future_steps(2).tolist() == [3, 4]


@pytest.mark.parametrize("steps", [[0.0, 0.1, 0.2, 0.3], [0, 7, 107, 1000]])
def test_numbers_that_are_no_count_still_put_rows_in_order(steps):
    table = read_series({"n": steps, "y": [1, 2, 3, 4]}, target="y", time="n")
    assert (table.counter, table.counter_start, table.step_name) == ("n", None, "step")
    assert table.future_steps(2).tolist() == [5, 6]


def test_unknown_options():
    with pytest.raises(UsageError, match="did you mean 'interpolate'"):
        read_series(monthly(), fill="interpolat")
    with pytest.raises(UsageError, match="known: first, last, mean"):
        read_series(monthly(), duplicates="sum")


def test_constant_targets_are_told():
    table = read_series(monthly(z=5.0), target=["z", "y"])
    with pytest.raises(DataError, match=r"column 'z' is constant \(always 5\)"):
        check_varies(table)
    check_varies(read_series(monthly(z=5.0), target="y", features="z"))


def test_rows_are_a_part_that_shares_memory():
    table = read_series(monthly())
    part = table.rows(2, 5)
    assert np.shares_memory(part.values, table.values)
    assert part.values[:, 0].tolist() == [2, 3, 4]
    assert np.array_equal(part.times, MONTHS[2:5].to_numpy())
    assert part.bounds.tolist() == [0, 3]
    assert np.array_equal(part.future_times(1), MONTHS[5:6].to_numpy())


def test_summary_is_plain_and_right():
    frame = monthly()
    summary = read_series(frame).summary()
    assert json.loads(json.dumps(summary)) == summary
    told = frame["y"].agg(["min", "mean", "max"]).to_dict() | {"std": frame["y"].std(ddof=0)}
    assert summary["columns"]["y"] == pytest.approx(told)
    assert (summary["rows"], summary["first"], summary["last"]) == (8, "1949-01-01", "1949-08-01")
    assert summary["sha256"] == hashlib.sha256(np.arange(8.0).tobytes()).hexdigest()


FREQUENCIES = ["MS", "ME", "QS-FEB", "YE", "W-WED", "B", "D", "h", "30min", "15s"]


@given(st.data(), st.sampled_from(FREQUENCIES), st.integers(12, 40))
def test_shuffled_rows_with_gaps_come_back_as_pandas_fills_them(data, frequency, count):
    every = pd.date_range("2003-05-01", periods=count, freq=frequency, unit="ns")
    inner = st.lists(st.integers(1, count - 2), max_size=count // 4, unique=True)
    whole = pd.Series(np.arange(count, dtype=float) ** 2, index=every)
    part = whole.drop(every[data.draw(inner)])
    shuffled = part.iloc[data.draw(st.permutations(range(len(part))))]
    table = read_series(shuffled.rename("y"), sort=True, fill="interpolate")
    assert table.frequency == frequency
    assert np.array_equal(table.times, every.to_numpy())
    truth = part.reindex(every).interpolate().to_numpy()
    np.testing.assert_allclose(table.values[:, 0], truth, rtol=1e-12)


@given(st.lists(st.integers(0, 6), min_size=2, max_size=30), st.sampled_from(["first", "last"]))
def test_merging_agrees_with_pandas(days, how):
    frame = pd.DataFrame({"t": pd.Timestamp("2020") + pd.to_timedelta(days, "D")})
    frame["y"] = np.arange(len(days), dtype=float)
    grouped = frame.groupby("t")["y"]
    for name, truth in ((how, getattr(grouped, how)()), ("mean", grouped.mean())):
        table = read_series(frame, sort=True, duplicates=name, fill="forward")
        found = pd.Series(table.values[:, 0], index=table.times)
        np.testing.assert_allclose(found[truth.index], truth, rtol=1e-12)
