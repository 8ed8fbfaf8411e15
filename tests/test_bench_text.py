"""The benches of text run, at tiny sizes, and read the real sets' formats."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

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


def test_sets_are_lists_of_what_is_read_and_of_labels(tmp_path):
    import sets

    for half in ("train", "test"):
        with gzip.open(tmp_path / f"raw.TREC.{half}.gz", "wt", encoding="latin-1") as file:
            file.write("HUM:ind Who was Olé ?\nNUM:count How many ?\n")
    train, test = sets.trec(tmp_path)
    assert train == test == (["Who was Olé ?", "How many ?"], ["HUM", "NUM"])


def test_a_set_that_is_not_there_ends_the_bench_in_words(tmp_path):
    import sets

    with pytest.raises(SystemExit, match="gatewise data get hotel-reviews"):
        sets.hotel(tmp_path)
