"""The log that every run of a task verb leaves, and the trackers that it may show its epochs."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from gatewise.engines import processes
from gatewise.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from gatewise.runs.record import Judged, Record
    from gatewise.training import Watch

LOG = "run.jsonl"
TRACKERS = ("tensorboard", "mlflow")


class Run(Protocol):
    """What a verb that trains has found."""

    @property
    def evaluation(self) -> Judged: ...

    @property
    def interrupted(self) -> bool: ...


class Recording:
    """Watches the trainings of one run; `with` tells how it ended.

    While it trains the log stands in the folder OUT.unfinished, where it outlives a kill; `keep`
    puts it among the results, and `tidy` takes that folder away.
    """

    def __init__(
        self,
        out: Path,
        folder: Path,
        data: str,
        command: str,
        *,
        track: str | None = None,
        track_to: str | None = None,
        resume: bool = False,
    ) -> None:
        """folder: where the log stands while it trains, beside `out`.

        Raises UsageError, MissingExtraError for a tracker that cannot be.
        """
        from gatewise.runs.log import RunLog

        self.folder = folder
        self.log = RunLog(self.folder / LOG, resume=resume, anew=not resume)
        self.records: list[Record] = [self.log]
        if (track is not None or track_to is not None) and not processes.rank():
            self.records.append(_tracker(out, track, track_to))
        self._data, self._command = data, command
        self._ends = ExitStack()

    @property
    def watch(self) -> Watch:
        """Who is told of the trainings; progress stands beside it as the model's `verbose` says."""
        from gatewise.runs.several import Several

        return Several(*self.records)

    def __enter__(self) -> Self:
        self.watch.about(
            {"source": source(self._data), "command": self._command, "files": digest(self._data)}
        )
        for record in self.records:
            self._ends.enter_context(record)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ends.__exit__(kind, error, trace)
        if isinstance(error, KeyboardInterrupt) and not (self.log.epochs or self.log.resume):
            self.tidy()  # nothing was done, nothing is left

    def keep(self, run: Run, folder: Path, failure: Exception | None = None) -> None:
        """Scores and end are told, and the log is copied into the folder of the results."""
        state = "interrupted" if run.interrupted else "finished"
        for record in self.records:
            record.scores(run.evaluation)
            record.close(*(("failed", str(failure)) if failure else (state,)))
        if self.log.path.exists():
            shutil.copyfile(self.log.path, folder / LOG)

    def tidy(self) -> None:
        """The results are in their place: the log stands there."""
        self.log.path.unlink(missing_ok=True)
        with suppress(OSError):  # something else is in it, or it never was
            self.folder.rmdir()


def source(data: str) -> str:
    """The names of the files, without their folders."""
    return ",".join(file.name for file in _files(data))


def digest(data: str) -> str | None:
    """SHA-256 of the files' bytes, one behind the other; None where one is a pipe: it is read."""
    found = hashlib.sha256()
    for file in _files(data):
        if not file.is_file():
            return None
        with file.open("rb") as opened:
            while block := opened.read(1 << 20):
                found.update(block)
    return found.hexdigest()


def _files(data: str) -> list[Path]:
    return [Path(part) for part in ([data] if Path(data).exists() else data.split(","))]


def _tracker(out: Path, track: str | None, place: str | None) -> Any:
    if track not in TRACKERS:
        given = "--track-to" if track is None else f"--track {track}"
        hint = did_you_mean(track or "", TRACKERS)
        raise UsageError(f"{given}: expected --track {' or --track '.join(TRACKERS)}{hint}")
    if track == "tensorboard":
        from gatewise.runs.tensorboard import TensorBoard

        return TensorBoard(place or out.with_name("tensorboard"), name=out.name)
    from gatewise.runs.mlflow import MLflow

    return MLflow(place or out.with_name("mlflow.db"), name=out.name)
