"""Origins of backtests, with scikit-learn as the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import TimeSeriesSplit

from gatewise.data.splits import rolling_origins
from gatewise.errors import DataError, UsageError


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
