"""What a task verb learns from, read and split off, for verbs that try settings of it first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatewise.cli import (
    classify_run,
    forecast_run,
    generate_run,
    show,
    tag_run,
    translate_run,
    verbs,
)
from gatewise.cli.forecast_parts import part
from gatewise.cli.options import Job
from gatewise.errors import UsageError
from gatewise.tasks.classifier import Classifier
from gatewise.tasks.forecaster import Forecaster
from gatewise.tasks.generator import Generator
from gatewise.tasks.tagger import Tagger
from gatewise.tasks.translator import Translator


@dataclass(frozen=True)
class Ready:
    """A model that has learnt nothing yet, and what it learns from: arguments of its fit.

    where  the test part, in words
    train  (job, order) -> the task's own run: trained on all that is learnt from, and judged
    """

    model: Any
    data: Any
    fit: Mapping[str, Any]
    notes: tuple[str, ...]
    where: str
    train: Callable[[Job[Any], verbs.Order], Any]


def _forecast(data: str, wanted: Job[Any]) -> Ready:
    options = wanted.options
    series, start = forecast_run.read(Path(data), options), options.start
    known = () if start is None else forecast_run.started(start).known_
    parts = part(series, options, known)
    own = {name: getattr(options, name) for name in forecast_run.PARAMETERS}
    model = Forecaster(**own, network=wanted.network, training=wanted.training)

    def train(job: Job[Any], order: verbs.Order) -> Any:
        return forecast_run.train_and_judge(series, job, order)

    return Ready(model, parts.rows, {}, series.notes, parts.words, train)


def _classify(data: str, wanted: Job[Any]) -> Ready:
    parts = classify_run.read(Path(data), wanted.options)
    own = {name: getattr(wanted.options, name) for name in classify_run.PARAMETERS}
    model = Classifier(**own, network=wanted.network, training=wanted.training)
    fit: dict[str, Any] = {"labels": parts.labels}
    given: Any = parts.texts
    if parts.frame is not None:
        given, fit = parts.frame, {"text": parts.text_columns, "label": parts.label_column}

    def train(job: Job[Any], order: verbs.Order) -> Any:
        return classify_run.train_and_judge(parts, job, order)

    return Ready(model, given, fit, parts.notes, show.counted(len(parts.test), "text"), train)


def _tag(data: str, wanted: Job[Any]) -> Ready:
    parts = tag_run.read(Path(data), wanted.options)
    own = {name: getattr(wanted.options, name) for name in tag_run.PARAMETERS}
    model = Tagger(**own, network=wanted.network, training=wanted.training)

    def train(job: Job[Any], order: verbs.Order) -> Any:
        return tag_run.train_and_judge(parts, job, order)

    where = show.counted(len(parts.test), "sentence")
    return Ready(model, parts.train, {}, parts.notes, where, train)


def _generate(data: str, wanted: Job[Any]) -> Ready:
    if Path(data).is_dir():
        raise UsageError(f"{data} is a folder; tuning needs a text file to learn from")
    parts = generate_run.read(Path(data), wanted.options)
    own = {name: getattr(wanted.options, name) for name in generate_run.PARAMETERS}
    model = Generator(**own, network=wanted.network, training=wanted.training)

    def train(job: Job[Any], order: verbs.Order) -> Any:
        run = generate_run.train_and_judge(parts, job, order)
        return generate_run.with_samples(run, job.options, None)

    return Ready(model, parts.train, {}, parts.notes, parts.where, train)


def _translate(data: str, wanted: Job[Any]) -> Ready:
    parts = translate_run.read(data, wanted.options)
    own = {name: getattr(wanted.options, name) for name in translate_run.PARAMETERS}
    model = Translator(**own, network=wanted.network, training=wanted.training)

    def train(job: Job[Any], order: verbs.Order) -> Any:
        return translate_run.train_and_judge(parts, job, order)

    return Ready(model, parts.train, {}, parts.notes, show.counted(len(parts.test), "pair"), train)


READERS: Mapping[str, Callable[[str, Job[Any]], Ready]] = {
    "forecast": _forecast,
    "classify": _classify,
    "tag": _tag,
    "generate": _generate,
    "translate": _translate,
}
