"""Sentences of tokens with a tag each: CoNLL files, JSON lines, columns of lists."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatewise.data.files import read_lines, read_text, suffix
from gatewise.data.labels import told_rows
from gatewise.data.tags import checked_tags, is_bio, repaired
from gatewise.data.text_table import JSON_SUFFIXES, TextTable, read_text_table
from gatewise.data.words import split_words
from gatewise.errors import DataError

TOKEN_NAMES = ("tokens", "words", "token", "sentence", "text")
TAG_NAMES = ("tags", "ner_tags", "pos_tags", "labels", "tag", "label", "ner")
PLAIN = "; plain text is read from a file that ends with .txt, a sentence on each line"
DOCUMENT = "-DOCSTART-"
BLANK = " \t\r\ufeff"  # also the mark of a file that was put behind another
MARK_APART = re.compile(r"\s[.,!?;:](\s|$)")  # words and marks have been cut already
MARK_BEHIND = re.compile(r"\w[.,!?;:](\s|$)")


@dataclass(frozen=True, eq=False)
class TaggedSentences:
    """Sentences as lists of tokens and, where there are any, the tags of each.

    notes  what a user should know about how they were read
    rows   which sentence of what was read each is, from 1
    """

    tokens: list[list[str]]
    tags: list[list[str]] | None
    notes: tuple[str, ...] = ()
    rows: Sequence[int] = ()

    def __post_init__(self) -> None:
        if not self.rows:
            object.__setattr__(self, "rows", range(1, len(self.tokens) + 1))

    def __len__(self) -> int:
        return len(self.tokens)


def read_tagged(data: Any, encoding: str | None = None, *, advice: str = "") -> TaggedSentences:
    """Tagged sentences, as they are but for spans that do not begin with B-: see tags.repaired.

    data    the path of a CoNLL file (see `parse_conll`) or of JSON lines with tokens and tags; a
            dict or a dataframe with columns of lists
    advice  what else to try where a line has not as many columns as the others

    Raises DataError where tokens and tags are not equally many, saying which sentence.
    """
    if isinstance(data, (str, Path)) and suffix(data) not in (*JSON_SUFFIXES, ".parquet"):
        tokens, tags = parse_conll(read_text(data, encoding), data, advice)
        return tagged(tokens, tags)
    table = read_text_table(data, encoding)
    words = _column(table, TOKEN_NAMES)
    if words is None:
        raise DataError(
            f"{table.name} has no column of tokens (columns: {', '.join(table.columns)}); name it "
            f"'tokens', and the other 'tags'"
        )
    return tagged(words, _column(table, TAG_NAMES))


def read_sentences(
    path: str | Path, tags: Collection[str], words: Collection[str], encoding: str | None = None
) -> TaggedSentences:
    """Sentences to be tagged: as `read_tagged`, and plain text (.txt) with one on each line.

    A text file is taken for CoNLL where every line is one token, one has a tab, or one ends with
    one of these tags and all have as many columns. Else a note says how its lines are cut:
    these words, in small letters, stay whole. Empty lines are no sentences.
    """
    if suffix(path) != ".txt":
        return read_tagged(path, encoding, advice=PLAIN)
    lines = read_lines(path, encoding)
    rows = [i for i, line in enumerate(lines, 1) if line.strip(BLANK) and DOCUMENT not in line]
    full = [lines[row - 1] for row in rows]
    widths = {len(line.split()) for line in full if not line.startswith("# ")}
    tagged_lines = len(widths) == 1 and any(line.split()[-1] in tags for line in full)
    cut = [_cut(line, words) for line in full]
    whole = 2 * sum(len(row) == 1 for row in cut) >= len(full)  # Chinese has no spaces, too
    if (widths == {1} and whole) or tagged_lines or any("\t" in line for line in full):
        return read_tagged(path, encoding)
    apart = sum(bool(MARK_APART.search(line)) for line in full)
    if apart > sum(bool(MARK_BEHIND.search(line)) for line in full):
        tokens, how = [line.split() for line in full], "at its spaces"
    else:
        tokens, how = cut, "into words and marks"
    note = f"{path} is read as text: each line is a sentence, cut {how}"
    return TaggedSentences(tokens, None, (note,), rows)


def _cut(line: str, words: Collection[str]) -> list[str]:
    """Known words as they are, the mark behind one by itself; all else by the rules."""
    found: list[str] = []
    for chunk in line.split():
        if chunk.lower() in words:
            found.append(chunk)
        elif chunk[:-1].lower() in words and not chunk[-1].isalnum():
            found += [chunk[:-1], chunk[-1]]
        else:
            found += split_words(chunk) or [chunk]
    return found


def tagged(
    tokens: Sequence[Sequence[str]], tags: Sequence[Sequence[str]] | None = None
) -> TaggedSentences:
    """Sentences from lists. Those without a token are left out with a note."""
    rows = [_tokens(sentence, i) for i, sentence in enumerate(tokens, 1)]
    marks = None if tags is None else checked_tags(tags)
    if marks is not None:
        _refuse_unequal(rows, marks)
    empty = [i for i, row in enumerate(rows, 1) if not row]
    if len(empty) == len(rows):
        raise DataError("there are no sentences with tokens")
    notes: tuple[str, ...] = ()
    if empty:
        what = "1 empty sentence was" if len(empty) == 1 else f"{len(empty):,} empty sentences were"
        notes = (f"{what} left out ({told_rows(empty)})",)
        if marks is not None:
            marks = [row for row in marks if row]
    places = [i for i, row in enumerate(rows, 1) if row]
    rows = [row for row in rows if row]
    if marks is not None and is_bio(marks):
        marks, told = repaired(marks)
        notes += told
    return TaggedSentences(rows, marks, notes, places)


def parse_conll(
    text: str, name: Any, advice: str = ""
) -> tuple[list[list[str]], list[list[str]] | None]:
    """The tokens and tags of a CoNLL text: token first, tag last, a blank line between sentences.

    Columns are separated by tabs, in a line without one by spaces. Lines of -DOCSTART- and
    comments of CoNLL-U (`# ...` before the first token of a sentence) are passed over. A file of
    one column holds tokens alone: the tags are None.

    Raises DataError for a line with another number of columns than the first.
    """
    tokens: list[list[str]] = [[]]
    tags: list[list[str]] = [[]]
    width = 0
    for i, line in enumerate(text.split("\n"), 1):
        if not line.strip(BLANK) or line.startswith(DOCUMENT):
            if tokens[-1]:
                tokens.append([])
                tags.append([])
            continue
        fields = [one for one in line.strip(BLANK).split("\t" if "\t" in line else " ") if one]
        if line.startswith("# ") and "\t" not in line and not tokens[-1] and len(fields) != width:
            continue
        width = width or len(fields)
        if len(fields) != width:
            columns = "column" if len(fields) == 1 else "columns"
            raise DataError(
                f"{name}, line {i}: {len(fields)} {columns}, but the first line has {width}; "
                f"expected a token and its tag, separated by a tab or a space{advice}"
            )
        tokens[-1].append(fields[0])
        tags[-1].append(fields[-1])
    if not tokens[-1]:
        del tokens[-1], tags[-1]
    if not tokens:
        raise DataError(f"{name} holds no tokens")
    return tokens, tags if width > 1 else None


def _tokens(sentence: Any, row: int) -> list[str]:
    if isinstance(sentence, str) or not hasattr(sentence, "__iter__"):
        raise DataError(f"sentence {row}: expected a list of tokens, not {sentence!r}")
    return [str(token) for token in sentence]


def _column(table: TextTable, names: Sequence[str]) -> list[Any] | None:
    folded = {name.casefold(): name for name in table.columns}
    known = [folded[name] for name in names if name in folded]
    return table.columns[known[0]] if known else None


def _refuse_unequal(tokens: list[list[str]], tags: list[list[str]]) -> None:
    if len(tokens) != len(tags):
        raise DataError(
            f"there are {len(tokens):,} sentences of tokens and {len(tags):,} of tags; expected "
            f"as many"
        )
    wrong = [
        i
        for i, pair in enumerate(zip(tokens, tags, strict=True), 1)
        if len(pair[0]) != len(pair[1])
    ]
    if wrong:
        row = wrong[0] - 1
        raise DataError(
            f"sentence {wrong[0]} has {len(tokens[row])} tokens and {len(tags[row])} tags "
            f"({len(wrong):,} such of {len(tokens):,}); expected a tag for each token"
        )
