"""What a classifier reads: texts, lists of tokens, or numeric sequences, behind one face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal

import numpy as np
import pandas as pd

from gatewise.batch import UNKNOWN
from gatewise.data.channels import ChannelCodec
from gatewise.data.sequences import Ragged
from gatewise.data.text import TextCodec
from gatewise.errors import DataError

MANY = 0.5  # share of tokens that are unknown

Kind = Literal["text", "tokens", "numbers"]


@dataclass(frozen=True, slots=True)
class Reading:
    """How inputs become steps; learnt on the training part.

    kind   what an input is
    codec  of texts and tokens a TextCodec, of numbers a ChannelCodec
    """

    kind: Kind
    codec: TextCodec | ChannelCodec

    def encode(self, inputs: Sequence[Any]) -> tuple[Ragged, tuple[str, ...]]:
        """Steps (M, F), and what was cut off, in words. Raises DataError; an input without
        steps is refused with its row.
        """
        if isinstance(self.codec, ChannelCodec):
            return self.codec.encode(inputs), ()
        encoded = self.codec.encode(inputs)
        empty = np.flatnonzero(encoded.lengths == 0)
        if len(empty):
            raise DataError(
                f"{_rows(empty)} empty: there is nothing to read; leave {_them(empty)} out"
            )
        return Ragged(encoded.tokens, encoded.starts, encoded.lengths), encoded.notes

    def remarks(self, steps: Ragged) -> list[str]:
        """What must be said of inputs in which nothing, or little, was ever learnt."""
        if isinstance(self.codec, ChannelCodec) or not len(steps):
            return []
        known = [steps[row][:, 0] != UNKNOWN for row in range(len(steps))]
        blind = sum(not own.any() for own in known)
        share = 1 - float(np.concatenate(known).mean())
        if blind:
            what = "texts" if self.kind == "text" else "inputs"
            have = "has" if blind == 1 else "have"
            return [
                f"{blind:,} of {len(steps):,} {what} {have} no token that was learnt: the answer "
                f"there is what the model says of nothing"
            ]
        return [f"{share:.0%} of the tokens were never learnt"] if share > MANY else []

    @property
    def vocab_size(self) -> int:
        """V; 0 where numbers are read."""
        return 0 if isinstance(self.codec, ChannelCodec) else self.codec.size

    @property
    def channels(self) -> int:
        """F"""
        return self.codec.channels

    def tokens(self, given: Any) -> list[str]:
        """What is read of one input, step by step, in words."""
        if isinstance(self.codec, ChannelCodec):
            steps = range(len(given))[: self.codec.max_length]
            return [f"step {step + 1}" for step in steps]
        return self.codec.tokens(given)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` reads it back."""
        return {"kind": self.kind, "codec": self.codec.to_dict()}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Reading:
        codec = ChannelCodec if saved["kind"] == "numbers" else TextCodec
        return cls(saved["kind"], codec.from_dict(saved["codec"]))


def kind_of(inputs: Sequence[Any]) -> Kind:
    """Texts are strings; tokens are lists of strings or whole numbers; all else is numbers."""
    first = next((one for one in inputs if not is_empty(one)), next(iter(inputs), None))
    if isinstance(first, str):
        return "text"
    if isinstance(first, np.ndarray):
        whole = first.ndim == 1 and first.dtype.kind in "iuUO"
        return "tokens" if whole else "numbers"
    if isinstance(first, (list, tuple)):
        own = _inside(inputs)
        if own and all(isinstance(t, (str, Integral)) and not isinstance(t, bool) for t in own):
            return "tokens"
    return "numbers"


def fits(inputs: Sequence[Any], kind: Kind) -> bool:
    """Whether inputs are of this kind: whole numbers may be tokens, and numbers too."""
    found = kind_of(inputs)
    if found == "tokens" and kind == "numbers":
        return not any(isinstance(token, str) for token in _inside(inputs))
    return found == kind


def is_empty(one: Any) -> bool:
    """Whether there is nothing to read: no steps, blank text, or a missing value."""
    if isinstance(one, str):
        return not one.strip()
    return len(one) == 0 if hasattr(one, "__len__") else bool(pd.isna(one))


def _inside(inputs: Sequence[Any]) -> list[Any]:
    """What the inputs hold, one behind the other."""
    return [token for one in inputs if hasattr(one, "__iter__") for token in one]


def _rows(rows: Any) -> str:
    shown = ", ".join(str(row + 1) for row in rows[:5])
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    return f"row {shown} is" if len(rows) == 1 else f"rows {shown}{more} are"


def _them(rows: Any) -> str:
    return "it" if len(rows) == 1 else "them"
