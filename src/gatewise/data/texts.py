"""Labelled texts from a file, a folder or memory, and which columns they are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd

from gatewise.data.files import read_lines, read_text, suffix
from gatewise.data.labels import missing_rows, told_rows
from gatewise.data.text_table import TextTable, read_text_table
from gatewise.errors import DataError

TEXT_NAMES = (
    "text", "review", "sentence", "comment", "content", "message", "sms", "tweet", "question",
    "document", "body", "title", "utterance", "文本", "评论", "内容", "句子", "正文",
)  # fmt: skip
LABEL_NAMES = (
    "label", "labels", "class", "category", "sentiment", "target", "intent", "polarity", "topic",
    "tag", "tags", "y", "标签", "类别", "分类", "情感",
)  # fmt: skip
JOINER = "\n"  # between several columns of one text
FEW_CLASSES = 50  # a column with more different cells is not taken for labels unasked


@dataclass(frozen=True, eq=False)
class LabelledTexts:
    """Texts and, where they were asked for, their labels, row by row.

    texts        empty where the cell was
    labels       as they are written; None where none were asked for
    text, label  the columns that they were in; None where there are no columns
    notes        what a user should know about how they were read
    rows         where each stands in what was read, from 1
    """

    texts: list[str]
    labels: list[Any] | None
    text: str | list[str] | None = None
    label: str | None = None
    notes: tuple[str, ...] = ()
    rows: Sequence[int] = ()

    def __post_init__(self) -> None:
        if not self.rows:
            object.__setattr__(self, "rows", range(1, len(self.texts) + 1))

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def empty_rows(self) -> list[int]:
        """The rows, from 1, whose text is empty or blank."""
        return missing_rows(self.texts)

    def without_empty(self) -> LabelledTexts:
        """The rows that can be read; a note names the others.

        Raises DataError when all texts are empty.
        """
        empty = self.empty_rows
        if not empty:
            return self
        if len(empty) == len(self):
            raise DataError(f"all {len(self):,} texts are empty; is this the column of texts?")
        gone = {row - 1 for row in empty}
        kept = [i for i in range(len(self)) if i not in gone]
        what = "1 empty text was" if len(empty) == 1 else f"{len(empty):,} empty texts were"
        return replace(
            self,
            texts=[self.texts[i] for i in kept],
            labels=None if self.labels is None else [self.labels[i] for i in kept],
            notes=(*self.notes, f"{what} left out ({told_rows(empty)})"),
            rows=[self.rows[i] for i in kept],
        )


def read_labelled(
    data: Any,
    text: str | Sequence[str] = "auto",
    label: str | None = "auto",
    encoding: str | None = None,
) -> LabelledTexts:
    """Texts with labels.

    data   see text_table.read_text_table; or a folder: of CLASS/*.txt with one text in each file,
           or of CLASS.txt with one text in each line; or a plain text file (.txt) where label is
           None: one text in each line
    text   the column of the texts; several are joined, line by line. 'auto': by its name, else the
           only one that holds texts
    label  the column of the labels; 'auto': by its name, else the only other one; None: no labels

    Raises DataError for columns that are not there, or that cannot be told apart.
    """
    if isinstance(data, (str, Path)):
        if Path(data).is_dir():
            return _from_folder(Path(data), label is not None, encoding)
        if label is None and text == "auto" and suffix(data) == ".txt":
            return labelled_texts(read_texts(data, encoding), labelled=False)
    return labelled_columns(read_text_table(data, encoding), text, label)


def labelled_columns(
    table: TextTable, text: str | Sequence[str] = "auto", label: str | None = "auto"
) -> LabelledTexts:
    """See `read_labelled`. A first line whose label is a label of other rows too is data."""
    notes: list[str] = []
    named = [] if text == "auto" else [text] if isinstance(text, str) else list(text)
    by_number = any(name.isdecimal() for name in [*named, label or ""])
    if text == "auto" or label == "auto" or by_number:
        headless = _without_header(table, named, label)
        if headless is not None:
            table = headless
            notes.append("the first line looks like data: the file is read as one without a header")
    for name in [*named, *([label] if label not in ("auto", None) else [])]:
        table.column(name)
    if label == "auto":
        label, note = _find_label(table, named)
        notes += note
    if not named:
        named, note = _find_text(table, label)
        notes += note
    if label in named:
        raise DataError(f"column '{label}' is named as the text and as the label; it can be one")
    columns = [_as_texts(table.column(name), name, table.name) for name in named]
    rows = [JOINER.join(part for part in parts if part) for parts in zip(*columns, strict=True)]
    if not rows:
        raise DataError(f"{table.name} has no rows")
    labels = None if label is None else table.column(label)
    return LabelledTexts(rows, labels, named[0] if len(named) == 1 else named, label, tuple(notes))


def labelled_texts(
    data: Any,
    text: str | Sequence[str] | None = None,
    label: str | None = None,
    labelled: bool = True,
) -> LabelledTexts:
    """The same from a frame in memory; None: 'auto'. Not `labelled`: no labels are looked for."""
    wanted = (label or "auto") if labelled else None
    return labelled_columns(read_text_table(data), text or "auto", wanted)


def is_frame(data: Any) -> bool:
    """Whether there are columns: a dict, or a dataframe of any kind."""
    if isinstance(data, Mapping):
        return True
    frame = nw.from_native(data, pass_through=True)
    return isinstance(frame, (nw.DataFrame, nw.LazyFrame))


def read_texts(path: str | Path, encoding: str | None = None) -> pd.DataFrame:
    """A file as a frame whose cells are as they are written; a plain text file (.txt without a
    tab in its first line) has one column 'text', a row for each line."""
    if suffix(path) == ".txt":
        lines = read_lines(path, encoding)
        if "\t" not in lines[0]:
            return pd.DataFrame({"text": lines})
    return pd.DataFrame(read_text_table(path, encoding).columns)


def _as_texts(cells: Sequence[Any], name: str, where: str) -> list[str]:
    """Missing cells are empty texts."""
    missing = {row - 1 for row in missing_rows(cells)}
    texts = ["" if i in missing else cell for i, cell in enumerate(cells)]
    for i, cell in enumerate(texts):
        if not isinstance(cell, str):
            raise DataError(
                f"column '{name}' of {where} must hold texts, but row {i + 1} is {cell!r}"
            )
    return texts


def _known(table: TextTable, names: Sequence[str]) -> list[str]:
    """The columns with one of these names, the likeliest first."""
    folded = {name.casefold().strip(): name for name in table.columns}
    return [folded[name] for name in names if name in folded]


def _textual(table: TextTable, taken: Sequence[str | None]) -> list[str]:
    """The columns of strings that are not all numbers."""
    found = []
    for name, cells in table.columns.items():
        strings = [cell for cell in cells if isinstance(cell, str) and cell.strip()]
        if name not in taken and strings and not all(_is_number(cell) for cell in strings):
            found.append(name)
    return found


def _is_number(cell: str) -> bool:
    return cell.strip().replace(".", "", 1).removeprefix("-").isdecimal()


def _find_label(table: TextTable, named: list[str]) -> tuple[str, list[str]]:
    known = [name for name in _known(table, LABEL_NAMES) if name not in named]
    if known:
        return known[0], []
    taken = named or _known(table, TEXT_NAMES)[:1]
    others = [name for name in table.columns if name not in taken]
    if len(others) > 1:
        few = [name for name in others if _different(table.columns[name]) <= FEW_CLASSES]
        repeated = [name for name in few if _different(table.columns[name]) < len(table)]
        others = repeated if len(repeated) == 1 else few or others
    if len(others) == 2 == len(table.columns):
        strings = _textual(table, [])
        ranks = {(_different(table.columns[name]), name in strings): name for name in others}
        others = [ranks[min(ranks)]] if len(ranks) == 2 else others
    if len(others) == 1:
        return others[0], [f"column '{others[0]}' was taken as the label"]
    raise DataError(
        f"{table.name} has no column that is clearly the label (columns: "
        f"{', '.join(table.columns)}); name it with label=... (--label COLUMN)"
    )


def _find_text(table: TextTable, label: str | None) -> tuple[list[str], list[str]]:
    known = [name for name in _known(table, TEXT_NAMES) if name != label]
    if known:
        return known[:1], []
    found = _textual(table, [label])
    if len(found) == 1:
        return found, [f"column '{found[0]}' was taken as the text"]
    names = ", ".join(found or table.columns)
    what = f"{len(found)} columns of texts" if found else "no column of texts"
    raise DataError(
        f"{table.name} has {what} ({names}); name the one to read, or several, with text=... "
        f"(--text COLUMN)"
    )


def _different(cells: Sequence[Any]) -> int:
    return len({str(cell) for cell in cells})


def _without_header(table: TextTable, named: Sequence[str], label: str | None) -> TextTable | None:
    """The table with its first line as data, when that is what it looks like; else None.

    It is when no column has a known name and a cell of the first line comes again below it, in a
    column of few different cells: `ham` above `ham`, `spam`, ...
    """
    if not table.first or any(name in table.columns for name in [*named, label]):
        return None
    if any(name.isdecimal() for name in named):  # columns of a file that was read so before
        return table.headless()
    if _known(table, TEXT_NAMES) or _known(table, LABEL_NAMES) or not len(table):
        return None
    for cell, cells in zip(table.first, table.columns.values(), strict=True):
        if cell in cells and _different(cells) <= FEW_CLASSES:
            return table.headless()
    return None


def _from_folder(folder: Path, labelled: bool, encoding: str | None) -> LabelledTexts:
    """CLASS/*.txt, one text in each file; or CLASS.txt, one text in each line."""
    trees = sorted(path for path in folder.iterdir() if path.is_dir())
    files = [(tree.name, path) for tree in trees for path in sorted(tree.glob("*.txt*"))]
    texts, labels = [], []
    if files:
        for name, path in files:
            texts.append(read_text(path, encoding).strip() if path.read_bytes().strip() else "")
            labels.append(name)
    else:
        for path in sorted(folder.glob("*.txt*")):
            lines = read_lines(path, encoding)
            texts += lines
            labels += [path.name.partition(".")[0]] * len(lines)
    if not texts:
        raise DataError(
            f"{folder} holds no texts; expected CLASS/*.txt (one text in each file) or CLASS.txt "
            f"(one text in each line)"
        )
    return LabelledTexts(texts, labels if labelled else None)
