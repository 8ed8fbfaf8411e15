"""Every error gatewise raises on purpose, and the exit code the command line gives it.

GatewiseError
├── InputError (also ValueError)      what the user gave cannot be used          exit 2
│   ├── UsageError                    an option or argument
│   ├── SpecError                     a field of Network, NetworkSpec or Training
│   ├── DataError                     a file, a column, a value in the data
│   └── ArtifactError                 a saved model: missing, damaged, foreign
├── MissingExtraError (ImportError)   an optional package is not installed       exit 2
└── RunError (also RuntimeError)      the input was fine and the run failed      exit 1
    ├── DivergedError                 the loss became NaN or infinite
    └── CheckpointError               it cannot be stored how far training is
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class GatewiseError(Exception):
    """The root: `except GatewiseError` catches all that gatewise raises on purpose."""

    exit_code = 1


class InputError(GatewiseError, ValueError):
    exit_code = 2


class UsageError(InputError):
    pass


class SpecError(InputError):
    pass


class DataError(InputError):
    pass


class ArtifactError(InputError):
    pass


class MissingExtraError(GatewiseError, ImportError):
    exit_code = 2

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"{package} is not installed; this needs it: pip install 'gatewise[{extra}]'"
        )


class RunError(GatewiseError, RuntimeError):
    pass


class DivergedError(RunError):
    pass


class CheckpointError(RunError):
    pass


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`"; did you mean 'hidden_size'?"`, or `""` when nothing known is near."""
    names = [str(name) for name in known]
    folded = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(str(word).casefold(), folded, n=1, cutoff=0.6)
    return f"; did you mean '{folded[near[0]]}'?" if near else ""
