"""The guides of training and choosing do what they show; see tests/manual.py."""

import pytest
from manual import check_page


@pytest.mark.parametrize("name", ["training-and-tuning", "choosing"])
def test_the_page_shows_what_it_gives(name, tmp_path):
    check_page(name, tmp_path)
