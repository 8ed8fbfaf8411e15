"""One forecast run: train on the first rows, judge on the last, look beyond the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatewise.cli import verbs
from gatewise.cli.forecast_options import ForecastOptions
from gatewise.cli.forecast_parts import Parts, part
from gatewise.cli.options import Job, split_names
from gatewise.data.frames import read_table
from gatewise.data.table import SeriesTable, read_series
from gatewise.errors import DataError, GatewiseError
from gatewise.evaluation import ForecastEvaluation
from gatewise.tasks.beginning import fitted
from gatewise.tasks.continuing import long_enough
from gatewise.tasks.forecaster import Forecaster
from gatewise.tasks.shared import parameter_names

if TYPE_CHECKING:
    import pandas as pd

# what the options and the Python class have in common, by name
PARAMETERS = [name for name in parameter_names(Forecaster) if name in ForecastOptions.model_fields]


@dataclass(frozen=True)
class ForecastRun:
    """What came out.

    model        the one that was judged
    shipped      the one that is saved and forecasts beyond the end: the same, unless refitted
    parts        what the judged model learnt from, and what it did not see
    settings     what gives the same run again, in the words of --config
    interrupted  whether Ctrl-C ended a training
    failure      why what followed the judged model's training is not what was asked for
    """

    model: Forecaster
    shipped: Forecaster
    series: SeriesTable
    parts: Parts
    evaluation: ForecastEvaluation
    backtest: ForecastEvaluation
    future: pd.DataFrame
    settings: Mapping[str, Any]
    notes: tuple[str, ...]
    interrupted: bool
    failure: GatewiseError | None

    def metrics(self, source: str) -> dict[str, Any]:
        """What metrics.json and --json say."""
        found = {
            "rows": len(self.series),
            **({"series": len(self.series.series)} if self.series.series_name else {}),
            "targets": self.series.targets,
            "parameters": self.model.parameters_,
            "evaluation": self.evaluation.to_dict(),
            "backtest": self.backtest.to_dict(),
            "history": self.model.history_.to_dict(),
            "notes": self.notes,
            "versions": self.model.versions_,
            "settings": self.settings,
        }
        return verbs.metrics("forecast", source, found)

    def write(self, folder: Path, order: verbs.Order, metrics: Mapping[str, Any]) -> None:
        """Model, forecast, scores and report into an empty folder."""
        from gatewise.report import ForecastReport, write_forecast_report

        self.shipped.save(folder / "model")
        self.future.to_csv(folder / "predictions.csv", index=False)
        verbs.write_metrics(folder, metrics)
        report = ForecastReport(
            title=_title(self.series, self.evaluation.horizon),
            evaluation=self.evaluation,
            backtest=self.backtest,
            future=self.future,
            history=self.model.history_,
            facts=self.model.summary(),
            notes=self.notes,
            **verbs.page_facts(order, self.settings, ForecastOptions),
        )
        write_forecast_report(folder / "report.html", report)


def _title(series: SeriesTable, horizon: int) -> str:
    many = f" of {len(series.series):,} series" if series.series_name else ""
    return f"{', '.join(series.targets)}{many}: {horizon} steps ahead"


def read(source: Path, options: ForecastOptions) -> SeriesTable:
    """The series of the file, read as the options want it, or as the model to go on from was."""
    frame = read_table(source)
    known = [str(name) for name in frame.columns]
    target, features = split_names(options.target, known), split_names(options.features, known)
    named = options.series
    if options.start is not None:
        tail = started(options.start).tail_
        target, named = target or list(tail.targets), named or tail.series_name
        features = list(tail.features) if options.features is None else features
    return read_series(
        frame,
        target=target,
        time=options.time,
        features="all" if features == ["all"] and "all" not in known else features,
        sort=options.sort,
        fill=options.fill,
        duplicates=options.duplicates,
        series=named,
        name=source.name,
    )


def train_and_judge(
    series: SeriesTable, wanted: Job[ForecastOptions], order: verbs.Order
) -> ForecastRun:
    """Train on all but the test rows, score on those, forecast beyond the end."""
    options = wanted.options
    start = None if options.start is None else started(options.start)
    parts = part(series, options, () if start is None else start.known_)
    own = {name: getattr(options, name) for name in PARAMETERS}
    model = Forecaster(
        **own, verbose=order.verbose, network=wanted.network, training=wanted.training
    )
    try:
        model.fit(parts.rows, start=start, **order.beside)
    except DataError as error:  # it counts the rows it was given
        test = parts.words if series.series_name else f"{parts.test} of them"
        kept = f"{len(series)} rows, {test} kept for the test: --test"
        raise DataError(f"{error} ({kept})") from error
    stopped = verbs.interruption(model.history_, model.training_)
    notes = [*series.notes, *model.notes_, *stopped]
    folds = parts.folds_for(model)
    own_folds = parts.own_folds(model)  # those that need no further training
    interrupted = bool(stopped)
    failure: GatewiseError | None = None
    if interrupted:
        folds = min(folds, own_folds)
    evaluation = model.evaluate(series)
    try:
        backtest = model.backtest(series, folds=folds, start=start, **order.beside)
    except (KeyboardInterrupt, GatewiseError) as error:
        if folds <= own_folds:
            raise
        interrupted, failure = _ended_by(error)
        why = "was interrupted" if interrupted else f"failed ({error})"
        notes.append(f"the backtest {why}: folds={own_folds}, those that train no further models")
        folds = own_folds
        backtest = model.backtest(series, folds=folds)
    shipped = model
    if options.refit and not interrupted and not failure:
        try:
            order.watch.about({"round": "refit"})
            shipped = refitted(model, series, start, order.beside)
            notes.append(
                f"refitted: the saved model and the forecast beyond the end learnt from all "
                f"{len(series)} rows; the scores are those of the model before"
            )
        except (KeyboardInterrupt, GatewiseError) as error:
            interrupted, failure = _ended_by(error)
            why = "was interrupted" if interrupted else f"failed ({error})"
            notes.append(f"the refit {why}: the saved model is the one that was judged")
    read, left_out = long_enough(series, shipped.lookback_)
    return ForecastRun(
        model=model,
        shipped=shipped,
        series=series,
        parts=parts,
        evaluation=evaluation,
        backtest=backtest,
        future=shipped.predict(read),
        settings=resolved(wanted, series, model, parts, folds),
        notes=verbs.distinct([*notes, *left_out]),
        interrupted=interrupted,
        failure=failure,
    )


def _ended_by(error: BaseException) -> tuple[bool, GatewiseError | None]:
    """(interrupted, failure)"""
    failure = error if isinstance(error, GatewiseError) else None
    return failure is None, failure


def started(path: str) -> Forecaster:
    """The saved forecaster to go on from. Raises UsageError for another task's, ArtifactError."""
    found: Forecaster = fitted(Forecaster(1), path)
    return found


