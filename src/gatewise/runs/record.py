"""What a watch is told, as plain events: what the log writes down and trackers show."""

from __future__ import annotations

import datetime
import math
import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Protocol, Self

from gatewise.training import EpochRecord, History

WITHIN = ("round", "part")  # facts that name a training: 'fold 2 of 4', 'member 1 of 3'
ALONE = "training"  # the name of one that has neither
Event = Mapping[str, Any]


class Judged(Protocol):
    """An evaluation of any task."""

    @property
    def ranked_by(self) -> str: ...

    def ranking(self) -> list[tuple[str, float]]: ...

    def standing(self) -> str: ...

    def verdict(self) -> str: ...

    def to_dict(self) -> dict[str, Any]: ...


class Record(ABC):
    """A watch that makes events of what it is told and gives them to `write`, in this order:

        run     once: id, at, and all that was known before the first epoch
        begin   of each training: training (its name), epochs and batches planned
        epoch   training, epoch, train_loss, validation_loss, learning_rate, seconds, best
        end     training, stopped, best_epoch
        scores  metric, ranking, lower_is_better, standing, verdict, judged
        done    at, state (finished, interrupted, failed), error

    The last two come where somebody says so: `scores(evaluation)`, and the end of `with`. A fit
    that follows another one is a run of its own, unless it is named as a part (`round`).
    """

    def __init__(self) -> None:
        self._facts: dict[str, Any] = {}
        self._training = ""
        self.epochs = 0
        self._running = False

    @abstractmethod
    def write(self, event: Event) -> None:
        """Keep it."""

    def about(self, facts: Mapping[str, Any]) -> None:
        """What is trained next: facts hold until others of the same name are told."""
        again = "task" in facts and not self._facts.get("round")
        if again and self._running:
            self.close(*(("failed", "its training did not end") if self._training else ()))
        self._facts |= facts

    def begin(self, epochs: int, batches: int) -> None:
        if not self._running:
            self._running, self.epochs = True, 0
            known = {name: fact for name, fact in self._facts.items() if name not in WITHIN}
            self.write({"event": "run", "id": secrets.token_hex(4), "at": now(), **known})
        named = [str(self._facts[name]) for name in WITHIN if self._facts.get(name)]
        self._training = ", ".join(named) or ALONE
        planned = {"epochs": epochs, "batches": batches}
        self.write({"event": "begin", "training": self._training, **planned})

    def tick(self) -> None:
        """Batches are not recorded."""
        return

    def epoch(self, record: EpochRecord, best: bool) -> None:
        self.epochs += 1
        told = {"event": "epoch", "training": self._training, **asdict(record), "best": best}
        self.write(told)

    def go_on(self, records: Sequence[EpochRecord], best_epoch: int, done: int) -> None:  # noqa: ARG002
        """What went before a kill: told again, for the last line of an epoch counts."""
        lowest = math.inf
        for record in records:
            loss = record.validation_loss
            self.epoch(record, loss is None or loss < lowest)
            lowest = min(lowest, math.inf if loss is None else loss)

    def end(self, history: History) -> None:
        how = {"stopped": history.stopped, "best_epoch": history.best_epoch}
        self.write({"event": "end", "training": self._training, **how})
        self._training = ""

    def scores(self, evaluation: Judged) -> None:
        """The scores on data kept from training, beside the baselines."""
        ranking = evaluation.ranking()
        self.write(
            {
                "event": "scores",
                "metric": evaluation.ranked_by,
                "ranking": [list(pair) for pair in ranking],
                "lower_is_better": ascending([score for _, score in ranking]),
                "standing": evaluation.standing(),
                "verdict": evaluation.verdict(),
                "judged": _judged(evaluation.to_dict()),
            }
        )

    def close(self, state: str = "finished", error: str | None = None) -> None:
        """The run is over; the next training begins another one. Nothing, where none began."""
        if self._running:
            self.write({"event": "done", "at": now(), "state": state, "error": error})
        self._running = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        elif isinstance(error, KeyboardInterrupt):
            self.close("interrupted")
        else:
            self.close("failed", f"{type(error).__name__}: {error}")


def now() -> str:
    """The time, with its zone."""
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


def ascending(scores: Sequence[float]) -> bool:
    """Whether the best of them, which come first, are the smallest."""
    told = [score for score in scores if math.isfinite(score)]
    return len(told) < 2 or told[0] <= told[-1]


def _judged(told: Mapping[str, Any]) -> int | None:
    """How many examples the scores are of."""
    counts = ("windows", "examples", "sentences", "pairs", "tokens")
    return next((int(told[name]) for name in counts if name in told), None)
