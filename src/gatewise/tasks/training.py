"""A plan carried out: early stopping on the held-out rows, then once more on all rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import IntArray
from gatewise.checkpoint import RunCheckpoints, Stage
from gatewise.data.series import SeriesCodec, Windows
from gatewise.data.table import SeriesTable
from gatewise.engine import Engine
from gatewise.runs.several import without_progress
from gatewise.spec import Training
from gatewise.tasks import shortcut
from gatewise.tasks.beginning import Beginning, State, begin_on
from gatewise.tasks.plan import Plan, times_ahead
from gatewise.tasks.rate_finding import RateSearch
from gatewise.tasks.rates import told, with_rate
from gatewise.tasks.shared import OLD, RANDOM
from gatewise.tasks.telling import engine_told
from gatewise.training import History, Watch, fit
from gatewise.weights import initial

Singles = NDArray[np.float32]

SILENT_SECONDS = 2.0  # training anew is worth a second progress bar when the first took longer


@dataclass(frozen=True, slots=True)
class Trained:
    """What training left.

    training  as it was: with the learning rate that was found, where it was to be
    rates     how that was found
    codec     with the scaler that the weights belong to
    state     what the optimizer remembers beside the weights
    history   of the run with early stopping
    versions  of the engine
    """

    training: Training
    rates: RateSearch | None
    codec: SeriesCodec
    weights: dict[str, Singles]
    state: State
    history: History
    notes: tuple[str, ...]
    versions: dict[str, str]


def train(
    plan: Plan,
    table: SeriesTable,
    *,
    engine: str,
    device: str,
    seed: int,
    watch: Watch,
    checkpoints: RunCheckpoints | None = None,
) -> Trained:
    """Ctrl-C keeps the best weights so far, once there are any; see gatewise.training.fit."""
    spec = plan.spec
    seen = _windows(plan.codec, table, plan.cut.seen)
    held = _windows(plan.codec, table, plan.cut.kept)
    penalty = []
    if spec.shortcut and plan.beginning is None:
        penalty = shortcut.penalties(seen, held, spec.shortcut)
    codec, begin = _start(plan, plan.codec, seen, penalty, seed)
    seen = _windows(codec, table, plan.cut.seen)
    held = _windows(codec, table, plan.cut.kept)
    training, rates = with_rate(engine, spec, plan.training, begin, seen, device=device, seed=seed)
    plan = replace(plan, training=training)
    first = begin_on(engine, spec, plan.training, begin, device=device)
    engine_told(watch, first, training)
    history = fit(
        first,
        seen,
        held,
        plan.training,
        seed=seed,
        watch=watch,
        behind=begin.behind,
        stage=None if checkpoints is None else checkpoints.stage(),
        about=_about(plan),
    )
    notes = told(rates)
    if history.best_epoch == 0:
        notes.append(
            f"no epoch of training did better on the validation rows than the start, "
            f"{_what_stood_first(plan)}"
        )
    kept = Trained(
        training,
        rates,
        codec,
        first.get_weights(),
        first.get_state(),
        history,
        tuple(notes),
        {first.name: first.version},
    )
    solvable = spec.shortcut and plan.beginning is None
    nothing_to_do = history.best_epoch == 0 and not solvable
    if not plan.retrain or nothing_to_do or history.stopped == "interrupted":
        return kept
    if plan.beginning is None:
        codec = plan.codec.relearn(table.values, plan.scaling)
    everything = _windows(codec, table, plan.cut.every)
    codec, begin = _start(plan, codec, everything, penalty, seed)
    everything = _windows(codec, table, plan.cut.every)
    second = begin_on(engine, spec, plan.training, begin, device=device)
    slow = sum(record.seconds for record in history.records) > SILENT_SECONDS
    shown = watch if slow else without_progress(watch)
    shown.about({"part": "all rows"})
    stage = checkpoints.stage() if checkpoints is not None and history.best_epoch else None
    if history.best_epoch and not _trained_again(
        second, everything, plan, history, seed, shown, stage
    ):
        return replace(kept, history=replace(history, stopped="interrupted"))
    anew = "anew" if plan.beginning is None else "from the same start"
    again = f"trained {anew} on all {len(table)} rows for {_epochs(history.best_epoch)}"
    if not history.best_epoch:
        again = f"the shortcut was solved anew on all {len(table)} rows"
    notes.append(
        f"{again}, after early stopping on {plan.cut.in_words()}; "
        f"the loss curves are those of early stopping"
    )
    return replace(
        kept,
        codec=codec,
        weights=second.get_weights(),
        state=second.get_state(),
        notes=tuple(notes),
    )


def _about(plan: Plan) -> dict[str, Any]:
    """What makes it the same run, besides settings of training and the windows."""
    return {"network": plan.spec.model_dump(mode="json")}


def _what_stood_first(plan: Plan) -> str:
    if plan.beginning is not None:
        return OLD
    return "the solved linear shortcut" if plan.spec.shortcut else RANDOM


def _epochs(count: int) -> str:
    return f"{count} epoch" if count == 1 else f"{count} epochs"


def _trained_again(
    engine: Engine,
    windows: Windows,
    plan: Plan,
    history: History,
    seed: int,
    watch: Watch,
    stage: Stage | None,
) -> bool:
    """Whether all epochs ran; Ctrl-C leaves weights that no validation has seen."""
    try:
        again = fit(
            engine,
            windows,
            None,
            plan.training,
            seed=seed,
            epochs=history.best_epoch,
            watch=watch,
            behind=0 if plan.beginning is None else plan.beginning.behind,
            stage=stage,
            about=_about(plan),
        )
    except KeyboardInterrupt:
        return False
    return again.stopped != "interrupted"


def _windows(
    codec: SeriesCodec, table: SeriesTable, starts: Callable[[int, int], IntArray]
) -> Windows:
    times = times_ahead(table, codec.horizon) if codec.cycles else None
    encoded = codec.encode(table.values, times)
    return codec.windows(encoded, starts(codec.lookback, codec.horizon))


def _start(
    plan: Plan, codec: SeriesCodec, windows: Windows, penalty: list[float], seed: int
) -> tuple[SeriesCodec, Beginning]:
    """What the plan goes on from; or else seeded weights, with the shortcut solved on these windows
    where there is one, and the codec that goes with it.
    """
    if plan.beginning is not None:
        return codec, plan.beginning
    weights = initial(plan.spec, seed)
    if not plan.spec.shortcut:
        return codec, Beginning(weights)
    solved = shortcut.solve(windows, plan.spec.shortcut, penalty)
    weights |= {"shortcut.kernel": solved.kernel, "shortcut.bias": solved.bias}
    return replace(codec, persistence=solved.persistence), Beginning(weights)
