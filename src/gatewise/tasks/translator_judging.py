"""A translator's answers beside the baselines', and what must be said of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gatewise.batch import UNKNOWN
from gatewise.data.pairs import Pairs
from gatewise.errors import DataError
from gatewise.judging.translation import TranslationEvaluation
from gatewise.judging.verdict import NETWORK
from gatewise.rivals.translation import COPY, NEAREST, NearestTranslation, copied
from gatewise.tasks import seen
from gatewise.tasks.beginning import unequal
from gatewise.tasks.translator_pairs import check_kind
from gatewise.tasks.translator_writing import remarks

if TYPE_CHECKING:
    from gatewise.tasks.translator import Translator

NAMES = {"text": "texts", "tokens": "lists of tokens"}


def judge(
    model: Translator,
    given: Pairs,
    beam: int | None,
    length_penalty: float | None,
    *,
    alone: bool = False,
) -> TranslationEvaluation:
    """The model and its baselines on the same pairs.

    alone  only with the baseline that costs nothing
    """
    kind = check_kind(given.targets, "target")
    if kind != model.target_.kind:
        known = NAMES[model.target_.kind]
        raise DataError(f"the model writes {known}, but these targets are {NAMES[kind]}")
    told = {
        NETWORK: model.translate(given.sources, beam, length_penalty),
        COPY: _copies(model, given.sources),
    }
    said = [f"{note[0].upper()}{note[1:]}." for note in given.notes]
    steps, cut = model.source_.encode(given.sources)
    said += remarks(steps, cut)
    judged = given.sources
    said += filter(None, [seen.remark(judged, model.known_), seen.remark_on_copies(judged)])
    said += _unwritable(model, given.targets)
    said += unequal(model, "pairs")
    if model.seen_ is None:
        said.append(
            f"The {NEAREST}'s target is not among them: a saved model does not hold its "
            f"training pairs."
        )
    elif not alone:
        if model.rival_ is None:
            model.rival_ = NearestTranslation.fit(model.seen_.sources, model.seen_.targets)
        told[NEAREST] = model.rival_.translate(given.sources)
    return TranslationEvaluation(
        sources=given.sources,
        references=given.targets,
        told=told,
        facts={
            "seed": model.seed,
            "learnt from": model.data_["pairs"],
            "held out": model.data_["held"],
            "beam": model.beam if beam is None else beam,
            "length penalty": model.length_penalty if length_penalty is None else length_penalty,
        },
        remark=" ".join(said),
    )


def _copies(model: Translator, sources: Sequence[Any]) -> list[Any]:
    """Each source as it is, in the form that the model writes."""
    if model.target_.kind == model.source_.kind:
        return copied(sources)
    if model.target_.kind == "tokens":
        return [source.split() for source in sources]
    return [" ".join(map(str, source)) for source in sources]


def _unwritable(model: Translator, targets: Sequence[Any]) -> list[str]:
    """What no answer can match, because it holds a token that is not known."""
    written, _ = model.target_.encode(targets)
    count = sum(bool((written[row] == UNKNOWN).any()) for row in range(len(written)))
    if not count:
        return []
    hold = "target holds" if count == 1 else "targets hold"
    return [f"{count:,} of {len(targets):,} {hold} tokens that are not known: no answer is right."]
