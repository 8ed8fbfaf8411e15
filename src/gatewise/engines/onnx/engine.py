"""The one inference path: a saved network, answered by onnxruntime. No framework is needed.

`build_graphs` writes the graphs (it needs the package onnx), `Engine` runs them (it does not).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import numpy as np

from gatewise.batch import PADDING, Batch
from gatewise.engine import Outputs
from gatewise.engines.onnx.checks import check_batch
from gatewise.engines.onnx.parts import (
    begin_of,
    bytes_of_decoder_step,
    bytes_of_row,
    bytes_of_step,
    join,
    lengths_of,
    nothing,
    parts,
)
from gatewise.engines.onnx.session import VERSION, Feeds, floats, ids, open_sessions, run_named
from gatewise.reference import STATES
from gatewise.spec import NetworkSpec
from gatewise.weights import Weights

WORKING_MEMORY = 2**24  # bytes of gates in one run; larger batches are cut, which is also faster


def build_graphs(spec: NetworkSpec, weights: Weights) -> dict[str, bytes]:
    """The network as ONNX files, by name: `model`, or for a decoder that goes step by step
    `encoder` and `decoder`. The same spec and weights give the same bytes.

    Raises SpecError when the weights are larger than an ONNX file can hold.
    """
    from gatewise.engines.onnx.nets import NETS

    return NETS[spec.kind](spec, weights).graphs()


@final
class Engine:
    """Answers batches with the graphs of one network. It may be called from several threads."""

    name = "onnx"
    device = "cpu"
    version = VERSION

    def __init__(
        self, spec: NetworkSpec, graphs: Mapping[str, bytes], *, threads: int | None = None
    ) -> None:
        """threads: of one call; None: one for each core, at most four.

        Raises ArtifactError when a graph is missing or cannot be read.
        """
        self.spec = spec
        two = spec.decoder in ("fed_back", "tokens")
        names = ("encoder", "decoder") if two else ("model",)
        self._sessions = open_sessions(graphs, names, threads)

    def forward(self, batch: Batch) -> Outputs:
        """What the network answers to each sequence of the batch, whatever it is padded with.

        A batch of any size: what takes too much memory at once is answered part by part, a
        one-way many_to_many network's sequences also in time. A decoder of tokens reads batch.y.
        Raises UsageError, one message with every problem, when a shape or an id does not fit.
        """
        check_batch(self.spec, batch)
        rows = len(batch.x)
        if rows == 0:
            return nothing(self.spec, batch)
        most = max(1, WORKING_MEMORY // bytes_of_row(self.spec, batch))
        return join([self._answer(part) for part in parts(batch, most)])

    def _answer(self, batch: Batch) -> Outputs:
        spec = self.spec
        feeds = {
            "x": ids(batch.x) if spec.embedding == "tokens" else floats(batch.x),
            "lengths": ids(lengths_of(batch)),
        }
        if spec.kind == "many_to_many":
            return self._at_every_step(feeds, batch)
        if spec.decoder == "tokens":
            return self._tokens(feeds, batch)
        if spec.decoder == "fed_back":
            return self._fed_back(feeds, batch)
        if spec.future_size:
            feeds["future"] = floats(batch.future)
        return Outputs(*self._sessions["model"].run(None, feeds))

    def _at_every_step(self, feeds: Feeds, batch: Batch) -> Outputs:
        """Sequences that are long in all are read piece by piece, each from the state before; a
        piece has no rows that have ended.
        """
        spec, run = self.spec, self._sessions["model"].run
        if spec.bidirectional:
            return Outputs(run(["output"], feeds)[0])
        x, lengths = feeds["x"], feeds["lengths"]
        rows, steps = x.shape[:2]
        names = STATES[spec.cell]
        state = begin_of(spec, batch)  # (S, layers, B, H)
        wanted = ["output", *(f"next_{name}" for name in names)]
        most = max(1, WORKING_MEMORY // (rows * bytes_of_step(spec)))
        output = np.zeros((rows, steps, spec.output_size), np.float32)
        for first in range(0, int(lengths.max()), most):
            going = np.flatnonzero(lengths > first)
            read = {
                "x": np.ascontiguousarray(x[going, first : first + most]),
                "lengths": np.minimum(lengths[going] - first, most),
                **dict(zip(names, state[:, :, going], strict=True)),
            }
            answer, *moved = run(wanted, read)
            output[going, first : first + most] = answer
            state[:, :, going] = moved
        return Outputs(output, state=state)

    def _tokens(self, feeds: Feeds, batch: Batch) -> Outputs:
        """The decoder reads the id before each step, many steps at once."""
        spec = self.spec
        names = STATES[spec.cell]
        found = run_named(self._sessions["encoder"], feeds)
        states = [found.pop(name) for name in names]
        if found:  # there is a memory to attend to
            found["lengths"] = feeds["lengths"]
        truth = ids(batch.y)
        before = np.concatenate([ids(batch.start), np.maximum(truth[:, :-1], PADDING)], axis=1)
        wanted = ["output", *(["attention"] if found else []), *(f"next_{n}" for n in names)]
        most = max(1, WORKING_MEMORY // (len(before) * bytes_of_decoder_step(spec, batch)))
        answers = []
        for first in range(0, before.shape[1], most):
            read = {"tokens": np.ascontiguousarray(before[:, first : first + most])}
            read |= dict(zip(names, states, strict=True))
            answer = self._sessions["decoder"].run(wanted, {**read, **found})
            answers.append(answer[: len(answer) - len(names)])
            states = answer[-len(names) :]
        return Outputs(*(np.concatenate(pieces, axis=1) for pieces in zip(*answers, strict=True)))

    def _fed_back(self, feeds: Feeds, batch: Batch) -> Outputs:
        """The decoder's graph once for each step: it reads the value and the states before it."""
        names = STATES[self.spec.cell]
        states = self._sessions["encoder"].run(names, feeds)
        step = self._sessions["decoder"].run
        wanted = ["output", *(f"next_{name}" for name in names)]
        value = floats(batch.start)  # (B, D)
        output = np.empty((len(value), self.spec.horizon, self.spec.output_size), np.float32)
        future = np.asarray(batch.future) if self.spec.future_size else None
        for k in range(self.spec.horizon):
            read = {"value": value, **dict(zip(names, states, strict=True))}
            if future is not None:
                read["future"] = floats(future[:, k])
            value, *states = step(wanted, read)
            output[:, k] = value
        return Outputs(output)
