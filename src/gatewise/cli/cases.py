"""`gatewise cases`: what LSTM tutorials teach, each case done right and run here."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatewise.cli.how import Json
from gatewise.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from gatewise.cases.running import Result, Run

ALL = "all"
OUT = "cases-out"


def list_cases(*, as_json: Json = False) -> int:
    """List the cases: name and what each is about.

    \b
    Example:
      gatewise cases list
    """
    from gatewise import outputs
    from gatewise.cases.case import load_case
    from gatewise.cases.index import CASES
    from gatewise.cli import show

    found = [load_case(name) for name in CASES]
    if as_json:
        parts = ("name", "title", "data", "trap", "right")
        told = [{part: getattr(case, part) for part in parts} for case in found]
        sys.stdout.write(outputs.to_json({"cases": told}) + "\n")
        return 0
    console = show.open_console()
    for case in found:
        show.say(console, f"{case.name:<14}  {case.title}")
    return 0


def run(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME", help="Of a case, of several, or: all.")
    ],
    *,
    engine: Annotated[
        list[str],
        typer.Option("--engine", help="torch, tensorflow or jax; may be given several times."),
    ] = ["torch"],  # noqa: B006
    seed: Annotated[list[int], typer.Option("--seed", help="May be given several times.")] = [0],  # noqa: B006
    quick: Annotated[
        bool, typer.Option("--quick", help="Small, on made data: seconds for each case.")
    ] = False,
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="DIR", help="Where the real sets lie, at any depth."),
    ] = None,
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="For results.")] = OUT,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", min=1, help="Processes, one thread each; none: one for each core."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Run cases; exit code 1 where one does not come out as it should.

    Each leaves OUT/NAME/ENGINE-SEED/ with result.json and picture.svg.

    \b
    Examples:
      gatewise cases run sine-next
      gatewise cases run reviews-zh --data real-sets --engine tensorflow
      gatewise cases run all --quick --engine torch --engine tensorflow
    """
    from gatewise.cases.case import load_case
    from gatewise.cases.index import CASES
    from gatewise.cases.running import Run, run_case, run_several
    from gatewise.cli import INTERRUPTED, show
    from gatewise.engine import check_engine

    for name in names:
        if name != ALL:
            load_case(name)
    for name in engine:
        check_engine(name)
    wanted = list(CASES) if ALL in names else list(dict.fromkeys(names))
    folder = None if data is None else Path(data)
    if folder is not None and not folder.is_dir():
        raise UsageError(f"--data {data}: there is no such folder")
    if not out:
        raise UsageError("--out needs the name of a folder")
    _check_writable(Path(out))
    runs = [Run(name, on, at, quick, folder) for on in engine for name in wanted for at in seed]
    console = show.open_console()
    if len(runs) == 1:
        came = [run_case(runs[0], Path(out))]
        if not as_json:
            _tell(console, came[0], Path(out))
    else:
        came = []
        try:
            for result in run_several(runs, Path(out), jobs or os.cpu_count() or 1):
                came.append(result)
                if not as_json:
                    show.say(console, _line(result), "" if result.passed else "bold red")
        except KeyboardInterrupt:
            ended = sum(not result.error for result in came)
            kept = f"; what they left is in {out}" if ended else ""
            sys.stderr.write(f"error: interrupted: {ended} of {len(runs)} runs ended{kept}\n")
            return INTERRUPTED
    return _ended(console, came, as_json=as_json)


def _check_writable(out: Path) -> None:
    """Before anything is trained. Raises UsageError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out):
            pass
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(f"--out {out}: results cannot be written there ({why})") from None


def _ended(console: Console, came: list[Result], *, as_json: bool) -> int:
    """The last line, or the JSON object; the exit code."""
    from gatewise import outputs
    from gatewise.cli import show

    passed = sum(result.passed for result in came)
    if as_json:
        told = [result.told or {**_named(result.run), "error": result.error} for result in came]
        sys.stdout.write(outputs.to_json({"passed": passed, "runs": told}) + "\n")
    elif len(came) > 1:
        show.say(console, "")
        show.say(console, f"{passed} of {len(came)} runs came out as they should")
    return 0 if passed == len(came) else 1


def _named(run: Run) -> dict[str, Any]:
    return {"case": run.case, "engine": run.engine, "seed": run.seed, "quick": run.quick}


def _line(result: Result) -> str:
    """One run in one line."""
    run = result.run
    head = f"{run.case:<14}  {run.engine:<10}  seed {run.seed}"
    if result.error:
        return f"{head}  FAILED: {result.error}"
    missed = [check for check in result.told["checks"] if not check["met"]]
    said = "; ".join(f"NOT MET: {check['words']} ({check['figure']})" for check in missed)
    return f"{head}  {result.told['seconds']:6.1f} s  {said or 'as it should be'}"


def _tell(console: Console, result: Result, out: Path) -> None:
    """One run in full."""
    from gatewise.cases.running import PICTURE
    from gatewise.cli import show

    told = result.told
    show.say(console, told["title"], "bold")
    show.say(console, f"{told['split']}; seed {told['seed']}; {told['engine_version']}")
    metrics = list(dict.fromkeys(name for row in told["scores"].values() for name in row))
    rows = [
        [name, *(show.number(row.get(metric)) for metric in metrics)]
        for name, row in told["scores"].items()
    ]
    show.say(console, "")
    show.table(console, ["", *metrics], rows, bold=[0])
    for words in told["said"]:
        show.say(console, words)
    show.say(console, "")
    for check in told["checks"]:
        figure = f": {check['figure']}" if check["figure"] else ""
        mark, style = ("met", "green") if check["met"] else ("NOT MET", "bold red")
        show.say(console, f"{mark:<8} {check['words']}{figure}", style)
    folder = out / result.run.folder
    if (folder / PICTURE).exists():
        show.say(console, f"picture  {folder / PICTURE}")
    show.say(console, f"took     {told['seconds']:.1f} s")


cases: Mapping[str, Callable[..., int]] = {"list": list_cases, "run": run}
