"""Greedy and beam search find what slow and obvious searches find."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from steppers import Table, log_softmax

from gatewise.batch import END, START
from gatewise.decoding.beam import FEW, beam_search, greedy
from gatewise.decoding.stepper import Step
from gatewise.errors import RunError, UsageError

CLOSE = {"rtol": 1e-5, "atol": 1e-6}  # float32
seeds = st.integers(0, 2**31)


def random_table(seed, sentences=1, vocabulary=4, ties=False, impossible=0.0, looks=False):
    rng = np.random.default_rng(seed)
    shape = (sentences, vocabulary, vocabulary, vocabulary)
    logits = rng.integers(-2, 3, shape).astype(float) if ties else 2 * rng.normal(size=shape)
    holes = rng.random(shape) < impossible
    holes[..., 1] &= holes.sum(axis=-1) < vocabulary  # something stays possible
    return Table(np.where(holes, -np.inf, logits), 0 if ties else 0.1, looks)


def log_ps(table, sentence, start, tokens):
    """log p of each token of one sequence."""
    last = [0, start, *tokens]
    return [
        log_softmax(table.row(sentence, last[i], last[i + 1], i + 1))[token]
        for i, token in enumerate(tokens)
    ]


def divisor(length, penalty):
    return ((5 + length) / 6) ** penalty


def every_sequence(vocabulary, end, most):
    """All that end with `end`, and all of the full length that do not."""
    others = [token for token in range(vocabulary) if token != end]
    for size in range(most):
        for tokens in product(others, repeat=size):
            yield (*tokens, end)
    yield from product(others, repeat=most)


def slow_greedy(table, sentence, start, end, most):
    tokens, last = [], (0, start)
    while len(tokens) < most and end not in tokens:
        row = table.row(sentence, *last, len(tokens) + 1).tolist()
        tokens.append(row.index(max(row)))
        last = (last[1], tokens[-1])
    return tokens


def slow_beam(table, sentence, start, *, beam, end, most, penalty):
    """Lists of tokens, one step after the other."""
    alive, done = [((), 0.0)], []
    while alive:
        grown = [
            ((*tokens, token), log_p + step)
            for tokens, log_p in alive
            for token in range(table.logits.shape[-1])
            if (step := log_ps(table, sentence, start, (*tokens, token))[-1]) > -np.inf
        ]
        alive = []
        for tokens, log_p in sorted(grown, key=lambda one: -one[1])[:beam]:
            if tokens[-1] == end or len(tokens) == most:
                done.append((log_p / divisor(len(tokens), penalty), log_p, tokens))
            else:
                alive.append((tokens, log_p))
        best = max((score for score, *_ in done), default=-np.inf)
        if not any(log_p / divisor(most, penalty) > best for _, log_p in alive):
            break
    return sorted(done, key=lambda one: -one[0])[:beam]


def written(answer, end):
    return [*answer.tokens.tolist(), *[end] * answer.ended]


@settings(max_examples=40, deadline=None)
@given(seeds, st.booleans(), st.sampled_from([0.0, 0.4]), st.integers(1, 6))
def test_greedy_takes_the_likeliest_and_lowest_each_time(seed, ties, impossible, sentences):
    table = random_table(seed, sentences, ties=ties, impossible=impossible)
    limits = np.random.default_rng(seed).integers(1, 8, sentences)
    start = np.arange(sentences) % 4
    found = greedy(table, table.begin(range(sentences)), start, end=3, most=limits, banned=())
    for i, answer in enumerate(found):
        truth = slow_greedy(table, i, start[i], 3, limits[i])
        assert written(answer, 3) == truth
        assert answer.score == answer.log_p
        assert answer.log_p == pytest.approx(sum(log_ps(table, i, start[i], truth)), abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(seeds, st.booleans(), st.floats(0, 2))
def test_a_beam_of_one_is_greedy_whatever_the_length_penalty(seed, ties, penalty):
    table = random_table(seed, 3, ties=ties, impossible=0.2)
    asked = {"start": np.array([0, 1, 2]), "end": 3, "most": 7, "banned": ()}
    beams = beam_search(table, table.begin(range(3)), beam=1, length_penalty=penalty, **asked)
    for i, found in enumerate(beams):
        assert len(found) == 1
        assert written(found[0], 3) == slow_greedy(table, i, i, 3, 7)
    for (one,), other in zip(beams, greedy(table, table.begin(range(3)), **asked), strict=True):
        np.testing.assert_array_equal(one.tokens, other.tokens)
        assert one.log_p == other.log_p


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from([0.0, 0.3]), st.sampled_from([0.0, 0.6, 1.0, 3.0]))
@example(357, 0.0, 0.0)  # float32 rounded its sum by more than a millionth
def test_a_beam_as_wide_as_all_prefixes_finds_what_brute_force_finds(seed, impossible, penalty):
    table = random_table(seed, impossible=impossible)
    start, end, most = 1, 2, 4
    ((best, *others),) = beam_search(
        table, table.begin([0]), np.array([start]), beam=4**4, end=end, most=most,
        length_penalty=penalty, banned=(),
    )  # fmt: skip
    scores = {
        tokens: sum(log_ps(table, 0, start, tokens)) / divisor(len(tokens), penalty)
        for tokens in every_sequence(4, end, most)
    }
    truth = max(scores, key=scores.__getitem__)
    assert tuple(written(best, end)) == truth
    assert best.score == pytest.approx(scores[truth], abs=1e-6)
    for other in others:
        assert other.score <= best.score
        assert other.score == pytest.approx(scores[tuple(written(other, end))], abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(1, 7), st.sampled_from([0.0, 0.2]), st.sampled_from([0.0, 0.7, 1.5]))
def test_beams_of_many_sentences_are_those_of_the_slow_search(seed, beam, impossible, penalty):
    table = random_table(seed, 4, vocabulary=5, impossible=impossible)
    limits = np.random.default_rng(seed).integers(1, 9, 4)
    start = np.array([0, 4, 1, 4])
    found = beam_search(
        table, table.begin(range(4)), start, beam=beam, end=3, most=limits,
        length_penalty=penalty, banned=(),
    )  # fmt: skip
    for i, answers in enumerate(found):
        truth = slow_beam(table, i, start[i], beam=beam, end=3, most=limits[i], penalty=penalty)
        assert [tuple(written(answer, 3)) for answer in answers] == [one[2] for one in truth]
        np.testing.assert_allclose(
            [answer.score for answer in answers], [o[0] for o in truth], **CLOSE
        )
        np.testing.assert_allclose(
            [answer.log_p for answer in answers], [o[1] for o in truth], **CLOSE
        )


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(1, 4))
def test_company_changes_no_answer(seed, beam):
    table = random_table(seed, 5, vocabulary=6)
    asked = {"beam": beam, "end": 3, "length_penalty": 0.8, "banned": (0, 1)}
    limits = np.random.default_rng(seed).integers(1, 10, 5)
    together = beam_search(table, table.begin(range(5)), np.full(5, 2), most=limits, **asked)
    for i in range(5):
        (alone,) = beam_search(table, table.begin([i]), np.array([2]), most=int(limits[i]), **asked)
        assert [written(one, 3) for one in alone] == [written(one, 3) for one in together[i]]
        assert [one.score for one in alone] == [one.score for one in together[i]]


@settings(max_examples=20, deadline=None)
@given(seeds, st.integers(1, 4))
def test_attention_follows_its_beam(seed, beam):
    """The table looks at what it has read: each answer must see itself, shifted by the start."""
    table = random_table(seed, 3, vocabulary=6, looks=True)
    found = beam_search(
        table, table.begin(range(3)), np.full(3, 2), beam=beam, end=3, most=6, banned=()
    )
    for answers in found:
        for answer in answers:
            size = len(answer.tokens)
            read = [2, *answer.tokens.tolist()]
            truth = np.zeros((size, 9))
            for k in range(size):
                truth[k, : k + 1] = read[: k + 1]
            np.testing.assert_array_equal(answer.attention, truth)


def test_without_attention_there_is_none():
    table = random_table(0)
    (answer,) = greedy(table, table.begin([0]), np.array([0]), most=3, banned=())
    assert answer.attention is None


def test_what_is_banned_never_comes_and_what_is_left_is_all_there_is():
    table = random_table(4, vocabulary=6)
    table.logits[..., [0, 1, START]] += 50
    ((best, *others),) = beam_search(table, table.begin([0]), np.array([START]), beam=4, most=5)
    assert all(set(one.tokens) <= {4, 5} for one in [best, *others])
    read = [0, START, *written(best, END)]
    allowed = [
        log_softmax(table.row(0, read[i], read[i + 1], i + 1)[[END, 4, 5]])[read[i + 2] - END]
        for i in range(len(read) - 2)
    ]
    assert best.log_p == pytest.approx(sum(allowed))


def test_of_equal_answers_the_lowest_ids_come_first():
    flat = Table(np.zeros((1, 5, 5, 5)))
    for beam in (2, 5, 2 * FEW):
        (found,) = beam_search(
            flat, flat.begin([0]), np.array([0]), beam=beam, end=4, most=2, banned=()
        )
        full = [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4)]
        told = [tuple(written(one, 4)) for one in found]
        if beam == 2:
            assert told == full[:2]
        else:  # (4,) ends at once, and is the likeliest: no other can reach it
            assert told == [(4,)]


def test_a_wide_beam_sorts_and_a_narrow_one_picks_alike():
    rng = np.random.default_rng(3)
    table = Table(rng.integers(0, 4, (1, 80, 80, 80)))
    found = [
        greedy(table, table.begin([0]), np.array([0]), end=79, most=5, banned=())[0].tokens,
        beam_search(
            table, table.begin([0]), np.array([0]), beam=FEW + 1, end=79, most=1, banned=()
        )[0][0].tokens,
    ]
    assert found[0][0] == found[1][0] == table.logits[0, 0, 0].argmax()


def test_sentences_that_are_done_are_stepped_no_more():
    logits = np.zeros((3, 5, 5, 5))
    logits[0, ..., END] = 9  # ends at once
    logits[1:, ..., 4] = 9  # goes on and on
    table = Table(logits)
    limits = np.array([8, 3, 5])
    found = greedy(table, table.begin(range(3)), np.full(3, START), most=limits)
    assert [one.tokens.tolist() for one in found] == [[], [4] * 3, [4] * 5]
    assert [one.ended for one in found] == [True, False, False]
    assert table.rows == [3, 2, 2, 1, 1]


def test_a_hopeless_sentence_stops_early():
    """The end has nearly all the probability: with no penalty nothing longer can be better."""
    logits = np.zeros((1, 6, 6, 6))
    logits[..., END] = 9
    table = Table(logits)
    beam_search(table, table.begin([0]), np.array([START]), beam=3, most=50)
    assert table.rows == [1]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"beam": 0}, "beam must be at least 1, not 0"),
        ({"length_penalty": -0.5}, "length_penalty must be at least 0, not -0.5"),
        ({"length_penalty": float("nan")}, "length_penalty must be at least 0, not nan"),
        ({"most": 0}, "most must be at least 1"),
        ({"most": np.array([1, 2, 3])}, "one for each of 2 sentences"),
        ({"banned": (3,)}, "id 3, is banned"),
        ({"banned": (0, 1, 2, 4), "end": 7}, "all 4 tokens of the vocabulary are banned"),
    ],
)
def test_what_cannot_be_is_refused(asked, message):
    table = random_table(0, 2)
    if "end" in asked:
        asked["banned"] = range(4)
    with pytest.raises(UsageError, match=message):
        beam_search(
            table, table.begin([0, 1]), np.zeros(2, dtype=np.int64),
            **{"beam": 2, "most": 4, "end": 3, "banned": (), **asked},
        )  # fmt: skip


def test_no_sentences_no_answers():
    table = random_table(0)
    assert beam_search(table, table.begin([]), np.zeros(0, dtype=np.int64), beam=2, most=3) == []


@pytest.mark.parametrize("row", [[np.nan, 0, 0], [0, np.nan, 0], [np.inf, 0, 0], [-np.inf] * 3])
@pytest.mark.parametrize("beam", [1, 2])
def test_a_broken_network_is_told(row, beam):
    class Broken:
        def step(self, tokens, state):
            return Step(np.array([row], dtype=np.float32), state)

    with pytest.raises(RunError, match="the network answered NaN"):
        beam_search(Broken(), None, np.array([0]), beam=beam, end=2, most=3, banned=())
