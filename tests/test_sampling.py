"""Sampling draws from exactly the distribution it says, and each sample is on its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from steppers import Table, log_softmax

from gatewise.batch import END, START
from gatewise.decoding.sampling import BLOCK, Sampling, probabilities, sample
from gatewise.decoding.stepper import Step
from gatewise.errors import RunError, UsageError

seeds = st.integers(0, 2**31)
CUTS = [
    Sampling(),
    Sampling(temperature=0.6),
    Sampling(temperature=1.7, top_k=4),
    Sampling(top_p=0.8),
    Sampling(temperature=0.9, top_k=5, top_p=0.9),
]


class Same:
    """Answers the same logits after every token, and counts what it is asked."""

    def __init__(self, logits):
        self.logits = np.asarray(logits, dtype=np.float32)  # (V,)
        self.calls = []

    def step(self, tokens, state):
        self.calls.append(len(tokens))
        return Step(np.tile(self.logits, (len(tokens), 1)), state)

    def select(self, state, rows):
        return state

    def sample(self, rows, **asked):
        logits = np.tile(self.logits, (rows, 1))
        return np.array(list(sample(self, None, logits, **asked))).T  # (B, length)


def slow_probabilities(logits, sampling):
    """One row, with lists: temperature, then top-k, then top-p."""
    p = np.exp(log_softmax(np.asarray(logits, dtype=np.float64) / sampling.temperature))
    ranked = sorted(range(len(p)), key=lambda token: (-logits[token], token))
    if sampling.top_k is not None:
        ranked = ranked[: sampling.top_k]
    if sampling.top_p is not None:
        total, kept = sum(p[token] for token in ranked), []
        for token in ranked:
            kept.append(token)
            share = sum(p[one] for one in kept) / total
            assume(abs(share - sampling.top_p) > 1e-5)  # rounding decides otherwise
            if share >= sampling.top_p:
                break
        ranked = kept
    kept = [p[token] if token in ranked else 0 for token in range(len(p))]
    return np.array(kept) / sum(kept)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(-6, 6).map(lambda n: n / 2), min_size=1, max_size=12),
    st.floats(0.1, 5),
    st.none() | st.integers(1, 14),
    st.none() | st.floats(0.01, 0.99),
)
def test_probabilities_are_those_of_the_slow_way(logits, temperature, top_k, top_p):
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p)
    rows = np.array([logits, logits[::-1]], dtype=np.float32)
    told = probabilities(rows, sampling, banned=())
    assert told.dtype == np.float32
    for row, p in zip(rows.tolist(), told, strict=True):
        truth = slow_probabilities(row, sampling)
        np.testing.assert_allclose(p, truth, atol=2e-6)
        assert np.array_equal(p > 0, truth > 0)


def test_equal_tokens_are_kept_from_the_lowest_id():
    flat = np.zeros((1, 8), dtype=np.float32)
    third, quarter = [1 / 3] * 3 + [0] * 5, [1 / 4] * 4 + [0] * 4
    np.testing.assert_allclose(probabilities(flat, Sampling(top_k=3), ())[0], third, rtol=1e-6)
    np.testing.assert_allclose(probabilities(flat, Sampling(top_p=0.45), ())[0], quarter, rtol=1e-6)
    np.testing.assert_array_equal(probabilities(flat, Sampling(temperature=0), ())[0][:2], [1, 0])
    np.testing.assert_array_equal(probabilities(flat, Sampling(top_p=1e-9), ())[0][:2], [1, 0])


def test_banned_tokens_have_no_probability_and_no_share_in_top_k():
    logits = np.array([[9, 8, 7, 6, 5, 4, 3]], dtype=np.float32)
    p = probabilities(logits, Sampling(top_k=2))[0]
    np.testing.assert_array_equal(np.flatnonzero(p), [3, 4])
    assert np.flatnonzero(probabilities(logits, Sampling(temperature=0))[0]) == [3]
    assert np.flatnonzero(probabilities(logits, Sampling(temperature=0), (0, 1, 2, END))[0]) == [4]


@pytest.mark.parametrize("temperature", [1e-30, 1e-6, 1e30])
def test_extreme_temperatures_are_greedy_or_uniform(temperature):
    logits = np.array([[-100, 3, 100, -np.inf, 99.9]], dtype=np.float32)
    p = probabilities(logits, Sampling(temperature=temperature), ())[0]
    truth = [0, 0, 1, 0, 0] if temperature < 1 else [0.25, 0.25, 0.25, 0, 0.25]
    np.testing.assert_allclose(p, truth, atol=1e-6)


@pytest.mark.parametrize("sampling", CUTS)
@pytest.mark.parametrize("rows", [1, 5])
def test_draws_follow_the_probabilities(sampling, rows):
    logits = np.round(np.random.default_rng(1).normal(size=9), 0)  # some are equal
    length = 12_000 // rows
    drawn = Same(logits).sample(rows, length=length, sampling=sampling, banned=(0,))
    counts = np.bincount(drawn.ravel(), minlength=9)
    p = probabilities(np.float32([logits]), sampling, (0,))[0].astype(np.float64)
    assert not counts[p == 0].any()
    expected = p[p > 0] / p.sum() * drawn.size
    assert chisquare(counts[p > 0], expected).pvalue > 0.01
    if rows > 1:  # neither may two samples go together: pairs are as likely as their product
        pairs = np.zeros((9, 9))
        np.add.at(pairs, (drawn[0], drawn[1]), 1)
        expected = np.outer(p, p)[np.ix_(p > 0, p > 0)]
        seen = pairs[np.ix_(p > 0, p > 0)].ravel()
        assert chisquare(seen, expected.ravel() / expected.sum() * length).pvalue > 0.01


def test_a_chain_visits_its_pairs_as_often_as_it_should():
    rng = np.random.default_rng(2)
    table = Table(np.broadcast_to(rng.normal(size=(1, 1, 4, 4)), (1, 4, 4, 4)))
    first = table.logits[:, 0, 0]
    tokens = np.concatenate(
        list(sample(table, table.begin([0]), first, length=12_000, sampling=Sampling(), banned=()))
    )
    for before in range(4):
        follows = np.bincount(tokens[1:][tokens[:-1] == before], minlength=4)
        p = np.exp(log_softmax(table.logits[0, 0, before]))
        assert chisquare(follows, p * follows.sum()).pvalue > 0.01


@settings(max_examples=40, deadline=None)
@given(seeds, st.sampled_from([*CUTS, Sampling(temperature=0)]), st.integers(2, 6))
def test_a_sample_does_not_depend_on_its_company(seed, sampling, count):
    """Row i of n draws what row i of n + 3 draws, ends or not, and row 0 what it draws alone."""
    table = Table(np.random.default_rng(seed).normal(size=(1, 6, 6, 6)))
    asked = {"length": 20, "sampling": sampling.replace(seed=seed), "end": 5, "banned": (0,)}

    def drawn(rows):
        logits = table.logits[np.zeros(rows, dtype=int), 0, 0]
        told = list(sample(table, table.begin([0] * rows), logits, **asked))
        return [[int(step[i]) for step in told] for i in range(rows)]

    def ended(tokens):
        return tokens[: tokens.index(5) + 1] if 5 in tokens else tokens

    many, few, one = drawn(count + 3), drawn(count), drawn(1)
    assert [ended(tokens) for tokens in few] == [ended(tokens) for tokens in many[:count]]
    assert ended(one[0]) == ended(few[0])


def test_the_seed_and_only_the_seed_decides():
    same = Same(np.zeros(50))
    first, again, other = (
        same.sample(3, length=BLOCK + 20, sampling=Sampling(seed=seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.9
    assert (first[0] != first[1]).mean() > 0.9
    assert (first[0, BLOCK:] != first[0, :20]).any(), "a block of random numbers came twice"


def test_temperature_0_is_greedy():
    table = Table(np.random.default_rng(5).integers(-2, 3, (1, 7, 7, 7)))
    told = sample(
        table, table.begin([0]), table.logits[:, 0, 0], length=30,
        sampling=Sampling(temperature=0), banned=(),
    )  # fmt: skip
    last = (0, 0)
    for (token,) in told:
        row = table.logits[0, last[0], last[1]].tolist()
        assert token == row.index(max(row))
        last = (last[1], int(token))


def test_a_sample_that_ended_is_dropped_and_goes_on_yielding_its_end():
    same = Same([0, 0, 0, 1, 1, 1, 1])
    drawn = same.sample(40, length=60, sampling=Sampling(), end=END)
    ends = [row.tolist().index(END) for row in drawn]
    for row, end in zip(drawn, ends, strict=True):
        assert set(row[end:]) == {END}
        assert not set(row[:end]) & {0, 1, START, END}
    alive = [sum(end > t for end in ends) for t in range(max(ends))]
    assert same.calls == alive
    assert drawn.shape[1] == max(ends) + 1 < 60


def test_an_end_that_is_banned_does_not_come():
    drawn = Same(np.zeros(6)).sample(
        3, length=100, sampling=Sampling(), end=END, banned=(0, 1, 2, END)
    )
    assert drawn.shape == (3, 100)
    assert set(drawn.ravel()) == {4, 5}


def test_a_token_is_told_before_the_network_reads_it():
    same = Same(np.zeros(6))
    told = sample(same, None, np.zeros((2, 6)), length=3, sampling=Sampling())
    assert same.calls == []
    next(told)
    assert same.calls == []
    next(told)
    assert same.calls == [2]
    assert len(list(told)) == 1
    assert same.calls == [2, 2], "the last token needs no reading"
    assert list(sample(same, None, np.zeros((2, 6)), length=0, sampling=Sampling())) == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"temperature": -1}, r"temperature must be 0 \(always the likeliest token\) or above"),
        ({"temperature": float("nan")}, "temperature must be 0 .* not nan"),
        ({"temperature": float("inf")}, "temperature must be 0 .* not inf"),
        ({"top_k": 0}, "top_k must be at least 1, not 0; leave it out"),
        ({"top_k": 1.5}, "top_k"),
        ({"top_p": 0}, "top_p must be above 0 and at most 1, not 0"),
        ({"top_p": 1.01}, "top_p must be above 0 and at most 1, not 1.01"),
        ({"top_p": float("nan")}, "top_p must be above 0 and at most 1, not nan"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"temprature": 1}, "did you mean 'temperature'"),
        ({"temperature": -1, "top_k": -2, "top_p": 2}, "temperature .*; top_k .*; top_p "),
    ],
)
def test_settings_that_cannot_be_are_refused(values, message):
    with pytest.raises(UsageError, match=message):
        Sampling(**values)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"length": -1}, "length must be at least 0"),
        ({"banned": range(6)}, "all 6 tokens of the vocabulary are banned"),
        ({"texts": []}, "2 samples need 2 texts, not 0"),
    ],
)
def test_what_cannot_be_sampled_is_refused_before_the_first_token(asked, message):
    with pytest.raises(UsageError, match=message):
        sample(None, None, np.zeros((2, 6)), **{"length": 3, "sampling": Sampling(), **asked})


@pytest.mark.parametrize("sampling", [*CUTS, Sampling(temperature=0)])
@pytest.mark.parametrize("row", [[np.nan, 0, 0], [0, 0, np.nan], [np.inf, 0, 0], [-np.inf] * 3])
@pytest.mark.parametrize("rows", [1, 2])
def test_a_broken_network_is_told(sampling, row, rows):
    with pytest.raises(RunError, match="the network answered NaN"):
        Same(row).sample(rows, length=2, sampling=sampling, banned=())
