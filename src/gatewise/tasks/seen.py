"""What a model has learnt from, as fingerprints: it must not be judged on that unawares."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.data.parts import folded

Fingerprints = NDArray[np.uint64]

DIFFERENT = 0.9  # share of inputs: fewer, and a test of chance takes copies for news
TELLING = 20  # characters of a line
MANY = 0.2  # share of lines: refrains and stage directions come again


def fingerprints(inputs: Sequence[Any]) -> Fingerprints:
    """A number for each different input: a text, a list of tokens, an array.  -> (n,), sorted

    White space, capitals and the form of characters do not make a text another one.
    """
    found = np.fromiter((_fingerprint(one) for one in inputs), np.uint64, len(inputs))
    return np.unique(found)


def known_among(inputs: Sequence[Any], known: Fingerprints) -> int:
    """How many of these were learnt from."""
    own = np.fromiter((_fingerprint(one) for one in inputs), np.uint64, len(inputs))
    return int(np.isin(own, known).sum())


def remark(inputs: Sequence[Any], known: Fingerprints | None) -> str:
    """A sentence where some of these were learnt from, else nothing."""
    if known is None or not len(inputs):
        return ""
    count = known_among(inputs, known)
    if not count:
        return ""
    if len(inputs) == 1:
        return "It was what was learnt from: the scores flatter."
    which = "All" if count == len(inputs) else f"{count:,}"
    return f"{which} of these {len(inputs):,} were among what was learnt from: the scores flatter."


def remark_on_copies(inputs: Sequence[Any]) -> str:
    """A sentence where many of these are the same, else nothing."""
    different = len(fingerprints(inputs))
    if different >= DIFFERENT * len(inputs):
        return ""
    return (
        f"Only {different:,} of these {len(inputs):,} are different: "
        f"what is said of chance is too sure."
    )


def lines(texts: Sequence[str]) -> list[str]:
    """The lines that say enough to be known again."""
    return [line for text in texts for line in text.split("\n") if len(line.strip()) >= TELLING]


def remark_on_lines(texts: Sequence[str], known: Fingerprints | None) -> str:
    """A sentence where many of these lines were learnt from, else nothing."""
    own = lines(texts)
    if known is None or not own:
        return ""
    share = np.isin([_fingerprint(line) for line in own], known).mean()
    if share < MANY:
        return ""
    return f"{share:.0%} of its longer lines were among what was learnt from: the scores flatter."


def _fingerprint(one: Any) -> int:
    whole = folded(one) if isinstance(one, str) else repr(np.asarray(one).tolist())
    digest = hashlib.blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
