"""What a study stands on: the task's own choices for this data, found once before any trial."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gatewise.errors import UsageError, did_you_mean
from gatewise.spec import Network, Training
from gatewise.tasks.shared import TASKS
from gatewise.tasks.spaces import OTHER_UNIT

Fit = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ground:
    """The task's choices where nothing is tried.

    task     forecast, classify, ...
    data     what trials learn from, read once
    fit      further arguments of fit
    digest   SHA-256 of what is learnt from
    network, training  complete
    own      what else the task chose: lookback, max_length, ...
    pins     settings that must stay as they are, so that every trial has the same loss
    refused  name -> why it cannot be tuned beside the settings of this model
    """

    task: str
    data: Any
    fit: Fit
    digest: str
    network: Network
    training: Training
    own: Mapping[str, Any]
    pins: Mapping[str, Any]
    refused: Mapping[str, str] = field(default_factory=dict)

    def usual(self) -> dict[str, Any]:
        """Every setting by the name that get_params has."""
        network = {f"network__{name}": value for name, value in self.network.model_dump().items()}
        training = {
            f"training__{name}": value for name, value in self.training.model_dump().items()
        }
        return {**self.own, **network, **training}


def task_of(model: Any) -> str:
    """Raises UsageError for what is no model of ours."""
    for task, (module, name) in TASKS.items():
        if type(model).__name__ == name and type(model).__module__ == module:
            return task
    raise UsageError(
        f"expected a gatewise model to tune, such as gatewise.Classifier(), not {model!r:.80}"
    )


def check_fit(model: Any, fit: Fit) -> None:
    """Raises UsageError for what its fit does not take, or tuning has no use for."""
    known = [name for name in inspect.signature(model.fit).parameters if name != "watch"][1:]
    for name in fit:
        if name not in known:
            raise UsageError(
                f"neither tune nor {type(model).__name__}.fit has an argument '{name}'"
                f"{did_you_mean(name, known)}"
            )
    if fit.get("start") is not None:
        raise UsageError("tuning begins from random weights: start (--start) has no place in it")


def survey(model: Any, data: Any, fit: Fit) -> Ground:
    """Raises DataError, UsageError, SpecError where no trial could be trained."""
    task = task_of(model)
    check_fit(model, fit)
    return _SURVEYS[task](model, data, {k: v for k, v in fit.items() if k != "start"})


def _forecast(model: Any, data: Any, fit: Fit) -> Ground:
    from gatewise.data.table import SeriesTable, check_varies, read_series
    from gatewise.tasks.forecaster_choices import check_choices
    from gatewise.tasks.plan import make_plan

    check_choices(model)
    table = data if isinstance(data, SeriesTable) else read_series(data, **fit)
    check_varies(table)
    plan = make_plan(model, table)
    pins = {
        "strategy": plan.strategy,
        "window_scaling": plan.codec.window_scaling,
        "transform": "log" if plan.codec.logs else "none",
        "channel_independent": plan.codec.independent,
        "training__loss": plan.training.loss,
    }
    own = {"lookback": plan.codec.lookback}
    digest = table.summary()["sha256"]
    refused = {"lookback": OTHER_UNIT} if plan.codec.window_scaling == "mean_std" else {}
    return Ground("forecast", table, {}, digest, plan.network, plan.training, own, pins, refused)


def _classify(model: Any, data: Any, fit: Fit) -> Ground:
    from gatewise.tasks.class_plan import check_choices, make_plan
    from gatewise.tasks.examples import read_examples

    check_choices(model)
    labels = fit.get("labels")
    columns = {name: fit.get(name) for name in ("text", "label")}
    plan = make_plan(model, read_examples(data, labels, **columns))
    _check_held(plan.held)
    # the recipe smooths labels by the length of texts, which max_length or unit may change
    pins = {"training__label_smoothing": plan.training.label_smoothing}
    own = {"max_length": plan.reading.codec.max_length, "vocab_size": plan.reading.vocab_size}
    digest = plan.data["sha256"]
    return Ground("classify", data, fit, digest, plan.network, plan.training, own, pins)


def _tag(model: Any, data: Any, fit: Fit) -> Ground:
    from gatewise.tasks.tag_plan import check_choices, make_plan
    from gatewise.tasks.tagger import read_sentences

    check_choices(model)
    plan = make_plan(model, read_sentences(data, fit.get("tags")))
    _check_held(plan.held)
    own = {"min_count": model.min_count}
    digest = plan.data["sha256"]
    return Ground("tag", data, fit, digest, plan.network, plan.training, own, {})


def _generate(model: Any, data: Any, fit: Fit) -> Ground:
    from gatewise.tasks.generator_plan import check_choices, make_plan
    from gatewise.tasks.generator_text import read_texts

    check_choices(model)
    plan = make_plan(model, read_texts(data))
    _check_held(plan.held_source)
    digest = plan.data["sha256"]
    return Ground("generate", data, fit, digest, plan.network, plan.training, {}, {})


def _translate(model: Any, data: Any, fit: Fit) -> Ground:
    from gatewise.tasks.translator_pairs import read_given
    from gatewise.tasks.translator_plan import check_choices, make_plan

    check_choices(model)
    plan = make_plan(model, read_given(data, fit.get("targets")))
    _check_held(plan.held)
    digest = plan.data["sha256"]
    return Ground("translate", data, fit, digest, plan.network, plan.training, {}, {})


_SURVEYS: Mapping[str, Callable[[Any, Any, Fit], Ground]] = {
    "forecast": _forecast,
    "classify": _classify,
    "tag": _tag,
    "generate": _generate,
    "translate": _translate,
}


def _check_held(held: Any) -> None:
    """Raises UsageError where no validation part is there to compare trials on."""
    if held is None:
        raise UsageError(
            "nothing is held out for validation, so trials cannot be compared: give more data, or "
            "a validation share above 0"
        )
