"""What a case is asked, and what it answers."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatewise.cases.index import CASES
from gatewise.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARTS = ("Data", "Trap", "Right")  # of a case's docstring, behind its title


@dataclass(frozen=True, slots=True)
class Ask:
    """How a case is to be run.

    engine  torch, tensorflow or jax
    seed    of the data that are made, of the split, of the network
    quick   small, on data that the project makes: a few seconds
    data    folder in which the real sets lie, at any depth; None: where `gatewise data get` puts
            them
    folder  an empty folder for files that the case writes on its way
    """

    folder: Path
    engine: str = "torch"
    seed: int = 0
    quick: bool = False
    data: Path | None = None

    @property
    def how(self) -> dict[str, Any]:
        """What every task takes: Forecaster(horizon=12, **ask.how)."""
        return {"engine": self.engine, "seed": self.seed, "verbose": 0}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that right looks like: words, whether it came out so, the figure that says it."""

    words: str
    met: bool
    figure: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out.

    scores   name -> metric -> score, None where there is none; the first name is ours, then
             baselines and the floor
    split    what was learnt from and what was judged on, in words
    checks   what right looks like
    said     sentences that the reader should see: verdicts, answers
    picture  drawn with `gatewise.cases.pictures`
    """

    scores: Mapping[str, Mapping[str, float | None]]
    split: str
    checks: Sequence[Check]
    said: Sequence[str] = ()
    picture: Figure | None = field(default=None, repr=False)

    @property
    def passed(self) -> bool:
        """Whether every check is met."""
        return all(check.met for check in self.checks)


@dataclass(frozen=True, slots=True)
class Case:
    """A case by name: its words, and the function that runs it."""

    name: str
    title: str
    data: str
    trap: str
    right: str
    run: Callable[[Ask], Outcome]


def load_case(name: str) -> Case:
    """Import one case. Raises UsageError where there is none of this name."""
    if name not in CASES:
        hint = did_you_mean(name, CASES) or f" (cases: {', '.join(CASES)})"
        raise UsageError(f"there is no case '{name}'{hint}; see gatewise cases list")
    module = importlib.import_module(f"{__package__}.{name.replace('-', '_')}")
    title, *words = re.split(rf"^({'|'.join(PARTS)})\s", module.__doc__ or "", flags=re.MULTILINE)
    parts = {key: " ".join(text.split()) for key, text in zip(words[::2], words[1::2], strict=True)}
    data, trap, right = (parts[part] for part in PARTS)
    return Case(name, title.strip(), data, trap, right, module.run)
