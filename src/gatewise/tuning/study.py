"""A study from its beginning to its end: what is tried, by whom, where it is written down."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gatewise.engines import processes
from gatewise.errors import RunError, UsageError, did_you_mean
from gatewise.spec import Settings as Fields
from gatewise.tasks.spaces import SPACES
from gatewise.tuning import store
from gatewise.tuning.ground import Fit, Ground, survey
from gatewise.tuning.record import Settings, Study, Trial
from gatewise.tuning.sampling import Sampling, distributions, optuna, quiet
from gatewise.tuning.search import Audience, Ended, Search, alone, ordered, together
from gatewise.tuning.space import Range, Space, space_of
from gatewise.tuning.trial import Job

TRIALS = 20  # where the number is not given
MOST_GRID = 100_000
SEARCHES = ("grid", "random", "bayes")
PRUNERS = ("none", "hyperband", "median")


def _check_alone() -> None:
    """Raises UsageError: each of several would search for itself, and wait for the others."""
    if processes.count() > 1:
        raise UsageError(
            f"tuning is done by one process, and this is one of {processes.count()} processes of "
            f"torchrun; start without it, and with jobs={processes.count()} (--jobs) instead"
        )


class Nowhere:
    """A study that is not written down."""

    def trials(self) -> list[Trial]:
        return []

    def begin(self, trial: Trial) -> None:
        pass

    def finish(self, trial: Trial) -> None:
        pass


def check_settings(settings: Settings) -> None:
    """Raises UsageError, one message that lists every problem."""
    problems = []
    for name, known in (("search", SEARCHES), ("prune", PRUNERS)):
        value = getattr(settings, name)
        if value not in known:
            near = did_you_mean(str(value), known)
            problems.append(f"{name} must be one of {', '.join(known)}, not {value!r}{near}")
    for name in ("trials", "jobs"):
        value = getattr(settings, name)
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not (whole and value >= 1) and not (value is None and name == "trials"):
            problems.append(f"{name} must be a whole number, at least 1, not {value!r}")
    limit = settings.timeout
    if limit is not None and (not isinstance(limit, int | float) or not limit > 0):
        problems.append(f"timeout must be a number of seconds above 0, not {limit!r}")
    if problems:
        raise UsageError("; ".join(problems))


def study(
    model: Any,
    data: Any,
    fit: Fit,
    space: Mapping[str, Any] | None,
    settings: Settings,
    *,
    audience: Audience,
    folder: Path | None = None,
    resume: bool = False,
    where: str = "space",
) -> Study:
    """Try settings on the validation part of `data` until there are enough, or time is up.

    model   with the settings that are not tried
    fit     further arguments of its fit
    space   None: the default one of the task, without what the model has chosen
    folder  that holds the study; None: it is not written down
    resume  go on with the study there

    Ctrl-C ends it with what is there. Raises UsageError, DataError, SpecError; RunError where no
    trial came to its end, unless all failed for what was given (UsageError).
    """
    optuna()
    _check_alone()
    check_settings(settings)
    if folder is not None:
        store.check(folder, resume=resume)
    plain = type(model)(**model.get_params(deep=False))  # without what it may have learnt
    ground = survey(plain, data, fit)
    usual = ground.usual()
    if space is None:
        space = _not_given(SPACES[ground.task], plain, ground.refused)
    dimensions = space_of(ground.task, type(model), space, usual, where)
    for dimension in dimensions:
        if dimension.name in ground.refused:
            why = ground.refused[dimension.name]
            raise UsageError(f"{where}: {dimension.short} cannot be tuned: {why}")
    wanted, notes = _wanted(dimensions, settings)
    both = [dimension.short for dimension in dimensions if dimension.short in _given(plain)]
    if both:
        notes.append(f"{', '.join(both)}: given, and tried all the same: the space names it")
    job = Job(plain, ground.data, ground.fit, _still(ground, dimensions))
    own = distributions(dimensions, grid=settings.search == "grid")
    identity = _identity(ground, plain, dimensions, settings)
    began = time.perf_counter()
    with (
        quiet(),
        _book(folder, identity, own, resume) as book,
    ):
        search = Search(
            Sampling(dimensions, settings, wanted, ground.training.epochs),
            book,
            audience,
            None if settings.timeout is None else time.time() + settings.timeout,
        )
        earlier = book.trials()
        search.remember(earlier)
        audience.begin(wanted, earlier, settings.jobs)
        ended: Ended = (
            alone(search, job) if settings.jobs == 1 else together(search, job, settings.jobs)
        )
        audience.end(ended)
    found = Study(
        task=ground.task,
        kind=type(model),
        space=dimensions,
        settings=settings,
        wanted=wanted,
        trials=ordered(search),
        usual=usual,
        pins=job.pins,
        ended=ended,
        seconds=time.perf_counter() - began,
        notes=tuple(notes),
    )
    _check_fruitful(found)
    return found


def _wanted(space: Space, settings: Settings) -> tuple[int, list[str]]:
    """(trials in all, notes)"""
    if settings.search != "grid":
        return settings.trials or TRIALS, []
    size = space.size()
    ranges = [d.short for d in space if isinstance(d, Range) and d.step is None]
    notes = []
    if ranges:
        notes.append(
            f"a grid takes low, middle and high of a range without steps: {', '.join(ranges)}"
        )
    if settings.trials is None and size > MOST_GRID:
        raise UsageError(
            f"the grid has {size:,} points; give --trials for a part of it, or fewer choices"
        )
    wanted = min(size, settings.trials or size)
    if wanted < size:
        notes.append(f"{wanted} of the {size:,} points of the grid are tried, drawn by the seed")
    elif settings.trials and settings.trials > size:
        notes.append(f"the grid has {size} points: so many trials, not {settings.trials}")
    return wanted, notes


def _not_given(space: Mapping[str, Any], model: Any, refused: Iterable[str]) -> dict[str, Any]:
    """The default space without what the user has chosen, and what is refused.

    Raises UsageError: nothing is left.
    """
    given = {*refused, *_given(model)}
    left = {name: values for name, values in space.items() if name not in given}
    if not left:
        raise UsageError("every setting of the default space is given: there is nothing to try")
    return left


def _given(model: Any) -> set[str]:
    """The settings that the user has chosen, by their short names."""
    given = set()
    for name, default in inspect.signature(type(model)).parameters.items():
        value = getattr(model, name)
        if isinstance(value, Fields):
            given |= set(value.chosen())
        elif value != default.default:
            given.add(name)
    return given


def _still(ground: Ground, space: Space) -> dict[str, Any]:
    """What is held still; a setting that is tried is not."""
    tried = {dimension.name for dimension in space}
    return {name: value for name, value in ground.pins.items() if name not in tried}


def _identity(ground: Ground, model: Any, space: Space, settings: Settings) -> dict[str, Any]:
    """What makes a study the one it is, JSON-ready; see store.NAMES."""
    params = model.get_params(deep=False)
    given = {
        name: value.chosen() if isinstance(value, Fields) else value
        for name, value in params.items()
        if name not in ("verbose", "seed")
    }
    return {
        "task": ground.task,
        "data": ground.digest,
        "space": space.to_json(),
        "search": settings.search,
        "prune": settings.prune,
        "seed": [settings.seed, model.seed],
        "settings": {name: value if _json(value) else str(value) for name, value in given.items()},
    }


def _json(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool | dict)


@contextmanager
def _book(
    folder: Path | None, identity: Mapping[str, Any], own: Mapping[str, Any], resume: bool
) -> Iterator[Any]:
    if folder is None:
        yield Nowhere()
        return
    with store.opened(folder, identity, own, resume=resume) as book:
        yield book


def _check_fruitful(found: Study) -> None:
    """Raises where there is no winner: RunError; UsageError where every trial failed for what was
    given; KeyboardInterrupt.
    """
    if found.best is not None:
        return
    if found.ended == "interrupted":
        raise KeyboardInterrupt
    outcomes = [trial.outcome for trial in found.trials if trial.outcome is not None]
    reasons = sorted({outcome.reason for outcome in outcomes if outcome.reason})
    why = f" ({'; '.join(reasons[:3])})" if reasons else ""
    said = f"no trial of {len(found.trials)} came to its end, so there is no winner{why}"
    if found.ended == "timeout":
        said += "; time was up: resume=True (--resume) goes on with a study that is kept"
    elif outcomes and all(outcome.unusable for outcome in outcomes):
        raise UsageError(said)
    raise RunError(said)
