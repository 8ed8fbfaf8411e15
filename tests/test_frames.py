"""Tables from files and from memory, against what pandas was told to write."""

import gzip
import io

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewise.data.frames import as_frame, read_table
from gatewise.errors import DataError, MissingExtraError

FRAME = pd.DataFrame({"month": ["1949-01", "1949-02", "1949-03"], "y": [1.5, -2.0, 3.25]})


def written(folder, content, name="t.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_files_are_read_back(tmp_path, separator, encoding):
    text = FRAME.to_csv(sep=separator, index=False)
    read = read_table(written(tmp_path, text.encode(encoding)))
    pd.testing.assert_frame_equal(read, FRAME)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_comma(tmp_path, separator):
    text = FRAME.to_csv(sep=separator, decimal=",", index=False)
    pd.testing.assert_frame_equal(read_table(written(tmp_path, text)), FRAME)


def test_gzip_and_parquet_are_known_by_their_content(tmp_path):
    packed = written(tmp_path, gzip.compress(FRAME.to_csv(index=False).encode()), "no-suffix")
    pd.testing.assert_frame_equal(read_table(packed), FRAME)
    FRAME.set_index("month").to_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.parquet"), FRAME)


def test_quotes_spaces_and_line_ends(tmp_path):
    text = '"city, land"; "y"\r\n"a;b";1\r\n"line\nbreak";2\r\n\r\n'
    read = read_table(written(tmp_path, text))
    assert list(read.columns) == ["city, land", "y"]
    assert read["city, land"].tolist() == ["a;b", "line\nbreak"]
    assert read["y"].tolist() == [1, 2]


def test_numbering_and_empty_columns_of_other_programs_are_dropped(tmp_path):
    assert list(read_table(written(tmp_path, FRAME.to_csv())).columns) == ["month", "y"]
    assert list(read_table(written(tmp_path, "a,b,\n1,2,\n3,4,\n")).columns) == ["a", "b"]
    dated = pd.DataFrame({"y": [1, 2]}, index=pd.to_datetime(["2020-01-01", "2020-01-02"]))
    assert list(read_table(written(tmp_path, dated.to_csv())).columns) == ["index", "y"]
    counted = read_table(written(tmp_path, ",y\n5,1\n6,2\n"))
    assert counted["index"].tolist() == [5, 6]


def test_a_file_without_header_gets_the_names_of_an_array(tmp_path):
    read = read_table(written(tmp_path, "1.5,2\n3,4\n"))
    assert list(read.columns) == ["value_0", "value_1"]
    assert read.to_numpy().tolist() == [[1.5, 2], [3, 4]]
    assert list(read_table(written(tmp_path, "7\n8\n")).columns) == ["value"]
    assert list(read_table(written(tmp_path, "0,1\n8,9\n")).columns) == ["0", "1"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"  \n\n", "is empty"),
        (b"a,b\n", "no rows below it"),
        (b"a,b\n1,2\n3\n", "line 3: 1 fields, but the header has 2"),
        (b"a,b\n1,2\n3,4,5\n", "line 3: 3 fields, but the header has 2"),
        (b"a,b\n1,2,3\n3,4,5\n", "line 2: 3 fields, but the header has 2"),
        (b'a,b\n"1\n1",2\n\n3\n', "line 5: 1 fields"),
        (b'a,b\n1,2\n3,"4\n', "cannot be read|line 3"),
        (b"a,b,a\n1,2,3\n", r"'a' \(2 times\)"),
        (b"a,,b\n1,2,3\n", "column 2 of .* has no name"),
        ("a,b\n1,é\n".encode("latin-1"), "line 2, byte 3 is 0xE9"),
        (b"PK\x03\x04rest", "spreadsheet"),
        (b"\x1f\x8bnot gzip", "cannot be read"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-6], "cannot be read"),
        (b"PAR1 not parquet", "damaged Parquet"),
        (b"a,b\n\x00\x01,2\n", "binary"),
    ],
)
def test_bad_files_are_refused_in_words(tmp_path, content, told):
    path = written(tmp_path, content, "bad.csv")
    with pytest.raises(DataError, match=told) as caught:
        read_table(path)
    assert "bad.csv" in str(caught.value)


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    def missing(file):
        raise ImportError

    monkeypatch.setattr(pd, "read_parquet", missing)
    with pytest.raises(MissingExtraError, match=r"pip install 'gatewise\[parquet\]'"):
        read_table(written(tmp_path, b"PAR1"))


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(DataError, match="there is no file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)


def test_an_empty_last_cell_is_not_a_short_line(tmp_path):
    read = read_table(written(tmp_path, "a,b\n1,\n2,3\n"))
    assert np.isnan(read["b"].iloc[0])


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=8))
def test_any_text_survives_its_quotes(tmp_path_factory, rows):
    frame = pd.DataFrame(rows, columns=["left", "right"]).map(lambda cell: f"x{cell.strip()}x")
    path = tmp_path_factory.mktemp("cells") / "t.csv"
    path.write_text(frame.to_csv(index=False, quoting=1), encoding="utf-8", newline="")
    assert read_table(path).to_numpy().tolist() == frame.to_numpy().tolist()


