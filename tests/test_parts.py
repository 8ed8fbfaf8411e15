"""Parts: every row once, no copy across, every class everywhere."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedShuffleSplit

from gatewise.data.parts import duplicates, split_parts
from gatewise.errors import DataError, UsageError

examples = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), min_size=35, max_size=120)
shares_of = st.sampled_from([(0.7, 0.1, 0.2), (0.5, 0.5), (0.9, 0.1), (1.0,), (0.8, 0.1, 0.1)])


@settings(deadline=None)
@given(examples, shares_of, st.integers(0, 3))
def test_every_row_once_and_no_group_in_two_parts(rows, shares, seed):
    labels = np.array([label for label, _ in rows])
    groups = np.array([group for _, group in rows])
    if len(set(groups.tolist())) < len(shares):
        return
    parts = split_parts(len(rows), labels, groups, shares, seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(rows)))
    assert all(len(part) and (np.diff(part) > 0).all() for part in parts)
    owned = [set(groups[part].tolist()) for part in parts]
    assert sum(map(len, owned)) == len(set(groups.tolist()))
    again = split_parts(len(rows), labels, groups, shares, seed)
    assert all((one == two).all() for one, two in zip(parts, again, strict=True))


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=10, max_size=300), shares_of, st.integers(0, 3))
def test_each_part_gets_its_share_of_each_class(labels, shares, seed):
    labels = np.array(labels)
    parts = split_parts(len(labels), labels, shares=shares, seed=seed)
    for label, count in Counter(labels.tolist()).items():
        found = [int((labels[part] == label).sum()) for part in parts]
        if count >= len(shares):
            assert min(found) >= 1
            for got, share in zip(found, shares, strict=True):
                assert abs(got - share * count) < len(shares)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), min_size=12, max_size=80))
def test_a_class_of_as_many_groups_as_parts_is_in_each(rows):
    labels = np.repeat([label for label, _ in rows], [size for _, size in rows])
    groups = np.repeat(np.arange(len(rows)), [size for _, size in rows])
    parts = split_parts(len(labels), labels, groups)
    for label, count in Counter(label for label, _ in rows).items():
        assert count < 3 or all((labels[part] == label).any() for part in parts)
    sizes = np.array([len(part) for part in parts]) / len(labels)
    assert np.abs(sizes - (0.7, 0.1, 0.2)).max() <= 12 / len(labels)


def test_as_balanced_as_scikit_learn():
    labels = np.repeat([0, 1, 2], [700, 200, 100])
    parts = split_parts(1000, labels, shares=(0.8, 0.2), seed=1)
    truth = next(StratifiedShuffleSplit(1, test_size=0.2, random_state=1).split(labels, labels))
    for part, other in zip(parts, truth, strict=True):
        assert Counter(labels[part].tolist()) == Counter(labels[other].tolist())


def test_another_seed_is_another_split_and_rows_are_mixed():
    one, two = (split_parts(200, shares=(0.5, 0.5), seed=seed)[0] for seed in (0, 1))
    assert one.tolist() != two.tolist()
    assert 60 < one.mean() < 140
    assert not set(range(100)) <= set(one.tolist())


def test_a_large_group_is_dealt_while_there_is_room_for_it():
    groups = np.concatenate([np.zeros(50, int), np.arange(1, 51)])
    for seed in range(5):
        sizes = [len(part) for part in split_parts(100, None, groups, (0.5, 0.5), seed)]
        assert max(sizes) <= 51


def test_combinations_of_labels_are_kept_in_proportion():
    labels = np.repeat([[0, 1], [1, 1]], [80, 20], axis=0)
    train, test = split_parts(100, labels, shares=(0.5, 0.5))
    assert labels[train].sum(axis=0).tolist() == labels[test].sum(axis=0).tolist() == [10, 50]


def test_combinations_that_come_once_are_shared_out_and_classes_that_come_once_are_learnt():
    every = (np.arange(128)[:, None] >> np.arange(7)) & 1  # (128, 7), all different
    assert [len(part) for part in split_parts(128, every, shares=(0.5, 0.25, 0.25))] == [64, 32, 32]
    labels = np.array([0] * 40 + [1])
    for seed in range(5):
        assert 40 in split_parts(41, labels, shares=(0.25, 0.75), seed=seed)[1]


def test_copies_are_found_whatever_their_spaces_and_capitals():
    texts = ["Good  hotel", "bad", "good hotel\n", "ｇｏｏｄ hotel", "fine", "bad"]
    found = duplicates(texts, labels=["a", "b", "a", "c", "a", "b"])
    assert found.groups.tolist() == [0, 1, 0, 0, 2, 1]
    assert (found.repeated, found.contradicted) == (5, 3)
    assert found.notes == (
        "5 of 6 texts occur more than once: copies are kept in one part",
        "3 of them have other labels than their copies",
    )
    assert duplicates(["a", "b"]).notes == ()
    tokens = duplicates([["a"], ["a"], ["A"]], labels=np.array([[0, 1], [0, 1], [1, 1]]))
    assert tokens.groups.tolist() == [0, 0, 1]
    assert tokens.contradicted == 0
    with pytest.raises(ValueError, match="shorter"):
        duplicates(["a", "b"], labels=[1])


@pytest.mark.parametrize(
    ("how", "error", "told"),
    [
        ({"shares": (0.5, 0.6)}, UsageError, "1 in sum"),
        ({"shares": (1.0, 0.0)}, UsageError, "above 0"),
        ({"labels": [1, 2]}, UsageError, "labels must have 10 rows, not 2"),
        ({"groups": [0] * 9 + [1]}, DataError, r"10 examples \(2 different ones\).*3 parts"),
    ],
)
def test_what_cannot_be_split(how, error, told):
    with pytest.raises(error, match=told):
        split_parts(10, **how)
