"""N-grams looked up one step after the other are those of the whole text."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gatewise.batch import END, UNKNOWN
from gatewise.data.ngrams import GrowingNgrams
from gatewise.data.text import TextCodec

TEXTS = st.lists(st.text("abcd", min_size=1, max_size=20), min_size=1, max_size=5)


@given(TEXTS, TEXTS, st.integers(1, 4))
def test_step_by_step_and_all_at_once(learnt, read, n):
    codec = TextCodec.learn(learnt, "char", ngrams=n, ngram_min_count=1)
    whole = codec.encode(read, end=True).tokens  # (N, F), unknown tokens and ends among them
    grown = GrowingNgrams(codec.tables, codec.units)
    last = np.zeros((1, n), dtype=np.int32)
    for step in whole:
        last = grown.after(last, step[:1].astype(np.int64))
        assert last.tolist() == [step.tolist()]


def test_rows_grow_by_themselves():
    codec = TextCodec.learn(["abab", "bcbc"], "char", ngrams=3, ngram_min_count=1)
    grown = GrowingNgrams(codec.tables, codec.units)
    a, b, c = (codec.encode([one]).tokens[0, 0] for one in "abc")
    last = np.array([[a, 0, 0], [b, 0, 0], [END, 0, 0], [UNKNOWN, 0, 0]])
    after = grown.after(last, np.array([b, c, a, a]))
    names = [[codec.name(i) for i in row if i] for row in after]
    assert names == [["b", "ab"], ["c", "bc"], ["a"], ["a"]]
