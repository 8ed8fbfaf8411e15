"""What is known of a study and of its trials: plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gatewise.tuning.space import Space, at_edge
from gatewise.tuning.trial import Outcome

if TYPE_CHECKING:
    import pandas as pd

Search = Literal["grid", "random", "bayes"]
Prune = Literal["none", "hyperband", "median"]


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting and what came of it.

    number   from 0; its sampler is seeded with it
    params   by the names that get_params has
    outcome  None: it began and was not finished
    rungs    what the pruner remembers of it
    """

    number: int
    params: Mapping[str, Any]
    outcome: Outcome | None = None
    rungs: Mapping[str, float] | None = None

    @property
    def state(self) -> str:
        """complete, pruned, failed, or left."""
        return "left" if self.outcome is None else self.outcome.state

    @property
    def value(self) -> float | None:
        """Lowest validation loss of a complete trial."""
        if self.outcome is None or self.outcome.state != "complete":
            return None
        return self.outcome.value


@dataclass(frozen=True, slots=True)
class Settings:
    """How a study searches.

    trials   so many at most; None: the whole grid
    jobs     processes
    timeout  seconds after which the search ends: a trial under way is dropped, unless none was
             complete when it began; None: no limit
    """

    search: Search = "bayes"
    trials: int | None = None
    prune: Prune = "none"
    jobs: int = 1
    timeout: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class Study:
    """A study that came to its end.

    wanted   trials it was to have
    ended    finished, timeout, interrupted
    seconds  of this run of it
    usual    what the task would take itself, by name
    """

    task: str
    kind: type
    space: Space
    settings: Settings
    wanted: int
    trials: Sequence[Trial]
    usual: Mapping[str, Any]
    pins: Mapping[str, Any]
    ended: Literal["finished", "timeout", "interrupted"]
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Trial | None:
        """The complete trial with the lowest validation loss, the first of several alike."""
        return best_of(self.trials)

    def counts(self) -> dict[str, int]:
        """state -> trials"""
        found = dict.fromkeys(("complete", "pruned", "failed", "left"), 0)
        for trial in self.trials:
            found[trial.state] += 1
        return found

    def edges(self) -> list[str]:
        """What must be said where the winner stands at the end of what was tried."""
        best, found = self.best, []
        for dimension in self.space if best is not None else ():
            value = None if best is None else best.params[dimension.name]
            edge = at_edge(dimension, value, self.kind)
            if edge is not None:
                found.append(f"{dimension.short} {shown(value)} is the {edge}")
        if not found:
            return []
        return [
            f"the winner stands at the edge of what was tried ({', '.join(found)}): a wider space "
            f"may hold better ones"
        ]

    def table(self) -> pd.DataFrame:
        """A row for each trial: number (from 1), state, value, a column for each setting, epochs,
        seconds, reason.
        """
        import pandas as pd

        rows = [row(trial, [dimension.short for dimension in self.space]) for trial in self.trials]
        columns = ["trial", "state", "value", *(dimension.short for dimension in self.space)]
        columns += ["best_epoch", "epochs_run", "seconds", "reason"]
        return pd.DataFrame(rows, columns=columns)


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The complete trial with the lowest validation loss, the first of several alike."""
    done = [trial for trial in trials if trial.value is not None]
    return min(done, key=lambda trial: (trial.value, trial.number), default=None)


def row(trial: Trial, names: Sequence[str]) -> dict[str, Any]:
    """A trial as one flat line."""
    own = {name.rpartition("__")[2]: value for name, value in trial.params.items()}
    outcome = trial.outcome or Outcome("failed")
    return {
        "trial": trial.number + 1,
        "state": trial.state,
        "value": outcome.value,
        **{name: own.get(name) for name in names},
        "best_epoch": outcome.best_epoch,
        "epochs_run": len(outcome.losses),
        "seconds": round(outcome.seconds, 3),
        "reason": outcome.reason,
    }


def shown(value: Any) -> str:
    """A setting's value in words."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def in_words(params: Mapping[str, Any]) -> str:
    """`hidden_size 64, learning_rate 0.003`"""
    return ", ".join(f"{name.rpartition('__')[2]} {shown(v)}" for name, v in params.items())
