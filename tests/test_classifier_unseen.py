"""The classifier on what it has never seen: classes, words; and its score."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

import gatewise as gw

FILLER = ("the", "room", "was", "food", "staff", "very", "bed", "and", "we", "view")
SMALL = gw.Network(hidden_size=8, embedding_size=8, input_dropout=0.0, dropout=0.0)
QUICK = gw.Training(epochs=6, batch_size=16, learning_rate=2e-2, weight_averaging=0.9)


def reviews(count, seed=0):
    """Sentences in which one word decides, wherever it stands."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(["good", "bad"], count).tolist()
    rows = [[*rng.choice(FILLER, rng.integers(2, 12)), label] for label in labels]
    return [" ".join(rng.permutation(row)) for row in rows], labels


def classifier(**options):
    return gw.Classifier(
        **{"verbose": 0, "members": 1, "network": SMALL, "training": QUICK, **options}
    )


@pytest.fixture(scope="module")
def trained():
    return classifier().fit(*reviews(150))


@pytest.fixture(scope="module")
def new():
    return reviews(60, seed=1)


def test_the_score_is_the_accuracy(trained, new):
    texts, labels = new
    assert trained.score(texts, labels) == accuracy_score(labels, trained.predict(texts))
    odd = [*labels[:-1], "ugly"]  # never seen: always wrong
    assert trained.score(texts, odd) == accuracy_score(odd, trained.predict(texts))


def test_a_class_that_only_the_judged_have_counts_as_wrong(trained, new):
    texts, labels = new
    odd = ["ugly", *labels[1:]]
    scores = trained.evaluate(texts, odd).scores()["network"]
    told = trained.predict(texts)
    assert scores["accuracy"] == accuracy_score(odd, told)
    expected = f1_score(odd, told, average="macro", zero_division=0)
    assert scores["macro-F1"] == pytest.approx(expected)
    assert scores["log-loss"] is not None


def test_a_label_that_only_the_judged_have_counts_as_missed():
    texts, _ = reviews(40)
    tags = [["fine", "short"] if "good" in text else ["short"] for text in texts]
    model = classifier(training=gw.Training(epochs=2)).fit(texts, tags)
    odd = [[*tags[0], "rare"], *tags[1:]]
    told = model.evaluate(texts, odd)
    assert told.labels[-1] == "rare"
    assert told.by_class()["rare"]["recall"] == 0
    answers = model.predict(texts)
    exact = np.mean([set(a) == set(b) for a, b in zip(answers, odd, strict=True)])
    assert told.scores()["network"]["subset accuracy"] == pytest.approx(exact)
    assert model.score(texts, odd) == pytest.approx(exact)


def test_texts_without_a_known_token_are_told(trained):
    assert trained.remarks(["good", "bad"]) == []
    (note,) = trained.remarks(["xyzzy plugh", "good"])
    assert "1 of 2 texts has no token that was learnt" in note
    assert trained.remarks(["xyzzy plugh good"]) == ["67% of the tokens were never learnt"]
    assert "no token that was learnt" in trained.evaluate(["xyzzy", "good"], ["bad", "good"]).remark
