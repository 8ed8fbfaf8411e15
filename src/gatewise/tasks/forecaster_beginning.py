"""The plan of a forecaster that goes on from a fitted one: its codec, network and settings stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gatewise.data.table import SeriesTable
from gatewise.errors import UsageError
from gatewise.tasks.beginning import fitted, flattered, take_over
from gatewise.tasks.forecaster_rows import seen_of_each, seen_rows
from gatewise.tasks.plan import (
    RETRAIN_BELOW,
    SEASONS,
    Plan,
    cut_for,
    without_effect,
)

if TYPE_CHECKING:
    from gatewise.tasks.forecaster import Forecaster


def plan_on(model: Forecaster, table: SeriesTable, old: Forecaster) -> Plan:
    """Raises UsageError where the new model's arguments contradict the old one, DataError where
    there are too few rows.

    The scaling and the solved shortcut stay, too: the network learnt what they leave over.
    """
    codec = old.codec_
    taken = {
        "horizon": old.horizon,
        "lookback": old.lookback_,
        "strategy": old.strategy_,
        "scaling": old.scaling_,
        "window_scaling": codec.window_scaling,
        "transform": "log" if codec.logs else "none",
        "calendar": bool(codec.cycles),
        "channel_independent": codec.independent,
    }
    found = take_over(model, old, taken)
    spec, training = found.spec, found.training
    cut, cutting = cut_for(model, table, old.lookback_)
    notes = [*found.notes, *cutting]
    if spec.shortcut:
        notes.append("the linear shortcut and the scaling stay as that model solved them")
    overlap = table.bounds[:-1] + seen_of_each(old.known_, table) - cut.held
    notes += flattered(int(np.maximum(overlap, 0).sum()), cut.held_count, "validation rows")
    examples = len(cut.seen(old.lookback_, codec.horizon)) * (
        codec.predicted if codec.independent else 1
    )
    return Plan(
        cut=cut,
        season=old.season_ if np.median(table.lengths) >= SEASONS * old.season_ else 1,
        strategy=old.strategy_,
        scaling=old.scaling_,
        codec=codec,
        spec=spec,
        network=found.network,
        training=training,
        retrain=examples < RETRAIN_BELOW if model.retrain is None else model.retrain,
        notes=(*notes, *without_effect(model, spec, training)),
        beginning=found.beginnings[0],
        began=found.facts,
    )


def refit_start(
    model: Forecaster, table: SeriesTable, origin: int, start: Any
) -> Forecaster | None:
    """What the models of a backtest begin from, as this one did; None: from random weights.

    Raises UsageError where that is missing, or has seen rows from the first origin on.
    """
    old: Forecaster | None = fitted(model, start)
    if (old is None) != (model.began_ is None):
        missing = "went on from another one, and folds that train anew need that one"
        raise UsageError(
            f"this model {missing}; give it as start=, or fewer folds and refit=False"
            if old is None
            else "this model did not go on from another one; leave start out"
        )
    if old is None:
        return None
    seen = seen_rows(old.known_, table)
    if seen > origin:
        raise UsageError(
            f"the model given as start learnt from rows up to {seen}, and the first fold starts at "
            f"row {origin + 1}: scores there would say nothing; give fewer folds, or later rows"
        )
    return old
