"""How a translator writes: sources are read once, then answers grow token by token."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import START, UNKNOWN, IntArray, in_order_by_length
from gatewise.data.sequences import Ragged, Sequences
from gatewise.decoding.beam import Hypothesis, beam_search
from gatewise.errors import DataError, UsageError
from gatewise.spec import NetworkSpec
from gatewise.tasks.translator_pairs import check_kind, check_not_empty, listed

if TYPE_CHECKING:
    from gatewise.tasks.translator import Translator

SLACK, ROOM = (3, 2), 5  # of what was seen: an answer may be half as long again, and some tokens
SENTENCES_AT_ONCE = 256
VALUES_AT_ONCE = 2**22  # of one step: logits, and what the beams look at


class Alignment(NamedTuple):
    """Where each token of an answer looked.

    source   (T) tokens that were read
    target   (k) tokens of the answer
    weights  (k, T) each row sums to 1
    """

    source: list[str]
    target: list[str]
    weights: NDArray[np.float32]


def decoding_problems(beam: Any, length_penalty: Any, max_length: Any) -> list[str]:
    """What cannot be, in words; None is always possible for max_length."""
    problems = []
    for name, value in (("beam", beam), ("max_length", max_length)):
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not (whole and value >= 1) and (name == "beam" or value is not None):
            problems.append(f"{name} must be a whole number of at least 1, not {value!r}")
    number = isinstance(length_penalty, (int, float)) and not isinstance(length_penalty, bool)
    if not number or not 0 <= length_penalty < math.inf:
        problems.append(f"length_penalty must be a number of at least 0, not {length_penalty!r}")
    return problems


def reach_of(read: IntArray, written: IntArray) -> list[list[int]]:
    """The longest target of all sources up to a length: (length, tokens), both rising.

    tokens of each training source (N,), and of its target (N,)
    """
    order = np.lexsort((written, read))
    longest = np.maximum.accumulate(written[order])
    rises = np.flatnonzero(np.diff(longest, prepend=-1) > 0)
    found = {int(read[order[i]]): int(longest[i]) for i in rises}  # of one length the last
    found.setdefault(int(read.max()), int(longest[-1]))
    return [list(pair) for pair in found.items()]


def limits(reach: Sequence[Sequence[int]], lengths: IntArray, most: int | None) -> IntArray:
    """Tokens of an answer at most, without its end: half as many again, and five, as the longest
    target of all training sources of that length or less; for longer sources than any, in
    proportion. Never more than `most`.  (S,) -> (S,)
    """
    known, longest = np.array(reach, dtype=np.int64).T
    place = np.maximum(np.searchsorted(known, lengths, side="right") - 1, 0)
    # in whole numbers, rounded up: a fraction in between would round some limits up by one
    parts = SLACK[0] * longest[place] * np.maximum(lengths, known[-1])
    found: IntArray = -(-parts // (SLACK[1] * known[-1])) + ROOM
    return found if most is None else np.minimum(found, most)


def read_sources(model: Translator, sources: Any) -> Ragged:
    """Ids of what is to be translated. Raises DataError, UsageError."""
    rows = listed(sources, "sources")
    if not rows:
        return Ragged(np.zeros((0, 1), np.int32), np.zeros(0, np.int64), np.zeros(0, np.int64))
    check_not_empty(rows, "sources")
    kind, known = check_kind(rows, "source"), model.source_.kind
    if kind != known:
        names = {"text": "texts", "tokens": "lists of tokens"}
        raise DataError(f"the model reads {names[known]}, but these are {names[kind]}")
    return model.source_.encode(rows)[0]


def write(
    model: Translator,
    steps: Ragged,
    beam: int | None,
    length_penalty: float | None,
    max_length: int | None,
) -> list[Hypothesis]:
    """The best answer to each source. None: as the model says. Raises UsageError."""
    beam = model.beam if beam is None else beam
    length_penalty = model.length_penalty if length_penalty is None else length_penalty
    max_length = model.max_length if max_length is None else max_length
    if problems := decoding_problems(beam, length_penalty, max_length):
        raise UsageError("; ".join(problems))
    if not len(steps):
        return []
    source = Sequences(steps)
    arrays = source.arrays
    most = limits(model.data_["reach"], steps.lengths, max_length)
    found: list[Any] = [None] * len(steps)
    for rows in batches(model.spec_, steps.lengths, beam):
        answers = beam_search(
            model.steps_,
            model.steps_.read(source.gather(arrays, rows)),
            np.full(len(rows), START),
            beam=beam,
            most=most[rows] + 1,  # and the end
            length_penalty=length_penalty,
        )
        for row, (best, *_) in zip(rows.tolist(), answers, strict=True):
            found[row] = _cut(best, int(most[row]))
    return found


def _cut(best: Hypothesis, most: int) -> Hypothesis:
    """Without the token that stands where there was room for the end alone."""
    looked = None if best.attention is None else best.attention[:most]
    return replace(best, tokens=best.tokens[:most], attention=looked)


def batches(spec: NetworkSpec, lengths: IntArray, beam: int) -> list[IntArray]:
    """Sources of similar length together, as many as a step has room for."""
    looked_at = spec.encoded_size + 2 * spec.attention_size if spec.attention != "none" else 0
    values = beam * (spec.output_size + lengths * looked_at)  # of a step of each source
    return in_order_by_length(values, SENTENCES_AT_ONCE, steps=VALUES_AT_ONCE)


def align(model: Translator, source: Any, best: Hypothesis) -> Alignment:
    """The attention of one answer, in words. Raises UsageError where there is none."""
    if best.attention is None:
        raise UsageError(
            "this network has no attention (attention='none'), or its answer is empty; "
            "train with attention='additive'"
        )
    return Alignment(model.source_.tokens(source), model.target_.names(best.tokens), best.attention)


def remarks(steps: Ragged, cut: Sequence[str]) -> list[str]:
    """What must be said of how sources are read."""
    found = [f"{note}." for note in cut]
    own = np.concatenate([steps[row][:, 0] for row in range(len(steps))]) if len(steps) else None
    unknown = 0 if own is None else int((own == UNKNOWN).sum())
    if own is not None and unknown:
        are = "is an unknown one" if unknown == 1 else "are unknown ones"
        found.append(f"{unknown:,} of the {len(own):,} tokens of the sources {are}.")
    return found
