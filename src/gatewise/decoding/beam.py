"""The likeliest answer: greedy, and beam search.

Axis letters: S sentences, R alive beams of all sentences, V vocabulary, T source steps, k tokens
of an answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import END, FloatArray, IntArray
from gatewise.decoding.stepper import NEVER, State, Stepper, check_possible, penalty
from gatewise.errors import UsageError

FEW = 32  # so many largest of a row are found one by one, more by sorting


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One answer to one sentence.

    tokens     (k,) without the end
    log_p      of its tokens and its end, in nats, among the tokens that are not banned
    score      log_p / ((5 + length) / 6) ** length_penalty; length counts the end
    ended      whether the end was reached; False: there was no room for more
    attention  (k, T) where each token looked; None when the stepper does not say
    """

    tokens: IntArray
    log_p: float
    score: float
    ended: bool
    attention: NDArray[np.float32] | None = None


def greedy(
    stepper: Stepper,
    state: State,
    start: IntArray,
    *,
    most: int | IntArray,
    end: int = END,
    banned: Iterable[int] = NEVER,
) -> list[Hypothesis]:
    """In each step the likeliest token, of equal ones the lowest: a beam of 1.

    Arguments, what is returned and raised: as `beam_search`.
    """
    found = beam_search(stepper, state, start, beam=1, most=most, end=end, banned=banned)
    return [best for (best,) in found]


def beam_search(
    stepper: Stepper,
    state: State,
    start: IntArray,
    *,
    beam: int,
    most: int | IntArray,
    end: int = END,
    length_penalty: float = 0.0,
    banned: Iterable[int] = NEVER,
) -> list[list[Hypothesis]]:
    """The best answers to each of S sentences, the best first, at most `beam` of them.

    state   before the first token, S rows;  start  (S,) the token that is read first
    most    at most so many tokens, the end included; (S,) or one for all
    end     the id that ends an answer
    length_penalty  0: log p alone, which prefers short answers; 0.6 to 1 is usual
    banned  ids that are never part of an answer

    In each step the `beam` likeliest continuations of a sentence stay; those that end leave the
    beam and wait. A sentence is done when no alive beam can reach a better score than its best
    answer, when none is alive, or after `most` tokens: then what is alive counts as it stands.
    Of equal ones the earlier stays: that of the better beam, then of the lowest id. All beams of
    all sentences share one step; a sentence that is done costs nothing.

    Raises UsageError; RunError when the network answers NaN.
    Source: Wu et al. 2016, section 7 (score); Sutskever et al. 2014, section 3.2 (beams that end).
    """
    limits = _limits(most, len(start))
    if beam < 1:
        raise UsageError(f"beam must be at least 1, not {beam}; 1 is greedy, 4 to 8 is usual")
    if not 0 <= length_penalty < math.inf:
        raise UsageError(
            f"length_penalty must be at least 0, not {length_penalty:g}; "
            f"0 prefers short answers, 0.6 to 1 is usual"
        )
    banned = tuple(banned)
    if end in banned:
        raise UsageError(f"the end, id {end}, is banned: no answer could end; take it off")
    search = _Search(limits, end, length_penalty)
    added = None
    tokens, owner = np.asarray(start, dtype=np.int64), np.arange(len(start))  # (R,) each
    log_p = np.zeros(len(start))  # (R,)
    while len(owner):
        logits, state, attention = stepper.step(tokens, state)  # (R,) -> (R, V)
        if added is None:
            added = penalty(banned, logits.shape[1])
        rows, tokens, log_p = _grow(logits + added, log_p, owner, beam)
        kept = search.take(rows, tokens, log_p, owner[rows], attention)
        rows, tokens, log_p = rows[kept], tokens[kept], log_p[kept]
        if not np.array_equal(rows, np.arange(len(owner))):
            state = stepper.select(state, rows)
        owner = owner[rows]
    return search.answers(beam)


def _limits(most: int | IntArray, sentences: int) -> IntArray:
    """One limit for each sentence.  -> (S,)"""
    given = np.asarray(most)
    if given.shape not in ((), (sentences,)):
        raise UsageError(
            f"most is one number, or one for each of {sentences} sentences, "
            f"not an array of shape {given.shape}"
        )
    if (given < 1).any():
        raise UsageError(f"most must be at least 1 token, not {given.min()}")
    return np.broadcast_to(given, (sentences,)).astype(np.int64)


