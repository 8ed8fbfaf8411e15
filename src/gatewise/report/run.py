"""What the report of a forecast run is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gatewise.evaluation import Floats, ForecastEvaluation
from gatewise.report.charts import Axis
from gatewise.training import History

if TYPE_CHECKING:
    import pandas as pd

CHARTS = 8  # targets that get a chart


@dataclass(frozen=True)
class ForecastReport:
    """All that the page of one forecast run says.

    title       heading
    source      name of the data file
    evaluation  over the untouched test part
    backtest    one window per fold
    future      the forecast beyond the end: time (or step) column, then one per target; K rows
    history     of the training
    facts       section -> name -> printable fact: data, network, training, versions
    notes       what was assumed, repaired or fell back, in words
    settings    YAML that reproduces the run
    command     the shell line that does
    created     ISO time, or None: not said
    seed        of the run, or None: not said
    """

    title: str
    source: str
    evaluation: ForecastEvaluation
    backtest: ForecastEvaluation
    future: pd.DataFrame
    history: History
    facts: Mapping[str, Mapping[str, Any]]
    notes: Sequence[str]
    settings: str
    command: str
    created: str | None = None
    seed: int | None = None

    @cached_property
    def beyond(self) -> NDArray[Any]:
        """Times (or steps) of the rows after the end.  (K,)"""
        first = self.future.columns[0]
        if first in self.evaluation.targets:
            return np.arange(1, len(self.future) + 1)
        return self.future[first].to_numpy()

    @cached_property
    def ahead(self) -> Floats:
        """The forecast beyond the end.  (K, D)"""
        return self.future[list(self.evaluation.targets)].to_numpy(dtype=np.float64)

    @cached_property
    def axis(self) -> Axis:
        """Where the rows stand in charts."""
        return Axis.of(self.evaluation, self.beyond)

    @property
    def single(self) -> bool:
        """Whether there is one target: errors are then in its own unit."""
        return len(self.evaluation.targets) == 1

    @property
    def charted(self) -> list[tuple[int, str]]:
        """(column, name) of the targets that get a chart."""
        return list(enumerate(self.evaluation.targets))[:CHARTS]
