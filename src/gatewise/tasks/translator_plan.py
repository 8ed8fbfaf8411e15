"""What a translator decides before it trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import UNKNOWN, IntArray
from gatewise.data.pairs import Pairs
from gatewise.data.parts import duplicates
from gatewise.data.sequences import Ragged, Sequences
from gatewise.data.units import UNITS
from gatewise.errors import SpecError, UsageError, did_you_mean
from gatewise.spec import Attention, Network, NetworkSpec, Training
from gatewise.tasks.holding_out import hold_out
from gatewise.tasks.reading import Reading
from gatewise.tasks.shared import argument_problems, misplaced
from gatewise.tasks.translator_pairs import Written, are_whole, check_kind, digest, learn_codec
from gatewise.tasks.translator_recipe import recipe
from gatewise.tasks.translator_writing import decoding_problems, reach_of
from gatewise.weights import initial

if TYPE_CHECKING:
    from gatewise.tasks.translator import Translator

MEANINGLESS = ("pooling", "segment_length", "shortcut")


@dataclass(frozen=True, slots=True)
class Plan:
    """All that training needs; `given` are weights to begin with."""

    spec: NetworkSpec
    network: Network
    training: Training
    source: Reading
    target: Written
    train: Sequences
    held: Sequences | None
    given: Mapping[str, NDArray[np.float32]]
    notes: tuple[str, ...]
    data: dict[str, Any]


def check_choices(model: Translator) -> None:
    """Raises UsageError for arguments that no data could make sense of."""
    problems = argument_problems(model)
    problems += decoding_problems(model.beam, model.length_penalty, model.max_length)
    for name in ("unit", "source_unit", "target_unit"):
        unit = getattr(model, name)
        if unit not in UNITS and not (unit is None and name != "unit"):
            near = did_you_mean(str(unit), UNITS)
            problems.append(f"{name} must be one of {', '.join(UNITS)}, not {unit!r}{near}")
    chosen = {} if model.network is None else model.network.chosen()
    kinds, asked = get_args(Attention), model.attention
    if asked is not None and asked not in kinds:
        near = did_you_mean(str(asked), kinds)
        problems.append(f"attention must be one of {', '.join(kinds)}, not {asked!r}{near}")
    elif asked is not None and chosen.get("attention", asked) != asked:
        problems.append(
            f"attention={asked!r} and network.attention={chosen['attention']!r} "
            f"contradict each other; give one of them"
        )
    problems += misplaced("translator", model.network, MEANINGLESS)
    if model.training is not None and "loss" in model.training.chosen():
        problems.append("the loss of a translator is cross_entropy; leave loss out")
    if problems:
        raise UsageError("; ".join(problems))


def make_plan(model: Translator, given: Pairs) -> Plan:
    """Everything that follows from arguments and data. Raises DataError, UsageError, SpecError."""
    notes = list(given.notes)
    copies = duplicates(given.sources, what="sources")
    train, held, more = hold_out(
        len(given), model.validation, model.seed, what="pairs", copies=copies
    )
    notes += more
    sources, targets = _taken(given.sources, train), _taken(given.targets, train)
    options: dict[str, Any] = {
        "lowercase": model.lowercase,
        "vocab_size": model.vocab_size,
        "max_length": model.max_length,
    }
    kinds = check_kind(given.sources, "source"), check_kind(given.targets, "target")
    source_codec = learn_codec(sources, "source", model.source_unit or model.unit, **options)
    target_codec = learn_codec(targets, "target", model.target_unit or model.unit, **options)
    source = Reading(kinds[0], source_codec)
    whole = kinds[1] == "tokens" and are_whole(given.targets)
    target = Written(kinds[1], whole, target_codec)
    notes += (*source_codec.notes, *target_codec.notes)
    read, cut = source.encode(sources)
    written, cut_too = target.encode(targets)
    notes += [f"training sources: {note}" for note in cut]
    notes += [f"training targets: {note}" for note in cut_too]
    by_rule = recipe(len(train), int(written.lengths.sum()), target_codec.units)
    network = _network(model, by_rule.network)
    training = by_rule.training.replace(loss="cross_entropy")
    training = training if model.training is None else model.training.over(training)
    spec = NetworkSpec.complete(
        network,
        kind="encoder_decoder",
        decoder="tokens",
        input_size=1,
        vocab_size=source.vocab_size,
        output_size=target_codec.units,
    )
    judged = None
    if len(held):
        judged, more = _held(source, target, given, held)
        notes += more
    return Plan(
        spec=spec,
        network=network,
        training=training,
        source=source,
        target=target,
        train=Sequences(read, targets=written),
        held=judged,
        given=_start(spec, read, model.seed),
        notes=tuple(dict.fromkeys(notes)),
        data={
            "pairs": len(train),
            "held": len(held),
            "source steps": _quantiles(read.lengths),
            "target steps": _quantiles(written.lengths - 1),
            "reach": reach_of(read.lengths, written.lengths - 1),
            "sha256": digest(given),
        },
    )


def _taken(rows: Sequence[Any], which: IntArray) -> list[Any]:
    return [rows[row] for row in which.tolist()]


def _network(model: Translator, by_rule: Network) -> Network:
    """What was given over the rule; tied vectors are as wide as the decoder."""
    network = by_rule if model.network is None else model.network.over(by_rule)
    if model.attention is not None:
        network = network.replace(attention=model.attention)
    chosen = {} if model.network is None else model.network.chosen()
    if "embedding_size" not in chosen:
        return network.replace(embedding_size=network.hidden_size)
    if network.tie_embedding and network.embedding_size != network.hidden_size:
        raise SpecError(
            f"tie_embedding needs embedding_size and hidden_size alike, "
            f"not {network.embedding_size} and {network.hidden_size}"
        )
    return network


def _held(
    source: Reading, target: Written, given: Pairs, held: IntArray
) -> tuple[Sequences, list[str]]:
    """What decides when to stop, and what is unknown in it."""
    read, _ = source.encode(_taken(given.sources, held))
    written, _ = target.encode(_taken(given.targets, held))
    notes = []
    for name, side in (("sources", read), ("targets", written)):
        unknown = float((side.values == UNKNOWN).mean())
        if unknown:
            notes.append(f"{unknown:.2%} of the tokens of the {name} held out are unknown")
    return Sequences(read, targets=written), notes


def _start(spec: NetworkSpec, read: Ragged, seed: int) -> dict[str, NDArray[np.float32]]:
    """An unknown token that training never shows says nothing: its vector is 0, not at random."""
    if (read.values == UNKNOWN).any() or spec.token_dropout:
        return {}
    table = initial(spec, seed)["embedding.table"]
    table[UNKNOWN] = 0.0
    return {"embedding.table": table}


def _quantiles(lengths: IntArray) -> list[int]:
    """Shortest, median, longest."""
    return [int(lengths.min()), int(np.median(lengths)), int(lengths.max())]
