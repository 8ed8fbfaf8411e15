"""README and guides hold together: languages in step, links, flags, verbs, pictures, figures."""

from __future__ import annotations

import re

import pytest
from manual import NAMES, ROOT, docs, page_blocks, page_numbers, read

from gatewise.cli import VERBS
from gatewise.cli.classify_options import ClassifyOptions
from gatewise.cli.forecast_options import ForecastOptions
from gatewise.cli.generate_options import GenerateOptions
from gatewise.cli.options import flat_keys
from gatewise.cli.saved_options import EVALUATE, PREDICT
from gatewise.cli.tag_options import TagOptions
from gatewise.cli.translate_options import TranslateOptions
from gatewise.cli.tune_options import TuneOptions

OPTIONS = [ClassifyOptions, ForecastOptions, GenerateOptions, TagOptions, TranslateOptions]
OTHER_FLAGS = {"config", "json", "quiet", "help", "version", "to", "track", "track_to", "sort"} | {
    "resume",
    "checkpoint_minutes",
    "engine",
    "data",
    "quick",
}
OTHER_FLAGS |= {"nproc_per_node"}  # of torchrun
CHINESE = {path: docs.places(name)["zh"] for name in NAMES for path in [docs.places(name)["en"]]}


def outside(page, pattern):
    """What the pattern finds in the words of a page, its blocks apart."""
    return re.findall(pattern, page_blocks.FENCE.sub("", page), re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_show_the_same_blocks(name):
    first, second = (page_blocks.blocks(read(name, language)) for language in ("en", "zh"))
    assert first == second, "`make docs` puts the English blocks into the Chinese page"


@pytest.mark.parametrize(
    "pattern",
    [
        r"^(#+) ",  # headings, by level
        r"^(\|)",  # rows of tables
        r"^(\*\*).+?\*\*",  # paragraphs that open with their point
        r"^(- |\d+\. )",  # points of lists
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_both_languages_stay_in_step(name, pattern):
    first, second = (outside(read(name, language), pattern) for language in ("en", "zh"))
    assert first == second


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_name_the_same_code(name):
    first, second = (
        sorted(outside(read(name, language), r"`([^`\n]+)`")) for language in ("en", "zh")
    )
    assert first == second


def anchor(heading):
    """What a link to the heading says: `#own-words`."""
    kept = re.sub(r"[^\w\s-]", "", heading.strip().lower())
    return re.sub(r"\s", "-", kept)


def anchors(path):
    text = path.read_text(encoding="utf-8")
    return {anchor(heading) for heading in outside(text, r"^#+ (.*)$")}


def links(path):
    """(link, file, anchor) of each link and picture of a page that leads into the project."""
    text = path.read_text(encoding="utf-8")
    found = outside(text, r"\]\(([^)]+)\)") + outside(text, r"src(?:set)?=\"([^\"]+)\"")
    for link in found:
        if not link.startswith("https://"):
            to, _, place = link.partition("#")
            yield link, ((path.parent / to) if to else path).resolve(), place


PAGES = [path for name in NAMES for path in docs.places(name).values()]


@pytest.mark.parametrize("path", [*PAGES, ROOT / "docs/architecture.md"], ids=str)
def test_links_lead_somewhere(path):
    assert list(links(path))
    for link, to, place in links(path):
        assert to.exists(), link
        assert not place or place in anchors(to), link


@pytest.mark.parametrize("name", NAMES)
def test_links_of_both_languages_lead_to_the_same_in_their_language(name):
    """A Chinese page leads to Chinese pages and pictures wherever there are such."""
    english, chinese = docs.places(name)["en"], docs.places(name)["zh"]

    def expected(path):
        own = path.with_name(re.sub(r"^flow", "flow.zh-CN", path.name))
        return CHINESE.get(path, own if own.exists() else path)

    first = [expected(to) for _, to, _ in links(english) if to != chinese]
    second = [to for _, to, _ in links(chinese) if to != english]
    assert sorted(first) == sorted(second) != []


@pytest.mark.parametrize("name", docs.GUIDES)
def test_every_guide_is_linked_from_the_readme(name):
    assert docs.places(name)["en"] in {to for _, to, _ in links(docs.places("README")["en"])}


def test_flags_that_are_named_exist():
    page = "\n".join(read(name) for name in NAMES)
    flags = set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", re.sub(r"<.*?>", "", page)))
    known = set().union(*map(flat_keys, OPTIONS), OTHER_FLAGS)
    known |= set(TuneOptions.model_fields)
    for settings in (*PREDICT.values(), *EVALUATE.values()):
        known |= set(settings.model_fields)
    flags = {flag.replace("-", "_") for flag in flags}
    assert len(flags) > 60
    assert {flag.removeprefix("no_") for flag in flags} <= known


def test_every_verb_is_named_and_every_named_verb_exists():
    page = "\n".join(read(name) for name in NAMES)
    named = set(re.findall(r"gatewise ([a-z]+)(?: [a-z-]+)*[`/. ]", page)) & {*VERBS}
    assert named == set(VERBS)
    for verb in re.findall(r"`gatewise ([a-z]+)", page):
        assert verb in VERBS, verb


def test_pictures_ask_the_network_for_nothing():
    kept = sorted(docs.IMAGES.glob("*.svg"))
    assert len(kept) >= 8
    for path in kept:
        drawn = path.read_text(encoding="utf-8")
        assert "var(" not in drawn
        assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "")


def test_the_flow_is_drawn_anew():
    for path, drawn in docs.flows().items():
        assert path.read_text(encoding="utf-8") == drawn, "`make docs`"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_measured_figures_are_those_of_the_benchmarks(language):
    page, measured = read("README", language), docs.BENCHMARKS.read_text(encoding="utf-8")
    made = page_numbers.with_tables(page, measured, language)
    assert made == page, "`python docs/make.py --tables` takes them over"


@pytest.mark.parametrize(
    ("name", "title", "figures"),
    [
        ("forecast", "ETTh1, 96 hours ahead", ["0.365", "0.413"]),
        ("choosing", "Three engines beside what one writes by hand", ["0.041", "0.104"]),
        ("from-a-tutorial", "Writing with 1,024 units", ["2,780", "93"]),
        ("generate", "Writing with 1,024 units", ["29"]),
    ],
)
def test_figures_that_guides_quote_are_those_of_the_benchmarks(name, title, figures):
    section = page_numbers.section(docs.BENCHMARKS.read_text(encoding="utf-8"), title)
    for figure in figures:
        number = rf"(?<![\d.,]){re.escape(figure)}"
        for place in (section, read(name), read(name, "zh")):
            assert re.search(number, place), f"{figure}: the guides quote what was measured before"


def test_a_figure_that_changes_is_noticed():
    measured = docs.BENCHMARKS.read_text(encoding="utf-8")
    before = page_numbers.table(measured, "en")
    changed = re.sub(r"^(gatewise \(720\), default +)\d\S+", r"\g<1>0.999", measured, flags=re.M)
    assert page_numbers.table(changed, "en") != before
    with pytest.raises(ValueError, match="no section"):
        page_numbers.table("", "en")


def test_every_cost_of_the_benchmarks_is_shown():
    row = "| an epoch | a loop | 2.0 s | 1.0 s | 2.00 (1.90 to 2.10) | LOST |"
    page = f"<!-- summary -->\n| what |\n|---|\n{row}\n<!-- /summary -->"
    assert page_numbers.costs(page, "en").splitlines()[2:] == [row]
    assert page_numbers.costs(page, "zh").endswith("| 负 |\n")
    with pytest.raises(ValueError, match="no <!-- summary"):
        page_numbers.costs("", "en")


def test_a_row_is_found_by_its_beginning_and_its_best_is_bold():
    row = page_numbers.ROWS[0]
    lines = page_numbers.table(docs.BENCHMARKS.read_text(encoding="utf-8"), "en").splitlines()
    assert len(lines) == 2 + len(page_numbers.ROWS)
    assert lines[2].startswith(f"| [{row.en}](docs/benchmarks.md#etth1-96-hours-ahead) | ")
    assert all(line.count("**") == 2 for line in lines[2:])
