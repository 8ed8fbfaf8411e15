"""The network beside its best baseline, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

NETWORK = "network"
ALPHA = 0.05  # a difference that chance alone makes less often than this is more than chance

Standing = Literal["beats", "level", "loses"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One score of the network and of its best baseline on the same examples.

    metric   what is compared; higher is better
    own, best  the scores; NaN where the network's cannot be had
    rival    name of the best baseline
    p        how often chance alone makes such a difference
    test     by which test
    where    'on these 200 examples'
    digits   behind the point
    alone    whether it is the only baseline
    """

    metric: str
    own: float
    rival: str
    best: float
    p: float
    test: str
    where: str
    digits: int = 3
    alone: bool = False

    @property
    def standing(self) -> Standing:
        """Level where chance makes such a difference in 5 of 100 cases or more."""
        if not math.isfinite(self.own):
            return "loses"
        if self.p >= ALPHA or self.own == self.best:
            return "level"
        return "beats" if self.own > self.best else "loses"

    def sentence(self) -> str:
        """What the network beats, or what beats it, and whether it may be chance."""
        figures = f"{self.metric} {self.own:.{self.digits}f} against {self.best:.{self.digits}f}"
        if not math.isfinite(self.own):
            return f"The network LOSES: its answers {self.where} are not finite numbers."
        if self.standing == "beats":
            gap = f"chance alone seldom makes such a gap ({self.chance()})."
            if self.alone:
                return (
                    f"The network beats {self.rival}, the only baseline here, {self.where}: "
                    f"{figures}; {gap}"
                )
            return (
                f"The network beats every baseline {self.where}: {figures} of {self.rival}, the "
                f"best of them; {gap}"
            )
        if self.standing == "level":
            return (
                f"The network is level with {self.rival}, the best baseline, {self.where} "
                f"({figures}): chance alone allows this difference ({self.chance()}), and "
                f"{self.rival} is simpler."
            )
        return (
            f"The network LOSES to {self.rival} {self.where}: {figures}, more than chance allows "
            f"({self.chance()}). Do not use the network here before it beats {self.rival}."
        )

    def chance(self) -> str:
        """`p = 0.012, exact McNemar test`"""
        return f"{in_words(self.p)}, {self.test}"


def in_words(p: float) -> str:
    """`p < 0.001`, `p = 0.032`"""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def ranked(scores: Mapping[str, float | None]) -> list[tuple[str, float]]:
    """(name, score), best (highest) first; what has none stands last, as NaN."""
    found = [(name, float("nan") if s is None else float(s)) for name, s in scores.items()]
    return sorted(found, key=lambda pair: (not math.isfinite(pair[1]), -pair[1]))


def best_rival(ranking: list[tuple[str, float]]) -> tuple[str, float]:
    """The best baseline and its score."""
    return next(pair for pair in ranking if pair[0] != NETWORK)


def score_table(
    scores: Mapping[str, Mapping[str, float | None]], order: list[tuple[str, float]]
) -> str:
    """The scores as text, one line for each name in this order."""
    metrics = [m for m in scores[order[0][0]] if any(s[m] is not None for s in scores.values())]
    width = max(16, *(len(name) + 2 for name, _ in order))
    lines = [" " * width + "".join(f"{metric:>{_room(metric)}}" for metric in metrics)]
    for name, _ in order:
        row = f"{name:<{width}}"
        for metric in metrics:
            cell = scores[name][metric]
            row += f"{'-' if cell is None else f'{cell:#.4g}':>{_room(metric)}}"
        lines.append(row)
    return "\n".join(lines)


def _room(metric: str) -> int:
    return max(12, len(metric) + 2)
