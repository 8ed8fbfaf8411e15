"""The tagger from sentences to spans, and what it says of words it has never seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score

import gatewise as gw
from gatewise.batch import PADDING, UNKNOWN
from gatewise.data import features
from gatewise.data.features import CHANNELS, TokenCodec, shape
from gatewise.data.toys import toy_entities
from gatewise.errors import DataError, UsageError

SMALL = gw.Network(hidden_size=16, embedding_size=16)
QUICK = gw.Training(epochs=15, batch_size=16, learning_rate=1e-2)


def tagger(**options):
    return gw.Tagger(**{"verbose": 0, "network": SMALL, "training": QUICK, **options})


@pytest.fixture(scope="module")
def known():
    return toy_entities(300)


@pytest.fixture(scope="module")
def new():
    return toy_entities(80, seed=1)


@pytest.fixture(scope="module")
def trained(known):
    return tagger().fit(known.tokens, known.tags)


def test_it_finds_spans_and_stands_beside_the_most_frequent_tag(trained, new):
    evaluation = trained.evaluate(new.tokens, new.tags)
    scores = evaluation.scores()
    assert scores["network"]["entity F1"] > 0.9
    assert scores["network"]["entity F1"] >= scores["most frequent tag of the token"]["entity F1"]


def test_tags_are_those_of_each_sentence_alone_in_any_order(trained, new):
    together = trained.predict(new.tokens)
    assert [len(tags) for tags in together] == [len(tokens) for tokens in new.tokens]
    order = np.random.default_rng(0).permutation(len(new))
    assert trained.predict([new.tokens[i] for i in order]) == [together[i] for i in order]
    for i in range(0, len(new), 13):
        assert trained.predict([new.tokens[i]]) == [together[i]]


def test_a_saved_tagger_answers_and_is_judged_alike(trained, new, tmp_path):
    trained.save(tmp_path / "model")
    loaded = gw.load(tmp_path / "model")
    assert loaded.predict(new.tokens) == trained.predict(new.tokens)
    assert (
        loaded.evaluate(new.tokens, new.tags).scores()
        == trained.evaluate(new.tokens, new.tags).scores()
    )
    assert loaded.summary() == trained.summary()


def test_a_frame_with_columns_of_lists(known):
    frame = {"tokens": known.tokens[:60], "tags": known.tags[:60]}
    model = tagger(training=gw.Training(epochs=1)).fit(frame)
    assert model.predict(frame) == model.predict(known.tokens[:60])


def test_classes_that_are_no_spans():
    words = [["the", "dog", "runs"], ["a", "cat", "sleeps"], ["the", "cat", "runs"]] * 20
    model = tagger().fit(words, [["DET", "NOUN", "VERB"]] * 60)
    assert model.predict([["a", "dog", "sleeps"]]) == [["DET", "NOUN", "VERB"]]
    assert (
        "token accuracy"
        in model.evaluate(words, [["DET", "NOUN", "VERB"]] * 60).scores()["network"]
    )


@pytest.mark.parametrize(
    ("token", "told"),
    [("Ltd.", "Xxx."), ("B-52s", "X-99x"), ("IBM", "XX"), ("北京", "cc"), ("", ""), ("1999", "99")],
)
def test_the_shape_of_a_token(token, told):
    assert shape(token) == told


@given(st.lists(st.lists(st.text(max_size=6), min_size=1, max_size=6), min_size=1, max_size=5))
def test_what_was_learnt_is_known_and_what_was_not_is_unknown(sentences):
    if not any(any(tokens) for tokens in sentences):
        return
    codec = TokenCodec.learn(sentences)
    again = TokenCodec.from_dict(codec.to_dict())
    steps = codec.encode(sentences)
    assert steps.values.shape[1] == len(CHANNELS)
    np.testing.assert_array_equal(again.encode(sentences).values, steps.values)
    assert steps.values.max() < codec.size
    strange = codec.encode([["\U0001f9ff" * 5]]).values[0]
    assert strange[0] == UNKNOWN
    assert strange[1] == strange[2] == PADDING


@pytest.mark.parametrize(
    ("sentences", "tags", "error", "words"),
    [
        ([["a", "b"]] * 30, [["O", "B-X"]] * 29 + [["O"]], DataError, "sentence 30"),
        ([["a"]] * 30, [["O"]] * 30, DataError, "nothing to tell apart"),
        (["a b"] * 30, [["O", "O"]] * 30, DataError, "is a text"),
        ([["a"]] * 30, None, UsageError, "tags are missing"),
        ([[]] * 30, [[]] * 30, DataError, "no sentences"),
    ],
)
def test_unusable_data_is_refused_in_words(sentences, tags, error, words):
    with pytest.raises(error, match=words):
        tagger().fit(sentences, tags)


def test_what_the_tagger_cannot_do_is_refused(trained):
    with pytest.raises(DataError, match="no tokens"):
        trained.predict([[]])
    with pytest.raises(DataError, match="was not among the training tags"):
        trained.evaluate([["a"]], [["B-STAR"]])
    with pytest.raises(UsageError, match="call fit first"):
        gw.Tagger().predict([["a"]])
    with pytest.raises(UsageError, match="loss"):
        tagger(training=gw.Training(loss="mse")).fit([["a"]], [["O"]])


def test_no_sentences_have_no_tags(trained):
    assert trained.predict([]) == []
    with pytest.raises(UsageError, match=r"no pooling.*no tie_embedding"):
        tagger(network=gw.Network(pooling="max", tie_embedding=True)).fit([["a"]], [["O"]])


def test_probabilities_are_of_the_tags_told(trained, new):
    told, tags = trained.predict_proba(new.tokens), trained.predict(new.tokens)
    for p, own in zip(told, tags, strict=True):
        assert p.shape == (len(own), len(trained.tags_))
        np.testing.assert_allclose(p.sum(axis=1), 1)
        assert [trained.tags_[i] for i in p.argmax(axis=1)] == own
    assert trained.predict_proba([]) == []


def test_the_score_is_that_of_seqeval(trained, new):
    assert trained.score(new) == pytest.approx(f1_score(new.tags, trained.predict(new.tokens)))


def test_each_channel_knows_so_many_features_at_most(monkeypatch):
    sentences = [[f"w{i}x" for i in range(number)] for number in (2, 4, 40)]
    monkeypatch.setattr(features, "MOST", 3)
    codec = TokenCodec.learn(sentences)
    for channel in range(len(CHANNELS)):
        assert sum(of == channel for of, _ in codec.vocabulary) <= 3
    assert [text for of, text in codec.vocabulary if of == 0] == ["w0x", "w1x", "w2x"]
