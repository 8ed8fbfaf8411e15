"""Where a training stands, on disk: written whole or not at all, checked when it is read.

    FOLDER/01/000007-<SHA-256 of the content>.safetensors

One numbered folder for each training of a run (members of a committee, folds of a backtest), and
in it the two newest checkpoints. A file gets its name last, when its content is safely stored: a
name is the promise that the content was whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from gatewise.engines import processes
from gatewise.errors import CheckpointError, UsageError

Arrays = Mapping[str, NDArray[Any]]

FORMAT = 1
KEPT = 2  # should the newest be damaged, the one before is there
ENDING = ".safetensors"
NAME = re.compile(r"(\d{6,})-([0-9a-f]{64})\.safetensors")
STAGE = re.compile(r"\d{2,}")
LOCK = "lock"
NONE_KEPT = "several processes write no checkpoints: a run that is killed begins anew"
BEFORE = "before"  # what an earlier run left, when a new one begins in its folder
NONE_KEPT = "several processes write no checkpoints: a run that is killed begins anew"
MOST_TOLD = 5  # differences between two runs


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a training needs to go on: arrays, and facts in the words of JSON."""

    arrays: Arrays
    facts: Mapping[str, Any]


@final
class Checkpoints:
    """Where checkpoints are written, and how often.

    folder   of one run alone; made when the first is written
    minutes  after so many another is written, in the middle of an epoch
    batches  or after so many batches; None: by the clock alone
    pause    seconds: an epoch that ends sooner after the last checkpoint writes none. 0: each does
    resume   go on where the checkpoints that are there end; without any, begin. Else what is there
             is put aside, into `before`
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        minutes: float = 5.0,
        batches: int | None = None,
        pause: float = 0.0,
        resume: bool = False,
    ) -> None:
        if not minutes > 0.0 or (batches is not None and batches < 1) or not pause >= 0.0:
            raise UsageError(
                f"checkpoints are written every minutes > 0 or batches >= 1, with a pause >= 0, "
                f"not minutes={minutes!r}, batches={batches!r}, pause={pause!r}"
            )
        self.folder = Path(folder)
        self.minutes, self.batches, self.pause = minutes, batches, pause
        self.resume = resume


@final
class RunCheckpoints:
    """The checkpoints of one run: of one fit, or of several that belong together.

    notes  what must be said of how it went on
    begun  trainings
    """

    def __init__(self, how: Checkpoints, *, resume: bool) -> None:
        self.how, self.folder, self.resume = how, how.folder, resume
        self.notes: list[str] = []
        self.begun = 0
        self._unlock: weakref.finalize[..., Any] | None = None

    def nothing_there(self) -> list[str]:
        """The note where a run is to go on and no checkpoint is there."""
        if not self.resume or self._stages():
            return []
        return [f"there is no checkpoint in {self.folder}: the run begins anew"]

    def given_up(self) -> list[str]:
        """The note where a run begins anew though another could go on."""
        if self.resume or not self._stages():
            return []
        return [
            f"{self.folder} holds a run that was cut off: this one begins anew and takes its place "
            f"(to go on instead: resume)"
        ]

    def stage(self) -> Stage | None:
        """Of the next training; None where several processes train together: each has random
        numbers and streams of its own. Raises UsageError where these are to go on, or where no
        folder can be.
        """
        if processes.count() > 1:
            if self.resume:
                raise UsageError(
                    "several processes that train together write no checkpoints, so there are none "
                    "to go on from; leave resume out, or start without torchrun"
                )
            if NONE_KEPT not in self.notes:
                self.notes.append(NONE_KEPT)
            return None
        if not self.begun:
            self._prepare()
        self.begun += 1
        return Stage(self.folder / f"{self.begun:02d}", self)

    def _prepare(self) -> None:
        found = self._stages()
        self.notes += self.nothing_there()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.folder).close()
            self._lock()
            if found and not self.resume:
                self._put_aside(found)
        except OSError as error:
            raise UsageError(
                f"checkpoints cannot be written into {self.folder} ({error.strerror}); choose "
                f"another folder"
            ) from error

    def _lock(self) -> None:
        """Held until this is gone, or its process. Raises UsageError where another one has it."""
        try:
            import fcntl
        except ImportError:  # Windows
            return
        file = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT)
        self._unlock = weakref.finalize(self, os.close, file)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"another process trains with the checkpoints in {self.folder}; wait for it, or "
                f"choose another place for the results"
            ) from None
        except OSError:  # a file system without locks
            return

    def _put_aside(self, found: Sequence[Path]) -> None:
        aside = self.folder / BEFORE
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        for stage in found:
            stage.rename(aside / stage.name)
        self.notes.append(f"the checkpoints of an earlier run were put into {aside}")

    def _stages(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return [entry for entry in self.folder.iterdir() if STAGE.fullmatch(entry.name)]

    def remove(self) -> None:
        """When all has come to its end."""
        for entry in [*self._stages(), self.folder / BEFORE]:
            shutil.rmtree(entry, ignore_errors=True)
        (self.folder / LOCK).unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def checkpoints_of(
    given: RunCheckpoints | Checkpoints | str | os.PathLike[str] | None, resume: bool
) -> RunCheckpoints | None:
    """The run of what `fit` was given: a folder, how to write them, or a run that it belongs to.

    Raises UsageError.
    """
    if given is None:
        if resume:
            raise UsageError("resume=True needs checkpoints=, the folder to go on from")
        return None
    if isinstance(given, RunCheckpoints):
        return given
    how = given if isinstance(given, Checkpoints) else Checkpoints(given)
    return RunCheckpoints(how, resume=resume or how.resume)


@final
@dataclass
class Stage:
    """The checkpoints of one training."""

    folder: Path
    run: RunCheckpoints
    good: list[Path] = field(default_factory=list)
    number: int = 0
    written: float = field(default_factory=time.perf_counter)
    batches: int = 0

    def last(self, identity: Mapping[str, Any], made_by: str) -> Snapshot | None:
        """The newest that is whole, where the run is to go on; its facts hold the `identity`, and
        what it was `made by`: where that differs, a note says so.

        Raises UsageError where it is another run's.
        """
        found = _found(self.folder) if self.run.resume else []
        self.number = max((number for number, _, _ in found), default=0)
        snapshot, damaged = None, []
        for _, digest, path in reversed(found):
            read = _read(path, digest)
            if read is not None:
                self.good.insert(0, path)
                snapshot = snapshot or read
            elif snapshot is None:
                damaged.append(path)
        if snapshot is not None:
            _check_same(snapshot.facts["identity"], identity, self.folder)
            for path in damaged:
                self.run.notes.append(f"the checkpoint {path} is damaged; the one before is used")
            before, now = snapshot.facts["made by"], made_by
            if before != now:
                self.run.notes.append(
                    f"the checkpoints are of {before}, this is {now}: the last bits may differ"
                )
        elif self.run.resume and self.folder.is_dir():
            self.run.notes.append(f"no checkpoint in {self.folder} is whole: it began anew")
        return snapshot

    def due(self) -> bool:
        """Whether, in the middle of an epoch, another is to be written; asked after each batch."""
        self.batches += 1
        how = self.run.how
        late = time.perf_counter() - self.written >= 60.0 * how.minutes
        return late or (how.batches is not None and self.batches >= how.batches)

    def due_after_epoch(self) -> bool:
        return time.perf_counter() - self.written >= self.run.how.pause

    def write(self, snapshot: Snapshot) -> None:
        """Another one. Raises CheckpointError when it cannot be stored; the last one stays."""
        from safetensors.numpy import save

        arrays = {name: np.array(array, order="C") for name, array in snapshot.arrays.items()}
        content = save(arrays, metadata={"gatewise": json.dumps(snapshot.facts)})
        name = f"{self.number + 1:06d}-{hashlib.sha256(content).hexdigest()}{ENDING}"
        fresh = self.folder / f".{name}"
        try:
            if not self.folder.is_dir():
                self.folder.mkdir(parents=True)
                _sync(self.run.folder.parent)
                _sync(self.run.folder)
            try:
                with fresh.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                fresh.rename(self.folder / name)
            except OSError:
                fresh.unlink(missing_ok=True)
                raise
            _sync(self.folder)
            self.number += 1
            self.good = [*self.good, self.folder / name][-KEPT:]
            for entry in list(self.folder.iterdir()):
                if entry not in self.good and entry.name.endswith(ENDING):
                    entry.unlink()
        except OSError as error:
            raise _unwritable(self.run.folder, error) from error
        self.written, self.batches = time.perf_counter(), 0


def _found(folder: Path) -> list[tuple[int, str, Path]]:
    """(number, hash, path) of each that has its name, in order."""
    entries = list(folder.iterdir()) if folder.is_dir() else []
    named = [(NAME.fullmatch(entry.name), entry) for entry in entries]
    return sorted((int(match[1]), match[2], entry) for match, entry in named if match)


def _read(path: Path, digest: str) -> Snapshot | None:
    """None where the content is not what the name promises."""
    from safetensors import safe_open
    from safetensors.numpy import load

    try:
        content = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content).hexdigest() != digest:
        return None
    with safe_open(path, framework="numpy") as file:
        facts = json.loads(file.metadata()["gatewise"])
    return Snapshot(load(content), facts)


def _sync(folder: Path) -> None:
    """So that a name outlives a power failure, too."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(folder: Path, error: OSError) -> CheckpointError:
    return CheckpointError(
        f"a checkpoint cannot be written into {folder} ({error.strerror}); those that are there "
        f"are whole: make room, or the folder writable, and go on with resume"
    )


