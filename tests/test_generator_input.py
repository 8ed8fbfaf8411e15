"""What a generator may be given to learn from, and what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from stories import generator, story

import gatewise as gw
from gatewise.batch import END
from gatewise.data.sequences import Streams
from gatewise.data.text import TextCodec
from gatewise.errors import DataError, SpecError, UsageError
from gatewise.tasks.generator_text import Texts, read_texts, split


def test_the_beginning_of_the_text_decides_when_to_stop() -> None:
    text = story(10_000)
    learnt, held, notes = split(read_texts(text), 0.1)
    assert held is not None
    assert held.texts[0] + learnt.texts[0] == text
    assert 1_000 - 40 <= held.characters <= 1_000
    assert learnt.texts[0][0] in "tamo"
    assert held.texts[0].endswith("\n")
    assert not notes
    _, held, _ = split(read_texts(text), 300)
    assert held is not None
    assert 260 <= held.characters <= 300
    _, held, notes = split(read_texts(text), 60)
    assert held is not None
    assert notes == [f"the first {held.characters} characters are few to decide when to stop"]


def test_several_texts_are_cut_within_one() -> None:
    lines = story(1_000).splitlines()
    codec = TextCodec.learn(lines, "char", ngrams=3)
    whole = read_texts(lines)
    for share in np.linspace(0.05, 0.5, 40):
        learnt, held, _ = split(whole, share)
        assert held is not None
        parts = np.concatenate([held.steps(codec), learnt.steps(codec)])[:, 0]
        np.testing.assert_array_equal(parts, whole.steps(codec)[:, 0])
        assert (parts == END).sum() == len(lines)


def test_streams_read_ngrams_and_tell_tokens() -> None:
    codec = TextCodec.learn([story(500)], "char", ngrams=3)
    steps = codec.encode([story(500)]).tokens
    source = Streams(steps, 20)
    batch = source.gather(source.arrays, np.array([0, 200]))
    np.testing.assert_array_equal(batch.x[1], steps[200:220])
    np.testing.assert_array_equal(batch.y[1], steps[201:221, 0])


def test_nothing_is_held_out_of_a_short_text_or_on_request() -> None:
    short = generator(training=gw.Training(epochs=2)).fit("abcdef " * 20)
    assert "none decide when to stop" in short.notes_[0]
    assert short.history_.records[-1].validation_loss is None
    asked = generator(training=gw.Training(epochs=1), validation=0).fit(story(1_000))
    assert asked.data_["held"] == 0


def test_the_vocabulary_comes_from_the_training_part_alone() -> None:
    text = "Q" * 50 + story(3_000)
    model = generator(training=gw.Training(epochs=1), validation=0.1).fit(text)
    assert "Q" not in model.codec_.vocabulary
    assert any("decide when to stop are unknown" in note for note in model.notes_)


def test_small_letters_on_request() -> None:
    model = generator(training=gw.Training(epochs=1), lowercase=True).fit(story(600).upper())
    assert model.generate("THE", 50).islower()


def test_words_are_written_with_the_marks_that_were_read() -> None:
    text = "春天 来了，花儿 开了。真好！（是吗？） " * 60
    model = generator(unit="word", training=gw.Training(epochs=1)).fit(text)
    assert {"，", "！", "（", "？"} <= set(model.codec_.vocabulary)
    assert not {",", "!", "(", "?"} & set(model.codec_.vocabulary)


def test_ties_and_other_cells() -> None:
    for cell in ("gru", "rnn"):
        network = gw.Network(cell=cell, hidden_size=16, num_layers=2, tie_embedding=True)
        model = generator(network=network, training=gw.Training(epochs=1)).fit(story(1_000))
        assert model.spec_.embedding_size == 16
        assert model.codec_.channels == 1
        assert len(model.generate("a", 10)) == 10
    with pytest.raises(UsageError, match="ngrams=1"):
        generator(network=network, ngrams=3).fit(story(1_000))
    with pytest.raises(SpecError, match="alike"):
        generator(network=network.replace(embedding_size=8)).fit(story(1_000))


# what cannot be


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ([], "empty"),
        (["", ""], "empty"),
        ("ab", "2 tokens"),
        (b"abc", "decode"),
        (7, "not int"),
        (pd.DataFrame({"text": ["abc"]}), "one column"),
        ([["a", "b"]], "text 1 is no text but list"),
        (["a", None], "text 2 is no text but NoneType"),
    ],
)
def test_what_is_no_text_is_refused(bad: object, words: str) -> None:
    with pytest.raises(DataError, match=words):
        generator().fit(bad)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"unit": "chars"}, "did you mean 'char'"),
        ({"unit": "auto"}, "char, word, bpe"),
        ({"validation": -1}, "validation"),
        ({"validation": float("nan")}, "validation"),
        ({"sequence_length": 2.5}, "sequence_length"),
        ({"validation": 4_000}, "too little"),
        ({"sequence_length": 0}, "sequence_length"),
        ({"network": gw.Network(bidirectional=True)}, "one way"),
        ({"network": gw.Network(pooling="max", shortcut=3)}, "no pooling.*no shortcut"),
        ({"training": gw.Training(loss="mse")}, "loss"),
        ({"engine": "torhc"}, "did you mean 'torch'"),
    ],
)
def test_bad_choices_are_refused(bad: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        generator(**bad).fit(story(1_000))


def test_nothing_works_before_fit() -> None:
    for ask in ("generate", "stream", "summary"):
        with pytest.raises(UsageError, match="call fit first"):
            getattr(generator(), ask)()
    with pytest.raises(UsageError, match="call fit first"):
        generator().evaluate("abc")
    with pytest.raises(UsageError, match="call fit first"):
        generator().save("nowhere")


def test_texts_are_told_apart_by_their_digest() -> None:
    assert Texts(("ab", "c"), True).digest != Texts(("a", "bc"), True).digest


def test_judging_what_was_learnt_from_is_said(tmp_path) -> None:
    text = story(6_000)
    model = generator(training=gw.Training(epochs=1)).fit(text)
    assert "were among what was learnt from" in model.evaluate(text).verdict()
    model.save(tmp_path / "model")
    assert "were among what was learnt from" in gw.load(tmp_path / "model").evaluate(text).verdict()
    other = "\n".join("".join(sorted(line)) for line in text.splitlines())
    assert "were among" not in model.evaluate(other).verdict()


def test_the_name_of_a_file_is_no_text(tmp_path):
    path = tmp_path / "play"
    path.write_text("To be or not to be. " * 100, encoding="utf-8")
    for name in (str(path), path, "play.txt", "no/such/play.txt"):
        with pytest.raises(UsageError, match="is a path; read the file first"):
            gw.Generator(verbose=0).fit(name)
    assert read_texts("A line that is short.").texts == ("A line that is short.",)
    assert read_texts("a\0b").texts == ("a\0b",)
    assert read_texts("see play.txt\nor not play.txt").several is False
