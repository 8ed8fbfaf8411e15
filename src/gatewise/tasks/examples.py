"""Inputs and labels as a classifier takes them: from lists, or from a frame of any kind."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gatewise.data.texts import is_frame, labelled_texts
from gatewise.errors import DataError, UsageError
from gatewise.tasks.reading import Kind, fits, is_empty, kind_of


@dataclass(frozen=True, slots=True)
class Examples:
    """What was given.

    inputs  texts, lists of tokens, or arrays (t, F)
    labels  one for each input, or None
    kind    what an input is
    text, label  columns of the frame that they come from, or None
    notes   what was left out
    rows    where each stands in what was given, from 1
    """

    inputs: Sequence[Any]
    labels: Sequence[Any] | None
    kind: Kind
    text: str | list[str] | None = None
    label: str | None = None
    notes: tuple[str, ...] = ()
    rows: Sequence[int] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of inputs and labels."""
        found = hashlib.sha256()
        for one in self.inputs:
            whole = one if isinstance(one, str) else repr(np.asarray(one).tolist())
            found.update(whole.encode("utf-8", "surrogatepass") + b"\0")
        found.update(repr([str(label) for label in self.labels or ()]).encode())
        return found.hexdigest()


def read_examples(
    data: Any,
    labels: Sequence[Any] | None,
    *,
    text: str | list[str] | None = None,
    label: str | None = None,
    like: Kind | None = None,
    labelled: bool | None = None,
) -> Examples:
    """Inputs, and labels where there are any.

    labels    a list, an array or a column; None: `data` is a frame that has a column of them
    like      the kind that was learnt from; None: any
    labelled  whether labels are needed; None: where nothing was learnt yet

    To learn from, empty inputs are left out, and told. Raises DataError, UsageError.
    """
    needed = like is None if labelled is None else labelled
    if is_frame(data):
        found = labelled_texts(data, text=text, label=label, labelled=needed)
        inputs, labels, text, label = found.texts, found.labels, found.text, found.label
    else:
        inputs = _listed(data)
        labels = None if labels is None else _labels_listed(labels)
        text = label = None
        if needed and labels is None:
            raise UsageError(
                "labels are missing: give one for each input, fit(texts, labels), "
                "or a frame with a column of them"
            )
    kind = kind_of(inputs)
    if like is not None and inputs and not fits(inputs, like):
        raise DataError(f"the model reads {_named(like)}, but these are {_named(kind)}")
    if labels is not None and len(labels) != len(inputs):
        raise DataError(f"there are {len(inputs)} inputs and {len(labels)} labels")
    kept: Sequence[int] = range(len(inputs))
    notes: tuple[str, ...] = ()
    if like is None:
        kept, notes = _full(inputs)
        inputs, labels = [inputs[i] for i in kept], [(labels or ())[i] for i in kept]
    return Examples(inputs, labels, kind, text, label, notes, [i + 1 for i in kept])


def read_to_learn(
    data: Any,
    labels: Sequence[Any] | None,
    *,
    text: str | list[str] | None,
    label: str | None,
    like: Kind,
) -> Examples:
    """As `read_examples`, to learn more from: of the kind that was learnt from before."""
    found = read_examples(data, labels, text=text, label=label)
    if not fits(found.inputs, like):
        raise DataError(f"the model reads {_named(like)}, but these are {_named(found.kind)}")
    return replace(found, kind=like)


def _listed(data: Any) -> list[Any]:
    if isinstance(data, str):
        raise UsageError("expected a list of texts, not one text; write [text]")
    try:
        return list(data)
    except TypeError:
        raise UsageError(
            f"expected a list of texts, of lists of tokens or of arrays, not {type(data).__name__}"
        ) from None


def _labels_listed(labels: Any) -> list[Any]:
    """Whatever holds them: their order counts, not the index of a column."""
    if isinstance(labels, np.ndarray) and labels.ndim == 2:
        raise DataError(
            f"labels must be one for each input, or a list of names for each, "
            f"not a table of shape {labels.shape}"
        )
    return list(labels)


def _full(inputs: Sequence[Any]) -> tuple[list[int], tuple[str, ...]]:
    """(places of the inputs that are not empty, a note on the others)"""
    kept = [row for row, one in enumerate(inputs) if not is_empty(one)]
    left = len(inputs) - len(kept)
    if not kept:
        raise DataError(f"there is nothing to learn from: all {len(inputs)} inputs are empty")
    notes = (f"{left} of {len(inputs)} inputs are empty and were left out",) if left else ()
    return kept, notes


def _named(kind: Kind) -> str:
    return {"text": "texts", "tokens": "lists of tokens", "numbers": "arrays of numbers"}[kind]
