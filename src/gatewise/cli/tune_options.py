"""The options of `gatewise tune` that no task has."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from gatewise.errors import UsageError
from gatewise.spec import Settings

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


class TuneOptions(Settings):
    """How a study searches.

    trials   so many settings are tried at most; None: 20, of a grid all
    search   every point of a grid, at random, or where earlier trials were good
    prune    trials that fall behind are ended early
    jobs     processes side by side, one thread each
    timeout  the search ends after so many seconds, and a trial under way is dropped, unless none
             was complete when it began; also 10m, 2h; None: no limit
    space    YAML file of what is tried: 'hidden_size: [32, 64]' or
             'learning_rate: {low: 0.0001, high: 0.01, log: true}'; None: the usual of the task
    resume   go on with the study in --out: what was finished stays, what was not runs again
    """

    trials: int | None = Field(default=None, ge=1)
    search: Literal["grid", "random", "bayes"] = "bayes"
    prune: Literal["none", "hyperband", "median"] = "none"
    jobs: int = Field(default=1, ge=1)
    timeout: str | None = None
    space: str | None = None
    resume: bool = False


def seconds(text: str | None) -> float | None:
    """90, 90s, 10m and 2h in seconds. Raises UsageError."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d*)?)\s*([smh]?)", text.strip())
    if not found or not float(found[1]):
        raise UsageError(f"timeout is a number of seconds, or such as 10m and 2h, not {text!r}")
    return float(found[1]) * UNITS[found[2]]
