"""A forecaster's choices made whole: what the user gave, the rest from the training rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import thin
from gatewise.data.calendar import cycles_for
from gatewise.data.cuts import Cut, cut_series, too_short
from gatewise.data.season import detect_season
from gatewise.data.series import Scaling, SeriesCodec, WindowScaling
from gatewise.data.table import SeriesTable
from gatewise.errors import DataError, UsageError
from gatewise.spec import Network, NetworkSpec, Training
from gatewise.tasks import recipe
from gatewise.tasks.beginning import Beginning
from gatewise.tasks.forecaster_choices import Choices
from gatewise.tasks.recipe import Strategy

RETRAIN_BELOW = 20_000  # examples, so that training anew costs seconds
SHORTEST_LOOKBACK = 2
SHORT = 0.1  # share of the series that may be too short to be read
LOOKED_AT = 25  # series in which a season is looked for
SEASONS = 2  # so often must a season fit into the rows

DECODERS: dict[Strategy, Literal["none", "fed_back", "by_position"]] = {
    "direct": "none",
    "recursive": "none",
    "encoder_decoder": "fed_back",
    "by_position": "by_position",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything resolved.

    cut         which rows of each series are learnt from, and which decide when to stop
    season      steps of the seasonal cycle, 1 for none
    codec       its scaler has seen the rows that are learnt from
    retrain     train once more on all rows, for as many epochs as early stopping found
    notes       the choices in words
    beginning   a fitted network to go on from; None: random weights
    began       what must be known of it; see gatewise.tasks.beginning
    """

    cut: Cut
    season: int
    strategy: Strategy
    scaling: Scaling
    codec: SeriesCodec
    spec: NetworkSpec
    network: Network
    training: Training
    retrain: bool
    notes: tuple[str, ...]
    beginning: Beginning | None = None
    began: dict[str, Any] | None = None


def make_plan(choices: Choices, table: SeriesTable) -> Plan:
    """Raises UsageError and DataError, as Forecaster.fit says."""
    season, notes = season_in(table)
    cut, tried, more = _cut(choices, table, season)
    notes += more
    strategy, why = _strategy(choices, cut, tried)
    together = strategy in ("recursive", "encoder_decoder")
    independent = choices.channel_independent
    if independent is None:
        independent = len(table.targets) > 1 and not together
    predicted = len(table.targets)
    if strategy == "recursive" and table.features:
        # a feature must be forecast to be read ahead
        predicted, independent = table.values.shape[1], False
        why += "; the features are forecast, too, to be read ahead"
    decoder = DECODERS[strategy]
    logs = _logs(choices, table, predicted, cut, season)
    codec = SeriesCodec.learn(
        cut.learnt(table.values),
        choices.scaling,
        columns=table.columns,
        predicted=predicted,
        logs=logs,
        cycles=_cycles(choices, table),
        window_scaling=_window_scaling(choices, strategy, table, predicted, cut),
        independent=independent,
        lookback=choices.lookback or 1,
        horizon=1 if strategy == "recursive" else choices.horizon,
        ahead=decoder != "none",
    )
    if choices.lookback is None:
        plain = replace(codec, cycles=(), ahead=False)
        lookback = recipe.choose_lookback(tried, table.values, plain, cut)
        codec = replace(codec, lookback=lookback)
    if len(table.series) > 1:
        steps = (codec.lookback, choices.horizon)
        notes += too_short(table.bounds, table.series, *steps, "not learnt from")
    examples = len(cut.seen(codec.lookback, choices.horizon))
    examples *= predicted if independent else 1
    network, training = _settings(choices, strategy, examples, codec.lookback)
    width, calendar = 1 if independent else predicted, 2 * len(codec.cycles)
    spec = NetworkSpec.complete(
        network,
        kind="many_to_one" if decoder == "none" else "encoder_decoder",
        decoder=decoder,
        input_size=width + len(table.columns) - predicted + calendar,
        output_size=width,
        horizon=codec.horizon,
        future_size=calendar if codec.ahead else 0,
    )
    return Plan(
        cut=cut,
        season=season,
        strategy=strategy,
        scaling=choices.scaling,
        codec=codec,
        spec=spec,
        network=network,
        training=training,
        retrain=examples < RETRAIN_BELOW if choices.retrain is None else choices.retrain,
        notes=(
            *notes,
            f"strategy {why}",
            *_in_words(choices, codec, tried),
            *without_effect(choices, spec, training),
        ),
    )


