"""The report of a classification run: true to the numbers, harmless, whole in odd cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pages import NASTY, Parsed, harmless, requests_nothing, said, sound
from sklearn.metrics import accuracy_score, log_loss, precision_recall_fscore_support

from gatewise.judging.classes import ClassEvaluation
from gatewise.judging.labels import LabelEvaluation
from gatewise.report import ClassReport, class_page, write_class_report
from gatewise.report.inputs import shown
from gatewise.report.markup import element
from gatewise.report.scoreboard import fixed

NAMES = ("bad", "好评", "neither")


def softmax(z: Any) -> Any:
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def evaluation(names: Any = NAMES, count: int = 200, sure: float = 1.5) -> ClassEvaluation:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, len(names), count)
    noise = rng.normal(size=(2, count, len(names)))
    right = np.eye(len(names))[truth]
    return ClassEvaluation(
        tuple(names),
        truth,
        {
            "network": softmax(sure * right + (noise[0] if sure < 9 else 0)),
            "TF-IDF": softmax(right + noise[1]),
            "majority class": np.full((count, len(names)), 1 / len(names)),
        },
        np.bincount(truth, minlength=len(names)) * 3 + 1,
    )


def report(judged: Any, inputs: Any = None, **changes: Any) -> ClassReport:
    inputs = [f"text {row}" for row in range(len(judged.truth))] if inputs is None else inputs
    return ClassReport(evaluation=judged, inputs=inputs, **said(**changes))


@pytest.fixture
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewise.report.page.draw", lambda *_, **__: element("svg"))


def test_page_is_sound_and_asks_for_nothing() -> None:
    judged = evaluation()
    page = class_page(report(judged))
    parsed = sound(page)
    requests_nothing(page)
    assert parsed.sections[:5] == ["scores", "classes", "confusion", "calibration", "mistakes"]
    assert parsed.sections[5:] == ["training", "data", "notes", "reproduce"]
    assert judged.verdict() in parsed.text
    assert page == class_page(report(judged))  # the same bytes every time


@pytest.mark.usefixtures("no_charts")
def test_scores_are_the_true_ones() -> None:
    judged = evaluation()
    parsed = Parsed(class_page(report(judged)))
    rows = {row[0]: row[1:] for row in parsed.table("model")}
    assert [*rows] == [name for name, _ in judged.ranking()]
    for name, p in judged.probabilities.items():
        accuracy = accuracy_score(judged.truth, p.argmax(axis=1))
        assert float(rows[name][0]) == pytest.approx(accuracy, abs=6e-4)
        assert float(rows[name][3]) == pytest.approx(log_loss(judged.truth, p), abs=6e-4)
    best = max(score["accuracy"] for score in judged.scores().values())
    assert parsed.bold[0] == f"{best:.3f}"
    lowest = min(score["log-loss"] for score in judged.scores().values())
    assert f"{lowest:.3f}" in parsed.bold


@pytest.mark.usefixtures("no_charts")
def test_classes_and_confusion_are_the_true_ones() -> None:
    judged = evaluation()
    parsed = Parsed(class_page(report(judged)))
    guess = judged.told()
    precision, recall, f1, support = precision_recall_fscore_support(judged.truth, guess)
    rows = parsed.table("class")
    for row, name, *expected in zip(rows, NAMES, f1, precision, recall, strict=True):
        assert row[0] == name
        assert [float(cell) for cell in row[1:4]] == pytest.approx(expected, abs=6e-4)
    assert [row[4] for row in rows] == [str(count) for count in support]
    assert [row[5] for row in rows] == [str(count) for count in judged.train_counts]
    matrix = parsed.table("true ↓ told →")
    counts = [[0 if cell == "·" else int(cell) for cell in row[1:]] for row in matrix]
    assert counts == [
        [int(((judged.truth == a) & (guess == b)).sum()) for b in range(3)] for a in range(3)
    ]
    pairs = parsed.table("true class → class told")
    wrong = sorted((counts[a][b] for a in range(3) for b in range(3) if a != b), reverse=True)
    assert [int(row[1]) for row in pairs] == [count for count in wrong if count]


@pytest.mark.usefixtures("no_charts")
def test_the_surest_mistakes_are_shown_with_their_place() -> None:
    judged = evaluation()
    rows = [1000 + row for row in range(200)]
    parsed = Parsed(class_page(report(judged, rows=rows)))
    surest = judged.worst_errors(12)
    assert len(surest) == 12
    places = [parsed.text.index(f"row {1000 + mistake.row:,}") for mistake in surest]
    assert places == sorted(places)
    assert all(f"text {mistake.row}" in parsed.text for mistake in surest)
    wrong = int((judged.told() != judged.truth).sum())
    assert f"{wrong} examples of 200 are told wrongly" in parsed.text


@pytest.mark.usefixtures("no_charts")
def test_nothing_the_user_wrote_becomes_markup() -> None:
    judged = evaluation((NASTY, NASTY + "2", "c"))
    mean = {"title": NASTY, "source": NASTY, "notes": [NASTY], "settings": NASTY, "command": NASTY}
    parsed = harmless(
        class_page(report(judged, [NASTY] * 200, facts={NASTY: {NASTY: NASTY}}, **mean))
    )
    assert parsed.text.count(NASTY) > 20


@pytest.mark.parametrize("classes", [2, 20, 60])
def test_few_and_many_classes(classes: int) -> None:
    names = [f"a class with quite a long name, number {n}" for n in range(classes)]
    page = class_page(report(evaluation(names, 300)))
    parsed = sound(page)
    assert len(parsed.table("class")) == classes
    matrices = [attrs for tag, attrs in parsed.elements if "heat" in (attrs.get("class") or "")]
    assert len(matrices) == (classes <= 30)
    assert len([1 for tag, _ in parsed.elements if tag == "svg"]) == 3 + (classes > 30)
    assert ("true class → class told" in parsed.text) == (classes > 2)
    assert len(page.encode()) < 150_000


def test_no_mistake_at_all_and_one_example() -> None:
    perfect = sound(class_page(report(evaluation(sure=20.0))))
    assert "There is none: all 200 test examples are answered rightly." in perfect.text
    assert "No class is mistaken for another." in perfect.text
    one = evaluation(("no", "yes"), 1, sure=20.0)
    parsed = sound(class_page(report(one)))
    assert "There is none: the one test example is answered rightly." in parsed.text
    assert "– not defined: ROC-AUC needs" in parsed.text
    absent = next(row for row in parsed.table("class") if row[4] == "0")
    assert absent[1:4] == ["–", "–", "–"]
    assert "there is no test example of it" in parsed.text


@pytest.mark.usefixtures("no_charts")
def test_nothing_learnt_is_the_headline() -> None:
    judged = evaluation(sure=0.0)
    parsed = Parsed(class_page(report(judged)))
    assert not judged.learnt
    assert "Nothing was learnt" in parsed.text
    assert [attrs.get("class") for _, attrs in parsed.elements].count("verdict loses") == 1


@pytest.mark.usefixtures("no_charts")
def test_answers_that_are_not_numbers_are_dashes() -> None:
    judged = evaluation()
    told_ = {**judged.probabilities, "network": np.full((200, 3), np.nan)}
    broken = ClassEvaluation(NAMES, judged.truth, told_, judged.train_counts)
    parsed = Parsed(class_page(report(broken)))
    assert ["network", "–", "–", "–", "–", "–"] in parsed.rows
    assert parsed.sections[:2] == ["scores", "training"]
    assert "nan" not in parsed.text


def test_several_labels() -> None:
    rng = np.random.default_rng(2)
    truth = (rng.random((150, 4)) < 0.3).astype(np.int64)
    told_ = {
        name: 1 / (1 + np.exp(-(sure * (2 * truth - 1) + rng.normal(size=truth.shape))))
        for name, sure in (("network", 2.0), ("TF-IDF", 1.0))
    }
    labels = ("urgent", "账单", "other", NASTY)
    judged = LabelEvaluation(labels, truth, told_, truth.sum(axis=0) * 5, 750)
    page = class_page(report(judged))
    parsed = sound(page)
    harmless(page)
    guess = judged.told()
    for column, row in enumerate(parsed.table("label")):
        _, _, f1, _ = precision_recall_fscore_support(
            truth[:, column], guess[:, column], average="binary"
        )
        assert float(row[1]) == pytest.approx(f1, abs=6e-4)
    assert "Training saw 750 examples" in parsed.text
    hits = int(((truth[:, 0] == 1) & (guess[:, 0] == 1)).sum())
    at = next(i for i, row in enumerate(parsed.rows) if row[1:2] == ["told rightly"])
    assert parsed.rows[at + 1][:2] == ["urgent", str(hits)]
    assert "true not " in parsed.text or "told not " in parsed.text


def test_examples_of_every_kind() -> None:
    steps = np.column_stack([np.sin(np.arange(500)), np.full(500, np.nan)])
    assert "500 steps, 2 channels" in shown(steps)
    assert shown(steps).count("<polyline") == 2
    assert "7 steps" in shown(np.arange(7))
    assert "1 step" in shown(np.zeros((1, 3)))
    assert "<svg" in shown([0.5, 1.5])
    assert "a &lt;b&gt;" in shown(["a", "<b>"])
    assert "an empty text" in shown(" \n ")
    assert len(shown("x" * 5000)) < 500


def test_scores_have_equal_decimals_and_no_negative_zero() -> None:
    assert [fixed(value, 3) for value in (1.0, -0.00001, 0.12345, -2.5)] == (
        ["1.000", "0.000", "0.123", "−2.500"]
    )


@pytest.mark.usefixtures("no_charts")
def test_it_is_written_to_a_file(tmp_path: Any) -> None:
    made = report(evaluation())
    write_class_report(tmp_path / "report.html", made)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == class_page(made)


@pytest.mark.usefixtures("no_charts")
def test_what_the_losses_are_of_is_said() -> None:
    facts = {"Training": {"loss": "cross_entropy", "label_smoothing": 0.1}}
    smooth = Parsed(class_page(report(evaluation(), facts=facts)))
    assert "labels smoothed by 0.1" in smooth.text
    assert "smoothed" not in Parsed(class_page(report(evaluation()))).text
