"""What a fitted model is, in plain values by snake_case names: for programs, as `facts` for people.

Every name and every value of the settings is the one that Python and --config know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatewise.data.text import TextCodec
from gatewise.tasks.shared import NESTED, TASKS

BULKY = ("reach",)  # facts of the data that say nothing to a reader


def plain_facts(model: Any) -> dict[str, Any]:
    """JSON-ready; of a fitted model of any task."""
    history = model.history_
    params = model.get_params(deep=False)
    kind = type(model).__name__
    return {
        "task": next(task for task, (_, name) in TASKS.items() if name == kind),
        "data": {_snake(k): value for k, value in model.data_.items() if k not in BULKY},
        "params": {name: value for name, value in params.items() if name not in NESTED},
        **_learnt(model),
        "network": model.spec_.model_dump(),
        "parameters": model.parameters_,
        "training": model.training_.model_dump(),
        "history": {
            "epochs": len(history.records),
            "best_epoch": history.best_epoch,
            "stopped": history.stopped,
            "seconds": sum(record.seconds for record in history.records),
        },
        "began": model.began_,
        "notes": list(model.notes_),
        "versions": dict(model.versions_),
    }


def _snake(name: str) -> str:
    return name.replace(" ", "_").replace("-", "_").lower()


def _reading(codec: Any) -> Mapping[str, Any]:
    """Of a codec of any kind."""
    if not isinstance(codec, TextCodec):
        return {"channels": codec.channels, "max_length": codec.max_length}
    return {
        "unit": codec.unit,
        "tokens": len(codec.vocabulary),
        "lowercase": codec.lowercase,
        "normalization": codec.normalization,
        "ngrams": codec.channels,
        "ngrams_known": codec.size - codec.units,
        "max_length": codec.max_length,
        "truncate": codec.truncate,
    }


def _learnt(model: Any) -> dict[str, Any]:
    """What the tasks do not share."""
    match type(model).__name__:
        case "Forecaster":
            return {
                "strategy": model.strategy_,
                "lookback": model.lookback_,
                "season": model.season_,
                "window_scaling": model.codec_.window_scaling,
                "logarithm": model.codec_.logs,
            }
        case "Classifier":
            return {
                "classes": model.classes_.tolist(),
                "members": len(model.graphs_),
                "temperature": model.temperature_,
                "reading": _reading(model.reading_.codec),
            }
        case "Tagger":
            return {"tags": list(model.tags_), "features": len(model.codec_.vocabulary)}
        case "Generator":
            return {"reading": _reading(model.codec_)}
        case _:
            sides = {"source": model.source_.codec, "target": model.target_.codec}
            return {name: _reading(codec) for name, codec in sides.items()}
