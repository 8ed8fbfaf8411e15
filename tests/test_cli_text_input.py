"""Text that cannot be used: exit 2, one clear message, no traceback, nothing written."""

from __future__ import annotations

import pytest
from shop import earlier_run, fingerprint

from gatewise import progress
from gatewise.cli import main
from gatewise.training import Nobody

TEXTS = "text,label\n" + "".join(f"text number {i},{'ab'[i % 2]}\n" for i in range(40))
SENTENCES = "".join(f"w{i}\tX\nand\tO\n\n" for i in range(40))
BOOK = "".join(f"Line {i} of a book.\n" for i in range(60))
PAIRS = "".join(f"{i}\t{i + 1}\n" for i in range(40))
GOOD = {"classify": TEXTS, "tag": SENTENCES, "generate": BOOK, "translate": PAIRS}
FOLDER = object()
# what is wrong -> (content of the file, words, what stderr must say), with every verb
COMMON = {
    "missing file": (None, [], ["there is no file bad.txt"]),
    "empty file": (b"", [], ["bad.txt is empty"]),
    "blank file": (b" \n\n", [], ["bad.txt is empty"]),
    "folder": (FOLDER, [], ["bad.txt"]),
    "binary file": (bytes(range(1, 128)) * 4 + b"\0\1" * 20, [], ["bad.txt"]),
    "picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", [], ["line 1, byte 1 is 0x89"]),
    "wrong encoding": (b"one\ta\nthree\tb\ngr\xfc\xdfe\tc\n", [], ["line 3, byte 3 is 0xFC"]),
    "unknown encoding": ("good", ["--encoding", "utf-9"], ["'utf-9' is not known"]),
    "large test": ("good", ["--test", "90000"], ["test=90000", "learn from"]),
    "no test": ("good", ["--test", "0"], ["test should be a share"]),
    "tiny test": ("good", ["--test", "0.00001"], ["test=1e-05"]),
    "no test file": ("good", ["--test", "no.txt"], ["there is no file no.txt"]),
    "empty test file": ("good", ["--test", "empty.txt"], ["empty.txt is empty"]),
    "unknown flag": ("good", ["--hiden-size", "8"], ["--hidden-size"]),
    "no number": ("good", ["--epochs", "many"], ["epochs should be", "'many'"]),
    "negative validation": ("good", ["--validation", "-1"], ["validation should be greater"]),
    "a loss": ("good", ["--loss", "mse"], ["leave loss out"]),
    "other task": ("good", ["--config", "other.json"], ["'gatewise forecast'"]),
    "unknown key": ("good", ["--config", "bad.yaml"], ["did you mean 'epochs'?"]),
    "a file as out": ("good", ["--out", "bad.txt"], ["is a file"]),
}
OWN = {
    "classify": {
        "one row": ("text,label\na,b\n", [], ["'b'", "nothing to tell apart"]),
        "one class": (TEXTS.replace(",b", ",a"), [], ["'a'", "nothing to tell apart"]),
        "empty texts": ("text,label\n,a\n ,b\n", [], ["all 2 texts are empty"]),
        "unseen label": ("good", ["--test", "odd.txt"], ["'tepid'", "not among the training"]),
        "wrong column": ("good", ["--text", "txt"], ["'txt' is not in bad.txt", "'text'?"]),
    },
    "tag": {
        "one sentence": ("a\tX\nb\tO\n", [], ["too few"]),
        "one tag": (SENTENCES.replace("X", "O"), [], ["'O'", "nothing to tell apart"]),
        "no tags": (SENTENCES.replace("\tX", "").replace("\tO", ""), [], ["no tags"]),
        "ragged": (SENTENCES + "a b c\n", [], ["line 121: 3 columns", "first line has 2"]),
        "unseen tag": ("good", ["--test", "odd.txt"], ["'label'", "not among the training tags"]),
    },
    "generate": {
        "short": (b"Hello.", [], ["too little to be judged on"]),
        "negative temperature": (
            "good",
            ["--temperature", "-1"],
            ["temperature should be greater"],
        ),
        "no temperature": ("good", ["--temperature", "nan"], ["temperature should be"]),
        "top_p": ("good", ["--top-p", "1.5"], ["top_p should be less"]),
        "top_k": ("good", ["--top-k", "0"], ["top_k should be greater"]),
        "length": ("good", ["--length", "0"], ["length should be greater"]),
        "samples": ("good", ["--samples", "0"], ["samples should be greater"]),
        "empty stop": ("good", ["--stop", ""], ["stop"]),
        "two ways": ("good", ["--bidirectional"], ["reads one way"]),
        "unit": ("good", ["--unit", "chars"], ["did you mean 'char'?"]),
    },
    "translate": {
        "one pair": (b"a\tb\n", [], ["too few"]),
        "no tab": (b"a\tb\nc d\n", [], ["line 2", "there is no tab"]),
        "empty sides": (b"a\t\n\tb\n", [], ["none of 2 pairs has text on both sides"]),
        "wrong column": ("good", ["--source", "en"], ["'en' is not in"]),
        "beam": ("good", ["--beam", "0"], ["beam should be greater"]),
        "length penalty": ("good", ["--length-penalty", "-1"], ["length_penalty should be"]),
        "attention": ("good", ["--attention", "aditive"], ["did you mean 'additive'?"]),
        "three files": ("good", ["odd.txt", "odd.txt"], ["3 files were given"]),
        "pooling": ("good", ["--pooling", "mean"], ["has no pooling"]),
    },
}
CASES = [
    (verb, name) for verb in GOOD for name in [*COMMON, *OWN[verb]]
]  # fmt: skip


