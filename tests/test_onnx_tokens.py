"""The ONNX dialect of networks that read and write tokens: pieces, carried state, refusals."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import (
    TOKENS,
    many_to_many_specs,
    many_to_one_specs,
    meant,
    random_batch,
    random_weights,
    spec_of,
    token_decoder_specs,
)

from gatewise.batch import START, Batch
from gatewise.engines.onnx import engine as onnx_engine
from gatewise.engines.onnx.engine import Engine, build_graphs
from gatewise.errors import UsageError

EVERY = many_to_one_specs() | many_to_many_specs() | token_decoder_specs()
ONE_WAY = [name for name in many_to_many_specs() if "-uni-" in name]
CLASSES = "lstm-1-bi-mean_max-pairs"
CHARS = "lstm-2-uni-steps-tokens"
TAGS = "gru-1-bi-steps-pairs"
ADDITIVE = "lstm-1-bi-writes-additive"
WITHOUT = "gru-1-uni-writes-none"


@cache
def engine_of(name: str) -> Engine:
    return Engine(EVERY[name], build_graphs(EVERY[name], random_weights(EVERY[name])))


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(ONE_WAY), seed=st.integers(0, 2**16), cut=st.integers(1, 5))
def test_a_sequence_in_two_pieces_with_its_state_is_the_sequence(
    name: str, seed: int, cut: int
) -> None:
    engine, batch = engine_of(name), random_batch(EVERY[name], seed)
    batch = replace(batch, lengths=None)
    whole = engine.forward(batch)
    first = engine.forward(replace(batch, x=batch.x[:, :cut]))
    second = engine.forward(replace(batch, x=batch.x[:, cut:], state=first.state))
    both = np.concatenate([first.output, second.output], axis=1)
    np.testing.assert_allclose(both, whole.output, atol=1e-6)
    np.testing.assert_allclose(second.state, whole.state, atol=1e-6)


@pytest.mark.parametrize("name", [CLASSES, CHARS, "gru-1-uni-steps-none", TAGS, ADDITIVE, WITHOUT])
@pytest.mark.parametrize("memory", [1, 4000, 40000])
def test_little_memory_cuts_rows_and_steps_and_changes_no_answer(
    name: str, memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, batch = EVERY[name], random_batch(EVERY[name], rows=11)
    whole = engine_of(name).forward(batch)
    monkeypatch.setattr(onnx_engine, "WORKING_MEMORY", memory)
    pieces = engine_of(name).forward(batch)
    for field in ("attention", "state"):
        ours, theirs = getattr(pieces, field), getattr(whole, field)
        assert (ours is None) == (theirs is None)
        if ours is not None:
            np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert pieces.output.shape == whole.output.shape
    np.testing.assert_allclose(
        meant(spec, batch, pieces.output), meant(spec, batch, whole.output), atol=1e-6
    )


def test_a_hundred_thousand_steps_in_one_forward() -> None:
    spec = spec_of(kind="many_to_many", hidden_size=8, **{**TOKENS["tokens"], "output_size": 11})
    engine = Engine(spec, build_graphs(spec, random_weights(spec)))
    ids = np.random.default_rng(0).integers(0, 11, (1, 100_000, 1))
    answer = engine.forward(Batch(x=ids))
    assert answer.output.shape == (1, 100_000, 11)
    late = engine.forward(Batch(x=ids[:, -200:]))  # so small a network forgets
    np.testing.assert_allclose(answer.output[:, -50:], late.output[:, -50:], atol=1e-4)
    np.testing.assert_allclose(answer.state, late.state, atol=1e-4)


def test_the_state_that_is_given_stays_as_it_is() -> None:
    batch = random_batch(EVERY[CHARS])
    before = np.array(batch.state)
    engine_of(CHARS).forward(batch)
    np.testing.assert_array_equal(batch.state, before)


@pytest.mark.parametrize("name", [CLASSES, CHARS, TAGS, ADDITIVE, WITHOUT])
def test_an_empty_batch_has_an_empty_answer(name: str) -> None:
    batch = random_batch(EVERY[name])
    none = Batch(
        x=batch.x[:0],
        start=None if batch.start is None else batch.start[:0],
        y=batch.y[:0],
        state=None if batch.state is None else batch.state[:, :, :0],
    )
    answer, full = engine_of(name).forward(none), engine_of(name).forward(batch)
    for field, rows in (("output", 0), ("attention", 0), ("state", 2)):
        empty, other = getattr(answer, field), getattr(full, field)
        assert (empty is None) == (other is None)
        if empty is not None:
            shape = list(other.shape)
            shape[rows] = 0
            assert empty.shape == tuple(shape)


@pytest.mark.parametrize("name", [CLASSES, CHARS, TAGS, ADDITIVE])
def test_any_type_of_whole_numbers_may_hold_ids(name: str) -> None:
    batch = random_batch(EVERY[name])
    other = replace(batch, x=np.asfortranarray(batch.x.astype(np.uint8)))
    np.testing.assert_array_equal(
        engine_of(name).forward(other).output, engine_of(name).forward(batch).output
    )


def test_a_step_answers_the_same_whatever_is_written_after_it() -> None:
    batch = random_batch(EVERY[ADDITIVE])
    kept = engine_of(ADDITIVE).forward(batch)
    y = np.array(batch.y)
    y[:, 2:] = 5  # read by step 3 at first
    moved = engine_of(ADDITIVE).forward(replace(batch, y=y))
    np.testing.assert_array_equal(moved.output[:, :3], kept.output[:, :3])
    assert np.abs(moved.output[:, 3] - kept.output[:, 3]).max() > 1e-3


def bad(name: str, at: tuple[int, ...], value: int, field: str = "x") -> dict[str, Any]:
    array = np.array(getattr(random_batch(EVERY[name]), field))
    array[at] = value
    return {field: array}


FLOATS = np.zeros((5, 6, 1))
BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "high id": (CLASSES, bad(CLASSES, (3, 0, 1), 9), r"x\[3, 0, 1\] is id 9.*from 0 to 8"),
    "negative id": (CHARS, bad(CHARS, (1, 2, 0), -1), r"x\[1, 2, 0\] is id -1.*from 0 to 10"),
    "float ids": (CHARS, {"x": FLOATS}, r"x must be ids, whole numbers below 11, not float64"),
    "axes": (CHARS, {"x": np.zeros((5, 6), int)}, r"1 channels of ids.*\(5, 6\)"),
    "channels": (CLASSES, {"x": np.zeros((5, 6, 1), int)}, r"1 features per step.* reads 2"),
    "state": (CHARS, {"state": np.zeros((1, 2, 5, 5))}, r"\(2, 2, 5, 5\), not \(1, 2, 5, 5\)"),
    "two-way state": (TAGS, {"state": np.zeros((1, 1, 5, 5))}, r"only a one-way many_to_many"),
    "no start": (ADDITIVE, {"start": None}, r"start of shape \(5, 1\) is missing"),
    "high start": (ADDITIVE, {"start": np.full((5, 1), 8)}, r"start\[0, 0\] is id 8.*to 7"),
    "no truth": (ADDITIVE, {"y": None}, r"y of shape \(5, steps\) is missing"),
    "nothing to write": (ADDITIVE, {"y": np.zeros((5, 0), int)}, r"at least one step.*\(5, 0\)"),
    "rows of truth": (WITHOUT, {"y": np.zeros((4, 3), int)}, r"\(5, steps\).*not \(4, 3\)"),
    "high truth": (WITHOUT, bad(WITHOUT, (2, 1), 8, "y"), r"y\[2, 1\] is id 8.*from -1 to 7"),
    "float truth": (WITHOUT, {"y": np.zeros((5, 3))}, r"y must be ids.*float64"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_batch_that_does_not_fit_is_refused(case: str) -> None:
    name, change, message = BAD[case]
    with pytest.raises(UsageError, match=message):
        engine_of(name).forward(replace(random_batch(EVERY[name]), **change))


GRAPHS = {
    CLASSES: {"model": (["x", "lengths"], ["output"])},
    TAGS: {"model": (["x", "lengths"], ["output"])},
    CHARS: {"model": (["x", "lengths", "h", "c"], ["output", "next_h", "next_c"])},
    ADDITIVE: {
        "encoder": (["x", "lengths"], ["h", "c", "memory", "keys"]),
        "decoder": (
            ["tokens", "h", "c", "memory", "keys", "lengths"],
            ["output", "attention", "next_h", "next_c"],
        ),
    },
    WITHOUT: {
        "encoder": (["x", "lengths"], ["h"]),
        "decoder": (["tokens", "h"], ["output", "next_h"]),
    },
}


@pytest.mark.parametrize("name", GRAPHS)
def test_the_graphs_take_and_give_what_is_promised(name: str) -> None:
    graphs = build_graphs(EVERY[name], random_weights(EVERY[name]))
    found = {}
    for part, written in graphs.items():
        graph = onnx.load_from_string(written).graph
        found[part] = ([v.name for v in graph.input], [v.name for v in graph.output])
    assert found == GRAPHS[name]


def test_memory_is_zero_at_padding() -> None:
    spec, batch = EVERY[ADDITIVE], random_batch(EVERY[ADDITIVE])
    session = engine_of(ADDITIVE)._sessions["encoder"]
    (memory,) = session.run(["memory"], {"x": batch.x, "lengths": batch.lengths})
    for row, length in zip(memory, batch.lengths, strict=True):
        assert np.abs(row[:length]).min() > 0
        assert not row[length:].any()
    assert memory.shape[2] == spec.encoded_size


def test_a_narrow_vocabulary_makes_the_graph_smaller() -> None:
    """What 11 ids mean to a wide layer is known beforehand: no table of wide vectors is read."""
    sizes = {**TOKENS["tokens"], "output_size": 11, "hidden_size": 64}
    wide = spec_of(kind="many_to_many", **{**sizes, "embedding_size": 200})
    narrow = spec_of(kind="many_to_many", **{**sizes, "embedding_size": 11})
    written = [len(build_graphs(spec, random_weights(spec))["model"]) for spec in (wide, narrow)]
    assert written[0] < written[1] + 1000


def test_a_batch_that_is_cut_takes_no_more_memory_than_its_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(onnx_engine, "WORKING_MEMORY", 2**16)
    batch = Batch(x=np.zeros((1, 20_000, 1), np.int64), state=np.zeros((2, 2, 1, 5), np.float32))
    engine_of(CHARS).forward(batch)
    tracemalloc.start()
    answer = engine_of(CHARS).forward(batch)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2 * answer.output.nbytes + batch.x.nbytes


def test_start_is_what_the_first_step_reads() -> None:
    batch = random_batch(EVERY[WITHOUT])
    kept = engine_of(WITHOUT).forward(batch)
    other = engine_of(WITHOUT).forward(replace(batch, start=np.full((5, 1), START + 1)))
    assert np.abs(other.output[:, 0] - kept.output[:, 0]).max() > 1e-3
