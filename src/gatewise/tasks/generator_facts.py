"""What a fitted generator is, in sections of printable facts, for `info` and the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatewise.tasks.class_facts import reading_facts
from gatewise.tasks.facts import network_facts, training_facts

if TYPE_CHECKING:
    from gatewise.tasks.generator import Generator


def facts(model: Generator) -> dict[str, dict[str, Any]]:
    """Sections in reading order; values are numbers, words or short lists."""
    return {
        "Data": _data(model),
        "Reading": reading_facts(model.codec_),
        "Network": {**network_facts(model), **_weights(model)},
        "Training": {**training_facts(model), "sequence_length": model.data_["sequence_length"]},
        "Versions": dict(model.versions_),
    }


def _data(model: Generator) -> dict[str, Any]:
    data = model.data_
    found: dict[str, Any] = {
        "learnt from": f"{data['characters']:,} characters, {data['tokens']:,} tokens"
    }
    if data["held"]:
        found["held out to stop by"] = (
            f"the first {data['held characters']:,} characters, {data['held']:,} tokens"
        )
    if data["several"]:
        found["texts"] = f"{data['texts']:,}, each with an end"
    found["SHA-256 of the text"] = data["sha256"]
    return found


def _weights(model: Generator) -> dict[str, Any]:
    """How the weights are kept, and what that costs."""
    nats = model.data_["nats"]
    if nats is None:
        return {"precision": "float32"}
    return {
        "precision": f"int8: {nats['int8']:.4f} nats per token against {nats['float32']:.4f} in "
        f"float32, {nats['on']}"
    }
