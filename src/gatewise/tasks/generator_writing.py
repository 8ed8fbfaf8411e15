"""How a generator writes: the prompt is read once, then token by token from the state it left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any, cast, final

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import END, PADDING, IntArray
from gatewise.data.encoded import Ids
from gatewise.data.ngrams import GrowingNgrams
from gatewise.data.text import TextCodec
from gatewise.decoding.growing_text import GrowingText
from gatewise.decoding.sampling import Sampling, sample
from gatewise.decoding.stepper import NEVER, Step
from gatewise.engines.onnx.steps import LanguageSteps
from gatewise.errors import UsageError
from gatewise.spec import NetworkSpec

if TYPE_CHECKING:
    from gatewise.tasks.generator import Generator

LOGITS_AT_ONCE = 2**22  # of a text that is judged

Standing = tuple[Any, Ids]  # the network's state; (B, F) what each row read last


@final
class TextSteps:
    """A network that reads tokens and the n-grams that end at each of them, token by token.

    See decoding.stepper.Stepper; the n-grams are looked up, so that decoding sees tokens alone.
    """

    def __init__(self, spec: NetworkSpec, graphs: Mapping[str, bytes], codec: TextCodec) -> None:
        self.network = LanguageSteps(spec, graphs)
        self.grown = GrowingNgrams(codec.tables, codec.units)

    def read(self, steps: Ids) -> tuple[Standing, NDArray[np.float32]]:
        """Read a prompt (T, F): the state after it, and the logits (1, V) of what follows."""
        state, logits = self.network.read(steps[None].astype(np.int64))
        return (state, steps[-1:]), logits

    def step(self, tokens: IntArray, state: Standing) -> Step:
        """(B,) -> logits (B, V)"""
        read = self.grown.after(state[1], tokens)
        logits, after, _ = self.network.step(read, state[0])
        return Step(logits, (after, read))

    def select(self, state: Standing, rows: IntArray) -> Standing:
        """These rows."""
        return self.network.select(state[0], rows), state[1][rows]


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
    stops = tuple(stop) if isinstance(stop, (list, tuple, set, frozenset)) else (stop,)
    if not all(isinstance(one, str) and one for one in stops):
        problems.append(f"stop strings are texts, none of them empty, not {stop!r}")
    chosen = None
    try:
        chosen = Sampling(**sampling)
    except UsageError as error:
        problems.append(str(error))
    if problems or chosen is None:
        raise UsageError("; ".join(problems))
    return Asked(prompt, int(length), chosen, cast(tuple[str, ...], stops), int(samples))


def write(model: Generator, want: Asked) -> list[str]:
    """`want.samples` continuations of the prompt."""
    texts, interrupted = write_while_let(model, want)
    if interrupted:
        raise KeyboardInterrupt
    return texts


def write_while_let(model: Generator, want: Asked) -> tuple[list[str], bool]:
    """(continuations of the prompt as far as they came, whether Ctrl-C ended them)"""
    codec = model.codec_
    before = _prompt_steps(model, want.prompt)
    late = codec.unit == "char" and not want.stops  # no text before the end: nothing waits for it
    texts = None if late else _growing(model, want, before)
    steps: list[IntArray] = []
    interrupted = False
    try:
        for drawn in _drawn(model, want, before, texts):
            steps.append(drawn)
    except KeyboardInterrupt:
        interrupted = True
    if texts is not None:
        return [text.text for text in texts], interrupted
    ids = np.array(steps, dtype=np.int64).reshape(-1, want.samples)  # (length, samples)
    return [codec.decode(row) for row in ids.T], interrupted


def write_piece_by_piece(model: Generator, want: Asked) -> Iterator[str]:
    """One continuation, each piece when it is certain. The prompt is read at once."""
    before = _prompt_steps(model, want.prompt)
    (text,) = _growing(model, want, before)
    return _pieces(_drawn(model, want, before, [text]), text)


def _pieces(drawn: Iterator[IntArray], text: GrowingText) -> Iterator[str]:
    for _ in drawn:
        if piece := text.take():
            yield piece


def _growing(model: Generator, want: Asked, before: Ids) -> list[GrowingText]:
    ids = before[:, 0].tolist()
    return [GrowingText(model.codec_.decode, want.stops, ids) for _ in range(want.samples)]


def _drawn(
    model: Generator, want: Asked, before: Ids, texts: list[GrowingText] | None
) -> Iterator[IntArray]:
    """The tokens of all samples, (samples,) step by step."""
    if not want.length:
        return iter(())
    stepper = model.steps_
    state, logits = stepper.read(beginning(model, before))
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


def _prompt_steps(model: Generator, prompt: str) -> Ids:
    """(T, F)"""
    return model.codec_.encode([prompt]).tokens


def beginning(model: Generator, prompt: Ids) -> Ids:
    """What is read before the first token is drawn: never nothing.

    Of several texts, the end of another one and the prompt. Of one text the prompt or, where it is
    empty, the end of a line; where that was never learnt, the most frequent token.
    (T, F) -> (T, F)
    """
    first = np.full((1, prompt.shape[1]), PADDING, dtype=prompt.dtype)
    if model.data_["several"]:
        first[0, 0] = END
        return np.concatenate([first, prompt])
    if len(prompt):
        return prompt
    line = _prompt_steps(model, "\n")
    if len(line) and model.counts_[line[:, 0]].all():
        return line
    first[0, 0] = model.counts_.argmax()
    return first
