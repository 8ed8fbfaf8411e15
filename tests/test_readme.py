"""The READMEs do what they say: their blocks are run, their outputs, flags and links hold.

`make docs` writes new outputs into both after a change that is meant.
"""

from __future__ import annotations

import importlib.util
import re
import tomllib
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

import pytest

from gatewise.cli import VERBS
from gatewise.cli.classify_options import ClassifyOptions
from gatewise.cli.forecast_options import ForecastOptions
from gatewise.cli.generate_options import GenerateOptions
from gatewise.cli.options import flat_keys
from gatewise.cli.saved_options import EVALUATE, PREDICT
from gatewise.cli.tag_options import TagOptions
from gatewise.cli.translate_options import TranslateOptions
from gatewise.cli.tune_options import TuneOptions

ROOT = Path(__file__).resolve().parents[1]
SPEC = importlib.util.spec_from_file_location("docs_make", ROOT / "docs/make.py")
docs = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(docs)

PAGES = {path.name: path.read_text(encoding="utf-8") for path in (docs.README, docs.CHINESE)}
ENGLISH = PAGES["README.md"]
RUN = ("console", "text")  # blocks that show an output
OPTIONS = [ClassifyOptions, ForecastOptions, GenerateOptions, TagOptions, TranslateOptions]
OTHER_FLAGS = {"config", "json", "quiet", "help", "version", "to", "track", "track_to", "sort"} | {
    "resume",
    "checkpoint_minutes",
}
OTHER_FLAGS |= {"nproc_per_node"}  # of torchrun

# what is trained may differ from one processor to another; what is solved should not
TRAINED = {"network", "defaults", "LSTM alone"}
NETWORK_TOLERANCE, BASELINE_TOLERANCE = 0.15, 0.005  # relative
NEAR = {True: 0.05, False: 0.005}  # absolute: shares of few examples, and what is nearly nothing


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("readme")


@pytest.fixture(scope="module")
def renewed(folder):
    """README.md with the outputs that it gives here and now."""
    return docs.rerun(ENGLISH, folder)


def outputs(page):
    return [(kind, text) for kind, text in docs.blocks(page) if kind in RUN]


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


def test_every_shown_output_is_that_of_its_command(renewed):
    shown, given = outputs(ENGLISH), outputs(renewed)
    assert len(shown) == len(given) >= 6
    for (kind, old), (_, new) in zip(shown, given, strict=True):
        assert shape(new) == shape(old), f"{kind} block changed; `make docs` renews it"


def check_scores(shown, given):
    """The numbers of two pages agree, as far as processors do."""
    for (_, old), (_, new) in zip(outputs(shown), outputs(given), strict=True):
        told = scores(new)
        for name, numbers in scores(old).items():
            tolerance = NETWORK_TOLERANCE if name in TRAINED else BASELINE_TOLERANCE
            expected = pytest.approx(numbers, rel=tolerance, abs=NEAR[name in TRAINED])
            assert told[name] == expected, f"{name}: try `make docs`"


def test_shown_scores_are_those_of_a_run(renewed):
    found = {name for _, text in outputs(ENGLISH) for name in scores(text)}
    assert {"network", "linear of logs", "TF-IDF + logistic regression", "5-gram"} <= found
    assert {"most frequent tag of the token", "nearest training source"} <= found
    check_scores(ENGLISH, renewed)


def test_errors_are_errors_and_the_rest_is_none(renewed):
    failing = [text for _, text in outputs(renewed) if "error:" in text]
    assert len(failing) == 1
    assert failing[0].count("$ gatewise") == len(re.findall("^error:", failing[0], re.MULTILINE))


def test_both_languages_show_the_same_blocks():
    first, second = (docs.blocks(page) for page in PAGES.values())
    assert first == second, "`make docs` puts the English blocks into the Chinese page"


