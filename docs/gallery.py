"""The gallery's pages in docs/cases/: `make gallery` runs every case and writes them anew.

    python docs/gallery.py [--run] [--only NAME ...] [--full --data DIR]

Without --run the pages are written from what docs/cases/results.jsonl holds. Each line there is
the result of one run: a case, an engine, a seed; a run that is done again replaces its line.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gatewise.cases.case import Case, load_case
from gatewise.cases.index import CASES
from gatewise.cases.running import PICTURE, Run, run_several

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs/cases"
RESULTS = "results.jsonl"
SOURCES = "../../src/gatewise/cases"
ENGINES, SEEDS = ("torch", "tensorflow"), (0, 1, 2)
SHOWN = ("torch", 0)  # whose picture and sentences a page shows
LONGEST = 700  # characters of a sentence that a page shows
HEAD = """# The gallery

Written by `make gallery`; do not edit by hand. What LSTM tutorials teach, each case done right: on
PyTorch and on TensorFlow, with seeds 0, 1 and 2 for the data, the split and the network, beside its
baselines and, where one is known, the noise that nothing can forecast. `gatewise cases list` names
them, `gatewise cases run NAME` runs one here, `gatewise cases run all --quick` all of them.

Figures are means over the seeds, ± the standard deviation. They are of the quick form, on data that
the project makes, so that everybody can run them; where a case was run on a real set or in full
size, its page shows that, too. Seconds are those of one thread on a shared machine.

"""

Told = Mapping[str, Any]


def kept(folder: Path = FOLDER) -> dict[tuple[Any, ...], Told]:
    """Key of a run -> what it told, in the order of the gallery."""
    path = folder / RESULTS
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = {_key(told): told for told in map(json.loads, lines)}
    return dict(sorted(found.items(), key=lambda item: _place(item[1])))


def _key(told: Told) -> tuple[Any, ...]:
    return told["case"], told["engine"], told["seed"], told["quick"]


def _place(told: Told) -> tuple[Any, ...]:
    return CASES.index(told["case"]), not told["quick"], told["engine"] != SHOWN[0], told["seed"]


def run(wanted: Sequence[Run], jobs: int) -> int:
    """Run them, keep what they told; how many did not come out as they should."""
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        for result in run_several(wanted, Path(place), jobs):
            name = f"{result.run.case} {result.run.engine} {result.run.seed}"
            words = result.error or ("as it should be" if result.passed else "NOT as it should be")
            print(f"{name}: {words}", flush=True)  # noqa: T201
            wrong += not result.passed
            if result.error:
                continue
            found = {**kept(), _key(result.told): result.told}
            told = sorted(found.values(), key=_place)
            lines = [json.dumps(line, ensure_ascii=False) + "\n" for line in told]
            FOLDER.mkdir(exist_ok=True)
            (FOLDER / RESULTS).write_text("".join(lines), encoding="utf-8")
            drawn = Path(place) / result.run.folder / PICTURE
            if (result.run.engine, result.run.seed) == SHOWN and drawn.exists():
                (FOLDER / "images").mkdir(exist_ok=True)
                shutil.copy(drawn, FOLDER / "images" / picture(result.told))
    return wrong


def picture(told: Told) -> str:
    """The name of a run's picture."""
    return f"{told['case']}{'' if told['quick'] else '-full'}.svg"


def pages(folder: Path = FOLDER) -> dict[str, str]:
    """Name of the file -> its text: a page for each case that was run, and the list of them."""
    results = list(kept(folder).values())
    ran = {name: [told for told in results if told["case"] == name] for name in CASES}
    cases = {name: load_case(name) for name, told in ran.items() if told}
    head = "| case | ours, torch | ours, tensorflow | best beside it | floor | as it should be |"
    rows = [head, "| --- | ---: | ---: | --- | ---: | ---: |"]
    rows += [_row(cases[name], ran[name]) for name in cases]
    found = {"README.md": HEAD + "\n".join(rows) + "\n"}
    found |= {f"{name}.md": _page(case, ran[name]) for name, case in cases.items()}
    return found


def _row(case: Case, results: Sequence[Told]) -> str:
    """A case in the list: its first metric."""
    small = [told for told in results if told["quick"]] or results
    first = small[0]["scores"]
    ours, *others = first
    metric = next(iter(first[ours]))
    floors = [name for name in others if "floor" in name]
    rivals = [name for name in others if metric in first[name] and name not in floors]
    if metric == "parameters":  # counts side by side: none is a baseline
        rivals = []
    scores = {name: _mean(small, name, metric) for name in rivals}
    up = _higher_is_better(metric)
    best = (max if up else min)(scores, key=scores.__getitem__) if scores else ""
    cells = [
        f"[{case.name}]({case.name}.md): {case.title} ({metric})",
        *(_figure(_of(small, engine), ours, metric) for engine in ENGINES),
        f"{best} {_figure(_of(small, SHOWN[0]), best, metric)}" if best else "",
        _figure(_of(small, SHOWN[0]), floors[0], metric) if floors else "",
        _passed(small),
    ]
    return f"| {' | '.join(cells)} |"


def _higher_is_better(metric: str) -> bool:
    errors = ("MSE", "MAE", "RMSE", "MASE", "SMAPE", "ECE", "WRONG")
    falling = (*errors, "NATS", "BITS", "PERPLEXITY", "LOSS")
    return not any(word in metric.upper() for word in falling)


