"""The first table of the page: every comparison that a bench tells, one row each.

A bench calls `tell` with its rows. Under `bench/run.py` they go to `bench/results/NAME.json`, from
where the table is written; when a bench is run by itself they go nowhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).resolve().parent / "results"
WHERE = "GATEWISE_BENCH_ROWS"  # file that `tell` writes
BEGIN, END = "<!-- summary -->", "<!-- /summary -->"


@dataclass(frozen=True)
class Row:
    """What something costs us (seconds, bytes, an error), beside what it costs others.

    what, beside  the job, and who else did it
    ours, theirs  in words, with units
    ratio, low, high  ours / theirs: below 1 is won. Median and quartiles of rounds, or the
                  geometric mean and the extremes of several cases; low = high = ratio: one run
    cases         networks or series in one row
    """

    what: str
    beside: str
    ours: str
    theirs: str
    ratio: float
    low: float
    high: float
    cases: int = 1

    @property
    def standing(self) -> str:
        """won, level or LOST: level where 1 lies within the spread, of several cases mixed."""
        if self.high < 0.995:
            return "won"
        if self.low > 1.005:
            return "LOST"
        return "level" if self.cases == 1 else "mixed"


def over_cases(
    what: str, beside: str, unit: str, ratios: Sequence[float], costs: Sequence[Sequence[float]]
) -> Row:
    """Several cases as one row: geometric mean and extremes.  costs: ours and theirs, by case"""
    ours, theirs = (_range(side, unit) for side in costs)
    middle = float(np.exp(np.mean(np.log(ratios))))
    return Row(what, beside, ours, theirs, middle, min(ratios), max(ratios), len(ratios))


def _range(costs: Sequence[float], unit: str) -> str:
    least, most = number(min(costs)), number(max(costs))
    return f"{least} {unit}" if least == most else f"{least} to {most} {unit}"


def number(value: float) -> str:
    """Three digits that count."""
    if value == 0:
        return "0"
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{digits}f}"


def tell(rows: Iterable[Row]) -> None:
    """The rows of this bench, for the page."""
    if path := os.environ.get(WHERE):
        text = json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False)
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(text + "\n", encoding="utf-8")


def read(names: Iterable[str], folder: Path = RESULTS) -> dict[str, list[Row]]:
    """Rows by bench, in this order; benches without any are left out."""
    found = {}
    for name in names:
        path = folder / f"{name}.json"
        if path.exists():
            found[name] = [Row(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
    return found


def table(rows_by_bench: Mapping[str, Sequence[Row]]) -> str:
    """The table between its markers, and how often each standing came out."""
    rows = [row for rows in rows_by_bench.values() for row in rows]
    lines = ["| what | beside | ours | theirs | ours / theirs | |", "|---|---|---:|---:|---:|---|"]
    for row in rows:
        spread = (
            "(one run)" if row.low == row.high else f"({number(row.low)} to {number(row.high)})"
        )
        cells = (row.what, row.beside, row.ours, row.theirs, f"{number(row.ratio)} {spread}")
        lines.append(f"| {' | '.join(cells)} | {row.standing} |")
    standings = [row.standing for row in rows]
    counts = ", ".join(
        f"{word} {standings.count(word)}" for word in ("won", "level", "mixed", "LOST")
    )
    return "\n".join([BEGIN, *lines, END, "", f"Of {len(rows)} rows: {counts}."])
