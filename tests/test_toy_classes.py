"""The made-up reviews, names, questions and sounds keep the rules that they state."""

import numpy as np
import pytest

from gatewise.data import toy_classes, toys
from gatewise.errors import UsageError


@pytest.mark.parametrize(
    ("make", "classes"),
    [
        (toys.toy_products, {"good", "bad"}),
        (toys.toy_names, set(toy_classes.ENDINGS)),
        (toys.toy_questions, set(toy_classes.ASKED)),
    ],
)
def test_texts_differ_and_every_class_is_there(make, classes):
    frame = make(500, seed=1)
    assert list(frame.columns) == ["text", "label"]
    assert len(frame) == frame["text"].nunique() == 500
    shares = frame["label"].value_counts(normalize=True)
    assert set(shares.index) == classes
    assert shares.min() > 0.6 / len(classes)
    assert not frame["text"].str.contains("[{}]").any()
    assert frame.equals(make(500, seed=1))
    assert not frame.equals(make(500, seed=2))


def test_products_say_what_their_label_is():
    for text, label in toys.toy_products(300).itertuples(index=False):
        said = [word for word in toy_classes.SAID[label] if word in text]
        assert said
        assert " " not in text
        assert text != "太差了"
        assert "产品" not in text  # the gallery asks of these


def test_names_end_as_their_language_does():
    for name, language in toys.toy_names(300).itertuples(index=False):
        endings = [e for e in toy_classes.ENDINGS[language] if name.lower().endswith(e)]
        assert endings
        rest = name.lower().removesuffix(max(endings, key=len))
        while rest:
            start = next(s for s in toy_classes.SYLLABLES[language] if rest.startswith(s))
            rest = rest.removeprefix(start)
    shared = [ending for endings in toy_classes.ENDINGS.values() for ending in endings]
    assert len(shared) - len(set(shared)) == 3


def test_no_first_word_of_a_question_tells_alone():
    frame = toys.toy_questions(600)
    first = frame["text"].str.split().str[0]
    asked = frame.groupby(first)["label"].nunique()
    assert (asked[["What", "Which", "Name", "How"]] >= 2).all()


def test_more_texts_than_there_are_is_told():
    with pytest.raises(UsageError, match=r"no 100,000 different texts; only \d"):
        toys.toy_questions(100_000)


def test_digits_are_melodies_of_their_number():
    found = toys.toy_digits(60, noise=0.0, seed=3)
    assert {label: found.labels.count(label) for label in "0123456789"} == dict.fromkeys(
        "0123456789", 6
    )
    for sound, label in zip(found.inputs, found.labels, strict=True):
        assert sound.dtype == np.float32
        assert np.abs(sound).max() <= 1
        there = np.flatnonzero(np.abs(sound) > 0.05)
        assert 0.2 <= (there[-1] - there[0]) / toy_classes.RATE <= 0.61
        # the pitch at both ends, by the strongest frequency of 32 ms
        ends = [sound[there[0] :][:256], sound[: there[-1]][-256:]]
        low, high = (np.fft.rfft(end * np.hanning(256), 2048) for end in ends)
        begin, end = (np.abs(one).argmax() * toy_classes.RATE / 2048 for one in (low, high))
        first, _, last = (toy_classes.PITCHES[tone] for tone in toy_classes.MELODIES[int(label)])
        assert 0.6 < (end / begin) / (last / first) < 1.7
    assert len(set(toy_classes.MELODIES)) == 10
