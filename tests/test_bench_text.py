"""The benches of text run, at tiny sizes, and read the real sets' formats."""

from __future__ import annotations

import gzip
import json
import lzma
import sys
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"


@pytest.fixture(autouse=True)
def bench_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))
    yield
    for path in BENCH.glob("*.py"):
        sys.modules.pop(path.stem, None)


def test_packed_and_padded_are_the_same_network_and_take_their_turns(monkeypatch):
    import padded_training

    monkeypatch.setattr(padded_training, "TEXTS", 12)
    monkeypatch.setattr(padded_training, "LONGEST", 15)
    seconds = padded_training.compare(4, 5, rounds=2)
    assert set(seconds) == {"ours", "packed"}
    assert all(len(taken) == 2 for taken in seconds.values())


def test_a_half_of_reviews_leaves_out_what_stands_in_the_other(tmp_path):
    import sets

    (tmp_path / "imdb").mkdir()
    halves = {"train": ["good film\u0085 really", "bad film"], "test": ["bad film", "fine film"]}
    for half, texts in halves.items():
        rows = [
            json.dumps({"text": t, "label": i}, ensure_ascii=False) for i, t in enumerate(texts)
        ]
        with lzma.open(tmp_path / "imdb" / f"{half}.jsonl.xz", "wt", encoding="utf-8") as file:
            file.write("\n".join(rows) + "\n")
    (texts, labels), test = sets.imdb(tmp_path)
    assert (texts, labels) == (["good film\u0085 really"], [0])
    assert test == (["bad film", "fine film"], [0, 1])


def test_questions_and_vowels_are_read_as_they_are_written(tmp_path):
    import sets

    for half in ("train", "test"):
        with gzip.open(tmp_path / f"TREC.{half}.all.gz", "wt", encoding="latin-1") as file:
            file.write("0 Who was Olé ?\n4 How many ?\n")
    train, _ = sets.trec(tmp_path)
    assert train == (["Who was Olé ?", "How many ?"], ["0", "4"])
    for half in ("TRAIN", "TEST"):
        with gzip.open(tmp_path / f"JapaneseVowels_{half}.ts.gz", "wt") as file:
            file.write("# words\n@data\n1,2,3:4,5,6:a\n1,2,?:7,8,?:b\n")
    (sequences, labels), _ = sets.vowels(tmp_path)
    assert labels == ["a", "b"]
    np.testing.assert_array_equal(sequences[0], [[1, 4], [2, 5], [3, 6]])
    assert sequences[1].shape == (2, 2)


def test_a_set_that_is_not_there_ends_the_bench_in_words(tmp_path):
    import sets

    with pytest.raises(SystemExit, match="no ChnSentiCorp"):
        sets.hotel(tmp_path)
