"""The README and the guides: read, run, and compared with what they show.

Pages are run by several test files, so that they run side by side: each test calls `check_page`.
"""

from __future__ import annotations

import importlib.util
import re
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "docs"))  # its modules are called page_..., as no other is
SPEC = importlib.util.spec_from_file_location("docs_make", ROOT / "docs/make.py")
docs = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(docs)
import page_blocks  # noqa: E402
import page_numbers  # noqa: E402, F401

NAMES = (docs.HOME, *docs.GUIDES)
RUN = ("console", "text")  # blocks that show an output

# what is trained may differ from one processor to another; what is solved should not
TRAINED = {"network", "defaults", "LSTM alone"}
NETWORK_TOLERANCE, BASELINE_TOLERANCE = 0.15, 0.005  # relative
NEAR = {True: 0.05, False: 0.005}  # absolute: shares of few examples, and what is nearly nothing


def read(name, language="en"):
    """A page as it stands."""
    return docs.places(name)[language].read_text(encoding="utf-8")


def outputs(page):
    return [(kind, text) for kind, text in page_blocks.blocks(page) if kind in RUN]


def without_samples(text):
    """Without what a network wrote by chance: another processor may write something else."""
    text = re.sub(r"(?<=^Sample\n).*?(?=^Test:)", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^(temperature [\d.]+).*$", r"\1", text, flags=re.MULTILINE)


def shape(text):
    """Its lines without their numbers and columns, in any order: near ranks may swap."""
    plain = re.sub(r"\bp [=<] [\d.]+", "p", without_samples(text))
    plain = re.sub(r"\d[\d.,]*(e-\d+)?", "#", plain)
    return sorted(" ".join(line.split()) for line in plain.splitlines())


def scores(text):
    """name -> the numbers behind it, line by line."""
    found = defaultdict(list)
    for line in text.splitlines():
        if row := re.fullmatch(r"(\w[\w +-]*?)  +([\d., e-]+)", line):
            found[row[1]] += [float(number.replace(",", "")) for number in row[2].split()]
    return dict(found)


def check_scores(shown, given):
    """The numbers of two pages agree, as far as processors do."""
    for (_, old), (_, new) in zip(outputs(shown), outputs(given), strict=True):
        told = scores(new)
        for name, numbers in scores(old).items():
            tolerance = NETWORK_TOLERANCE if name in TRAINED else BASELINE_TOLERANCE
            expected = pytest.approx(numbers, rel=tolerance, abs=NEAR[name in TRAINED])
            assert told[name] == expected, f"{name}: try `make docs`"


def check_pictures(name, folder, names):
    """The pictures of the page are those of its run."""
    for path, given in docs.drawn(name, folder, names).items():
        kept = path.read_text(encoding="utf-8")
        old, new = ET.fromstring(kept), ET.fromstring(given)
        assert shape(old.get("aria-label")) == shape(new.get("aria-label"))
        assert [node.tag for node in old.iter()] == [node.tag for node in new.iter()]


def check_page(name, folder):
    """Run a page in this empty folder; what it shows is what it gives. Returns the page anew."""
    page = read(name)
    renewed, names = page_blocks.rerun(page, folder)
    shown, given = outputs(page), outputs(renewed)
    assert len(shown) == len(given)
    for (kind, old), (_, new) in zip(shown, given, strict=True):
        assert shape(new) == shape(old), f"{kind} block changed; `make docs` renews it"
    check_scores(page, renewed)
    check_pictures(name, folder, names)
    return renewed
