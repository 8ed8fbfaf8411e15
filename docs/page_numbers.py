"""The table of the README that says what was measured, taken from docs/benchmarks.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

PLACE = re.compile(r"(<!-- measured: .*? -->\n).*?(<!-- end -->)", re.DOTALL)
HEADS = {"en": ("measured", "gatewise", "beside it"), "zh": ("测量内容", "gatewise", "与之相比")}
LINK = {"en": "docs/benchmarks.md", "zh": "docs/benchmarks.md"}
PUBLISHED = {"en": "published", "zh": "论文或项目公布"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure of a section's tables: the row that begins so, the column of that name."""

    row: str
    column: str


@dataclass(frozen=True, slots=True)
class Other:
    """What stands beside ours: its name in both languages, and its figure; None: 1, of ratios."""

    en: str
    zh: str
    cell: Cell | None
    published: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    section  title of the section of the benchmarks
    better   low or high: which of the figures is the best
    """

    section: str
    en: str
    zh: str
    better: str
    ours: Cell
    others: tuple[Other, ...]


TFIDF = "TF-IDF + logistic regression"
ROWS = (
    Row(
        "ETTh1, 96 hours ahead",
        "ETTh1, seven hourly columns, 96 hours ahead: MSE, scaled",
        "ETTh1，七列逐小时数据，向前 96 小时：MSE（缩放后）",
        "low",
        Cell("gatewise", "MSE"),
        (
            Other("linear", "线性", Cell("linear", "MSE")),
            Other("SegRNN", "SegRNN", Cell("SegRNN (720)", "MSE"), published=True),
            Other("PatchTST", "PatchTST", Cell("PatchTST", "MSE"), published=True),
        ),
    ),
    Row(
        "Classes of reviews, questions and vowels",
        "Chinese hotel reviews: macro-F1",
        "中文酒店评论：macro-F1",
        "high",
        Cell("network", "hotel macro-F1"),
        (Other("TF-IDF", "TF-IDF", Cell(TFIDF, "hotel macro-F1")),),
    ),
    Row(
        "Classes of reviews, questions and vowels",
        "English film reviews (IMDb): accuracy",
        "英文影评（IMDb）：准确率",
        "high",
        Cell("network", "imdb accuracy"),
        (Other("TF-IDF", "TF-IDF", Cell(TFIDF, "imdb accuracy")),),
    ),
    Row(
        "Classes of reviews, questions and vowels",
        "Kinds of questions (TREC): accuracy",
        "问题分类（TREC）：准确率",
        "high",
        Cell("network", "trec accuracy"),
        (Other("TF-IDF", "TF-IDF", Cell(TFIDF, "trec accuracy")),),
    ),
    Row(
        "The last tenth of tinyshakespeare",
        "tinyshakespeare, its last tenth: nats per character",
        "tinyshakespeare 的最后十分之一：每字符 nats",
        "low",
        Cell("network", "nats per character"),
        (
            Other("5-gram", "五元模型", Cell("5-gram", "nats per character")),
            Other("nanoGPT", "nanoGPT", Cell("Transformer", "nats per character"), published=True),
        ),
    ),
    Row(
        "Training speed beside a plain PyTorch loop",
        "PyTorch, LSTM of 128: time of an epoch beside a loop by hand",
        "PyTorch，128 单元的 LSTM：一轮用时与手写循环之比",
        "low",
        Cell("H=128", "ours / plain"),
        (Other("loop by hand", "手写循环", None),),
    ),
    Row(
        "Three engines beside what one writes by hand",
        "TensorFlow, LSTM of 128: time of an epoch beside a loop by hand",
        "TensorFlow，128 单元的 LSTM：一轮用时与手写循环之比",
        "low",
        Cell("LSTM, H=128, B=64, T=100 | tensorflow", "ours / plain loop"),
        (Other("loop by hand", "手写循环", None),),
    ),
    Row(
        "Three engines beside what one writes by hand",
        "TensorFlow, LSTM of 128: time of an epoch beside Keras' `fit`",
        "TensorFlow，128 单元的 LSTM：一轮用时与 Keras 的 `fit` 之比",
        "low",
        Cell("LSTM, H=128, B=64, T=100 | tensorflow", "ours / fit"),
        (Other("`fit`", "`fit`", None),),
    ),
    Row(
        "Texts of unequal lengths beside packed sequences",
        "PyTorch, texts of unequal lengths, LSTM of 64: an epoch, s",
        "PyTorch，长短不一的文本，64 单元的 LSTM：一轮秒数",
        "low",
        Cell("H=64, B=32", "ours"),
        (Other("packed sequences", "打包序列", Cell("H=64, B=32", "packed")),),
    ),
    Row(
        "A grid of 243 settings beside a plain loop over it",
        "A grid of 243 settings, two cores: s",
        "243 组设置的网格，两个核：秒",
        "low",
        Cell("gw.tune", "seconds"),
        (Other("plain loop", "手写循环", Cell("plain sequential loop", "seconds")),),
    ),
    Row(
        "Writing with 1,024 units",
        "Writing with 1,024 units on one core: characters a second",
        "1,024 单元，单核生成：每秒字符数",
        "high",
        Cell("float32", "median"),
        (Other("Keras loop", "Keras 循环", Cell("keras call loop", "median")),),
    ),
)


def with_table(page: str, benchmarks: str, language: str) -> str:
    """The page with the table in its place. Raises ValueError where it has none."""
    if PLACE.search(page) is None:
        raise ValueError("the page has no place for what was measured: <!-- measured: ... -->")
    drawn = table(benchmarks, language)
    return PLACE.sub(lambda found: f"{found[1]}{drawn}{found[2]}", page)


def table(benchmarks: str, language: str) -> str:
    """Markdown; the best figure of each row is bold."""
    lines = ["| " + " | ".join(HEADS[language]) + " |", "|---|---|---|"]
    for row in ROWS:
        section = _section(benchmarks, row.section)
        own = _figure(section, row.ours)
        rest = ["1" if o.cell is None else _figure(section, o.cell) for o in row.others]
        values = [_number(text) for text in (own, *rest)]
        best = (min if row.better == "low" else max)(values)
        shown = [f"**{t}**" if v == best else t for t, v in zip((own, *rest), values, strict=True)]
        beside = []
        for other, text in zip(row.others, shown[1:], strict=True):
            name = getattr(other, language)
            more = f" ({PUBLISHED[language]})" if other.published else ""
            beside.append(f"{name} {text}{more}")
        link = f"[{getattr(row, language)}]({LINK[language]}#{_anchor(row.section)})"
        lines.append(f"| {link} | {shown[0]} | {'; '.join(beside)} |")
    return "\n".join(lines) + "\n"


def _section(benchmarks: str, title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", benchmarks, re.M | re.S)
    if found is None:
        raise ValueError(f"docs/benchmarks.md has no section '{title}'")
    return found[1]


def _lines(section: str) -> Iterator[list[str]]:
    """The cells of each line of a table, in Markdown or for a terminal."""
    for line in section.splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in line.strip("|").split("|")]
        else:
            yield re.split(r" {2,}", line.strip())


def _figure(section: str, cell: Cell) -> str:
    """A column may be named with the first cell of its table's head before it: `imdb accuracy`."""
    column = None
    for cells in _lines(section):
        named = [f"{cells[0]} {name}" for name in cells]
        if cell.column in cells[1:] or cell.column in named[1:]:
            column = (cells if cell.column in cells else named).index(cell.column)
        elif column is not None and " | ".join(cells).startswith(cell.row):
            return cells[column].replace(" (reckoned from 9)", "")
    raise ValueError(f"docs/benchmarks.md has no figure at row '{cell.row}', '{cell.column}'")


def _number(text: str) -> float:
    found = re.match(r"[\d,.]+", text)
    if found is None:
        raise ValueError(f"'{text}' is no figure")
    return float(found[0].replace(",", ""))


def _anchor(title: str) -> str:
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", title.lower()))
