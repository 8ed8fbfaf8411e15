"""What a tagger decides before it trains."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gatewise.data.conll import TaggedSentences
from gatewise.data.features import TokenCodec
from gatewise.data.parts import duplicates
from gatewise.data.sequences import Sequences
from gatewise.data.tags import TagCodec
from gatewise.data.units import check_options
from gatewise.errors import UsageError
from gatewise.spec import Network, NetworkSpec, Training
from gatewise.tasks.beginning import Beginning, flattered, take_over
from gatewise.tasks.holding_out import hold_out
from gatewise.tasks.seen import known_among
from gatewise.tasks.shared import TAUGHT, argument_problems, misplaced

if TYPE_CHECKING:
    from gatewise.tasks.tagger import Tagger

MEANINGLESS = (
    "pooling",
    "attention",
    "attention_size",
    "segment_length",
    "shortcut",
    "tie_embedding",
)
FEW = 2_000  # sentences; of fewer, more passes


@dataclass(frozen=True, slots=True)
class Plan:
    """All that training needs.

    beginning  a fitted network to go on from; None: random weights
    began      what must be known of it; see gatewise.tasks.beginning
    """

    spec: NetworkSpec
    network: Network
    training: Training
    codec: TokenCodec
    tags: TagCodec
    train: Sequences
    held: Sequences | None
    seen: TaggedSentences
    notes: tuple[str, ...]
    data: dict[str, Any]
    beginning: Beginning | None = None
    began: dict[str, Any] | None = None


def recipe(sentences: int) -> tuple[Network, Training]:
    """Defaults for so many training sentences; what the user gave is laid over them.

    Values were chosen on validation parts. The features' vectors are dropped in part, so that no
    word alone decides.
    """
    few = sentences < FEW
    network = Network(
        cell="lstm",
        hidden_size=64 if few else 128,
        bidirectional=True,
        embedding_size=64 if few else 100,
        input_dropout=0.3,
        dropout=0.3,
    )
    training = Training(
        epochs=40 if few else 20,
        batch_size=16 if few else 32,
        learning_rate=3e-3 if few else 2e-3,
        weight_averaging=0.99,
        min_delta=1e-4,
        patience=8 if few else 3,
        loss="cross_entropy",
    )
    return network, training


def check_choices(model: Tagger) -> None:
    """Raises UsageError for arguments that no data could make sense of."""
    check_options(min_count=model.min_count)
    problems = argument_problems(model)
    problems += misplaced("tagger", model.network, MEANINGLESS)
    problems += misplaced("tagger", model.training, TAUGHT)
    if isinstance(model.training, Training) and "loss" in model.training.chosen():
        problems.append("the loss of a tagger is cross_entropy; leave loss out")
    if problems:
        raise UsageError("; ".join(problems))


def make_plan(model: Tagger, given: TaggedSentences, old: Tagger | None = None) -> Plan:
    """Everything that follows from arguments and data, or is that of the old model to go on from.

    Raises DataError, UsageError, SpecError.
    """
    if given.tags is None:
        raise UsageError("tags are missing: give a list of tags for each sentence")
    tags = TagCodec.learn(given.tags) if old is None else old.labels_
    tags.encode(given.tags)  # before rows are moved: a problem is told with its row
    copies = duplicates(given.tokens, what="sentences")
    train, held, notes = hold_out(
        len(given), model.validation, model.seed, what="sentences", copies=copies
    )
    sentences = [given.tokens[i] for i in train]
    own = [given.tags[i] for i in train]
    beginning, began = None, None
    if old is None:
        codec = TokenCodec.learn(sentences, model.min_count)
        network, training = recipe(len(train))
        network = network if model.network is None else model.network.over(network)
        training = training if model.training is None else model.training.over(training)
        spec = NetworkSpec.complete(
            network,
            kind="many_to_many",
            input_size=codec.channels,
            vocab_size=codec.size,
            output_size=len(tags),
        )
    else:
        found = take_over(model, old, {"min_count": old.min_count})
        codec, spec, network, training = old.codec_, found.spec, found.network, found.training
        (beginning,), began = found.beginnings, found.facts
        known = known_among([given.tokens[i] for i in held], old.known_)
        notes += [*found.notes, *flattered(known, len(held), "validation sentences")]
    lengths = [len(tokens) for tokens in sentences]
    return Plan(
        spec=spec,
        network=network,
        training=training,
        codec=codec,
        tags=tags,
        train=_source(codec, tags, sentences, own),
        held=_source(codec, tags, [given.tokens[i] for i in held], [given.tags[i] for i in held])
        if len(held)
        else None,
        seen=TaggedSentences(sentences, own),
        notes=(*given.notes, *notes),
        data={
            "sentences": len(train),
            "held": len(held),
            "tokens": sum(lengths),
            "longest": max(lengths),
            "sha256": _digest(given),
        },
        beginning=beginning,
        began=began,
    )


def _source(
    codec: TokenCodec,
    tags: TagCodec,
    sentences: Sequence[Sequence[str]],
    own: Sequence[Sequence[str]],
) -> Sequences:
    return Sequences(codec.encode(sentences), tags=np.concatenate(tags.encode(own)))


def _digest(given: TaggedSentences) -> str:
    whole = "\n".join("\t".join(row) for rows in (given.tokens, given.tags or []) for row in rows)
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
