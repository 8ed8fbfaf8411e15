"""How well a generator tells a text that it has not read, beside models that count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import UNKNOWN, Batch, IntArray
from gatewise.data.encoded import Ids
from gatewise.engine import Predictor
from gatewise.errors import DataError
from gatewise.judging.language import LanguageEvaluation
from gatewise.judging.verdict import NETWORK
from gatewise.rivals.ngrams import FIVEGRAM, UNIGRAM, NgramModel, unigram_nats
from gatewise.tasks import seen
from gatewise.tasks.beginning import unequal
from gatewise.tasks.generator_text import Texts
from gatewise.tasks.generator_writing import LOGITS_AT_ONCE

if TYPE_CHECKING:
    from gatewise.tasks.generator import Generator

Floats = NDArray[np.float64]

STREAMS = 16  # at most
STREAM = 2_000  # tokens of a stream at least
WARM_UP = 500  # tokens that a stream reads before what it is judged on
STEPS_AT_ONCE = 256


def nats(runner: Predictor, read: Ids, vocabulary: int) -> Floats:
    """-log p of each token given all before it; the first one is not told.  (N, F) -> (N - 1,)

    The text is read as a few streams side by side. Each but the first begins WARM_UP tokens before
    the first one that it is judged on: what lies further back hardly counts.
    """
    told = len(read) - 1
    streams = max(1, min(STREAMS, told // STREAM))
    warm = WARM_UP if streams > 1 else 0
    length = -(-(told + (streams - 1) * warm) // streams)  # steps that each stream reads
    begins = np.arange(streams) * (length - warm)
    at_once = max(1, min(STEPS_AT_ONCE, LOGITS_AT_ONCE // (streams * vocabulary)))
    found = np.zeros(told)
    state = None
    for first in range(0, length, at_once):
        steps = np.arange(first, min(first + at_once, length))
        places = begins[:, None] + steps  # (S, T)
        inside = np.minimum(places, told - 1)
        answer = runner.forward(Batch(x=read[inside], state=state))
        state = answer.state
        counts = (places < told) & ((steps >= warm) | (np.arange(streams) == 0)[:, None])
        judged = inside[counts]
        found[judged] = _nats(answer.output[counts], read[judged + 1, 0])
    return found


def _nats(logits: NDArray[np.float32], truth: Ids) -> Floats:
    """- log softmax of the true token.  (N, V), (N,) -> (N,)"""
    z = logits.astype(np.float64)
    z -= z.max(axis=1, keepdims=True)
    found: Floats = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), truth]
    return found


def judge(model: Generator, given: Texts, *, alone: bool = False) -> LanguageEvaluation:
    """The network and its baselines on the same tokens, all but the first.

    alone  only with the baseline that costs nothing
    """
    if given.several and not model.data_["several"]:
        if len(given.texts) > 1:
            raise DataError(
                f"the model learnt one long text and knows no ends; "
                f"give one text, not a list of {len(given.texts)}"
            )
        given = Texts(given.texts, several=False)
    elif model.data_["several"]:
        given = Texts(given.texts, several=True)
    codec, size = model.codec_, model.codec_.units
    steps = given.steps(codec)
    ids = steps[:, 0].astype(np.int64)
    characters = given.characters - len(codec.decode(ids[:1]))
    if len(ids) < 2 or characters < 1:
        raise DataError(
            f"the text has {len(ids)} tokens; at least 2 are needed, and some thousand to say much"
        )
    counted = np.repeat(np.arange(size), model.counts_)
    totals = {
        NETWORK: float(nats(model.runner_, steps, size).sum()),
        UNIGRAM: float(unigram_nats(counted, ids[1:], size).sum()),
    }
    if model.ids_ is not None and not alone:
        if model.rival_ is None:
            model.rival_ = NgramModel.fit(model.ids_.astype(np.int64), vocab_size=size)
        totals[FIVEGRAM] = float(model.rival_.nats(ids[1:], before=ids[:1]).sum())
    return LanguageEvaluation(
        nats=totals,
        tokens=len(ids) - 1,
        characters=characters,
        facts={"seed": model.seed, "unit": codec.unit, "learnt from": model.data_["tokens"]},
        remark=" ".join(_remarks(model, given, ids)),
    )


def _remarks(model: Generator, given: Texts, ids: IntArray) -> list[str]:
    said = list(filter(None, [seen.remark_on_lines(given.texts, model.known_)]))
    unknown = int((ids[1:] == UNKNOWN).sum())
    if unknown:
        said.append(f"{unknown:,} of the {len(ids) - 1:,} tokens are unknown ones.")
    said += unequal(model, "text")
    if model.ids_ is None:
        said.append(
            f"The {FIVEGRAM} model, often the strongest, is not among them: "
            f"a saved model does not hold its training text."
        )
    return said