def refitted(
    model: Forecaster,
    series: SeriesTable,
    start: Forecaster | None,
    beside: Mapping[str, Any],
) -> Forecaster:
    """A model of all rows by the choices of the one that was judged, from the same start.

    Raises KeyboardInterrupt when its training was interrupted, so that nothing half-trained ships.
    """
    codec = model.codec_
    fresh = Forecaster(**model.get_params(deep=False)).set_params(
        lookback=model.lookback_,
        strategy=model.strategy_,
        scaling=model.scaling_,
        window_scaling=codec.window_scaling,
        transform="log" if codec.logs else "none",
        channel_independent=codec.independent,
        retrain=True,
        network=model.network_,
        training=model.training_,
    )
    fresh.fit(series, start=start, **beside)
    if fresh.history_.stopped == "interrupted":
        raise KeyboardInterrupt
    return fresh


def resolved(
    wanted: Job[ForecastOptions], series: SeriesTable, model: Forecaster, parts: Parts, folds: int
) -> dict[str, Any]:
    """What `--config` needs for the same run again: every setting as the run used it.

    Where folds trained models of their own, these chose for themselves what was not given: then
    only what was given stands there.
    """
    own_choices = folds > parts.own_folds(model)
    chosen: dict[str, Any] = {
        "target": list(series.targets),
        "time": series.time_name,
        "series": series.series_name,
        "features": list(series.features) or None,
        "test": parts.test,
        "folds": folds,
    }
    network, training = wanted.network.chosen(), wanted.training.chosen()
    if not own_choices:
        chosen |= {"lookback": model.lookback_, "strategy": model.strategy_}
        network, training = model.network_.model_dump(), model.training_.model_dump()
    return verbs.settings_again(wanted, chosen, network, training)
