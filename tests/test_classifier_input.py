"""What a classifier takes: any holder of inputs and labels, gaps, nothing at all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gatewise as gw
from gatewise.data.parts import duplicates
from gatewise.errors import DataError, UsageError
from gatewise.training import Nobody

TEXTS = [f"{'good' if i % 2 else 'bad'} room {i}" for i in range(30)]
LABELS = [i % 2 for i in range(30)]
NUMBERS = [np.linspace(0, i % 2, 3 + i % 4).tolist() for i in range(30)]


def classifier(**options):
    network, training = gw.Network(hidden_size=4), gw.Training(epochs=1)
    return gw.Classifier(**{"verbose": 0, "network": network, "training": training, **options})


@pytest.fixture(scope="module")
def of_texts():
    return classifier().fit(TEXTS, LABELS)


@pytest.fixture(scope="module")
def of_numbers():
    return classifier().fit(NUMBERS, LABELS)


@pytest.mark.parametrize(
    "held_by", [np.array, pd.Series, iter, lambda own: pd.Series(own, index=range(70, 100))]
)
def test_labels_in_any_holder_teach_the_same(of_texts, held_by):
    model = classifier().fit(TEXTS, held_by(LABELS))
    assert model.data_["sha256"] == of_texts.data_["sha256"]
    np.testing.assert_array_equal(model.predict_proba(TEXTS), of_texts.predict_proba(TEXTS))
    ours, theirs = model.evaluate(TEXTS, held_by(LABELS)), of_texts.evaluate(TEXTS, LABELS)
    assert ours.scores() == theirs.scores()


def test_a_table_of_labels_is_not_taken_for_lists_of_names():
    with pytest.raises(DataError, match=r"not a table of shape \(30, 2\)"):
        classifier().fit(TEXTS, np.eye(2)[LABELS])


@pytest.mark.parametrize("gap", [None, float("nan"), pd.NA, "", " "])
@pytest.mark.parametrize("place", [0, 5])
def test_gaps_among_texts_are_left_out_and_told(gap, place):
    texts, labels = TEXTS.copy(), LABELS.copy()
    texts.insert(place, gap)
    labels.insert(place, 1)
    model = classifier().fit(texts, labels)
    assert "1 of 31 inputs are empty and were left out" in model.notes_
    assert model.data_["kind"] == "text"


def test_gaps_among_lists_of_tokens_are_left_out():
    tokens = [None, *(text.split() for text in TEXTS)]
    model = classifier().fit(tokens, [0, *LABELS])
    assert model.data_["kind"] == "tokens"


def test_whole_numbers_are_numbers_to_a_model_of_numbers(of_numbers):
    told = of_numbers.predict_proba([[1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(of_numbers.predict_proba([[1, 2, 3]]), told)
    np.testing.assert_array_equal(of_numbers.predict_proba([np.array([1, 2, 3])]), told)
    with pytest.raises(DataError, match="these are lists of tokens"):
        of_numbers.predict([["1", "2"]])


def test_nothing_is_answered_with_nothing(of_texts, of_numbers):
    for model in (of_texts, of_numbers):
        assert model.predict([]).shape == (0,)
        assert model.predict_proba([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"max_length": 0}, UsageError, "max_length must be a whole number of at least 1, not 0"),
        ({"max_length": -3, "ngrams": 1.5}, UsageError, "ngrams must be .*; max_length must be"),
        ({"network": gw.Network(segment_length=4)}, UsageError, "has no segment_length"),
        ({"network": gw.Network(shortcut=2)}, UsageError, "has no shortcut"),
    ],
)
def test_choices_that_no_data_could_make_sense_of(options, error, words):
    with pytest.raises(error, match=words):
        classifier(**options).fit(NUMBERS, LABELS)


class Stopping(Nobody):
    """Ctrl-C in the middle of the epoch with this number, counted over all networks."""

    def __init__(self, epochs):
        self.left = epochs

    def epoch(self, record, best):
        self.left -= 1

    def tick(self):
        if self.left == 0:
            raise KeyboardInterrupt


def test_a_network_that_ctrl_c_left_half_trained_is_not_averaged_with_whole_ones():
    model = classifier(members=3, training=gw.Training(epochs=3))
    model.fit(TEXTS, LABELS, watch=Stopping(4))  # one and a third
    assert len(model.graphs_) == 1
    assert (model.history_.stopped, len(model.history_.records)) == ("interrupted", 3)
    assert not any("are averaged" in note for note in model.notes_)
    alone = classifier(members=1, training=gw.Training(epochs=3)).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(model.predict_proba(TEXTS), alone.predict_proba(TEXTS))


def test_a_copy_in_other_characters_was_learnt_from_too(of_texts):
    wide = "".join(chr(ord(c) + 0xFEE0) if c > " " else " \u3000" for c in TEXTS[0])
    assert duplicates([TEXTS[0], wide]).repeated == 2
    assert "learnt from" in of_texts.evaluate([wide, "new"], [0, 1]).remark


def test_a_line_of_too_few_values_is_named(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("good 0.1 0.2\nbad 0.3\n")
    with pytest.raises(DataError, match="line 2: expected 2 numbers behind the token"):
        classifier(vectors=path).fit(TEXTS, LABELS)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": -1}, "seed must be a whole number, at least 0, not -1"),
        ({"seed": 1.5, "validation": "some"}, "seed must be .*; validation must be a share"),
        ({"network": {"hidden_size": 3}}, r"network must be a gatewise.Network, not \{"),
        ({"training": 3}, "training must be a gatewise.Training, not 3"),
    ],
)
@pytest.mark.parametrize("task", [gw.Classifier, gw.Tagger])
def test_arguments_of_the_wrong_kind_are_all_told(task, options, words):
    with pytest.raises(UsageError, match=words):
        task(**options).fit([["a", "b"]] * 2, [["X", "Y"]] * 2)


@pytest.mark.parametrize("members", [0, 2.5, "a"])
def test_members_are_a_whole_number(members):
    with pytest.raises(UsageError, match="members must be a whole number of at least 1"):
        classifier(members=members).fit(TEXTS, LABELS)
