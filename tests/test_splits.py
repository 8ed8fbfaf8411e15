"""Splits in time: nothing lost, nothing twice, no future in the past."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import TimeSeriesSplit

from gatewise.data.splits import check_length, rolling_origins, temporal_split
from gatewise.errors import DataError, UsageError

sizes = st.one_of(st.integers(0, 60), st.floats(0, 0.45))


@given(st.integers(130, 300), sizes, sizes)
def test_the_parts_are_all_rows_in_order(rows, validation, test):
    split = temporal_split(rows, validation=validation, test=test)
    assert [*split.train, *split.validation, *split.test] == list(range(rows))
    assert len(split.train) > 0
    for part, size in ((split.validation, validation), (split.test, test)):
        wanted = size * rows if size < 1 else size
        assert abs(len(part) - wanted) <= 0.5


def test_shares_and_counts():
    assert temporal_split(144).test == range(115, 144)
    split = temporal_split(144, validation=12, test=24)
    assert (split.train, split.validation, split.test) == (
        range(108),
        range(108, 120),
        range(120, 144),
    )
    assert len(temporal_split(10, validation=0, test=0).train) == 10


def test_a_training_part_too_short_is_refused():
    with pytest.raises(DataError) as caught:
        temporal_split(40, validation=4, test=12, at_least=36)
    assert str(caught.value) == (
        "the data has 40 rows; 4 for validation and 12 for test leave 24 to train on, which "
        "needs at least 36 (lookback + horizon); lower these sizes, the lookback or the "
        "horizon, or bring more rows"
    )
    with pytest.raises(DataError, match="leave 0 to train on"):
        temporal_split(5, test=9)


@pytest.mark.parametrize("size", [-1, -0.1, 1.5])
def test_sizes_that_are_none(size):
    with pytest.raises(UsageError, match="test must be a number of rows or a share"):
        temporal_split(100, test=size)


def test_length_for_one_window():
    check_length(36, 24, 12)
    with pytest.raises(DataError) as caught:
        check_length(30, 24, 12)
    assert str(caught.value) == (
        "the data has 30 rows; lookback 24 + horizon 12 needs at least 36; lower lookback to 18 "
        "or less, or bring more rows"
    )
    with pytest.raises(DataError, match=r"air.csv has 5 rows.* lower both"):
        check_length(5, 24, 12, "air.csv")


@given(st.integers(1, 9), st.integers(2, 6), st.integers(60, 90))
def test_origins_agree_with_scikit_learn(horizon, folds, rows):
    split = TimeSeriesSplit(n_splits=folds, test_size=horizon)
    truth = [test[0] for _, test in split.split(np.zeros(rows))]
    assert rolling_origins(rows, horizon, folds).tolist() == truth


def test_a_stride_and_too_few_rows():
    assert rolling_origins(100, 12, 3, stride=1).tolist() == [86, 87, 88]
    assert rolling_origins(48, 12, 3, history=12).tolist() == [12, 24, 36]
    with pytest.raises(DataError, match=r"has 47 rows; 3 folds .* at least 48; ask for 2 folds"):
        rolling_origins(47, 12, 3, history=12)
    with pytest.raises(DataError, match="lower horizon or lookback"):
        rolling_origins(20, 12, 3, history=12)


@pytest.mark.parametrize("name", ["horizon", "folds", "stride"])
def test_numbers_below_one(name):
    numbers = {"horizon": 3, "folds": 3, "stride": 3, name: 0}
    with pytest.raises(UsageError, match=f"{name} must be at least 1, not 0"):
        rolling_origins(100, **numbers)
