"""`gatewise tag`, and predict and evaluate on what it leaves."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from gatewise.cli import main, tag_run
from gatewise.cli.tag_options import TagOptions
from gatewise.data.conll import parse_conll
from gatewise.data.toys import toy_entities
from gatewise.tasks.shared import parameter_names
from gatewise.tasks.tagger import Tagger

SMALL = ["--epochs", "2", "--hidden-size", "4", "--embedding-size", "4", "--quiet"]


def conll(tokens, tags, separator=" "):
    sentences = zip(tokens, tags, strict=True)
    lines = [
        "\n".join(f"{t}{separator}{g}" for t, g in zip(*row, strict=True)) for row in sentences
    ]
    return "\n\n".join(lines) + "\n"


@pytest.fixture
def names(tmp_path, monkeypatch):
    """A folder to be in, with `names.conll`."""
    monkeypatch.chdir(tmp_path)
    found = toy_entities(80)
    (tmp_path / "names.conll").write_text(conll(found.tokens, found.tags), encoding="utf-8")
    return tmp_path


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


def test_every_argument_of_the_python_class_is_a_flag():
    arguments = set(parameter_names(Tagger))
    assert arguments - {"verbose", "network", "training"} == set(tag_run.PARAMETERS)
    options, model = TagOptions(), Tagger()
    for name in tag_run.PARAMETERS:
        assert getattr(options, name) == getattr(model, name), name


def test_a_run_its_answers_and_the_same_again(names, capsys):
    assert main(["tag", "names.conll", *SMALL, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    out = names / "names-tag"
    first = metrics(out)
    assert first == {key: value for key, value in told.items() if key != "out"}
    assert set(first["tags"]) >= {"O", "B-PER", "I-PER"}
    left = {path.name for path in out.iterdir()}
    assert left == {"model", "report.html", "predictions.csv", "metrics.json", "run.jsonl"}

    answers = pd.read_csv(out / "predictions.csv")
    tokens, tags = parse_conll((names / "names.conll").read_text(), "names.conll")
    for number, rows in answers.groupby("sentence"):
        assert rows["token"].tolist() == tokens[number - 1]
        assert rows["tag"].tolist() == tags[number - 1]
    right = float((answers["told"] == answers["tag"]).mean())
    scores = first["evaluation"]["scores"]["network"]
    assert scores["token accuracy"] == pytest.approx(right)

    held = [number - 1 for number in dict.fromkeys(answers["sentence"])]
    (names / "held.conll").write_text(
        conll([tokens[i] for i in held], [tags[i] for i in held], "\t"), encoding="utf-8"
    )
    model = "names-tag/model"
    assert main(["predict", model, "held.conll", "--out", "said.conll"]) == 0
    said = parse_conll((names / "said.conll").read_text(), "said.conll")
    assert said[0] == [tokens[i] for i in held]
    assert [tag for row in said[1] for tag in row] == answers["told"].tolist()
    capsys.readouterr()
    assert main(["evaluate", model, "held.conll", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"]["network"] == pytest.approx(scores)
    assert main(["info", model]) == 0
    assert "B-PER" in capsys.readouterr().out

    again = ["tag", "names.conll", "--config", str(out / "metrics.json"), "--quiet"]
    assert main([*again, "--out", "again"]) == 0
    second = metrics(names / "again")
    assert second["settings"] == first["settings"]
    assert second["evaluation"] == first["evaluation"]
    assert first["evaluation"]["verdict"] in capsys.readouterr().out


def test_tokens_alone_are_tagged_and_told_as_one_object(names, capsys):
    assert main(["tag", "names.conll", *SMALL]) == 0
    (names / "bare.conll").write_text("Ada\nflew\n\nBo\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["predict", "names-tag/model", "bare.conll"]) == 0
    shown = capsys.readouterr().out
    tokens, tags = parse_conll(shown, "stdout")
    assert tokens == [["Ada", "flew"], ["Bo"]]
    assert main(["predict", "names-tag/model", "bare.conll", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["sentences"]
    assert [row["tokens"] for row in rows] == tokens
    assert [row["tags"] for row in rows] == tags
    assert main(["evaluate", "names-tag/model", "bare.conll"]) == 2
    assert "bare.conll has tokens and no tags" in capsys.readouterr().err
    (names / "line.conll").write_text("Ada flew home .\n", encoding="utf-8")
    assert main(["predict", "names-tag/model", "line.conll"]) == 0
    assert "each line should be one token" in capsys.readouterr().err
    (names / "lines.csv").write_text("Ada flew home\nBo flew\n", encoding="utf-8")
    assert main(["predict", "names-tag/model", "lines.csv"]) == 2
    assert "plain text is read from a file that ends with .txt" in capsys.readouterr().err
    assert main(["predict", "names-tag/model", "bare.conll", "--text", "a"]) == 2
    assert "--text: not for this model" in capsys.readouterr().err
    assert main(["predict", "names-tag/model", "bare.conll", "--out", "bare.conll"]) == 2
    assert "is DATA itself" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "expected", "how"),
    [
        (
            "Ada flew home.\n\nBo, too\n",
            [["Ada", "flew", "home", "."], ["Bo", ",", "too"]],
            "words and marks",
        ),
        ("Ada flew home .\nBo U.N. , too\n", [["Ada", "flew", "home", "."], None], "its spaces"),
        ("Ada flew home\nBo went too\n", [["Ada", "flew", "home"], ["Bo", "went", "too"]], "cut"),
        ("Ada flew home\n", [["Ada", "flew", "home"]], "cut"),
        ("Ada\nflew\n\nBo\n", [["Ada", "flew"], ["Bo"]], None),
        ("她来了。\n走\n好吗？\n", [[*"她来了。"], ["走"], [*"好吗？"]], "words and marks"),
        ("Ada\tB-PER\nflew\tO\n", [["Ada", "flew"]], None),
        ("Ada NN B-PER\nflew V O\n\nBo NN O\n", [["Ada", "flew"], ["Bo"]], None),
    ],
)
def test_a_text_file_may_hold_a_sentence_on_each_line(content, expected, how, names, capsys):
    assert main(["tag", "names.conll", *SMALL]) == 0
    (names / "lines.txt").write_text(content, encoding="utf-8")
    capsys.readouterr()
    assert main(["predict", "names-tag/model", "lines.txt", "--out", "told.conll"]) == 0
    told = capsys.readouterr().err
    tokens, tags = parse_conll((names / "told.conll").read_text(encoding="utf-8"), "told.conll")
    expected = [["Bo", "U.N.", ",", "too"] if row is None else row for row in expected]
    assert tokens == expected
    assert tags is not None
    assert (how in told and "lines.txt is read as text" in told) if how else "note" not in told


def test_what_a_file_for_the_test_holds_is_not_learnt_from(names):
    found = toy_entities(60, seed=1)
    (names / "test.conll").write_text(conll(found.tokens, found.tags), encoding="utf-8")
    options = TagOptions(test="test.conll")
    parts = tag_run.read(names / "names.conll", options)
    held = {tuple(tokens) for tokens in parts.test.tokens}
    assert len(parts.test) == 60
    assert not held & {tuple(tokens) for tokens in parts.train.tokens}
    assert any("are not learnt from: test.conll" in note for note in parts.notes)
    kept = tag_run.read(names / "names.conll", options.replace(keep_duplicates=True))
    assert len(kept.train) == 80


def test_a_tag_of_the_test_alone_is_always_wrong(names, capsys):
    found = toy_entities(20, seed=5)
    tags = [list(row) for row in found.tags]
    place = next(i for i, row in enumerate(tags) if "B-PER" in row)
    tags[place] = [tag.replace("PER", "EVENT") for tag in tags[place]]
    (names / "odd.conll").write_text(conll(found.tokens, tags), encoding="utf-8")
    words = ["--test", "odd.conll", "--keep-duplicates"]
    assert main(["tag", "names.conll", *SMALL, *words]) == 0
    first = metrics(names / "names-tag")
    assert any("'B-EVENT'" in note for note in first["notes"])
    answers = pd.read_csv(names / "names-tag/predictions.csv", keep_default_na=False)
    accuracy = (answers["tag"] == answers["told"]).mean()
    scores = first["evaluation"]["scores"]["network"]
    assert scores["token accuracy"] == pytest.approx(accuracy)
    assert first["evaluation"]["by_type"]["network"]["EVENT"]["recall"] == 0
    capsys.readouterr()
    assert main(["evaluate", "names-tag/model", "odd.conll"]) == 0
    assert "each counts as wrong" in capsys.readouterr().out


def test_sentences_keep_their_numbers(names):
    found = toy_entities(30)
    rows = [{"tokens": t, "tags": g} for t, g in zip(found.tokens, found.tags, strict=True)]
    rows.insert(0, {"tokens": [], "tags": []})
    (names / "gap.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    parts = tag_run.read(names / "gap.jsonl", TagOptions(keep_duplicates=True))
    assert [rows[row - 1]["tokens"] for row in parts.rows] == parts.test.tokens


def test_copies_stay_on_one_side(names):
    parts = tag_run.read(names / "names.conll", TagOptions())
    held = {tuple(tokens) for tokens in parts.test.tokens}
    assert not held & {tuple(tokens) for tokens in parts.train.tokens}
    assert len(parts.train) + len(parts.test) == 80
