"""The report of a tagging run: true scores, spans above one another, odd cases."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import NASTY, Parsed, harmless, requests_nothing, said, sound
from seqeval.metrics import classification_report, f1_score

from gatewise.judging.tags import TagEvaluation, WorstSentence
from gatewise.report import TagReport, tag_page, write_tag_report
from gatewise.report.markup import element
from gatewise.report.spans import both, styles, wrong_tags

TAGS = ("O", "B-PER", "I-PER", "B-地点", "I-地点")


def judged(tags: Any = TAGS, wrong: float = 0.15, count: int = 40) -> TagEvaluation:
    rng = np.random.default_rng(4)
    truth = [[str(tag) for tag in rng.choice(tags, 8)] for _ in range(count)]
    told = {
        name: [
            [str(rng.choice(tags)) if rng.random() < share else tag for tag in own] for own in truth
        ]
        for name, share in (("network", wrong), ("most frequent tag", 0.6))
    }
    words = [[f"word{i}" for i in range(8)] for _ in truth]
    return TagEvaluation(words, truth, told)


def report(evaluation: Any = None, **changes: Any) -> TagReport:
    return TagReport(evaluation=evaluation or judged(), **said(**changes))


@pytest.fixture
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewise.report.page.draw", lambda *_, **__: element("svg"))


def test_page_is_sound_and_asks_for_nothing() -> None:
    page = tag_page(report())
    parsed = sound(page)
    requests_nothing(page)
    assert parsed.sections[:4] == ["scores", "types", "confusion", "worst"]
    assert parsed.sections[4:] == ["training", "data", "notes", "reproduce"]
    assert judged().verdict() in parsed.text


@pytest.mark.usefixtures("no_charts")
def test_scores_are_those_of_seqeval() -> None:
    evaluation = judged()
    parsed = Parsed(tag_page(report(evaluation)))
    for name, *cells in parsed.table("model"):
        told = [list(own) for own in evaluation.told[name]]
        assert float(cells[0]) == pytest.approx(f1_score(evaluation.truth, told), abs=6e-4)
    own = classification_report(
        evaluation.truth, evaluation.told["network"], output_dict=True, zero_division=0
    )
    rows = parsed.table("type")
    assert {row[0] for row in rows} == {"PER", "地点"}
    for name, f1, precision, recall, _, support in rows:
        score = own[name]
        expected = [score["f1-score"], score["precision"], score["recall"], score["support"]]
        assert [float(c) for c in (f1, precision, recall, support)] == pytest.approx(
            expected, abs=6e-4
        )


@pytest.mark.usefixtures("no_charts")
def test_confusion_counts_tokens_by_type() -> None:
    evaluation = judged()
    matrix = Parsed(tag_page(report(evaluation))).table("true ↓ told →")
    assert [row[0] for row in matrix] == ["PER", "地点", "O"]
    truth = [tag.split("-")[-1] for own in evaluation.truth for tag in own]
    told = [tag.split("-")[-1] for own in evaluation.told["network"] for tag in own]
    for name, *cells in matrix:
        counts = [
            sum(a == name and b == other for a, b in zip(truth, told, strict=True))
            for other in ("PER", "地点", "O")
        ]
        assert cells == [str(count) if count else "·" for count in counts]


def test_spans_stand_above_one_another() -> None:
    sentence = WorstSentence(
        0,
        ("Ann", "Lee", "saw", "北", "京", "。"),
        ("B-PER", "I-PER", "O", "B-LOC", "I-LOC", "O"),
        ("B-PER", "I-PER", "O", "B-LOC", "O", "O"),
        2,
    )
    lines = re.findall(r"<dd.*?</dd>", both(sentence, styles(["LOC", "PER"])))
    words = [re.sub("<.*?>", "", line) for line in lines]
    assert words == ["Ann Lee PER saw北京 LOC · missed。", "Ann Lee PER saw北 LOC · wrong京。"]
    assert [line.count("alone") for line in lines] == [1, 1]
    assert all('class="span t2"' in line for line in lines)


@given(st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), min_size=1, max_size=40))
def test_every_token_is_shown_once_in_each_line(tags: list[tuple[str, str]]) -> None:
    truth, told = zip(*tags, strict=True)
    tokens = tuple(f"<{i}>" for i in range(len(tags)))
    sentence = WorstSentence(0, tokens, truth, told, 1)
    shown = both(sentence, styles(["PER"]))
    for line in re.findall(r"<dd.*?</dd>", shown):
        assert re.findall(r"&lt;(\d+)&gt;", line) == [str(i) for i in range(len(tags))]


def test_long_sentences_are_cut() -> None:
    many = 400
    sentence = WorstSentence(0, ("w",) * many, ("B-X", *["I-X"] * 399), ("O",) * many, 1)
    shown = re.sub("<.*?>", "", both(sentence, styles(["X"])))
    assert shown.count("w ") < 320
    assert shown.count("…") == 2
    assert "…" in wrong_tags(sentence)


@pytest.mark.usefixtures("no_charts")
def test_parts_of_speech() -> None:
    evaluation = judged(("NN", "VB", ".", NASTY))
    page = tag_page(report(evaluation))
    parsed = harmless(page)
    assert "By tag" in parsed.text
    worst = evaluation.worst_sentences(1)[0]
    at = next(i for i, (a, b) in enumerate(zip(worst.truth, worst.told, strict=True)) if a != b)
    assert f"{worst.tokens[at]} {worst.truth[at]} → {worst.told[at]}" in parsed.text


def test_many_tags_are_a_picture() -> None:
    parsed = sound(tag_page(report(judged([f"T{i}" for i in range(40)]))))
    assert len([1 for tag, _ in parsed.elements if tag == "svg"]) == 2
    assert "numbered in the order of their letters" in parsed.text


def test_no_mistake_and_no_entity() -> None:
    parsed = sound(tag_page(report(judged(wrong=0.0))))
    assert "There is none: all 40 test sentences are tagged rightly." in parsed.text
    nothing = {"network": [["O"]], "most frequent tag": [["O"]]}
    parsed = sound(tag_page(report(TagEvaluation([["a"]], [["O"]], nothing))))
    assert "The test part holds no entity" in parsed.text
    assert "the one test sentence is tagged rightly" in parsed.text


@pytest.mark.usefixtures("no_charts")
def test_nothing_the_user_wrote_becomes_markup() -> None:
    odd = f"B-{NASTY}"
    evaluation = TagEvaluation(
        [[NASTY, "b"]] * 3, [[odd, "O"]] * 3, {"network": [["O", odd]] * 3, "x": [["O", "O"]] * 3}
    )
    page = tag_page(report(evaluation, title=NASTY, notes=[NASTY], rows=[11, 12, 13]))
    parsed = harmless(page)
    assert parsed.text.count(NASTY) > 10
    assert "sentence 11" in parsed.text


@pytest.mark.usefixtures("no_charts")
def test_it_is_written_to_a_file(tmp_path: Any) -> None:
    write_tag_report(tmp_path / "report.html", report())
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == tag_page(report())
