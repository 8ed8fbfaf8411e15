"""One run of `gatewise tune`: search, train the winner and the defaults anew, compare, write."""

from __future__ import annotations

import datetime
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatewise import outputs
from gatewise.cli import show, verbs
from gatewise.cli.options import Job, Options
from gatewise.cli.ready import READERS, Ready
from gatewise.cli.tune_options import TuneOptions
from gatewise.spec import Network, Training
from gatewise.tuning import store
from gatewise.tuning.progress import audience
from gatewise.tuning.record import Settings, Study
from gatewise.tuning.sampling import optuna
from gatewise.tuning.space import read_space
from gatewise.tuning.study import study
from gatewise.tuning.tune import beside_usual, is_usual, loss_of, notes_of, winning
from gatewise.tuning.verdict import TunedEvaluation

MODEL_REPORT = "winner.html"


def order(
    wanted: Job[Any],
    how: TuneOptions,
    data: str,
    asked: Mapping[str, Any],
    config: str | None,
    *,
    quiet: bool,
    as_json: bool,
) -> verbs.Order:
    """Found out before anything is read: where the study is, and whether it may be there.

    Raises UsageError, MissingExtraError.
    """
    optuna()
    task = type(wanted.options).verb
    files = [Path(part) for part in ([data] if Path(data).exists() else data.split(","))]
    stem = Path(files[0].name.removesuffix(".gz")).stem
    out = Path(getattr(wanted.options, "out", None) or f"{stem}-tune-{task}")
    store.check(out, resume=how.resume)
    if not how.resume:
        outputs.check(out)
    return verbs.Order(
        verb=task,
        source=",".join(file.name for file in files),
        command=verbs.shell_line(f"tune {task}", data, asked, config),
        out=out,
        console=verbs.open_console(as_json),
        quiet=quiet,
        as_json=as_json,
    )


def run(
    order: verbs.Order, wanted: Job[Any], how: TuneOptions, limit: float | None, data: str
) -> int:
    """The exit code."""
    space = None if how.space is None else read_space(Path(how.space))
    ready = READERS[order.verb](data, wanted)
    order.tell_notes(ready.notes)
    settings = Settings(
        how.search, how.trials, how.prune, how.jobs, limit, seed=wanted.options.seed
    )
    try:
        return _searched(order, wanted, how, ready, space, settings)
    except KeyboardInterrupt:
        if (order.out / store.FILE).exists():
            said = f"the study is kept in {order.out}: --resume goes on with it"
            show.say(show.open_console(sys.stderr), said)
        raise


def _searched(
    order: verbs.Order,
    wanted: Job[Any],
    how: TuneOptions,
    ready: Ready,
    space: Mapping[str, Any] | None,
    settings: Settings,
) -> int:
    found = study(
        ready.model,
        ready.data,
        ready.fit,
        space,
        settings,
        audience=audience(order.verbose),
        folder=order.out,
        resume=how.resume,
        where=how.space or "space",
    )
    notes = notes_of(found)
    order.tell_notes(notes)
    best, plain = _trained(order, ready, wanted, found)
    evaluation = TunedEvaluation(best.evaluation, plain.evaluation, is_usual(found))
    loss = loss_of(plain.model)
    more = beside_usual(found, loss)
    order.tell_notes(more)
    notes = (*ready.notes, *notes, *more)
    return _finish(order, wanted, ready, found, best, evaluation, loss, notes)


def _trained(order: verbs.Order, ready: Ready, wanted: Job[Any], found: Study) -> tuple[Any, Any]:
    """The winner and the defaults, each trained as the task's verb trains.

    Raises KeyboardInterrupt: nothing half-trained is compared.
    """
    runs = []
    for words, job in (
        ("the winner", _with(wanted, winning(found))),
        ("the defaults", _judged_alone(wanted)),
    ):
        if order.verbose:
            show.say(show.open_console(sys.stderr), f"{words}, trained in full:")
        runs.append(ready.train(job, order))
        if runs[-1].interrupted:
            raise KeyboardInterrupt
    return runs[0], runs[1]


def _judged_alone(wanted: Job[Any]) -> Job[Any]:
    """The job without what is trained for a result that is not kept: a refit, further folds."""
    none = {"refit": False, "folds": None}
    options: Options = wanted.options
    own = {name: value for name, value in none.items() if name in type(options).model_fields}
    return Job(options.replace(**own), wanted.network, wanted.training)


def _with(wanted: Job[Any], params: Mapping[str, Any]) -> Job[Any]:
    """The job with the winner's settings."""
    own: dict[str, Any] = {}
    nested: dict[str, dict[str, Any]] = {"network": {}, "training": {}}
    for name, value in params.items():
        nest, _, field = name.rpartition("__")
        (nested[nest] if nest else own)[field] = value
    options: Options = wanted.options
    return Job(
        options.replace(**own),
        Network(**{**wanted.network.chosen(), **nested["network"]}),
        Training(**{**wanted.training.chosen(), **nested["training"]}),
    )


def _finish(
    order: verbs.Order,
    wanted: Job[Any],
    ready: Ready,
    found: Study,
    best: Any,
    evaluation: TunedEvaluation,
    usual_loss: float | None,
    notes: tuple[str, ...],
) -> int:
    """Write what was found beside the study, show it; the exit code."""
    from gatewise.report.tuning import TuningReport, write_tuning_report

    told = {
        **best.metrics(order.source),
        "evaluation": evaluation.to_dict(),
        "tuning": {
            "search": found.settings.search,
            "prune": found.settings.prune,
            "ended": found.ended,
            "wanted": found.wanted,
            "counts": found.counts(),
            "best_params": {} if found.best is None else found.best.params,
            "best_validation_loss": None if found.best is None else found.best.value,
            "defaults_validation_loss": usual_loss,
            "space": found.space.to_json(),
            "trials": found.table().to_dict("records"),
        },
        "notes": notes,
    }
    report = TuningReport(
        study=found,
        evaluation=evaluation,
        where=ready.where,
        usual_loss=usual_loss,
        source=order.source,
        title=f"{order.source}: tuning {order.verb}",
        command=order.command,
        facts=best.model.summary(),
        notes=notes,
        settings=verbs.to_yaml(type(wanted.options), best.settings),
        created=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
    )
    order.out.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=".new-", dir=order.out))
    try:
        best.write(workshop, order, told)
        (workshop / "report.html").rename(workshop / MODEL_REPORT)
        write_tuning_report(workshop / "report.html", report)
        found.table().to_csv(workshop / "trials.csv", index=False)
        _move(workshop, order.out)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    left = verbs.places(order.out)
    if not (order.quiet and order.as_json):
        show.say(order.console, "")
        show.score_table(order.console, f"Test: {ready.where}, kept from all trials", evaluation)
        verbs.tell_places(order.console, left)
    if order.as_json:
        verbs.tell_json(told, left)
    return verbs.ended(found.ended == "interrupted", getattr(best, "failure", None))


def _move(workshop: Path, out: Path) -> None:
    """Put each result in its place, metrics.json last: it marks the folder as complete."""
    entries = sorted(workshop.iterdir(), key=lambda entry: entry.name == outputs.MARK)
    for entry in entries:
        place = out / entry.name
        if place.is_dir():
            old = workshop / f"old-{entry.name}"
            place.rename(old)
        os.replace(entry, place)
