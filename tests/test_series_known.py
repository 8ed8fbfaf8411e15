"""Series are known again by their rows; names that read alike are one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from gatewise.data.table import read_series
from gatewise.tasks import forecaster_rows
from gatewise.tasks.forecaster_rows import LearntRows, learnt_rows, seen_of_each


def table(lengths: np.ndarray, seed: int = 0, still: int = 0) -> object:
    """Series of random values, the first `still` rows of each 0."""
    rng = np.random.default_rng(seed)
    parts = [np.concatenate([np.zeros(still), rng.normal(size=n)])[:n] for n in lengths]
    names = np.repeat(np.arange(len(lengths)) + 1000 * seed, lengths)
    frame = pd.DataFrame({"name": names, "y": np.concatenate(parts)})
    return read_series(frame, target="y", series="name")


@pytest.mark.parametrize("still", [0, 40])
def test_what_was_learnt_is_found_in_longer_rows_under_any_name(still: int) -> None:
    rng = np.random.default_rng(1)
    longer = table(rng.integers(2, 60, size=40), still=still)
    cut = np.maximum(longer.lengths - rng.integers(0, 5, size=40), 2)
    begins = longer.bounds[:-1]
    short = longer.select(begins, begins + cut)
    known = learnt_rows(short, short)
    found = seen_of_each(known, longer)
    # what a comparison of every pair finds
    for part, seen in zip(longer.parts(), found, strict=True):
        values = part.values[:, 0]
        alike = [
            len(own)
            for own in short.parts()
            if len(own) <= len(values) and np.array_equal(own.values[:, 0], values[: len(own)])
        ]
        assert seen == max(alike, default=0)
    old = [LearntRows(**{**rows.to_dict(), "head": None}) for rows in known]
    assert seen_of_each(old, longer).tolist() == found.tolist()


def test_strangers_are_told_by_their_first_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = np.arange(20, 320)
    learnt = table(lengths)
    known = learnt_rows(learnt, learnt)
    asked = []
    digest = forecaster_rows._digest
    monkeypatch.setattr(
        forecaster_rows, "_digest", lambda values: asked.append(len(values)) or digest(values)
    )
    assert not seen_of_each(known, table(lengths, seed=1)).any()
    assert seen_of_each(known, learnt).tolist() == lengths.tolist()
    assert len(asked) == 3 * len(lengths)  # the first rows of each twice, all rows of each once


def test_names_that_read_alike_are_one_series() -> None:
    """As a reader leaves them that guesses the kind of a column part by part."""
    frame = pd.DataFrame({"shop": [7, 8, "7", "8", 7], "y": np.arange(5.0)})
    found = read_series(frame, target="y", series="shop")
    assert found.series == ("7", "8")
    assert found.values[:, 0].tolist() == [0.0, 2.0, 4.0, 1.0, 3.0]
