"""How runs over texts end: interrupted, quiet, as one JSON object; and what is cut off is told."""

from __future__ import annotations

import json
import re

import pytest
from shop import earlier_run, fingerprint

from gatewise import progress
from gatewise.cli import main
from gatewise.data.toys import reverse_pairs, toy_entities, toy_play, toy_reviews
from gatewise.training import Nobody

VERBS = ["classify", "tag", "generate", "translate"]
SMALL = ["--hidden-size", "4", "--embedding-size", "4"]
MORE = {"generate": ["--length", "20"], "translate": ["--beam", "1", "--embedding-size", "4"]}


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder to be in, with a good file `data` for each verb."""
    monkeypatch.chdir(tmp_path)
    toy_reviews(60).to_csv("classify.csv", index=False)
    found = toy_entities(60)
    sentences = zip(found.tokens, found.tags, strict=True)
    lines = ["".join(f"{a} {b}\n" for a, b in zip(*row, strict=True)) for row in sentences]
    (tmp_path / "tag.csv").write_text("\n".join(lines))
    (tmp_path / "generate.csv").write_text(toy_play(2000))
    pairs = reverse_pairs(60, length=3)
    rows = zip(pairs.sources, pairs.targets, strict=True)
    (tmp_path / "translate.csv").write_text(
        "source,target\n" + "".join(f"{a},{b}\n" for a, b in rows)
    )
    return tmp_path


def run(verb, *words):
    return main([verb, f"{verb}.csv", *SMALL, *MORE.get(verb, []), "--out", "out", *words])


class CtrlC(Nobody):
    """Interrupts the training at the first batch of an epoch."""

    def __init__(self, epoch):
        self.left = epoch - 1

    def tick(self):
        if self.left == 0:
            raise KeyboardInterrupt

    def epoch(self, record, best):
        self.left -= 1


@pytest.mark.parametrize("verb", VERBS)
def test_ctrl_c_while_training_keeps_the_best_so_far(verb, data, monkeypatch, capsys):
    monkeypatch.setattr(progress, "watch", lambda verbose: CtrlC(3))
    assert run(verb, "--epochs", "50") == 130
    metrics = json.loads((data / "out/metrics.json").read_text(encoding="utf-8"))
    assert metrics["history"]["stopped"] == "interrupted"
    assert len(metrics["history"]["records"]) == 2
    told = capsys.readouterr()
    assert "interrupted after epoch 2 of 50" in told.out
    assert "Traceback" not in told.err
    assert (data / "out/report.html").exists()
    assert main(["info", "out/model"]) == 0


@pytest.mark.parametrize("verb", VERBS)
def test_ctrl_c_before_the_first_epoch_writes_nothing(verb, data, monkeypatch, capsys):
    before = earlier_run(data / "out")
    monkeypatch.setattr(progress, "watch", lambda verbose: CtrlC(1))
    assert run(verb) == 130
    assert "error: interrupted; nothing was written" in capsys.readouterr().err
    assert fingerprint(data / "out") == before
    assert list(data.glob(".*")) == []


@pytest.mark.parametrize("verb", VERBS)
def test_quiet_and_json(verb, data, capsys):
    assert run(verb, "--epochs", "1", "--quiet", "--json") == 0
    told = capsys.readouterr()
    answer = json.loads(told.out, parse_constant=pytest.fail)
    assert told.err == ""
    assert answer["task"] == verb
    assert answer["out"]["report"] == "out/report.html"
    assert run(verb, "--epochs", "1", "--quiet") == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert "note: " not in told.out
    assert answer["evaluation"]["verdict"] in told.out
    assert run(verb, "--epochs", "1", "--json") == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["evaluation"] == answer["evaluation"]
    assert "epoch 1/1" in told.err


@pytest.mark.parametrize("verb", VERBS)
def test_a_diverged_run_exits_1_with_advice(verb, data, capsys):
    words = ["--learning-rate", "1e30", "--clip-norm", "none", "--optimizer", "sgd"]
    assert run(verb, "--epochs", "3", *words) == 1
    told = capsys.readouterr().err
    assert "diverged" in told
    assert "learning_rate" in told
    assert not (data / "out").exists()


@pytest.mark.parametrize(
    ("truncate", "expected"),
    [("end", "their end is not read"), ("middle", "their middle is not read")],
)
def test_a_text_that_is_too_long_is_cut_with_a_notice(truncate, expected, data, capsys):
    frame = toy_reviews(60)
    frame.loc[::2, "text"] += " and so on" * 50
    frame.to_csv("classify.csv", index=False)
    assert run("classify", "--max-length", "40", "--truncate", truncate, "--epochs", "1") == 0
    told = capsys.readouterr().out
    assert re.search("training part: [0-9]+ texts longer than 40 tokens", told)
    assert re.search("test part: [0-9]+ texts longer than 40 tokens", told)
    assert expected in told
    assert main(["predict", "out/model", "classify.csv"]) == 0
    assert expected in capsys.readouterr().err


def test_a_sequence_that_is_too_long_is_cut_with_a_notice(data, capsys):
    assert run("translate", "--max-length", "2", "--epochs", "1", "--unit", "word") == 0
    told = capsys.readouterr().out
    assert re.search("training sources: [0-9]+ texts longer than 2 tokens: their end", told)


@pytest.mark.parametrize("verb", VERBS)
def test_info_as_json_is_of_numbers_and_names(verb, data, capsys):
    assert run(verb, "--epochs", "1") == 0
    metrics = json.loads((data / "out/metrics.json").read_text(encoding="utf-8"))
    capsys.readouterr()
    assert main(["info", "out/model", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["task"] == verb
    assert told["parameters"] == metrics["parameters"]
    assert told["history"]["epochs"] == 1
    assert told["network"]["hidden_size"] == metrics["settings"]["network"]["hidden_size"]
    assert told["training"]["learning_rate"] == metrics["settings"]["training"]["learning_rate"]
    names = [*told, *told["data"], *told["params"], *told["history"]]
    assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in names)
