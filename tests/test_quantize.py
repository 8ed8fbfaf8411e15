"""Weights of 8 bits: answers stay close, bytes repeat, nothing is left behind or warned of."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from networks import every_spec, meant, random_batch, random_weights
from numpy.typing import NDArray

from gatewise.batch import Batch
from gatewise.engines.onnx.engine import Engine, build_graphs
from gatewise.engines.onnx.one_step import one_step
from gatewise.engines.onnx.quantize import left_in_float, quantize, quantize_graphs
from gatewise.engines.onnx.steps import LanguageSteps
from gatewise.spec import NetworkSpec

FOR_A_CHILD = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
HIDDEN = 32  # wide enough that weights are most of a graph
NAMES = [
    "lstm-1-bi-mean_max-pairs",
    "lstm-1-uni-attention-tokens",
    "lstm-2-uni-steps-tokens",
    "lstm-2-uni-steps-tied23",
    "lstm-2-bi-steps-tied4",
    "lstm-2-bi-writes-additive",
    "lstm-1-uni-writes-multiplicative",
    "lstm-1-bi-writes-additive-tied23",
    "lstm-2-bi-fed_back-linear-2ahead",
    "gru-1-bi-steps-pairs",
    "rnn-1-uni-writes-none",
]


@cache
def network(name: str) -> tuple[NetworkSpec, dict[str, bytes], dict[str, bytes]]:
    """A spec, its graphs in float32 and in int8."""
    spec = every_spec()[name]
    changed: dict[str, Any] = {"hidden_size": HIDDEN}
    if spec.tie_embedding:
        both = spec.bidirectional and spec.kind == "many_to_many"
        changed["embedding_size"] = HIDDEN * (2 if both else 1)
    spec = spec.replace(**changed)
    graphs = build_graphs(spec, random_weights(spec))
    return spec, graphs, quantize_graphs(graphs)


def operators(graphs: dict[str, bytes]) -> list[str]:
    models = [onnx.load_from_string(graph) for graph in graphs.values()]
    return [node.op_type for model in models for node in model.graph.node]


@pytest.mark.parametrize("name", NAMES)
def test_answers_stay_close(name: str) -> None:
    spec, graphs, small = network(name)
    batch = random_batch(spec, rows=8)
    full, less = (Engine(spec, each).forward(batch) for each in (graphs, small))
    exact, rounded = (meant(spec, batch, answer.output) for answer in (full, less))
    off = np.abs(rounded - exact)
    assert 0 < off.mean() < 0.03 * exact.std()
    assert (less.attention is None) == (full.attention is None)
    if full.attention is not None:
        np.testing.assert_allclose(less.attention, full.attention, atol=0.03)
        np.testing.assert_array_equal(less.attention == 0, full.attention == 0)


@pytest.mark.parametrize("name", NAMES)
def test_every_matrix_that_can_be_is_of_8_bits(name: str) -> None:
    spec, graphs, small = network(name)
    before, after = operators(graphs), operators(small)
    assert after.count("DynamicQuantizeLSTM") == before.count("LSTM")
    assert "LSTM" not in after
    constants = [
        constant
        for graph in small.values()
        for constant in onnx.load_from_string(graph).graph.initializer
    ]
    in_float = {c.name for c in constants if c.data_type == onnx.TensorProto.FLOAT}
    ends = (".W", ".R", ".kernel", ".query", ".transposed")  # the last of a tied head
    if spec.tie_embedding:
        assert any(c.name.endswith(".transposed_quantized") for c in constants)
    kept = {name for name in in_float if name.endswith(ends)}
    assert {name.rpartition(".")[2] for name in kept} == (
        {"W", "R"} if left_in_float(spec) else set()
    )


def test_a_graph_becomes_about_a_quarter() -> None:
    spec = network("lstm-2-uni-steps-tokens")[0].replace(hidden_size=200)
    graph = build_graphs(spec, random_weights(spec))["model"]
    assert 0.25 < len(quantize(graph)) / len(graph) < 0.28


@pytest.mark.parametrize("name", NAMES[-4:])
def test_the_same_graph_gives_the_same_bytes(name: str) -> None:
    _, graphs, small = network(name)
    assert quantize_graphs(graphs) == small


def test_what_stays_in_float_is_said() -> None:
    assert left_in_float(network("lstm-2-uni-steps-tokens")[0]) is None
    assert "GRU" in str(left_in_float(network("gru-1-bi-steps-pairs")[0]))


@pytest.mark.parametrize("name", ["lstm-2-uni-steps-tied23", "gru-1-bi-steps-pairs"])
def test_nothing_is_left_behind_and_nothing_is_warned_of(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    quantize_graphs(network(name)[1])
    assert not list(tmp_path.iterdir())
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []
    assert capfd.readouterr() == ("", "")


def test_who_wrote_it_stays_and_the_graph_is_valid() -> None:
    _, graphs, small = network("lstm-2-uni-steps-tied23")
    before, after = (onnx.load_from_string(each["model"]) for each in (graphs, small))
    assert (after.producer_name, after.producer_version) == ("gatewise", before.producer_version)
    assert not after.metadata_props
    onnx.checker.check_model(after)


LANGUAGE = ["lstm-2-uni-steps-tokens", "lstm-2-uni-steps-tied23", "lstm-1-uni-steps-pairs"]
LANGUAGE += ["gru-2-uni-steps-tokens"]


def walk(steps: LanguageSteps, batch: Batch) -> NDArray[np.float32]:
    """The logits of all steps, one by one.  (B, T, V)"""
    state, told = tuple(batch.state), []
    for t in range(batch.x.shape[1]):
        tokens = batch.x[:, t, 0] if batch.x.shape[2] == 1 else batch.x[:, t]
        logits, state, _ = steps.step(tokens, state)
        told.append(logits)
    return np.stack(told, axis=1)


@pytest.mark.parametrize("name", LANGUAGE)
@pytest.mark.parametrize("hidden", [HIDDEN, 200, 300])  # the last block is not full
def test_step_by_step_with_8_bits_is_as_close_as_all_at_once(name: str, hidden: int) -> None:
    """Closely, not exactly: what is read is rounded by its range, there in a run, here in a block.

    The same whole numbers are weights in both: what is rounded off of them alone is the same.
    """
    spec = every_spec()[name]
    width = hidden if spec.tie_embedding else spec.embedding_size
    spec = spec.replace(hidden_size=hidden, embedding_size=width)
    graphs = build_graphs(spec, random_weights(spec))
    small = quantize_graphs(graphs)
    batch = replace(random_batch(spec, rows=3), lengths=None)
    exact, whole = (Engine(spec, each).forward(batch).output for each in (graphs, small))
    stepped = walk(LanguageSteps(spec, small), batch)
    np.testing.assert_allclose(stepped, whole, atol=0.1 * exact.std())
    off, theirs = np.abs(stepped - exact).mean(), np.abs(whole - exact).mean()
    assert 0 < off < 1.25 * theirs


def test_with_8_bits_a_row_does_not_depend_on_those_beside_it() -> None:
    spec, _, small = network("lstm-2-uni-steps-tokens")
    batch = replace(random_batch(spec, rows=5), lengths=None)
    steps = LanguageSteps(spec, small)
    together = walk(steps, batch)
    for row in range(5):
        alone = Batch(x=batch.x[row : row + 1], state=batch.state[:, :, row : row + 1])
        np.testing.assert_allclose(walk(steps, alone)[0], together[row], atol=1e-6)


def test_a_step_multiplies_by_whole_numbers() -> None:
    spec, graphs, small = network("lstm-2-uni-steps-tied23")
    for given, product in ((graphs, "MatMul"), (small, "MatMulNBits")):
        step = onnx.load_from_string(one_step(spec, given["model"]))
        found = [node for node in step.graph.node if node.op_type.startswith("MatMul")]
        assert [node.op_type for node in found] == [product] * 4  # h twice, x, the head
    levels = [a.i for node in found for a in node.attribute if a.name == "accuracy_level"]
    assert levels == [4] * 4  # at any other level the weights become floats before each product


def test_reading_with_it_needs_no_onnx(tmp_path: Path) -> None:
    spec, _, small = network("lstm-2-uni-steps-tokens")
    (tmp_path / "model.onnx").write_bytes(small["model"])
    code = (
        "import sys; from pathlib import Path;"
        "from gatewise.spec import NetworkSpec;"
        "from gatewise.engines.onnx.steps import LanguageSteps;"
        f"spec = NetworkSpec(**{spec.model_dump()!r});"
        "steps = LanguageSteps(spec, {'model': Path(sys.argv[1]).read_bytes()});"
        "import numpy as np; print(steps.read(np.array([3, 4]))[1].shape);"
        "print(sorted({'onnx', 'torch', 'tensorflow', 'pandas'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model.onnx")],
        capture_output=True,
        text=True,
        check=True,
        env=FOR_A_CHILD,
    )
    assert ran.stdout.split("\n")[:2] == ["(1, 4)", "[]"]
    assert ran.stderr == ""
