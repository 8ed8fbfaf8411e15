"""The generators keep the rules that they state."""

import itertools
from datetime import datetime

import numpy as np
import pytest
from seqeval.metrics.sequence_labeling import get_entities
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from gatewise.data import toys
from gatewise.data.text import TextCodec
from gatewise.errors import UsageError


def accuracy(texts, labels, **how):
    model = make_pipeline(CountVectorizer(**how), LogisticRegression(C=100, max_iter=1000))
    return cross_val_score(model, texts, labels, cv=3).mean()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_reviews_are_learnable_when_the_order_of_words_is_read(language):
    frame = toys.toy_reviews(400, language, seed=1)
    assert set(frame["label"]) == {"positive", "negative"}
    assert 150 < (frame["label"] == "positive").sum() < 250
    assert TextCodec.learn(frame["text"]).unit == {"en": "word", "zh": "char"}[language]
    how = {"analyzer": "char" if language == "zh" else "word"}
    words = accuracy(frame["text"], frame["label"], ngram_range=(1, 1), **how)
    spans = accuracy(frame["text"], frame["label"], ngram_range=(1, 3), **how)
    assert words < 0.9 < 0.95 < spans
    praise, blame = toys.REVIEWS[language][3:5]
    for text, label in zip(frame["text"], frame["label"], strict=True):
        for word in (*praise, *blame):
            if word in text:
                turned = f"not {word}" in text or f"不{word}" in text
                both = text.count(word) > 1 or sum(w in text for w in (*praise, *blame)) > 1
                assert both or (label == "positive") == ((word in praise) != turned)


def test_the_order_of_two_tokens_decides():
    found = toys.order_sequences(300, (3, 10))
    for row, label in zip(found.inputs, found.labels, strict=True):
        assert row.count("7") == row.count("3") == 1
        assert 3 <= len(row) <= 10
        assert label == (row.index("7") < row.index("3"))
    assert 100 < sum(found.labels) < 200
    assert {len(row) for row in found.inputs} == set(range(3, 11))


def test_random_labels_know_nothing_of_the_tokens():
    found = toys.random_labels(1000)
    assert 420 < sum(found.labels) < 580
    texts = [" ".join(row) for row in found.inputs]
    assert accuracy(texts, found.labels, token_pattern=r"\d+") < 0.57


def test_one_token_of_four_is_the_label():
    found = toys.key_sequences(500, (3, 12))
    places = []
    for row, label in zip(found.inputs, found.labels, strict=True):
        keys = [token for token in row if token in ("1", "2", "3", "4")]
        assert keys == ([] if label == "0" else [label])
        places += [(row.index(label), len(row))] if keys else []
    assert {length for _, length in places} == set(range(3, 13))
    assert {place for place, length in places if length == 12} >= {0, 11}
    assert min(found.labels.count(label) for label in "01234") > 70
    with pytest.raises(UsageError, match="length"):
        toys.key_sequences(10, (5, 3))


def test_reversed_pairs_differ_and_are_as_long_as_asked_for():
    found = toys.reverse_pairs(500, (3, 6), symbols=9)
    assert len(set(found.sources)) == len(found) == 500
    for source, target in zip(found.sources, found.targets, strict=True):
        assert target.split() == source.split()[::-1]
        assert set(source.split()) <= set("123456789")
    assert {len(source.split()) for source in found.sources} == {3, 4, 5, 6}
    with pytest.raises(UsageError, match="no 10 different pairs; only 4"):
        toys.reverse_pairs(10, 2, symbols=2)
    with pytest.raises(UsageError, match="length"):
        toys.reverse_pairs(10, (5, 3))


def said(words):
    """The number of English words, by the rules of reading them aloud."""
    small = {word: i for i, word in enumerate(toys.ONES) if word}
    small |= {word: 10 * i for i, word in enumerate(toys.TENS) if word}
    total = here = 0
    for word in words.split():
        if word == "hundred":
            here *= 100
        elif word == "thousand":
            total, here = total + 1000 * here, 0
        else:
            here += small.get(word, 0)
    return total + here


def test_number_words():
    assert toys.number_words(305) == "three hundred and five"
    assert toys.number_words(21_012) == "twenty one thousand and twelve"
    assert toys.number_words(0) == "zero"
    found = toys.number_pairs(500, 99_999)
    for words, digits in zip(found.sources, found.targets, strict=True):
        assert said(words) == int(digits.replace(" ", "")) <= 99_999
    assert len(set(found.targets)) == 500


