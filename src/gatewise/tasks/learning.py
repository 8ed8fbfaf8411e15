"""From sources to weights: what the tasks on sequences do alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import Source
from gatewise.engine import load_engine
from gatewise.spec import NetworkSpec, Training
from gatewise.training import History, Watch, fit
from gatewise.weights import Weights, initial

Singles = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Learnt:
    """What training left; versions of the engine."""

    weights: dict[str, Singles]
    history: History
    versions: dict[str, str]


def learn(
    spec: NetworkSpec,
    training: Training,
    train: Source,
    validation: Source | None,
    *,
    engine: str,
    device: str,
    seed: int,
    watch: Watch,
    given: Weights | None = None,
) -> Learnt:
    """Train a network; `given` weights (token vectors from a file, say) replace initial ones.

    Ctrl-C keeps the best weights so far, once there are any; see gatewise.training.fit.
    """
    weights: Mapping[str, Singles] = {**initial(spec, seed), **(given or {})}
    built = load_engine(engine, spec, training, weights, device=device)
    history = fit(built, train, validation, training, seed=seed, watch=watch)
    return Learnt(built.get_weights(), history, {built.name: built.version})
