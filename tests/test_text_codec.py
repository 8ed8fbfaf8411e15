"""Texts there and back: any Unicode, every unit, and what is told or refused."""

import json
import sys
import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gatewise.batch import END, PADDING, START, UNKNOWN
from gatewise.data.bpe import BYTES, bpe_size
from gatewise.data.scripts import spaceless_script
from gatewise.data.text import TextCodec
from gatewise.data.words import join_words, split_words
from gatewise.errors import DataError, MissingExtraError, UsageError

ENGLISH = ["The cat isn't here, is it?", "the dog's cat was here!", "No dogs: 3.5 kg of cats..."]
CHINESE = ["这个产品很好用，我很喜欢。", "太差了，不好用。", "房间很大 早餐太差"]
PROSE = ["one two three two one\n", "two  three\tfour <0x41>\n\n", "three four five \0padding"] * 4

BPE = TextCodec.learn(PROSE, "bpe")


def saved_and_loaded(codec):
    return TextCodec.from_dict(json.loads(json.dumps(codec.to_dict())))


def ids(codec, text, **how):
    return codec.encode([text], **how).tokens[:, 0].tolist()


@settings(deadline=None)
@given(st.lists(st.text(), min_size=1))
def test_characters_come_back(texts):
    if not any(texts):
        texts = [*texts, "x"]
    codec = saved_and_loaded(TextCodec.learn(texts, "char", vocab_size=sys.maxunicode))
    encoded = codec.encode(texts)
    assert encoded.lengths.tolist() == [len(text) for text in texts]
    assert [codec.decode(row) for row in encoded.rows()] == texts
    assert sorted(codec.vocabulary) == sorted(set("".join(texts)))
    assert encoded.tokens.min(initial=END + 1) > END


@settings(max_examples=300, deadline=None)
@given(st.text())
@example("\0padding\0end</s><0x41> [end]")
@example("e\u0301 \u00e9 \r\n \x85 \u2028 \U0001f600\u200d ")
def test_any_text_comes_back_from_pieces_though_nothing_of_it_was_learnt(text):
    encoded = BPE.encode([text])
    assert BPE.decode(encoded.tokens) == text
    assert encoded.tokens.min(initial=END + 1) > END
    assert b"".join(BPE.piece(i) for i in ids(BPE, text)).decode() == text
    assert len(BPE.tokens(text)) == encoded.lengths[0]


def test_half_a_surrogate_pair_is_no_character():
    for codec in (BPE, TextCodec.learn("ab", "char"), TextCodec.learn("a b")):
        assert codec.decode(codec.encode(["a \ud83d"]).tokens).replace("\ufffd", "")[:1] == "a"


def test_frequent_pieces_are_joined_and_no_clause_becomes_one():
    assert BPE.tokens("one three")[-1] == " three"
    clause = "这是一个很长的没有空格的句子"
    codec = TextCodec.learn([clause] * 50, "bpe")
    assert max(len(piece) for piece in codec.vocabulary if piece not in BYTES) in (3, 4)
    assert (bpe_size(100), bpe_size(1_000_000), bpe_size(10**9)) == (512, 2500, 8000)


def test_the_most_frequent_come_first_and_the_rare_are_unknown():
    codec = TextCodec.learn(["b b b a a c c d"], "word", vocab_size=7)
    assert codec.vocabulary == ("b", "a", "c")
    assert (codec.size, codec.units, codec.channels) == (7, 7, 1)
    assert ids(codec, "a b d") == [5, 4, UNKNOWN]
    assert codec.decode([5, UNKNOWN, 4]) == "a \ufffd b"
    assert codec.tokens("A d") == ["a", "d"]
    assert codec.notes == (
        "3 of 4 words are known; the rarer ones, 12.5% of the training texts, are read as unknown",
    )
    assert TextCodec.learn(["b b a"], "word", min_count=2).vocabulary == ("b",)
    many = [" ".join(["a", "b"] * 10_000), "c"]
    assert TextCodec.learn(many, "word").vocabulary == ("a", "b")


def test_special_ids_are_no_text():
    codec = TextCodec.learn(["ab"], "char")
    assert codec.decode([START, 4, PADDING, 5, END, 4]) == "ab"
    assert codec.decode(np.array([[4], [5], [-1]])) == "ab"
    assert [codec.name(i) for i in range(6)] == [
        "[padding]", "[unknown]", "[start]", "[end]", "a", "b",
    ]  # fmt: skip
    assert ids(codec, "ab", end=True) == [4, 5, END]
    assert ids(codec, "", end=True) == [END]
    assert [codec.piece(i) for i in (PADDING, END, 4)] == [b"", b"", b"a"]
    with pytest.raises(DataError, match="id 6 is no token"):
        codec.decode([6])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't  they'll\tcan't", ["Do", "n't", "they", "'ll", "ca", "n't"]),
        ("the dog's (old) 'toy'", ["the", "dog", "'s", "(", "old", ")", "'", "toy", "'"]),
        ("3.5kg, 1,000 10pm", ["3.5", "kg", ",", "1,000", "10pm"]),
        ("good<br /><br />bad", ["good", "<br/>", "<br/>", "bad"]),
        ("what!!!! no...", ["what", "!!!", "!", "no", "..."]),
        ("iPhone很好用", ["iPhone", "很", "好", "用"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("cafe\u0301 naïve", ["cafe\u0301", "naïve"]),
        ("😀🎉", ["😀", "🎉"]),
    ],
)
def test_words(text, words):
    assert split_words(text) == words


