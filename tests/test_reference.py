"""The NumPy equations against values worked out by hand and against torch.nn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
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

EVERY = every_spec()
TORCH = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}


def exact(name: str, seed: int = 0) -> tuple[Any, dict[str, Any], Batch]:
    """A network, float64 weights and a float64 batch."""
    spec = EVERY[name]
    weights = random_weights(spec, seed, np.float64)
    return spec, weights, random_batch(spec, seed, dtype=np.float64)


# Cells by hand: one unit, x = 1, round numbers before each gate, so that
# sigmoid(0) = 1/2, sigmoid(ln 3) = 3/4 and tanh(ln 3) = 4/5, tanh(ln 2) = 3/5.
LN2, LN3 = np.log(2), np.log(3)


def row(*values: float) -> Any:
    return np.array([values], dtype=float)


def test_an_rnn_step_by_hand() -> None:
    (h,) = reference.rnn_step(row(1), row(0.5), row(LN2 - 0.5), row(1), np.zeros(1))
    np.testing.assert_allclose(h, [[3 / 5]], rtol=1e-14)


def test_an_lstm_step_by_hand() -> None:
    # i = 3/4, f = 1/2, g = 4/5, o = 3/4;  c' = 1/2 * c + 3/4 * 4/5
    h, c = reference.lstm_step(
        row(1), row(0), row(0.8), row(LN3, 0, LN3, 0), row(9, 9, 9, 9), np.array([0, 0, 0, LN3])
    )
    np.testing.assert_allclose(c, [[1.0]], rtol=1e-14)
    np.testing.assert_allclose(h, [[0.75 * np.tanh(1)]], rtol=1e-14)


def test_a_gru_step_by_hand() -> None:
    # r = 3/4, z = 1/2;  n = tanh(ln 3 - 9 + 3/4 * (2 * 4 + 4)) = 4/5;  h' = 1/2 * n + 1/2 * 2
    (h,) = reference.gru_step(
        row(1), row(2), row(LN3, 0, LN3), row(0, 0, 4), np.array([0, 0, -9.0]), np.array([4.0])
    )
    np.testing.assert_allclose(h, [[1.4]], rtol=1e-14)


@pytest.mark.parametrize("cell", list(reference.CELLS))
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("both", [False, True])
def test_the_stack_is_that_of_torch(cell: str, layers: int, both: bool) -> None:
    """Against torch.nn.{RNN,GRU,LSTM} over packed sequences, in float64."""
    spec = spec_of(kind="many_to_one", cell=cell, num_layers=layers, bidirectional=both)
    weights, batch = random_weights(spec, 1, np.float64), random_batch(spec, 1, dtype=np.float64)
    module = TORCH[cell](
        spec.input_size, spec.hidden_size, layers, batch_first=True, bidirectional=both
    ).double()
    with torch.no_grad():
        for layer in range(layers):
            for way in ("forward", "backward")[: spec.directions]:
                ours = reference.under(weights, f"encoder.{layer}.{way}")
                end = f"l{layer}{'_reverse' if way == 'backward' else ''}"
                second = np.zeros_like(ours["bias"])
                if cell == "gru":
                    second[-spec.hidden_size :] = ours["candidate_bias"]
                for name, value in {
                    "weight_ih": ours["input"].T,
                    "weight_hh": ours["recurrent"].T,
                    "bias_ih": ours["bias"],
                    "bias_hh": second,
                }.items():
                    getattr(module, f"{name}_{end}").copy_(torch.from_numpy(value.copy()))
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            torch.from_numpy(batch.x),
            torch.from_numpy(batch.lengths),
            batch_first=True,
            enforce_sorted=False,
        )
        out, last = module(packed)
        steps, _ = torch.nn.utils.rnn.pad_packed_sequence(out, batch_first=True)
    encoded = reference.encode(spec, weights, batch)
    np.testing.assert_allclose(encoded.steps, steps.numpy(), atol=1e-12)
    finals = last if cell == "lstm" else (last,)
    for index, theirs in enumerate(finals):  # (layers * directions, B, H)
        ours_all = [state[index] for ways in encoded.states for state in ways]
        np.testing.assert_allclose(np.stack(ours_all), theirs.numpy(), atol=1e-12)


def test_attention_is_a_softmax_over_valid_steps() -> None:
    """Against torch's softmax over each row's valid steps alone."""
    spec, weights, batch = exact("lstm-1-bi-attention-none")
    answer = reference.forward(spec, weights, batch)
    steps = reference.encode(spec, weights, batch).steps
    for b, length in enumerate(batch.lengths):
        h = torch.from_numpy(steps[b, :length])
        kernel, bias, score = (
            torch.from_numpy(weights[f"attention.{w}"]) for w in ("kernel", "bias", "score")
        )
        a = torch.softmax(torch.tanh(h @ kernel + bias) @ score, dim=0)
        np.testing.assert_allclose(answer.attention[b, :length], a.numpy(), atol=1e-14)
        np.testing.assert_array_equal(answer.attention[b, length:], 0.0)
        pooled = (a[:, None] * h).sum(0).numpy() @ weights["head.kernel"] + weights["head.bias"]
        np.testing.assert_allclose(answer.output[b].ravel(), pooled, atol=1e-13)


@pytest.mark.parametrize(("pooling", "take"), [("mean", np.mean), ("max", np.max)])
def test_mean_and_max_see_the_valid_steps_alone(pooling: str, take: Any) -> None:
    spec, weights, batch = exact(f"gru-1-uni-{pooling}-none")
    steps = reference.encode(spec, weights, batch).steps
    pooled, _ = reference.POOLINGS[pooling](reference.encode(spec, weights, batch), weights)
    for b, length in enumerate(batch.lengths):
        np.testing.assert_allclose(pooled[b], take(steps[b, :length], axis=0), atol=1e-14)


def test_last_is_each_directions_own_last_step() -> None:
    spec, weights, batch = exact("lstm-2-bi-last-none")
    encoded = reference.encode(spec, weights, batch)
    pooled, _ = reference.pool_last(encoded, weights)
    half = spec.hidden_size
    for b, length in enumerate(batch.lengths):
        np.testing.assert_array_equal(pooled[b, :half], encoded.steps[b, length - 1, :half])
        np.testing.assert_array_equal(pooled[b, half:], encoded.steps[b, 0, half:])


def test_the_first_step_changes_the_backward_half_and_the_last_the_forward_half() -> None:
    spec, weights, batch = exact("gru-1-bi-last-none")
    half, b = spec.hidden_size, int(np.argmax(batch.lengths))
    kept, _ = reference.pool_last(reference.encode(spec, weights, batch), weights)
    for step, part in ((0, slice(half, None)), (batch.lengths[b] - 1, slice(0, half))):
        x = batch.x.copy()
        x[b, step] += 1
        moved, _ = reference.pool_last(
            reference.encode(spec, weights, replace(batch, x=x)), weights
        )
        assert np.abs(moved[b] - kept[b])[part].min() > 1e-3


def test_segments_lie_side_by_side_step_by_step() -> None:
    spec, weights, batch = exact("lstm-1-uni-last-segments")
    x, lengths = reference.embed(spec, weights, batch.x, batch.lengths)
    flat = np.concatenate([batch.x[1, 3], batch.x[1, 4], batch.x[1, 5]])  # segment 1
    expected = flat @ weights["embedding.kernel"] + weights["embedding.bias"]
    np.testing.assert_allclose(x[1, 1], expected, atol=1e-14)
    np.testing.assert_array_equal(lengths * 3, batch.lengths)


def test_without_lengths_every_step_counts() -> None:
    spec, weights, batch = exact("gru-2-bi-attention-linear")
    full = replace(batch, lengths=np.full(len(batch.x), batch.x.shape[1]))
    with_lengths = reference.forward(spec, weights, full).output
    without = reference.forward(spec, weights, replace(batch, lengths=None)).output
    np.testing.assert_array_equal(with_lengths, without)


def test_the_bridge_of_a_one_way_encoder_hands_the_states_on() -> None:
    spec, weights, batch = exact("lstm-2-uni-fed_back-none-0ahead")
    states = reference.encode(spec, weights, batch).states
    begin = reference.bridge(spec, weights, states)
    for layer in range(2):
        np.testing.assert_array_equal(begin[layer], states[layer][0])


def test_the_bridge_of_a_two_way_encoder_is_linear_in_both_directions() -> None:
    spec, weights, batch = exact("lstm-2-bi-fed_back-none-0ahead")
    states = reference.encode(spec, weights, batch).states
    begin = reference.bridge(spec, weights, states)
    for layer, (ahead, back) in enumerate(states):
        for index, name in enumerate("hc"):
            kernel = weights[f"bridge.{layer}.{name}.kernel"]
            expected = ahead[index] @ kernel[:5] + back[index] @ kernel[5:]
            expected = expected + weights[f"bridge.{layer}.{name}.bias"]
            np.testing.assert_allclose(begin[layer][index], expected, atol=1e-14)


@pytest.mark.parametrize(
    "name", ["lstm-1-uni-fed_back-none-2ahead", "gru-2-bi-fed_back-none-0ahead"]
)
def test_a_decoder_taught_its_own_output_writes_what_it_writes_alone(name: str) -> None:
    spec, weights, batch = exact(name)
    free = reference.forward(spec, weights, batch).output
    own = reference.forward(spec, weights, replace(batch, y=free), teacher_forcing=True).output
    np.testing.assert_allclose(own, free, atol=1e-14)
    taught = reference.forward(spec, weights, batch, teacher_forcing=True).output
    np.testing.assert_array_equal(taught[:, 0], free[:, 0])  # the first reads start either way
    assert np.abs(taught[:, 1:] - free[:, 1:]).min() > 1e-6


def test_a_fed_back_step_sees_only_the_future_up_to_itself() -> None:
    spec, weights, batch = exact("lstm-1-uni-fed_back-none-2ahead")
    future = np.array(batch.future)
    future[:, 2] += 1
    moved = reference.forward(spec, weights, replace(batch, future=future)).output
    kept = reference.forward(spec, weights, batch).output
    np.testing.assert_array_equal(moved[:, :2], kept[:, :2])
    assert np.abs(moved[:, 2:] - kept[:, 2:]).min() > 1e-6


def test_a_by_position_decoder_by_hand() -> None:
    """Two positions of 3 steps over a horizon of 4: the last two future steps read as zeros."""
    spec, weights, batch = exact("gru-1-uni-by_position-segments-2ahead")
    (h,) = reference.encode(spec, weights, batch).states[0][0]
    layer = list(reference.under(weights, "decoder.0.forward").values())
    values = []
    future = np.concatenate([batch.future, np.zeros((5, 2, 2))], axis=1)
    for m in range(2):
        known = np.concatenate([future[:, 3 * m + s] for s in range(3)], axis=1)
        own = np.tile(weights["decoder.positions"][m], (5, 1))
        (h,) = reference.gru_step(np.concatenate([own, known], axis=1), h, *layer)
        values.append(h @ weights["head.kernel"] + weights["head.bias"])
    step_by_step = [values[k // 3][:, 2 * (k % 3) : 2 * (k % 3) + 2] for k in range(4)]
    output = reference.forward(spec, weights, batch).output
    np.testing.assert_allclose(output, np.stack(step_by_step, axis=1), atol=1e-14)


def test_the_shortcut_is_a_linear_map_of_the_last_steps() -> None:
    """Value by value: y = [the last 4 steps of it] K + b, beside what the network says itself."""
    spec, weights, batch = exact("lstm-1-uni-attention-none-shortcut4")
    without = spec.replace(shortcut=0)
    beside = reference.forward(without, weights, batch).output
    added = reference.forward(spec, weights, batch).output - beside
    kernel, bias = weights["shortcut.kernel"], weights["shortcut.bias"]
    for b, length in enumerate(batch.lengths):
        for d in range(2):
            told = np.r_[np.zeros(4), batch.x[b, :length, d]][-4:]
            expected = told @ kernel[:, d::2] + bias[d::2]
            np.testing.assert_allclose(added[b, :, d], expected, atol=1e-13)


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(sorted(EVERY)),
    seed=st.integers(0, 2**16),
    more=st.integers(0, 3),
    fill=st.sampled_from([0.0, -7.0, 1e6, float("nan")]),
)
def test_what_a_sequence_is_padded_or_batched_with_changes_nothing(
    name: str, seed: int, more: int, fill: float
) -> None:
    spec, weights, batch = exact(name, seed)
    kept = reference.forward(spec, weights, batch)
    longer = reference.forward(spec, weights, padded(batch, more * spec.segment_length, fill))
    ours, theirs = (meant(spec, batch, answer.output) for answer in (longer, kept))
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    for b in range(len(batch.x)):
        alone = reference.forward(spec, weights, only(batch, b))
        steps = alone.output.shape[1]
        np.testing.assert_allclose(alone.output[0], kept.output[b, :steps], atol=1e-12)
        if kept.state is not None:
            np.testing.assert_allclose(alone.state[:, :, 0], kept.state[:, :, b], atol=1e-12)
            np.testing.assert_allclose(longer.state, kept.state, atol=1e-12)


@pytest.mark.parametrize("kind", ["mse", "mae", "huber"])
def test_losses_are_those_of_torch(kind: str) -> None:
    spec, weights, batch = exact("lstm-1-uni-last-none")
    batch = replace(batch, y=3 * np.array(batch.y))  # errors on both sides of huber's corner
    output = reference.forward(spec, weights, batch).output
    error = np.abs(output - batch.y)
    assert error.min() < 1 < error.max()
    named = {"mse": "MSELoss", "mae": "L1Loss", "huber": "HuberLoss"}
    theirs = getattr(torch.nn, named[kind])()(torch.from_numpy(output), torch.from_numpy(batch.y))
    assert reference.loss(spec, weights, batch, kind) == pytest.approx(float(theirs), rel=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", [*list(EVERY)[::7]])
def test_it_computes_in_the_precision_it_is_given(name: str, dtype: type) -> None:
    spec = EVERY[name]
    weights, batch = random_weights(spec, 0, dtype), random_batch(spec, 0, dtype=dtype)
    answer = reference.forward(spec, weights, batch)
    assert answer.output.dtype == dtype
    steps = batch.x.shape[1] if spec.kind == "many_to_many" else spec.horizon
    assert answer.output.shape == (5, steps, spec.output_size)
    assert answer.attention is None or answer.attention.dtype == dtype
    assert answer.state is None or answer.state.dtype == dtype
