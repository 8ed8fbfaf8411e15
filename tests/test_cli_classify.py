"""`gatewise classify`, and predict and evaluate on what it leaves."""

from __future__ import annotations

import json
import random

import numpy as np
import pandas as pd
import pytest
from shop import write_csv
from sklearn.metrics import f1_score

from gatewise.cli import classify_run, main
from gatewise.cli.classify_options import ClassifyOptions
from gatewise.errors import DataError
from gatewise.tasks.classifier import Classifier
from gatewise.tasks.shared import parameter_names

SMALL = ["--epochs", "2", "--hidden-size", "4", "--embedding-size", "4", "--quiet"]
WORDS = {"warm": "lovely bright kind clean happy", "cold": "awful dark rude dirty broken"}

FILLING = "the room was a stay hotel food night of at staff"


def notes_of(count, seed=0):
    """Short texts, each with one word that decides about its label."""
    draw = random.Random(seed)
    texts, labels = [], []
    for number in range(count):
        label = list(WORDS)[number % 2]
        words = draw.choices(FILLING.split(), k=6)
        words.insert(draw.randrange(7), draw.choice(WORDS[label].split()))
        texts.append(" ".join(words))
        labels.append(label)
    return texts, labels


@pytest.fixture
def notes(tmp_path, monkeypatch):
    """A folder to be in, with `notes.csv`."""
    monkeypatch.chdir(tmp_path)
    texts, labels = notes_of(80)
    numbers = list(range(80))
    write_csv(tmp_path / "notes.csv", {"id": numbers, "note": texts, "mood": labels})
    return tmp_path


COLUMNS = ["--text", "note", "--label", "mood"]


def classify(*words):
    return main(["classify", *words])


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


def test_every_argument_of_the_python_class_is_a_flag():
    arguments = set(parameter_names(Classifier))
    assert arguments - {"verbose", "network", "training"} == set(classify_run.PARAMETERS)
    options, model = ClassifyOptions(), Classifier()
    for name in classify_run.PARAMETERS:
        assert getattr(options, name) == getattr(model, name), name


