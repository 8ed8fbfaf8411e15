"""Drawing tokens at random: temperature, top-k, top-p, many samples at once, one after the other.

Axis letters: B samples, V vocabulary; b of the samples are not at their end yet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from gatewise.batch import END, FloatArray, IntArray
from gatewise.decoding.growing_text import GrowingText
from gatewise.decoding.stepper import NEVER, State, Stepper, check_possible, penalty
from gatewise.errors import SpecError, UsageError
from gatewise.spec import Settings

BLOCK = 256  # random numbers drawn at once for each sample
COLDEST = 1e-9  # temperature: below it float32 logits would overflow, and nothing changes any more


@final
class Sampling(Settings):
    """How the next token is drawn from logits z: p = softmax(z / temperature), then cut.

    temperature  1: as learnt; below: safer; above: wilder; 0: greedy, always the likeliest token
    top_k        only the k likeliest tokens; None: all
    top_p        only the fewest tokens, the likeliest first, whose probability (after top_k)
                 reaches this; at least one; None: all
    seed         the same seed gives the same samples

    Of tokens that are equally likely, those of the lowest ids are kept.
    Raises UsageError, one message that lists every problem.
    Source of top_p: Holtzman et al. 2020, section 3.1.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except SpecError as error:
            raise UsageError(str(error)) from None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        wrong = []
        if not 0 <= self.temperature < math.inf:
            wrong.append(
                f"temperature must be 0 (always the likeliest token) or above, "
                f"not {self.temperature:g}; 0.5 to 1 is usual"
            )
        if self.top_k is not None and self.top_k < 1:
            wrong.append(
                f"top_k must be at least 1, not {self.top_k}; leave it out to keep all tokens"
            )
        if self.top_p is not None and not 0 < self.top_p <= 1:
            wrong.append(
                f"top_p must be above 0 and at most 1, not {self.top_p:g}; "
                f"leave it out to keep all tokens"
            )
        if self.seed < 0:
            wrong.append(f"seed must be at least 0, not {self.seed}")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def plain(self) -> bool:
        """Whether no token is cut."""
        return self.top_k is None and (self.top_p is None or self.top_p == 1)


def probabilities(
    logits: FloatArray, sampling: Sampling, banned: Iterable[int] = NEVER
) -> NDArray[np.float32]:
    """What `sample` draws from.  (B, V) -> (B, V), each row sums to 1; 0 at `banned` ids.

    Raises UsageError when every token is banned, RunError when logits are NaN.
    """
    z = logits + penalty(banned, logits.shape[1])
    given = np.zeros_like(z, dtype=np.float32)
    if sampling.temperature == 0:
        given[np.arange(len(z)), _likeliest(z)] = 1
    elif sampling.plain:
        given[:] = np.exp(_tempered(z, sampling.temperature))
    else:
        for row, tempered in zip(given, _tempered(z, sampling.temperature), strict=True):
            ordered, _ = _left(tempered, sampling)
            likeliest = np.argsort(-tempered, kind="stable")
            row[likeliest[: len(ordered)]] = np.exp(ordered)
    given /= given.sum(axis=1, keepdims=True)
    return given


def sample(
    stepper: Stepper,
    state: State,
    logits: FloatArray,
    *,
    length: int,
    sampling: Sampling,
    end: int | None = None,
    banned: Iterable[int] = NEVER,
    texts: Sequence[GrowingText] | None = None,
) -> Iterator[IntArray]:
    """Draw up to `length` tokens for each of B samples; yields (B,) after every step.

    state     where the prompt ends, B rows. Of one prompt: `stepper.select(state, np.zeros(B,
              dtype=np.int64))`, and its logits repeated
    logits    (B, V) of the first token
    end       id that ends a sample, and is yielded as its last token; None: no id does. It is not
              drawn if `banned` has it
    banned    ids that are never drawn
    texts     (B,) each is told the tokens of its sample, and ends it with a stop string; closed
              when its sample ends

    Behind its end a sample yields `end` (END where that is None), and costs nothing: its row is
    dropped. Iteration stops after the step in which the last sample ended. A token is yielded
    before the network reads it.

    Each sample has random numbers of its own, which come from (seed, its row) alone: sample i is
    the same among any number of samples (as far as the network answers each row the same).

    Raises UsageError at once, RunError when the network answers NaN.
    """
    rows, vocabulary = logits.shape
    if length < 0:
        raise UsageError(f"length must be at least 0, not {length}")
    if texts is not None and len(texts) != rows:
        raise UsageError(f"{rows} samples need {rows} texts, not {len(texts)}")
    draw = _Draw(sampling, penalty(banned, vocabulary), rows)
    return _sample(stepper, state, logits, length, draw, end, texts)


