"""The gallery's cases of networks come out as they should."""

import pytest
from gallery_runs import comes_out_right, runs

from gatewise.cases.index import CASES


@pytest.mark.parametrize(("name", "engine"), runs(CASES[20:27]))
def test_case(name, engine, tmp_path):
    comes_out_right(name, engine, tmp_path)
