"""`gatewise translate`, and predict and evaluate on what it leaves."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from gatewise.cli import main, translate_run
from gatewise.cli.translate_options import TranslateOptions
from gatewise.data.toys import reverse_pairs
from gatewise.tasks.shared import parameter_names
from gatewise.tasks.translator import Translator

SMALL = ["--epochs", "2", "--hidden-size", "8", "--beam", "2", "--quiet"]


def written(folder, name, rows):
    path = folder / name
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def turned(tmp_path, monkeypatch):
    """A folder to be in, with `turned.tsv`: numbers, and the same backwards."""
    monkeypatch.chdir(tmp_path)
    pairs = reverse_pairs(80, length=3)
    rows = zip(pairs.sources, pairs.targets, strict=True)
    written(tmp_path, "turned.tsv", [f"{a}\t{b}" for a, b in rows])
    written(tmp_path, "a.txt", pairs.sources)
    written(tmp_path, "b.txt", pairs.targets)
    return tmp_path


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


def test_every_argument_of_the_python_class_is_a_flag():
    arguments = set(parameter_names(Translator))
    # the attention is a field of the network, and a flag as such
    known = {*translate_run.PARAMETERS, "attention", "verbose", "network", "training"}
    assert arguments == known
    options, model = TranslateOptions(), Translator()
    for name in translate_run.PARAMETERS:
        assert getattr(options, name) == getattr(model, name), name


def test_a_run_its_answers_and_the_same_again(turned, capsys):
    words = [*SMALL, "--attention", "multiplicative"]
    assert main(["translate", "turned.tsv", *words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    out = turned / "turned-translate"
    first = metrics(out)
    assert first == {key: value for key, value in told.items() if key != "out"}
    assert first["settings"]["network"]["attention"] == "multiplicative"
    left = {path.name for path in out.iterdir()}
    assert left == {"model", "report.html", "predictions.csv", "metrics.json", "run.jsonl"}

    answers = pd.read_csv(out / "predictions.csv", keep_default_na=False)
    data = pd.read_csv("turned.tsv", sep="\t", header=None).iloc[answers["row"] - 1]
    assert len(answers) == 16
    assert answers["source"].tolist() == data[0].tolist()
    assert answers["reference"].tolist() == data[1].tolist()
    scores = first["evaluation"]["scores"]["network"]
    assert scores["exact match"] == pytest.approx((answers["told"] == answers["reference"]).mean())

    data.to_csv("held.tsv", sep="\t", header=False, index=False)
    written(turned, "held.txt", data[0])
    model = "turned-translate/model"
    for name in ("held.txt", "held.tsv"):
        assert main(["predict", model, name, "--out", "said.csv"]) == 0
        said = pd.read_csv("said.csv", keep_default_na=False)
        assert said["source"].tolist() == answers["source"].tolist()
        assert said["told"].tolist() == answers["told"].tolist()
    capsys.readouterr()
    assert main(["evaluate", model, "held.tsv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"]["network"] == pytest.approx(scores)
    assert main(["evaluate", model, "held.tsv", "--json", "--beam", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["beam"] == 1

    again = ["translate", "turned.tsv", "--config", str(out / "metrics.json"), "--quiet"]
    assert main([*again, "--out", "again"]) == 0
    second = metrics(turned / "again")
    assert second["settings"] == first["settings"]
    assert second["evaluation"] == first["evaluation"]
    assert first["evaluation"]["verdict"] in capsys.readouterr().out


def test_two_files_and_a_table_are_the_same_pairs(turned):
    own = TranslateOptions()
    pairs = reverse_pairs(80, length=3)
    frame = pd.DataFrame({"id": range(80), "en": pairs.sources, "de": pairs.targets})
    frame.to_csv("table.csv", index=False)
    plain = translate_run.read("turned.tsv", own)
    named = own.replace(source="en", target="de")
    for parts in (translate_run.read("a.txt,b.txt", own), translate_run.read("table.csv", named)):
        assert parts.train.sources == plain.train.sources
        assert parts.test.targets == plain.test.targets
    tested = translate_run.read("turned.tsv", own.replace(test="a.txt,b.txt", keep_duplicates=True))
    assert tested.test.sources == pairs.sources


def test_two_files_name_the_folder_by_the_first(turned, capsys):
    for files in (["a.txt", "b.txt"], ["a.txt,b.txt"]):
        assert main(["translate", *files, *SMALL]) == 0
        assert (turned / "a-translate/model").is_dir()
        assert metrics(turned / "a-translate")["data"] == "a.txt,b.txt"


def test_rows_are_lines_of_the_file(turned):
    lines = (turned / "turned.tsv").read_text().splitlines()
    lines[3:3] = ["", "7\t"]
    written(turned, "gaps.tsv", lines)
    parts = translate_run.read(str(turned / "gaps.tsv"), TranslateOptions(keep_duplicates=True))
    assert any("(row 5)" in note for note in parts.notes)
    assert [lines[row - 1].split("\t")[0] for row in parts.rows] == parts.test.sources


def test_copies_of_a_source_stay_on_one_side(turned):
    pairs = reverse_pairs(30, length=2)
    rows = [f"{a}\t{b}" for a, b in zip(pairs.sources, pairs.targets, strict=True)]
    written(turned, "twice.tsv", [*rows, *(f"{row} 1" for row in rows)])
    parts = translate_run.read("twice.tsv", TranslateOptions())
    assert not set(parts.train.sources) & set(parts.test.sources)
    assert any("occur more than once" in note for note in parts.notes)


def test_lines_with_tabs_are_rows_of_a_table(turned, capsys):
    assert main(["translate", "turned.tsv", *SMALL]) == 0
    model = "turned-translate/model"
    for name, first in (("rows.txt", []), ("named.txt", ["note\tsrc"]), ("rows", [])):
        rows = [*first, *(["a\t1 2 3", "b\t4 5"] if first else ["1 2 3\ta", "", "4 5\tb"])]
        written(turned, name, rows)
        capsys.readouterr()
        assert main(["predict", model, name, "--json"]) == 0
        told = capsys.readouterr()
        assert [one for one in json.loads(told.out)["source"] if one] == ["1 2 3", "4 5"]
        assert ("have tabs: what stands before the first is read" in told.err) == (not first)
    written(turned, "table.csv", ["a,b", "1 2,x"])
    assert main(["predict", model, "table.csv"]) == 0
    assert "column 'a' was taken as the source" in capsys.readouterr().err


def test_two_files_are_judged_as_they_are_learnt_from(turned, capsys):
    assert main(["translate", "turned.tsv", *SMALL]) == 0
    model = "turned-translate/model"
    told = []
    for words in (["a.txt,b.txt"], ["a.txt", "b.txt"]):
        capsys.readouterr()
        assert main(["evaluate", model, *words, "--json"]) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[0] == told[1]
    assert main(["evaluate", model, "a.txt", "b.txt", "a.txt"]) == 2
    assert "3 files were given" in capsys.readouterr().err


def test_sources_that_cannot_be_translated(turned, capsys):
    assert main(["translate", "turned.tsv", *SMALL]) == 0
    model = "turned-translate/model"
    written(turned, "gap.txt", ["1 2", "", "3 4"])
    capsys.readouterr()
    assert main(["predict", model, "gap.txt"]) == 0
    told = capsys.readouterr()
    assert "1 empty source has an empty answer" in told.err
    assert told.out.splitlines()[2] == "2,,"
    written(turned, "blank.jsonl", ['{"source": null}', '{"source": " "}'])
    assert main(["predict", model, "blank.jsonl"]) == 2
    assert "blank.jsonl holds nothing to translate" in capsys.readouterr().err
    written(turned, "table.csv", ["x,src", "a,1 2 3"])
    assert main(["predict", model, "table.csv"]) == 0
    assert "1,1 2 3," in capsys.readouterr().out
    assert main(["predict", model, "table.csv", "--source", "scr"]) == 2
    assert "did you mean 'src'?" in capsys.readouterr().err
    written(turned, "long.txt", ["1 " * 400 + "xx", "2 q"])
    assert main(["predict", model, "long.txt"]) == 0
    told = capsys.readouterr().err
    assert "its end is not read" in told
    assert "unknown" in told
    for words in (["--beam", "0"], ["--length-penalty", "nan"]):
        assert main(["predict", model, "a.txt", *words]) == 2
        assert words[0][2:].replace("-", "_") in capsys.readouterr().err
