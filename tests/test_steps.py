"""Networks step by step: the same answers as all steps at once, whatever rows are picked."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import (
    many_to_many_specs,
    many_to_one_specs,
    random_batch,
    random_weights,
    token_decoder_specs,
)

from gatewise.batch import PADDING, Batch
from gatewise.engines.onnx import steps as onnx_steps
from gatewise.engines.onnx.engine import Engine, build_graphs
from gatewise.engines.onnx.steps import DecoderSteps, LanguageSteps
from gatewise.errors import ArtifactError, UsageError

LANGUAGE = {
    name: spec
    for name, spec in many_to_many_specs().items()
    if not spec.bidirectional and spec.vocab_size and spec.input_size == 1
}
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


@pytest.mark.parametrize("name", LANGUAGE)
def test_a_language_model_step_by_step_answers_as_all_at_once(name: str) -> None:
    steps, batch = steps_of(name), replace(random_batch(EVERY[name]), lengths=None)
    whole = engine_of(name).forward(batch)
    state = tuple(batch.state)
    for t in range(batch.x.shape[1]):
        logits, state, attention = steps.step(batch.x[:, t, 0], state)
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
    first, second = rng.integers(0, EVERY[name].output_size, (2, 5))
    _, state, _ = steps.step(first, state)
    logits, _, attention = steps.step(second, state)
    picked = np.array(rows, dtype=np.int64)
    ours = steps.step(second[picked], steps.select(state, picked))
    close(ours.logits, logits[picked])
    if attention is not None and rows:
        close(ours.attention, attention[picked])
    again = steps.step(second, state)  # nothing was changed in place
    np.testing.assert_array_equal(again.logits, logits)


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