def test_dates_mean_what_is_written():
    ways = ("%B %d, %Y", "%d %B %Y", "%d %b %Y", "%m/%d/%Y", "%d.%m.%Y")
    used = set()
    found = toys.date_pairs(300)
    for written, target in zip(found.sources, found.targets, strict=True):
        meant = {}
        for way in ways:
            try:
                meant[way] = datetime.strptime(written, way).strftime("%Y-%m-%d")
            except ValueError:
                continue
        assert target in meant.values()
        used |= set(meant)
    assert used == set(ways)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("bak", "B AE K"),
        ("bake", "B EY K"),
        ("grace", "G R EY S"),
        ("cot", "K AA T"),
        ("cit", "S IH T"),
        ("chee", "CH IY"),
        ("gelph", "JH EH L F"),
        ("queex", "K W IY K S"),
        ("thunnoul", "TH AH N AW L"),
        ("satte", "S AE T EH"),  # behind two consonants nothing is silent
        ("te", "T EH"),
    ],
)
def test_the_made_up_spelling_is_said_by_its_rules(word, said):
    assert toys.sounds(word) == said


def test_made_up_words_differ_and_use_every_rule():
    found = toys.spelling_pairs(1000, seed=3)
    assert len(set(found.sources)) == 1000
    joined = " ".join(found.sources)
    assert all(two in joined for two in ("ch", "qu", "ee", "tt", "ce", "gi"))
    silent = [
        w
        for w, s in zip(found.sources, found.targets, strict=True)
        if w[-1] == "e" and s[-2:] != "EH"
    ]
    assert 100 < len(silent) < 400
    with pytest.raises(UsageError, match="not 'y'"):
        toys.sounds("try")


def test_entities_are_names_of_their_type():
    found = toys.toy_entities(300)
    names = {"LOC": set(toys.PLACES), "ORG": set(toys.FIRMS)}
    seen = set()
    for tokens, tags in zip(found.tokens, found.tags, strict=True):
        assert len(tokens) == len(tags)
        for type_, first, last in get_entities(tags):
            name = " ".join(tokens[first : last + 1])
            seen.add(type_)
            assert name in names.get(type_, {name})
            assert type_ != "PER" or name.split()[0] in toys.PEOPLE[0]
    assert seen == {"PER", "LOC", "ORG"}


def test_a_play_looks_like_one():
    play = toys.toy_play(5000)
    assert len(play) == 5000
    speeches = play.split("\n\n")[:-1]
    speakers = [speech.split(":\n")[0] for speech in speeches]
    assert set(speakers) == set(toys.SPEAKERS)
    assert all(one != two for one, two in itertools.pairwise(speakers))
    assert "{" not in play


def test_waves_are_told_apart_by_their_shift_alone():
    found = toys.toy_waves(90, noise=0.0)
    assert {label: found.labels.count(label) for label in found.labels} == {
        "together": 30, "behind": 30, "ahead": 30,
    }  # fmt: skip
    for waves, label in zip(found.inputs, found.labels, strict=True):
        assert waves.shape[1] == 3
        assert 20 <= len(waves) <= 60
        first, second = waves[:, 0], waves[:, 1]
        rising = np.gradient(first)
        turn = np.sign(np.corrcoef(second, rising)[0, 1])
        if np.corrcoef(first, second)[0, 1] > 0.99:
            assert label == "together"
        else:
            assert label == ("ahead" if turn > 0 else "behind")


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: toys.toy_reviews(20, seed=seed).to_numpy().tolist(),
        lambda seed: toys.order_sequences(20, seed=seed).inputs,
        lambda seed: toys.random_labels(20, seed=seed).inputs,
        lambda seed: toys.key_sequences(20, seed=seed).inputs,
        lambda seed: toys.reverse_pairs(20, seed=seed).sources,
        lambda seed: toys.number_pairs(20, seed=seed).sources,
        lambda seed: toys.date_pairs(20, seed=seed).sources,
        lambda seed: toys.toy_entities(20, seed=seed).tokens,
        lambda seed: toys.toy_play(300, seed=seed),
        lambda seed: [one.tolist() for one in toys.toy_waves(5, seed=seed).inputs],
    ],
)
def test_the_same_seed_gives_the_same(make):
    assert make(3) == make(3) != make(4)
