"""Texts from files: what csv, json and pandas write is read back; bad files are told where."""

import csv
import gzip
import io
import json
import lzma

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise.data.conll import read_sentences, read_tagged, tagged
from gatewise.data.files import read_lines, read_text
from gatewise.data.pairs import pairs, read_pairs
from gatewise.data.text_table import read_text_table
from gatewise.data.texts import is_frame, labelled_texts, read_labelled, read_texts
from gatewise.errors import DataError, UsageError

TEXTS = [
    "good",
    'a "quoted", one',
    "line\nbreak",
    "NA",
    "1.0 ",
    "U+0085 \x85 and \u2028 stay",
    "坏",
]
LABELS = ["1", "0", "1", "0", "NA", "1", "0"]


def written(folder, content, name):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def as_csv(rows, **how):
    file = io.StringIO(newline="")
    csv.writer(file, **how).writerows(rows)
    return file.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_cells_stay_as_they_are_written(tmp_path, delimiter, encoding):
    content = as_csv([("label", "review"), *zip(LABELS, TEXTS, strict=True)], delimiter=delimiter)
    found = read_labelled(written(tmp_path, content.encode(encoding), "t.csv"))
    assert (found.texts, found.labels, found.notes) == (TEXTS, LABELS, ())
    assert (found.text, found.label) == ("review", "label")


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_packed_files(tmp_path, pack):
    lines = [{"label": i, "text": text} for i, text in enumerate(TEXTS)]
    content = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n\n"
    found = read_labelled(written(tmp_path, pack(content.encode()), "t.jsonl.gz"))
    assert found.texts == TEXTS
    assert found.labels == list(range(len(TEXTS)))


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\ufeff"))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), cells.map(lambda c: f"x{c}")), min_size=1))
def test_csv_is_read_like_pandas_reads_it(tmp_path_factory, rows):
    path = written(tmp_path_factory.getbasetemp(), as_csv([("label", "text"), *rows]), "r.csv")
    found = read_labelled(path)
    truth = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    assert found.texts == truth["text"].tolist()
    assert found.labels == truth["label"].tolist()


def test_quotes_in_a_tab_separated_file_are_characters_unless_they_enclose_fields(tmp_path):
    path = written(tmp_path, 'label\ttext\nham\t"Hi" he said\nspam\t"open\nham\tok\n', "t.tsv")
    assert read_labelled(path).texts == ['"Hi" he said', '"open', "ok"]
    path = written(tmp_path, 'label\ttext\nham\t"a ""b"" c"\nspam\td\n', "u.tsv")
    assert read_labelled(path).texts == ['a "b" c', "d"]


def test_a_long_text_and_a_single_column(tmp_path):
    path = written(tmp_path, "text\n" + "word, " * 50_000 + "\nsecond; one\n", "t.csv")
    found = read_labelled(path, label=None)
    assert found.texts == [("word, " * 50_000), "second; one"]
    assert found.labels is None


def test_a_file_without_a_header_keeps_its_first_line(tmp_path):
    path = written(tmp_path, "ham\tGo there\nspam\tFree!\nham\tOk\n", "t.tsv")
    found = read_labelled(path)
    assert found.texts == ["Go there", "Free!", "Ok"]
    assert found.labels == ["ham", "spam", "ham"]
    assert "without a header" in found.notes[0]


def test_plain_lines_and_folders(tmp_path):
    path = written(tmp_path, "one\r\ntwo, three\n\n", "t.txt")
    assert read_labelled(path, label=None).texts == ["one", "two, three", ""]
    assert read_texts(path)["text"].tolist() == ["one", "two, three", ""]
    for name, texts in {"neg": ["bad", "worse"], "pos": ["good"]}.items():
        (tmp_path / "tree" / name).mkdir(parents=True)
        for i, text in enumerate(texts):
            written(tmp_path / "tree" / name, text + "\n", f"{i}.txt")
    found = read_labelled(tmp_path / "tree")
    assert (found.texts, found.labels) == (["bad", "worse", "good"], ["neg", "neg", "pos"])
    written(tmp_path / "tree" / "pos", " \n", "blank.txt")
    assert read_labelled(tmp_path / "tree").without_empty().notes == (
        "1 empty text was left out (row 4)",
    )
    (tmp_path / "flat").mkdir()
    written(tmp_path / "flat", "Ng\nOrd\n", "Dutch.txt")
    assert read_labelled(tmp_path / "flat").labels == ["Dutch", "Dutch"]
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="holds no texts"):
        read_labelled(tmp_path / "none")


