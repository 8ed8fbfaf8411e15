"""One trial: the task's own fit, ended by its watch as soon as the validation part has spoken.

What a fit does after that (training anew on all rows, further members, graphs) says nothing about
the settings, and is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, final

from gatewise.errors import GatewiseError, InputError
from gatewise.training import EpochRecord, History

State = Literal["complete", "pruned", "failed"]
Report = Callable[[int, float], bool]  # (epoch, validation loss) -> whether to go on
MOST = 300  # characters of a reason


@dataclass(frozen=True, slots=True)
class Job:
    """What all trials have in common.

    model   with the settings that are not tried
    data    what it learns from
    fit     further arguments of its fit
    pins    settings that follow from the data, held still: a trial must not change its own loss
    """

    model: Any
    data: Any
    fit: Mapping[str, Any]
    pins: Mapping[str, Any] = field(default_factory=dict)

    def fresh(self, params: Mapping[str, Any], **more: Any) -> Any:
        """An unfitted model with these settings. Raises UsageError, SpecError."""
        model = type(self.model)(**self.model.get_params(deep=False))
        return model.set_params(**{**self.pins, **params, **more})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial.

    value       lowest validation loss, that of the initial weights included; None: none
    losses      validation loss after each epoch
    best_epoch  whose weights would be kept; 0: the initial ones
    reason      why it failed
    unusable    whether it failed for what was given, rather than while it ran
    """

    state: State
    value: float | None = None
    losses: tuple[float, ...] = ()
    best_epoch: int = 0
    seconds: float = 0.0
    reason: str = ""
    unusable: bool = False


class LeftError(Exception):
    """Time ran out in the middle of a trial: it is left as if it had never begun."""


class _OverError(Exception):
    """Training is over. It leaves the fit from within."""


@final
class Ear:
    """A watch that passes on each epoch's loss and ends the fit with the training."""

    def __init__(self, report: Report, deadline: float | None, tick: Callable[[], None]) -> None:
        """deadline: by time.time(); tick: called now and then."""
        self.report, self.deadline, self.on_tick = report, deadline, tick
        self.losses: list[float] = []
        self.epochs = 0
        self.history: History | None = None

    def about(self, facts: Mapping[str, Any]) -> None:
        pass

    def go_on(self, records: Sequence[EpochRecord], best_epoch: int, done: int) -> None:
        pass

    def begin(self, epochs: int, batches: int) -> None:  # noqa: ARG002
        self.epochs = epochs
        self._look()

    def tick(self) -> None:
        self._look()

    def epoch(self, record: EpochRecord, best: bool) -> None:  # noqa: ARG002  (a Watch)
        if record.validation_loss is None:
            raise InputError("no example is held out for validation, so trials cannot be compared")
        self.losses.append(record.validation_loss)
        go_on = self.report(record.epoch, record.validation_loss)
        if not go_on and record.epoch < self.epochs:  # behind the last one nothing is left to save
            raise _OverError

    def end(self, history: History) -> None:
        if history.stopped == "interrupted":
            raise KeyboardInterrupt
        self.history = history
        raise _OverError

    def _look(self) -> None:
        self.on_tick()
        if self.deadline is not None and time.time() >= self.deadline:
            raise LeftError


def _nothing() -> None:
    pass


def run_trial(
    job: Job,
    params: Mapping[str, Any],
    report: Report,
    *,
    deadline: float | None = None,
    tick: Callable[[], None] = _nothing,
) -> Outcome:
    """Train with these settings; what goes wrong is told, not raised.

    Raises LeftError at the deadline, KeyboardInterrupt at Ctrl-C: then there is no outcome.
    """
    began = time.perf_counter()
    ear = Ear(report, deadline, tick)
    state: State = "failed"
    reason, unusable = "", False
    try:
        job.fresh(params, verbose=0).fit(job.data, **job.fit, watch=ear)
    except _OverError:
        state = "pruned" if ear.history is None else "complete"
    except LeftError:
        raise
    except GatewiseError as error:
        reason, unusable = str(error), isinstance(error, InputError)
    except MemoryError as error:
        reason = f"out of memory{f' ({error})' if str(error) else ''}"
    except Exception as error:  # a framework's own: of this trial alone, until all fail
        reason = f"{type(error).__name__}: {error}"
    history = ear.history
    best = None if history is None else history.best_loss
    return Outcome(
        state=state,
        value=best if history is not None else min(ear.losses, default=None),
        losses=tuple(ear.losses),
        best_epoch=0 if history is None else history.best_epoch,
        seconds=time.perf_counter() - began,
        reason=" ".join(reason.split())[:MOST],
        unusable=unusable,
    )
