"""The guides of forecasting and classifying do what they show; see tests/manual.py."""

import pytest
from manual import check_page


@pytest.mark.parametrize("name", ["forecast", "classify"])
def test_the_page_shows_what_it_gives(name, tmp_path):
    check_page(name, tmp_path)