def test_words_are_put_together_readably():
    for text in ["I don't know (yet), it's 3.5%!", "这个很好。ok!", "¿Qué? «sí»"]:
        expected = text.replace("«sí»", "« sí »")
        assert join_words(split_words(text)) == expected


def test_words_are_lower_cased_and_of_one_form_but_other_units_are_left_alone():
    assert TextCodec.learn(["Ａbc ﬁne"], "word").tokens("ABC") == ["abc"]
    assert TextCodec.learn(["Ａbc ﬁne"], "word").vocabulary == ("abc", "fine")
    assert TextCodec.learn(["Ab"], "char").vocabulary == ("A", "b")
    codec = TextCodec.learn(["Ab"], "char", lowercase=True)
    assert codec.decode(codec.encode(["AB"]).tokens) == "ab"
    composed = TextCodec.learn(["e\u0301"], "char", normalization="nfc")
    assert composed.vocabulary == (unicodedata.normalize("NFC", "e\u0301"),)


@pytest.mark.parametrize(
    ("texts", "script"),
    [
        (CHINESE, "Chinese"),
        (["太差了"], "Chinese"),
        (["今天 天气很好 我们去公园玩"], "Chinese"),
        (["これは日本語の文章です"], "Japanese"),
        (["ภาษาไทยไม่มีช่องว่าง"], "Thai"),
        (ENGLISH, None),
        (["我 爱 北京 天安门", "今天 天气 很 好"], None),
        (["this is 好"], None),
        (["한국어 에는 띄어쓰기가 있다"], None),
        (["123", ""], None),
    ],
)
def test_scripts_without_spaces(texts, script):
    assert spaceless_script(texts) == script


def test_a_book_is_judged_by_more_than_its_first_page():
    assert TextCodec.learn("A foreword.\n" * 100 + "这是一本很长的书。" * 2000).unit == "char"


@pytest.mark.parametrize("unit", ["char", "word", "bpe"])
@pytest.mark.parametrize("texts", [[], [""], ["", "a", ""]])
def test_empty_texts_have_no_tokens(unit, texts):
    codec = TextCodec.learn(["a b", "b a"], unit, ngrams=2, max_length=2)
    encoded = codec.encode(texts)
    assert encoded.lengths.tolist() == [len(text) for text in texts]
    assert encoded.tokens.shape == (sum(map(len, texts)), 2)
    assert [len(row) for row in encoded.rows()] == encoded.lengths.tolist()
    ended = codec.encode(texts, end=True)
    assert ended.lengths.tolist() == [len(text) + 1 for text in texts]
    assert all(row[-1].tolist() == [END, PADDING] for row in ended.rows())


def test_chinese_is_read_by_characters_and_never_by_clauses():
    codec = TextCodec.learn(CHINESE)
    assert codec.unit == "char"
    assert codec.notes == ("the texts are written without spaces (Chinese): characters are read",)
    for unit in ("auto", "word", "bpe", "char"):
        codec = TextCodec.learn(CHINESE, unit)
        assert max(len(t) for t in codec.vocabulary if t not in BYTES) <= 4, unit
    assert TextCodec.learn(ENGLISH).unit == "word"


def test_chinese_words_are_cut_by_jieba():
    codec = saved_and_loaded(TextCodec.learn(CHINESE, "word"))
    assert codec.segmenter == "jieba"
    assert codec.notes == ("the texts are Chinese without spaces: jieba cuts them into words",)
    assert {"产品", "喜欢"} <= set(codec.vocabulary)
    assert codec.decode(codec.encode(["这个产品太差了"]).tokens) == "这个产品太差了"


def test_chinese_words_without_jieba(monkeypatch):
    from gatewise.data import words

    words._jieba.cache_clear()
    monkeypatch.setitem(sys.modules, "jieba", None)
    with pytest.raises(MissingExtraError, match=r"gatewise\[zh\]"):
        TextCodec.learn(CHINESE, "word")


def test_texts_that_are_cut_already_stay_so():
    codec = TextCodec.learn(["我 爱 北京 天安门"])
    assert (codec.unit, codec.segmenter) == ("word", "spaces")
    assert set(codec.vocabulary) == {"我", "爱", "北京", "天安门"}


def test_lists_of_tokens_are_left_alone():
    codec = TextCodec.learn([["New York", "is"], ["big"], []])
    assert codec.unit == "given"
    encoded = codec.encode([["is", "small"], []])
    assert encoded.lengths.tolist() == [2, 0]
    assert encoded.tokens[1, 0] == UNKNOWN
    numbers = TextCodec.learn(np.array([[7, 7, 2]]))
    assert numbers.vocabulary == ("7", "2")
    assert numbers.decode(numbers.encode([[2, 7]]).tokens) == "2 7"


