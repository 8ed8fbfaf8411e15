"""Labels and tags: there and back, against scikit-learn and seqeval, and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from sklearn.preprocessing import LabelEncoder, MultiLabelBinarizer

from gatewise.data.labels import LabelCodec
from gatewise.data.tags import TagCodec, is_bio, repaired, spans
from gatewise.errors import DataError


def saved_and_loaded(codec):
    return type(codec).from_dict(json.loads(json.dumps(codec.to_dict())))


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["spam", "ham", "spam"], "binary"),
        ([3, 1, 2, 10], "multiclass"),
        ([True, False, False], "binary"),
        (pd.Series(["b", "a", "c"]), "multiclass"),
        (np.array([2, 0, 1]), "multiclass"),
    ],
)
def test_labels_are_numbered_like_scikit_learn_and_come_back_as_they_were(labels, kind):
    codec = LabelCodec.learn(labels)
    assert codec.kind == kind
    assert codec.encode(labels).tolist() == LabelEncoder().fit_transform(list(labels)).tolist()
    back = saved_and_loaded(codec).decode(codec.encode(labels))
    assert back == list(labels)
    assert {type(one) for one in back} == {type(np.array(list(labels))[0].item())}


def test_numbers_are_ordered_by_size_and_a_column_with_gaps_gives_the_same_labels():
    codec = LabelCodec.learn([10, 9, -1, 2])
    assert codec.classes == ("-1", "2", "9", "10")
    assert codec.encode([10.0, 2.0]).tolist() == [3, 1]
    assert LabelCodec.learn(["4.5", "10", "x"]).classes == ("4.5", "10", "x")


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=4), min_size=1))
def test_lists_of_labels_against_scikit_learn(labels):
    if not any(labels):
        with pytest.raises(DataError, match="has a label"):
            LabelCodec.learn(labels)
        return
    codec = LabelCodec.learn(labels)
    truth = MultiLabelBinarizer()
    np.testing.assert_array_equal(codec.encode(labels), truth.fit_transform(labels))
    assert list(codec.classes) == truth.classes_.tolist()
    assert codec.decode(codec.encode(labels)) == [sorted(set(row)) for row in labels]


@pytest.mark.parametrize("mark", ["|", ";", ","])
def test_several_labels_in_one_cell(mark):
    cells = [f"red{mark} big", "red", "", None]
    codec = LabelCodec.learn(cells, multilabel=True)
    assert (codec.kind, codec.classes, codec.separator) == ("multilabel", ("big", "red"), mark)
    assert codec.encode(cells).tolist() == [[1, 1], [0, 1], [0, 0], [0, 0]]
    assert LabelCodec.learn(cells, separator=mark) == codec
    assert codec.counts(cells) == {"big": 1, "red": 2}


def test_counts_hold_classes_without_examples():
    codec = LabelCodec.learn(["a", "b"])
    assert codec.counts(["b", "b"]) == {"a": 0, "b": 2}


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([], "no labels"),
        (["a"] * 3, "all 3 labels are 'a': there is nothing to tell apart"),
        (["a", None, "b", float("nan"), " ", pd.NA], r"4 of 6 .* missing \(rows 2, 4, 5, 6\)"),
        (["a", ["b"]], "label 1 is 'a', but others are lists"),
        (range(200), "200 labels are 200 different ones"),
    ],
)
def test_labels_that_cannot_be_learnt(labels, told):
    with pytest.raises(DataError, match=told):
        LabelCodec.learn(labels)


def test_a_label_never_seen_is_named_with_its_count_and_the_nearest():
    codec = LabelCodec.learn(["positive", "negative"])
    with pytest.raises(DataError) as error:
        codec.encode(["positve", "positve", "neutral", "positive"])
    assert "'positve' (2 times)" in str(error.value)
    assert "did you mean 'positive'?" in str(error.value)
    assert "'neutral' (1 time)" in str(error.value)
    assert "known: negative, positive" in str(error.value)
    with pytest.raises(DataError, match="missing"):
        codec.encode(["positive", None])


SENTENCES = [["O", "B-PER", "I-PER", "O"], ["B-LOC", "B-LOC"], []]


def test_tags_there_and_back():
    codec = TagCodec.learn(SENTENCES)
    assert codec.bio
    assert codec.tags == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    numbers = codec.encode(SENTENCES)
    assert [row.tolist() for row in numbers] == [[0, 3, 4, 0], [1, 1], []]
    assert saved_and_loaded(codec).decode(numbers) == SENTENCES


def test_tags_that_are_no_spans_stay_classes():
    codec = TagCodec.learn([["NOUN", "VERB"], ["O", "I-"]])
    assert not codec.bio
    assert codec.tags == ("O", "I-", "NOUN", "VERB")


@pytest.mark.parametrize(
    ("sentences", "told"),
    [
        ([], "no tags"),
        ([["O", "O"]], "all 2 tags are 'O'"),
        ([["O"], ["B-X", " "]], "sentence 2, token 2 has an empty tag"),
    ],
)
def test_tags_that_cannot_be_learnt(sentences, told):
    with pytest.raises(DataError, match=told):
        TagCodec.learn(sentences)


def test_a_tag_never_seen():
    with pytest.raises(DataError, match=r"'B-PERS' \(1 time\).*did you mean 'B-PER'"):
        TagCodec.learn(SENTENCES).encode([["B-PERS"]])


bio_tags = st.lists(st.sampled_from(["O", "B-X", "I-X", "B-Y", "I-Y", "B-A-B", "I-A-B"]))


@settings(deadline=None)
@given(bio_tags)
def test_spans_are_those_of_seqeval_and_repair_keeps_them(tags):
    truth = [(type_, first, last + 1) for type_, first, last in get_entities(tags)]
    assert spans(tags) == truth
    rows, notes = repaired([tags])
    assert spans(rows[0]) == truth
    assert bool(notes) == (rows[0] != tags)
    assert repaired(rows) == (rows, ())
    for before, tag in zip(["O", *rows[0]], rows[0], strict=False):
        assert not tag.startswith("I-") or before[1:] == tag[1:]


def test_repair_is_told():
    assert repaired([["I-X", "I-X", "O", "I-Y"]])[1] == (
        "2 spans begin with I- and not with B-: read as B-",
    )
    assert is_bio([["O", "I-X"]])
    assert not is_bio([["O"]])


def test_labels_never_seen_get_classes_behind_the_others():
    codec = LabelCodec.learn(["a", "b", "a"])
    wide, notes = codec.widened(["a", "c", "c", "b"])
    assert wide.classes == ("a", "b", "c")
    assert wide.encode(["c", "b"]).tolist() == [2, 1]
    assert "'c' (2 times) was not among the training labels" in notes[0]
    assert codec.widened(["b"]) == (codec, [])
    with pytest.raises(DataError, match="was not among"):
        codec.widened(["c", "d"])
    several = LabelCodec.learn([["a"], ["b"]])
    assert several.widened([["a", "c"], []])[0].encode([["a", "c"]]).tolist() == [[1, 0, 1]]


def test_missing_labels_are_told_with_the_rows_that_were_given():
    rows = [2, 5, 9]
    with pytest.raises(DataError, match="row 9"):
        LabelCodec.learn(["a", "b", None], rows=rows)
    codec = LabelCodec.learn(["a", "b"])
    for ask in (codec.encode, codec.widened):
        with pytest.raises(DataError, match="row 5"):
            ask(["a", "", "b"], rows)


def test_tags_never_seen_are_told_beside_known_ones():
    codec = TagCodec.learn(SENTENCES)
    assert codec.strange(SENTENCES) == []
    (note,) = codec.strange([["O", "B-PER", "B-EVENT", "B-EVENT"]])
    assert "'B-EVENT' (2 times)" in note
    for others in (["O", "B-EVENT"], ["NOUN", "B-PER"]):  # nothing known; another kind of tags
        with pytest.raises(DataError, match="was not among"):
            codec.strange([others])
