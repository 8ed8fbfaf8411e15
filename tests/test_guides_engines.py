"""The guides of engines, saved models, commands and tutorials; see tests/manual.py."""

import pytest
from manual import check_page


@pytest.mark.parametrize(
    "name", ["engines-and-weights", "saved-models-and-export", "command-line", "from-a-tutorial"]
)
def test_the_page_shows_what_it_gives(name, tmp_path):
    check_page(name, tmp_path)
