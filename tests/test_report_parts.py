"""What reports are put together from: thinned lines, ticks of dates, numbers for readers."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gatewise.report import charts
from gatewise.report.markup import column, fact, markup, number, shorten
from gatewise.report.scoreboard import score_table


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300), st.integers(2, 60))
def test_thinning_keeps_extremes_and_order(values: list[float], limit: int) -> None:
    y = np.array(values)
    x = np.arange(len(y), dtype=float)
    kept_x, kept_y = charts.thin(x, y, limit)
    assert len(kept_x) <= limit or len(y) <= limit
    assert (kept_y.min(), kept_y.max()) == (y.min(), y.max())
    assert (np.diff(kept_x) > 0).all()
    assert (y[kept_x.astype(int)] == kept_y).all()


@given(st.integers(-(10**15), 4 * 10**15), st.integers(1_000, 10**16), st.integers(3, 10))
def test_ticks_of_dates_are_round_and_few(low: int, span: int, most: int) -> None:
    first, last = np.datetime64(low, "us"), np.datetime64(low + span, "us")
    ticks = charts._calendar_ticks(first, last, most)
    words = charts._calendar_words(ticks)
    assert 2 <= len(ticks) <= max(most, 6)
    assert first <= ticks[0]
    assert ticks[-1] <= last
    assert len(set(np.diff(ticks).astype(int).tolist())) == 1
    read, day = [], ""
    for word in words:  # the date stands below the time where it is another one
        time, _, date = word.rpartition("\n") if "\n" in word else (word, "", "")
        day = date or day
        read.append(np.datetime64(f"{day}T{time}" if ":" in time else time))
    assert (np.array(read) == ticks).all()


def test_numbers_for_readers() -> None:
    values = [0.0, 0.1234, 12.34, 1234.5, 123456.7, -0.0567, 1.5e12, 2e-7, float("nan")]
    assert [number(value) for value in values] == (
        ["0", "0.123", "12.3", "1,234", "123,457", "−0.0567", "1.50 × 10¹²", "2.00 × 10⁻⁷", "–"]
    )
    assert column([0.145, 3.64, float("nan")]) == ["0.145", "3.640", "–"]
    assert column([0.89, 22.55]) == ["0.89", "22.55"]
    assert column([12345.0, 99.0]) == ["12,345", "99"]
    assert [fact("n", v) for v in (True, None, [], 33217, 0.001, [1, 2])] == (
        ["yes", "none", "none", "33,217", "0.001", "1, 2"]
    )
    assert fact("seed", 20240101) == "20240101"
    assert markup("<a&'\">") == "&lt;a&amp;&#x27;&quot;&gt;"
    assert shorten("abcdef", 4) == "abc…"


def test_a_digest_is_cut_short_and_can_be_had_whole() -> None:
    digest = "0123456789abcdef" * 4
    assert fact("SHA-256", digest) == f'<span title="{digest}"><bdi>0123456789abcdef…</bdi></span>'
    assert digest[:-1] in fact("note", digest[:-1])  # no digest: as it is


def test_only_what_stands_out_is_bold() -> None:
    scores = {
        "network": {"F1": 0.0, "match": 0.5, "loss": 0.0, "ECE": 0.1, "gap": 0.4},
        "other": {"F1": 0.0, "match": 0.5, "loss": 0.2, "ECE": 0.0, "gap": None},
        "third": {"F1": -0.1, "match": 0.5, "loss": 0.2, "ECE": 0.2, "gap": 0.1},
    }
    order = [(name, 1.0) for name in scores]
    page = score_table(
        scores, order, "Scores", lower={"loss", "ECE"}, decimals={}, unmarked={"ECE"}
    )
    assert re.findall("<td><b>(.*?)</b></td>", page) == ["0.000", "0.400"]
    assert page.index("0.000</b>") > page.index(">network<")
