"""The report of a translation run: true scores, examples, attention as text, odd cases."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st
from pages import NASTY, Parsed, harmless, requests_nothing, said, sound

from gatewise.judging.translation import TranslationEvaluation
from gatewise.report import TranslationReport, translation_page, write_translation_report
from gatewise.report.attention import MOST
from gatewise.report.differences import marked
from gatewise.report.lengths import FEW, GROUPS, grouped, source_lengths
from gatewise.report.markup import element

SOURCES = [" ".join(["der Hund", "sieht", "die kleine Katze"][: 1 + row % 3]) for row in range(60)]
REFERENCES = [f"the dog sees a small cat {row % 7} now" for row in range(60)]


def judged() -> TranslationEvaluation:
    own = [text if row % 2 else text.replace("dog", "big") for row, text in enumerate(REFERENCES)]
    told = {"network": own, "copy of the source": SOURCES, "nearest": [*REFERENCES[1:], "x"]}
    return TranslationEvaluation(SOURCES, REFERENCES, told)


def report(evaluation: Any = None, **changes: Any) -> TranslationReport:
    return TranslationReport(evaluation=evaluation or judged(), **said(**changes))


def attention(source: Any, answer: Any) -> Any:
    weights = np.random.default_rng(0).dirichlet(np.ones(len(source)), len(answer))
    return list(source), list(answer), weights.astype(np.float32)


@pytest.fixture
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewise.report.page.draw", lambda *_, **__: element("svg"))


def test_page_is_sound_and_asks_for_nothing() -> None:
    page = translation_page(report(attention=[attention("ab c", ["我", "们"])]))
    parsed = sound(page)
    requests_nothing(page)
    assert parsed.sections[:5] == ["scores", "examples", "worst", "attention", "length"]
    assert parsed.sections[5:] == ["training", "data", "notes", "reproduce"]
    assert judged().verdict() in parsed.text


@pytest.mark.usefixtures("no_charts")
def test_scores_are_those_of_sacrebleu() -> None:
    parsed = Parsed(translation_page(report()))
    rows = {row[0]: row[1:] for row in parsed.table("model")}
    for name, told in judged().told.items():
        bleu = sacrebleu.corpus_bleu(told, [REFERENCES])
        chrf = sacrebleu.corpus_chrf(told, [REFERENCES])
        assert float(rows[name][0]) == pytest.approx(bleu.score, abs=0.06)
        assert float(rows[name][1]) == pytest.approx(chrf.score, abs=0.06)
        exact = np.mean([a == b for a, b in zip(told, REFERENCES, strict=True)])
        assert float(rows[name][2]) == pytest.approx(exact, abs=6e-4)
    for signature in judged().signatures().values():
        assert signature in parsed.text


@pytest.mark.usefixtures("no_charts")
def test_scores_by_length_are_those_of_the_parts() -> None:
    parsed = Parsed(translation_page(report()))
    rows = parsed.table("words")
    lengths, unit = source_lengths(judged())
    assert unit == "words"
    assert [row[0] for row in rows] == ["2", "3", "6"]
    for row in rows:
        chosen = np.flatnonzero(lengths == int(row[0]))
        assert row[1] == str(len(chosen))
        own = [judged().told["network"][i] for i in chosen]
        chrf = sacrebleu.corpus_chrf(own, [[REFERENCES[i] for i in chosen]])
        assert float(row[2]) == pytest.approx(chrf.score, abs=0.06)


@pytest.mark.usefixtures("no_charts")
def test_attention_stands_in_real_text() -> None:
    source, answer, weights = attention(["the", "cat", " "], ["猫", "<b>"])
    parsed = Parsed(translation_page(report(attention=[(source, answer, weights)])))
    at = next(i for i, row in enumerate(parsed.rows) if row[0].startswith("told ↓"))
    assert parsed.rows[at][1:] == ["the", "cat", "␣"]
    assert [row[0] for row in parsed.rows[at + 1 : at + 3]] == ["猫", "<b>"]
    for row, expected in zip(parsed.rows[at + 1 : at + 3], weights, strict=True):
        assert row[1:] == [f"{100 * w:.0f}" if w >= 0.1 else "" for w in expected]


@pytest.mark.usefixtures("no_charts")
def test_long_attention_is_cut_and_said_to_be() -> None:
    long = attention(["word"] * (MOST + 9), ["字"] * (MOST + 5))
    parsed = Parsed(translation_page(report(attention=[long])))
    assert f"Only the first {MOST} tokens" in parsed.text
    assert max(len(row) for row in parsed.rows) == MOST + 1


@pytest.mark.usefixtures("no_charts")
def test_examples_good_and_worst() -> None:
    evaluation = judged()
    given_ = [("Quelle", "the source", "the sauce")]
    rows = list(range(500, 560))
    text = Parsed(translation_page(report(evaluation, examples=given_, rows=rows))).text
    assert "the sauce" in text
    assert f"row {500 + evaluation.worst(1)[0].row}" in text
    even = Parsed(translation_page(report(evaluation))).text
    assert "Taken evenly from the test part" in even
    assert "equal to the reference" in even


@pytest.mark.usefixtures("no_charts")
def test_nothing_the_user_wrote_becomes_markup() -> None:
    evaluation = TranslationEvaluation(
        [NASTY] * 3, [NASTY + " b c d"] * 3, {"network": [NASTY] * 3, "copy": ["x"] * 3}
    )
    page = translation_page(
        report(evaluation, title=NASTY, attention=[attention([NASTY], [NASTY])], settings=NASTY)
    )
    assert harmless(page).text.count(NASTY) > 8


def test_tokens_one_pair_and_no_mistake() -> None:
    lists = [[1, 2, 3], [4, 5], [6]] * 20
    turned = [own[::-1] for own in lists]
    evaluation = TranslationEvaluation(lists, turned, {"network": turned, "copy": lists})
    parsed = sound(translation_page(report(evaluation)))
    assert "There is none: every translation equals its reference." in parsed.text
    assert "3 2 1" in parsed.text
    one = TranslationEvaluation(["a"], ["b"], {"network": [""], "copy": ["a"]})
    parsed = sound(translation_page(report(one)))
    assert "too few to compare" in parsed.text
    assert "nothing" in parsed.text


@given(st.lists(st.integers(1, 30), min_size=1, max_size=300))
def test_groups_hold_each_row_once_and_equal_lengths_together(lengths: list[int]) -> None:
    rows = grouped(np.array(lengths))
    assert sorted(int(row) for group in rows for row in group) == list(range(len(lengths)))
    assert len(rows) <= GROUPS
    assert all(len(group) >= FEW // 2 for group in rows) or len(rows) == 1
    ends = [(min(lengths[i] for i in group), max(lengths[i] for i in group)) for group in rows]
    assert all(before[1] < after[0] for before, after in pairwise(ends))


@given(st.text("ab <&", max_size=30), st.text("ab <&", max_size=30), st.booleans())
def test_marks_change_no_letter(text: str, reference: str, spaced: bool) -> None:
    parsed = Parsed(element("p", marked(text, reference, spaced=spaced)))
    assert parsed.text == (text if text.strip() else "nothing")
    assert "<mark>" not in marked(text, text, spaced=spaced)


def test_what_is_new_is_marked() -> None:
    assert marked("the big cat", "the small cat", spaced=True) == "the <mark>big</mark> cat"
    assert marked("猫坐上", "猫上", spaced=False) == "猫<mark>坐</mark>上"


@pytest.mark.usefixtures("no_charts")
def test_it_is_written_to_a_file(tmp_path: Any) -> None:
    write_translation_report(tmp_path / "report.html", report())
    written = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert written == translation_page(report())
