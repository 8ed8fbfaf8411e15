"""What a translator decides before it trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import UNKNOWN, IntArray
from gatewise.data.pairs import Pairs
from gatewise.data.parts import duplicates
from gatewise.data.sequences import Ragged, Sequences
from gatewise.data.text import TextCodec
from gatewise.data.units import UNITS
from gatewise.errors import DataError, SpecError, UsageError, did_you_mean
from gatewise.spec import Attention, Network, NetworkSpec, Training
from gatewise.tasks.beginning import Beginning, flattered, take_over, unread
from gatewise.tasks.holding_out import hold_out
from gatewise.tasks.reading import Kind, Reading
from gatewise.tasks.seen import known_among
from gatewise.tasks.shared import argument_problems, misplaced
from gatewise.tasks.translator_pairs import (
    Side,
    Written,
    are_whole,
    check_kind,
    digest,
    learn_codec,
)
from gatewise.tasks.translator_recipe import recipe
from gatewise.tasks.translator_writing import decoding_problems, reach_of
from gatewise.weights import initial

if TYPE_CHECKING:
    from gatewise.tasks.translator import Translator

MEANINGLESS = ("pooling", "segment_length", "shortcut")


@dataclass(frozen=True, slots=True)
class Plan:
    """All that training needs; `given` are weights to begin with.

    beginning  a fitted network to go on from; None: random weights
    began      what must be known of it; see gatewise.tasks.beginning
    """

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
    beginning: Beginning | None = None
    began: dict[str, Any] | None = None


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


def make_plan(model: Translator, given: Pairs, old: Translator | None = None) -> Plan:
    """Everything that follows from arguments and data, or is that of the old model to go on from.

    Raises DataError, UsageError, SpecError.
    """
    notes = list(given.notes)
    copies = duplicates(given.sources, what="sources")
    train, held, more = hold_out(
        len(given), model.validation, model.seed, what="pairs", copies=copies
    )
    notes += more
    sources, targets = _taken(given.sources, train), _taken(given.targets, train)
    if old is None:
        source, target = _codecs(model, given, sources, targets)
        notes += (*cast(TextCodec, source.codec).notes, *target.codec.notes)
    else:
        source, target = old.source_, old.target_
        _check_alike(given, old)
    read, cut = source.encode(sources)
    written, cut_too = target.encode(targets)
    notes += [f"training sources: {note}" for note in cut]
    notes += [f"training targets: {note}" for note in cut_too]
    reach = reach_of(read.lengths, written.lengths - 1)
    beginning, began = None, None
    if old is None:
        by_rule = recipe(len(train), int(written.lengths.sum()), target.codec.units)
        network = _network(model, by_rule.network)
        training = by_rule.training.replace(loss="cross_entropy")
        training = training if model.training is None else model.training.over(training)
        spec = NetworkSpec.complete(
            network,
            kind="encoder_decoder",
            decoder="tokens",
            input_size=1,
            vocab_size=source.vocab_size,
            output_size=target.codec.units,
        )
    else:
        found = take_over(model, old, _taken_from(old))
        network, training, spec = found.network, found.training, found.spec
        (beginning,), began = found.beginnings, found.facts
        both = np.concatenate([read.values[:, 0], written.values.reshape(-1)])
        notes += [*found.notes, *unread(float((both == UNKNOWN).mean()))]
        known = known_among(_taken(given.sources, held), old.known_)
        notes += flattered(known, len(held), "validation sources")
        # both wrote these: as long as the longest of either
        reach = reach_of(*np.array([*reach, *old.data_["reach"]], dtype=np.int64).T)
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
            "reach": reach,
            "sha256": digest(given),
        },
        beginning=beginning,
        began=began,
    )


def _codecs(
    model: Translator, given: Pairs, sources: Sequence[Any], targets: Sequence[Any]
) -> tuple[Reading, Written]:
    """How both sides are read and written, learnt on these training pairs."""
    options: dict[str, Any] = {
        "lowercase": model.lowercase,
        "vocab_size": model.vocab_size,
        "max_length": model.max_length,
    }
    kinds = check_kind(given.sources, "source"), check_kind(given.targets, "target")
    source = learn_codec(sources, "source", model.source_unit or model.unit, **options)
    target = learn_codec(targets, "target", model.target_unit or model.unit, **options)
    whole = kinds[1] == "tokens" and are_whole(given.targets)
    return Reading(kinds[0], source), Written(kinds[1], whole, target)


def _check_alike(given: Pairs, old: Translator) -> None:
    """Raises DataError where texts stand for lists of tokens, or the other way round."""
    names = {"text": "texts", "tokens": "lists of tokens", "numbers": "numbers"}
    sides: list[tuple[Side, Sequence[Any], Kind]] = [
        ("source", given.sources, old.source_.kind),
        ("target", given.targets, old.target_.kind),
    ]
    for side, rows, known in sides:
        kind = check_kind(rows, side)
        if kind != known:
            raise DataError(
                f"the {side}s of the model to go on from are {names[known]}, "
                f"but these are {names[kind]}"
            )


def _taken_from(old: Translator) -> dict[str, Any]:
    """What the old model has in the place of an argument."""
    source, target = cast(TextCodec, old.source_.codec), old.target_.codec
    both = source.unit if source.unit == target.unit else f"{source.unit}, {target.unit}"
    return {
        "unit": both,
        "source_unit": source.unit,
        "target_unit": target.unit,
        "lowercase": source.lowercase,
        "vocab_size": target.units,
        "attention": old.spec_.attention,
        "max_length": target.max_length,
    }


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
