"""`gatewise generate`, from a text and from a saved model; predict and evaluate on the latter."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest
from rich.console import Console

import gatewise
from gatewise.cli import generate_run, main, samples
from gatewise.cli.generate_options import GenerateOptions, unescaped
from gatewise.data.toys import toy_play
from gatewise.tasks.generator import Generator
from gatewise.tasks.generator_writing import TextSteps
from gatewise.tasks.shared import parameter_names

TINY = ["--epochs", "2", "--hidden-size", "8", "--embedding-size", "4"]
SMALL = [*TINY, "--length", "40", "--quiet"]


@pytest.fixture
def play(tmp_path, monkeypatch):
    """A folder to be in, with `play.txt`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "play.txt").write_text(toy_play(3000), encoding="utf-8")
    return tmp_path


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model of a small play."""
    folder = tmp_path_factory.mktemp("saved")
    play = folder / "play.txt"
    play.write_text(toy_play(3000), encoding="utf-8")
    assert main(["generate", str(play), *SMALL, "--out", str(folder / "out")]) == 0
    return str(folder / "out/model")


def metrics(folder):
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


def test_every_argument_of_the_python_class_is_a_flag():
    arguments = set(parameter_names(Generator))
    assert arguments - {"verbose", "network", "training"} == set(generate_run.PARAMETERS)
    options, model = GenerateOptions(), Generator()
    for name in generate_run.PARAMETERS:
        assert getattr(options, name) == getattr(model, name), name


def test_a_run_its_samples_and_the_same_again(play, capsys):
    words = ["--prompt", r"ARLO:\n", "--samples", "2", *SMALL]
    assert main(["generate", "play.txt", *words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    out = play / "play-generate"
    first = metrics(out)
    assert first == {key: value for key, value in told.items() if key != "out"}
    left = {path.name for path in out.iterdir()}
    assert left == {"model", "report.html", "samples.txt", "metrics.json", "run.jsonl"}
    assert first["prompt"] == "ARLO:\n"
    assert [len(text) for text in first["samples"]] == [40, 40]
    written = (out / "samples.txt").read_text(encoding="utf-8")
    for text in first["samples"]:
        assert f"ARLO:\n{text}" in written

    model = gatewise.load(out / "model")
    assert model.generate("ARLO:\n", length=40, samples=2) == first["samples"]
    whole = (play / "play.txt").read_text(encoding="utf-8")
    held = whole[-first["evaluation"]["characters"] - 1 :]
    (play / "end.txt").write_text(held, encoding="utf-8")
    assert main(["evaluate", str(out / "model"), "end.txt", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert scores["network"] == pytest.approx(first["evaluation"]["scores"]["network"])

    again = ["generate", "play.txt", "--config", str(out / "metrics.json"), "--quiet"]
    assert main([*again, "--out", "again"]) == 0
    second = metrics(play / "again")
    for name in ("settings", "evaluation", "samples"):
        assert second[name] == first[name]
    shown = capsys.readouterr().out
    assert first["evaluation"]["verdict"] in shown
    assert f"ARLO:\n{first['samples'][1]}" in shown


def test_the_end_is_kept_from_training_and_begins_a_line(play):
    text = (play / "play.txt").read_text(encoding="utf-8")
    parts = generate_run.read(play / "play.txt", GenerateOptions())
    assert parts.train + parts.test == text
    assert parts.train.endswith("\n")
    assert 300 <= len(parts.test) < 500
    counted = generate_run.read(play / "play.txt", GenerateOptions(test=1000))
    assert 1000 <= len(counted.test) <= 1200
    (play / "other.txt").write_text("Another text of some length.", encoding="utf-8")
    beside = generate_run.read(play / "play.txt", GenerateOptions(test="other.txt"))
    assert (beside.train, beside.test) == (text, "Another text of some length.")


def test_a_saved_model_writes(saved, tmp_path, capsys):
    model = gatewise.load(saved)
    words = ["--prompt", "ARLO: ", "--length", "30", "--temperature", "0.7", "--seed", "3"]
    expected = model.generate("ARLO: ", length=30, temperature=0.7, seed=3)
    assert main(["generate", saved, *words]) == 0
    assert capsys.readouterr().out == f"ARLO: {expected}\n"
    assert main(["generate", saved, *words, "--out", str(tmp_path / "a.txt")]) == 0
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == f"ARLO: {expected}\n"
    capsys.readouterr()
    assert main(["generate", saved, *words, "--samples", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["prompt"] == "ARLO: "
    assert len(found["samples"]) == 2


def test_the_likeliest_and_stop_strings(saved, capsys):
    model = gatewise.load(saved)
    assert main(["generate", saved, "--temperature", "0", "--length", "20"]) == 0
    greedy = capsys.readouterr().out
    assert greedy == model.generate(temperature=0, length=20) + "\n"
    assert main(["generate", saved, "--temperature", "0", "--length", "20", "--seed", "5"]) == 0
    assert capsys.readouterr().out == greedy
    assert main(["generate", saved, "--stop", r"\n", "--length", "300"]) == 0
    assert capsys.readouterr().out.count("\n") == 1


def test_an_empty_and_an_unknown_prompt(saved, capsys):
    assert main(["generate", saved, "--prompt", "", "--length", "5"]) == 0
    assert len(capsys.readouterr().out) == 6
    assert main(["generate", saved, "--prompt", "語", "--length", "5"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("語")
    assert "1 token of the prompt never stood in the text" in told.err
    assert main(["generate", saved, "--prompt", "語", "--length", "5", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--epochs", "3", "--unit", "word"], "--unit, --epochs: not for a saved model"),
        (["--temperature", "-1"], "temperature should be greater"),
        (["--stop", ""], "stop should be a text"),
        (["--top-p", "0"], "top_p should be greater"),
    ],
)
def test_what_a_saved_model_does_not_take(saved, words, expected, capsys):
    assert main(["generate", saved, *words]) == 2
    told = capsys.readouterr()
    assert expected in told.err
    assert told.out == ""


def test_a_folder_without_a_generator(saved, tmp_path, capsys):
    (tmp_path / "texts").mkdir()
    assert main(["generate", str(tmp_path / "texts")]) == 2
    assert "or give a text file to learn from" in capsys.readouterr().err
    assert main(["generate", saved.removesuffix("/model")]) == 2
    assert f"did you mean {saved}" in capsys.readouterr().err


def test_each_line_is_a_prompt(saved, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompts.txt").write_text("ARLO: \n\nI saw\n", encoding="utf-8")
    words = ["--length", "8", "--samples", "2"]
    assert main(["predict", saved, "prompts.txt", *words, "--out", "said.csv"]) == 0
    said = pd.read_csv("said.csv", keep_default_na=False)
    assert said["prompt"].tolist() == ["ARLO: "] * 2 + [""] * 2 + ["I saw"] * 2
    assert said["sample"].tolist() == [1, 2] * 3
    model = gatewise.load(saved)
    assert said["text"].tolist()[4:] == model.generate("I saw", length=8, samples=2)
    said.to_json("said.jsonl", orient="records", lines=True)
    capsys.readouterr()
    assert main(["predict", saved, "said.jsonl", "--text", "text", "--length", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["prompt"] == said["text"].tolist()
    assert main(["predict", saved, "prompts.txt", "--beam", "2"]) == 2
    assert "--beam: not for this model" in capsys.readouterr().err


def test_words_of_a_table(play, capsys):
    (play / "play.txt").rename("play.csv")
    words = [*TINY, "--unit", "word", "--length", "3", "--prompt", "I saw "]
    assert main(["generate", "play.csv", *words]) == 0
    assert "play.csv is read as plain text" in capsys.readouterr().out
    assert metrics(play / "play-generate")["prompt"] == "I saw"
    assert main(["generate", "play-generate/model", "--prompt", "I saw ", "--length", "3"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("I saw")
    assert "  " not in told


@pytest.fixture
def ctrl_c(monkeypatch):
    """Interrupts the writing at the third token."""

    def at(count):
        left, step = [count], TextSteps.step

        def stepped(*given):
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt
            return step(*given)

        monkeypatch.setattr(TextSteps, "step", stepped)

    return at


def test_ctrl_c_while_writing_keeps_what_was_learnt(play, ctrl_c, capsys):
    ctrl_c(3)
    assert main(["generate", "play.txt", *TINY]) == 130
    told = metrics(play / "play-generate")
    assert [len(text) for text in told["samples"]] == [3]
    assert "writing was interrupted" in told["notes"]
    assert (play / "play-generate/report.html").exists()
    assert main(["info", "play-generate/model"]) == 0


@pytest.mark.parametrize("words", [[], ["--samples", "2"], ["--stop", "never"]])
def test_ctrl_c_keeps_what_a_saved_model_has_written(words, saved, tmp_path, ctrl_c, capsys):
    model = gatewise.load(saved)
    begun = model.generate("ARLO: ", length=20)[:3]
    ctrl_c(3)
    assert main(["generate", saved, "--prompt", "ARLO: ", "--length", "20", *words]) == 130
    told = capsys.readouterr()
    assert f"ARLO: {begun}\n" in told.out
    assert "writing was interrupted" in told.err
    (tmp_path / "prompts.txt").write_text("ARLO: \nI saw\nMIRA: \n")
    ctrl_c(25)
    asked = ["--length", "20", *words, "--out", str(tmp_path / "said.csv")]
    assert main(["predict", saved, str(tmp_path / "prompts.txt"), *asked]) == 130
    assert "interrupted at prompt 2 of 3" in capsys.readouterr().err
    said = pd.read_csv(tmp_path / "said.csv", keep_default_na=False)
    assert said["row"].unique().tolist() == [1, 2]
    assert said["text"].iloc[0] == model.generate("ARLO: ", length=20)[:20]


def test_what_was_typed_with_a_backslash():
    assert unescaped(r"ARLO:\n\tI") == "ARLO:\n\tI"
    assert unescaped(r"a\\nb") == r"a\nb"
    assert unescaped("a\\") == "a\\"
    assert unescaped(r"\x \\") == "\\x \\"
    assert unescaped(r"\\\n") == "\\\n"


class Pieces:
    """A generator that writes a few pieces, then meets Ctrl-C."""

    def __init__(self, *pieces, interrupted=False):
        self.pieces, self.interrupted = pieces, interrupted

    def stream(self, prompt, **how):
        yield from self.pieces
        if self.interrupted:
            raise KeyboardInterrupt


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_terminal_sees_the_text_as_it_is_written(interrupted):
    screen = io.StringIO()
    live = Console(file=screen, force_terminal=True, color_system=None, highlight=False)
    model = Pieces("he", "llo\x1b[2J", interrupted=interrupted)
    texts = samples.write(model, "[b]P", {"samples": 1}, live)
    assert texts == (["hello\x1b[2J"], interrupted)
    assert screen.getvalue() == "[b]Phello\ufffd[2J\n"  # nothing steers the terminal
