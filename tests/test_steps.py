"""Networks step by step: the same answers as all steps at once, whatever rows are picked."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import (
    many_to_many_specs,
    many_to_one_specs,
    random_batch,
    random_weights,
    spec_of,
    token_decoder_specs,
)

from gatewise.batch import PADDING, Batch
from gatewise.engines.onnx import steps as onnx_steps
from gatewise.engines.onnx.engine import Engine, build_graphs
from gatewise.engines.onnx.one_step import one_step
from gatewise.engines.onnx.steps import DecoderSteps, LanguageSteps
from gatewise.errors import ArtifactError, UsageError
from gatewise.weights import GATES

LANGUAGE = {
    name: spec
    for name, spec in many_to_many_specs().items()
    if not spec.bidirectional and spec.vocab_size
}
# ids so few, or units so many, that a step looks up what the first layer makes of an id
FEW = {
    f"{cell}-few-{channels}": spec_of(
        kind="many_to_many", cell=cell, embedding="tokens", embedding_size=6, vocab_size=11,
        input_size=channels, hidden_size=20, num_layers=2, output_size=7,
    )
    for cell in ("rnn", "gru", "lstm") for channels in (1, 3)
}  # fmt: skip
LANGUAGE |= FEW
WRITING = token_decoder_specs()
EVERY = LANGUAGE | WRITING
CHARS = "lstm-2-uni-steps-tokens"
ADDITIVE = "lstm-1-bi-writes-additive"


@cache
def graphs_of(name: str) -> dict[str, bytes]:
    return build_graphs(EVERY[name], random_weights(EVERY[name]))


@cache
def engine_of(name: str) -> Engine:
    return Engine(EVERY[name], graphs_of(name))


@cache
def steps_of(name: str) -> Any:
    kind = LanguageSteps if name in LANGUAGE else DecoderSteps
    return kind(EVERY[name], graphs_of(name))


def close(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs, atol=1e-6, rtol=0)


def read_at(batch: Batch, t: int) -> Any:
    """(B,), or (B, F) where a step reads several ids"""
    return batch.x[:, t, 0] if batch.x.shape[2] == 1 else batch.x[:, t]


@pytest.mark.parametrize("name", LANGUAGE)
def test_a_language_model_step_by_step_answers_as_all_at_once(name: str) -> None:
    steps, batch = steps_of(name), replace(random_batch(EVERY[name]), lengths=None)
    whole = engine_of(name).forward(batch)
    state = tuple(batch.state)
    for t in range(batch.x.shape[1]):
        logits, state, attention = steps.step(read_at(batch, t), state)
        close(logits, whole.output[:, t])
        assert attention is None
    close(np.stack(state), whole.state)


@pytest.mark.parametrize("name", WRITING)
def test_a_decoder_step_by_step_answers_as_all_at_once(name: str) -> None:
    steps, batch = steps_of(name), random_batch(EVERY[name])
    whole = engine_of(name).forward(batch)
    state = steps.read(Batch(x=batch.x, lengths=batch.lengths))
    tokens = batch.start[:, 0]
    for k in range(batch.y.shape[1]):
        logits, state, attention = steps.step(tokens, state)
        close(logits, whole.output[:, k])
        assert (attention is None) == (whole.attention is None)
        if attention is not None:
            close(attention, whole.attention[:, k])
        tokens = np.maximum(batch.y[:, k], PADDING)


@settings(max_examples=50, deadline=None)
@given(
    name=st.sampled_from(sorted(EVERY)),
    rows=st.lists(st.integers(0, 4), max_size=8),
    seed=st.integers(0, 2**16),
)
def test_rows_picked_from_a_state_go_on_as_they_would_have(
    name: str, rows: list[int], seed: int
) -> None:
    steps, batch = steps_of(name), random_batch(EVERY[name], seed)
    state = tuple(batch.state) if name in LANGUAGE else steps.read(batch)
    rng = np.random.default_rng(seed)
    channels = EVERY[name].input_size if name in LANGUAGE else 1
    shape = (2, 5) if channels == 1 else (2, 5, channels)
    first, second = rng.integers(0, EVERY[name].output_size, shape)
    _, state, _ = steps.step(first, state)
    logits, _, attention = steps.step(second, state)
    picked = np.array(rows, dtype=np.int64)
    ours = steps.step(second[picked], steps.select(state, picked))
    close(ours.logits, logits[picked])
    if attention is not None and rows:
        close(ours.attention, attention[picked])
    again = steps.step(second, state)  # nothing was changed in place
    np.testing.assert_array_equal(again.logits, logits)


@pytest.mark.parametrize("name", FEW)
def test_few_ids_are_looked_up_with_what_the_first_layer_makes_of_them(name: str) -> None:
    """So a step has no matrix for them; with many, the table would be larger than that."""
    for few, spec in ((True, EVERY[name]), (False, EVERY[name].replace(vocab_size=21))):
        model = build_graphs(spec, random_weights(spec))["model"]
        graph = onnx.load_from_string(one_step(spec, model)).graph
        shapes = {constant.name: tuple(constant.dims) for constant in graph.initializer}
        gates = GATES[spec.cell] * spec.hidden_size
        assert shapes["encoder.ids"] == ((11, gates) if few else (21, spec.embedding_size))
        assert ("encoder.0.W" in shapes) != few


def test_the_graph_for_one_step_repeats_and_refuses_a_stranger() -> None:
    model = graphs_of(CHARS)["model"]
    assert one_step(EVERY[CHARS], model) == one_step(EVERY[CHARS], model)
    for stranger in (b"", graphs_of(ADDITIVE)["decoder"]):
        with pytest.raises(ArtifactError, match="save the model again"):
            one_step(EVERY[CHARS], stranger)


def test_beams_that_change_places_within_a_sentence_share_its_memory() -> None:
    steps, batch = steps_of(ADDITIVE), random_batch(EVERY[ADDITIVE])
    spread = steps.select(steps.read(batch), np.array([0, 0, 1, 1]))
    turned = steps.select(spread, np.array([1, 0, 2, 2]))
    assert turned.memory is spread.memory
    dropped = steps.select(spread, np.array([0, 2]))
    close(dropped.memory["memory"], spread.memory["memory"][[0, 2]])
    np.testing.assert_array_equal(dropped.sentence, [0, 1])


@pytest.mark.parametrize("shape", [(40,), (3, 40)])
def test_a_prompt_is_read_in_pieces_and_goes_on(
    shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = steps_of(CHARS)
    ids = np.random.default_rng(0).integers(0, 11, shape)
    whole = engine_of(CHARS).forward(Batch(x=np.atleast_2d(ids)[:, :, None]))
    for memory in (1, onnx_steps.READING_MEMORY):
        monkeypatch.setattr(onnx_steps, "READING_MEMORY", memory)
        state, logits = steps.read(ids)
        close(logits, whole.output[:, -1])
        close(np.stack(state), whole.state)
    half, _ = steps.read(ids[..., :17])
    _, logits = steps.read(ids[..., 17:], half)
    close(logits, whole.output[:, -1])
    _, logits = steps.read(ids[..., 17:], np.stack(half))  # as Outputs.state holds it
    close(logits, whole.output[:, -1])


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (np.array([3, 11]), r"is id 11, .*from 0 to 10"),
        (np.array([], dtype=int), "at least one step"),
        (np.array([0.5]), "must be ids"),
        (np.zeros((0, 3), int), "no prompt to read"),
    ],
)
def test_a_prompt_that_cannot_be_read_is_refused(ids: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        steps_of(CHARS).read(ids)


def test_sentences_that_cannot_be_read_are_refused() -> None:
    steps = steps_of(ADDITIVE)
    with pytest.raises(UsageError, match="is id 11"):
        steps.read(Batch(x=np.full((2, 3, 1), 11)))
    with pytest.raises(UsageError, match="no sentence to read"):
        steps.read(Batch(x=np.zeros((0, 3, 1), int)))


def test_other_networks_do_not_go_token_by_token() -> None:
    tags = many_to_many_specs()["gru-1-bi-steps-tokens"]
    with pytest.raises(UsageError, match="bidirectional=True"):
        LanguageSteps(tags, {})
    with pytest.raises(UsageError, match="not 'none'"):
        DecoderSteps(many_to_one_specs()["lstm-1-uni-last-tokens"], {})
    with pytest.raises(ArtifactError, match="'decoder' is missing"):
        DecoderSteps(EVERY[ADDITIVE], {"encoder": graphs_of(ADDITIVE)["encoder"]})
