"""The loop of a study: ask for a setting, train it, write down what came of it.

One trial at a time runs in this process; of several jobs each has a process of its own, and this
one only asks and answers, so that a single hand writes the study.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, Protocol, final

from gatewise.errors import RunError
from gatewise.tuning.record import Trial, best_of
from gatewise.tuning.sampling import Sampling
from gatewise.tuning.trial import Job, LeftError, Outcome, run_trial
from gatewise.tuning.worker import Worker

Ended = Literal["finished", "timeout", "interrupted"]
TICK = 0.2  # seconds


class Book(Protocol):
    """Where trials are written down."""

    def begin(self, trial: Trial) -> None: ...

    def finish(self, trial: Trial) -> None: ...


class Audience(Protocol):
    """Who is told how a study goes."""

    def begin(self, wanted: int, earlier: Sequence[Trial], jobs: int) -> None: ...

    def started(self, trial: Trial) -> None: ...

    def epoch(self, trial: Trial, epoch: int, loss: float) -> None: ...

    def tick(self) -> None: ...

    def done(self, trial: Trial, best: Trial | None) -> None: ...

    def end(self, ended: Ended) -> None: ...


@final
class Search:
    """A study under way."""

    def __init__(
        self, sampling: Sampling, book: Book, audience: Audience, deadline: float | None
    ) -> None:
        """deadline: by time.time(); a trial that begins while none is complete has none."""
        self.sampling, self.book, self.audience = sampling, book, audience
        self.deadline = deadline
        self.trials: dict[int, Trial] = {}

    def remember(self, earlier: Sequence[Trial]) -> None:
        """Trials of an earlier run of this study."""
        self.sampling.remember(earlier)
        self.trials = {trial.number: trial for trial in earlier}

    @property
    def late(self) -> bool:
        """Whether no further trial may begin."""
        ended = any(trial.outcome is not None for trial in self.trials.values())
        return ended and self.deadline is not None and time.time() >= self.deadline

    def next(self) -> tuple[Trial, float | None] | None:
        """The trial to run and its deadline; None: none is left, or time is up."""
        if self.late:
            return None
        trial = self.sampling.ask()
        if trial is None:
            return None
        self.book.begin(trial)
        self.trials[trial.number] = trial
        self.audience.started(trial)
        nothing_yet = best_of(list(self.trials.values())) is None
        return trial, None if nothing_yet else self.deadline

    def epoch(self, trial: Trial, epoch: int, loss: float) -> bool:
        """Whether the trial goes on."""
        self.audience.epoch(trial, epoch, loss)
        return self.sampling.keep_on(trial.number, epoch, loss)

    def done(self, trial: Trial, outcome: Outcome) -> None:
        """Write down what came of a trial, and tell of it."""
        told = self.sampling.tell(trial, outcome)
        self.trials[trial.number] = told
        self.book.finish(told)
        self.audience.done(told, best_of(list(self.trials.values())))


def alone(search: Search, job: Job) -> Ended:
    """One trial after the other, in this process."""
    try:
        while (order := search.next()) is not None:
            trial, deadline = order

            def report(epoch: int, loss: float, trial: Trial = trial) -> bool:
                return search.epoch(trial, epoch, loss)

            try:
                outcome = run_trial(
                    job, trial.params, report, deadline=deadline, tick=search.audience.tick
                )
            except LeftError:
                return "timeout"
            search.done(trial, outcome)
    except KeyboardInterrupt:
        return "interrupted"
    return "timeout" if search.late and _left(search) else "finished"


def together(search: Search, job: Job, jobs: int) -> Ended:
    """Several at a time, each in a process of its own."""
    team = _Team(job)
    try:
        for _ in range(min(jobs, search.sampling.wanted)):
            team.hire()
        return _conduct(search, team)
    except KeyboardInterrupt:
        return "interrupted"
    finally:
        team.dismiss()


def _conduct(search: Search, team: _Team) -> Ended:
    running: dict[int, Trial] = {}
    cut = False  # a trial was left for want of time
    waiting = len(team.workers)
    while waiting or running:
        found = team.hear()
        if found is None:
            search.audience.tick()
            continue
        who, message = found
        kind = "gone" if message is None else message[0]
        if kind == "broken":
            raise RunError(f"a process for trials cannot read its job: {message[1]}")
        if kind == "gone" and who not in running:
            raise RunError(f"a process for trials did not begin: {team.workers[who].fate()}")
        if kind == "epoch":
            team.workers[who].send(search.epoch(running[who], message[1], message[2]))
            continue
        if kind == "ready":
            waiting -= 1
        elif kind == "left":
            running.pop(who)
            cut = True
        elif kind == "done":
            search.done(running.pop(who), message[1])
        else:
            fate = team.workers[who].fate()
            search.done(running.pop(who), Outcome("failed", reason=fate))
            who = team.replace(who)
            waiting += 1
            continue
        order = search.next()
        if order is None:
            continue
        trial, deadline = order
        running[who] = trial
        team.workers[who].send((trial.number, trial.params, deadline))
    return "timeout" if cut or (search.late and _left(search)) else "finished"


def _left(search: Search) -> bool:
    """Whether fewer trials ended than were wanted."""
    ended = sum(trial.outcome is not None for trial in search.trials.values())
    return ended < search.sampling.wanted


@final
class _Team:
    """The processes, and one queue of what they say."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.workers: dict[int, Worker] = {}
        self.said: queue.Queue[tuple[int, Any]] = queue.Queue()

    def hire(self) -> int:
        who = max(self.workers, default=-1) + 1
        worker = self.workers[who] = Worker(self.job)

        def listen() -> None:
            while True:
                message = worker.receive()
                self.said.put((who, message))
                if message is None:
                    return

        threading.Thread(target=listen, daemon=True).start()
        return who

    def replace(self, who: int) -> int:
        self.workers.pop(who).stop()
        return self.hire()

    def hear(self) -> tuple[int, Any] | None:
        """(who, message); None: nobody said anything for a while."""
        try:
            return self.said.get(timeout=TICK)
        except queue.Empty:
            return None

    def dismiss(self) -> None:
        for worker in self.workers.values():
            worker.stop()


def ordered(search: Search) -> list[Trial]:
    """All trials by number."""
    return [replace(search.trials[number]) for number in sorted(search.trials)]
