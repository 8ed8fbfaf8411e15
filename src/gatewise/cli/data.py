"""`gatewise data`: real sets, fetched from their publishers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatewise.cli.how import Json
from gatewise.errors import RunError

if TYPE_CHECKING:
    from gatewise.data.fetching import Fetched, Told
    from gatewise.data.real_sets import File, Published

ALL = "all"


def list_sets(*, as_json: Json = False) -> int:
    """List the real sets: name, size (or that it is here), what it is.

    None is part of gatewise: their publishers hold them, under their own terms.

    \b
    Examples:
      gatewise data list
      gatewise data list --json
    """
    from gatewise import outputs
    from gatewise.cli import show
    from gatewise.data.real_files import cache_folder, is_fetched
    from gatewise.data.real_sets import sets

    here = {told.name: is_fetched(told) for told in sets().values()}
    if as_json:
        rows = [{**_as_dict(told), "here": here[told.name]} for told in sets().values()]
        sys.stdout.write(outputs.to_json({"folder": str(cache_folder()), "sets": rows}) + "\n")
        return 0
    console = show.open_console()
    for told in sets().values():
        size = "here" if here[told.name] else _megabytes(told.size)
        show.say(console, f"{told.name:<18}  {size:>7}  {told.about}")
    return 0


def get(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME", help="Of a set, of several, or: all.")
    ],
    *,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="DIR",
            help="Where to put them; none: $GATEWISE_DATA, else ~/.cache/gatewise.",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Fetch what is there already, too.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Fetch real sets; what is there already is left as it is.

    The SHA-256 of each file is compared with the published one before it is kept.
    $GATEWISE_MIRROR names another place to fetch from: its files lie at SET/FILE.

    \b
    Examples:
      gatewise data get hotel-reviews
      gatewise data get trec surnames --to real-sets
      gatewise cases run questions --data real-sets
    """
    from gatewise import outputs
    from gatewise.cli import show
    from gatewise.data.fetching import fetch
    from gatewise.data.real_sets import published, sets

    named = [published(name) for name in dict.fromkeys(names) if name != ALL]
    wanted = list(sets().values()) if ALL in names else named
    console = show.open_console()
    came, failures = [], []
    for told in wanted:
        try:
            with _shown(told) as seen:
                files = fetch(told, to, again=again, told=seen)
        except RunError as error:
            failures.append(str(error))
            continue
        came.append({**_as_dict(told), "folder": str(files[0].path.parent)})
        if not as_json:
            show.say(console, f"{told.name:<18}  {_what_came(files)}")
            show.say(console, f"  folder  {files[0].path.parent}")
            show.say(console, f"  terms   {told.terms}")
    if as_json:
        sys.stdout.write(outputs.to_json({"sets": came}) + "\n")
    if failures:
        raise RunError("\n".join(failures))
    return 0


def _what_came(files: list[Fetched]) -> str:
    fresh = [file for file in files if file.fresh]
    if not fresh:
        return "is there already"
    size = _megabytes(sum(file.path.stat().st_size for file in fresh))
    checked = "SHA-256 as published"
    if not all(file.checked for file in fresh):
        checked = "not verified: no SHA-256 of it is published; it can be read"
    return f"{size} fetched, {checked}"


def _as_dict(told: Published) -> dict[str, Any]:
    files = [{"address": f.address, "size": f.size, "sha256": f.sha256} for f in told.files]
    return {"name": told.name, "about": told.about, "terms": told.terms, "files": files}


def _megabytes(size: int | None) -> str:
    return "?" if size is None else f"{max(size / 1e6, 0.1):.1f} MB"


@contextmanager
def _shown(told: Published) -> Iterator[Told]:
    """Who is told how far a file is: a bar on a terminal, nobody else."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    console = Console(file=sys.stderr)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    shown: Any = {"console": console, "transient": True, "disable": not console.is_terminal}
    with Progress(*columns, **shown) as progress:
        bar = progress.add_task(told.name, total=told.size)
        come: dict[str, int] = {}

        def seen(file: File, done: int, size: int | None) -> None:
            come[file.name] = done
            total = size if len(told.files) == 1 else told.size
            progress.update(bar, completed=sum(come.values()), total=total)

        yield seen


data: Mapping[str, Callable[..., int]] = {"list": list_sets, "get": get}