@pytest.mark.parametrize(
    ("columns", "text", "label", "notes"),
    [
        ({"Review": ["a b"], "Sentiment": [1]}, "Review", "Sentiment", 0),
        ({"said": ["a b", "c"], "good": [1, 0]}, "said", "good", 2),
        ({"id": [1, 2, 3], "said": ["a", "b", "c"], "good": ["x", "y", "x"]}, "said", "good", 2),
        ({"id": ["1_2"], "label": ["x"], "text": ["a"]}, "text", "label", 0),
        ({"文本": ["好"], "标签": ["x"]}, "文本", "标签", 0),
    ],
)
def test_columns_are_found(columns, text, label, notes):
    for data in (columns, pd.DataFrame(columns), pl.DataFrame(columns)):
        found = labelled_texts(data)
        assert (found.text, found.label) == (text, label)
        assert found.texts == columns[text]
        assert list(found.labels) == columns[label]
        assert len(found.notes) == notes
        assert is_frame(data)
    assert not is_frame(["a"])
    assert not is_frame(np.zeros(3))


def test_several_columns_are_one_text():
    data = {"title": ["a", None], "body": ["b", "c"], "label": [1, 0]}
    found = labelled_texts(data, text=["title", "body"])
    assert found.texts == ["a\nb", "c"]
    assert found.text == ["title", "body"]
    assert labelled_texts(data, text="body", labelled=False).labels is None


@pytest.mark.parametrize(
    ("columns", "how", "told"),
    [
        ({"text": ["a"], "label": [1]}, {"text": "txt"}, "did you mean 'text'"),
        ({"text": ["a"], "label": [1]}, {"label": "lable"}, "did you mean 'label'"),
        ({"text": ["a"], "label": [1]}, {"text": "label", "label": "label"}, "as the text and as"),
        ({"a": ["x y"], "b": ["z w"], "label": [1]}, {}, r"2 columns of texts \(a, b\)"),
        ({"text": ["a"], "b": [1], "c": [2]}, {}, "no column that is clearly the label"),
        ({"text": [1.5], "label": [1]}, {}, "column 'text' .* must hold texts, but row 1 is 1.5"),
        ({"text": ["a"], "label": [1, 2]}, {}, "equally long: 'text' has 1, 'label' has 2"),
        ({"text": [], "label": []}, {}, "no rows"),
    ],
)
def test_columns_that_cannot_be_found(columns, how, told):
    with pytest.raises(DataError, match=told):
        labelled_texts(columns, **how)


def test_empty_texts_are_left_out_and_named():
    found = labelled_texts({"text": ["a", "", None, " \n"], "label": [1, 2, 3, 4]})
    assert found.empty_rows == [2, 3, 4]
    kept = found.without_empty()
    assert (kept.texts, kept.labels) == (["a"], [1])
    assert kept.notes == ("3 empty texts were left out (rows 2, 3, 4)",)
    assert kept.without_empty() is kept
    with pytest.raises(DataError, match="all 2 texts are empty"):
        labelled_texts({"text": ["", None], "label": [1, 2]}).without_empty()


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (
            b"text,label\nok,1\n\xb5\xda,2\n",
            "t.csv",
            r"line 3, byte 1 is 0xB5 \(byte 17 of.*gb18030",
        ),
        (
            b"text,label\ncaf\xe9s au lait,1\n",
            "t.csv",
            r"line 2, byte 4 is 0xE9.*--encoding latin-1",
        ),
        (b'{"text": "a"}\n{"text": \n', "t.jsonl", "line 2, character 10 is no JSON"),
        (b'{"text": "a"}\n\n[1]\n', "t.jsonl", r"line 3: expected an object.*not \[1\]"),
        (b"text,label\na,1\nb,c,2\n", "t.csv", "line 3: 3 fields, but the header has 2"),
        (b"a\0b\n", "t.txt", "binary data"),
        (b"\n", "t.csv", "is empty"),
        (b"PK\x03\x04x", "t.csv", "spreadsheet"),
        (b"\x1f\x8bnothing", "t.csv", "cannot be read"),
        (b"\xfd7zXZ\0nothing", "t.csv", "cannot be read"),
    ],
)
def test_bad_files_are_told_where(tmp_path, content, name, told):
    with pytest.raises(DataError, match=told):
        read_labelled(written(tmp_path, content, name))


