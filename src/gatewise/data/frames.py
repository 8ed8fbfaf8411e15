"""Tables from files and from memory, as pandas frames with distinct text names for columns.

A file is known by its first bytes, not by its name. Lines in messages count from 1, as editors
count them; the rows of a frame count from 1 behind the header.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from gatewise.data.files import likely_encoding, read_bytes, to_text
from gatewise.data.records import refuse_ragged, sniff
from gatewise.errors import DataError, MissingExtraError

INDEX = "index"  # name of a column that has none: the first of a file, or an index of times
DATE = r"(\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})([ T]\d.*)?"
DOTTED = r"[+-]?[1-9]\d{0,2}\.\d{3}"  # a decimal number, or thousands with a dot
DECIMAL_COMMA = r"[+-]?\d+(\.\d{3})*,\d+"
RESAVE = "save it as UTF-8 (in a spreadsheet: 'CSV UTF-8'), or use iconv -f {} -t UTF-8"


def read_table(path: str | Path) -> pd.DataFrame:
    """A CSV or TSV file (`,` `;` or tab; `.gz` or not; UTF-8) or a Parquet file.

    With `;` or tab, numbers may have a decimal comma. A file without a header (its first line
    holds numbers alone) gets the column names of an array: 'value', or 'value_0', 'value_1', ...

    Raises DataError when there is no such file, or it is not a table of that kind, saying where
    it is not; MissingExtraError for a Parquet file without pyarrow.
    """
    raw = read_bytes(path, "a CSV or Parquet file")
    if raw[:4] == b"PAR1":
        return _read_parquet(raw, path)
    if raw[:4] == b"PK\x03\x04":
        raise DataError(
            f"{path} is a spreadsheet or a zip archive, not a CSV or Parquet file; save its "
            f"sheet as 'CSV UTF-8', or unpack it, and pass that file"
        )
    advice = RESAVE.format(likely_encoding(raw))
    return _read_csv(to_text(raw, path, advice=advice).encode(), path)


def as_frame(data: Any) -> pd.DataFrame:
    """Any table as a pandas frame; a frame that is one already is not copied.

    data  a dataframe or series of pandas, polars, pyarrow or any library that narwhals knows; a
          dict of columns; a 1-D or 2-D NumPy array or list (columns 'value', or 'value_0', ...);
          the path of a file

    An index that means something (times, or one with a name) becomes a column.
    Raises DataError for anything else, for columns of unequal length, for a name that comes twice.
    """
    if isinstance(data, (str, Path)):
        return read_table(data)
    if isinstance(data, pd.Series):
        data = data.to_frame("value" if data.name is None else data.name)
    if isinstance(data, pd.DataFrame):
        return _named(_with_index(data))
    if isinstance(data, Mapping):
        return _from_columns(data)
    if isinstance(data, (np.ndarray, list, tuple)):
        return _from_array(data)
    try:
        foreign = nw.from_native(data, allow_series=True)
    except TypeError:
        raise DataError(
            f"expected a dataframe, a dict of columns, a NumPy array, a list or the path of a "
            f"file, not {type(data).__name__}"
        ) from None
    if isinstance(foreign, nw.LazyFrame):
        foreign = foreign.collect()
    if isinstance(foreign, nw.Series):
        foreign = foreign.rename(foreign.name or "value").to_frame()
    return _named(pd.DataFrame({name: _foreign_column(foreign[name]) for name in foreign.columns}))


def _foreign_column(column: nw.Series[Any]) -> Any:
    """As NumPy, so that no other package (pyarrow) is needed; a zone is kept."""
    values = column.to_numpy()
    if isinstance(column.dtype, nw.Datetime) and column.dtype.time_zone is not None:
        return pd.DatetimeIndex(values, tz="UTC").tz_convert(column.dtype.time_zone)
    return values


def _with_index(frame: pd.DataFrame) -> pd.DataFrame:
    index = frame.index
    named = any(name is not None for name in index.names)
    if not named and not isinstance(index, (pd.DatetimeIndex, pd.PeriodIndex)):
        return frame
    if any(name in frame.columns for name in index.names):
        return frame
    own = INDEX
    while own in frame.columns:
        own += "_"
    return frame.reset_index(names=[own if name is None else name for name in index.names])


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    names = [str(name) for name in frame.columns]
    _refuse_twins(names, "the data")
    if all(isinstance(name, str) for name in frame.columns):
        return frame
    return frame.set_axis(names, axis=1)


def _refuse_twins(names: list[str], where: Any) -> None:
    twins = {name: names.count(name) for name in names if names.count(name) > 1}
    if twins:
        listed = ", ".join(f"'{name}' ({count} times)" for name, count in twins.items())
        raise DataError(
            f"column names must differ, but {where} has {listed}; rename or drop all but one"
        )


def _from_columns(columns: Mapping[Any, Any]) -> pd.DataFrame:
    arrays = {name: pd.Series(values).reset_index(drop=True) for name, values in columns.items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"'{name}' has {length}" for name, length in lengths.items())
        raise DataError(f"columns must be equally long: {listed}")
    return _named(pd.DataFrame(arrays))


def _from_array(values: Any) -> pd.DataFrame:
    try:
        array = np.asarray(values)
    except ValueError:
        raise DataError("a list of rows must have rows of equal length") from None
    if array.ndim not in (1, 2):
        raise DataError(
            f"an array must have one axis (steps) or two (steps, columns), not {array.ndim} "
            f"(shape {array.shape})"
        )
    table = array if array.ndim == 2 else array[:, None]  # -> (N, C)
    return pd.DataFrame(table, columns=_value_names(table.shape[1]))


def _value_names(count: int) -> list[str]:
    return ["value"] if count == 1 else [f"value_{i}" for i in range(count)]


def _read_parquet(raw: bytes, path: str | Path) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(io.BytesIO(raw))
    except ImportError:
        raise MissingExtraError("pyarrow", extra="parquet") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is a damaged Parquet file: {error}") from None
    return as_frame(frame)


def _read_csv(raw: bytes, path: str | Path) -> pd.DataFrame:
    separator, head = sniff(raw, path)
    decimal = _decimal(head, separator)
    names = [name.strip() for name in head[0]]
    headless = _holds_data(names, decimal)
    if not headless and _holds_dated_data(names, decimal):
        raise DataError(
            f"{path}: the first line looks like data ({', '.join(names)}): is the header missing? "
            f"Write a first line with the names of the columns"
        )
    if any(len(record) > len(names) for record in head):  # pandas would take an index out of it
        refuse_ragged(raw, separator, path)
    try:
        frame = pd.read_csv(
            io.BytesIO(raw),
            sep=separator,
            decimal=decimal,
            header=None if headless else 0,
            skipinitialspace=True,
            low_memory=False,
        )
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        refuse_ragged(raw, separator, path)
        raise DataError(f"{path} cannot be read as a table: {error}") from None
    if frame.empty:
        raise DataError(f"{path} has a header ({', '.join(names)}) but no rows below it")
    if frame.iloc[:, -1].hasnans and len(names) > 1:  # a row that is too short looks like this
        refuse_ragged(raw, separator, path)
    _refuse_dotted_thousands(frame, raw, separator, headless, names, path)
    if headless:
        return frame.set_axis(_value_names(len(names)), axis=1)
    return _without_numbering(frame.set_axis(names, axis=1), path)


def _without_numbering(frame: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    """Unnamed columns: empty ones go, and so does a numbering 0, 1, 2, ... in front, which
    spreadsheets and pandas write; a first one that says more is called 'index'."""
    kept = [name != "" or not frame.iloc[:, i].isna().all() for i, name in enumerate(frame.columns)]
    if not all(kept):
        frame = frame.loc[:, kept]
    names = [str(name) for name in frame.columns]
    if names and names[0] == "":
        first = frame.iloc[:, 0]
        if len(names) > 1 and first.dtype.kind == "i":
            numbers = first.to_numpy()
            if np.array_equal(numbers, np.arange(len(numbers)) + numbers[0]) and numbers[0] < 2:
                frame, names = frame.iloc[:, 1:], names[1:]
        if names[0] == "":
            names[0] = INDEX
    if "" in names:
        raise DataError(f"column {names.index('') + 1} of {path} has no name; name it in line 1")
    _refuse_twins(names, path)
    return frame.set_axis(names, axis=1)


def _decimal(records: list[list[str]], separator: str) -> str:
    if separator == ",":
        return "."
    fields = [field.strip() for record in records for field in record]
    comma = any(re.fullmatch(r"[+-]?\d+,\d+", field) for field in fields)
    point = any(re.fullmatch(r"[+-]?\d+\.\d+", field) for field in fields)
    return "," if comma and not point else "."


def _holds_data(names: list[str], decimal: str) -> bool:
    """Whether the first line is numbers alone, and not the numbering 0, 1, 2, ... of columns."""
    if names == [str(i) for i in range(len(names))]:
        return False
    try:
        return bool([float(name.replace(decimal, ".")) for name in names])
    except ValueError:
        return False


def _holds_dated_data(names: list[str], decimal: str) -> bool:
    """Whether the first line has a date and a number."""
    dated = any(re.fullmatch(DATE, name) for name in names)
    return dated and any(
        _holds_data([name], decimal) for name in names if not re.fullmatch(DATE, name)
    )


def _refuse_dotted_thousands(
    frame: pd.DataFrame,
    raw: bytes,
    separator: str,
    headless: bool,
    names: list[str],
    path: str | Path,
) -> None:
    """Raises DataError for a column whose 1.001 was read as 1 where 1001 seems to be meant.

    Every dotted cell has three digits behind its only dot; and a cell without a dot is nearer to
    a thousandfold of them, or another column has a decimal comma.
    """
    for i in range(frame.shape[1]):
        numbers = frame.iloc[:, i]
        if numbers.dtype.kind != "f" or not _thousandths(numbers.to_numpy()):
            continue
        cells: Any = pd.read_csv(
            io.BytesIO(raw),
            sep=separator,
            header=None if headless else 0,
            skipinitialspace=True,
            usecols=[i],
            dtype=str,
        ).iloc[:, 0]
        cells = cells.dropna().str.strip()
        dotted = cells[cells.str.contains(".", regex=False)]
        if dotted.empty or not dotted.str.fullmatch(DOTTED).all():
            continue
        first = dotted.iloc[0]
        name = f"'{names[i]}'" if names[i] and not headless else str(i + 1)
        said = f"column {name} of {path} looks like it uses dots for thousands: '{first}' stands"
        cure = f"remove the dots ({first.replace('.', '')})"
        plain = numbers[cells.index.difference(dotted.index)].abs()
        plain = plain[np.isfinite(plain)]
        # as log distances: nearer to 1000 times the dotted ones than to what was read
        if len(plain) and plain.max() ** 2 > 1000 * numbers[dotted.index].abs().median() ** 2:
            near = cells[plain.idxmax()]
            raise DataError(
                f"{said} beside '{near}'; {cure}, or, if these are decimals, give every cell "
                f"digits behind the point ({near}.000)"
            )
        comma = None if separator == "," else _decimal_comma(frame)
        if comma is not None:
            column, cell = comma
            raise DataError(
                f"{said} beside '{cell}' in column '{names[column]}'; {cure}, or, if these are "
                f"decimals, write one decimal mark in the whole file"
            )


def _thousandths(values: Any) -> bool:
    """Whether numbers can have been written with three digits behind a dot: quick to know."""
    found = values[np.isfinite(values)]
    near = np.rint(found * 1000)
    return len(found) > 0 and bool(np.allclose(found * 1000, near, rtol=1e-12, atol=1e-6))


def _decimal_comma(frame: pd.DataFrame) -> tuple[int, str] | None:
    """The first cell of text that is a number with a decimal comma, and its column."""
    for i in range(frame.shape[1]):
        texts = frame.iloc[:, i]
        if pd.api.types.is_numeric_dtype(texts.dtype):
            continue
        found = texts[texts.astype(str).str.strip().str.fullmatch(DECIMAL_COMMA)]
        if len(found):
            return i, str(found.iloc[0])
    return None
