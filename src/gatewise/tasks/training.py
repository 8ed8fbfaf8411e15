"""A plan carried out: early stopping on the held-out rows, then once more on all rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gatewise.data.series import SeriesCodec, Windows
from gatewise.data.table import SeriesTable
from gatewise.engine import Engine, load_engine
from gatewise.tasks import shortcut
from gatewise.tasks.plan import Plan, times_ahead
from gatewise.training import History, Watch, fit
from gatewise.weights import initial

Singles = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Trained:
    """What training left.

    codec     with the scaler that the weights belong to
    history   of the run with early stopping
    versions  of the engine
    """

    codec: SeriesCodec
    weights: dict[str, Singles]
    history: History
    notes: tuple[str, ...]
    versions: dict[str, str]


def train(
    plan: Plan, table: SeriesTable, *, engine: str, device: str, seed: int, watch: Watch
) -> Trained:
    """Ctrl-C keeps the best weights so far, once there are any; see gatewise.training.fit."""
    codec, spec = plan.codec, plan.spec
    seen, held = (
        _windows(codec, table, 0, plan.first_held),
        _windows(codec, table, plan.first_held, len(table)),
    )
    penalty = shortcut.penalties(seen, held, spec.shortcut) if spec.shortcut else []
    first = _engine(plan, seen, penalty, engine, device, seed)
    history = fit(first, seen, held, plan.training, seed=seed, watch=watch)
    notes = []
    if history.best_epoch == 0:
        notes.append(
            "no epoch did better on the validation rows than the network before training"
            + (", which is the linear shortcut alone" if spec.shortcut else "")
        )
    kept = Trained(codec, first.get_weights(), history, tuple(notes), {first.name: first.version})
    if not plan.retrain or history.stopped == "interrupted":
        return kept
    whole = codec.relearn(table.values, plan.scaling)
    everything = _windows(whole, table, 0, len(table))
    second = _engine(plan, everything, penalty, engine, device, seed)
    if history.best_epoch and not _trained_again(second, everything, plan, history, seed):
        return replace(kept, history=replace(history, stopped="interrupted"))
    notes.append(
        f"trained anew on all {len(table)} rows for {history.best_epoch} epochs, the number that "
        f"early stopping found on the last {len(table) - plan.first_held}"
    )
    return replace(kept, codec=whole, weights=second.get_weights(), notes=tuple(notes))


def _trained_again(
    engine: Engine, windows: Windows, plan: Plan, history: History, seed: int
) -> bool:
    """Whether all epochs ran; Ctrl-C leaves weights that no validation has seen."""
    try:
        again = fit(engine, windows, None, plan.training, seed=seed, epochs=history.best_epoch)
    except KeyboardInterrupt:
        return False
    return again.stopped != "interrupted"


def _windows(codec: SeriesCodec, table: SeriesTable, first: int, stop: int) -> Windows:
    times = times_ahead(table, codec.horizon) if codec.cycles else None
    return codec.windows(codec.encode(table.values, times), codec.starts(first, stop))


def _engine(
    plan: Plan, windows: Windows, penalty: list[float], name: str, device: str, seed: int
) -> Engine:
    weights = initial(plan.spec, seed)
    if plan.spec.shortcut:
        kernel, bias = shortcut.solve(windows, plan.spec.shortcut, penalty)
        weights |= {"shortcut.kernel": kernel, "shortcut.bias": bias}
    return load_engine(name, plan.spec, plan.training, weights, device=device)
