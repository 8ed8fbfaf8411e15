"""The ONNX dialect against the NumPy reference, for every network there is."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import (
    every_spec,
    meant,
    only,
    padded,
    random_batch,
    random_weights,
    spec_of,
)

from gatewise import reference
from gatewise.batch import Batch
from gatewise.engines.onnx import engine as onnx_engine
from gatewise.engines.onnx import graph as onnx_graph
from gatewise.engines.onnx.engine import Engine, build_graphs
from gatewise.errors import ArtifactError, SpecError, UsageError
from gatewise.spec import NetworkSpec

EVERY = every_spec()
FOR_A_CHILD = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
ATTENDING = [
    name for name in EVERY if any(word in name for word in ("attention", "additive", "multiplic"))
]


@cache
def engine_of(name: str) -> Engine:
    return Engine(EVERY[name], build_graphs(EVERY[name], random_weights(EVERY[name])))


def close(ours: Any, theirs: Any, atol: float) -> None:
    np.testing.assert_allclose(ours, theirs, atol=atol, rtol=0)


def truth(spec: NetworkSpec, batch: Batch) -> reference.Reference:
    """The reference in float64, with the float32 weights that the graph has."""
    weights = {name: w.astype(np.float64) for name, w in random_weights(spec).items()}
    return reference.forward(spec, weights, batch)


@pytest.mark.parametrize("name", EVERY)
def test_it_answers_as_the_reference(name: str) -> None:
    spec, batch = EVERY[name], random_batch(EVERY[name], seed=3)
    answer, expected = engine_of(name).forward(batch), truth(spec, batch)
    assert answer.output.dtype == np.float32
    assert answer.output.shape == expected.output.shape
    close(meant(spec, batch, answer.output), meant(spec, batch, expected.output), 1e-5)
    assert (answer.attention is None) == (expected.attention is None)
    if expected.attention is not None:
        close(answer.attention, expected.attention, 1e-5)
    assert (answer.state is None) == (expected.state is None)
    if expected.state is not None:
        close(answer.state, expected.state, 1e-5)


@pytest.mark.parametrize("name", EVERY)
def test_a_row_alone_in_a_batch_and_under_longer_padding_is_one_answer(name: str) -> None:
    spec, engine, batch = EVERY[name], engine_of(name), random_batch(EVERY[name], seed=4)
    kept = engine.forward(batch)
    longer = engine.forward(padded(batch, 4 * spec.segment_length))
    close(meant(spec, batch, longer.output), meant(spec, batch, kept.output), 1e-6)
    if kept.state is not None:
        close(longer.state, kept.state, 1e-6)
    for b in range(len(batch.x)):
        alone = engine.forward(only(batch, b))
        steps = alone.output.shape[1]
        close(alone.output[0], kept.output[b, :steps], 1e-6)
        if kept.state is not None:
            close(alone.state[:, :, 0], kept.state[:, :, b], 1e-6)


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(EVERY)),
    seed=st.integers(0, 2**16),
    rows=st.integers(1, 9),
    more=st.integers(0, 5),
    fill=st.sampled_from([-7.0, 1e30, float("inf"), float("nan")]),
)
def test_padding_is_never_read(name: str, seed: int, rows: int, more: int, fill: float) -> None:
    spec, engine = EVERY[name], engine_of(name)
    batch = random_batch(spec, seed, rows)
    kept = engine.forward(batch)
    filled = engine.forward(padded(batch, more * spec.segment_length, fill))
    close(meant(spec, batch, filled.output), meant(spec, batch, kept.output), 1e-6)
    if kept.attention is not None:
        assert filled.attention is not None
        steps = kept.attention.shape[-1]
        close(filled.attention[..., :steps], kept.attention, 1e-6)
        np.testing.assert_array_equal(filled.attention[..., steps:], 0.0)


@pytest.mark.parametrize("name", ATTENDING)
def test_attention_is_zero_at_padding_and_sums_to_one(name: str) -> None:
    spec, batch = EVERY[name], random_batch(EVERY[name], seed=5)
    attention = engine_of(name).forward(batch).attention
    assert attention is not None
    ends = batch.lengths // spec.segment_length  # type: ignore[operator]
    for b, end in enumerate(ends):
        assert attention[b, ..., :end].min() > 0
        assert not attention[b, ..., end:].any()
    close(attention.sum(axis=-1), 1, 1e-6)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_the_backward_half_ends_at_the_first_step_and_the_forward_half_at_the_last(
    cell: str,
) -> None:
    spec = spec_of(kind="many_to_one", cell=cell, bidirectional=True, horizon=5)
    weights = random_weights(spec)
    weights["head.kernel"] = np.eye(10, dtype=np.float32)  # the answer is what was pooled
    engine, half = Engine(spec, build_graphs(spec, weights)), 5
    batch = random_batch(spec, seed=1)
    for b, length in enumerate(np.asarray(batch.lengths)):
        kept = engine.forward(batch).output[b].ravel()
        for step, part in ((0, slice(half, None)), (length - 1, slice(0, half))):
            x = np.array(batch.x)
            x[b, step] += 1
            moved = engine.forward(replace(batch, x=x)).output[b].ravel()
            assert np.abs(moved - kept)[part].max() > 1e-2


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("rows", [1, 70])
def test_wide_networks_long_sequences_and_two_threads(cell: str, rows: int) -> None:
    """onnxruntime takes other paths where there is more to do than in a toy network."""
    spec = spec_of(
        kind="many_to_one",
        cell=cell,
        hidden_size=40,
        num_layers=2,
        bidirectional=True,
        pooling="attention",
    )
    engine = Engine(spec, build_graphs(spec, random_weights(spec)), threads=2)
    batch = random_batch(spec, rows=rows, segments=60)
    expected = truth(spec, batch)
    answer = engine.forward(batch)
    np.testing.assert_allclose(answer.output, expected.output, atol=1e-5, rtol=0)
    np.testing.assert_allclose(answer.attention, expected.attention, atol=1e-5, rtol=0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [
        "gru-2-bi-attention-segments",
        "lstm-1-bi-fed_back-none-2ahead",
        "rnn-1-uni-by_position-segments-2ahead",
    ],
)
class TestAnyBatch:
    def test_large_ones_are_answered_part_by_part(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        batch = random_batch(EVERY[name], rows=11)
        whole = engine_of(name).forward(batch)
        monkeypatch.setattr(onnx_engine, "WORKING_MEMORY", 4 * 4 * 4 * 10 * 6)
        parts = engine_of(name).forward(batch)
        np.testing.assert_allclose(parts.output, whole.output, atol=1e-6, rtol=0)
        if whole.attention is not None:
            np.testing.assert_allclose(parts.attention, whole.attention, atol=1e-6, rtol=0)

    def test_an_empty_one_has_an_empty_answer(self, name: str) -> None:
        spec, batch = EVERY[name], random_batch(EVERY[name])
        none = Batch(
            x=batch.x[:0],
            future=None if batch.future is None else batch.future[:0],
            start=None if batch.start is None else batch.start[:0],
        )
        answer = engine_of(name).forward(none)
        assert answer.output.shape == (0, spec.horizon, spec.output_size)
        if "attention" in name:
            assert answer.attention is not None
            assert answer.attention.shape == (0, 6)

    def test_without_lengths_every_step_counts(self, name: str) -> None:
        batch = random_batch(EVERY[name])
        full = replace(batch, lengths=np.full(len(batch.x), batch.x.shape[1]))
        answer = engine_of(name).forward(replace(batch, lengths=None)).output
        np.testing.assert_array_equal(answer, engine_of(name).forward(full).output)

    def test_other_types_and_layouts_of_arrays(self, name: str) -> None:
        batch = random_batch(EVERY[name])
        other = replace(
            batch,
            x=np.asfortranarray(batch.x.astype(np.float64)),
            lengths=np.asarray(batch.lengths).astype(np.int32),
        )
        np.testing.assert_array_equal(
            engine_of(name).forward(other).output, engine_of(name).forward(batch).output
        )

    def test_several_threads_at_once(self, name: str) -> None:
        batches = [random_batch(EVERY[name], seed=seed) for seed in range(8)]
        alone = [engine_of(name).forward(batch).output for batch in batches]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda b: engine_of(name).forward(b).output, batches))
        np.testing.assert_array_equal(together, alone)


def test_a_long_fed_back_horizon_stays_with_the_reference() -> None:
    spec = spec_of(kind="encoder_decoder", decoder="fed_back", horizon=60, num_layers=2)
    batch = random_batch(spec)
    answer = Engine(spec, build_graphs(spec, random_weights(spec))).forward(batch)
    np.testing.assert_allclose(answer.output, truth(spec, batch).output, atol=1e-5, rtol=0)


FED = "lstm-1-uni-fed_back-none-2ahead"
CUT = "lstm-1-uni-by_position-segments-2ahead"
BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "features": (CUT, {"x": np.zeros((5, 18, 4))}, r"x has 4 features per step.* reads 3"),
    "axes": (CUT, {"x": np.zeros((18, 3))}, r"\(sequences, steps, 3 features\).* \(18, 3\)"),
    "no steps": (CUT, {"x": np.zeros((5, 0, 3))}, r"at least one step"),
    "part of a segment": (CUT, {"x": np.zeros((5, 19, 3))}, r"19 steps.*segment_length=3"),
    "zero length": (FED, {"lengths": np.array([1, 2, 0, 1, 1])}, r"from 1 to 6.*lengths\[2\] is 0"),
    "long length": (FED, {"lengths": np.array([1, 7, 1, 1, 1])}, r"from 1 to 6.*lengths\[1\] is 7"),
    "cut length": (CUT, {"lengths": np.array([3, 3, 3, 4, 3])}, r"segment_length=3.*\[3\] is 4"),
    "other count": (FED, {"lengths": np.array([1, 2])}, r"5 whole numbers.* \(2,\)"),
    "float lengths": (FED, {"lengths": np.ones(5)}, r"5 whole numbers.*float64"),
    "no future": (CUT, {"future": None}, r"future of shape \(5, 4, 2\) is missing"),
    "short future": (FED, {"future": np.zeros((5, 3, 2))}, r"\(5, 4, 2\), not \(5, 3, 2\)"),
    "no start": (FED, {"start": None}, r"start of shape \(5, 2\) is missing"),
    "narrow start": (FED, {"start": np.zeros((5, 1))}, r"\(5, 2\), not \(5, 1\)"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_batch_that_does_not_fit_is_refused(case: str) -> None:
    name, change, message = BAD[case]
    with pytest.raises(UsageError, match=message):
        engine_of(name).forward(replace(random_batch(EVERY[name]), **change))


def test_all_that_does_not_fit_is_in_one_message() -> None:
    batch = replace(random_batch(EVERY[FED]), x=np.zeros((5, 6, 9)), start=None)
    with pytest.raises(UsageError, match=r"9 features.*start of shape"):
        engine_of(FED).forward(batch)


@pytest.mark.parametrize("name", [n for i, n in enumerate(EVERY) if i % 5 == 0 or "shortcut" in n])
def test_the_graphs_are_valid_onnx_that_anyone_can_read(name: str) -> None:
    for part, written in build_graphs(EVERY[name], random_weights(EVERY[name])).items():
        model = onnx.load_from_string(written)
        onnx.checker.check_model(model, full_check=True)
        assert model.producer_name == "gatewise"
        assert [opset.version for opset in model.opset_import] == [17]
        assert not {node.op_type for node in model.graph.node} & {"Loop", "Scan"}
        inputs = [value.name for value in model.graph.input]
        if part in ("model", "encoder"):
            assert inputs[:2] == ["x", "lengths"]
            axes = model.graph.input[0].type.tensor_type.shape.dim
            assert [axis.dim_param for axis in axes] == ["batch", "time", ""]


def test_the_fed_back_decoder_is_one_step_with_states_in_and_out() -> None:
    graphs = build_graphs(EVERY[FED], random_weights(EVERY[FED]))
    decoder = onnx.load_from_string(graphs["decoder"]).graph
    assert [value.name for value in decoder.input] == ["value", "future", "h", "c"]
    assert [value.name for value in decoder.output] == ["output", "next_h", "next_c"]


def test_the_same_weights_give_the_same_bytes_in_another_process() -> None:
    code = (
        "import hashlib; from networks import EMBEDDINGS, random_weights, spec_of;"
        "from gatewise.engines.onnx.engine import build_graphs;"
        "spec = spec_of(kind='many_to_one', pooling='attention', **EMBEDDINGS['segments']);"
        "print(hashlib.sha256(build_graphs(spec, random_weights(spec))['model']).hexdigest())"
    )
    spec = EVERY["lstm-1-uni-attention-segments"]
    ours = hashlib.sha256(build_graphs(spec, random_weights(spec))["model"]).hexdigest()
    theirs = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=FOR_A_CHILD,
    )
    assert theirs.stdout.strip() == ours
    assert theirs.stderr == ""


def test_running_a_saved_graph_needs_neither_a_framework_nor_onnx() -> None:
    code = (
        "import sys; from gatewise.engines.onnx.engine import Engine;"
        "print(sorted({'onnx', 'torch', 'tensorflow', 'pandas'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=FOR_A_CHILD,
    )
    assert ran.stdout.strip() == "[]"


def test_a_missing_graph_is_named() -> None:
    graphs = build_graphs(EVERY[FED], random_weights(EVERY[FED]))
    with pytest.raises(ArtifactError, match=r"'decoder' is missing \(given: encoder\)"):
        Engine(EVERY[FED], {"encoder": graphs["encoder"]})


@pytest.mark.parametrize("damage", [b"", b"not a graph", None])
def test_a_damaged_graph_is_refused(damage: bytes | None) -> None:
    whole = build_graphs(EVERY[CUT], random_weights(EVERY[CUT]))["model"]
    with pytest.raises(ArtifactError, match="'model' cannot be read"):
        Engine(EVERY[CUT], {"model": whole[: len(whole) // 2] if damage is None else damage})


def test_what_an_onnx_file_cannot_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_graph, "LARGEST", 1000)
    with pytest.raises(SpecError, match="make hidden_size or num_layers smaller"):
        build_graphs(EVERY[CUT], random_weights(EVERY[CUT]))
