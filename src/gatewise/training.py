"""The one training loop, for every task and every engine."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import IntArray, Source
from gatewise.checkpoint import FORMAT, Snapshot, Stage, fingerprint, part, prefixed
from gatewise.engine import Engine, EpochPlan, HowFar, Progress
from gatewise.engines import processes
from gatewise.errors import DivergedError
from gatewise.schedules import learning_rates, teacher_forcing
from gatewise.spec import Training
from gatewise.weights import Weights

Stopped = Literal["finished", "no progress", "interrupted"]

EXPLODED = 1e3  # times the loss before training: clipped steps may never reach infinity
EVALUATION_BATCH = 512
EVALUATION_EXAMPLES = 5_000  # of the validation data, evenly spaced: more cost time, not doubt


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One pass: mean losses per example, the last learning rate, wall seconds."""

    epoch: int
    train_loss: float
    validation_loss: float | None
    learning_rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class History:
    """What training did.

    best_epoch  number (from 1) of the epoch whose weights were kept; 0: the initial ones
    stopped     finished: all epochs ran; no progress: early stopping; interrupted: Ctrl-C
    start_loss  validation loss of the initial weights; None: without validation data, or not kept
    """

    records: tuple[EpochRecord, ...]
    best_epoch: int
    stopped: Stopped
    start_loss: float | None = None

    @property
    def best_loss(self) -> float | None:
        """Validation loss of the weights that were kept; None: there is none."""
        if not self.best_epoch:
            return self.start_loss
        return self.records[self.best_epoch - 1].validation_loss

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` reads it back."""
        return {
            "records": [asdict(record) for record in self.records],
            "best_epoch": self.best_epoch,
            "stopped": self.stopped,
            "start_loss": self.start_loss,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> History:
        records = tuple(EpochRecord(**record) for record in data["records"])
        return cls(records, data["best_epoch"], data["stopped"], data.get("start_loss"))


class Watch(Protocol):
    """Who is told how training goes (a progress bar, lines of text, a log, nobody)."""

    def about(self, facts: Mapping[str, Any]) -> None:
        """What is trained next, in plain values: task, data, settings, engine, versions; which
        part of a run it is. Facts hold until others of the same name are told.
        """

    def begin(self, epochs: int, batches: int) -> None: ...

    def tick(self) -> None:
        """A batch was trained."""

    def epoch(self, record: EpochRecord, best: bool) -> None: ...

    def go_on(self, records: Sequence[EpochRecord], best_epoch: int, done: int) -> None:
        """After `begin`: these epochs, and `done` batches of the next, are through already."""

    def end(self, history: History) -> None: ...


class Nobody:
    """A watch that says nothing."""

    def about(self, facts: Mapping[str, Any]) -> None:
        pass

    def begin(self, epochs: int, batches: int) -> None:
        pass

    def tick(self) -> None:
        pass

    def epoch(self, record: EpochRecord, best: bool) -> None:
        pass

    def go_on(self, records: Sequence[EpochRecord], best_epoch: int, done: int) -> None:
        pass

    def end(self, history: History) -> None:
        pass


@dataclass
class Course:
    """Where a run stands between two batches: with the engine, all that it takes to go on.

    start    the loss before training
    done     batches of the epoch under way; so_far: what the engine holds of it
    seconds  that this epoch has taken
    drops, waited  of the plateau schedule
    """

    start: float
    best_loss: float
    best_weights: Weights
    best_state: Mapping[str, NDArray[Any]]
    best_epoch: int = 0
    records: list[EpochRecord] = field(default_factory=list)
    drops: int = 0
    waited: int = 0
    done: int = 0
    so_far: Progress = field(default_factory=dict)
    seconds: float = 0.0
    stopped: Stopped | None = None

    def add(self, record: EpochRecord, engine: Engine, training: Training) -> bool:
        """An epoch is through; whether it was the best."""
        self.records.append(record)
        self.done, self.so_far, self.seconds = 0, {}, 0.0
        loss = record.validation_loss
        better = loss is None or loss < self.best_loss - training.min_delta
        if better:
            self.best_loss = math.inf if loss is None else loss
            self.best_epoch = record.epoch
            self.best_weights, self.best_state = engine.get_weights(), engine.get_state()
        self.waited = 0 if better else self.waited + 1
        if self.waited >= training.schedule_epochs and training.schedule == "plateau":
            self.drops, self.waited = self.drops + 1, 0
        return better

    def snapshot(self, engine: Engine, identity: Mapping[str, Any]) -> Snapshot:
        """As it is now; of a run that has ended what was best."""
        arrays = prefixed("so_far", self.so_far)
        if self.stopped is None:
            arrays |= prefixed("weights", engine.get_weights())
            arrays |= prefixed("state", engine.get_state())
        now_best = self.stopped is None and not self.done and self.best_epoch == len(self.records)
        if not now_best:
            arrays |= prefixed("best_weights", self.best_weights)
            arrays |= prefixed("best_state", self.best_state)
        kept = ("start", "best_loss", "best_epoch", "drops", "waited", "done", "seconds", "stopped")
        facts = {name: getattr(self, name) for name in kept}
        records = [asdict(record) for record in self.records]
        facts |= {"records": records, "identity": identity, "made by": _made_by(engine)}
        return Snapshot(arrays, facts)

    @classmethod
    def restored(cls, engine: Engine, kept: Snapshot) -> Course:
        """The course of a snapshot, and the engine as it was then."""
        facts = {n: v for n, v in kept.facts.items() if n not in ("records", "identity", "made by")}
        best, best_state = part(kept.arrays, "best_weights"), part(kept.arrays, "best_state")
        weights, state = part(kept.arrays, "weights"), part(kept.arrays, "state")
        if facts["stopped"] is None:
            engine.set_weights(weights)
            engine.set_state(state)
        return cls(
            best_weights=best or weights,
            best_state=best_state if best else state,
            records=[EpochRecord(**record) for record in kept.facts["records"]],
            so_far=part(kept.arrays, "so_far"),
            **facts,
        )


def fit(
    engine: Engine,
    train: Source,
    validation: Source | None,
    training: Training,
    *,
    seed: int,
    watch: Watch | None = None,
    epochs: int | None = None,
    behind: int = 0,
    stage: Stage | None = None,
    about: Mapping[str, Any] | None = None,
) -> History:
    """Train until the epochs are used up, progress ends, or Ctrl-C; the best weights are restored,
    and with them what the optimizer remembered beside them.

    Best is the lowest validation loss, the initial weights' included; without validation data,
    the last epoch. `epochs` ends the run earlier than planned, on the planned schedule. `behind`
    the weights lie so many epochs of an earlier run: order and dropout go on from there, while
    records and schedule begin anew. Ctrl-C before the first epoch is through raises
    KeyboardInterrupt: there is nothing to keep yet.

    stage  where checkpoints are written, and read where the run is to go on: it ends in the same
           bits as if nothing had cut it off
    about  what makes it the same run, beside `training` and the data
    Raises DivergedError when a loss is NaN, infinite, or out of all proportion to the start;
    CheckpointError; UsageError where the checkpoints are another run's.
    """
    watch = Nobody() if watch is None or processes.rank() else watch  # the first one speaks
    size = min(len(train), training.examples_per_epoch or len(train))
    planned = training.epochs if epochs is None else min(epochs, training.epochs)
    rows = training.batch_size * processes.count()  # of a step, together
    watch.begin(planned, len(train.order(rows, seed=seed, epoch=0, limit=size)))
    held_out = (
        []
        if validation is None
        else validation.in_order(EVALUATION_BATCH, most=EVALUATION_EXAMPLES)
    )
    keep = None
    if stage is not None:
        run = {"seed": seed, "epochs to run": planned, "epochs behind": behind, **(about or {})}
        keep = _Keeper(engine, stage, _identity(engine, train, validation, training, run))
    course = _begun(engine, validation, held_out, keep, watch)
    worst = EXPLODED * max(0.0 if validation is None else course.start, 1.0)  # scaled: about 1
    try:
        while course.stopped is None:
            epoch = len(course.records)
            batches = train.order(rows, seed=seed, epoch=behind + epoch, limit=size)
            began = time.perf_counter() - course.seconds

            def tick(how_far: HowFar, began: float = began, count: int = len(batches)) -> None:
                watch.tick()
                course.done += 1
                if keep is not None and course.done < count and keep.stage.due():
                    course.so_far, course.seconds = how_far(), time.perf_counter() - began
                    keep.write(course)

            plan = _plan(training, course, batches, tick, (seed, behind + epoch))
            train_loss = engine.train_epoch(train, plan)
            loss = None if validation is None else engine.evaluate(validation, held_out)
            if not math.isfinite(loss or 0.0) or not train_loss <= worst:
                raise _diverged(train_loss, loss, epoch + 1, training)
            seconds = time.perf_counter() - began
            rate = float(plan.learning_rates[-1])
            record = EpochRecord(epoch + 1, train_loss, loss, rate, seconds)
            better = course.add(record, engine, training)
            watch.epoch(record, better)
            if epoch + 1 >= planned:
                course.stopped = "finished"
            if training.patience is not None and epoch + 1 - course.best_epoch >= training.patience:
                course.stopped = "no progress"
            if keep is not None and (course.stopped or keep.stage.due_after_epoch()):
                keep.write(course)
    except KeyboardInterrupt:
        if not course.records:
            raise
        course.stopped = "interrupted"
    engine.set_weights(course.best_weights)
    engine.set_state(dict(course.best_state))
    start = None if validation is None else course.start
    history = History(tuple(course.records), course.best_epoch, course.stopped, start)
    watch.end(history)
    return history


@dataclass(frozen=True, slots=True)
class _Keeper:
    """Writes checkpoints of one run, and reads them."""

    engine: Engine
    stage: Stage
    identity: Mapping[str, Any]

    def last(self) -> Snapshot | None:
        return self.stage.last(self.identity, _made_by(self.engine))

    def write(self, course: Course) -> None:
        self.stage.write(course.snapshot(self.engine, self.identity))


def _begun(
    engine: Engine,
    validation: Source | None,
    held_out: Sequence[IntArray],
    keep: _Keeper | None,
    watch: Watch,
) -> Course:
    """From the last checkpoint, the engine as it was then; else from the weights as they are."""
    last = None if keep is None else keep.last()
    if last is None:
        loss = math.inf if validation is None else engine.evaluate(validation, held_out)
        return Course(loss, loss, engine.get_weights(), engine.get_state())
    course = Course.restored(engine, last)
    watch.go_on(course.records, course.best_epoch, course.done)
    return course


def _plan(
    training: Training,
    course: Course,
    batches: Sequence[IntArray],
    tick: Callable[[HowFar], None],
    seeds: tuple[int, int],
) -> EpochPlan:
    """Of the epoch that the course stands in."""
    epoch = len(course.records)
    return EpochPlan(
        batches=batches,
        learning_rates=learning_rates(training, epoch, len(batches), course.drops),
        teacher_forcing=np.full(len(batches), teacher_forcing(training, epoch)),
        seed=int(np.random.SeedSequence(seeds).generate_state(1)[0]),
        tick=tick,
        done=course.done,
        so_far=course.so_far,
    )


def _made_by(engine: Engine) -> str:
    return f"{engine.name} {engine.version} on {engine.device}"


def _identity(
    engine: Engine,
    train: Source,
    validation: Source | None,
    training: Training,
    run: Mapping[str, Any],
) -> dict[str, Any]:
    """What must be the same for a run to go on."""
    held = {} if validation is None else validation.arrays
    return {
        "format of checkpoints": FORMAT,
        "engine": engine.name,
        **run,
        "training": training.model_dump(mode="json"),
        "data": fingerprint(train.arrays, held),
        "start": fingerprint(engine.get_weights(), engine.get_state()),
    }


def _diverged(
    train_loss: float, validation_loss: float | None, epoch: int, training: Training
) -> DivergedError:
    advice = [f"lower learning_rate (now {training.rate:g})"]
    if training.clip_norm is None:
        advice.append("clip the gradient (clip_norm=1.0)")
    if not training.warmup_epochs:
        advice.append("warm up (warmup_epochs=1)")
    return DivergedError(
        f"training diverged in epoch {epoch}: the loss is {train_loss:g} "
        f"(validation: {'none' if validation_loss is None else f'{validation_loss:g}'}); "
        f"{' or '.join(advice)}"
    )
