"""The gallery's cases of networks come out as they should."""

import pytest
from gallery_runs import ENGINES, comes_out_right

from gatewise.cases.index import CASES


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CASES[20:27])
def test_case(name, engine, tmp_path):
    comes_out_right(name, engine, tmp_path)
