"""The log of a run: one line of JSON for each event, on the disk before training goes on."""

from __future__ import annotations

import json
import os
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any, final

from gatewise.errors import RunError, UsageError
from gatewise.outputs import plain
from gatewise.runs.record import Event, Record


@final
class RunLog(Record):
    """Writes what a training is, and each of its epochs, to a file of JSON lines.

        model.fit(frame, watch=gw.RunLog("runs/a.jsonl"))

        with gw.RunLog("runs/a.jsonl") as log:
            model.fit(frame, watch=log)
            log.scores(model.evaluate(later))

    path    the file; it is made by the first training, in a folder that is made where needed.
            What stands there stays: another run goes behind it
    resume  the run that stands there goes on: same run, further lines
    anew    what stands there is a run that is not wanted any more

    Progress is shown beside it as `verbose` says. `with` also writes how the run ended; without,
    `read_runs` concludes it. Several trainings of one run (members of a committee, training anew
    on all rows) are told apart by name.

    Each line is handed to the operating system at once: what was told survives `kill -9`. While
    the file is open it is locked (where there is fcntl), so that a reader can tell a run that
    goes on from one that was killed. Raises UsageError where the file cannot be written.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, resume: bool = False, anew: bool = False
    ) -> None:
        super().__init__()
        self.path = Path(path)
        self.resume = resume
        self.anew = anew
        self._close: weakref.finalize[..., Any] | None = None  # holds the descriptor
        self._file = -1

    def write(self, event: Event) -> None:
        if self._close is None:
            self._file = self._open()
            self._close = weakref.finalize(self, os.close, self._file)
        told: dict[str, Any] = dict(event)
        if told["event"] == "run" and self.resume:
            told["resumed"] = True
        line = json.dumps(plain(told), ensure_ascii=False, allow_nan=False) + "\n"
        rest = line.encode("utf-8", "replace")
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            raise RunError(
                f"the log {self.path} cannot be written any more ({error.strerror}); make room, or "
                f"train without it"
            ) from error
        if told["event"] == "done":
            self._close()
            self._close, self.resume, self.anew = None, False, False

    def _open(self) -> int:
        """A descriptor: what nobody closed is closed with the log, without a warning."""
        how = os.O_RDWR | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if self.anew else 0)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, how | getattr(os, "O_CLOEXEC", 0), 0o666)
        except OSError as error:
            raise UsageError(
                f"the log of the run cannot be written to {self.path} ({error.strerror}); "
                f"choose another file"
            ) from None
        _lock(file)
        size = os.lseek(file, 0, os.SEEK_END)
        if size:  # behind a line that was torn begins a new one
            os.lseek(file, size - 1, os.SEEK_SET)
            os.write(file, b"" if os.read(file, 1) == b"\n" else b"\n")
        return file

    def __getstate__(self) -> dict[str, Any]:
        """A copy in another process opens the file for itself."""
        return {**vars(self), "_close": None, "_file": -1}


def _lock(file: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    with suppress(OSError):  # held by somebody, or a file system without locks
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_open(path: Path) -> bool:
    """Whether some process is writing the log; False where that cannot be known."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
