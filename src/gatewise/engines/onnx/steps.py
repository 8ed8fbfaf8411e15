"""Networks that go token by token, as `gatewise.decoding` asks for them: on one core, at once.

A step at batch size 1 reads every weight once and computes little: a second thread would wait
for the same memory. So these sessions have one thread each, and are apart from `Engine`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import END, START, Batch, IntArray
from gatewise.decoding.stepper import Step
from gatewise.engines.onnx.checks import check_batch
from gatewise.engines.onnx.parts import begin_of, bytes_of_step, lengths_of
from gatewise.engines.onnx.session import Feeds, floats, ids, open_sessions, run_named
from gatewise.errors import UsageError
from gatewise.reference import STATES
from gatewise.spec import NetworkSpec

READING_MEMORY = 2**24  # bytes of one run over a part of a prompt

Layers = tuple[NDArray[np.float32], ...]  # h and, for an LSTM, c; (layers, B, H) each
Run = Callable[[Sequence[str], Feeds], list[NDArray[np.float32]]]


@final
class LanguageSteps:
    """A one-way many_to_many network of tokens, that reads one id a step.

    A prompt is read by the graph that `Engine` runs, every step after it by that for one step. A
    state is (h, c) or (h,), each (layers, B, H); what `Outputs.state` holds is one too.
    """

    def __init__(self, spec: NetworkSpec, graphs: Mapping[str, bytes]) -> None:
        """Raises UsageError for another kind of network, ArtifactError for a damaged graph."""
        if spec.kind != "many_to_many" or spec.bidirectional or spec.vocab_size == 0:
            raise UsageError(
                "token by token goes a one-way many_to_many network of tokens, not "
                f"kind={spec.kind!r}, embedding={spec.embedding!r}, "
                f"bidirectional={spec.bidirectional}"
            )
        self.spec = spec
        self._names = STATES[spec.cell]
        self._wanted = ["output", *(f"next_{name}" for name in self._names)]
        self._run = open_sessions(graphs, ["model"], threads=1)["model"].run
        self._model = graphs["model"]
        self._channels = () if spec.input_size == 1 else (spec.input_size,)

    def read(
        self, tokens: IntArray, state: Layers | None = None
    ) -> tuple[Layers, NDArray[np.float32]]:
        """Read a prompt of any length: the state after it, and the logits of the next token.

        tokens (T,), or (B, T) for B prompts of one length, or (B, T, F) with n-grams; state None:
               zeros
        -> state of B rows (1 for a plain prompt), logits (B, V)
        Raises UsageError when there is nothing to read or an id is not in the vocabulary.
        """
        tokens = np.atleast_2d(np.asarray(tokens))
        x = tokens if tokens.ndim == 3 else tokens[:, :, None]
        batch = Batch(x=x, state=None if state is None else np.stack(state))
        check_batch(self.spec, batch)
        rows, steps = x.shape[:2]
        if rows == 0:
            raise UsageError("there is no prompt to read: give at least one")
        now: Layers = tuple(begin_of(self.spec, batch))
        most = max(1, READING_MEMORY // (rows * bytes_of_step(self.spec)))
        for first in range(0, steps, most):
            logits, *moved = self._answer(x[:, first : first + most], now)
            now = tuple(moved)
        return now, logits[:, -1]

    def step(self, tokens: IntArray, state: Layers) -> Step:
        """See decoding.stepper.Stepper; with n-grams tokens (B, F). An id outside of the
        vocabulary is not looked for.
        """
        if len(tokens) == 0:  # onnxruntime does not take it
            return Step(np.empty((0, self.spec.output_size), np.float32), tuple(state))
        feeds: Feeds = {"x": ids(tokens.reshape(1, len(tokens), *self._channels))}
        feeds.update(zip(self._names, state, strict=True))
        logits, *moved = self._run_step(self._wanted, feeds)
        return Step(logits[0], tuple(moved))

    def select(self, state: Layers, rows: IntArray) -> Layers:
        """See decoding.stepper.Stepper."""
        return tuple(part[:, rows] for part in state)

    @cached_property
    def _run_step(self) -> Run:
        """Opened by the first step: who judges a text alone need not wait for it."""
        from gatewise.engines.onnx.one_step import one_step  # needs onnx

        graph = {"step": one_step(self.spec, self._model)}
        run: Run = open_sessions(graph, ["step"], threads=1)["step"].run
        return run

    def _answer(self, x: IntArray, state: Layers) -> list[NDArray[np.float32]]:
        """x (B, T, F) -> output (B, T, V), next h, next c"""
        feeds = {"x": ids(x), "lengths": np.full(len(x), x.shape[1])}
        feeds.update(zip(self._names, state, strict=True))
        found: list[NDArray[np.float32]] = self._run(self._wanted, feeds)
        return found


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a decoder stands in each row.

    states    h and, for an LSTM, c; (layers, B, H) each
    memory    what it attends to, by the decoder's inputs: memory, keys, lengths; or nothing
    sentence  (B,) which of the sentences that were read
    """

    states: Layers
    memory: Feeds
    sentence: IntArray


