"""From sources to weights: what the tasks on sequences do alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import Source
from gatewise.checkpoint import RunCheckpoints
from gatewise.spec import NetworkSpec, Training
from gatewise.tasks.beginning import Beginning, State, begin_on
from gatewise.tasks.rate_finding import RateSearch
from gatewise.tasks.rates import with_rate
from gatewise.tasks.telling import engine_told
from gatewise.training import History, Watch, fit
from gatewise.weights import Weights, initial

Singles = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Learnt:
    """What training left; versions of the engine.

    state     what the optimizer remembers beside the weights
    training  as it was: with the learning rate that was found, where it was to be
    rates     how that was found
    """

    training: Training
    rates: RateSearch | None
    weights: dict[str, Singles]
    state: State
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
    beginning: Beginning | None = None,
    checkpoints: RunCheckpoints | None = None,
) -> Learnt:
    """Train a network, from its beginning where there is one, else from seeded weights: `given`
    ones (token vectors from a file, say) replace those.

    Ctrl-C keeps the best weights so far, once there are any; see gatewise.training.fit.
    """
    begin = beginning or Beginning({**initial(spec, seed), **(given or {})})
    training, rates = with_rate(engine, spec, training, begin, train, device=device, seed=seed)
    built = begin_on(engine, spec, training, begin, device=device)
    engine_told(watch, built, training)
    history = fit(
        built,
        train,
        validation,
        training,
        seed=seed,
        watch=watch,
        behind=begin.behind,
        stage=None if checkpoints is None else checkpoints.stage(),
        about={"network": spec.model_dump(mode="json")},
    )
    return Learnt(
        training,
        rates,
        built.get_weights(),
        built.get_state(),
        history,
        {built.name: built.version},
    )
