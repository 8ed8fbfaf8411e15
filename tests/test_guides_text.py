"""The guides of tagging, writing and translating do what they show; see tests/manual.py."""

import pytest
from manual import check_page


@pytest.mark.parametrize("name", ["tag", "generate", "translate"])
def test_the_page_shows_what_it_gives(name, tmp_path):
    check_page(name, tmp_path)
