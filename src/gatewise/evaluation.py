"""Forecasts beside the truth and beside baselines, on the same windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gatewise import metrics
from gatewise.batch import IntArray
from gatewise.errors import UsageError, did_you_mean
from gatewise.judging.verdict import ALPHA, in_words
from gatewise.judging.wandering import trace_of_past

Floats = NDArray[np.float64]
Scores = dict[str, float]

NETWORK = "network"
LEVEL = 0.98  # errors nearer to each other than this are level
FEWEST_WINDOWS = 10  # below, that nothing beats the last value may be chance
METRICS = ("MAE", "RMSE", "sMAPE", "MASE")


@dataclass(frozen=True, repr=False)
class ForecastEvaluation:
    """Forecasts of the network and of every baseline from the same origins, in original units.

    targets     names of the D forecast columns
    values      (N, D) the whole series
    times       (N,) datetime64 or None
    origins     (n,) first predicted row of each window
    forecasts   name -> (n, K, D); the first name is 'network'
    train_rows  rows before this one were seen by training or early stopping
    season      steps of the seasonal cycle (1: none)
    scale       (D,) what MASE divides by: seasonal naive errors within the training rows
    remark      what else the verdict must say of the network, a sentence

    Of several series, whose rows stand behind each other:
    series      their names
    bounds      (S+1,) row offsets
    seen        (S,) rows at the begin of each that were seen
    scale       (S, D) of each its own, of its rows before the first origin
    """

    targets: tuple[str, ...]
    values: Floats
    times: NDArray[np.datetime64] | None
    origins: IntArray
    forecasts: Mapping[str, Floats]
    train_rows: int
    season: int
    scale: Floats
    remark: str = ""
    series: tuple[str, ...] = ()
    bounds: IntArray | None = None
    seen: IntArray | None = None

    @property
    def several(self) -> bool:
        """Whether these are windows of many series."""
        return self.bounds is not None

    @cached_property
    def whose(self) -> IntArray:
        """The series of each window.  (n,)"""
        if self.bounds is None:
            return np.zeros(len(self.origins), dtype=np.int64)
        found: IntArray = np.searchsorted(self.bounds, self.origins, side="right") - 1
        return found

    def of_series(self, name: str) -> ForecastEvaluation:
        """The windows of one of the series, as if there were no other.

        Raises UsageError for an unknown name, or a series without a window.
        """
        if name not in self.series or self.bounds is None or self.seen is None:
            hint = did_you_mean(name, self.series)
            raise UsageError(f"there is no series '{name}' in this evaluation{hint}")
        number = self.series.index(name)
        first, stop = (int(row) for row in self.bounds[number : number + 2])
        own = self.whose == number
        if not own.any():
            raise UsageError(
                f"series '{name}' was not judged: none of the {len(self.origins)} windows is of "
                f"it; evaluate that series alone, or with more windows"
            )
        return replace(
            self,
            values=self.values[first:stop],
            times=None if self.times is None else self.times[first:stop],
            origins=self.origins[own] - first,
            forecasts={who: told[own] for who, told in self.forecasts.items()},
            train_rows=int(self.seen[number]),
            scale=self.scale[number],
            series=(),
            bounds=None,
            seen=None,
        )

    def by_series(self) -> dict[str, dict[str, float]]:
        """series -> name -> MASE (MAE where it is defined nowhere), of each that was judged, mean
        over targets: where the network is good, and where it is not.
        """
        units = self._units if self.ranked_by == "MASE" else np.ones_like(self._units)
        units = np.where(units > 0, units, np.nan)
        windows = np.bincount(self.whose, minlength=len(self.series))
        judged = np.flatnonzero(windows).tolist()
        found: dict[str, dict[str, float]] = {self.series[number]: {} for number in judged}
        for name, told in self.forecasts.items():
            each = np.abs(self.truth - told).mean(axis=1) / units  # (n, D)
            defined = np.isfinite(each)
            sums = np.where(defined, each, 0.0).sum(axis=1)
            total = np.bincount(self.whose, sums, len(self.series))
            count = np.bincount(self.whose, defined.sum(axis=1), len(self.series))
            for number in judged:
                mean = total[number] / count[number] if count[number] else np.nan
                found[self.series[number]][name] = float(mean)
        return found

    @property
    def horizon(self) -> int:
        """K, forecast steps."""
        return int(next(iter(self.forecasts.values())).shape[1])

    @cached_property
    def truth(self) -> Floats:
        """(n, K, D)"""
        truth: Floats = self.values[self.origins[:, None] + np.arange(self.horizon)]
        return truth

    def scores(self, target: str | None = None) -> dict[str, Scores]:
        """name -> MAE, RMSE, sMAPE, MASE; of one target, or their mean over targets.

        MAE and RMSE of several targets in different units do not average: they are per target,
        and NaN in the mean.
        """
        if target is not None:
            column = self.targets.index(target)
            return {name: dict(each[column]) for name, each in self._scores.items()}
        if len(self.targets) == 1:
            return self.scores(self.targets[0])
        found = {}
        for name, each in self._scores.items():
            found[name] = {
                "MAE": float("nan"),
                "RMSE": float("nan"),
                "sMAPE": float(np.mean([score["sMAPE"] for score in each])),
                "MASE": _mean_of_defined([score["MASE"] for score in each]),
            }
        return found

    @cached_property
    def _scores(self) -> dict[str, list[Scores]]:
        """name -> of each target; a verdict asks for them a dozen times"""
        columns = range(len(self.targets))
        return {name: [self._score(name, column) for column in columns] for name in self.forecasts}

    def _score(self, name: str, column: int) -> Scores:
        truth, forecast = self.truth[..., column], self.forecasts[name][..., column]
        units = self._units[:, column]
        return {
            "MAE": metrics.mae(truth, forecast),
            "RMSE": metrics.rmse(truth, forecast),
            "sMAPE": metrics.smape(truth, forecast),
            "MASE": metrics.mase_by_row(truth, forecast, units)
            if self.several
            else metrics.mase(truth[..., None], forecast[..., None], units[:1]),
        }

    @cached_property
    def _units(self) -> Floats:
        """What MASE divides each window by.  (n, D)"""
        return self.scale[self.whose] if self.several else self.scale[None]

    def by_step(self) -> dict[str, Floats]:
        """name -> error at each step of the horizon: MAE of one target, MASE of several.  (K,)"""
        if len(self.targets) > 1 and self.several and (self._units > 0).any():
            units = np.where(self._units > 0, self._units, np.nan)[:, None]
            return {
                name: np.nanmean(np.abs(self.truth - forecast) / units, axis=(0, 2))
                for name, forecast in self.forecasts.items()
            }
        usable, divisor = np.ones(len(self.targets), dtype=bool), np.ones(len(self.targets))
        if len(self.targets) > 1 and (self.scale > 0).any():
            usable, divisor = self.scale > 0, self.scale[self.scale > 0]
        return {
            name: (np.abs(self.truth - forecast)[..., usable] / divisor).mean(axis=(0, 2))
            for name, forecast in self.forecasts.items()
        }

    @property
    def ranked_by(self) -> str:
        """MASE; where it is not defined MAE, then sMAPE."""
        scores = self.scores()
        order = ("MASE", "MAE", "sMAPE")  # MAE is NaN over several targets
        defined = (m for m in order if any(np.isfinite(s[m]) for s in scores.values()))
        return next(defined, "sMAPE")

    def ranking(self) -> list[tuple[str, float]]:
        """(name, score), best first, by `ranked_by`."""
        metric = self.ranked_by
        found = [(name, score[metric]) for name, score in self.scores().items()]
        return sorted(found, key=lambda pair: (not np.isfinite(pair[1]), pair[1]))

    def standing(self) -> Literal["beats", "level", "loses"]:
        """Against the best baseline; errors within 2 % of each other are level."""
        (_, best), own = self._best_baseline(), dict(self.ranking())[NETWORK]
        if not np.isfinite(own) or own * LEVEL > best or (best == 0 and own > 0):
            return "loses"
        return "beats" if own < best * LEVEL else "level"

    def verdict(self) -> str:
        """In words: what the network beats, and what beats it."""
        parts = (self._comparison(), self._last_value(), self.remark)
        return " ".join(part for part in parts if part)

    def _last_value(self) -> str:
        """What must be said where no forecast is clearly better than the last value."""
        scores = {name: score for name, score in self.ranking() if np.isfinite(score)}
        if len(self.origins) < FEWEST_WINDOWS or "naive" not in scores:
            return ""
        if min(scores.values()) < scores["naive"] * LEVEL:
            return ""
        said = "No forecast here is more than 2 % better than repeating the last value (naive)"
        p = None if self.several else trace_of_past(self.values)
        if p is None or p < ALPHA:
            return f"{said}."
        one = len(self.targets) == 1
        whose, what = (f"'{self.targets[0]}'", "a random walk") if one else ("all", "random walks")
        return (
            f"{said}, and the changes of {whose} show no trace of those before ({in_words(p)}): "
            f"{what}, as far as the past tells, and from the past alone nothing beats the last "
            f"value."
        )

    def _best_baseline(self) -> tuple[str, float]:
        return next(pair for pair in self.ranking() if pair[0] != NETWORK)

    def _comparison(self) -> str:
        (best, score), own = self._best_baseline(), dict(self.ranking())[NETWORK]
        count = len(self.origins)
        windows = f"on {'this 1 window' if count == 1 else f'these {count} windows'}"
        if self.several:
            windows += f" of {len(np.unique(self.whose)):,} series"
        standing = self.standing()
        if standing == "beats":
            return (
                f"The network beats every baseline {windows}: "
                f"{100 * (1 - own / score):.1f} % less error than {best}, "
                f"the best of them."
            )
        if standing == "level":
            side = "loses to it by" if own > score else "is ahead by"
            gap = 100 * abs(own - score) / max(own, score) if own != score else 0.0
            size = f"{gap:.1f} %" if gap >= 0.1 else "less than 0.1 %"
            return (
                f"The network is level with {best}, the best baseline, {windows} ({side} {size}): "
                f"it adds next to nothing over it, and {best} is simpler."
            )
        if not np.isfinite(own):
            return f"The network LOSES: its forecasts {windows} are not finite numbers."
        winners = [name for name, value in self.ranking() if value < own and name != NETWORK]
        return (
            f"The network LOSES to {_listing(winners)} {windows} "
            f"(best: {best}, with {100 * (1 - score / own):.1f} % less error). "
            f"Do not use the network here before it beats {best}."
        )

    def __repr__(self) -> str:
        """The score table and the verdict, as text."""
        shown = [m for m in METRICS if any(np.isfinite(s[m]) for s in self.scores().values())]
        lines = [f"{'':<16}" + "".join(f"{metric:>12}" for metric in shown)]
        for name, _ in self.ranking():
            row = self.scores()[name]
            lines.append(f"{name:<16}" + "".join(f"{row[metric]:>#12.4g}" for metric in shown))
        return "\n".join([*lines, self.verdict()])

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready scores."""
        return {
            "windows": len(self.origins),
            **({"series": len(np.unique(self.whose))} if self.several else {}),
            "horizon": self.horizon,
            "season": self.season,
            "train_rows": self.train_rows,
            "first_origin": int(self.origins[0]),
            "last_origin": int(self.origins[-1]),
            "scores": self.scores(),
            "scores_by_target": {target: self.scores(target) for target in self.targets},
            "error_by_step": {name: error.tolist() for name, error in self.by_step().items()},
            "verdict": self.verdict(),
        }


def _mean_of_defined(values: list[float]) -> float:
    defined = [value for value in values if np.isfinite(value)]
    return float(np.mean(defined)) if defined else float("nan")


def _listing(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
