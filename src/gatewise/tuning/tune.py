"""`gatewise.tune`: search on the validation part, then one look at the test part."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatewise.errors import UsageError
from gatewise.tuning.ground import task_of
from gatewise.tuning.parts import split
from gatewise.tuning.record import Prune, Search, Settings, Study
from gatewise.tuning.space import read_space
from gatewise.tuning.study import study
from gatewise.tuning.verdict import TunedEvaluation

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class TuningResult:
    """What a study found.

    best_params  the winner's settings, as set_params takes them
    best_model   trained with them
    study        every trial, and how the search went
    evaluation   the winner beside the defaults and the baselines, on the test part
    where        the test part, in words
    usual_loss   lowest validation loss of the defaults
    """

    best_params: dict[str, Any]
    best_model: Any
    study: Study
    evaluation: TunedEvaluation
    where: str
    usual_loss: float | None = None

    @property
    def verdict(self) -> str:
        """In words: the winner beside the defaults, then beside the baselines."""
        return self.evaluation.verdict()

    @property
    def trials(self) -> pd.DataFrame:
        """A row for each trial."""
        return self.study.table()

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be said of the study: settings at an edge, failed trials, an early end."""
        return (*notes_of(self.study), *beside_usual(self.study, self.usual_loss))

    def report(self, path: str | os.PathLike[str]) -> None:
        """Write the page: one HTML file. Raises RunError when the disk refuses."""
        from gatewise.report.tuning import TuningReport, write_tuning_report

        report = TuningReport(
            study=self.study,
            evaluation=self.evaluation,
            where=self.where,
            usual_loss=self.usual_loss,
            facts=self.best_model.summary(),
            notes=self.notes,
        )
        write_tuning_report(path, report)

    def __repr__(self) -> str:
        """The winner, the score table and the verdict, as text."""
        from gatewise.tuning.record import in_words

        counts = ", ".join(f"{n} {state}" for state, n in self.study.counts().items() if n)
        return f"{counts}; best: {in_words(self.best_params)}\n{self.evaluation!r}"


def tune(
    model: Any,
    data: Any,
    space: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    *,
    trials: int | None = None,
    search: Search = "bayes",
    prune: Prune = "none",
    jobs: int = 1,
    timeout: float | None = None,
    test: float | int | None = None,
    seed: int = 0,
    out: str | os.PathLike[str] | None = None,
    resume: bool = False,
    verbose: int = 1,
    **fit_arguments: Any,
) -> TuningResult:
    """Try settings of a model, and judge the best beside the defaults on data that none has seen.

    model    unfitted, with the settings that are not tried
    data     as its fit takes it; of it a test part is split off first
    space    name -> choices (a list), or a range {"low", "high", "log", "step"}; or a YAML file of
             that; None: the default space of the task
    trials   so many at most; None: 20, or the whole grid
    search   grid, random, bayes (tree-structured Parzen estimator)
    prune    end trials early that fall behind: none, hyperband, median
    jobs     processes, one thread each
    timeout  seconds after which the search ends: a trial under way is dropped, unless none was
             complete when it began
    test     share (below 1) or number of examples kept from all trials; None: a fifth
    seed     of the search
    out      folder that keeps the study; None: it is not kept
    resume   go on with the study in `out`
    fit_arguments  of the model's fit: target="passengers", labels=labels, ...

    A trial is the model's own fit, judged by its lowest validation loss. Raises UsageError,
    DataError, SpecError, MissingExtraError; RunError where every trial failed.
    """
    from gatewise.tuning.progress import audience

    task_of(model)
    if resume and out is None:
        raise UsageError("resume needs the folder of the study: out=")
    if isinstance(space, str | os.PathLike):
        where, space = str(space), read_space(Path(space))
    else:
        where = "space"
    parts = split(model, data, fit_arguments, test)
    settings = Settings(search, trials, prune, jobs, timeout, seed)
    found = study(
        model,
        parts.data,
        parts.fit,
        space,
        settings,
        audience=audience(verbose),
        folder=None if out is None else Path(out),
        resume=resume,
        where=where,
    )
    fresh = type(model)(**model.get_params(deep=False))
    best = fresh.set_params(**winning(found)).fit(parts.data, **parts.fit)
    plain = type(model)(**model.get_params(deep=False)).fit(parts.data, **parts.fit)
    for one in (best, plain):
        if one.history_.stopped == "interrupted":
            raise KeyboardInterrupt
    evaluation = TunedEvaluation(parts.judge(best), parts.judge(plain), is_usual(found))
    params = dict(found.best.params) if found.best is not None else {}
    loss = loss_of(plain)
    return TuningResult(params, best, found, evaluation, parts.where, loss)


def winning(found: Study) -> dict[str, Any]:
    """The winner's settings, and those that all trials had in common."""
    return {**found.pins, **(found.best.params if found.best is not None else {})}


def loss_of(fitted: Any) -> float | None:
    """Lowest validation loss of a fitted model, as a trial has it: further members are not asked,
    whose seeds are others.
    """
    histories = getattr(fitted, "histories_", None) or (fitted.history_,)
    loss: float | None = histories[0].best_loss
    return loss


def is_usual(found: Study) -> bool:
    """Whether the winner has what the task would take itself."""
    best = found.best
    return best is not None and all(
        name in found.usual and found.usual[name] == value for name, value in best.params.items()
    )


def notes_of(found: Study) -> tuple[str, ...]:
    """What must be said of a study."""
    said = [*found.notes]
    counts = found.counts()
    ended = len(found.trials) - counts["left"]
    if found.ended != "finished":
        why = "time was up" if found.ended == "timeout" else "the study was interrupted"
        said.append(
            f"{why} after {ended} of {found.wanted} trials; resume=True (--resume) goes on with a "
            f"study that is kept"
        )
    if counts["failed"]:
        reasons = {t.outcome.reason for t in found.trials if t.outcome and t.outcome.reason}
        listed = "; ".join(sorted(reasons)[:3])
        said.append(f"{counts['failed']} of {ended} trials failed: {listed}")
    said += found.edges()
    return tuple(said)


def beside_usual(found: Study, loss: float | None) -> tuple[str, ...]:
    """What must be said where no trial came up to the defaults on the validation part.

    loss  the lowest of the defaults
    """
    best = None if found.best is None else found.best.value
    if loss is None or best is None or best <= loss:
        return ()
    return (
        f"on the validation part, too, no trial did better than the defaults ({best:.4g} against "
        f"{loss:.4g}): more trials, or a space around the defaults, may",
    )
