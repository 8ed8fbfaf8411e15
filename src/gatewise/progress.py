"""Shows how training goes: a bar on a terminal, plain lines when piped, always on stderr."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from gatewise.engines import processes
from gatewise.training import EpochRecord, History, Nobody, Watch

REDRAW_SECONDS = 0.1
LINE_SECONDS = 2.0
QUIET_SECONDS = 30.0  # an epoch that takes longer says in between how far it is
WIDEST_BAR, NARROWEST_BAR = 40, 8


def watch(verbose: int = 1, stream: TextIO | None = None) -> Watch:
    """Who shows training on `stream` (default: stderr): nobody when `verbose` is 0, and of several
    processes in the first alone.
    """
    if not verbose or processes.rank():
        return Nobody()
    stream = sys.stderr if stream is None else stream
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if console.is_terminal and not console.is_dumb_terminal:
        return Bar(console)
    return Lines(stream)


@dataclass
class Standing:
    """Where a run stands: what both ways of showing it are drawn from.

    began  when, by time.perf_counter
    batch  batches trained in the current epoch
    best   epoch whose weights would be kept
    before  share that was through when the run went on
    """

    epochs: int
    batches: int
    began: float
    batch: int = 0
    last: EpochRecord | None = None
    best: EpochRecord | None = None
    before: float = 0.0

    def note(self, record: EpochRecord, best: bool) -> None:
        self.last, self.batch = record, 0
        if best:
            self.best = record

    def go_on(self, records: Sequence[EpochRecord], best_epoch: int, done: int) -> None:
        for record in records:
            self.note(record, record.epoch == best_epoch)
        self.batch = done
        self.before = self.share

    @property
    def done(self) -> int:
        """Epochs that are through."""
        return 0 if self.last is None else self.last.epoch

    @property
    def current(self) -> int:
        """The epoch that runs, from 1."""
        return min(self.done + 1, self.epochs)

    @property
    def share(self) -> float:
        """What part of all epochs is through, 0 to 1; batches count."""
        return min(1.0, (self.done + self.batch / max(self.batches, 1)) / self.epochs)

    @property
    def elapsed(self) -> float:
        """Seconds since training began."""
        return time.perf_counter() - self.began

    def left(self) -> str:
        """`<1:05 left`: an upper bound, because early stopping may end it sooner; '' at first."""
        if not self.before < self.share < 1.0:
            return ""
        return f"<{_clock(self.elapsed * (1.0 - self.share) / (self.share - self.before))} left"

    def losses(self) -> str:
        """The losses of the last whole epoch."""
        if self.last is None:
            return ""
        text = f"train {self.last.train_loss:.4g}"
        if self.last.validation_loss is not None:
            text += f"  validation {self.last.validation_loss:.4g}"
        return text


class Lines:
    """One line per epoch, at most one every two seconds, and one at the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._standing = Standing(1, 1, 0.0)
        self._printed = -math.inf

    def about(self, facts: Mapping[str, Any]) -> None:
        pass  # what is trained was typed a moment ago

    def begin(self, epochs: int, batches: int) -> None:
        self._standing = Standing(epochs, batches, time.perf_counter())
        self._printed = -math.inf

    def tick(self) -> None:
        standing = self._standing
        standing.batch += 1
        since = time.perf_counter() - max(self._printed, standing.began)
        if since >= QUIET_SECONDS and standing.batch < standing.batches:
            epoch = f"epoch {standing.current}/{standing.epochs}"
            self._say(f"{epoch}, batch {standing.batch}/{standing.batches}", standing.left())

    def epoch(self, record: EpochRecord, best: bool) -> None:
        self._standing.note(record, best)
        if time.perf_counter() - self._printed >= LINE_SECONDS:
            number = f"epoch {record.epoch}/{self._standing.epochs}"
            mark = "(best)" if best and record.validation_loss is not None else ""
            self._say(number, self._standing.losses(), mark, self._standing.left())

    def go_on(self, records: Sequence[EpochRecord], best_epoch: int, done: int) -> None:
        standing = self._standing
        standing.go_on(records, best_epoch, done)
        batch = f", batch {done + 1}/{standing.batches}" if done else ""
        self._say(f"goes on from a checkpoint: epoch {standing.current}/{standing.epochs}{batch}")

    def end(self, history: History) -> None:
        self._say(summary(history, self._standing.elapsed))

    def _say(self, *parts: str) -> None:
        self._printed = time.perf_counter()
        self._stream.write("  ".join(part for part in parts if part) + "\n")
        self._stream.flush()


