"""Sequences of unequal lengths as sources: nothing is lost, nothing is invented."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise.batch import END, IGNORED, START, in_order_by_length, order_by_length
from gatewise.data.channels import ChannelCodec
from gatewise.data.sequences import STEPS_AT_ONCE, Ragged, Sequences, Streams
from gatewise.errors import DataError

LENGTHS = st.lists(st.integers(1, 12), min_size=1, max_size=40)


def ragged(lengths, seed=0, channels=(2,)):
    rng = np.random.default_rng(seed)
    return [rng.integers(4, 90, (length, *channels)).astype(np.int32) for length in lengths]


@given(LENGTHS, st.integers(1, 9), st.integers(0, 3))
def test_each_sequence_comes_once_an_epoch_and_unpads_to_itself(lengths, batch_size, epoch):
    sequences = ragged(lengths)
    targets = ragged(lengths[::-1], seed=1, channels=())
    source = Sequences(Ragged.of(sequences), targets=Ragged.of(targets))
    batches = source.order(batch_size, seed=0, epoch=epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for rows in batches:
        batch = source.gather(source.arrays, rows)
        assert batch.x.shape[1] == batch.lengths.max()
        for i, row in enumerate(rows):
            end = batch.lengths[i]
            np.testing.assert_array_equal(batch.x[i, :end], sequences[row])
            assert not batch.x[i, end:].any()
            told = batch.y[i][batch.y[i] != IGNORED]
            np.testing.assert_array_equal(told, targets[row])
        assert (batch.start == START).all()


@given(LENGTHS)
def test_tensors_are_gathered_as_arrays_are(lengths):
    inputs = Ragged.of(ragged(lengths))
    source = Sequences(inputs, tags=np.arange(len(inputs.values)))
    rows = source.order(4, seed=1, epoch=0)[0]
    ours = source.gather(source.arrays, rows)
    tensors = {name: torch.from_numpy(array) for name, array in source.arrays.items()}
    theirs = source.gather(tensors, torch.from_numpy(rows))
    for name in ("x", "lengths", "y"):
        np.testing.assert_array_equal(getattr(theirs, name).numpy(), getattr(ours, name))


@given(st.lists(st.integers(1, 500), min_size=1, max_size=300), st.integers(1, 32))
def test_similar_lengths_stand_together(lengths, batch_size):
    sizes = np.array(lengths)
    batches = order_by_length(sizes, batch_size, seed=0, epoch=0)
    padded = sum(len(rows) * sizes[rows].max() for rows in batches)
    if len(lengths) <= 32 * batch_size:  # one chunk: as good as sorting everything
        everything = np.sort(sizes)
        best = sum(
            len(part) * part[-1]
            for part in (everything[i : i + batch_size] for i in range(0, len(lengths), batch_size))
        )
        assert padded == best
    again = order_by_length(sizes, batch_size, seed=0, epoch=0)
    assert all(np.array_equal(a, b) for a, b in zip(batches, again, strict=True))


@given(st.lists(st.integers(1, 500), min_size=1, max_size=100), st.integers(1, 600))
def test_what_is_judged_is_cut_by_steps(lengths, steps):
    sizes = np.array(lengths)
    batches = in_order_by_length(sizes, 16, steps=steps)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    assert all(len(rows) == 1 or len(rows) * sizes[rows].max() <= steps for rows in batches)
    assert STEPS_AT_ONCE > 0


@settings(max_examples=50)
@given(st.integers(12, 400), st.integers(1, 9), st.integers(1, 8), st.integers(0, 5))
def test_a_stream_goes_on_where_it_ended(count, segment, streams, epoch):
    ids = np.arange(count)
    source = Streams(ids, segment)
    batches = source.order(streams, seed=3, epoch=epoch)
    parts = [source.gather(source.arrays, rows) for rows in batches]
    read = np.concatenate([part.x[..., 0] for part in parts], axis=1)
    assert (np.diff(read, axis=1) == 1).all()
    truth = np.concatenate([part.y for part in parts], axis=1)
    np.testing.assert_array_equal(truth, read + 1)
    assert len(np.unique(read)) == read.size, "no step is read twice in an epoch"
    assert read.size > count - 1 - segment * (len(read) + 1), "no more is left out than must be"


def test_channels_are_scaled_by_the_training_sequences_alone():
    rng = np.random.default_rng(0)
    train = [rng.normal(5, 3, (length, 2)) for length in (4, 9, 30)]
    codec = ChannelCodec.learn(train)
    steps = codec.encode(train).values
    np.testing.assert_allclose(steps.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(steps.std(axis=0), 1, atol=1e-6)
    assert ChannelCodec.from_dict(codec.to_dict()).to_dict() == codec.to_dict()
    one = ChannelCodec.learn([[1.0, 2.0], [3.0]])
    assert one.encode([[2.0]]).values.shape == (1, 1)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ([[[1.0, 2.0]], [[1.0]]], "sequence 2 has 1 channels, not 2"),
        ([[[1.0], [float("nan")]]], "sequence 1 is missing a value in step 2"),
        ([[]], "sequence 1 must be"),
        ([["a"]], "no numbers"),
        ([], "no sequences"),
    ],
)
def test_unusable_sequences_are_refused(bad, words):
    with pytest.raises(DataError, match=words):
        ChannelCodec.learn(bad)


def test_end_is_an_id_like_any_other():
    source = Sequences(Ragged.of(ragged([2])), targets=Ragged.of([np.array([7, END])]))
    assert source.gather(source.arrays, np.array([0])).y.tolist() == [[7, END]]


@pytest.mark.parametrize(("tokens", "segment"), [(0, 1), (1, 1), (5, 5), (5, 9), (5, 0)])
def test_a_text_shorter_than_a_segment_is_refused(tokens, segment):
    with pytest.raises(DataError, match="no segment"):
        Streams(np.arange(tokens), segment)


def test_one_segment_is_learnt_and_judged():
    source = Streams(np.arange(6), 5)
    for batches in (source.order(8, seed=0, epoch=1), source.in_order(8)):
        assert [rows.tolist() for rows in batches] == [[0]]
