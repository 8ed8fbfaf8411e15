"""A forecaster's choices made whole: what the user gave, the rest from the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from gatewise.data.calendar import cycles_for
from gatewise.data.season import detect_season
from gatewise.data.series import Scaling, SeriesCodec, WindowScaling
from gatewise.data.table import SeriesTable
from gatewise.errors import DataError, UsageError, did_you_mean
from gatewise.spec import Network, NetworkSpec, Training
from gatewise.tasks import recipe
from gatewise.tasks.beginning import Beginning
from gatewise.tasks.recipe import Strategy
from gatewise.tasks.shared import misplaced

STRATEGIES = ("auto", "direct", "recursive", "encoder_decoder", "by_position")
SCALINGS = ("standard", "minmax", "robust", "none")
WINDOW_SCALINGS = ("auto", "none", "last", "mean_std")
TRANSFORMS = ("auto", "none", "log")
LOSSES = ("mse", "mae", "huber")
MEANINGLESS = ("attention", "tie_embedding", "token_dropout", "embedding_dropout")  # of tokens
RETRAIN_BELOW = 20_000  # examples, so that training anew costs seconds
SHORTEST_LOOKBACK = 2
SEASONS = 2  # so often must a season fit into the rows

DECODERS: dict[Strategy, Literal["none", "fed_back", "by_position"]] = {
    "direct": "none",
    "recursive": "none",
    "encoder_decoder": "fed_back",
    "by_position": "by_position",
}


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


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything resolved.

    first_held  first of the rows kept for early stopping
    season      steps of the seasonal cycle, 1 for none
    codec       its scaler has learnt from the rows before first_held
    retrain     train once more on all rows, for as many epochs as early stopping found
    notes       the choices in words
    beginning   a fitted network to go on from; None: random weights
    began       what must be known of it; see gatewise.tasks.beginning
    """

    first_held: int
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


def make_plan(choices: Choices, table: SeriesTable) -> Plan:
    """Raises UsageError and DataError, as Forecaster.fit says."""
    season, notes = _season(table)
    first_held = len(table) - held_rows(choices, len(table))
    check_rows(choices.horizon, choices.lookback, len(table), first_held)
    strategy, why = _strategy(choices, first_held, season)
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
    logs = _logs(choices, table, predicted, first_held, season)
    codec = SeriesCodec.learn(
        table.values[:first_held],
        choices.scaling,
        columns=table.columns,
        predicted=predicted,
        logs=logs,
        cycles=_cycles(choices, table),
        window_scaling=_window_scaling(choices, strategy, table, predicted, first_held),
        independent=independent,
        lookback=choices.lookback or 1,
        horizon=1 if strategy == "recursive" else choices.horizon,
        ahead=decoder != "none",
    )
    tried = recipe.lookbacks(first_held, choices.horizon, season)
    if choices.lookback is None:
        plain = replace(codec, cycles=(), ahead=False)
        lookback = recipe.choose_lookback(tried, table.values, plain, first_held)
        codec = replace(codec, lookback=lookback)
    examples = first_held - codec.lookback - choices.horizon + 1
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
        first_held=first_held,
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


def _strategy(choices: Choices, first_held: int, season: int) -> tuple[Strategy, str]:
    if choices.strategy != "auto":
        return choices.strategy, f"{choices.strategy}, as asked for"
    lookback = choices.lookback or recipe.lookbacks(first_held, choices.horizon, season)[0]
    windows = first_held - lookback - choices.horizon + 1
    return recipe.choose_strategy(windows, choices.horizon, lookback)


def _logs(
    choices: Choices, table: SeriesTable, predicted: int, first_held: int, season: int
) -> tuple[str, ...]:
    """The columns whose logarithm is learnt: all that are forecast, or none."""
    values = table.values[:first_held, :predicted]
    positive = recipe.logarithm_fits(table.values[:, :predicted])
    if choices.transform == "log" and not positive:
        raise UsageError(
            "transform='log' needs values clearly above 0 in every forecast column; "
            "use transform='none' (--transform none)"
        )
    log = choices.transform == "log"
    if choices.transform == "auto":
        log = positive and recipe.logarithm_pays(values, season)
    return table.columns[:predicted] if log else ()


def _window_scaling(
    choices: Choices, strategy: Strategy, table: SeriesTable, predicted: int, first_held: int
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
        and recipe.level_stays(own[:first_held], own[first_held:])
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


def _season(table: SeriesTable) -> tuple[int, list[str]]:
    if table.season is not None:
        if len(table) >= SEASONS * table.season:
            return table.season, []
        return 1, [
            f"a season of {table.season} steps, usual at this frequency, does not fit "
            f"{SEASONS} times into {len(table)} rows: none is assumed"
        ]
    season = detect_season(table.values[:, 0], len(table) // 3)
    name = table.targets[0]
    if season > 1:
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
    """The table's times and `steps` more.  (N + steps,); None without times"""
    ahead = table.future_times(steps)
    if table.times is None or ahead is None:
        return None
    return np.concatenate([table.times, ahead])