class Bar:
    """One line of a terminal that is written over, batch by batch.

    Drawn without a thread and without hiding the cursor: an error anywhere needs no clean-up, and
    the processor stays with the training.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._standing = Standing(1, 1, 0.0)
        self._drawn = -math.inf

    def about(self, facts: Mapping[str, Any]) -> None:
        pass  # what is trained was typed a moment ago

    def begin(self, epochs: int, batches: int) -> None:
        self._standing = Standing(epochs, batches, time.perf_counter())
        self._drawn = -math.inf
        self._draw()

    def tick(self) -> None:
        self._standing.batch += 1
        self._draw()

    def epoch(self, record: EpochRecord, best: bool) -> None:
        self._standing.note(record, best)
        self._draw()

    def go_on(self, records: Sequence[EpochRecord], best_epoch: int, done: int) -> None:
        self._standing.go_on(records, best_epoch, done)
        self._draw()

    def end(self, history: History) -> None:
        wipe(self._console)
        self._console.print(Text(summary(history, self._standing.elapsed)), soft_wrap=True)

    def _draw(self) -> None:
        now = time.perf_counter()
        if now - self._drawn < REDRAW_SECONDS:
            return
        self._drawn = now
        width = self._console.width - 1  # the last column would wrap on some terminals
        line = self._line(width)
        line.truncate(width, pad=True)  # blanks wipe what a longer line left behind
        self._console.print(line, end="\r", no_wrap=True, crop=False, overflow="ignore")

    def _line(self, width: int) -> Text:
        standing = self._standing
        digits = len(str(standing.epochs))
        head = f"epoch {standing.current:{digits}d}/{standing.epochs} "
        rest = [standing.left(), standing.losses()]
        if standing.best is not None and standing.best.validation_loss is not None:
            rest.append(f"best {standing.best.epoch}")
        tail = "".join(f"  {part}" for part in rest if part)
        room = min(WIDEST_BAR, max(NARROWEST_BAR, width - len(head) - len(tail)))
        full, empty = ("━", "─") if _speaks_unicode(self._console) else ("=", "-")
        filled = int(standing.share * room)
        return Text.assemble(
            head, (full * filled, "green"), (empty * (room - filled), "dim"), (tail, "default")
        )


def wipe(console: Console) -> None:
    """Blank the line that a bar may have left on a terminal."""
    if console.is_terminal and not console.is_dumb_terminal:
        console.print(Text(" " * (console.width - 1)), end="\r", crop=False, overflow="ignore")


def summary(history: History, seconds: float) -> str:
    """In one sentence: how long it trained, why it ended, which epoch was kept."""
    count = len(history.records)
    epochs = f"{count} epoch{'' if count == 1 else 's'} in {_duration(seconds)}"
    kept = f"kept epoch {history.best_epoch}"
    if history.best_epoch == 0:
        kept = "kept the network as it was before training"
    loss = next((r.validation_loss for r in history.records if r.epoch == history.best_epoch), None)
    if loss is not None:
        kept += f" (validation loss {loss:.4g})"
    if history.stopped == "interrupted":
        return f"interrupted after {epochs}; {kept}"
    if history.stopped == "no progress":
        waited = count - history.best_epoch
        return f"trained {epochs}, then {waited} without progress ended it; {kept}"
    return f"trained {epochs}; {kept}"


def _speaks_unicode(console: Console) -> bool:
    return console.encoding.lower().startswith("utf")


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60.0 else _clock(seconds)


def _clock(seconds: float) -> str:
    """`1:05`, `2:01:05`: rounded up, so that it never says 0:00 while there is something left."""
    whole = math.ceil(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