def _grow(
    z: FloatArray, log_p: NDArray[np.float64], owner: IntArray, beam: int
) -> tuple[IntArray, IntArray, NDArray[np.float64]]:
    """The `beam` likeliest continuations of each sentence, sentence by sentence, best first.

    logits (R, V), spoilt here, log p (R,), sentence of each row, ascending (R,)
    -> their rows, tokens and log p, (R',) each
    """
    highest = z.max(axis=1, keepdims=True)  # (R, 1)
    check_possible(highest)
    weights = z - highest
    mass = np.exp(weights, out=weights).sum(axis=1, dtype=np.float64, keepdims=True)
    ids, top = _top(z, min(beam, z.shape[1]))  # (R, n) each
    top = top.astype(np.float64)  # or each step rounds a long answer's sum anew
    total = (log_p[:, None] + (top - highest - np.log(mass))).ravel()  # (R n,)
    sentence = np.repeat(owner, ids.shape[1])
    order = np.lexsort((-total, sentence))  # stable: equal ones stay in the order of beams and ids
    first = np.searchsorted(sentence, sentence)  # of its sentence; sorting moves no sentence
    place = np.arange(len(order)) - first
    order = order[(place < beam) & (total[order] > -np.inf)]
    return order // ids.shape[1], ids.ravel()[order], total[order]


def _top(z: FloatArray, count: int) -> tuple[IntArray, FloatArray]:
    """The largest of each row, largest first, of equal ones the lowest id. Spoils z.

    (R, V) -> ids, values, (R, count) each
    """
    if count > FEW:
        ids = np.argsort(-z, axis=1, kind="stable")[:, :count]
        return ids, np.take_along_axis(z, ids, axis=1)
    every = np.arange(len(z))
    ids = np.empty((len(z), count), dtype=np.int64)
    values = np.empty((len(z), count), dtype=z.dtype)
    for place in range(count):
        ids[:, place] = z.argmax(axis=1)
        values[:, place] = z[every, ids[:, place]]
        z[every, ids[:, place]] = -np.inf
    return ids, values


class _End(NamedTuple):
    """Where an answer ended: which beam of which step."""

    score: float
    log_p: float
    step: int
    beam: int
    ended: bool


@final
class _Search:
    """What a search has seen: every step, to trace an answer back, and where answers ended."""

    def __init__(self, limits: IntArray, end: int, length_penalty: float) -> None:
        self._limits = limits
        self._end = end
        self._length_penalty = length_penalty
        self._ends: list[list[_End]] = [[] for _ in limits]
        self._best = np.full(len(limits), -np.inf)  # (S,) score of the best answer so far
        self._kept: IntArray | None = None  # beams of the last step that went on
        # of each step (R',): place among the beams of the step before, row stepped, token
        self._steps: list[tuple[IntArray, IntArray, IntArray]] = []
        self._attention: list[FloatArray | None] = []  # (R, T) of each step

    def take(
        self,
        rows: IntArray,
        tokens: IntArray,
        log_p: NDArray[np.float64],
        owner: IntArray,
        attention: FloatArray | None,
    ) -> IntArray:
        """Record a step of beams (R',), best first within a sentence; which of them go on."""
        before = rows if self._kept is None else self._kept[rows]
        self._steps.append((before, rows, tokens))
        self._attention.append(attention)
        length = len(self._steps)
        ended = tokens == self._end
        done = ended | (self._limits[owner] <= length)
        scores = log_p / self._divisor(np.array(length))
        for beam in np.flatnonzero(done).tolist():
            mark = _End(scores.item(beam), log_p.item(beam), length - 1, beam, ended.item(beam))
            self._ends[owner[beam]].append(mark)
        np.maximum.at(self._best, owner[done], scores[done])
        # log p only falls, and the divisor is largest at the limit: no alive beam gets beyond this
        bound = log_p / self._divisor(self._limits[owner])
        hopeful = np.zeros(len(self._limits), dtype=np.bool_)
        hopeful[owner[~done & (bound > self._best[owner])]] = True
        self._kept = np.flatnonzero(~done & hopeful[owner])
        return self._kept

    def answers(self, most: int) -> list[list[Hypothesis]]:
        """The best of each sentence, at most so many, of equal scores the earlier first."""
        ranked = [sorted(ends, key=lambda end: -end.score)[:most] for ends in self._ends]
        return [[self._trace(end) for end in ends] for ends in ranked]

    def _divisor(self, length: IntArray) -> NDArray[np.float64]:
        divisor: NDArray[np.float64] = ((5 + length) / 6) ** self._length_penalty
        return divisor

    def _trace(self, end: _End) -> Hypothesis:
        """From a beam of a step back to the first step."""
        tokens, looked = [], []
        beam = end.beam
        for step in range(end.step, -1, -1):
            before, rows, chosen = self._steps[step]
            attention = self._attention[step]
            tokens.append(chosen.item(beam))
            if attention is not None:
                looked.append(attention[rows[beam]])
            beam = before.item(beam)
        size = len(tokens) - end.ended
        return Hypothesis(
            tokens=np.array(tokens[::-1][:size], dtype=np.int64),
            log_p=end.log_p,
            score=end.score,
            ended=end.ended,
            attention=np.stack(looked[::-1])[:size] if looked else None,
        )