@final
class DecoderSteps:
    """A decoder of tokens. Its state is a `Reading`; `read` gives the first."""

    def __init__(self, spec: NetworkSpec, graphs: Mapping[str, bytes]) -> None:
        """Raises UsageError for another kind of network, ArtifactError for a damaged graph."""
        if spec.decoder != "tokens":
            raise UsageError(f"token by token goes a decoder of tokens, not {spec.decoder!r}")
        self.spec = spec
        self._names = STATES[spec.cell]
        attended = [] if spec.attention == "none" else ["attention"]
        self._wanted = ["output", *(f"next_{name}" for name in self._names), *attended]
        sessions = open_sessions(graphs, ["encoder", "decoder"], threads=1)
        self._encoder = sessions["encoder"]
        self._run = sessions["decoder"].run

    def read(self, batch: Batch) -> Reading:
        """Read sentences: x (B, T, F) and lengths, whatever else is in the batch.

        Raises UsageError when they do not fit the network, or there are none.
        """
        rows = len(batch.x)
        written = {"start": np.full((rows, 1), START), "y": np.full((rows, 1), END)}
        check_batch(self.spec, replace(batch, **written))
        if rows == 0:
            raise UsageError("there is no sentence to read: give at least one")
        reads_ids = self.spec.embedding == "tokens"
        lengths = ids(lengths_of(batch))
        feeds: Feeds = {"x": ids(batch.x) if reads_ids else floats(batch.x), "lengths": lengths}
        found = run_named(self._encoder, feeds)
        states = tuple(found.pop(name) for name in self._names)
        return Reading(states, {**found, "lengths": lengths} if found else {}, np.arange(rows))

    def step(self, tokens: IntArray, state: Reading) -> Step:
        """See decoding.stepper.Stepper. An id outside of the vocabulary is not looked for."""
        if len(tokens) == 0:  # onnxruntime does not take it
            return Step(np.empty((0, self.spec.output_size), np.float32), state)
        feeds = {"tokens": ids(tokens[:, None]), **state.memory}
        feeds.update(zip(self._names, state.states, strict=True))
        logits, *found = self._run(self._wanted, feeds)
        states = tuple(found[: len(self._names)])
        attention = found[-1][:, 0] if state.memory else None
        return Step(logits[:, 0], replace(state, states=states), attention)

    def select(self, state: Reading, rows: IntArray) -> Reading:
        """See decoding.stepper.Stepper. Beams that change places within a sentence share its
        memory: it is then not copied.
        """
        sentence = state.sentence[rows]
        memory = state.memory
        if not np.array_equal(sentence, state.sentence):
            memory = {name: part[rows] for name, part in memory.items()}
        return Reading(tuple(part[:, rows] for part in state.states), memory, sentence)