def _sample(
    stepper: Stepper,
    state: State,
    logits: FloatArray,
    length: int,
    draw: _Draw,
    end: int | None,
    texts: Sequence[GrowingText] | None,
) -> Iterator[IntArray]:
    rows = len(logits)
    after = END if end is None else end
    alive = np.arange(rows)  # (b,)
    for left in range(length - 1, -1, -1):
        tokens = draw(logits, alive)  # (b, V) -> (b,)
        told = tokens
        if len(alive) < rows:
            told = np.full(rows, after, dtype=np.int64)
            told[alive] = tokens
        going = None  # (b,) where a sample may end
        if texts is not None:
            going = _tell(texts, alive, tokens, end, last=not left)
        elif end is not None:
            going = tokens != end
        yield told
        if not left:
            return
        if going is not None and not going.all():
            alive, tokens = alive[going], tokens[going]
            if not len(alive):
                return
            state = stepper.select(state, np.flatnonzero(going))
        logits, state, _ = stepper.step(tokens, state)


def _tell(
    texts: Sequence[GrowingText], alive: IntArray, tokens: IntArray, end: int | None, last: bool
) -> NDArray[np.bool_]:
    """Tell each text its token; whether its sample goes on.  (b,) -> (b,)"""
    going = np.ones(len(alive), dtype=np.bool_)
    for i, (row, token) in enumerate(zip(alive.tolist(), tokens.tolist(), strict=True)):
        going[i] = token != end and not texts[row].add(token)
        if last or not going[i]:
            texts[row].close()
    return going


@final
class _Draw:
    """Draws a token for each row of logits: where the cumulated weights pass the share u of all.

    u is uniform in [0, 1), from a stream for each of `count` rows, drawn in blocks. The weights
    stand in the order of ids; if some are cut, the largest first.
    """

    def __init__(self, sampling: Sampling, added: NDArray[np.float32], count: int) -> None:
        self._sampling = sampling
        self._added = added if added.any() else None
        self._streams = [np.random.default_rng([sampling.seed, row]) for row in range(count)]
        self._block = np.empty((count, BLOCK))
        self._used = BLOCK
        self._scale = 1 / max(sampling.temperature, COLDEST)

    def __call__(self, logits: FloatArray, rows: IntArray) -> IntArray:
        """Logits (b, V) of these rows (b,) -> tokens (b,)"""
        z = logits if self._added is None else logits + self._added
        if self._sampling.temperature == 0:
            return _likeliest(z)
        if self._used == BLOCK:
            for row in rows.tolist():
                self._streams[row].random(out=self._block[row])
            self._used = 0
        at = self._used
        self._used += 1
        if len(rows) == 1:
            return np.array([self._one(z[0], self._block.item(rows.item(0), at))])
        u = self._block[rows, at]  # (b,)
        tempered = _tempered(z, self._sampling.temperature)
        if not self._sampling.plain:
            return np.array([self._cut(*each) for each in zip(tempered, u.tolist(), strict=True)])
        cumulated = np.exp(tempered).cumsum(axis=1, dtype=np.float64)
        passed: IntArray = np.count_nonzero(cumulated <= (u * cumulated[:, -1])[:, None], axis=1)
        return passed

    def _one(self, z: FloatArray, u: float) -> int:
        """The same for one row, in fewer calls.  (V,) -> its token"""
        top = np.maximum.reduce(z)
        if not math.isfinite(top):
            check_possible(top)
        tempered = z - top
        if self._scale != 1:
            tempered *= self._scale
        if not self._sampling.plain:
            return self._cut(tempered, u)
        cumulated = np.exp(tempered).astype(np.float64).cumsum()  # twice as fast as its dtype
        return int(cumulated.searchsorted(u * cumulated.item(-1), side="right"))

    def _cut(self, tempered: FloatArray, u: float) -> int:
        ordered, cumulated = _left(tempered, self._sampling)
        place = int(cumulated.searchsorted(u * cumulated.item(-1), side="right"))
        drawn = ordered[place]
        ids = np.flatnonzero(tempered == drawn)  # the lowest id has the first place of equal ones
        return ids.item(place - np.count_nonzero(ordered > drawn) if len(ids) > 1 else 0)


def _likeliest(z: FloatArray) -> IntArray:
    """The lowest of the likeliest ids.  (b, V) -> (b,)"""
    tokens: IntArray = z.argmax(axis=1)
    check_possible(z[np.arange(len(z)), tokens])  # argmax of NaN is where it stands
    return tokens


def _tempered(z: FloatArray, temperature: float) -> FloatArray:
    """Logits by temperature, the highest at 0.  (b, V) -> (b, V)"""
    top = np.maximum.reduce(z, axis=1, keepdims=True)
    check_possible(top)
    shifted: FloatArray = z - top
    if temperature != 1:
        shifted *= 1 / max(temperature, COLDEST)
    return shifted


def _left(tempered: FloatArray, sampling: Sampling) -> tuple[FloatArray, NDArray[np.float64]]:
    """The logits that top_k, then top_p, leave, the highest first, and their cumulated weights.

    (V,) -> (n,), (n,)
    """
    k, p = sampling.top_k, sampling.top_p
    head = tempered if k is None or k >= len(tempered) else np.partition(tempered, -k)[-k:]
    ordered = np.sort(head)[::-1]
    cumulated = np.exp(ordered).cumsum(dtype=np.float64)
    if p is not None and p < 1:
        count = 1 + int(cumulated.searchsorted(p * cumulated.item(-1)))  # the last one reaches p
        ordered, cumulated = ordered[:count], cumulated[:count]
    return ordered, cumulated
