"""What a translator takes, how it reads it, and what it refuses."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
from reversals import NEW, ONE, SMALL, SOURCES, TARGETS, translator

import gatewise as gw
from gatewise.batch import UNKNOWN
from gatewise.data import toys
from gatewise.data.pairs import Pairs
from gatewise.errors import DataError, SpecError, UsageError


@pytest.fixture(scope="module")
def trained():
    return translator(training=ONE).fit(SOURCES, TARGETS)


# how texts are read


def test_dates_are_read_by_characters_and_long_rare_words_in_pieces():
    dates = toys.date_pairs(200)
    model = translator(training=ONE).fit(dates.sources, dates.targets)
    assert (model.source_.codec.unit, model.target_.codec.unit) == ("char", "char")
    rng = np.random.default_rng(0)
    letters = list("abcdefgh")
    long = [" ".join("".join(rng.choice(letters, 6)) for _ in range(8)) for _ in range(40)]
    model = translator(training=ONE).fit(long, dates.targets[:40])
    assert model.source_.codec.unit == "bpe"
    assert any("sources" in note and "pieces of words" in note for note in model.notes_)
    model = translator(training=ONE, source_unit="word").fit(long, dates.targets[:40])
    assert model.source_.codec.unit == "word"


def test_what_is_written_keeps_its_capitals():
    pairs = [(f"Say {word}", word) for word in ("Yes", "No", "Maybe")] * 20
    model = translator(training=ONE).fit(pairs)
    assert set(model.target_.codec.vocabulary) <= {"Yes", "No", "Maybe"}
    assert "say" in model.source_.codec.vocabulary
    small = translator(training=ONE, lowercase=True).fit(pairs)
    assert set(small.target_.codec.vocabulary) <= {"yes", "no", "maybe"}


def test_an_unknown_token_is_read_as_unknown_and_told(trained):
    assert np.all(trained.weights_["embedding.table"][UNKNOWN] == 0.0)
    assert trained.remarks([[1, 2]]) == []
    assert trained.remarks([[1, 77], [88]]) == [
        "2 of the 3 tokens of the sources are unknown ones."
    ]
    assert trained.remarks([]) == []
    assert len(trained.translate([[77]])) == 1
    verdict = trained.evaluate([[1, 77], [2]], [[3], [99]]).verdict()
    assert "1 of the 3 tokens of the sources is an unknown one." in verdict
    assert "1 of 2 target holds tokens that are not known" in verdict


def test_long_sequences_are_cut_and_told():
    model = translator(training=ONE, max_length=3).fit(SOURCES, TARGETS)
    assert max(model.data_["source steps"]) == 3
    told = [note for note in model.notes_ if note.startswith("training sources: ")]
    assert any("longer than 3" in note for note in told)
    assert max(map(len, model.translate(NEW))) <= 3
    assert "is not read" in model.remarks([[1, 2, 3, 4]])[0]


def test_frames_files_and_pairs_are_the_same(tmp_path):
    sources, targets = ([" ".join(map(str, row)) for row in side] for side in (SOURCES, TARGETS))
    texts = list(zip(sources, targets, strict=True))
    file = tmp_path / "pairs.tsv"
    file.write_text("".join(f"{a}\t{b}\n" for a, b in texts), encoding="utf-8")
    frame = pd.DataFrame(texts, columns=["source", "target"])
    expected = translator(training=ONE).fit(sources, targets).weights_["head.kernel"]
    for given_as in (texts, frame, file, str(file), Pairs(sources, targets)):
        model = translator(training=ONE).fit(given_as)
        assert np.array_equal(model.weights_["head.kernel"], expected)
    assert model.evaluate(file).sources == sources


# what is refused


@pytest.mark.parametrize(
    ("given_as", "kind", "message"),
    [
        ((["a b"], ["b", "a"]), DataError, "1 sources and 2 targets"),
        (([], []), DataError, "none of 0 pairs|no pairs"),
        (([],), DataError, "no pairs"),
        ((["", " "], ["a", "b"]), DataError, "none of 2 pairs"),
        (("a b", "b a"), UsageError, "list of sources, not one text"),
        ((["a", "b"], 3), UsageError, "list of targets, not int"),
        (("no-such-file.tsv",), UsageError, "no-such-file"),
        (([("a", "b"), ("a",)],), DataError, r"pair 2: expected \(source, target\)"),
        (([1.5, 2.5], ["a", "b"]), DataError, "every source must be a text, or a list of tokens"),
        ((["a", "b"], [[0.5], [1.5]]), DataError, "every target must be"),
        ((["a", ["b"]], ["a", "b"]), DataError, "one kind: .* row 2"),
    ],
)
def test_pairs_that_are_none_are_refused(given_as, kind, message):
    with pytest.raises(kind, match=message):
        translator().fit(*given_as)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam": 0}, "beam must be a whole number of at least 1, not 0"),
        ({"beam": None}, "beam must be"),
        ({"length_penalty": -1}, "length_penalty must be a number of at least 0, not -1"),
        ({"max_length": 0}, "max_length must be"),
        ({"unit": "words"}, "unit must be .*did you mean 'word'"),
        ({"target_unit": "chars"}, "target_unit must be .*did you mean 'char'"),
        ({"attention": "aditive"}, "attention must be .*did you mean 'additive'"),
        ({"attention": "none", "network": gw.Network(attention="additive")}, "contradict"),
        ({"network": gw.Network(pooling="max")}, "has no pooling"),
        ({"training": gw.Training(loss="mse")}, "loss of a translator is cross_entropy"),
        ({"validation": "much"}, "validation must be"),
        ({"validation": -1}, "validation must be"),
        ({"validation": 0.95}, "leaves too little"),
        ({"beam": 0, "validation": -1}, "validation.*; beam"),
    ],
)
def test_choices_that_cannot_be_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        translator(**options).fit(SOURCES, TARGETS)


def test_the_network_may_name_the_attention():
    network = SMALL.replace(attention="multiplicative")
    assert translator(network=network, training=ONE).fit(SOURCES, TARGETS).spec_.attention == (
        "multiplicative"
    )


def test_tied_vectors_are_as_wide_as_the_decoder():
    tied = gw.Network(hidden_size=8, tie_embedding=True)
    model = translator(network=tied, training=ONE).fit(SOURCES, TARGETS)
    assert "head.kernel" not in model.weights_
    with pytest.raises(SpecError, match="embedding_size and hidden_size alike"):
        translator(network=tied.replace(embedding_size=4), training=ONE).fit(SOURCES, TARGETS)


@pytest.mark.parametrize(
    ("sources", "kind", "message"),
    [
        ([[1], [], [2], []], DataError, "rows 2, 4 of the sources"),
        (["1 2"], DataError, "reads lists of tokens, but these are texts"),
        ("1 2", UsageError, "write \\[text\\]"),
        ([1, 2], DataError, "every source must be"),
        (7, UsageError, "list of sources, not int"),
    ],
)
def test_sources_that_cannot_be_read_are_refused(trained, sources, kind, message):
    with pytest.raises(kind, match=message):
        trained.translate(sources)


def test_texts_without_anything_in_them_are_refused_with_their_row():
    model = translator(training=ONE).fit(["a b", "b a"] * 5, ["c d", "d c"] * 5)
    with pytest.raises(DataError, match="row 2 of the sources; leave it out"):
        model.translate(["a", " "])
    with pytest.raises(DataError, match="writes texts, but these targets are lists of tokens"):
        model.evaluate(["a"], [["b"]])
    with pytest.raises(DataError, match="2 sources and 1 targets"):
        model.evaluate(["a", "b"], ["b"])


def test_values_that_cannot_be_are_refused_when_asked_for(trained):
    for options in ({"beam": 0}, {"length_penalty": float("nan")}, {"max_length": 0}):
        with pytest.raises(UsageError, match=next(iter(options))):
            trained.translate(NEW[:1], **options)
    assert trained.translate([]) == []


def test_what_has_learnt_nothing_says_so():
    for ask in ("translate", "align", "remarks", "evaluate", "save"):
        with pytest.raises(UsageError, match="call fit first"):
            getattr(gw.Translator(), ask)([])
    with pytest.raises(UsageError, match="call fit first"):
        gw.Translator().summary()


def test_a_failed_fit_changes_nothing(trained):
    model = copy.deepcopy(trained)
    with pytest.raises(DataError):
        model.fit([""], [""])
    model.set_params(training__batch_size=8, beam=2)
    assert model.translate(NEW[:20], beam=4) == trained.translate(NEW[:20])
    assert model.training_ == trained.training_


def test_it_says_what_it_is(trained):
    assert repr(gw.Translator(beam=1)) == "Translator(beam=1)"
    sections = trained.summary()
    assert sections["Data"]["pairs learnt from"] == "450"
    assert sections["Data"]["tokens of a source"].startswith("1 to 4")
    assert sections["Reading"]["source: unit"] == "given"
    assert sections["Writing"]["search"] == "beam of 4, length penalty 1"
    assert sections["Network"]["weights"] == f"{trained.parameters_:,}"
    assert trained.get_params()["network__hidden_size"] == 32