def outside(page, pattern):
    """What the pattern finds in the words of a page, its blocks apart."""
    return re.findall(pattern, docs.FENCE.sub("", page), re.MULTILINE)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^(#+) ",  # headings, by level
        r"\]\(((?!README)[^#)][^)]*)\)",  # links, apart from those between and within the two
        r"(?:src|srcset)=\"([^\"]+)\"",  # pictures
        r"^(\|)",  # rows of tables
        r"^(\*\*).+?\*\*",  # paragraphs that open with their point
        r"(\]\(#)",  # links within the page
    ],
)
def test_both_languages_stay_in_step(pattern):
    first, second = (outside(page, pattern) for page in PAGES.values())
    assert first == second != []


def test_both_languages_name_the_same_code():
    first, second = (sorted(outside(page, r"`([^`\n]+)`")) for page in PAGES.values())
    assert first == second


def anchor(heading):
    """What a link to the heading says: `#own-words`."""
    kept = re.sub(r"[^\w\s-]", "", heading.strip().lower())
    return re.sub(r"\s", "-", kept)


@pytest.mark.parametrize("page", [*PAGES, "docs/architecture.md"])
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    links = outside(text, r"\]\(([^)]+)\)") + outside(text, r"src(?:set)?=\"([^\"]+)\"")
    anchors = {anchor(heading) for heading in outside(text, r"^#+ (.*)$")}
    assert links
    for link in links:
        path, _, place = link.partition("#")
        assert ((ROOT / page).parent / path).exists(), link
        assert path or place in anchors, link


@pytest.mark.parametrize("name", PAGES)
def test_flags_and_verbs_that_are_named_exist(name):
    page = PAGES[name]
    flags = set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", re.sub(r"<.*?>", "", page)))
    known = set().union(*map(flat_keys, OPTIONS), OTHER_FLAGS)
    known |= set(TuneOptions.model_fields)
    for settings in (*PREDICT.values(), *EVALUATE.values()):
        known |= set(settings.model_fields)
    assert len(flags) > 40
    assert {flag.replace("-", "_") for flag in flags} <= known
    verbs = set(re.findall(r"gatewise ([a-z]+)(?: [a-z]+)? [a-z-]+[./]", page))
    assert verbs == set(VERBS)


def test_what_installs_exists():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lines = [
        line for kind, text in docs.blocks(ENGLISH) if kind == "sh" for line in text.split("\n")
    ]
    assert any(line.startswith("pip") for line in lines)
    for line in filter(None, lines):
        if found := re.fullmatch(r"pip install '(\w+)\[(\w+)\]'", line):
            assert found[1] == project["name"]
            assert found[2] in project["optional-dependencies"]
        else:
            target = re.fullmatch(r"make (\w+)", line)
            assert target is not None, line
            assert re.search(rf"^{target[1]}:", makefile, re.MULTILINE)
    assert f"Python {project['requires-python'].removeprefix('>=')} or later" in ENGLISH


def test_pictures_are_those_of_the_report(renewed, folder):
    for name, (place, draw) in docs.PICTURES.items():
        report = (folder / place / "report.html").read_text(encoding="utf-8")
        for light, colours in docs.palettes().items():
            drawn = (docs.IMAGES / f"{name}-{light}.svg").read_text(encoding="utf-8")
            old, new = ET.fromstring(drawn), ET.fromstring(draw(report, colours))
            assert shape(old.get("aria-label")) == shape(new.get("aria-label"))
            assert [node.tag for node in old.iter()] == [node.tag for node in new.iter()]
            assert "var(" not in drawn
            assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "")


def test_a_stale_output_is_noticed(renewed):
    stale = re.sub(r"^(network +)\d\S*", r"\g<1>99.99", ENGLISH, flags=re.MULTILINE)
    with pytest.raises(AssertionError):
        check_scores(stale, renewed)
    assert shape("linear 1.5  2\nnaive 3") == shape("naive 4\nlinear   1 2")
    assert shape("linear 1.5") != shape("ridge 1.5")
    assert shape("level (p = 0.04)") == shape("level (p < 0.001)") != shape("beats (p = 0.04)")
    assert shape("Sample\nOh\n\nTest: 2") == shape("Sample\nAh\n\nTest: 2")
