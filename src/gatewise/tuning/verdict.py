"""The winner beside the defaults on the test part, which nothing was chosen on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from gatewise.errors import UsageError
from gatewise.evaluation import LEVEL, NETWORK, ForecastEvaluation
from gatewise.judging.verdict import Standing

DEFAULTS = "defaults"
HOLDERS = ("forecasts", "probabilities", "told", "nats")  # name -> answers, by kind of evaluation


@dataclass(frozen=True, repr=False)
class TunedEvaluation:
    """What the winner is worth, beside the task's defaults and the baselines.

    tuned     of the winner
    defaults  of the same task without any tuning, on the same test part
    same      whether the winner is what the defaults are
    """

    tuned: Any
    defaults: Any
    same: bool = False

    @cached_property
    def both(self) -> Any:
        """The winner's evaluation with the defaults in place of a further baseline."""
        holder = _holder(self.tuned)
        answers = dict(getattr(self.tuned, holder))
        own = answers.pop(NETWORK)
        found = {NETWORK: own, DEFAULTS: getattr(self.defaults, holder)[NETWORK], **answers}
        return replace(self.tuned, **{holder: found})

    @cached_property
    def duel(self) -> Any:
        """The winner and the defaults alone."""
        holder = _holder(self.tuned)
        answers = {name: getattr(self.both, holder)[name] for name in (NETWORK, DEFAULTS)}
        return replace(self.tuned, **{holder: answers})

    def scores(self) -> Mapping[str, Mapping[str, float | None]]:
        """name -> metric -> score, of the winner (network), the defaults and the baselines."""
        found: Mapping[str, Mapping[str, float | None]] = self.both.scores()
        return found

    def ranking(self) -> list[tuple[str, float]]:
        """(name, score), best first."""
        found: list[tuple[str, float]] = self.both.ranking()
        return found

    @property
    def ranked_by(self) -> str:
        """What the ranking is by."""
        if not isinstance(self.tuned, ForecastEvaluation):
            return str(self.tuned.ranked_by)
        own, scores = dict(self.duel.ranking())[NETWORK], self.duel.scores()[NETWORK]
        return next((m for m in ("MASE", "MAE", "sMAPE") if scores[m] == own), "error")

    def standing(self) -> Standing:
        """Of the winner against the best baseline; the defaults are none."""
        found: Standing = self.tuned.standing()
        return found

    @cached_property
    def against_defaults(self) -> Standing:
        """Of the winner against the defaults."""
        if self.same:
            return "level"
        if isinstance(self.tuned, ForecastEvaluation) or not hasattr(self.duel, "comparison"):
            found: Standing = self.duel.standing()
        else:
            found = self.duel.comparison.standing
        return found

    def comparison(self) -> str:
        """The winner beside the defaults, a sentence."""
        if self.same:
            return "The winner of the study has the settings of the defaults: nothing was gained."
        ranking = dict(self.duel.ranking())
        own, other = ranking[NETWORK], ranking[DEFAULTS]
        if not np.isfinite(own):
            return "The tuned model is WORSE than the defaults: its answers are no finite numbers."
        figures, chance = self._figures(own, other)
        standing = self.against_defaults
        if standing == "beats":
            return f"The tuned model is better than the defaults: {figures}{chance}."
        if standing == "level":
            return (
                f"The tuned model is level with the defaults ({figures}{chance}): tuning gained "
                f"nothing that these test data show."
            )
        return (
            f"The tuned model is WORSE than the defaults: {figures}{chance}. What was best on the "
            f"validation part is not on the test part; keep the defaults."
        )

    def verdict(self) -> str:
        """In words: the winner beside the defaults, then beside the baselines."""
        return f"{self.comparison()} {self.tuned.verdict()}"

    def _figures(self, own: float, other: float) -> tuple[str, str]:
        """(`MASE 0.712 against 0.801, 11.1 % less error`, how often chance makes that)"""
        comparison = getattr(self.duel, "comparison", None)
        if comparison is not None:
            chance = f"; {comparison.chance()}" if comparison.test else ""
            return f"{comparison.metric} {own:.3f} against {other:.3f}", chance
        metric = self.ranked_by
        what = "error" if isinstance(self.tuned, ForecastEvaluation) else "nats"
        if not np.isfinite(other) or max(own, other) <= 0:
            return f"{metric} {own:#.4g} against {other:#.4g}", ""
        gap = 100 * abs(own - other) / max(own, other)
        side = "less" if own < other else "more"
        limit = "" if gap >= 100 * (1 - LEVEL) else ", within 2 %"
        return f"{metric} {own:#.4g} against {other:#.4g}, {gap:.1f} % {side} {what}{limit}", ""

    def __repr__(self) -> str:
        """The score table and the verdict, as text."""
        table = repr(self.both).splitlines()
        rows = len(self.ranking()) + 1
        return "\n".join([*table[:rows], self.verdict()])

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready scores."""
        return {
            **self.tuned.to_dict(),
            "scores": self.scores(),
            "against_defaults": self.against_defaults,
            "verdict": self.verdict(),
        }


def _holder(evaluation: Any) -> str:
    """The field that holds everybody's answers. Raises UsageError."""
    for name in HOLDERS:
        if hasattr(evaluation, name) and isinstance(getattr(evaluation, name), Mapping):
            return name
    raise UsageError(f"{type(evaluation).__name__} holds nothing to compare")
