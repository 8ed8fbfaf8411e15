"""What the user gave a forecaster, checked before any data is read."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np

from gatewise.data.series import Scaling, WindowScaling
from gatewise.errors import UsageError, did_you_mean
from gatewise.spec import Network, Training
from gatewise.tasks.recipe import Strategy
from gatewise.tasks.shared import misplaced

STRATEGIES = ("auto", "direct", "recursive", "encoder_decoder", "by_position")
SCALINGS = ("standard", "minmax", "robust", "none")
WINDOW_SCALINGS = ("auto", "none", "last", "mean_std")
TRANSFORMS = ("auto", "none", "log")
LOSSES = ("mse", "mae", "huber")
MEANINGLESS = ("attention", "tie_embedding", "token_dropout", "embedding_dropout")  # of tokens


class Choices(Protocol):
    """What of a forecaster a plan reads."""

    horizon: int
    lookback: int | None
    strategy: Literal["auto"] | Strategy
    scaling: Scaling
    window_scaling: Literal["auto"] | WindowScaling
    transform: Literal["auto", "none", "log"]
    calendar: bool
    channel_independent: bool | None
    validation: float | int
    seed: int
    retrain: bool | None
    network: Network | None
    training: Training | None


def check_choices(choices: Choices) -> None:
    """Raises UsageError, one message that lists every unusable argument."""
    problems = []
    for name, known in (
        ("strategy", STRATEGIES),
        ("scaling", SCALINGS),
        ("window_scaling", WINDOW_SCALINGS),
        ("transform", TRANSFORMS),
    ):
        value = getattr(choices, name)
        if value not in known:
            hint = did_you_mean(value, known)
            problems.append(f"{name} must be one of {', '.join(known)}, not {value!r}{hint}")
    problems += _not_whole("horizon", choices.horizon)
    if choices.lookback is not None:
        problems += _not_whole("lookback", choices.lookback)
    held = choices.validation
    if not (_is_whole(held, least=1) or (isinstance(held, float) and 0 < held < 1)):
        problems.append(
            f"validation must be a share between 0 and 1 or a number of rows, not {held!r}"
        )
    for name, kind in (("network", Network), ("training", Training)):
        value = getattr(choices, name)
        if value is not None and not isinstance(value, kind):
            problems.append(
                f"{name} must be a gatewise.{kind.__name__}, not {value!r:.80}; "
                f"write gatewise.{kind.__name__}(...)"
            )
    problems += misplaced("forecaster", choices.network, MEANINGLESS)
    problems += misplaced("forecaster", choices.training, ("label_smoothing",))
    loss = getattr(choices.training, "loss", LOSSES[0])
    if loss not in LOSSES:
        problems.append(f"the loss of a forecaster is one of {', '.join(LOSSES)}, not {loss!r}")
    if not _is_whole(choices.seed, least=0):
        problems.append(f"seed must be a whole number, at least 0, not {choices.seed!r}")
    if problems:
        raise UsageError("; ".join(problems))


def _not_whole(name: str, value: object) -> list[str]:
    if _is_whole(value, least=1):
        return []
    return [f"{name} must be a whole number of steps, at least 1, not {value!r}"]


def _is_whole(value: object, least: int) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and int(value) >= least  # type: ignore[call-overload]