def grams(codec, texts, n):
    """By hand: the n tokens that end at each step, and how often each n-gram occurs."""
    ended = []
    for text in texts:
        tokens = codec.tokens(text)
        ended += [tuple(tokens[max(i - n + 1, 0) : i + 1]) for i in range(len(tokens))]
    return ended, Counter(gram for gram in ended if len(gram) == n)


@settings(deadline=None)
@given(st.lists(st.text("abc", max_size=8), min_size=1), st.integers(1, 3))
def test_ngrams_against_counting_by_hand(texts, least):
    if not any(texts):
        texts = ["a"]
    codec = TextCodec.learn(texts, "char", ngrams=3, ngram_min_count=least)
    codec = saved_and_loaded(codec)
    encoded = codec.encode(texts)
    assert encoded.tokens.shape == (sum(map(len, texts)), 3)
    seen = set()
    for n in (2, 3):
        ended, counts = grams(codec, texts, n)
        for id_, gram in zip(encoded.tokens[:, n - 1], ended, strict=True):
            known = len(gram) == n and counts[gram] >= least
            assert (id_ != PADDING) == known
            if known:
                assert codec.name(int(id_)) == "".join(gram)
                seen.add(int(id_))
    assert seen == set(range(codec.units, codec.size))


def test_only_the_most_frequent_ngrams_are_kept_and_unknown_tokens_have_none():
    codec = TextCodec.learn(["abab", "ba"], "char", ngrams=2, ngram_size=1, ngram_min_count=1)
    assert codec.size == codec.units + 1
    assert codec.encode(["ab?ab"]).tokens[:, 1].tolist() in ([0, 6, 0, 0, 6], [0, 0, 0, 0, 0])
    words = TextCodec.learn(["a b a b"], ngrams=2)
    assert words.name(words.size - 1) == "a b"


@pytest.mark.parametrize(
    ("truncate", "kept"), [("end", "abcd"), ("start", "ghij"), ("middle", "abij")]
)
def test_long_texts_are_cut_and_that_is_told(truncate, kept):
    codec = TextCodec.learn(["abcdefghij"], "char", max_length=4, truncate=truncate)
    texts = ["abcdefghij", "abc", "", "abcd", "abcdefghij"]
    encoded = codec.encode(texts, end=True)
    assert encoded.lengths.tolist() == [5, 4, 1, 5, 5]
    assert [codec.decode(row) for row in encoded.rows()] == [kept, "abc", "", "abcd", kept]
    assert encoded.notes == (f"2 texts longer than 4 tokens: their {truncate} is not read",)
    assert ["".join(codec.tokens(text)) for text in texts] == [kept, "abc", "", "abcd", kept]
    assert codec.encode(["abcd"]).notes == ()
    assert encoded.starts.tolist() == [0, 5, 9, 10, 15]


@pytest.mark.parametrize(
    ("how", "error", "told"),
    [
        ({"unit": "wrod"}, UsageError, "did you mean 'word'"),
        ({"unit": "given"}, UsageError, "lists of tokens"),
        ({"max_length": 0, "ngrams": 1.5}, UsageError, "ngrams must.*1.5; max_length must"),
        ({"truncate": "left", "normalization": "NFC"}, UsageError, "did you mean 'nfc'"),
        ({"unit": "bpe", "vocab_size": 100}, UsageError, "at least 300"),
    ],
)
def test_options_that_cannot_be(how, error, told):
    with pytest.raises(error, match=told):
        TextCodec.learn(ENGLISH, **how)


@pytest.mark.parametrize(
    ("texts", "unit", "error", "told"),
    [
        ([], "auto", DataError, "0 texts: all are empty"),
        (["", " \n"], "word", DataError, "2 texts: all are empty"),
        (["", ""], "bpe", DataError, "all are empty"),
        (["a", None, 3], "char", DataError, "text 2 and 1 more: expected a string, not None"),
        (["a", ["b"]], "char", DataError, "1 of 2 rows are texts"),
        ([["b"], "a"], "given", DataError, "1 of 2 rows are texts"),
        ([["b"]], "word", UsageError, "lists of tokens"),
        (["ภาษาไทยไม่มีช่องว่าง"], "word", UsageError, "Thai"),
    ],
)
def test_texts_that_cannot_be_learnt(texts, unit, error, told):
    with pytest.raises(error, match=told):
        TextCodec.learn(texts, unit)


def test_a_codec_reads_only_what_it_learnt_to_read():
    with pytest.raises(DataError, match="expected texts"):
        TextCodec.learn(ENGLISH).encode([["a"]])
    with pytest.raises(DataError, match="lists of tokens"):
        TextCodec.learn([["a"]]).encode(["a"])
    with pytest.raises(UsageError, match="char or bpe"):
        TextCodec.learn(ENGLISH).piece(4)
