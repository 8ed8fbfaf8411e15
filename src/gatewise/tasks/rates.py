"""learning_rate="auto": where the rate is found, and the same without training."""

from __future__ import annotations

from typing import Any

from gatewise.batch import Source
from gatewise.engines import processes
from gatewise.errors import UsageError
from gatewise.spec import AUTO, NetworkSpec, Training
from gatewise.tasks.beginning import Beginning, begin_on
from gatewise.tasks.rate_finding import USUAL, RateSearch, find_rate
from gatewise.tasks.shared import TASKS, parameter_names
from gatewise.training import EpochRecord, Nobody


def with_rate(
    engine: str,
    spec: NetworkSpec,
    training: Training,
    begin: Beginning,
    train: Source,
    *,
    device: str,
    seed: int,
) -> tuple[Training, RateSearch | None]:
    """The training with a number for its learning rate, found on an engine of its own; and how."""
    if training.learning_rate != AUTO:
        return training, None
    training = training.replace(learning_rate=USUAL)
    built = begin_on(engine, spec, training, begin, device=device)
    found = find_rate(built, train, training, seed=seed)
    return training.replace(learning_rate=found.suggestion), found


def told(rates: RateSearch | None) -> list[str]:
    """The notes of a learning rate that was found, and of several processes."""
    return [*([] if rates is None else [rates.in_words]), *processes.together()]


class _Enough(Nobody):
    """Ends the training behind a range test."""

    def epoch(self, record: EpochRecord, best: bool) -> None:  # noqa: ARG002
        raise KeyboardInterrupt


def find_learning_rate(model: Any, *data: Any, **fit_arguments: Any) -> RateSearch:
    """Try learning rates on what `model.fit(*data, **fit_arguments)` would learn from.

    model  a Forecaster, Classifier, Tagger, Generator or Translator; it stays as it is

    The same as `Training(learning_rate="auto")` does before training: up to 100 batches at rates
    that rise from 1e-6 to 1, on the training part alone. `suggestion` is the rate to take, `plot`
    draws the curve. Raises as `fit` does.
    """
    task = type(model)
    if task.__name__ not in {name for _, name in TASKS.values()}:
        raise UsageError(
            f"find_learning_rate needs one of gatewise's tasks, not a {task.__name__}; "
            f"such as gw.Classifier()"
        )
    params = {name: getattr(model, name) for name in parameter_names(task)}
    # one update after the test: fit is the only place that knows how the data is read
    least = {"learning_rate": AUTO, "examples_per_epoch": 1}
    params["training"] = (params["training"] or Training()).replace(**least)
    if "members" in params and fit_arguments.get("start") is None:
        params["members"] = 1
    learning = task(**{**params, "verbose": 0})
    found: RateSearch = learning.fit(*data, **fit_arguments, watch=_Enough()).rates_
    return found
