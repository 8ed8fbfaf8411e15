"""Pages of reports, read and checked: what the tests of all of them share."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

from gatewise.training import EpochRecord, History

VOID = {"meta", "link"}
NASTY = '<script>alert("1")</script>&"\'><img src=x onerror=alert(2)>'


class Parsed(HTMLParser):
    """Elements, tables and text of a page; refuses tags that do not close in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.tables: list[int] = []  # row that each begins with
        self.bold: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append(len(self.rows))
        elif tag == "tr":
            self.rows.append([])
        elif tag in {"th", "td"}:
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data
        if {"th", "td"} & set(self.open):
            self.rows[-1][-1] += data
        if self.open and self.open[-1] == "b":
            self.bold.append(data)

    @property
    def sections(self) -> list[str | None]:
        return [attrs["id"] for tag, attrs in self.elements if tag == "section"]

    def table(self, first: str) -> list[list[str]]:
        """The rows of the first table whose head begins with `first`."""
        ends = [*self.tables[1:], len(self.rows)]
        pairs = zip(self.tables, ends, strict=True)
        return next(self.rows[a + 1 : b] for a, b in pairs if self.rows[a][0] == first)


def said(**changes: Any) -> dict[str, Any]:
    """What every report says beside its evaluation."""
    records = tuple(EpochRecord(e, 4.0 / e**3, 3.0 / e**2, 1e-3, 0.5) for e in range(1, 6))
    return {
        "title": "A run",
        "source": "data.csv",
        "history": History(records, 4, "no progress"),
        "facts": {"Data": {"examples": 90, "gaps": "no"}, "Versions": {"gatewise": "9.8.7"}},
        "notes": ["the unit was inferred"],
        "settings": "unit: char\nseed: 3\n",
        "command": "gatewise something data.csv --seed 3",
        "created": "2026-01-02T03:04:05+00:00",
        "seed": 3,
        **changes,
    }


def sound(page: str) -> Parsed:
    """Ids are unique and found, pictures and tables have words, there is one heading."""
    parsed = Parsed(page)
    tags = [tag for tag, _ in parsed.elements]
    assert page.startswith("<!DOCTYPE html>")
    assert ("html", {"lang": "en"}) in parsed.elements
    ids = [attrs["id"] for _, attrs in parsed.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    wanted = re.findall(r"url\(#([^)]+)\)", page)
    for _, attrs in parsed.elements:
        wanted += [attrs[key] for key in ("aria-labelledby",) if attrs.get(key)]
        wanted += [target[1:] for target in [attrs.get("href") or ""] if target.startswith("#")]
    assert wanted
    assert set(wanted) <= set(ids)
    pictures = [attrs for tag, attrs in parsed.elements if tag == "svg"]
    assert all(p["role"] == "img" and len(p["aria-label"] or "") > 20 for p in pictures)
    assert all("scope" in attrs for tag, attrs in parsed.elements if tag == "th")
    assert tags.count("h1") == 1
    assert not re.search(r"\b(nan|inf|None)\b", parsed.text)
    return parsed


def requests_nothing(page: str) -> None:
    """Neither the network nor a script."""
    assert not re.search(r"https?:|//[a-z]|@import|@font-face", page)
    assert set(re.findall(r"url\((.)", page)) <= {"#"}
    parsed = Parsed(page)
    assert not {tag for tag, _ in parsed.elements} & {"script", "img", "iframe", "object", "base"}
    assert all("src" not in attrs for _, attrs in parsed.elements)
    assert [a["href"] for tag, a in parsed.elements if tag == "link"] == ["data:,"]
    [policy] = [attrs for _, attrs in parsed.elements if "http-equiv" in attrs]
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert (policy["content"] or "").startswith("default-src 'none'")


def harmless(page: str) -> Parsed:
    """Nothing that was written as `NASTY` became markup."""
    parsed = Parsed(page)
    assert not {"script", "img"} & {tag for tag, _ in parsed.elements}
    assert not [key for _, attrs in parsed.elements for key in attrs if key.startswith("on")]
    return parsed
