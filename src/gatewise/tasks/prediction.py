"""From rows to forecasts in original units, through any predictor."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import IntArray
from gatewise.data.series import SeriesCodec, Singles, Windows
from gatewise.engine import Predictor
from gatewise.errors import DataError

Floats = NDArray[np.float64]

CHUNK = 1_024  # windows at once


def forecast(
    predictor: Predictor,
    codec: SeriesCodec,
    values: Floats,
    times: NDArray[np.datetime64] | None,
    origins: IntArray,
    horizon: int,
    named: Callable[[int], str] = lambda row: f"row {row + 1}",
) -> Floats:
    """What the network says of the `horizon` rows from each origin on.

    values (N, C) in original units; an origin may be N, the first row that is not there. times
    (N + K,) or None; named: what messages call a row. A network that predicts fewer steps than
    `horizon` is fed its own output.
    -> (n, K, D), the predicted columns
    """
    first = int(origins.min()) - codec.lookback  # rows before it are not read
    encoded = codec.encode(values[first:], None if times is None else times[first:])
    finite = np.isfinite(encoded).all(axis=1)
    if not finite.all():
        row = first + int(np.argmin(finite))
        raise DataError(
            f"{named(row)} is too far from what the model has learnt to be scaled: "
            f"{', '.join(f'{value:g}' for value in values[row])}; correct it or leave it out"
        )
    origins = origins - first
    count = codec.predicted
    told = np.empty((len(origins), horizon, count))
    for i in range(0, len(origins), CHUNK):
        starts = origins[i : i + CHUNK] - codec.lookback
        if codec.horizon >= horizon:
            told[i : i + CHUNK] = _at_once(predictor, codec, encoded, starts)[:, :horizon]
        else:
            told[i : i + CHUNK] = _fed_back(predictor, codec, encoded, starts, horizon)
    return told


def _at_once(
    predictor: Predictor, codec: SeriesCodec, encoded: Singles, starts: IntArray
) -> Floats:
    windows = codec.windows(encoded, starts, truth=False)
    rows = np.arange(len(windows))
    return _together(windows, codec.decode(windows, rows, _answer(predictor, windows)))


def _answer(predictor: Predictor, windows: Windows) -> Singles:
    rows = np.arange(len(windows))
    return predictor.forward(windows.gather(windows.arrays, rows)).output


def _together(windows: Windows, output: Floats) -> Floats:
    """Groups side by side.  (G * n, K, D) -> (n, K, G * D)"""
    groups = len(windows.inputs)
    parts = output.reshape(groups, len(windows.starts), *output.shape[1:])
    return np.concatenate(list(parts), axis=-1)


def _fed_back(
    predictor: Predictor, codec: SeriesCodec, encoded: Singles, starts: IntArray, horizon: int
) -> Floats:
    """Each answer is written behind its window, and the next one reads it."""
    length = codec.lookback + horizon
    steps = np.minimum(starts[:, None] + np.arange(length), len(encoded) - 1)
    own = encoded[steps]  # (n, L + K, C): beyond the origin only the calendar is read
    own[:, codec.lookback :, : codec.predicted] = 0.0
    buffer = own.reshape(-1, own.shape[-1])
    first = np.arange(len(starts)) * length
    told = np.empty((len(starts), horizon, codec.predicted))
    for step in range(0, horizon, codec.horizon):
        windows = codec.windows(buffer, first + step, truth=False)
        rows = np.arange(len(windows))
        answer = _answer(predictor, windows)
        scaled = _together(windows, windows.restore(rows, answer).astype(np.float64))
        decoded = _together(windows, codec.decode(windows, rows, answer))
        count = min(codec.horizon, horizon - step)
        for k in range(count):
            buffer[first + codec.lookback + step + k, : codec.predicted] = scaled[:, k]
            told[:, step + k] = decoded[:, k]
    return told
