"""Baselines for text and sequences against scikit-learn and slow counting."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from gatewise.errors import DataError
from gatewise.rivals import classes as rivals
from gatewise.rivals.ngrams import NgramModel, unigram_nats
from gatewise.rivals.tags import FrequentTags
from gatewise.rivals.translation import NearestTranslation, copied


def reviews(n=200, classes=2, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    words = [f"w{i}" for i in range(30)]
    texts = []
    for label in y:
        own = list(rng.choice(words, 8)) + [f"sign{label}"] * int(rng.random() < 0.8)
        texts.append(" ".join(rng.permutation(own)))
    return texts, y


def fitted(texts, y, cut=150, **chosen):
    arguments = {"unit": "word", "classes": int(y.max()) + 1, **chosen}
    return rivals.TfidfRegression.fit(texts[:cut], y[:cut], texts[cut:], y[cut:], **arguments)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("unit", ["char", "word"])
def test_tfidf_regression_is_scikit_learns(classes, unit):
    texts, y = reviews(classes=classes)
    model = fitted(texts, y, unit=unit)
    read = {"char": {"analyzer": "char", "ngram_range": (1, 3)}, "word": {"ngram_range": (1, 2)}}
    vectorizer = TfidfVectorizer(sublinear_tf=True, **read[unit])
    x = vectorizer.fit_transform(texts[:150])
    chosen = {"solver": "liblinear"} if classes == 2 else {"solver": "lbfgs", "tol": 1e-3}
    theirs = LogisticRegression(C=model.strength, max_iter=1000, **chosen)
    theirs.fit(x, y[:150])
    new, _ = reviews(seed=5, classes=classes)
    p = theirs.predict_proba(vectorizer.transform(new))
    np.testing.assert_allclose(model.probabilities(new), p, atol=1e-6)
    assert (model.probabilities(texts[150:]).argmax(axis=1) == y[150:]).mean() > 0.75
    np.testing.assert_allclose(model.probabilities(new).sum(axis=1), 1.0)
    assert model.probabilities([]).shape == (0, classes)


def test_the_strength_is_the_best_on_the_validation_part():
    texts, y = reviews()
    model = fitted(texts, y)
    vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))
    x, held = vectorizer.fit_transform(texts[:150]), vectorizer.transform(texts[150:])
    nats = {}
    for strength in rivals.STRENGTHS:
        theirs = LogisticRegression(C=strength, solver="liblinear", max_iter=1000)
        p = theirs.fit(x, y[:150]).predict_proba(held)
        nats[strength] = -np.log(p[np.arange(50), y[150:]]).mean()
    assert model.strength == min(nats, key=nats.get)
    again = fitted(texts, y, refit=True)
    assert again.strength == model.strength
    assert again.coefficients.shape[1] > model.coefficients.shape[1]


@pytest.mark.parametrize("several", [False, True])
def test_a_regression_that_was_put_into_json_and_arrays_answers_as_before(several):
    texts, y = reviews()
    model = fitted(texts, np.stack([y, 1 - y], axis=1) if several else y, classes=2)
    facts, arrays = model.to_parts()
    again = rivals.TfidfRegression.from_parts(json.loads(json.dumps(facts)), arrays)
    np.testing.assert_allclose(
        again.probabilities(texts), model.probabilities(texts), rtol=1e-4, atol=1e-6
    )


def test_a_class_that_training_lacks_is_told_by_nobody():
    texts, y = reviews(classes=2)
    model = fitted(texts, y, classes=3)
    assert model.probabilities(texts).shape == (200, 3)
    assert model.probabilities(texts)[:, 2].max() < 1e-6
    assert (model.probabilities(texts[150:]).argmax(axis=1) == y[150:]).mean() > 0.75
    few = np.where(y == 1, 3, y)
    few[:5] = 2
    assert fitted(texts, few, classes=6).probabilities(texts).shape == (200, 6)


def test_several_labels_are_a_regression_each():
    texts, y = reviews()
    truth = np.stack([y == 0, y == 1, np.zeros(200), np.ones(200)], axis=1).astype(int)
    p = fitted(texts, truth, classes=4).probabilities(texts)
    assert ((p[150:, 1] > 0.5) == (y[150:] == 1)).mean() > 0.75
    assert p[:, 2].max() < 0.01 < 0.99 < p[:, 3].min()


def test_lists_of_tokens_are_counted_as_they_are():
    y = np.arange(40) % 2
    tokens = [["New York", "!", "A"] if label else ["new", "york", "!", "a"] for label in y]
    model = fitted(tokens, y, 30, unit="token")
    assert {"New York", "New York !", "A"} <= set(model.terms)
    assert (model.probabilities(tokens).argmax(axis=1) == y).all()
    integers = [[7, 8] if label else [8, 7] for label in y]
    model = fitted(integers, y, 30, unit="token")
    assert (model.probabilities(integers).argmax(axis=1) == y).all()


def test_many_texts_that_share_nothing_are_no_trouble():
    texts = [f"only{i}" for i in range(1100)]
    y = np.arange(1100) % 2
    assert fitted(texts, y, 1050).probabilities(texts).shape == (1100, 2)


def test_texts_without_a_term_or_a_second_class_are_refused():
    with pytest.raises(DataError, match="hold no word that could be counted"):
        fitted(["", "!"] * 10, np.arange(20) % 2, 15)
    with pytest.raises(DataError, match="at least two classes"):
        fitted(["a b"] * 20, np.zeros(20, dtype=int), 15, classes=2)


def test_the_most_frequent_class_has_the_shares_of_training():
    p = rivals.majority_class(np.array([0, 1, 1, 1]), 3, 2)
    np.testing.assert_allclose(p, [[0.25, 0.75, 0], [0.25, 0.75, 0]])
    several = rivals.majority_class(np.array([[1, 0], [1, 1]]), 2, 1)
    np.testing.assert_allclose(several, [[1, 0.5]])


def test_all_baselines_for_texts_by_name():
    texts, y = reviews()
    found = rivals.text_rivals(texts[:150], y[:150], texts[150:], y[150:], unit="word", classes=2)
    assert list(found) == [rivals.MAJORITY, rivals.TFIDF]
    assert all(answer(texts[:7]).shape == (7, 2) for answer in found.values())


def test_the_nearest_sequence_is_scikit_learns():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 120)
    x = [rng.normal(size=(20, 2)) * [1, 100] + label * np.array([0.4, 30]) for label in y]
    model = rivals.NearestSequence.fit(x[:80], y[:80], 3)
    assert model.steps == 20
    rows = np.concatenate(x[:80])
    flat = ((np.array(x) - rows.mean(axis=0)) / rows.std(axis=0)).reshape(120, -1)
    theirs = KNeighborsClassifier(1).fit(flat[:80], y[:80])
    p = model.probabilities(x[80:])
    np.testing.assert_array_equal(p.argmax(axis=1), theirs.predict(flat[80:]))
    np.testing.assert_allclose(p.sum(axis=1), 1)
    apart = ((flat[:80, None] - flat[None, :80]) ** 2).sum(-1) + np.diag(np.full(80, np.inf))
    assert p.max() == pytest.approx((y[:80][apart.argmin(axis=1)] == y[:80]).mean())


def test_sequences_of_other_lengths_and_speeds_are_near():
    def wave(steps, label):
        time = np.linspace(0, 1, steps)[:, None]
        return np.concatenate([np.sin(6 * time + label), np.ones((steps, 1)) * 5], axis=1)

    y = np.arange(40) % 2
    x = [wave(10 + i, label) for i, label in enumerate(y)]
    model = rivals.NearestSequence.fit(x, y, 2)
    told = model.probabilities([wave(90, 1), wave(3, 0), wave(33, 1)])
    assert told.argmax(axis=1).tolist() == [1, 0, 1]
    assert model.probabilities([wave(1, 0)]).shape == (1, 2)
    several = rivals.NearestSequence.fit(x, np.stack([y, 1 - y], axis=1), 2)
    np.testing.assert_array_equal(several.probabilities(x[:2]) > 0.5, [[0, 1], [1, 0]])
    with pytest.raises(DataError, match="at least 2 sequences"):
        rivals.NearestSequence.fit(x[:1], y[:1], 2)


def test_chunks_change_no_answer(monkeypatch):
    rng = np.random.default_rng(0)
    x = [rng.normal(size=(6, 2)) for _ in range(30)]
    y = rng.integers(0, 2, 30)
    sources = ["".join(rng.choice(list("abcd"), 6)) for _ in range(30)]
    whole = rivals.NearestSequence.fit(x, y, 2)
    pairs = NearestTranslation.fit(sources, [s.upper() for s in sources])
    asked = [s[1:] for s in sources]
    before = pairs.translate(asked)
    monkeypatch.setattr(rivals, "CHUNK", 70)
    monkeypatch.setattr("gatewise.rivals.translation.CHUNK", 70)
    assert rivals.NearestSequence.fit(x, y, 2).trust == whole.trust
    assert pairs.translate(asked) == before


def test_the_most_frequent_tag_of_each_token():
    sentences = [["the", "bank", "of", "Bank"], ["the", "bank"], ["bank"]]
    tags = [["O", "B", "O", "B"], ["O", "O"], ["B"]]
    model = FrequentTags.fit(sentences, tags)
    assert model.predict([["bank", "the", "unseen"], []]) == [["B", "O", "O"], []]
    tie = FrequentTags.fit([["a", "a", "b"]], [["X", "Y", "Y"]])
    assert tie.predict([["a"]]) == [["Y"]]
    with pytest.raises(DataError, match="sentence 1 has 1 tokens and 2 tags"):
        FrequentTags.fit([["a"]], [["X", "Y"]])
    with pytest.raises(DataError, match="no tagged token"):
        FrequentTags.fit([], [])


def test_translations_without_a_network():
    sources = ["the red house", "a green tree", "blue water"]
    targets = ["das rote Haus", "ein grüner Baum", "blaues Wasser"]
    model = NearestTranslation.fit(sources, targets)
    assert model.translate(["the red horse", "green trees", "watery", "???"]) == [
        *targets,
        targets[0],
    ]
    assert model.translate([]) == []
    assert copied(sources) == sources
    tokens = NearestTranslation.fit([[1, 2, 3], [30, 40]], [["x"], ["y"]])
    assert tokens.translate([[30, 40, 1], [12, 3, 2]]) == [["y"], ["x"]]
    with pytest.raises(DataError, match="received 3 and 2"):
        NearestTranslation.fit(sources, targets[:2])
    with pytest.raises(DataError, match="every source is empty"):
        NearestTranslation.fit([""], ["a"])


def slow_kneser_ney(ids, order, vocab):
    """Chen & Goodman 1999 with dictionaries; returns p(token, tokens before)."""
    grams = {
        n: Counter(tuple(ids[i : i + n]) for i in range(len(ids) - n + 1))
        for n in range(1, order + 1)
    }
    counts = {order: grams[order]}
    for n in range(1, order):
        counts[n] = Counter(gram[1:] for gram in grams[n + 1])
    discounts, followers = {}, {}
    for n in range(1, order + 1):
        t = Counter(min(c, 5) for c in counts[n].values())
        found = (0.5, 1.0, 1.5)
        if all(t[k] for k in (1, 2, 3, 4)):
            y = t[1] / (t[1] + 2 * t[2])
            own = tuple(k - (k + 1) * y * t[k + 1] / t[k] for k in (1, 2, 3))
            if all(0 < d < k for k, d in zip((1, 2, 3), own, strict=True)):
                found = own
        discounts[n] = found
        followers[n] = defaultdict(dict)
        for gram, c in counts[n].items():
            followers[n][gram[:-1]][gram[-1]] = c

    def probability(token, before, n=order):
        if n == 0:
            return 1 / vocab
        if len(before) < n - 1:
            return probability(token, before, n - 1)
        context = tuple(before[len(before) - n + 1 :])
        after = followers[n].get(context)
        lower = probability(token, before, n - 1)
        if not after:
            return lower
        total, d = sum(after.values()), discounts[n]
        freed = sum(d[min(c, 3) - 1] for c in after.values())
        c = after.get(token, 0)
        kept = c - d[min(c, 3) - 1] if c else 0.0
        return kept / total + freed / total * lower

    return probability


def markov(n, vocab, seed):
    rng = np.random.default_rng(seed)
    table = rng.dirichlet(np.full(vocab, 0.15), vocab * vocab).cumsum(axis=1)
    ids = [0, 0]
    for u in rng.random(n - 2):
        ids.append(min(int(np.searchsorted(table[ids[-2] * vocab + ids[-1]], u)), vocab - 1))
    return np.array(ids)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize(("n", "vocab"), [(12, 3), (700, 6)])
def test_ngrams_are_slow_counting(order, n, vocab):
    ids = markov(n + 60, vocab, 3)
    train, test = ids[:n], ids[n:]
    slow = slow_kneser_ney(train.tolist(), order, vocab + 2)
    model = NgramModel.fit(train, order, vocab + 2)
    told = model.nats(test)
    by_hand = [-math.log(slow(int(w), test[:i].tolist())) for i, w in enumerate(test)]
    np.testing.assert_allclose(told, by_hand, rtol=1e-10)
    after = model.nats(test, before=train)
    np.testing.assert_allclose(after, model.nats(ids)[n:], rtol=1e-12)


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=60),
    st.lists(st.integers(0, 6), max_size=6),
    st.integers(1, 5),
)
@settings(deadline=None, max_examples=80)
def test_ngrams_sum_to_one_and_rule_nothing_out(train, before, order):
    model = NgramModel.fit(np.array(train), order, 7)
    p = model.distribution(np.array(before, dtype=int))
    assert p.sum() == pytest.approx(1.0)
    assert (p > 0).all()
    told = model.nats(np.array([*before, 3]))
    assert np.exp(-told[-1]) == pytest.approx(p[3])


def test_ngrams_that_were_put_into_arrays_answer_as_before():
    ids = markov(3000, 5, 1)
    model = NgramModel.fit(ids[:2000], 4, 6)
    again = NgramModel.from_arrays(model.to_arrays(), 6)
    np.testing.assert_allclose(again.nats(ids[2000:]), model.nats(ids[2000:]), rtol=1e-5)
    assert again.distribution(ids[:3]).sum() == pytest.approx(1.0, abs=1e-5)


def test_longer_contexts_are_better_where_the_text_allows():
    ids = markov(40_000, 8, 0)
    train, test = ids[:36_000], ids[36_000:]
    nats = [NgramModel.fit(train, order, 8).nats(test).mean() for order in (1, 2, 3)]
    assert nats[0] > nats[1] > nats[2]
    assert NgramModel.fit(train, 5, 8).nats(test).mean() < nats[2] * 1.05
    assert nats[0] == pytest.approx(unigram_nats(train, test, 8).mean(), abs=0.02)


def test_unigrams_by_hand():
    told = unigram_nats(np.array([0, 0, 1]), np.array([0, 2]), 3)
    np.testing.assert_allclose(np.exp(-told), [3 / 6, 1 / 6])


def test_ids_outside_the_vocabulary_are_refused():
    model = NgramModel.fit(np.array([0, 1, 2]), 2)
    assert model.vocab_size == 3
    with pytest.raises(DataError, match="holds the id 3; a vocabulary of 3 has ids 0 to 2"):
        model.nats(np.array([1, 3]))
    with pytest.raises(DataError, match="holds the id 7"):
        NgramModel.fit(np.array([1, 7]), 2, 5)
    with pytest.raises(DataError, match="n-grams need a text"):
        NgramModel.fit(np.array([], dtype=int), 2, 5)


def test_without_a_validation_part_the_regression_is_as_strong_as_usual():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 600)
    texts = [" ".join([*rng.choice(200, 15).astype(str), f"sign{c}{rng.integers(3)}"]) for c in y]
    model = rivals.TfidfRegression.fit(texts[:100], y[:100], [], y[:0], unit="word", classes=2)
    assert model.strength == rivals.USUAL
    assert (model.probabilities(texts[100:]).argmax(axis=1) == y[100:]).mean() > 0.75
