"""The report of a generation run: scores that are the true ones, samples as they were written."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pages import NASTY, Parsed, harmless, requests_nothing, said, sound

from gatewise.judging.language import LanguageEvaluation
from gatewise.report import LanguageReport, language_page, write_language_report
from gatewise.report.markup import element

NATS = {"network": 5_000.0, "5-gram": 6_100.0, "unigram": 9_900.0}
SAMPLES = [
    (0.5, "ROMEO: ", "the king\n  is <here>"),
    (1.2, "", "宝玉笑道"),
    ("top_k 5", "a", NASTY),
]


def report(nats: Any = NATS, samples: Any = SAMPLES, **changes: Any) -> LanguageReport:
    judged = LanguageEvaluation(nats, tokens=2_000, characters=4_000)
    return LanguageReport(evaluation=judged, samples=samples, **said(**changes))


@pytest.fixture
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewise.report.page.draw", lambda *_, **__: element("svg"))


def test_page_is_sound_and_asks_for_nothing() -> None:
    page = language_page(report())
    parsed = sound(page)
    requests_nothing(page)
    harmless(page)
    assert parsed.sections == ["scores", "samples", "training", "data", "notes", "reproduce"]
    assert report().evaluation.verdict() in parsed.text
    assert len([1 for tag, _ in parsed.elements if tag == "svg"]) == 1


@pytest.mark.usefixtures("no_charts")
def test_scores_are_the_true_ones_and_the_best_is_bold() -> None:
    parsed = Parsed(language_page(report()))
    rows = parsed.table("model")
    assert [row[0] for row in rows] == ["network", "5-gram", "unigram"]
    for name, *cells in rows:
        nats = NATS[name] / 4_000
        expected = [nats, nats / math.log(2), math.exp(NATS[name] / 2_000)]
        assert [float(cell) for cell in cells] == pytest.approx(expected, rel=0.005)
    assert parsed.bold[:3] == rows[0][1:]


@pytest.mark.usefixtures("no_charts")
def test_samples_stand_as_they_were_written() -> None:
    text = Parsed(language_page(report())).text
    assert "ROMEO: the king\n  is <here>" in text
    assert "宝玉笑道" in text
    assert NASTY in text
    for heading in ("temperature 0.5", "temperature 1.2", "top_k 5"):
        assert heading in text


def test_without_samples_or_a_strong_baseline_or_numbers() -> None:
    made = report({"network": math.nan, "unigram": 9_900.0}, [])
    parsed = sound(language_page(made))
    assert ["network", "–", "–", "–"] in parsed.rows
    assert "– not a finite number" in parsed.text
    assert "None was written" in parsed.text
    assert "5-gram" not in parsed.text


@pytest.mark.usefixtures("no_charts")
def test_it_is_written_to_a_file(tmp_path: Any) -> None:
    write_language_report(tmp_path / "report.html", report())
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == language_page(report())
