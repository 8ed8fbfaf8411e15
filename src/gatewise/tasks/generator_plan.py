"""What a generator decides before it trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import UNKNOWN
from gatewise.data.encoded import Ids
from gatewise.data.sequences import Streams
from gatewise.data.text import TextCodec
from gatewise.errors import DataError, SpecError, UsageError, did_you_mean
from gatewise.spec import Network, NetworkSpec, Training
from gatewise.tasks.beginning import Beginning, flattered, take_over, unread
from gatewise.tasks.generator_recipe import NGRAMS, Recipe, recipe
from gatewise.tasks.generator_text import Texts, split
from gatewise.tasks.seen import known_among, lines
from gatewise.tasks.shared import TAUGHT, argument_problems, misplaced
from gatewise.weights import initial

if TYPE_CHECKING:
    from gatewise.tasks.generator import Generator

UNITS = ("char", "word", "bpe")
FEWEST = 3  # tokens to learn anything from
MEANINGLESS = ("pooling", "attention", "attention_size", "segment_length", "shortcut")


@dataclass(frozen=True, slots=True)
class Plan:
    """All that training needs.

    steps  (M, F) tokens and n-grams that are learnt from
    held   (M, F) that decide when to stop; empty where nothing does
    given  weights to begin with
    beginning  a fitted network to go on from; None: random weights
    began  what must be known of it; see gatewise.tasks.beginning
    """

    spec: NetworkSpec
    network: Network
    training: Training
    codec: TextCodec
    steps: Ids
    held: Ids
    sequence_length: int
    given: Mapping[str, NDArray[np.float32]]
    notes: tuple[str, ...]
    data: dict[str, Any]
    beginning: Beginning | None = None
    began: dict[str, Any] | None = None

    @property
    def train_source(self) -> Streams:
        """Streams through what is learnt from."""
        return _streams(self.steps, self.sequence_length)

    @property
    def held_source(self) -> Streams | None:
        """Streams through what decides when to stop."""
        return _streams(self.held, self.sequence_length) if len(self.held) else None


def check_choices(model: Generator) -> None:
    """Raises UsageError for arguments that no text could make sense of."""
    problems = argument_problems(model)
    if model.unit not in UNITS:
        near = did_you_mean(str(model.unit), UNITS)
        problems.append(f"unit must be one of {', '.join(UNITS)}, not {model.unit!r}{near}")
    length = model.sequence_length
    if length is not None and (not isinstance(length, Integral) or length < 1):
        problems.append(f"sequence_length must be a number of steps, at least 1, not {length!r}")
    if model.training is not None and "loss" in model.training.chosen():
        problems.append("the loss of a generator is cross_entropy; leave loss out")
    chosen = {} if model.network is None else model.network.chosen()
    if chosen.get("bidirectional"):
        problems.append("a generator reads one way: it cannot know what comes; bidirectional=False")
    problems += misplaced("generator", model.network, MEANINGLESS)
    problems += misplaced("generator", model.training, TAUGHT)
    if problems:
        raise UsageError("; ".join(problems))


def make_plan(model: Generator, whole: Texts, old: Generator | None = None) -> Plan:
    """Everything that follows from arguments and text, or is that of the old model to go on from.

    Raises DataError, UsageError, SpecError.
    """
    if old is not None:
        whole = _alike(whole, old)
    learnt, held, notes = split(whole, model.validation)
    codec = _codec(model, learnt) if old is None else old.codec_
    notes += codec.notes if old is None else ()
    steps = learnt.steps(codec)
    if len(steps) < FEWEST:
        raise DataError(
            f"the text has {len(steps)} tokens to learn from; at least {FEWEST} are needed, "
            f"and some thousand to learn anything worth while"
        )
    held_steps = steps[:0] if held is None else held.steps(codec)
    if len(held_steps) == 1:  # nothing stands before it that it could follow from
        held_steps = held_steps[:0]
    by_rule = recipe(len(steps))
    length = model.sequence_length or by_rule.sequence_length
    beginning, began = None, None
    if old is None:
        network, training, spec = _chosen(model, by_rule, codec)
    else:
        found = take_over(model, old, _taken(old))
        network, training, spec = found.network, found.training, found.spec
        (beginning,), began = found.beginnings, found.facts
        length = model.sequence_length or old.data_["sequence_length"]
        notes += [*found.notes, *unread(float((steps[:, 0] == UNKNOWN).mean()))]
        if held is not None:
            own = lines(held.texts)
            notes += flattered(known_among(own, old.known_), len(own), "longer validation lines")
    unknown = float((held_steps[:, 0] == UNKNOWN).mean()) if len(held_steps) else 0.0
    if unknown:
        notes.append(f"{unknown:.2%} of the tokens that decide when to stop are unknown")
    return Plan(
        spec=spec,
        network=network,
        training=training,
        codec=codec,
        steps=steps,
        held=held_steps,
        sequence_length=length,
        given=_start(spec, steps, model.seed),
        notes=tuple(dict.fromkeys(notes)),
        data={
            "texts": len(whole.texts),
            "several": whole.several,
            "characters": learnt.characters,
            "held characters": 0 if held is None else held.characters,
            "tokens": len(steps),
            "held": len(held_steps),
            "sequence_length": length,
            "sha256": whole.digest,
        },
        beginning=beginning,
        began=began,
    )


def _chosen(
    model: Generator, by_rule: Recipe, codec: TextCodec
) -> tuple[Network, Training, NetworkSpec]:
    """What was given over the rule."""
    network = by_rule.network if model.network is None else model.network.over(by_rule.network)
    if network.tie_embedding:
        network = _tied(network, model.network)
    training = by_rule.training.replace(loss="cross_entropy")
    training = training if model.training is None else model.training.over(training)
    spec = NetworkSpec.complete(
        network,
        kind="many_to_many",
        input_size=codec.channels,
        vocab_size=codec.size,
        output_size=codec.units,
    )
    return network, training, spec


def _taken(old: Generator) -> dict[str, Any]:
    """What the old model has in the place of an argument."""
    codec = old.codec_
    return {
        "unit": codec.unit,
        "lowercase": codec.lowercase,
        "vocab_size": codec.units,
        "ngrams": codec.channels,
    }


def _alike(whole: Texts, old: Generator) -> Texts:
    """The texts as the old model reads them. Raises DataError."""
    several = bool(old.data_["several"])
    if len(whole.texts) > 1 and not several:
        raise DataError(
            f"the model to go on from learnt one long text and knows no ends; "
            f"give one text, not a list of {len(whole.texts)}"
        )
    return replace(whole, several=several)


def _codec(model: Generator, learnt: Texts) -> TextCodec:
    """N-grams beside the tokens, unless the table of token vectors is also what writes them."""
    tied = model.network is not None and model.network.tie_embedding
    if tied and (model.ngrams or 1) > 1:
        raise UsageError(
            "tie_embedding needs a network that reads what it writes, tokens alone; ngrams=1"
        )
    return TextCodec.learn(
        learnt.texts,
        model.unit,
        lowercase=model.lowercase,
        normalization="nfc" if model.unit == "word" else None,  # what is written keeps its marks
        vocab_size=model.vocab_size,
        ngrams=1 if tied else model.ngrams or NGRAMS[model.unit],
    )


def _tied(network: Network, given: Network | None) -> Network:
    """The head's matrix is the table of token vectors: as wide as the network is."""
    if given is not None and "embedding_size" in given.chosen():
        if network.embedding_size != network.hidden_size:
            raise SpecError(
                f"tie_embedding needs embedding_size and hidden_size alike, "
                f"not {network.embedding_size} and {network.hidden_size}"
            )
        return network
    return network.replace(embedding_size=network.hidden_size)


def _start(spec: NetworkSpec, steps: Ids, seed: int) -> dict[str, NDArray[np.float32]]:
    """An unknown token that training never shows says nothing: its vector is 0, not at random."""
    if (steps[:, 0] == UNKNOWN).any() or spec.token_dropout:
        return {}
    table = initial(spec, seed)["embedding.table"]
    table[UNKNOWN] = 0.0
    return {"embedding.table": table}


def _streams(steps: Ids, sequence_length: int) -> Streams:
    return Streams(steps, min(sequence_length, len(steps) - 1))