class Untrained(Nobody):
    """Fails the test when a training begins."""

    def begin(self, epochs, batches):
        pytest.fail("trained")


@pytest.fixture(autouse=True)
def untrained(monkeypatch):
    """No training begins."""
    monkeypatch.setattr(progress, "watch", lambda verbose: Untrained())


@pytest.mark.parametrize(("verb", "name"), CASES)
def test_bad_input(verb, name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    content, words, expected = {**COMMON, **OWN[verb]}[name]
    bad = tmp_path / "bad.txt"
    if content is FOLDER:
        bad.mkdir()
        (bad / "a.bin").write_bytes(b"1")
    elif content == "good":
        bad.write_text(GOOD[verb])
    elif content is not None:
        bad.write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "odd.txt").write_text("text\tlabel\nsome\ttepid\n")
    (tmp_path / "bad.yaml").write_text("epoch: 3\n")
    (tmp_path / "other.json").write_text('{"gatewise": "1", "task": "forecast", "settings": {}}')
    before = earlier_run(tmp_path / "out")
    there = fingerprint(tmp_path)
    out = [] if "--out" in words else ["--out", "out"]
    assert main([verb, "bad.txt", *out, *words]) == 2
    told = capsys.readouterr()
    errors = [line for line in told.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "Traceback" not in told.err
    assert "mistake in gatewise" not in told.err
    for word in expected:
        assert word in told.err
    assert fingerprint(tmp_path / "out") == before
    assert fingerprint(tmp_path) == there
    assert list(tmp_path.glob(".*")) == []


def test_tokens_and_tags_of_unequal_count(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text('{"tokens": ["a", "b"], "tags": ["O"]}\n')
    assert main(["tag", "a.jsonl"]) == 2
    assert "sentence 1 has 2 tokens and 1 tags" in capsys.readouterr().err


def test_files_of_unequal_length(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("one\ntwo\nthree\n")
    (tmp_path / "b.txt").write_text("1\n2\n")
    assert main(["translate", "a.txt,b.txt"]) == 2
    assert "a.txt has 3 lines and b.txt has 2" in capsys.readouterr().err
    assert main(["translate", "a.txt,c.txt"]) == 2
    assert "there is no file c.txt" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", "b.txt"}
