"""Forecasting: one series or many in, the next steps of each out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Self, final

import numpy as np
from numpy.typing import NDArray

from gatewise.artifact import Artifact, versions, write_artifact
from gatewise.baselines import Linear
from gatewise.batch import IntArray
from gatewise.checkpoint import Checkpoints, RunCheckpoints, checkpoints_of, remarks
from gatewise.data.repair import Duplicates, Fill
from gatewise.data.series import Scaling, SeriesCodec, WindowScaling
from gatewise.data.table import SeriesTable, check_varies, read_series
from gatewise.engines.onnx.engine import Engine as Runner
from gatewise.engines.onnx.engine import build_graphs
from gatewise.errors import UsageError
from gatewise.evaluation import ForecastEvaluation
from gatewise.spec import Network, NetworkSpec, Training
from gatewise.tasks import shared
from gatewise.tasks.backtesting import backtest
from gatewise.tasks.beginning import State, fitted
from gatewise.tasks.continuing import ends, forecast_from, go_on
from gatewise.tasks.facts import facts
from gatewise.tasks.forecaster_beginning import plan_on
from gatewise.tasks.forecaster_choices import check_choices
from gatewise.tasks.forecaster_rows import LearntRows, learnt_rows, read_again, together
from gatewise.tasks.forecaster_score import check_no_labels, negative_mase
from gatewise.tasks.forecaster_state import restore, to_artifact
from gatewise.tasks.judging import evaluate, learn_baselines, mase_scale
from gatewise.tasks.plan import make_plan
from gatewise.tasks.rate_finding import RateSearch
from gatewise.tasks.recipe import Strategy
from gatewise.tasks.sklearn_tags import tags
from gatewise.tasks.telling import watched
from gatewise.tasks.training import train
from gatewise.training import History, Watch
from gatewise.weights import count

if TYPE_CHECKING:
    import pandas as pd

MOST_WINDOWS = 3_000  # that `evaluate` judges; more are thinned evenly


@final
class Forecaster:
    """Forecasts the next `horizon` steps of one or many columns of a series, or of many series.

    horizon       K, steps to forecast
    lookback      L, steps that are read; None: chosen from the data
    strategy      auto, or
                  direct: all steps at once from the last state
                  recursive: one step, fed back as if it had happened
                  encoder_decoder: a decoder that reads its own last answer
                  by_position: a decoder that reads only which step it is; over segments
    scaling       of each column, learnt on the training rows: standard, minmax, robust, none
    window_scaling  of each window by itself: auto, none, last (relative to its last value),
                  mean_std
    transform     auto, none, log: whether the logarithm of the forecast columns is learnt
    calendar      read hour of day, day of week, day of year, as far as the times show them
    channel_independent  each target is a series of its own under one shared network; None:
                  chosen by strategy
    validation    share (below 1) or number of the last rows (of each series), kept for early
                  stopping; where series are too short for that, a share of the series
    retrain       afterwards train anew on all rows, for as many epochs; None: where it is cheap
    engine        torch
    device        auto, cpu, cuda
    seed          of initial weights, batch order and dropout
    verbose       0: silent, 1: progress
    network, training  what is not given there is chosen from the data

    After `fit`: spec_, network_, training_, strategy_, lookback_, season_, codec_, weights_,
    history_, began_, notes_ (the choices in words), parameters_ (number of weights).
    """

    def __init__(
        self,
        horizon: int,
        lookback: int | None = None,
        strategy: Literal["auto"] | Strategy = "auto",
        scaling: Scaling = "standard",
        window_scaling: Literal["auto"] | WindowScaling = "auto",
        transform: Literal["auto", "none", "log"] = "auto",
        calendar: bool = False,
        channel_independent: bool | None = None,
        validation: float | int = 0.2,
        retrain: bool | None = None,
        engine: str = "torch",
        device: str = "auto",
        seed: int = 0,
        verbose: int = 1,
        network: Network | None = None,
        training: Training | None = None,
    ) -> None:
        self.horizon = horizon
        self.lookback = lookback
        self.strategy = strategy
        self.scaling = scaling
        self.window_scaling = window_scaling
        self.transform = transform
        self.calendar = calendar
        self.channel_independent = channel_independent
        self.validation = validation
        self.retrain = retrain
        self.engine = engine
        self.device = device
        self.seed = seed
        self.verbose = verbose
        self.network = network
        self.training = training

    def __repr__(self) -> str:
        return shared.describe(self)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """As scikit-learn's; deep: network__hidden_size, training__learning_rate, ..."""
        return shared.get_params(self, deep)

    def set_params(self, **params: Any) -> Self:
        """As scikit-learn's. Raises UsageError, SpecError."""
        shared.set_params(self, **params)
        return self

    def fit(
        self,
        data: Any,
        y: None = None,
        *,
        target: str | list[str] | None = None,
        time: str | None = None,
        features: str | list[str] | None = None,
        sort: bool = False,
        fill: Fill | None = None,
        duplicates: Duplicates | None = None,
        series: str | None = None,
        start: Forecaster | str | os.PathLike[str] | None = None,
        watch: Watch | Sequence[Watch] | None = None,
        checkpoints: RunCheckpoints | Checkpoints | str | os.PathLike[str] | None = None,
        resume: bool = False,
    ) -> Self:
        """Learn from a dataframe of any kind, a NumPy array, or a SeriesTable.

        y           nothing: pipelines of scikit-learn pass it
        target      column(s) to forecast; None: the only column of numbers
        time        column of times; None: found, or none
        features    further columns to read, 'all' for all of numbers
        sort, fill, duplicates  repairs: see gatewise.data.table.read_series
        series      column that names the series of each row: one network learns from all of them,
                    no window leaves its series, and it forecasts series that it has not seen, too
        start       a fitted forecaster, of any engine, or the folder of one, to go on from: its
                    weights, network and reading of the data stay, its training settings where
                    none are given here
        watch       who is told how training goes (RunLog, TensorBoard, ...), or several of them,
                    beside the progress that `verbose` asks for
        checkpoints folder for them, or how they are written (gatewise.Checkpoints); None: none
        resume      go on where they end: it ends in the same bits as if nothing had cut it off

        The last rows (`validation`) only decide when to stop; scaling is learnt before them.
        Raises DataError, UsageError, SpecError; DivergedError when training fails. Then nothing
        that was learnt before is lost.
        """
        check_choices(self)
        check_no_labels(y)
        old: Forecaster | None = fitted(self, start)
        columns: dict[str, Any] = {"target": target, "time": time, "features": features}
        columns["series"] = series
        repairs: dict[str, Any] = {"sort": sort, "fill": fill, "duplicates": duplicates}
        if old is not None:
            given = {name: value for name, value in columns.items() if value is not None}
            table = read_again(old.tail_, data, **given, **repairs)
        elif isinstance(data, SeriesTable):
            table = data
        else:
            table = read_series(data, **columns, **repairs)
        check_varies(table)
        plan = make_plan(self, table) if old is None else plan_on(self, table, old)
        keep = checkpoints_of(checkpoints, resume)
        seen = table.summary()
        chosen = {"lookback": plan.codec.lookback, "strategy": plan.strategy}
        watch = watched(self, watch, plan.network, plan.training, seen, **chosen)
        trained = train(
            plan,
            table,
            engine=self.engine,
            device=self.device,
            seed=self.seed,
            watch=watch,
            checkpoints=keep,
        )
        self.spec_: NetworkSpec = plan.spec
        self.network_: Network = plan.network
        self.training_: Training = trained.training
        self.rates_: RateSearch | None = trained.rates
        self.strategy_: Strategy = plan.strategy
        self.lookback_: int = trained.codec.lookback
        self.scaling_: Scaling = plan.scaling
        self.season_: int = plan.season
        self.codec_: SeriesCodec = trained.codec
        self.weights_: dict[str, NDArray[np.float32]] = trained.weights
        self.graphs_: dict[str, bytes] = build_graphs(plan.spec, trained.weights)
        self.runner_ = Runner(plan.spec, self.graphs_)
        self.optimizer_states_: tuple[State, ...] | None = (trained.state,)
        self.began_: dict[str, Any] | None = plan.began
        self.history_: History = trained.history
        self.notes_: tuple[str, ...] = (*table.notes, *plan.notes, *trained.notes, *remarks(keep))
        self.versions_: dict[str, str] = versions(**trained.versions)
        self.data_: dict[str, Any] = seen
        self.trained_rows_: int = len(table)
        self.scale_: NDArray[np.float64] = mase_scale(table, plan.season)
        self.tail_: SeriesTable = ends(table, self.lookback_)
        self.linears_: dict[str, Linear] | None = learn_baselines(
            table, plan.cut, trained.codec, self.horizon
        )
        known = () if old is None else old.known_
        self.known_: tuple[LearntRows, ...] = together(known, learnt_rows(table, self.tail_))
        return self

    @property
    def parameters_(self) -> int:
        """Number of weights."""
        return count(self.spec_)

    def summary(self) -> dict[str, dict[str, Any]]:
        """What was learnt from what, in sections of printable facts."""
        self._check_fitted()
        return facts(self)

    def predict(self, data: Any = None) -> pd.DataFrame:
        """The `horizon` steps after the last row of data (None: of the data learnt from, where
        series too short to be read are left out).

        A frame with the time (or step) and one column per target; of many series with a column of
        their names first, whether they were learnt from or not.
        Raises DataError when data lacks columns, or a series has fewer rows than the lookback.
        """
        self._check_fitted()
        return go_on(self, None if data is None else self._table(data))

    def evaluate(self, data: Any, windows: int = MOST_WINDOWS) -> ForecastEvaluation:
        """Forecasts from every origin after the rows seen in training, beside baselines.

        data holds the new rows, best behind the rows learnt from: the first windows read those,
        and so do the baselines. Series that were not learnt from are judged in all their windows.
        More than `windows` origins are thinned evenly.
        Raises DataError when no window lies wholly after the rows seen.
        """
        return evaluate(self, self._table(data), windows)

    def score(self, data: Any, y: None = None) -> float:
        """Minus the MASE beyond the rows learnt from: what GridSearchCV maximises.

        data  rows that go on where those learnt from ended, as the test part of TimeSeriesSplit
              does; or all rows, those learnt from in front, as for `evaluate`. Every window of
              `horizon` rows counts. Behind a gap the first `lookback` rows are only read
        y     nothing: pipelines of scikit-learn pass it

        Of several targets the mean; minus the MAE where MASE is not defined. `evaluate` says what
        it is worth beside baselines. Raises DataError where no window fits.
        """
        check_no_labels(y)
        return negative_mase(self, self._table(data))

    def backtest(
        self,
        data: Any,
        folds: int = 4,
        refit: bool | None = None,
        start: Forecaster | str | os.PathLike[str] | None = None,
        checkpoints: RunCheckpoints | None = None,
        watch: Watch | None = None,
    ) -> ForecastEvaluation:
        """One forecast per fold from origins that are `horizon` apart and end with the data.

        refit  True: each fold trains a fresh model on the rows before its origin;
               False: this model forecasts all; None: fresh models only where a fold would be
               judged on rows that this model has seen
        start  of a model that went on from another: that one again, for fresh models
        checkpoints  of the fresh models' trainings
        watch  who is told how these train; None: nobody
        Of many series the folds end with each of them, and this model forecasts all.
        Raises DataError when there are too few rows, UsageError when refit=False would judge
        this model on rows that it has seen, or many series would need refit=True.
        """
        return backtest(self, self._table(data), folds, refit, start, checkpoints, watch)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model as a folder, whole or not at all; `gatewise.load` reads it back.

        Raises ArtifactError when something else stands at `path`.
        """
        self._check_fitted()
        write_artifact(path, to_artifact(self))

    @classmethod
    def from_artifact(cls, artifact: Artifact) -> Self:
        """The saved model again; `gatewise.load` calls this."""
        self = cls(**shared.saved_params(artifact))
        restore(self, artifact)
        return self

    def _check_fitted(self) -> None:
        if not hasattr(self, "codec_"):
            raise UsageError("this forecaster has learnt nothing yet; call fit first")

    def _table(self, data: Any) -> SeriesTable:
        """Data with the columns that were learnt from."""
        self._check_fitted()
        return read_again(self.tail_, data)

    def _forecast(self, table: SeriesTable, origins: IntArray) -> NDArray[np.float64]:
        return forecast_from(self, table, origins)

    def __getstate__(self) -> dict[str, Any]:
        """Without the running graph, which cannot be copied."""
        return {name: value for name, value in vars(self).items() if name != "runner_"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if "graphs_" in state:
            self.runner_ = Runner(self.spec_, self.graphs_)

    def __sklearn_tags__(self) -> Any:
        return tags(None, labelled=False)