def held_rows(choices: Choices, rows: int) -> int:
    """Rows kept for early stopping: a share holds at least one forecast."""
    held = choices.validation
    return int(held) if held >= 1 else max(choices.horizon, round(rows * held))


def _cut(choices: Choices, table: SeriesTable, season: int) -> tuple[Cut, list[int], list[str]]:
    """(where the series are cut, lookbacks worth trying, notes)"""
    horizon, lengths = choices.horizon, table.lengths
    if len(lengths) == 1:
        cut, notes = cut_for(choices, table, choices.lookback)
        return cut, recipe.lookbacks(int(cut.held[0]), horizon, season), notes
    usual = int(np.quantile(lengths, SHORT, method="lower"))  # shorter ones may be left out
    rows = usual - (held_rows(choices, usual) if len(lengths) < recipe.MANY else 0)
    tried = recipe.lookbacks(rows, horizon, season, len(lengths))
    cut, notes = cut_for(choices, table, choices.lookback or max(tried))
    return cut, tried, notes


def cut_for(choices: Choices, table: SeriesTable, lookback: int | None) -> tuple[Cut, list[str]]:
    """Where the series are cut, and what must be said of it.

    lookback  None, of one series: it is still to be chosen
    Raises DataError where rows are too few.
    """
    if len(table.series) == 1:
        first_held = len(table) - held_rows(choices, len(table))
        check_rows(choices.horizon, lookback, len(table), first_held)
        return Cut(table.bounds, np.array([first_held])), []
    return cut_series(
        table.bounds,
        table.series,
        lookback=lookback or SHORTEST_LOOKBACK,
        horizon=choices.horizon,
        validation=choices.validation,
        seed=choices.seed,
    )


def _strategy(choices: Choices, cut: Cut, tried: Sequence[int]) -> tuple[Strategy, str]:
    if choices.strategy != "auto":
        return choices.strategy, f"{choices.strategy}, as asked for"
    lookback = choices.lookback or tried[0]
    windows = len(cut.seen(lookback, choices.horizon))
    return recipe.choose_strategy(windows, choices.horizon, lookback)


def _logs(
    choices: Choices, table: SeriesTable, predicted: int, cut: Cut, season: int
) -> tuple[str, ...]:
    """The columns whose logarithm is learnt: all that are forecast, or none."""
    values = table.values[:, :predicted]
    positive = recipe.logarithm_fits(values)
    if choices.transform == "log" and not positive:
        raise UsageError(
            "transform='log' needs values clearly above 0 in every forecast column; "
            "use transform='none' (--transform none)"
        )
    log = choices.transform == "log"
    if choices.transform == "auto":
        log = positive and recipe.logarithm_pays(values, season, cut)
    return table.columns[:predicted] if log else ()


def _window_scaling(
    choices: Choices, strategy: Strategy, table: SeriesTable, predicted: int, cut: Cut
) -> WindowScaling:
    """Relative to the last value, unless the level stays and no shortcut brings the level back:
    a network alone, fed with its own answers, would wander off.
    """
    if choices.window_scaling != "auto":
        return choices.window_scaling
    given = choices.network.chosen() if choices.network else {}
    alone = strategy == "encoder_decoder" or given.get("shortcut") == 0
    own = table.values[:, :predicted]
    if (
        alone
        and strategy != "by_position"
        and recipe.level_stays(cut.learnt(own), cut.judging(own))
    ):
        return "none"
    return "last"


def _in_words(choices: Choices, codec: SeriesCodec, tried: Sequence[int]) -> list[str]:
    words = []
    if choices.lookback is None and len(tried) == 1:
        words.append(f"lookback of {codec.lookback} steps, by rule")
    elif choices.lookback is None:
        among = ", ".join(map(str, tried))
        words.append(
            f"lookback of {codec.lookback} steps, of {among} the best for a linear model on the "
            f"validation rows"
        )
    if codec.logs and choices.transform == "auto":
        words.append("logarithms are learnt: the spread within a season grows with its level")
    return words


