"""What changes from step to step of a training, as pure functions of the position."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gatewise.spec import Training


def learning_rates(
    training: Training, epoch: int, batches: int, drops: int = 0
) -> NDArray[np.float64]:
    """The rate of each step of an epoch: a pure function of the position (and plateau drops).

        constant  r                             step     r * factor ** (epoch // schedule_epochs)
        cosine    r * (1 + cos(pi * s)) / 2     plateau  r * factor ** drops

    s runs from 0 to 1 over all epochs after the warm-up, in which the rate rises linearly to r.
    """
    position = epoch + np.arange(batches) / batches  # in epochs, at the start of each step
    rate = np.full(batches, training.rate)
    if training.schedule == "step":
        rate *= training.schedule_factor ** (epoch // training.schedule_epochs)
    elif training.schedule == "plateau":
        rate *= training.schedule_factor**drops
    elif training.schedule == "cosine":
        span = max(training.epochs - training.warmup_epochs, 1e-9)
        share = np.clip((position - training.warmup_epochs) / span, 0.0, 1.0)
        rate *= 0.5 * (1.0 + np.cos(np.pi * share))
    if training.warmup_epochs:
        after = position + 1.0 / batches  # so that the first step already moves
        rate *= np.minimum(1.0, after / training.warmup_epochs)
    return rate


def teacher_forcing(training: Training, epoch: int) -> float:
    """Share of decoder steps that are fed the truth in this epoch.

        linear           p * (1 - e)        e = epoch / (epochs - 1)
        inverse_sigmoid  p * k / (k + exp(epoch / k))     k = epochs / 8

    Source: Bengio et al. 2015, section 2.4.
    """
    share = training.teacher_forcing
    if training.teacher_forcing_schedule == "linear":
        return share * (1.0 - epoch / max(training.epochs - 1, 1))
    if training.teacher_forcing_schedule == "inverse_sigmoid":
        k = max(training.epochs / 8.0, 1.0)
        return share * k / (k + math.exp(min(epoch / k, 500.0)))
    return share
