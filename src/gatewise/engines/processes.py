"""How many processes train together, and which of them this is: what `torchrun` says."""

from __future__ import annotations

import os

from gatewise.errors import UsageError

NAMES = ("RANK", "WORLD_SIZE", "MASTER_ADDR")  # torchrun sets all of them


def count() -> int:
    """Of one run; 1 where torchrun did not start this process. Raises UsageError."""
    return _number("WORLD_SIZE", 1) if all(name in os.environ for name in NAMES) else 1


def rank() -> int:
    """Number of this one, from 0: the one that speaks and writes. Raises UsageError."""
    return _number("RANK", 0) if count() > 1 else 0


def local_rank() -> int:
    """Its number on this machine, from 0. Raises UsageError."""
    return _number("LOCAL_RANK", 0) if count() > 1 else 0


def together() -> list[str]:
    """The note of a training by several."""
    if count() == 1:
        return []
    return [f"{count()} processes trained together: each step learnt from batch_size examples each"]


def _number(name: str, otherwise: int) -> int:
    text = os.environ.get(name, str(otherwise))
    if not text.isdecimal():
        raise UsageError(f"{name} in the environment should be a whole number, not '{text}'")
    return int(text)
