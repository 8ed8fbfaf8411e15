"""Where the files of a real set lie: below a folder of yours, or in the cache."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from gatewise.data.real_sets import File, Published
from gatewise.errors import DataError

CACHE = "GATEWISE_DATA"  # names another folder for the cache
PACKED = (".gz", ".xz")


def cache_folder() -> Path:
    """Where `gatewise data get` puts sets: $GATEWISE_DATA, else ~/.cache/gatewise."""
    named = os.environ.get(CACHE, "")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "gatewise"


def place(folder: Path, published: Published, file: File) -> Path:
    """Where a fetched file of a set lies."""
    return folder / published.name / file.name


def is_fetched(published: Published) -> bool:
    """Whether all files of a set are in the cache."""
    return all(place(cache_folder(), published, file).is_file() for file in published.files)


def found_files(published: Published, folder: str | Path | None = None) -> list[Path]:
    """The files of a set, or those of one of its other forms, in the order of the table.

    Raises DataError where they are neither below `folder` nor in the cache.
    """
    below = [] if folder is None else [Path(folder)]
    for root in below:
        if not root.is_dir():
            raise DataError(f"there is no folder {root}, in which '{published.name}' should lie")
    for root in (*below, cache_folder()):
        paths = [place(root, published, file) for file in published.files]
        if all(path.is_file() for path in paths):
            return paths
    for root in below:
        there = [path for path in sorted(root.rglob("*")) if not _hidden(path, root)]
        fetched = tuple(file.ending for file in published.files)
        for endings in (fetched, *published.copies):
            paths = _matching(there, endings)
            if len(paths) == len(endings):
                return paths
    names = ", ".join(file.name for file in published.files[:3])
    more = ", ..." if len(published.files) > 3 else ""
    where = f"below {folder}, nor in {cache_folder()}" if below else f"in {cache_folder()}"
    raise DataError(
        f"the set '{published.name}' ({names}{more}) is not {where}; fetch it with: gatewise data "
        f"get {published.name}, or name a folder that holds it (folder=, --data DIR)"
    )


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _matching(paths: Iterable[Path], endings: Sequence[str]) -> list[Path]:
    """The first path for each ending, packed or not; an ending that no path has is left out."""
    wanted = {PurePath(ending).parts: None for ending in endings}
    found: dict[tuple[str, ...], Path] = {}
    for path in paths:
        plain = path.with_suffix("") if path.suffix in PACKED else path
        for parts in wanted:
            if parts in (path.parts[-len(parts) :], plain.parts[-len(parts) :]):
                found.setdefault(parts, path)
    return [found[parts] for parts in wanted if parts in found]


def is_published(path: Path, sha256: str) -> bool:
    """Whether a file is the one with this SHA-256, packed here or not."""
    raw = path.read_bytes()
    if hashlib.sha256(raw).hexdigest() == sha256:
        return True
    try:
        if path.suffix == ".gz":
            raw = gzip.decompress(raw)
        elif path.suffix == ".xz":
            raw = lzma.decompress(raw)
    except (OSError, EOFError, zlib.error, lzma.LZMAError):
        return False
    return hashlib.sha256(raw).hexdigest() == sha256
