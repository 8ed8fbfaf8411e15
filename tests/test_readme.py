"""The README does what it says: every block is run. See tests/manual.py.

`make docs` writes new outputs into the pages after a change that is meant.
"""

from __future__ import annotations

import re
import tomllib

import pytest
from manual import ROOT, check_page, check_scores, outputs, page_blocks, read, scores, shape

ENGLISH = read("README")


def test_every_shown_output_is_that_of_its_command(tmp_path):
    assert len(outputs(ENGLISH)) >= 5
    found = {name for _, text in outputs(ENGLISH) for name in scores(text)}
    assert {"network", "linear of logs", "TF-IDF + logistic regression", "5-gram"} <= found
    assert {"most frequent tag of the token", "nearest training source"} <= found
    check_page("README", tmp_path)


def test_what_installs_exists():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    shell = [text for kind, text in page_blocks.blocks(ENGLISH) if kind == "sh"]
    lines = [line for text in shell for line in text.split("\n") if line]
    assert any(line.startswith("pip") for line in lines)
    for line in lines:
        if found := re.fullmatch(r"pip install '(\w+)\[(\w+)\]'", line):
            assert found[1] == project["name"]
            assert found[2] in project["optional-dependencies"]
        else:
            target = re.fullmatch(r"make (\w+)", line)
            assert target is not None, line
            assert re.search(rf"^{target[1]}:", makefile, re.MULTILINE)
    assert f"Python {project['requires-python'].removeprefix('>=')} or later" in ENGLISH


def test_newcomers_read_it_in_ten_minutes():
    lines = [line for line in ENGLISH.splitlines() if not line.startswith("|")]  # tables grow
    assert len(lines) <= 300


def test_a_stale_output_is_noticed():
    stale = re.sub(r"^(network +)\d\S*", r"\g<1>99.99", ENGLISH, flags=re.MULTILINE)
    check_scores(ENGLISH, ENGLISH)
    with pytest.raises(AssertionError):
        check_scores(stale, ENGLISH)
    assert shape("linear 1.5  2\nnaive 3") == shape("naive 4\nlinear   1 2")
    assert shape("linear 1.5") != shape("ridge 1.5")
    assert shape("level (p = 0.04)") == shape("level (p < 0.001)") != shape("beats (p = 0.04)")
    assert shape("Sample\nOh\n\nTest: 2") == shape("Sample\nAh\n\nTest: 2")