def test_a_run_its_answers_and_the_same_again(notes, capsys):
    assert classify("notes.csv", *COLUMNS, *SMALL, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    out = notes / "notes-classify"
    first = metrics(out)
    assert first == {key: value for key, value in told.items() if key != "out"}
    answers = pd.read_csv(out / "predictions.csv")
    data = pd.read_csv("notes.csv").iloc[answers["row"] - 1]
    assert len(answers) == 16
    assert answers["text"].tolist() == data["note"].tolist()
    assert answers["label"].tolist() == data["mood"].tolist()
    right = float((answers["told"] == answers["label"]).mean())
    assert first["evaluation"]["scores"]["network"]["accuracy"] == pytest.approx(right)
    assert answers["confidence"].between(0.5, 1).all()

    data.to_csv("held.csv", index=False)
    model = "notes-classify/model"
    assert main(["predict", model, "held.csv", "--out", "said.csv"]) == 0
    said = pd.read_csv("said.csv")
    assert said["told"].tolist() == answers["told"].tolist()
    np.testing.assert_allclose(said["confidence"], answers["confidence"], atol=1e-6)
    assert main(["evaluate", model, "held.csv", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert scores["network"] == pytest.approx(first["evaluation"]["scores"]["network"])
    assert main(["info", model]) == 0
    assert "mood" in capsys.readouterr().out

    config = str(out / "metrics.json")
    assert classify("notes.csv", "--config", config, "--quiet", "--out", "again") == 0
    second = metrics(notes / "again")
    assert second["settings"] == first["settings"]
    assert second["evaluation"] == first["evaluation"]
    assert first["evaluation"]["verdict"] in capsys.readouterr().out


def test_what_a_file_for_the_test_holds_is_not_learnt_from(notes, capsys):
    texts, labels = notes_of(100)
    write_csv(notes / "test.csv", {"note": texts[70:], "mood": labels[70:]})
    options = ClassifyOptions(text=("note",), label="mood", test="test.csv")
    parts = classify_run.read(notes / "notes.csv", options)
    assert len(parts.test) == 30
    assert not set(parts.texts) & set(parts.test)
    assert any("are not learnt from: test.csv" in note for note in parts.notes)
    kept = classify_run.read(notes / "notes.csv", options.replace(keep_duplicates=True))
    assert len(kept.texts) == 80
    left = labels.index("warm")
    write_csv(
        notes / "most.csv", {"note": texts[:left] + texts[left + 1 : 80], "mood": ["cold"] * 79}
    )
    with pytest.raises(DataError, match=r"all 1 labels are 'warm'.*79 texts are not learnt from"):
        classify_run.read(notes / "notes.csv", options.replace(test="most.csv"))


def test_a_small_test_part_is_told(notes):
    options = ClassifyOptions(text=("note",), label="mood")
    told = " ".join(classify_run.read(notes / "notes.csv", options.replace(test=1)).notes)
    assert "the test part holds 2 of 80 texts, not 1 as test=1 says" in told
    assert "scores are rough" in told
    wide = " ".join(classify_run.read(notes / "notes.csv", options.replace(test=30)).notes)
    assert "test part" not in wide


def test_copies_stay_on_one_side_and_empty_texts_out(tmp_path):
    texts, labels = notes_of(30)
    data = {"text": [*texts, " ", *texts], "label": [*labels, "warm", *labels]}
    path = write_csv(tmp_path / "twice.csv", data)
    parts = classify_run.read(path, ClassifyOptions())
    assert not set(parts.texts) & set(parts.test)
    assert len(parts.texts) + len(parts.test) == 60
    assert [data["text"][row - 1] for row in parts.rows] == list(parts.test)
    told = " ".join(parts.notes)
    assert "row 31" in told
    assert "occur more than once" in told


def test_several_columns_are_one_text(notes, capsys):
    texts, labels = notes_of(60)
    write_csv(notes / "two.csv", {"head": ["x"] * 60, "body": texts, "mood": labels})
    assert classify("two.csv", "--text", "head,body", "--label", "mood", *SMALL) == 0
    capsys.readouterr()
    assert main(["predict", "two-classify/model", "two.csv", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["text"][0] == f"x\n{texts[0]}"


def test_a_label_of_the_test_alone_is_always_wrong(notes, capsys):
    texts, labels = notes_of(20, seed=1)
    data = {"note": [*texts, "neither"], "mood": [*labels, "tepid"]}
    write_csv(notes / "odd.csv", data)
    assert classify("notes.csv", *COLUMNS, *SMALL, "--test", "odd.csv", "--keep-duplicates") == 0
    found = metrics(notes / "notes-classify")
    assert any("'tepid' (1 time) was not among" in note for note in found["notes"])
    scored = found["evaluation"]
    told = pd.read_csv(notes / "notes-classify/predictions.csv")
    right = (told["told"] == told["label"]).mean()
    assert scored["scores"]["network"]["accuracy"] == pytest.approx(right)
    f1 = f1_score(told["label"], told["told"], average="macro", zero_division=0)
    assert scored["scores"]["network"]["macro-F1"] == pytest.approx(f1)
    assert scored["classes"][-1] == "tepid"
    assert scored["by_class"]["network"]["tepid"]["recall"] == 0
    assert "'tepid'" in scored["verdict"]
    capsys.readouterr()
    assert main(["evaluate", "notes-classify/model", "odd.csv"]) == 0
    assert "each counts as wrong" in capsys.readouterr().out


def test_missing_labels_of_an_evaluation_are_told_with_their_rows(notes, capsys):
    assert classify("notes.csv", *COLUMNS, *SMALL) == 0
    write_csv(notes / "gap.csv", {"note": ["", "good", "bad"], "mood": ["warm", "warm", ""]})
    assert main(["evaluate", "notes-classify/model", "gap.csv"]) == 2
    assert "(row 3)" in capsys.readouterr().err
    write_csv(notes / "one.csv", {"note": ["a lovely room"], "mood": ["warm"]})
    assert main(["evaluate", "notes-classify/model", "one.csv"]) == 0
    told = capsys.readouterr().out
    assert "one.csv: 1 text\n" in told
    assert "This 1 example is little" in told


def test_an_empty_text_has_no_class(notes, capsys):
    assert classify("notes.csv", *COLUMNS, *SMALL) == 0
    write_csv(notes / "gap.csv", {"note": ["a lovely room", " ", "awful"], "mood": ["warm"] * 3})
    capsys.readouterr()
    assert main(["predict", "notes-classify/model", "gap.csv", "--json"]) == 0
    told = capsys.readouterr()
    answer = json.loads(told.out)
    assert [one is None for one in answer["told"]] == [False, True, False]
    assert [one is None for one in answer["confidence"]] == [False, True, False]
    assert "1 empty text was left out (row 2)" in told.err
    assert main(["evaluate", "notes-classify/model", "gap.csv"]) == 0
    assert "gap.csv: 2 texts" in capsys.readouterr().out
    write_csv(notes / "blank.csv", {"note": ["", " "], "mood": ["warm"] * 2})
    assert main(["predict", "notes-classify/model", "blank.csv"]) == 2
    assert "all 2 texts are empty" in capsys.readouterr().err


GOOD = notes_of(40)
BAD = {
    "missing file": (None, [], ["there is no file bad.csv"]),
    "wrong column": (GOOD, ["--text", "txt"], ["'txt' is not in bad.csv", "did you mean 'text'?"]),
    "one class": ((GOOD[0], ["warm"] * 40), [], ["'warm'", "nothing to tell apart"]),
    "all empty": ((["", " "] * 20, GOOD[1]), [], ["empty"]),
    "no label": ((GOOD[0], [*GOOD[1][:-1], ""]), [], ["labels is missing", "row 40"]),
    "no label behind an empty text": (
        ([" ", *GOOD[0][1:]], [*GOOD[1][:-1], ""]),
        [],
        ["labels is missing", "(row 40)"],
    ),
    "unknown labels": (GOOD, ["--test", "odd.csv"], ["'tepid'", "not among the training labels"]),
    "no test file": (GOOD, ["--test", "no.csv"], ["there is no file no.csv"]),
    "large test": (GOOD, ["--test", "40"], ["--test 0.2"]),
    "unknown value": (GOOD, ["--unit", "wrod"], ["did you mean 'word'?"]),
    "unknown encoding": (GOOD, ["--encoding", "utf-9"], ["'utf-9'"]),
    "not UTF-8": (b"text,label\nfein,a\ngr\xfc\xdfe,b\n", [], ["line 3, byte 3"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    content, words, expected = BAD[case]
    if isinstance(content, bytes):
        (tmp_path / "bad.csv").write_bytes(content)
    elif content is not None:
        write_csv(tmp_path / "bad.csv", {"text": content[0], "label": content[1]})
    write_csv(tmp_path / "odd.csv", {"text": ["some", "more"], "label": ["tepid", "tepid"]})
    monkeypatch.setattr(Classifier, "fit", lambda *given, **named: pytest.fail("trained"))
    assert classify("bad.csv", *words) == 2
    told = capsys.readouterr().err
    assert "mistake in gatewise" not in told
    for word in expected:
        assert word in told
    assert not (tmp_path / "bad-classify").exists()


def test_flags_of_a_series_are_not_for_a_classifier(notes, capsys):
    assert classify("notes.csv", *COLUMNS, *SMALL) == 0
    capsys.readouterr()
    for verb in ("predict", "evaluate"):
        assert main([verb, "notes-classify/model", "notes.csv", "--sort", "--fill", "zero"]) == 2
        assert "--sort, --fill: not for this model" in capsys.readouterr().err
    assert main(["predict", "notes-classify/model", "notes.csv", "--text", "nte"]) == 2
    assert "did you mean 'note'?" in capsys.readouterr().err
