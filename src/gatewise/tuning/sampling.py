"""Which setting comes next, and which trial is not worth finishing: Optuna, seeded by number.

Optuna's study is kept in memory and can be built again from what is known of the trials. Its
sampler is made anew for every trial and seeded with (seed, number): what is drawn depends on the
trials before it alone, not on whether a process was killed in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, final

import numpy as np

from gatewise.errors import MissingExtraError
from gatewise.tuning.record import Settings, Trial
from gatewise.tuning.space import Choice, Dimension, Space
from gatewise.tuning.trial import Outcome

NAME = "gatewise"  # of the study: hyperband draws brackets by it
STARTUP = 6  # trials at random before the Bayesian search believes anything
WARM_UP = 0.1  # of all epochs: before that the median pruner stops nothing


def optuna() -> Any:
    """The package. Raises MissingExtraError."""
    try:
        import optuna as package
    except ImportError:
        raise MissingExtraError("optuna", "tune") from None
    return package


@contextmanager
def quiet() -> Iterator[None]:
    """Optuna says nothing of its own; afterwards as much as before."""
    package = optuna()
    before = package.logging.get_verbosity()
    package.logging.set_verbosity(package.logging.ERROR)
    try:
        yield
    finally:
        package.logging.set_verbosity(before)


def distribution(dimension: Dimension) -> Any:
    """As Optuna names it."""
    kinds = optuna().distributions
    if isinstance(dimension, Choice):
        return kinds.CategoricalDistribution(dimension.values)
    kind = kinds.IntDistribution if dimension.whole else kinds.FloatDistribution
    step = dimension.step or (1 if dimension.whole else None)
    return kind(dimension.low, dimension.top, log=dimension.log, step=step)


def distributions(space: Space, *, grid: bool) -> dict[str, Any]:
    """By name; of a grid the points of each range are its choices."""
    return {
        dimension.name: distribution(
            Choice(dimension.name, dimension.points()) if grid else dimension
        )
        for dimension in space
    }


@final
class Sampling:
    """The study in memory."""

    def __init__(self, space: Space, settings: Settings, wanted: int, epochs: int) -> None:
        """wanted: trials in all; epochs: of the longest trial, for the pruner."""
        package = optuna()
        self.space, self.settings, self.wanted = space, settings, wanted
        self.pruner = self._pruner(epochs)
        self.study = package.create_study(
            storage=package.storages.InMemoryStorage(), study_name=NAME, pruner=self.pruner
        )
        gridded = settings.search == "grid"
        self.grid = space.grid(settings.seed, wanted) if gridded else None
        self.distributions = distributions(space, grid=gridded)
        self.running: dict[int, Any] = {}

    def remember(self, trials: Sequence[Trial]) -> None:
        """Trials of an earlier run, from the first on; those without an outcome are asked anew."""
        for trial in trials:
            self.study.add_trial(frozen(trial, self.distributions))

    def ask(self) -> Trial | None:
        """The next one: one that was left, or a new one; None: there are enough."""
        trials = self.study.get_trials(deepcopy=False)
        waiting = any(trial.state.name == "WAITING" for trial in trials)
        number = len(trials)
        if not waiting and number >= self.wanted:
            return None
        if waiting:
            trial = self.study.ask(self.distributions)
        elif self.grid is not None:
            self.study.enqueue_trial(self.grid[number])
            trial = self.study.ask(self.distributions)
        else:
            self.study.sampler = self._sampler(number)
            trial = self.study.ask(self.distributions)
        self.running[trial.number] = trial
        params = {dimension.name: trial.params[dimension.name] for dimension in self.space}
        return Trial(trial.number, params)

    def keep_on(self, number: int, epoch: int, loss: float) -> bool:
        """Whether a trial is worth another epoch."""
        if self.settings.prune == "none":
            return True
        trial = self.running[number]
        trial.report(loss, epoch)
        return not trial.should_prune()

    def tell(self, trial: Trial, outcome: Outcome) -> Trial:
        """The trial with its outcome and what the pruner remembers."""
        package = optuna()
        states = package.trial.TrialState
        running = self.running.pop(trial.number)
        if outcome.state == "complete":
            self.study.tell(running, outcome.value)
        else:
            state = states.PRUNED if outcome.state == "pruned" else states.FAIL
            self.study.tell(running, state=state)
        told = self.study.get_trials(deepcopy=False)[trial.number].system_attrs
        rungs = {name: value for name, value in told.items() if name.startswith("completed_rung")}
        return Trial(trial.number, trial.params, outcome, rungs)

    def _sampler(self, number: int) -> Any:
        seed = int(np.random.SeedSequence([self.settings.seed, number]).generate_state(1)[0])
        samplers = optuna().samplers
        if self.settings.search == "random":
            return samplers.RandomSampler(seed=seed)
        return samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)

    def _pruner(self, epochs: int) -> Any:
        pruners = optuna().pruners
        if self.settings.prune == "hyperband":
            return pruners.HyperbandPruner(min_resource=1, max_resource=epochs, reduction_factor=3)
        if self.settings.prune == "median":
            return pruners.MedianPruner(n_warmup_steps=max(1, round(WARM_UP * epochs)))
        return pruners.NopPruner()


def frozen(trial: Trial, distributions: Mapping[str, Any]) -> Any:
    """A trial of ours as Optuna's; one without an outcome waits to be asked."""
    package = optuna()
    states = package.trial.TrialState
    outcome = trial.outcome
    if outcome is None:
        return package.trial.create_trial(
            state=states.WAITING, params=dict(trial.params), distributions=dict(distributions)
        )
    kinds = {"complete": states.COMPLETE, "pruned": states.PRUNED, "failed": states.FAIL}
    steps = dict(enumerate(outcome.losses, 1))
    return package.trial.create_trial(
        state=kinds[outcome.state],
        value=outcome.value if outcome.state == "complete" else None,
        params=dict(trial.params),
        distributions=dict(distributions),
        intermediate_values=steps,
        system_attrs=dict(trial.rungs or {}),
    )
