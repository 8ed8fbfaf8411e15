"""The tables of the README that say what was measured, taken from docs/benchmarks.md.

Scores on public sets stand beside those of others; what time and memory cost is the first table of
that page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

PLACE = r"(<!-- {}: .*? -->\n).*?(<!-- end -->)"
SUMMARY = re.compile(r"<!-- summary -->\n.*?\n.*?\n(.*?)<!-- /summary -->", re.DOTALL)
HEADS = {"en": ("measured", "gatewise", "beside it"), "zh": ("测量内容", "gatewise", "与之相比")}
LINK = {"en": "docs/benchmarks.md", "zh": "docs/benchmarks.md"}
COSTS = {
    "en": ("what", "beside", "ours", "theirs", "ours / theirs", ""),
    "zh": ("内容", "与谁相比", "我们", "对方", "我们 / 对方", ""),
}
STANDINGS = {"won": "胜", "level": "持平", "mixed": "互有胜负", "LOST": "负"}
PUBLISHED = {"en": "published", "zh": "论文或项目公布"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure of a section's tables: the row that begins so, the column of that name."""

    row: str
    column: str


@dataclass(frozen=True, slots=True)
class Other:
    """What stands beside ours: its name in both languages, and its figure."""

    en: str
    zh: str
    cell: Cell
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
)


def with_tables(page: str, benchmarks: str, language: str) -> str:
    """The page with both tables in their places. Raises ValueError where one has none."""
    for name, drawn in (("scores", table), ("costs", costs)):
        place = re.compile(PLACE.format(name), re.DOTALL)
        if place.search(page) is None:
            raise ValueError(f"the page has no place for a table: <!-- {name}: ... -->")
        text = drawn(benchmarks, language)
        page = place.sub(lambda found, text=text: f"{found[1]}{text}{found[2]}", page)
    return page


def costs(benchmarks: str, language: str) -> str:
    """Every comparison of the first table of the benchmarks, lost ones included."""
    found = SUMMARY.search(benchmarks)
    if found is None:
        raise ValueError("docs/benchmarks.md has no <!-- summary -->")
    rows = found[1]
    if language == "zh":
        rows = re.sub(r"\| (\w+) \|$", _standing, rows, flags=re.MULTILINE)
    head = "| " + " | ".join(COSTS[language]) + " |\n"
    return f"{head}|---|---|---:|---:|---:|---|\n{rows}"


def _standing(found: re.Match[str]) -> str:
    return f"| {STANDINGS.get(found[1], found[1])} |"


def table(benchmarks: str, language: str) -> str:
    """Markdown; the best figure of each row is bold."""
    lines = ["| " + " | ".join(HEADS[language]) + " |", "|---|---|---|"]
    for row in ROWS:
        told = section(benchmarks, row.section)
        own = _figure(told, row.ours)
        rest = [_figure(told, other.cell) for other in row.others]
        values = [_number(figure) for figure in (own, *rest)]
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


def section(benchmarks: str, title: str) -> str:
    """The text of a section. Raises ValueError where there is none."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", benchmarks, re.M | re.S)
    if found is None:
        raise ValueError(f"docs/benchmarks.md has no section '{title}'")
    return found[1]


def _lines(text: str) -> Iterator[list[str]]:
    """The cells of each line of a table, in Markdown or for a terminal."""
    for line in text.splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in line.strip("|").split("|")]
        else:
            yield re.split(r" {2,}", line.strip())


def _figure(text: str, cell: Cell) -> str:
    """A column may be named with the first cell of its table's head before it: `imdb accuracy`."""
    column = None
    for cells in _lines(text):
        named = [f"{cells[0]} {name}" for name in cells]
        if cell.column in cells[1:] or cell.column in named[1:]:
            column = (cells if cell.column in cells else named).index(cell.column)
        elif column is not None and " | ".join(cells).startswith(cell.row):
            return cells[column]
    raise ValueError(f"docs/benchmarks.md has no figure at row '{cell.row}', '{cell.column}'")


def _number(text: str) -> float:
    found = re.match(r"[\d,.]+", text)
    if found is None:
        raise ValueError(f"'{text}' is no figure")
    return float(found[0].replace(",", ""))


def _anchor(title: str) -> str:
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", title.lower()))
