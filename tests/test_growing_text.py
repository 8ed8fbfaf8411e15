"""Text that grows is at its end exactly the text of all tokens, cut before the first stop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise.decoding.growing_text import GrowingText
from gatewise.decoding.sampling import Sampling, sample
from gatewise.decoding.stepper import Step
from gatewise.errors import UsageError

WORDS = ["", "a", "b", "ab", "ba", "aab", "\n"]
ids = st.lists(st.integers(0, len(WORDS) - 1), max_size=25)


def joined(tokens):
    return "".join(WORDS[token] for token in tokens)


def spaced(tokens):
    return " ".join(WORDS[token] for token in tokens if WORDS[token])


def cut(text, stops):
    """Before the stop string that is complete first; character by character."""
    for end in range(len(text) + 1):
        met = [stop for stop in stops if text[:end].endswith(stop)]
        if met:
            return text[: end - max(map(len, met))], True
    return text, False


@settings(max_examples=300, deadline=None)
@given(
    ids,
    st.lists(st.text("ab\n ", min_size=1, max_size=5), max_size=3),
    ids,
    st.sampled_from([joined, spaced]),
)
def test_the_text_is_that_of_all_tokens_cut_at_the_first_stop(tokens, stops, before, decode):
    growing = GrowingText(decode, stops, before)
    whole = decode([*before, *tokens])[len(decode(before)) :]
    truth, stopped = cut(whole, stops)
    taken = ""
    for count, token in enumerate(tokens, 1):
        met = growing.add(token)
        taken += growing.take()
        assert truth.startswith(taken), "what was told must be taken back"
        so_far = decode([*before, *tokens[:count]])[len(decode(before)) :]
        assert met == cut(so_far, stops)[1]
        if not stops:
            assert taken == so_far
        if met:
            break
    growing.close()
    assert taken + growing.take() == growing.text == truth
    assert growing.stopped == stopped


@settings(deadline=None)
@given(st.text(max_size=12))
def test_half_a_character_is_never_told(text):
    growing = GrowingText(lambda tokens: bytes(tokens).decode("utf-8", errors="replace"))
    taken = ""
    for token in text.encode("utf-8"):
        growing.add(token)
        taken += growing.take()
        assert text.startswith(taken)
    growing.close()
    assert growing.text == text


def test_half_a_character_at_the_end_comes_with_the_close():
    growing = GrowingText(lambda tokens: bytes(tokens).decode("utf-8", errors="replace"))
    for token in "好".encode()[:2]:
        growing.add(token)
    assert growing.take() == ""
    growing.close()
    assert growing.take() == "\ufffd"


def test_bytes_that_are_no_text_do_not_wait_for_ever():
    growing = GrowingText(lambda tokens: bytes(tokens).decode("utf-8", errors="replace"))
    for _ in range(100):
        growing.add(0xFF)
    assert len(growing.take()) > 90


def test_what_may_become_a_stop_is_held_back():
    growing = GrowingText(joined, ["aab"])
    told = []
    for token in (2, 1, 1, 1, 2, 1):  # b a a a b a
        growing.add(token)
        told.append(growing.take())
    assert told == ["b", "", "", "a", "", ""]
    assert growing.stopped
    assert growing.text == "ba"


@pytest.mark.parametrize("pieces", [["xabcdy"], ["x", "ab", "cdy"], list("xabcdy")])
def test_the_stop_that_is_complete_first_ends_the_text_however_it_falls_into_tokens(pieces):
    growing = GrowingText(lambda tokens: "".join(pieces[token] for token in tokens), ["abcd", "bc"])
    for token in range(len(pieces)):
        growing.add(token)
    growing.close()
    assert growing.text == "xa"


@pytest.mark.parametrize("stops", ["END", [""], ["x", ""]])
def test_stops_that_cannot_be_are_refused(stops):
    with pytest.raises(UsageError, match="a list of texts, none of them empty"):
        GrowingText(joined, stops)


class Script:
    """Forces each sample to write what stands in its script; the state says where it is."""

    def __init__(self, scripts):
        self.scripts = np.array(scripts)  # (B, length)
        self.calls = []

    def logits(self, state):
        rows, at = state
        return np.float32(9 * np.eye(10)[self.scripts[rows, at]])

    def begin(self):
        return np.arange(len(self.scripts)), 0

    def step(self, tokens, state):
        rows, at = state
        np.testing.assert_array_equal(tokens, self.scripts[rows, at])
        self.calls.append(len(rows))
        return Step(self.logits((rows, at + 1)), (rows, at + 1))

    def select(self, state, rows):
        return state[0][rows], state[1]


@pytest.mark.parametrize("end", [None, 9])
def test_samples_end_with_their_texts(end):
    script = Script([[4, 5, 6, 7, 4], [6, 6, 6, 6, 6], [5, 9, 9, 9, 9], [4, 4, 4, 4, 5]])
    texts = [GrowingText(lambda ids: "".join(map(str, ids)), ["67", "45"][:1]) for _ in range(4)]
    taken = ["", "", "", ""]
    told = []
    for step in sample(
        script, script.begin(), script.logits(script.begin()), length=5,
        sampling=Sampling(temperature=0), end=end, banned=(), texts=texts,
    ):  # fmt: skip
        told.append(step.tolist())
        taken = [old + text.take() for old, text in zip(taken, texts, strict=True)]
    third = "5" if end == 9 else "59999"
    assert taken == [text.text for text in texts] == ["45", "66666", third, "44445"]
    assert [text.stopped for text in texts] == [True, False, False, False]
    after = 3 if end is None else 9
    assert [step[0] for step in told] == [4, 5, 6, 7, after]
    assert script.calls == ([4, 3, 3, 2] if end == 9 else [4, 4, 4, 3])
