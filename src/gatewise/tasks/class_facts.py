"""What a fitted classifier is, in sections of printable facts, for `info` and the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatewise.data.text import TextCodec
from gatewise.tasks.facts import network_facts, training_facts

if TYPE_CHECKING:
    from gatewise.tasks.classifier import Classifier

SHOWN = 20  # classes that are listed


def facts(model: Classifier) -> dict[str, dict[str, Any]]:
    """Sections in reading order; values are numbers, words or short lists."""
    return {
        "Data": _data(model),
        "Reading": reading_facts(model.reading_.codec),
        "Network": network_facts(model),
        "Training": {
            **training_facts(model),
            "networks averaged": len(model.graphs_),
            "temperature": f"{model.temperature_:.3f} (1: as trained)",
        },
        "Versions": dict(model.versions_),
    }


def _data(model: Classifier) -> dict[str, Any]:
    data = model.data_
    found: dict[str, Any] = {"examples learnt from": f"{data['examples']:,}"}
    if data["held"]:
        found["held out to stop by"] = f"{data['held']:,}"
    for name in ("text", "label"):
        if data[name] is not None:
            found[f"{name} column"] = data[name]
    shortest, middle, longest = data["steps"]
    found["steps"] = f"{shortest} to {longest}, median {middle}"
    found["classes"] = len(model.labels_.classes)
    several = "label" if model.labels_.kind == "multilabel" else "class"
    for name, count in list(zip(model.labels_.classes, data["counts"], strict=True))[:SHOWN]:
        found[f"{several}: {name}"] = f"{count:,}"
    if len(model.labels_.classes) > SHOWN:
        found["further classes"] = len(model.labels_.classes) - SHOWN
    found["SHA-256 of the examples"] = data["sha256"]
    return found


def reading_facts(codec: Any) -> dict[str, Any]:
    """Of a codec of any kind."""
    if not isinstance(codec, TextCodec):
        return {"channels": codec.channels, "most steps read": codec.max_length}
    found: dict[str, Any] = {
        "unit": codec.unit,
        "tokens known": f"{len(codec.vocabulary):,}",
        "lower case": codec.lowercase,
    }
    if codec.channels > 1:
        found["n-grams"] = f"up to {codec.channels}, {codec.size - codec.units:,} known"
    if codec.max_length is not None:
        cut = f"of a longer text the {codec.truncate} is not read"
        found["most tokens read"] = f"{codec.max_length}; {cut}"
    return found
