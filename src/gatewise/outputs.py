"""The folder that a run leaves: written beside its place, put there whole.

A run that fails or is killed while writing leaves what was there before as it was.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from gatewise.engines import processes
from gatewise.errors import UsageError

MARK = "metrics.json"  # a folder that holds it, with the key below, is one of ours
MARK_KEY = "gatewise"


def check(out: Path, mark_file: str = MARK, key: str = MARK_KEY) -> None:
    """Find out before anything is computed whether `replacing(out)` can work.

    mark_file, key  what a folder of ours holds
    Raises UsageError: something that is not ours stands there, or it cannot be written.
    """
    place = out.resolve()
    if place.exists() and not place.is_dir():
        raise UsageError(f"{out} is a file; the results need a folder: choose another --out")
    if place.is_dir():
        if any(place.iterdir()) and key not in mark(place / mark_file):
            raise UsageError(
                f"{out} is not empty and holds no {mark_file} of an earlier run, so it is not "
                f"overwritten; choose another --out, or empty it"
            )
        if Path.cwd().is_relative_to(place) or place.is_mount():
            raise UsageError(
                f"{out} cannot be replaced while you are in it or it is mounted; "
                f"choose a folder inside it, such as --out {out / 'forecast'}"
            )
    parent = next(folder for folder in place.parents if folder.exists())
    try:
        os.rmdir(tempfile.mkdtemp(prefix=f".{place.name}-", dir=parent))
    except OSError as error:
        raise UsageError(
            f"cannot write into {parent} ({error.strerror}); choose another --out"
        ) from None


def mark(path: Path) -> dict[str, Any]:
    """What a JSON file of ours says; nothing where there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """A new empty folder that becomes `out` when the block ends well, and vanishes otherwise.

    What was in `out` is replaced; files in it that the new folder lacks (yours) are kept. When
    the swap fails, all is put back; OSError says where it is if that fails, too. Of several
    processes that trained together the first one writes.
    """
    if processes.rank():
        with tempfile.TemporaryDirectory() as elsewhere:
            yield Path(elsewhere)
        return
    place = out.resolve()
    place.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    new, old = workshop / "new", workshop / "old"
    yours: list[str] = []  # moved from old to place
    swapped = False
    try:
        new.mkdir()
        yield new
        if place.exists():
            place.rename(old)
        new.rename(place)
        for entry in list(old.iterdir()) if old.exists() else ():
            if not os.path.lexists(place / entry.name):
                yours.append(entry.name)
                entry.rename(place / entry.name)
        swapped = True
    except BaseException as error:  # Ctrl-C too
        try:
            _put_back(place, new, old, yours)
        except OSError as stuck:
            text = f"{stuck.strerror}; what was in {out} is in {old}: move it back by hand"
            raise OSError(stuck.errno, text) from error
        raise
    finally:
        if swapped or not old.exists():  # never with anything of yours in it
            shutil.rmtree(workshop, ignore_errors=True)


def _put_back(place: Path, new: Path, old: Path, yours: Sequence[str]) -> None:
    """Undo a swap, from wherever it stopped."""
    if not old.exists():
        return
    for name in yours:
        if not os.path.lexists(old / name):
            (place / name).rename(old / name)
    if place.exists():
        place.rename(new)
    old.rename(place)


@contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """A path to write to that becomes `path` when the block ends well, and vanishes otherwise.

    A pipe or a device (/dev/stdout) is written to as it is. Of several processes the first writes.
    """
    if processes.rank():
        with tempfile.TemporaryDirectory() as elsewhere:
            yield Path(elsewhere) / path.name
        return
    if path.exists() and not path.is_file():
        yield path
        return
    place = path.resolve()
    place.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        yield workshop / place.name
        (workshop / place.name).replace(place)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def to_json(value: Any) -> str:
    """Valid JSON, indented: NaN and infinity are null, times are ISO text."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False)


def plain(value: Any) -> Any:
    """`value` in the words of JSON."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = (value.astype(str) if value.dtype.kind == "M" else value).tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (str, int)) or value is None:  # a bool is an int
        return value
    if isinstance(value, (Sequence, Set)):
        return [plain(inner) for inner in value]
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
