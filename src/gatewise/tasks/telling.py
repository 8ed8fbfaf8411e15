"""What a task tells its watch before it trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gatewise.artifact import versions
from gatewise.engine import Engine
from gatewise.engines import processes
from gatewise.spec import Network, Training
from gatewise.tasks.shared import NESTED, TASKS
from gatewise.training import Nobody, Watch


def watched(
    model: Any,
    watch: Watch | Sequence[Watch] | None,
    network: Network,
    training: Training,
    data: Mapping[str, Any],
    **chosen: Any,
) -> Watch:
    """The watch, or several, beside progress as `verbose` says, told what the fit is about.

    network, training  completed
    data    the facts of it: what is one value each is told, sha256 among it
    chosen  arguments that the fit found for itself
    """
    from gatewise.runs.several import beside_progress

    if processes.rank():
        return Nobody()  # the first one speaks
    watching = beside_progress(watch, model.verbose)
    params = {**model.get_params(deep=False), **chosen}
    kind = type(model).__name__
    watching.about(
        {
            "task": next(task for task, (_, name) in TASKS.items() if name == kind),
            "data": {k: v for k, v in data.items() if isinstance(v, str | int | float)},
            "engine": model.engine,
            "settings": {
                **{name: v for name, v in params.items() if name not in (*NESTED, "verbose")},
                "network": network.model_dump(),
                "training": training.model_dump(),
            },
            "versions": versions(),
            "part": None,
        }
    )
    return watching


def engine_told(watch: Watch, engine: Engine, training: Training) -> None:
    """The watch knows what trains, where, and at which learning rate, should it have been found."""
    found = versions(**{engine.name: engine.version})
    watch.about({"device": engine.device, "versions": found, "learning_rate": training.rate})
