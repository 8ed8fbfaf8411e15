"""Canonical weights: the same bits from the same seed, and drawn as the papers say."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from networks import encoder_decoder_specs, many_to_one_specs, spec_of

from gatewise.weights import count, initial, shapes

EVERY = many_to_one_specs() | encoder_decoder_specs()


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not() -> None:
    spec = spec_of(kind="many_to_one", pooling="attention", bidirectional=True, num_layers=2)
    first, again, other = initial(spec, 7), initial(spec, 7), initial(spec, 8)
    assert list(first) == list(again) == list(other)
    assert all(first[name].tobytes() == again[name].tobytes() for name in first)
    assert not np.array_equal(first["head.kernel"], other["head.kernel"])


def test_the_layers_and_directions_differ_from_each_other() -> None:
    values = initial(spec_of(kind="many_to_one", bidirectional=True, num_layers=2), 0)
    drawn = [v for name, v in values.items() if name.endswith(("input", "recurrent"))]
    assert len({hashlib.sha256(v.tobytes()).hexdigest() for v in drawn}) == len(drawn) == 8


@pytest.mark.parametrize("name", EVERY)
def test_initial_values_have_the_declared_names_shapes_and_type(name: str) -> None:
    spec = EVERY[name]
    values = initial(spec, 0)
    assert {k: v.shape for k, v in values.items()} == shapes(spec)
    assert list(values) == list(shapes(spec))
    assert {v.dtype for v in values.values()} == {np.dtype(np.float32)}
    assert count(spec) == sum(v.size for v in values.values())


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_each_gate_of_a_recurrent_matrix_is_orthogonal(cell: str) -> None:
    spec = spec_of(kind="many_to_one", cell=cell, bidirectional=True, num_layers=2, hidden_size=16)
    for name, value in initial(spec, 3).items():
        if name.endswith("recurrent"):
            for gate in np.split(value.astype(float), value.shape[1] // 16, axis=1):
                np.testing.assert_allclose(gate.T @ gate, np.eye(16), atol=1e-6)


def test_the_forget_bias_is_set_and_every_other_bias_is_zero() -> None:
    spec = spec_of(
        kind="encoder_decoder", decoder="by_position", bidirectional=True, forget_bias=1.5
    )
    for name, value in initial(spec, 0).items():
        if not name.endswith("bias"):
            continue
        if name.startswith(("encoder", "decoder")):
            i, f, g, o = np.split(value, 4)
            assert np.all(f == 1.5), name
            assert not np.any([i, g, o]), name
        else:
            assert not value.any(), name


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_cells_without_a_forget_gate_begin_without_bias(cell: str) -> None:
    for name, value in initial(spec_of(kind="many_to_one", cell=cell), 0).items():
        if name.endswith("bias"):
            assert not value.any(), name


def test_other_matrices_fill_the_glorot_range() -> None:
    spec = spec_of(kind="many_to_one", input_size=40, hidden_size=50)
    value = initial(spec, 0)["encoder.0.forward.input"]
    bound = np.sqrt(6 / (40 + 4 * 50))
    assert np.abs(value).max() <= bound
    assert value.std() == pytest.approx(bound / np.sqrt(3), rel=0.02)
    assert value.mean() == pytest.approx(0, abs=0.02 * bound)


def test_with_a_shortcut_the_network_starts_from_what_the_shortcut_answers() -> None:
    values = initial(spec_of(kind="many_to_one", shortcut=4), 0)
    for name in ("shortcut.kernel", "shortcut.bias", "head.kernel", "head.bias"):
        assert not values[name].any(), name
    assert values["encoder.0.forward.input"].any()
