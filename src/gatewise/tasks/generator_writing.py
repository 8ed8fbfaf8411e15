"""How a generator writes: the prompt is read once, then token by token from the state it left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import END, Batch, IntArray
from gatewise.decoding.growing_text import GrowingText
from gatewise.decoding.sampling import Sampling, sample
from gatewise.decoding.stepper import NEVER, State, Step
from gatewise.engine import Predictor
from gatewise.errors import UsageError

if TYPE_CHECKING:
    from gatewise.tasks.generator import Generator

LOGITS_AT_ONCE = 2**22  # of a prompt that is read, or of a text that is judged


class Steps:
    """A predictor, step by step."""

    def __init__(self, runner: Predictor) -> None:
        self.runner = runner

    def step(self, tokens: IntArray, state: State) -> Step:
        """See decoding.stepper.Stepper."""
        answer = self.runner.forward(Batch(x=tokens[:, None, None], state=state))
        return Step(answer.output[:, 0], answer.state)

    def select(self, state: State, rows: IntArray) -> State:
        """See decoding.stepper.Stepper."""
        return state[:, :, rows]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a user asks of `generate`, checked.

    length    tokens
    stops     the text ends before whichever comes first
    """

    prompt: str
    length: int
    sampling: Sampling
    stops: tuple[str, ...]
    samples: int = 1


def asked(
    prompt: str,
    length: int,
    stop: str | Sequence[str],
    samples: int = 1,
    **sampling: Any,
) -> Asked:
    """Raises UsageError, one message that lists every problem."""
    problems = []
    if not isinstance(prompt, str):
        problems.append(f"prompt must be a text, not {type(prompt).__name__}")
    for name, value, least in (("length", length, 0), ("samples", samples, 1)):
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not whole or value < least:
            problems.append(f"{name} must be a whole number of at least {least}, not {value!r}")
    stops = (stop,) if isinstance(stop, str) else tuple(stop)
    if not all(isinstance(one, str) and one for one in stops):
        problems.append(f"stop strings are texts, none of them empty, not {stop!r}")
    chosen = None
    try:
        chosen = Sampling(**sampling)
    except UsageError as error:
        problems.append(str(error))
    if problems or chosen is None:
        raise UsageError("; ".join(problems))
    return Asked(prompt, int(length), chosen, stops, int(samples))


def write(model: Generator, want: Asked) -> list[str]:
    """`want.samples` continuations of the prompt."""
    codec = model.codec_
    if codec.unit == "char" and not want.stops:  # no text before the end: nothing waits for it
        steps = list(_drawn(model, want, _prompt_ids(model, want.prompt), None))
        ids = np.array(steps, dtype=np.int64).reshape(-1, want.samples)  # (length, samples)
        return [codec.decode(row) for row in ids.T]
    before = _prompt_ids(model, want.prompt)
    texts = _growing(model, want, before)
    for _ in _drawn(model, want, before, texts):
        pass
    return [text.text for text in texts]


def write_piece_by_piece(model: Generator, want: Asked) -> Iterator[str]:
    """One continuation, each piece when it is certain. The prompt is read at once."""
    before = _prompt_ids(model, want.prompt)
    (text,) = _growing(model, want, before)
    return _pieces(_drawn(model, want, before, [text]), text)


def _pieces(drawn: Iterator[IntArray], text: GrowingText) -> Iterator[str]:
    for _ in drawn:
        if piece := text.take():
            yield piece


def _growing(model: Generator, want: Asked, before: IntArray) -> list[GrowingText]:
    ids = before.tolist()
    return [GrowingText(model.codec_.decode, want.stops, ids) for _ in range(want.samples)]


def _drawn(
    model: Generator, want: Asked, before: IntArray, texts: list[GrowingText] | None
) -> Iterator[IntArray]:
    """The tokens of all samples, (samples,) step by step."""
    if not want.length:
        return iter(())
    state, logits = read(model.runner_, beginning(model, before), model.spec_.output_size)
    stepper = Steps(model.runner_)
    if want.samples > 1:
        rows = np.zeros(want.samples, dtype=np.int64)
        state, logits = stepper.select(state, rows), logits[rows]
    ends = model.data_["several"]
    return sample(
        stepper,
        state,
        logits,
        length=want.length,
        sampling=want.sampling,
        end=END if ends else None,
        banned=NEVER if ends else (*NEVER, END),
        texts=texts,
    )


def _prompt_ids(model: Generator, prompt: str) -> IntArray:
    """(T,)"""
    return model.codec_.encode([prompt]).tokens[:, 0].astype(np.int64)


def beginning(model: Generator, prompt: IntArray) -> IntArray:
    """What is read before the first token is drawn: never nothing.

    Of several texts, the end of another one and the prompt. Of one text the prompt or, where it is
    empty, the end of a line; where that was never learnt, the most frequent token.
    """
    if model.data_["several"]:
        return np.concatenate([[END], prompt])
    if len(prompt):
        return prompt
    line = _prompt_ids(model, "\n")
    if len(line) and model.counts_[line].all():
        return line
    return np.array([int(model.counts_.argmax())])


def read(
    runner: Predictor, ids: IntArray, vocabulary: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Read tokens (T,) from the first on: the state after them, and what comes next.

    -> (S, layers, 1, H), (1, V)
    """
    most = max(1, LOGITS_AT_ONCE // vocabulary)
    state: Any = None
    logits: Any = None
    for first in range(0, len(ids), most):
        part = ids[None, first : first + most, None]  # (1, T, 1)
        answer = runner.forward(Batch(x=part, state=state))
        state, logits = answer.state, answer.output[:, -1]
    return state, logits