def test_other_encodings(tmp_path):
    path = written(tmp_path, "label,text\n1,很好\n".encode("gbk"), "t.csv")
    assert read_labelled(path, encoding="gbk").texts == ["很好"]
    with pytest.raises(UsageError, match="'gkb' is not known; did you mean 'gbk'"):
        read_text(path, "gkb")
    with pytest.raises(DataError, match="is not ascii: line 2"):
        read_text(path, "ascii")
    with pytest.raises(DataError, match="there is no file"):
        read_text(tmp_path / "none.txt")
    with pytest.raises(DataError, match="is a folder"):
        read_text(tmp_path)


def test_lines_end_with_line_feeds_alone(tmp_path):
    path = written(tmp_path, "\ufeffa\x85b\u2028c\x0bd\r\n\ne", "t.txt")
    assert read_lines(path) == ["a\x85b\u2028c\x0bd", "", "e"]
    assert read_text(path) == "a\x85b\u2028c\x0bd\n\ne"


def test_json_in_one_list_and_parquet(tmp_path):
    rows = [{"text": "a", "label": ["x", "y"]}, {"text": "b", "label": []}]
    assert read_labelled(written(tmp_path, json.dumps(rows, indent=1), "t.json")).labels == [
        ["x", "y"],
        [],
    ]
    pd.DataFrame({"text": ["a"], "label": [1]}).to_parquet(tmp_path / "t.parquet")
    assert read_labelled(tmp_path / "t.parquet").texts == ["a"]
    table = read_text_table(written(tmp_path, '{"a": 1}\n{"b": 2}\n', "u.jsonl"))
    assert table.columns == {"a": [1, None], "b": [None, 2]}


CONLL = """-DOCSTART- -X- O

Ada NNP B-PER
flew VBD O

to TO O
Old NNP I-LOC
Harbour NNP I-LOC
"""
TOKENS = [["Ada", "flew"], ["to", "Old", "Harbour"]]
TAGS = [["B-PER", "O"], ["O", "B-LOC", "I-LOC"]]


