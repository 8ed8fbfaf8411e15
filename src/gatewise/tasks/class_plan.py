"""What a classifier decides before it trains, and what follows from the validation part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import UNKNOWN, IntArray
from gatewise.data.channels import ChannelCodec, checked_sequences
from gatewise.data.labels import LabelCodec
from gatewise.data.parts import duplicates
from gatewise.data.sequences import Ragged, Sequences
from gatewise.data.text import TextCodec
from gatewise.data.units import check_options
from gatewise.errors import UsageError, did_you_mean
from gatewise.spec import Network, NetworkSpec, Training
from gatewise.tasks import class_recipe
from gatewise.tasks.beginning import Beginning, flattered, take_over, unread
from gatewise.tasks.committee import trained_weights
from gatewise.tasks.examples import Examples
from gatewise.tasks.holding_out import hold_out
from gatewise.tasks.reading import Reading
from gatewise.tasks.seen import known_among
from gatewise.tasks.shared import TAUGHT, argument_problems, misplaced

if TYPE_CHECKING:
    from gatewise.tasks.classifier import Classifier

Singles = NDArray[np.float32]
Floats = NDArray[np.float64]

MEANINGLESS = ("attention", "segment_length", "shortcut", "tie_embedding")
OF_TOKENS = ("token_dropout", "embedding_dropout")
LOSSES = {False: "cross_entropy", True: "binary_cross_entropy"}


@dataclass(frozen=True, slots=True)
class Seen:
    """What baselines learn from: inputs and encoded labels of the training and held-out part."""

    inputs: Sequence[Any]
    truth: IntArray
    held_inputs: Sequence[Any]
    held_truth: IntArray


@dataclass(frozen=True, slots=True)
class Plan:
    """All that training needs; `given` are weights to begin with.

    beginnings  a fitted network to go on from for each member; none: random weights
    began       what must be known of them; see gatewise.tasks.beginning
    """

    spec: NetworkSpec
    network: Network
    training: Training
    members: int
    reading: Reading
    labels: LabelCodec
    train: Sequences
    held: Sequences | None
    seen: Seen
    given: Mapping[str, Singles]
    notes: tuple[str, ...]
    data: dict[str, Any]
    beginnings: tuple[Beginning, ...] = ()
    began: dict[str, Any] | None = None


def check_choices(model: Classifier) -> None:
    """Raises UsageError for arguments that no data could make sense of."""
    check_options(
        unit=model.unit,
        vocab_size=model.vocab_size,
        ngrams=model.ngrams,
        max_length=model.max_length,
        truncate=model.truncate,
        members=model.members,
    )
    problems = argument_problems(model)
    problems += misplaced("classifier", model.network, MEANINGLESS)
    problems += misplaced("classifier", model.training, TAUGHT)
    if model.class_weight not in (None, "balanced"):
        near = did_you_mean(str(model.class_weight), ["balanced"])
        problems.append(
            f"class_weight must be None or 'balanced', not {model.class_weight!r}{near}"
        )
    if isinstance(model.training, Training) and "loss" in model.training.chosen():
        problems.append("the loss of a classifier follows from its labels; leave loss out")
    if problems:
        raise UsageError("; ".join(problems))


def make_plan(model: Classifier, examples: Examples, old: Classifier | None = None) -> Plan:
    """Everything that follows from arguments and data, or is that of the old model to go on from.

    Raises DataError, UsageError, SpecError.
    """
    notes = list(examples.notes)
    given = cast(Sequence[Any], examples.labels)
    if old is None:
        labels = LabelCodec.learn(given, multilabel=bool(model.multi_label), rows=examples.rows)
    else:
        labels = old.labels_
    several = labels.kind == "multilabel"
    if several and model.multi_label is False:
        raise UsageError("multi_label=False, but some labels are lists; leave multi_label out")
    notes += _joined(labels)
    truth = labels.encode(given, rows=examples.rows)  # (N,) or (N, C)
    inputs = examples.inputs
    if examples.kind == "numbers":
        wrong = misplaced("classifier of numbers", model.network, OF_TOKENS)
        if wrong:
            raise UsageError("; ".join(wrong))
        checked_sequences(inputs, None)  # before rows are moved: a problem is told with its row
    alone = examples.kind == "numbers" or model.keep_duplicates
    copies = None if alone else duplicates(inputs, truth)
    train, held, more = hold_out(
        len(inputs), model.validation, model.seed, labels=truth, copies=copies
    )
    notes += more
    seen = Seen([inputs[i] for i in train], truth[train], [inputs[i] for i in held], truth[held])
    reading = _read(model, examples.kind, seen.inputs) if old is None else old.reading_
    steps, cut = reading.encode(seen.inputs)
    if old is None:
        notes += getattr(reading.codec, "notes", ())
        built = _chosen(model, reading, labels, steps, notes)
    else:
        built = _taken_over(model, old)
        notes += built.notes
        if reading.vocab_size:
            notes += unread(float((steps.values[:, 0] == UNKNOWN).mean()))
        known = known_among(seen.held_inputs, old.known_)
        notes += flattered(known, len(held), "validation examples")
    notes += [f"training part: {note}" for note in cut]
    weight = held_weight = None
    if model.class_weight == "balanced":
        if several:
            raise UsageError("class_weight='balanced' is for one label per example")
        weight, held_weight = (
            class_recipe.example_weights(part, len(labels.classes))
            for part in (seen.truth, seen.held_truth)
        )
    return Plan(
        spec=built.spec,
        network=built.network,
        training=built.training,
        members=built.members,
        reading=reading,
        labels=labels,
        train=_source(steps, seen.truth, weight),
        held=_source(reading.encode(seen.held_inputs)[0], seen.held_truth, held_weight)
        if len(held)
        else None,
        seen=seen,
        given=built.given,
        notes=tuple(dict.fromkeys(notes)),
        data={
            "kind": examples.kind,
            "text": examples.text,
            "label": examples.label,
            "examples": len(train),
            "held": len(held),
            "counts": _counts(truth[train], labels),
            "steps": _quantiles(steps.lengths),
            "sha256": examples.digest,
        },
        beginnings=built.beginnings,
        began=built.began,
    )


@dataclass(frozen=True, slots=True)
class _Networks:
    """What of a plan is chosen by rule, or taken over."""

    spec: NetworkSpec
    network: Network
    training: Training
    members: int
    given: Mapping[str, Singles] = field(default_factory=dict)
    beginnings: tuple[Beginning, ...] = ()
    began: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()


def _chosen(
    model: Classifier, reading: Reading, labels: LabelCodec, steps: Ragged, notes: list[str]
) -> _Networks:
    """By rule where nothing was given; what must be said is added to the notes."""
    numbers = reading.kind == "numbers"
    count, middle = len(steps), int(np.median(steps.lengths))
    recipe = class_recipe.for_numbers(count) if numbers else class_recipe.for_text(count, middle)
    members = model.members
    if members is None:
        members = 1 if numbers else class_recipe.members(count, middle)
    network = recipe.network if model.network is None else model.network.over(recipe.network)
    weights: Mapping[str, Singles] = {}
    if model.vectors is not None:
        network, weights, note = _vectors(model, network, reading)
        notes.append(note)
    training = recipe.training.replace(loss=LOSSES[labels.kind == "multilabel"])
    training = training if model.training is None else model.training.over(training)
    spec = NetworkSpec.complete(
        network,
        kind="many_to_one",
        input_size=reading.channels,
        vocab_size=reading.vocab_size,
        output_size=len(labels.classes),
    )
    return _Networks(spec, network, training, members, _start(spec, weights, model.seed))


def _taken_over(model: Classifier, old: Classifier) -> _Networks:
    """Raises UsageError where the arguments contradict the old model."""
    codec = old.reading_.codec
    taken: dict[str, Any] = {
        "multi_label": old.labels_.kind == "multilabel",
        "members": len(old.graphs_),
        "vectors": old.vectors,
        "max_length": codec.max_length,
    }
    if isinstance(codec, TextCodec):
        taken |= {
            "unit": codec.unit,
            "lowercase": codec.lowercase,
            "vocab_size": codec.units,
            "ngrams": codec.channels,
            "truncate": codec.truncate,
        }
    networks = trained_weights(old.weights_, len(old.graphs_), old.temperature_)
    found = take_over(model, old, taken, networks)
    return _Networks(
        found.spec,
        found.network,
        found.training,
        len(networks),
        beginnings=found.beginnings,
        began=found.facts,
        notes=found.notes,
    )


def _joined(labels: LabelCodec) -> list[str]:
    """A note where the classes look like several labels in one cell."""
    found = [name for name in labels.classes if "|" in name or ";" in name]
    if labels.kind == "multilabel" or not found:
        return []
    return [
        f"labels such as '{found[0]}' are one class each; multi_label=True reads several labels "
        f"in a cell"
    ]


def _read(model: Classifier, kind: str, inputs: Sequence[Any]) -> Reading:
    if kind == "numbers":
        return Reading("numbers", ChannelCodec.learn(inputs, model.max_length))
    codec = TextCodec.learn(
        inputs,
        "given" if kind == "tokens" else model.unit,
        lowercase=model.lowercase,
        vocab_size=model.vocab_size,
        ngrams=1,
        truncate=model.truncate,
    )
    ngrams = model.ngrams or class_recipe.NGRAMS[codec.unit]
    codec = codec.with_ngrams(inputs, ngrams)
    most = model.max_length or class_recipe.max_length(codec.unit)
    return Reading("text" if kind == "text" else "tokens", replace(codec, max_length=most))


def _vectors(
    model: Classifier, network: Network, reading: Reading
) -> tuple[Network, Mapping[str, Singles], str]:
    from gatewise.data.vectors import read_vectors

    if isinstance(reading.codec, ChannelCodec):
        raise UsageError("vectors are of tokens; this data is of numbers")
    found = read_vectors(cast(str, model.vectors), reading.codec)
    asked = None if model.network is None else model.network.chosen().get("embedding_size")
    if asked not in (None, found.size):
        raise UsageError(f"the vectors have {found.size} values, embedding_size is {asked}")
    return network.replace(embedding_size=found.size), {"rows": found.table}, found.note


def _start(spec: NetworkSpec, vectors: Mapping[str, Singles], seed: int) -> Mapping[str, Singles]:
    """Token vectors of the file where it has them, the usual random ones elsewhere."""
    if not vectors:
        return {}
    from gatewise.weights import initial

    table = initial(spec, seed)["embedding.table"]
    missing = np.isnan(vectors["rows"])  # (V, E), whole rows
    return {"embedding.table": np.where(missing, table, vectors["rows"]).astype(np.float32)}


def _source(steps: Ragged, truth: IntArray, weight: Singles | None = None) -> Sequences:
    classes = truth[:, None]  # (N, 1), or of several labels (N, 1, C)
    return Sequences(
        steps, classes=classes.astype(np.float32) if truth.ndim == 2 else classes, weight=weight
    )


def _counts(truth: IntArray, labels: LabelCodec) -> list[int]:
    if truth.ndim == 2:
        return [int(n) for n in truth.sum(axis=0)]
    return [int(n) for n in np.bincount(truth, minlength=len(labels.classes))]


def _quantiles(lengths: IntArray) -> list[int]:
    """Shortest, median, longest."""
    return [int(lengths.min()), int(np.median(lengths)), int(lengths.max())]
