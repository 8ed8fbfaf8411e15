"""The one training loop, for every task and every engine."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import Source
from gatewise.engine import Engine, EpochPlan
from gatewise.errors import DivergedError
from gatewise.spec import Training

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
    stopped: Literal["finished", "no progress", "interrupted"]
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
    """Who is told how training goes (a progress bar, lines of text, nobody)."""

    def begin(self, epochs: int, batches: int) -> None: ...

    def tick(self) -> None:
        """A batch was trained."""

    def epoch(self, record: EpochRecord, best: bool) -> None: ...

    def end(self, history: History) -> None: ...


class Nobody:
    """A watch that says nothing."""

    def begin(self, epochs: int, batches: int) -> None:
        pass

    def tick(self) -> None:
        pass

    def epoch(self, record: EpochRecord, best: bool) -> None:
        pass

    def end(self, history: History) -> None:
        pass


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
) -> History:
    """Train until the epochs are used up, progress ends, or Ctrl-C; the best weights are restored,
    and with them what the optimizer remembered beside them.

    Best is the lowest validation loss, the initial weights' included; without validation data,
    the last epoch. `epochs` ends the run earlier than planned, on the planned schedule. `behind`
    the weights lie so many epochs of an earlier run: order and dropout go on from there, while
    records and schedule begin anew. Ctrl-C before the first epoch is through raises
    KeyboardInterrupt: there is nothing to keep yet.
    Raises DivergedError when a loss is NaN, infinite, or out of all proportion to the start.
    """
    watch = watch or Nobody()
    size = min(len(train), training.examples_per_epoch or len(train))
    planned = training.epochs if epochs is None else min(epochs, training.epochs)
    watch.begin(planned, len(train.order(training.batch_size, seed=seed, epoch=0, limit=size)))
    held_out = (
        []
        if validation is None
        else validation.in_order(EVALUATION_BATCH, most=EVALUATION_EXAMPLES)
    )
    records: list[EpochRecord] = []
    best_loss = math.inf if validation is None else engine.evaluate(validation, held_out)
    best_epoch, best_weights, best_state = 0, engine.get_weights(), engine.get_state()
    start = 0.0 if validation is None else best_loss
    worst = EXPLODED * max(start, 1.0)  # scaled values vary by about 1
    drops, waited = 0, 0  # of the plateau schedule
    stopped: Literal["finished", "no progress", "interrupted"] = "finished"
    try:
        for epoch in range(planned):
            began = time.perf_counter()
            number = behind + epoch
            batches = train.order(training.batch_size, seed=seed, epoch=number, limit=size)
            plan = EpochPlan(
                batches=batches,
                learning_rates=learning_rates(training, epoch, len(batches), drops),
                teacher_forcing=np.full(len(batches), teacher_forcing(training, epoch)),
                seed=int(np.random.SeedSequence([seed, number]).generate_state(1)[0]),
                tick=watch.tick,
            )
            train_loss = engine.train_epoch(train, plan)
            loss = None if validation is None else engine.evaluate(validation, held_out)
            if not math.isfinite(loss or 0.0) or not train_loss <= worst:
                raise _diverged(train_loss, loss, epoch + 1, training)
            record = EpochRecord(
                epoch + 1,
                train_loss,
                loss,
                float(plan.learning_rates[-1]),
                time.perf_counter() - began,
            )
            records.append(record)
            better = loss is None or loss < best_loss - training.min_delta
            if better:
                best_loss = math.inf if loss is None else loss
                best_epoch = epoch + 1
                best_weights, best_state = engine.get_weights(), engine.get_state()
            watch.epoch(record, better)
            waited = 0 if better else waited + 1
            if waited >= training.schedule_epochs and training.schedule == "plateau":
                drops, waited = drops + 1, 0
            if training.patience is not None and epoch + 1 - best_epoch >= training.patience:
                stopped = "no progress"
                break
    except KeyboardInterrupt:
        if not records:
            raise
        stopped = "interrupted"
    engine.set_weights(best_weights)
    engine.set_state(best_state)
    history = History(tuple(records), best_epoch, stopped, None if validation is None else start)
    watch.end(history)
    return history


def learning_rates(
    training: Training, epoch: int, batches: int, drops: int = 0
) -> NDArray[np.float64]:
    """The rate of each step of an epoch: a pure function of the position (and plateau drops).

        constant  r                             step     r * factor ** (epoch // schedule_epochs)
        cosine    r * (1 + cos(pi * s)) / 2     plateau  r * factor ** drops

    s runs from 0 to 1 over all epochs after the warm-up, in which the rate rises linearly to r.
    """
    position = epoch + np.arange(batches) / batches  # in epochs, at the start of each step
    rate = np.full(batches, training.learning_rate)
    if training.schedule == "step":
        rate *= training.schedule_factor ** (epoch // training.schedule_epochs)
    elif training.schedule == "plateau":
        rate *= training.schedule_factor**drops
    elif training.schedule == "cosine":
        span = max(training.epochs - training.warmup_epochs, 1e-9)
        share = np.clip((position - training.warmup_epochs) / span, 0.0, 1.0)
        rate *= 0.5 * (1.0 + np.cos(np.pi * share))
    if training.warmup_epochs:
        after = position + 1.0 / batches  # so that the first step already moves
        rate *= np.minimum(1.0, after / training.warmup_epochs)
    return rate


def teacher_forcing(training: Training, epoch: int) -> float:
    """Share of decoder steps that are fed the truth in this epoch.

        linear           p * (1 - e)        e = epoch / (epochs - 1)
        inverse_sigmoid  p * k / (k + exp(epoch / k))     k = epochs / 8

    Source: Bengio et al. 2015, section 2.4.
    """
    share = training.teacher_forcing
    if training.teacher_forcing_schedule == "linear":
        return share * (1.0 - epoch / max(training.epochs - 1, 1))
    if training.teacher_forcing_schedule == "inverse_sigmoid":
        k = max(training.epochs / 8.0, 1.0)
        return share * k / (k + math.exp(min(epoch / k, 500.0)))
    return share


def _diverged(
    train_loss: float, validation_loss: float | None, epoch: int, training: Training
) -> DivergedError:
    advice = [f"lower learning_rate (now {training.learning_rate:g})"]
    if training.clip_norm is None:
        advice.append("clip the gradient (clip_norm=1.0)")
    if not training.warmup_epochs:
        advice.append("warm up (warmup_epochs=1)")
    return DivergedError(
        f"training diverged in epoch {epoch}: the loss is {train_loss:g} "
        f"(validation: {'none' if validation_loss is None else f'{validation_loss:g}'}); "
        f"{' or '.join(advice)}"
    )