@pytest.mark.parametrize("separator", [" ", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_conll(tmp_path, separator, end):
    content = CONLL.replace(" ", separator).replace("\n", end)
    found = read_tagged(written(tmp_path, content, "t.conll"))
    assert (found.tokens, found.tags) == (TOKENS, TAGS)
    assert found.notes == ("1 span begins with I- and not with B-: read as B-",)


def test_conll_of_other_hands(tmp_path):
    content = "# text = a\n#\tO\n# c\tO\n\ufeff\n\t\nb\u00a0c\tB-X\n"
    with pytest.raises(DataError, match="line 3"):
        read_tagged(written(tmp_path, content.replace("# c\t", "# c "), "t.conll"))
    found = read_tagged(written(tmp_path, content, "t.conll"))
    assert found.tokens == [["#", "# c"], ["b\u00a0c"]]
    assert read_tagged(written(tmp_path, "a\nb\n\nc\n", "u.txt")).tags is None
    with pytest.raises(DataError, match="line 2: 1 column, but the first line has 2"):
        read_tagged(written(tmp_path, "a O\nb\n", "u.txt"))


def test_tags_from_json_frames_and_lists(tmp_path):
    lines = [{"tokens": a, "ner_tags": b} for a, b in zip(TOKENS, TAGS, strict=True)]
    path = written(tmp_path, "\n".join(map(json.dumps, lines)), "t.jsonl")
    for found in (
        read_tagged(path),
        read_tagged({"tokens": TOKENS, "tags": TAGS}),
        read_tagged(pl.DataFrame({"tokens": TOKENS, "tags": TAGS})),
        tagged(TOKENS, TAGS),
    ):
        assert (found.tokens, found.tags) == (TOKENS, TAGS)
    found = tagged([["a"], [], ["b"]], [["X"], [], ["Y"]])
    assert (found.tokens, found.tags) == ([["a"], ["b"]], [["X"], ["Y"]])
    assert found.notes == ("1 empty sentence was left out (row 2)",)


@pytest.mark.parametrize(
    ("tokens", "tags", "told"),
    [
        ([["a", "b"]], [["O"]], "sentence 1 has 2 tokens and 1 tags"),
        ([["a"]], [["O"], ["O"]], "1 sentences of tokens and 2 of tags"),
        (["a b"], [["O", "O"]], "expected a list of tokens, not 'a b'"),
        ([[], []], None, "no sentences with tokens"),
    ],
)
def test_sentences_that_do_not_fit(tokens, tags, told):
    with pytest.raises(DataError, match=told):
        tagged(tokens, tags)


PAIRS = (["one two", "three"], ["eins zwei", "drei"])


def test_pairs_from_every_kind_of_file(tmp_path):
    rows = list(zip(*PAIRS, strict=True))
    plain = "".join(f"{a}\t{b}\n" for a, b in rows)
    source = written(tmp_path, "one two\nthree\n", "t.en")
    target = written(tmp_path, gzip.compress(b"eins zwei\ndrei"), "t.de.gz")
    objects = "\n".join(json.dumps({"target": b, "source": a}) for a, b in rows)
    for data in (
        written(tmp_path, plain, "t.tsv"),
        written(tmp_path, "src\ttgt\n" + plain, "u.tsv"),
        written(tmp_path, as_csv([("target", "source"), *((b, a) for a, b in rows)]), "t.csv"),
        written(tmp_path, as_csv([("english", "german"), *rows]), "u.csv"),
        written(tmp_path, objects, "t.jsonl"),
        f"{source},{target}",
        (source, target),
        rows,
        {"source": PAIRS[0], "target": PAIRS[1]},
        pd.DataFrame({"n": [1, 2], "to": PAIRS[1], "from": PAIRS[0]}),
    ):
        found = read_pairs(data)
        assert (found.sources, found.targets) == PAIRS, data
    back = read_pairs(tmp_path / "u.csv", source="german", target="english")
    assert (back.sources, back.targets) == PAIRS[::-1]
    assert read_pairs([(["1", "2"], [2, 1])]).targets == [[2, 1]]


def test_notes_about_pairs(tmp_path):
    path = written(tmp_path, 'a "b\tc\tby me\n\n\td\tx\ne\tf\ty\n', "t.txt")
    found = read_pairs(path)
    assert (found.sources, found.targets) == (['a "b', "e"], ["c", "f"])
    assert found.notes == (
        "the first two of 3 columns are read",
        "1 pair has an empty side and was left out (row 3)",
    )


def test_pairs_that_do_not_fit(tmp_path):
    one = written(tmp_path, "a\nb\nc\n", "one.txt")
    two = written(tmp_path, "a\nb\n", "two.txt")
    with pytest.raises(DataError, match=r"one\.txt has 3 lines and .*two\.txt has 2"):
        read_pairs(f"{one},{two}")
    with pytest.raises(DataError, match="there is no file"):
        read_pairs(f"{one},{tmp_path / 'none.txt'}")
    with pytest.raises(DataError, match=r"line 2: expected source, tab, target.*2 such of 3"):
        read_pairs(written(tmp_path, "a\tb\nc d\ne\n", "t.tsv"))
    with pytest.raises(DataError, match="did you mean 'source'"):
        read_pairs({"source": ["a"], "target": ["b"]}, source="sorce")
    with pytest.raises(DataError, match="has one column"):
        read_pairs({"source": ["a"]})
    with pytest.raises(DataError, match="pair 2: expected"):
        read_pairs([("a", "b"), "c"])
    with pytest.raises(DataError, match="none of 1 pairs"):
        read_pairs([("a", "")])
    with pytest.raises(DataError, match="as source and as target"):
        read_pairs({"a": ["x"], "b": ["y"]}, source="a", target="a")


@pytest.mark.parametrize("raw", [b"\xef\xbb\xbf", b'""\n', "\u3000\n".encode()])
def test_a_file_of_blank_lines_is_refused_in_words(tmp_path, raw):
    path = tmp_path / "blank.csv"
    path.write_bytes(raw)
    with pytest.raises(DataError, match="nothing but blank lines"):
        read_text_table(path)


def test_pairs_in_any_holder_and_what_is_none():
    sources, targets = pd.Series(["a", "", "b"], index=[7, 8, 9]), np.array(["x", "y", "z"])
    found = pairs(sources, targets)
    assert (found.sources, list(found.targets)) == (["a", "b"], ["x", "z"])
    for wrong in (None, 3, "ab", ("a",)):
        with pytest.raises(DataError, match=r"pair 2: expected \(source, target\)"):
            read_pairs([("a", "b"), wrong])


@pytest.mark.parametrize("gap", [None, float("nan"), "", " "])
def test_a_missing_tag_is_no_class(gap):
    with pytest.raises(DataError, match="sentence 1, token 2 has an empty tag"):
        tagged([["a", "b"]], [["X", gap]])


def test_words_that_a_tagger_knows_stay_whole(tmp_path):
    path = written(tmp_path, "The U.N. met Well-Known-Co, in X-ray.\n", "lines.txt")
    found = read_sentences(path, {"O"}, {"u.n.", "well-known-co", "in"})
    assert found.tokens == [
        ["The", "U.N.", "met", "Well-Known-Co", ",", "in", "X", "-", "ray", "."]
    ]
    assert list(found.rows) == [1]