def without_effect(choices: Choices, spec: NetworkSpec, training: Training) -> list[str]:
    """What was asked for and has no meaning for this network, in words."""
    network = set(choices.network.chosen()) if choices.network else set()
    trained = set(choices.training.chosen()) if choices.training else set()
    unused = []
    if spec.kind == "encoder_decoder" and "pooling" in network:
        unused.append(f"pooling (a decoder {spec.decoder} takes the encoder's last state)")
    if spec.pooling != "attention" and "attention_size" in network:
        unused.append("attention_size (only pooling='attention' has one)")
    if spec.cell != "lstm" and "forget_bias" in network:
        unused.append(f"forget_bias (a {spec.cell} has no forget gate)")
    if training.optimizer != "sgd" and "momentum" in trained:
        unused.append("momentum (of sgd alone)")
    if spec.decoder != "fed_back" and trained & {"teacher_forcing", "teacher_forcing_schedule"}:
        unused.append("teacher_forcing (nothing is fed back)")
    return [f"asked for but without effect: {', '.join(unused)}"] if unused else []


def _settings(
    choices: Choices, strategy: Strategy, examples: int, lookback: int
) -> tuple[Network, Training]:
    network = recipe.default_network(strategy, examples, lookback, choices.horizon)
    network = network if choices.network is None else choices.network.over(network)
    training = recipe.default_training(strategy, examples)
    training = training if choices.training is None else choices.training.over(training)
    if network.segment_length is not None and lookback % network.segment_length:
        raise UsageError(
            f"lookback {lookback} is not a multiple of segment_length "
            f"{network.segment_length}; change one of them"
        )
    if network.shortcut > lookback:
        raise UsageError(
            f"shortcut {network.shortcut} reads more steps than the lookback {lookback} holds"
        )
    return network, training


def season_in(table: SeriesTable) -> tuple[int, list[str]]:
    """(steps of the season, 1 for none; notes)"""
    rows = int(np.median(table.lengths))
    if table.season is not None:
        if rows >= SEASONS * table.season:
            return table.season, []
        of = f"{rows} rows" if len(table.series) == 1 else f"the {rows} rows of a usual series"
        return 1, [
            f"a season of {table.season} steps, usual at this frequency, does not fit "
            f"{SEASONS} times into {of}: none is assumed"
        ]
    looked_at = thin(len(table.series), LOOKED_AT).tolist()
    own = [table.values[table.bounds[i] : table.bounds[i + 1], 0] for i in looked_at]
    found = Counter(detect_season(values, len(values) // 3) for values in own)
    season, votes = found.most_common(1)[0]
    name = table.targets[0]
    if season > 1 and 2 * votes > len(own):
        return season, [f"a season of {season} steps was found in '{name}'"]
    return 1, [f"no season was found in '{name}'"]


def _cycles(choices: Choices, table: SeriesTable) -> tuple[str, ...]:
    if not choices.calendar:
        return ()
    if table.times is None or table.frequency is None:
        raise UsageError(
            "calendar needs a column of dates, and the data has none: name it with time= (--time) "
            "or leave the calendar out"
        )
    return cycles_for(table.times)


def check_rows(horizon: int, lookback: int | None, rows: int, first_held: int) -> None:
    """Raises DataError where the rows before or behind `first_held` are too few; lookback None: it
    is still to be chosen.
    """
    held = rows - first_held
    if held < horizon:
        raise DataError(
            f"{held} validation rows cannot hold one forecast of {horizon} steps; "
            f"raise validation to at least {horizon} or lower the horizon"
        )
    least = lookback or SHORTEST_LOOKBACK
    # two windows, so that a training window is never all there is
    if first_held - least - horizon >= 1:
        return
    chosen = "lookback" if lookback else "the shortest lookback"
    raise DataError(
        f"{rows} training rows are too few: {chosen} {least} + horizon {horizon} + {held} "
        f"validation rows need at least {least + horizon + held + 1}; "
        f"lower lookback or horizon, or give more rows"
    )


def times_ahead(table: SeriesTable, steps: int) -> NDArray[np.datetime64] | None:
    """The table's times and `steps` more.  (N + steps,); of several series, which stand behind
    each other, the times alone; None without times
    """
    if len(table.series) > 1:
        return table.times
    ahead = table.future_times(steps)
    if table.times is None or ahead is None:
        return None
    return np.concatenate([table.times, ahead])
