"""What a fitted translator is, in sections of printable facts, for `info` and the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatewise.tasks.class_facts import reading_facts
from gatewise.tasks.facts import network_facts, training_facts

if TYPE_CHECKING:
    from gatewise.tasks.translator import Translator


def facts(model: Translator) -> dict[str, dict[str, Any]]:
    """Sections in reading order; values are numbers, words or short lists."""
    return {
        "Data": _data(model),
        "Reading": {
            f"{side}: {name}": fact
            for side, codec in (("source", model.source_.codec), ("target", model.target_.codec))
            for name, fact in reading_facts(codec).items()
        },
        "Network": network_facts(model),
        "Training": {**training_facts(model), "teacher forcing": _teaching(model)},
        "Writing": _writing(model),
        "Versions": dict(model.versions_),
    }


def _data(model: Translator) -> dict[str, Any]:
    data = model.data_
    found: dict[str, Any] = {"pairs learnt from": f"{data['pairs']:,}"}
    if data["held"]:
        found["held out to stop by"] = f"{data['held']:,}"
    for name in ("source", "target"):
        shortest, middle, longest = data[f"{name} steps"]
        found[f"tokens of a {name}"] = f"{shortest} to {longest}, median {middle}"
    found["SHA-256 of the pairs"] = data["sha256"]
    return found


def _teaching(model: Translator) -> str:
    training = model.training_
    return f"{training.teacher_forcing:g}, {training.teacher_forcing_schedule}"


def _writing(model: Translator) -> dict[str, Any]:
    if model.beam == 1:
        return {"search": "greedy"}
    return {"search": f"beam of {model.beam}, length penalty {model.length_penalty:g}"}