def _page(case: Case, results: Sequence[Told]) -> str:
    """One case: picture, words, scores, what came out, and the code itself."""
    module = f"{case.name.replace('-', '_')}.py"
    parts = [f"# {case.title}\n", "[All cases](README.md)\n"]
    words = {"Data": case.data, "The trap": case.trap, "What right looks like": case.right}
    forms = [(True, "Quick, on made data"), (False, "On the real set, or in full size")]
    for quick, title in forms:
        chosen = [told for told in results if told["quick"] == quick]
        if not chosen:
            continue
        if quick or len(parts) == 2:
            parts += [f"![{case.title}](images/{picture(chosen[0])})\n"]
            parts += [f"**{name}.** {text}\n" for name, text in words.items()]
        parts += [f"## {title}\n"]
        if not quick and len(chosen) < len(results):  # the one above is of the quick form
            parts += [f"![{case.title}](images/{picture(chosen[0])})\n"]
        parts += _came_out(case, chosen, quick)
    source = (ROOT / "src/gatewise/cases" / module).read_text(encoding="utf-8")
    code = source.split('"""', 2)[2].strip()
    parts += [f"## The code\n\n[{module}]({SOURCES}/{module})\n\n```py\n{code}\n```\n"]
    return "\n".join(parts)


def _came_out(case: Case, chosen: Sequence[Told], quick: bool) -> list[str]:
    """Scores, checks and sentences of one form of a case."""
    flag = " --quick" if quick else " --data DIR"
    seeds = sorted({told["seed"] for told in chosen})
    seconds = ", ".join(
        f"{statistics.median(told['cpu_seconds'] for told in own):.0f} s on {engine}"
        for engine in ENGINES
        if (own := _of(chosen, engine))
    )
    counted = f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))}"
    shown = next((told for told in chosen if (told["engine"], told["seed"]) == SHOWN), chosen[0])
    parts = [
        f"`gatewise cases run {case.name}{flag}`: {shown['split']}; {counted}; "
        f"processor time {seconds}.\n",
        _table(chosen),
        "\n".join(_check(chosen, number) for number in range(len(shown["checks"]))) + "\n",
    ]
    said = [
        line if len(line) <= LONGEST else f"{line[:LONGEST].rstrip()} …" for line in shown["said"]
    ]
    if said:
        parts += [f"What it said ({shown['engine']}, seed {shown['seed']}):\n"]
        parts += ["\n>\n".join(f"> {_plain(line)}" for line in said) + "\n"]
    return parts


def _plain(line: str) -> str:
    """A sentence that Markdown shows as it is."""
    return " ".join(line.split()).replace("*", r"\*").replace("<", "&lt;")


def _table(chosen: Sequence[Told]) -> str:
    """A row for each name and engine whose scores differ."""
    names = list(chosen[0]["scores"])
    metrics = list(dict.fromkeys(m for row in chosen[0]["scores"].values() for m in row))
    lines = [f"| | {' | '.join(metrics)} |", f"| --- |{' ---: |' * len(metrics)}"]
    for name in names:
        rows = {
            engine: [_figure(own, name, metric) for metric in metrics]
            for engine in ENGINES
            if (own := _of(chosen, engine))
        }
        alike = len({tuple(cells) for cells in rows.values()}) == 1
        for engine, cells in list(rows.items())[: 1 if alike else None]:
            on = "" if alike else f", {engine}"
            lines.append(f"| {name}{on} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _check(chosen: Sequence[Told], number: int) -> str:
    """What one check came to in all runs."""
    checks = [(told, told["checks"][number]) for told in chosen if number < len(told["checks"])]
    met = sum(check["met"] for _, check in checks)
    figures = "; ".join(
        f"{engine} " + ", ".join(c["figure"] for told, c in checks if told["engine"] == engine)
        for engine in dict.fromkeys(told["engine"] for told, _ in checks)
    )
    mark = "met" if met == len(checks) else "**NOT met**"
    told = f": {figures}" if any(check["figure"] for _, check in checks) else ""
    return f"- {checks[0][1]['words']}: {mark} in {met} of {len(checks)} runs{told}"


def _passed(results: Sequence[Told]) -> str:
    good = sum(all(check["met"] for check in told["checks"]) for told in results)
    return f"{good} of {len(results)}" if good == len(results) else f"**{good} of {len(results)}**"


def _of(results: Sequence[Told], engine: str) -> list[Told]:
    return [told for told in results if told["engine"] == engine]


def _values(results: Sequence[Told], name: str, metric: str) -> list[float]:
    found = [told["scores"].get(name, {}).get(metric) for told in results]
    return [value for value in found if value is not None]


def _mean(results: Sequence[Told], name: str, metric: str) -> float:
    values = _values(results, name, metric)
    return statistics.fmean(values) if values else float("nan")


def _figure(results: Sequence[Told], name: str, metric: str) -> str:
    """Mean ± spread over the seeds."""
    values = _values(results, name, metric)
    if not values:
        return ""
    middle = statistics.fmean(values)
    mean = f"{middle:,.0f}" if middle >= 1000 else f"{middle:.4g}"
    spread = statistics.pstdev(values)
    return f"{mean} ± {spread:.2g}" if spread > 0 else mean


def main() -> int:
    """What the command line asks for; 1 where a run did not come out as it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", action="store_true", help="run the cases first")
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), metavar="NAME")
    parser.add_argument("--engine", nargs="+", default=list(ENGINES))
    parser.add_argument("--seed", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--full", action="store_true", help="not the quick form")
    parser.add_argument("--data", type=Path, help="where the real sets lie")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    wrong = 0
    if given.run:
        quick = not given.full
        each = [(on, name, at) for on in given.engine for name in given.only for at in given.seed]
        wanted = [Run(name, on, at, quick, given.data) for on, name, at in each]
        wrong = run(wanted, given.jobs)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