def _check_same(before: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    """Raises UsageError that names what differs."""
    old, new = _flat(before), _flat(json.loads(json.dumps(now)))
    differ = [name for name in [*new, *(old.keys() - new.keys())] if old.get(name) != new.get(name)]
    if not differ:
        return
    told = [_difference(name, old.get(name), new.get(name)) for name in differ[:MOST_TOLD]]
    more = f" and {len(differ) - MOST_TOLD} more" if len(differ) > MOST_TOLD else ""
    raise UsageError(
        f"the checkpoints in {folder.parent} are of another run: {', '.join(told)}{more}; go on "
        f"with the same data and settings, or begin anew without resume"
    )


def _difference(name: str, old: Any, new: Any) -> str:
    if name in ("data", "start"):
        return f"{'the data' if name == 'data' else 'the weights it began from'} are not the same"
    return f"{name.rpartition('.')[2]} was {old} and is {new}"


def _flat(facts: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in facts.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def fingerprint(*arrays: Arrays) -> str:
    """SHA-256 of named arrays."""
    digest = hashlib.sha256()
    for named in arrays:
        for name in sorted(named):
            array = np.asarray(named[name], order="C")
            digest.update(f"{name} {array.dtype} {array.shape}".encode())
            digest.update(array.data if array.size else b"")
    return digest.hexdigest()


def prefixed(prefix: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    """The arrays under longer names; `part` takes them out again."""
    return {f"{prefix}/{name}": np.asarray(array) for name, array in arrays.items()}


def part(arrays: Arrays, prefix: str) -> dict[str, NDArray[Any]]:
    """The arrays that `prefixed` put there."""
    return {
        name.removeprefix(f"{prefix}/"): array
        for name, array in arrays.items()
        if name.startswith(f"{prefix}/")
    }


def remarks(checkpoints: RunCheckpoints | None) -> Sequence[str]:
    """What must be said of how a run went on."""
    return () if checkpoints is None else tuple(checkpoints.notes)
