"""What a forecaster does where the user said nothing: chosen from the training rows alone.

The lookback is tried on a linear model, fitted before the validation rows and judged on them,
because it is solved in a moment. The network and its training follow rules by the number of
windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import IntArray, thin
from gatewise.data.cuts import Cut, spans
from gatewise.data.series import SeriesCodec, Windows
from gatewise.least_squares import choose_penalty
from gatewise.spec import Network, Training
from gatewise.tasks.shortcut import Lags

Floats = NDArray[np.float64]
Strategy = Literal["direct", "recursive", "encoder_decoder", "by_position"]

MOST_EXAMPLES = 60_000  # of one epoch
LARGE = 20_000  # examples from which a large network pays
LONG = 1_000  # windows from which segments pay
LONG_HORIZON = 8  # steps below which there is nothing to cut into segments
MOST_LOOKBACK = 720
MANY = 100  # series from which one window of each is enough to learn from
WHOLE = 100  # steps below which it is worth trying to read a series whole
TRIED_WINDOWS = 4_000
BLOCK = 12  # rows of a block where there is no season
FEWEST_BLOCKS = 4
MULTIPLICATIVE = 0.5  # the logarithm must even out the spread at least so much
CLEARLY = 0.98  # a longer lookback is taken only when its error is below this share


def choose_strategy(windows: int, horizon: int, lookback: int) -> tuple[Strategy, str]:
    """A strategy for so many training windows, and why, in words."""
    if horizon < LONG_HORIZON:
        return "direct", f"direct: a horizon of {horizon} has nothing to cut into segments"
    if windows < LONG:
        return "direct", (
            f"direct: {windows} training windows are too few for an encoder-decoder over "
            f"segments, the default from {LONG} on"
        )
    if segment_length(lookback, horizon) is None:
        return "direct", f"direct: a lookback of {lookback} cannot be cut into equal segments"
    return "by_position", f"by_position over segments: {windows} training windows are enough"


def lookbacks(rows: int, horizon: int, season: int, series: int = 1) -> list[int]:
    """Lookbacks worth trying, in steps: some seasons, or some horizons, that leave enough rows.

    rows    of one series; series: so many of about that length

    Short series get one: the best of several there is the luckiest. Of many series each may be read
    nearly whole: it need not hold many windows.
    """
    most = min(MOST_LOOKBACK, max((rows - horizon) // 3, 1))
    if series >= MANY:
        most = min(MOST_LOOKBACK, max(rows - horizon, 1))
    cycle = season if season > 1 else 0
    wanted = [2 * cycle, 3 * cycle, 7 * cycle] if cycle else [2 * horizon, 4 * horizon, 24]
    if horizon > cycle:
        wanted += [2 * horizon, 4 * horizon]
    if series >= MANY and most < WHOLE:
        wanted.append(most)
    fitting = sorted({length for length in wanted if max(2, min(horizon, most)) <= length <= most})
    if not fitting:
        return [most]
    windows = rows - fitting[-1] - horizon
    if series > 1:
        windows = series * (windows + 1)
    return fitting if windows >= LONG else fitting[:1]


def choose_lookback(candidates: Sequence[int], values: Floats, codec: SeriesCodec, cut: Cut) -> int:
    """The lookback whose linear model has the least error on the held rows; of nearly equal ones
    the shortest.

    values (N, C). The error is the mean absolute one, each column in units of its own mean
    absolute change. Of series that are held whole the rows that every candidate can forecast.
    """
    if len(candidates) == 1:
        return candidates[0]
    before = spans(cut.bounds[:-1], cut.held - 1)
    own = values[:, : codec.predicted]
    change = np.abs(own[before + 1] - own[before]).mean(axis=0)
    change[change == 0] = 1.0
    judged = cut
    if cut.whole:
        later = np.minimum(cut.bounds[:-1] + max(candidates), cut.bounds[1:])
        judged = Cut(cut.bounds, np.maximum(cut.held, later))
    best, least = candidates[0], np.inf
    for lookback in candidates:
        error = _linear_error(replace(codec, lookback=lookback), values, cut, judged, change)
        if error < CLEARLY * least:
            best, least = lookback, error
    return best


def logarithm_fits(values: Floats) -> bool:
    """Whether all values (N, D) are clearly above 0."""
    return bool(np.all(values.min(axis=0) > 0.01 * np.abs(values).mean(axis=0)))


def logarithm_pays(values: Floats, season: int, cut: Cut | None = None) -> bool:
    """Whether the spread within seasons grows in step with their level, in the rows of values
    (N, D) that are learnt from; without a cut, in all of one series.

    Taken relative to the level, the spread of season-long blocks must vary less than half as much.
    Source: Guerrero 1993, of whose powers only 0 (logarithm) and 1 (as it is) are compared.
    """
    size = season if season > 2 else BLOCK
    if cut is None:
        cut = Cut(np.array([0, len(values)]), np.array([len(values)]))
    first = cut.held - (cut.held - cut.bounds[:-1]) // size * size  # the last whole blocks of each
    values = values[spans(first, cut.held)]
    count = len(values) // size
    if count < FEWEST_BLOCKS or not logarithm_fits(values):
        return False
    blocks = values.reshape(count, size, -1)
    level, spread = blocks.mean(axis=1), blocks.std(axis=1)  # (blocks, D)
    varies = spread.std(axis=0) / np.maximum(spread.mean(axis=0), 1e-300)
    share = spread / level
    varies_as_share = share.std(axis=0) / np.maximum(share.mean(axis=0), 1e-300)
    return bool(np.median(varies_as_share / np.maximum(varies, 1e-300)) < MULTIPLICATIVE)


def level_stays(before: Floats, after: Floats) -> bool:
    """Whether the mean of later rows (M, D) is near that of earlier ones (N, D): within half their
    spread, in every column.
    """
    shift = np.abs(after.mean(axis=0) - before.mean(axis=0))
    return bool(np.all(shift <= 0.5 * before.std(axis=0)))


def _linear_error(
    codec: SeriesCodec, values: Floats, learnt: Cut, judged: Cut, change: Floats
) -> float:
    encoded = codec.encode(values, None)
    seen = codec.windows(encoded, learnt.seen(codec.lookback, codec.horizon))
    held = codec.windows(encoded, judged.kept(codec.lookback, codec.horizon))
    rows = thin(len(held), TRIED_WINDOWS // 2)
    errors = []
    for column in range(seen.outputs.shape[1]):
        own, other = Lags(seen, codec.lookback, column), Lags(held, codec.lookback, column)
        _, weights = choose_penalty(own.gather, thin(len(seen), TRIED_WINDOWS), other.gather, rows)
        told = other.gather(rows)[0] @ weights + other.last(rows)
        errors.append(_error(codec, held, rows, told, column, change))
    return float(np.mean(errors))


def _error(
    codec: SeriesCodec, held: Windows, rows: IntArray, told: Floats, column: int, change: Floats
) -> float:
    """Mean absolute error of one predicted value, in units of `change`."""
    batch = held.gather(held.arrays, rows)
    forecast = np.array(batch.y, dtype=np.float32)
    forecast[:, :, column] = told
    error = codec.decode(held, rows, forecast) - codec.decode(held, rows, np.asarray(batch.y))
    units = change[held.outputs[rows // len(held.starts), column]]
    return float(np.mean(np.abs(error[:, :, column]) / units[:, None]))


def segment_length(lookback: int, horizon: int) -> int | None:
    """S: what divides the lookback and is nearest to a fifteenth of it (at least 4, at most 48,
    no longer than the horizon); None when nothing from 4 to 48 divides it.
    """
    wanted = float(np.clip(min(lookback / 15, horizon), 4, 48))
    fitting = [size for size in range(4, 49) if lookback % size == 0 and size < lookback]
    return min(fitting, key=lambda size: abs(np.log(size / wanted)), default=None)


def default_network(strategy: Strategy, windows: int, lookback: int, horizon: int) -> Network:
    """Sizes by the number of training examples; `shortcut` reads the whole lookback."""
    shortcut = 0 if strategy == "encoder_decoder" else lookback
    if strategy == "by_position":
        large = windows >= LARGE  # then the network learns more than the shortcut knows
        return Network(
            hidden_size=256 if large else 64,
            dropout=0.5 if large else 0.1,
            segment_length=segment_length(lookback, horizon),
            shortcut=0 if large else shortcut,
        )
    if windows < LONG:
        return Network(hidden_size=32, dropout=0.2, shortcut=shortcut)
    return Network(hidden_size=64 if windows >= 5_000 else 32, shortcut=shortcut)


def default_training(strategy: Strategy, windows: int) -> Training:
    """Small data: small steps for many epochs; large data: large batches, few epochs."""
    if strategy == "by_position":
        return Training(
            epochs=30 if windows < LARGE else 12,
            batch_size=256 if windows >= LARGE else 64,
            learning_rate=1e-3,
            schedule="cosine",
            loss="mae",
            patience=6 if windows < LARGE else 3,
            examples_per_epoch=MOST_EXAMPLES if windows > MOST_EXAMPLES else None,
        )
    if windows < LONG:
        return Training(epochs=200, batch_size=16, learning_rate=3e-3, patience=30)
    return Training(
        epochs=60,
        batch_size=32 if windows < 5_000 else 128,
        learning_rate=3e-3,
        schedule="cosine",
        patience=15,
        examples_per_epoch=LARGE if windows > LARGE else None,
    )
