"""Shows how a study goes: a bar on a terminal, plain lines when piped, always on stderr."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from gatewise.progress import wipe
from gatewise.tuning.record import Trial, in_words
from gatewise.tuning.search import Audience, Ended

REDRAW_SECONDS = 0.2
LINE_SECONDS = 2.0
QUIET_SECONDS = 30.0  # a trial that takes longer says in between that it is alive
WIDEST_BAR, NARROWEST_BAR = 30, 8


class Silent:
    """Says nothing."""

    def begin(self, wanted: int, earlier: Sequence[Trial], jobs: int) -> None:
        pass

    def started(self, trial: Trial) -> None:
        pass

    def epoch(self, trial: Trial, epoch: int, loss: float) -> None:
        pass

    def tick(self) -> None:
        pass

    def done(self, trial: Trial, best: Trial | None) -> None:
        pass

    def end(self, ended: Ended) -> None:
        pass


def audience(verbose: int = 1, stream: TextIO | None = None) -> Audience:
    """Who shows a study on `stream` (default: stderr): nobody when `verbose` is 0."""
    if not verbose:
        return Silent()
    stream = sys.stderr if stream is None else stream
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if console.is_terminal and not console.is_dumb_terminal:
        return Shown(console, bar=True)
    return Shown(Console(file=stream, highlight=False, markup=False, width=10_000), bar=False)


class Shown:
    """Both ways of showing it."""

    def __init__(self, console: Console, *, bar: bool) -> None:
        self.console, self.bar = console, bar
        self.wanted, self.jobs, self.ended = 1, 1, 0
        self.best: Trial | None = None
        self.began = self.printed = self.drawn = 0.0
        self.own = 0  # trials that ended in this run
        self.last: tuple[Trial, int, float] | None = None

    def begin(self, wanted: int, earlier: Sequence[Trial], jobs: int) -> None:
        """earlier: trials of a run that was ended before."""
        self.wanted, self.jobs = wanted, jobs
        self.ended = sum(trial.outcome is not None for trial in earlier)
        self.began = time.perf_counter()
        self.printed = -math.inf
        if earlier:
            again = len(earlier) - self.ended
            words = f"going on: {self.ended} of {wanted} trials are there"
            self._say(f"{words}, {again} begun before run again" if again else words)

    def started(self, trial: Trial) -> None:
        self.last = (trial, 0, math.nan)
        self._draw()

    def epoch(self, trial: Trial, epoch: int, loss: float) -> None:
        self.last = (trial, epoch, loss)
        self.tick()

    def tick(self) -> None:
        if self.bar:
            self._draw()
        elif time.perf_counter() - max(self.printed, self.began) >= QUIET_SECONDS and self.last:
            trial, epoch, loss = self.last
            words = f"  at epoch {epoch}: {loss:.4g}" if epoch else ""
            self._say(f"trial {trial.number + 1}/{self.wanted}{words}", self.left())

    def done(self, trial: Trial, best: Trial | None) -> None:
        self.ended, self.own = self.ended + 1, self.own + 1
        better = best is not None and best.number == trial.number
        self.best = best
        if self.bar:
            self._draw(force=better)
        recent = time.perf_counter() - self.printed < LINE_SECONDS
        if self.bar or (recent and not better and trial.state != "failed"):
            return
        outcome = trial.outcome
        if outcome is None:
            return
        if trial.state == "failed":
            words = f"failed: {outcome.reason}"
        elif trial.state == "pruned":
            words = f"stopped after epoch {len(outcome.losses)} at {outcome.value or math.nan:.4g}"
        else:
            words = f"{outcome.value:.4g}{' (best)' if better else ''}"
        head = f"trial {trial.number + 1}/{self.wanted}"
        self._say(f"{head}  {words}", in_words(trial.params), self.left())

    def end(self, ended: Ended) -> None:
        if self.bar:
            wipe(self.console)
        seconds = time.perf_counter() - self.began
        words = {"finished": "", "timeout": "time is up: ", "interrupted": "interrupted: "}[ended]
        said = f"{words}{self.ended} of {self.wanted} trials in {_clock(seconds)}"
        if self.best is not None:
            said += f"; best {self.best.value:.4g}: {in_words(self.best.params)}"
        self._say(said)

    def left(self) -> str:
        """`1:05 left`, from what trials took so far; '' at first."""
        if not self.own or self.ended >= self.wanted:
            return ""
        each = (time.perf_counter() - self.began) / self.own
        return f"{_clock(each * (self.wanted - self.ended))} left"

    def _say(self, *parts: str) -> None:
        self.printed = time.perf_counter()
        self.console.print(Text("  ".join(part for part in parts if part)), soft_wrap=True)
        self.console.file.flush()

    def _draw(self, *, force: bool = False) -> None:
        now = time.perf_counter()
        if not self.bar or (now - self.drawn < REDRAW_SECONDS and not force):
            return
        self.drawn = now
        width = self.console.width - 1
        line = self._line(width)
        line.truncate(width, pad=True)
        self.console.print(line, end="\r", no_wrap=True, crop=False, overflow="ignore")

    def _line(self, width: int) -> Text:
        rest: list[Any] = [self.left()]
        if self.best is not None:
            rest.append(f"best {self.best.value:.4g} (trial {self.best.number + 1})")
        if self.last is not None and self.last[1]:
            rest.append(f"now epoch {self.last[1]}: {self.last[2]:.4g}")
        head = f"trial {self.ended}/{self.wanted} "
        tail = "".join(f"  {part}" for part in rest if part)
        room = min(WIDEST_BAR, max(NARROWEST_BAR, width - len(head) - len(tail)))
        unicode = self.console.encoding.lower().startswith("utf")
        full, empty = ("━", "─") if unicode else ("=", "-")
        filled = int(room * min(1.0, self.ended / max(self.wanted, 1)))
        return Text.assemble(
            head, (full * filled, "green"), (empty * (room - filled), "dim"), (tail, "default")
        )


def _clock(seconds: float) -> str:
    """`0:07`, `1:05`, `2:01:05`"""
    whole = math.ceil(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
