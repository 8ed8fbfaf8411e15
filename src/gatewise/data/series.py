"""Series in, arrays out, and back: scaling learnt on the training rows, windows as views.

Axis letters: N rows, C columns, B windows, L lookback, K horizon, F features read, D values
predicted per step, P features known in advance, G groups (independent targets).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import Array, Batch, IntArray, batch_order, in_order
from gatewise.data.calendar import cycle_values

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Scaling = Literal["standard", "minmax", "robust", "none"]
WindowScaling = Literal["none", "last", "mean_std"]

SMALLEST_SPREAD = 0.1  # of a window under mean_std, in units of the training part's spread


@dataclass(frozen=True, slots=True)
class Scaler:
    """x -> (x - center) / spread, column by column, learnt on the training rows alone.

        standard  mean and standard deviation      minmax  minimum and range
        robust    median and interquartile range   none    0 and 1

    A column that does not vary keeps spread 1.
    """

    center: Floats  # (C,)
    spread: Floats  # (C,)

    @classmethod
    def learn(cls, values: Floats, how: Scaling) -> Scaler:
        """values (N, C)"""
        if how == "standard":
            center, spread = values.mean(axis=0), values.std(axis=0)
        elif how == "minmax":
            center = values.min(axis=0)
            spread = values.max(axis=0) - center
        elif how == "robust":
            low, center, high = np.percentile(values, [25, 50, 75], axis=0)
            spread = high - low
        else:
            center, spread = np.zeros(values.shape[1]), np.ones(values.shape[1])
        # a spread lost in the rounding of the values is no spread
        varies = spread > 1e-12 * np.maximum(1.0, np.abs(center))
        return cls(center, np.where(varies, spread, 1.0))

    def scale(self, values: Floats) -> Singles:
        """(N, C) in original units -> scaled; what float32 cannot hold becomes infinite"""
        with np.errstate(over="ignore"):  # prediction tells which row it was
            return ((values - self.center) / self.spread).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows over scaled rows, gathered per batch: memory grows with the rows alone.

    values   (N, C) scaled rows, all series behind each other
    starts   (n,) first row of each window; a window never leaves its series
    inputs   (G, F) the columns that each group reads, its own targets first
    outputs  (G, D) the columns that each group predicts
    future   (P,) the columns known in advance
    scaling  of each window by itself, applied to the predicted columns:
             last: minus the last value read; mean_std: by mean and spread of what is read
    persistence  (K, D) under `last`: how much of the last value is expected k steps on. 1 for
             what wanders, towards 0 for what returns to its mean
    truth    whether the rows after the lookback are there to be learnt from

    Example i is group i // n at window i % n. With one group every target is predicted together;
    with a group per target, targets share one network and do not see each other.
    """

    values: Singles
    starts: IntArray
    lookback: int
    horizon: int
    inputs: IntArray
    outputs: IntArray
    future: IntArray
    scaling: WindowScaling
    persistence: Singles
    truth: bool = True
    carries: ClassVar[bool] = False

    @property
    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """See batch.Source."""
        return {
            "values": self.values,
            "starts": self.starts,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "future": self.future,
            "persistence": self.persistence,
            "read_steps": np.arange(self.lookback),
            "told_steps": np.arange(self.lookback, self.lookback + self.horizon),
            "own": (np.arange(self.inputs.shape[1]) < self.outputs.shape[1]).astype(np.float32),
        }

    def __len__(self) -> int:
        return len(self.starts) * len(self.inputs)

    def order(
        self, batch_size: int, *, seed: int, epoch: int, limit: int | None = None
    ) -> list[IntArray]:
        return batch_order(len(self), batch_size, seed=seed, epoch=epoch, limit=limit)

    def in_order(self, batch_size: int, most: int | None = None) -> list[IntArray]:
        return in_order(len(self), batch_size, most)

    def gather(self, arrays: Mapping[str, Array], rows: Array) -> Batch:
        """See batch.Source; all scaled.

        x (B, L, F) · y (B, K, D) · future (B, K, P) · start (B, D)
        """
        x, shift, spread = self._read(arrays, rows)
        width = self.outputs.shape[1]
        told = self._rows(arrays, rows, "told_steps")  # (B, K)
        y = None
        if self.truth:
            y = arrays["values"][told[:, :, None], self._columns(arrays, rows, "outputs")]
            y = (y - shift[:, :, :width] * arrays["persistence"]) / spread[:, :, :width]
        return Batch(
            x=x,
            y=y,
            future=arrays["values"][told[:, :, None], arrays["future"]]
            if len(self.future)
            else None,
            start=x[:, -1, :width],
        )

    def restore(self, rows: IntArray, output: Singles) -> Singles:
        """Undo each window's own scaling.  output (B, K, D)"""
        _, shift, spread = self._read(self.arrays, rows)
        width = self.outputs.shape[1]
        restored: Singles = output * spread[:, :, :width] + shift[:, :, :width] * self.persistence
        return restored

    def levels(self, rows: IntArray) -> Singles:
        """What was taken out of each predicted column of these windows.  (B, D)"""
        _, shift, _ = self._read(self.arrays, rows)
        level: Singles = shift[:, 0, : self.outputs.shape[1]]
        return level

    def _read(self, arrays: Mapping[str, Array], rows: Array) -> tuple[Array, Array, Array]:
        """x (B, L, F), and the shift and spread (B, 1, F) that were taken out of it."""
        steps = self._rows(arrays, rows, "read_steps")  # (B, L)
        x = arrays["values"][steps[:, :, None], self._columns(arrays, rows, "inputs")]
        own = arrays["own"]  # 1 for predicted columns, 0 for others: those stay as they are
        if self.scaling == "none":
            return x, 0.0 * x[:, :1], 0.0 * x[:, :1] + 1.0
        if self.scaling == "last":
            shift = x[:, -1:] * own
            return x - shift, shift, 0.0 * shift + 1.0
        shift = x.mean(1)[:, None] * own
        variance = ((x - shift) ** 2).mean(1)[:, None]
        spread = (variance + SMALLEST_SPREAD**2) ** 0.5 * own + (1.0 - own)
        return (x - shift) / spread, shift, spread

    def _rows(self, arrays: Mapping[str, Array], rows: Array, steps: str) -> Array:
        starts = arrays["starts"][rows % len(self.starts)]
        return starts[:, None] + arrays[steps]

    def _columns(self, arrays: Mapping[str, Array], rows: Array, which: str) -> Array:
        return arrays[which][rows // len(self.starts)][:, None]  # (B, 1, F or D)


@dataclass(frozen=True, slots=True)
class SeriesCodec:
    """What was learnt of the training rows, and how rows become windows.

    columns      names, targets first, then features
    predicted    how many of them, from the first, the network predicts
    logs         columns whose logarithm is scaled: what grows by shares becomes additive
    floors       of those columns: half the smallest value learnt from; what is lower is read so
    cycles       calendar cycles added behind the columns (a sine and a cosine each)
    independent  each target is a series of its own under one shared network
    ahead        whether the calendar of the predicted steps is read, too (by a decoder)
    persistence  (K, D) see Windows; None: 1 everywhere
    """

    columns: tuple[str, ...]
    predicted: int
    logs: tuple[str, ...]
    floors: tuple[float, ...]
    cycles: tuple[str, ...]
    scaler: Scaler
    window_scaling: WindowScaling
    independent: bool
    lookback: int
    horizon: int
    ahead: bool = False
    persistence: Singles | None = None

    @classmethod
    def learn(cls, values: Floats, scaling: Scaling, **chosen: Any) -> SeriesCodec:
        """A codec whose scaler is learnt on these rows (N, C); `chosen` are the other fields."""
        columns, logs = chosen["columns"], chosen["logs"]
        floors = _floors(values, columns, logs)
        logged = _logarithm(values, columns, logs, floors)
        return cls(scaler=Scaler.learn(logged, scaling), floors=floors, **chosen)

    def relearn(self, values: Floats, scaling: Scaling) -> SeriesCodec:
        """The same codec with the scaler of other rows."""
        floors = _floors(values, self.columns, self.logs)
        logged = _logarithm(values, self.columns, self.logs, floors)
        return replace(self, scaler=Scaler.learn(logged, scaling), floors=floors)

    def encode(self, values: Floats, times: NDArray[np.datetime64] | None) -> Singles:
        """Scaled rows with their calendar.  values (N, C), times (N + extra,) -> (N + extra, ...)

        Times may run ahead of the values: those rows hold the calendar, and 0 elsewhere.
        """
        count = len(values) if times is None else len(times)
        width = len(self.columns) + 2 * len(self.cycles)
        encoded = np.zeros((count, width), dtype=np.float32)
        encoded[: len(values), : len(self.columns)] = self.scaler.scale(
            _logarithm(values, self.columns, self.logs, self.floors)
        )
        if self.cycles and times is not None:
            encoded[:, len(self.columns) :] = cycle_values(times, self.cycles)
        return encoded

    def windows(self, encoded: Singles, starts: IntArray, *, truth: bool = True) -> Windows:
        """Windows that begin at these rows (each row a valid start, see `starts`)."""
        own = np.arange(self.predicted)
        others = np.arange(self.predicted, encoded.shape[1])
        outputs = own[:, None] if self.independent else own[None, :]  # (G, D)
        inputs = np.concatenate([outputs, np.tile(others, (len(outputs), 1))], axis=1)
        persistence = self.persistence
        if persistence is None:
            persistence = np.ones((self.horizon, outputs.shape[1]), dtype=np.float32)
        return Windows(
            values=encoded,
            starts=starts.astype(np.int64),
            lookback=self.lookback,
            horizon=self.horizon,
            inputs=inputs,
            outputs=outputs,
            future=np.arange(len(self.columns), encoded.shape[1] if self.ahead else 0),
            scaling=self.window_scaling,
            persistence=persistence,
            truth=truth,
        )

    def starts(self, first: int, stop: int, horizon: int | None = None) -> IntArray:
        """Starts of the windows whose predicted rows lie in [first, stop) and whose read rows
        exist: what is read may lie before `first`.
        """
        horizon = self.horizon if horizon is None else horizon
        return np.arange(max(first - self.lookback, 0), stop - self.lookback - horizon + 1)

    def decode(self, windows: Windows, rows: IntArray, output: Singles) -> Floats:
        """Network outputs (B, K, D) of these examples -> original units."""
        scaled = windows.restore(rows, output)
        columns = windows.outputs[rows // len(windows.starts)]  # (B, D)
        spread = self.scaler.spread[columns][:, None]
        center = self.scaler.center[columns][:, None]
        restored: Floats = scaled.astype(np.float64) * spread + center
        logged = np.array([name in self.logs for name in self.columns])[columns][:, None]
        # a network may answer anything; e ** 700 is the last that is finite
        np.exp(np.minimum(restored, 700.0), out=restored, where=logged)
        return restored

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` reads it back."""
        return {
            "columns": list(self.columns),
            "predicted": self.predicted,
            "logs": list(self.logs),
            "floors": list(self.floors),
            "cycles": list(self.cycles),
            "center": self.scaler.center.tolist(),
            "spread": self.scaler.spread.tolist(),
            "window_scaling": self.window_scaling,
            "independent": self.independent,
            "lookback": self.lookback,
            "horizon": self.horizon,
            "ahead": self.ahead,
            "persistence": None if self.persistence is None else self.persistence.tolist(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> SeriesCodec:
        return cls(
            columns=tuple(data["columns"]),
            predicted=data["predicted"],
            logs=tuple(data["logs"]),
            floors=tuple(data["floors"]),
            cycles=tuple(data["cycles"]),
            scaler=Scaler(np.array(data["center"]), np.array(data["spread"])),
            window_scaling=data["window_scaling"],
            independent=data["independent"],
            lookback=data["lookback"],
            horizon=data["horizon"],
            ahead=data["ahead"],
            persistence=None
            if data["persistence"] is None
            else np.array(data["persistence"], dtype=np.float32),
        )


def _floors(values: Floats, columns: tuple[str, ...], logs: tuple[str, ...]) -> tuple[float, ...]:
    return tuple(float(values[:, columns.index(name)].min()) / 2.0 for name in logs)


def _logarithm(
    values: Floats, columns: tuple[str, ...], logs: tuple[str, ...], floors: tuple[float, ...]
) -> Floats:
    if not logs:
        return values
    logged = values.copy()
    for name, floor in zip(logs, floors, strict=True):
        column = logged[:, columns.index(name)]
        np.log(np.maximum(column, floor), out=column)
    return logged