def test_every_kind_of_table_in_memory():
    columns = {"month": FRAME["month"].tolist(), "y": FRAME["y"].tolist()}
    for table in (
        FRAME,
        FRAME.set_index("month"),
        columns,
        pl.DataFrame(columns),
        pl.DataFrame(columns).lazy(),
        pa.table(columns),
    ):
        frame = as_frame(table)
        assert isinstance(frame, pd.DataFrame)
        assert frame["month"].tolist() == columns["month"]
        assert frame["y"].tolist() == columns["y"]
    assert as_frame(FRAME) is FRAME


def test_arrays_lists_and_series():
    assert as_frame([1, 2]).to_dict("list") == {"value": [1, 2]}
    assert as_frame(np.ones((2, 1))).to_dict("list") == {"value": [1, 1]}
    assert as_frame([[1, 2], [3, 4]]).to_dict("list") == {"value_0": [1, 3], "value_1": [2, 4]}
    assert as_frame(pd.Series([1, 2])).to_dict("list") == {"value": [1, 2]}
    assert as_frame(pl.Series("y", [1, 2])).to_dict("list") == {"y": [1, 2]}
    assert as_frame([]).to_dict("list") == {"value": []}
    index = pd.date_range("2020", periods=2, freq="D")
    twice = as_frame(pd.DataFrame({"index": [1, 2]}, index=index))
    assert twice["index_"].tolist() == list(index)
    assert as_frame(pd.Series([1, 2], index, name="y"))["index"].tolist() == list(index)


def test_zones_and_missing_values_of_polars_survive():
    times = pd.date_range("2020-03-29", periods=3, freq="h", tz="Europe/Berlin")
    frame = as_frame(pl.DataFrame({"t": times.to_list(), "n": [1, None, 3]}))
    assert str(frame["t"].dt.tz) == "Europe/Berlin"
    assert list(frame["t"]) == list(times)
    assert frame["n"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), r"'a' \(2 times\)"),
        (pd.DataFrame([[1, 2]], columns=["1", 1]), r"'1' \(2 times\)"),
        ({"a": [1], "b": [1, 2]}, "'a' has 1, 'b' has 2"),
        (np.ones((2, 2, 2)), r"shape \(2, 2, 2\)"),
        ([[1], [2, 3]], "rows of equal length"),
        (7, "not int"),
        (io.StringIO("a,b"), "not StringIO"),
    ],
)
def test_other_things_are_refused(data, told):
    with pytest.raises(DataError, match=told):
        as_frame(data)


GERMAN = "tag;stueck\n2021-01-01;975\n2021-01-02;1.001\n2021-01-03;1.077\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (GERMAN, r"'stueck' .* dots for thousands: '1.001' stands beside '975'; .* \(1001\)"),
        (GERMAN.replace(";", ","), "dots for thousands"),
        (GERMAN.replace("975", "-975").replace("1.0", "-1.0"), r"'-1.001' .* \(-1001\)"),
        ("a;b\n1.001;2,5\n1.077;3,5\n", "'a' .* '1.001' stands beside '2,5' in column 'b'"),
        ("a;b\n1.001;1.502,5\n1.077;3,5\n", "'a' .* dots for thousands"),
    ],
)
def test_dots_for_thousands_are_refused(tmp_path, content, told):
    with pytest.raises(DataError, match=told):
        read_table(written(tmp_path, content))


@pytest.mark.parametrize(
    "cells",
    [
        ["1.234", "2.345", "1.001"],
        ["1.234", "2", "1.001"],  # whole, but of the magnitude of the others as they stand
        ["1.234", "975", "1.5"],
        ["0.234", "975", "1.001"],
    ],
)
@pytest.mark.parametrize("separator", [",", ";"])
def test_decimals_with_three_digits_are_decimals(tmp_path, cells, separator):
    text = "\n".join([f"n{separator}y", *(f"a{separator}{cell}" for cell in cells)])
    assert read_table(written(tmp_path, text))["y"].tolist() == [float(cell) for cell in cells]


@pytest.mark.parametrize(
    "content",
    [
        "2021-01-01,50.13\n2021-01-02,51.2\n",
        "01.02.2021;50,13\n02.02.2021;51,2\n",
        "1949-01,112\n1949-02,118\n",
        "2021-01-01 12:00,a,5\n2021-01-01 13:00,a,6\n",
    ],
)
def test_a_first_line_of_data_with_times_is_no_header(tmp_path, content):
    with pytest.raises(DataError, match=r"first line looks like data .* is the header missing"):
        read_table(written(tmp_path, content))


def test_dates_and_years_are_names_of_wide_columns(tmp_path):
    text = "city,2021-01-01,2021-01-02\na,1,2\n"
    assert list(read_table(written(tmp_path, text)).columns)[1:] == ["2021-01-01", "2021-01-02"]


def test_a_table_in_another_encoding_is_told_how_to_become_utf8(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_bytes("日期,销量\n2024-01-01,5\n".encode("gbk"))
    with pytest.raises(DataError, match="iconv -f gb18030 -t UTF-8"):
        read_table(path)
