"""The NumPy equations of networks of tokens, step by step by hand and against torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from networks import every_spec, random_batch, random_weights

from gatewise import reference
from gatewise.batch import IGNORED, START, Batch

EVERY = every_spec()


def exact(name: str, seed: int = 0) -> tuple[Any, dict[str, Any], Batch]:
    """A network, float64 weights and a float64 batch."""
    spec = EVERY[name]
    weights = random_weights(spec, seed, np.float64)
    return spec, weights, random_batch(spec, seed, dtype=np.float64)


def test_the_vectors_of_a_steps_ids_are_added() -> None:
    spec, weights, batch = exact("lstm-1-uni-last-pairs")
    x, lengths = reference.embed(spec, weights, batch.x, batch.lengths)
    table = weights["embedding.table"]
    for b, t in ((0, 0), (3, 4)):
        np.testing.assert_array_equal(x[b, t], table[batch.x[b, t, 0]] + table[batch.x[b, t, 1]])
    np.testing.assert_array_equal(lengths, batch.lengths)


def test_mean_and_maximum_stand_side_by_side() -> None:
    spec, weights, batch = exact("gru-1-bi-mean_max-tokens")
    encoded = reference.encode(spec, weights, batch)
    pooled, _ = reference.POOLINGS["mean_max"](encoded, weights)
    for b, length in enumerate(batch.lengths):
        valid = encoded.steps[b, :length]
        np.testing.assert_allclose(pooled[b], np.r_[valid.mean(0), valid.max(0)], atol=1e-14)


def test_a_network_of_steps_goes_on_where_it_is_told_to() -> None:
    """Step by step by hand, two layers, from the state of the batch."""
    spec, weights, batch = exact("lstm-2-uni-steps-tied23")
    table = weights["embedding.table"]
    layers = [
        [weights[f"encoder.{n}.forward.{leaf}"] for leaf in ("input", "recurrent", "bias")]
        for n in range(2)
    ]
    answer = reference.forward(spec, weights, batch)
    assert answer.state is not None
    for b, length in enumerate(batch.lengths):
        states = [(batch.state[0, n, b], batch.state[1, n, b]) for n in range(2)]
        for t in range(length):
            read = table[batch.x[b, t, 0]]
            for n in range(2):
                states[n] = reference.lstm_step(read, *states[n], *layers[n])
                read = states[n][0]
            np.testing.assert_allclose(
                answer.output[b, t], table @ read + weights["head.bias"], atol=1e-13
            )
        for n in range(2):
            np.testing.assert_allclose(answer.state[:, n, b], np.stack(states[n]), atol=1e-14)


@pytest.mark.parametrize("attention", ["none", "additive", "multiplicative"])
def test_a_decoder_of_tokens_by_hand(attention: str) -> None:
    """Step by step, each row alone over its own valid steps, with torch's softmax."""
    spec, weights, batch = exact(f"gru-1-bi-writes-{attention}")
    w = {name: torch.from_numpy(value) for name, value in weights.items()}
    encoded = reference.encode(spec, weights, batch)
    answer = reference.forward(spec, weights, batch)
    layer = list(reference.under(weights, "decoder.0.forward").values())
    begin = reference.bridge(spec, weights, encoded.states)[0][0]
    for b, length in enumerate(batch.lengths):
        h = begin[b]
        memory = torch.from_numpy(encoded.steps[b, :length])  # (T, X)
        before = [START, *np.maximum(batch.y[b, :-1], 0)]
        for k, token in enumerate(before):
            (h,) = reference.gru_step(weights["decoder.table"][token], h, *layer)
            shown = torch.from_numpy(h)
            if attention != "none":
                assert answer.attention is not None
                query = shown @ w["attention.query"]
                if attention == "additive":
                    keys = memory @ w["attention.kernel"] + w["attention.bias"]
                    scores = torch.tanh(keys + query) @ w["attention.score"]
                else:
                    scores = memory @ query
                shares = torch.softmax(scores, dim=0)
                np.testing.assert_allclose(answer.attention[b, k, :length], shares, atol=1e-14)
                assert not answer.attention[b, k, length:].any()
                both = torch.cat([shown, shares @ memory])
                shown = torch.tanh(both @ w["combine.kernel"] + w["combine.bias"])
            expected = shown @ w["head.kernel"] + w["head.bias"]
            np.testing.assert_allclose(answer.output[b, k], expected, atol=1e-13)


def test_a_step_reads_the_truth_before_it_and_nothing_behind() -> None:
    spec, weights, batch = exact("lstm-1-bi-writes-additive")
    kept = reference.forward(spec, weights, batch).output
    y = np.array(batch.y)
    y[:, 1] = (y[:, 1] + 2) % 7 + 1
    moved = reference.forward(spec, weights, replace(batch, y=y)).output
    np.testing.assert_array_equal(moved[:, :2], kept[:, :2])
    assert np.abs(moved[:, 2] - kept[:, 2]).max(axis=1).min() > 1e-6


@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy_is_that_of_torch(weighted: bool) -> None:
    spec, weights, batch = exact("lstm-1-uni-steps-tokens")
    assert np.any(batch.y == IGNORED)
    weight = np.array([1.0, 0.0, 2.5, 0.5, 1.0]) if weighted else None
    output = reference.forward(spec, weights, batch).output
    each = torch.nn.functional.cross_entropy(
        torch.from_numpy(output).flatten(0, 1),
        torch.from_numpy(batch.y).flatten(),
        ignore_index=IGNORED,
        reduction="none",
    ).numpy()
    counts = (batch.y != IGNORED) * (1.0 if weight is None else weight[:, None])
    expected = (each.reshape(counts.shape) * counts).sum() / counts.sum()
    ours = reference.loss(spec, weights, replace(batch, weight=weight), "cross_entropy")
    assert ours == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("weighted", [False, True])
def test_binary_cross_entropy_is_that_of_torch(weighted: bool) -> None:
    spec, weights, batch = exact("gru-1-bi-attention-tokens")
    weights["head.kernel"] *= 100  # logits far out, where a careless formula overflows
    y = (np.asarray(batch.y) > 0).astype(np.float64)
    weight = np.array([1.0, 0.0, 2.5, 0.5, 1.0]) if weighted else None
    output = reference.forward(spec, weights, batch).output
    each = torch.nn.functional.binary_cross_entropy_with_logits(
        torch.from_numpy(output), torch.from_numpy(y), reduction="none"
    ).numpy()
    shares = np.full(5, 0.2) if weight is None else weight / weight.sum()
    expected = (each.mean(axis=(1, 2)) * shares).sum()
    ours = reference.loss(spec, weights, replace(batch, y=y, weight=weight), "binary_cross_entropy")
    assert ours == pytest.approx(expected, rel=1e-13)
