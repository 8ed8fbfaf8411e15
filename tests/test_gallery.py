"""The gallery's pages say what the runs on record told, and show the code as it is."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SPEC = importlib.util.spec_from_file_location("docs_gallery", ROOT / "docs/gallery.py")
gallery = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(gallery)

RUNS = list(gallery.kept().values())
PAGES = gallery.pages()


def test_pages_are_those_of_the_runs_on_record_and_of_todays_code():
    stale = [
        name
        for name, text in PAGES.items()
        if (gallery.FOLDER / name).read_text(encoding="utf-8") != text
    ]
    assert not stale, "python docs/gallery.py writes them anew"


def test_nothing_else_lies_there():
    found = {path.name for path in gallery.FOLDER.iterdir()}
    assert found == {*PAGES, gallery.RESULTS, "images"}


@pytest.mark.parametrize("name", PAGES)
def test_links_and_pictures_are_there(name):
    for target in re.findall(r"\]\(([^)]+)\)", PAGES[name].split("## The code")[0]):
        assert (gallery.FOLDER / target).exists(), f"{target} of {name}"


def told(engine, seed, score, met=True):
    check = {"words": "small", "met": met, "figure": f"{score}"}
    scores = {"network": {"MSE": score}, "linear": {"MSE": 2.0}, "noise (floor)": {"MSE": 1.0}}
    run = {"case": "sine-next", "engine": engine, "seed": seed, "quick": True}
    words = {"checks": [check], "said": ["a * b"], "split": "all", "title": "t"}
    return {**run, **words, "scores": scores, "seconds": 1.0, "cpu_seconds": 1.0}


def test_a_page_gives_means_spreads_and_what_was_missed(tmp_path):
    lines = [told("torch", 0, 1.0), told("torch", 1, 3.0, met=False), told("tensorflow", 0, 5.0)]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / gallery.RESULTS).write_text(text, encoding="utf-8")
    pages = gallery.pages(tmp_path)
    row = pages["README.md"].splitlines()[-1]
    assert "| 2 ± 1 | 5 | linear 2 | 1 | **2 of 3** |" in row
    page = pages["sine-next.md"]
    assert "| network, torch | 2 ± 1 |" in page
    assert "| linear | 2 |" in page
    assert "- small: **NOT met** in 2 of 3 runs: torch 1.0, 3.0; tensorflow 5.0" in page
    assert r"> a \* b" in page


def test_which_way_a_metric_is_better():
    assert gallery._higher_is_better("accuracy")
    assert gallery._higher_is_better("BLEU")
    assert not gallery._higher_is_better("nats per character")
    assert not gallery._higher_is_better("sMAPE")
    assert not gallery._higher_is_better("words wrong")
