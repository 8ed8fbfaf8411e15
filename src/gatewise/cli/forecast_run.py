"""One forecast run: train on the first rows, judge on the last, look beyond the end."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from gatewise import outputs, progress
from gatewise.cli.options import ForecastOptions, Job
from gatewise.data.frames import read_table
from gatewise.data.table import SeriesTable, read_series
from gatewise.errors import DataError
from gatewise.evaluation import ForecastEvaluation
from gatewise.tasks.forecaster import Forecaster
from gatewise.tasks.shared import parameter_names
from gatewise.version import __version__

if TYPE_CHECKING:
    import pandas as pd

TEST_SHARE = 0.2
MOST_FOLDS = 4  # when the number is not given
# what the options and the Python class have in common, by name
PARAMETERS = [name for name in parameter_names(Forecaster) if name in ForecastOptions.model_fields]


@dataclass(frozen=True)
class ForecastRun:
    """What came out.

    model     the one that was judged
    shipped   the one that is saved and forecasts beyond the end: the same, unless refitted
    test      rows at the end that the judged model did not see
    settings  all options as they were resolved, in the words of --config
    """

    model: Forecaster
    shipped: Forecaster
    series: SeriesTable
    test: int
    evaluation: ForecastEvaluation
    backtest: ForecastEvaluation
    future: pd.DataFrame
    settings: Mapping[str, Any]
    notes: tuple[str, ...]

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training."""
        return self.model.history_.stopped == "interrupted"

    def metrics(self, source: str) -> dict[str, Any]:
        """What metrics.json and --json say."""
        return {
            outputs.MARK_KEY: __version__,
            "task": "forecast",
            "data": source,
            "rows": len(self.series),
            "targets": self.series.targets,
            "parameters": self.model.parameters_,
            "evaluation": self.evaluation.to_dict(),
            "backtest": self.backtest.to_dict(),
            "history": self.model.history_.to_dict(),
            "notes": self.notes,
            "settings": self.settings,
        }

    def write(self, folder: Path, source: str, command: str, metrics: Mapping[str, Any]) -> None:
        """Model, forecast, scores and report into an empty folder."""
        from gatewise.report import ForecastReport, write_forecast_report

        self.shipped.save(folder / "model")
        self.future.to_csv(folder / "predictions.csv", index=False)
        (folder / outputs.MARK).write_text(outputs.to_json(metrics) + "\n", encoding="utf-8")
        report = ForecastReport(
            title=f"{', '.join(self.series.targets)}: {self.evaluation.horizon} steps ahead",
            source=source,
            evaluation=self.evaluation,
            backtest=self.backtest,
            future=self.future,
            history=self.model.history_,
            facts=self.model.summary(),
            notes=self.notes,
            settings=to_yaml(self.settings),
            command=command,
            created=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            seed=self.settings["seed"],
        )
        write_forecast_report(folder / "report.html", report)


def read(source: Path, options: ForecastOptions) -> SeriesTable:
    """The series of the file, read as the options want it."""
    frame = read_table(source)
    known = [str(name) for name in frame.columns]
    features = split_names(options.features, known)
    return read_series(
        frame,
        target=split_names(options.target, known),
        time=options.time,
        features="all" if features == ["all"] and "all" not in known else features,
        sort=options.sort,
        fill=options.fill,
        duplicates=options.duplicates,
        name=source.name,
    )


def split_names(given: Sequence[str] | None, known: Sequence[str]) -> list[str] | None:
    """`a,b` is two columns, unless a column has that very name."""
    if given is None:
        return None
    names: list[str] = []
    for text in given:
        parts = [text] if text in known else [part.strip() for part in text.split(",")]
        names += [part for part in parts if part]
    return names


def train_and_judge(series: SeriesTable, wanted: Job, *, verbose: int) -> ForecastRun:
    """Train on all but the test rows, score on those, forecast beyond the end."""
    options = wanted.options
    test, folds = split_rows(len(series), options)
    own = {name: getattr(options, name) for name in PARAMETERS}
    model = Forecaster(**own, verbose=verbose, network=wanted.network, training=wanted.training)
    model.fit(series.rows(0, len(series) - test), watch=progress.watch(verbose))
    notes = [*series.notes, *model.notes_]
    if model.history_.stopped == "interrupted":
        folds = min(folds, test // options.horizon)  # those that need no further training
        epochs = f"epoch {len(model.history_.records)} of {model.training_.epochs}"
        best = model.history_.best_epoch
        kept = f"the best model so far, of epoch {best}," if best else "the untrained model"
        notes.append(f"training was interrupted after {epochs}; {kept} was kept")
    evaluation = model.evaluate(series)
    backtest = model.backtest(series, folds=folds)
    shipped = model
    if options.refit and model.history_.stopped != "interrupted":
        shipped = Forecaster(**model.get_params(deep=False)).fit(series)
        notes.append(
            f"refitted: the saved model and the forecast beyond the end learnt from all "
            f"{len(series)} rows; the scores are those of the model before"
        )
    return ForecastRun(
        model=model,
        shipped=shipped,
        series=series,
        test=test,
        evaluation=evaluation,
        backtest=backtest,
        future=shipped.predict(series),
        settings=resolved(options, series, model, test, folds),
        notes=tuple(note for note in dict.fromkeys(notes) if note),
    )


def split_rows(rows: int, options: ForecastOptions) -> tuple[int, int]:
    """(test rows, folds): what was given, or about a fifth and as many as fit into that.

    Raises DataError when the test rows do not hold one horizon or leave nothing to train on.
    """
    horizon = options.horizon
    test = options.test or max(horizon, int(TEST_SHARE * rows) // horizon * horizon)
    if test < horizon:
        raise DataError(
            f"test={test} rows cannot hold one forecast of horizon={horizon}; "
            f"give --test {horizon} or more"
        )
    if rows <= test + horizon:
        shorter = "a shorter --horizon or --test" if options.test else "a shorter --horizon"
        raise DataError(
            f"{rows} rows are too few: horizon={horizon} and {test} rows kept for the test need "
            f"more than {test + horizon}; give {shorter}, or more rows"
        )
    return test, options.folds or min(MOST_FOLDS, test // horizon)


def resolved(
    options: ForecastOptions, series: SeriesTable, model: Forecaster, test: int, folds: int
) -> dict[str, Any]:
    """Every setting as the run used it: what `--config` needs for the same run again."""
    chosen: dict[str, Any] = {
        "target": list(series.targets),
        "time": series.time_name,
        "features": list(series.features) or None,
        "lookback": model.lookback_,
        "strategy": model.strategy_,
        "test": test,
        "folds": folds,
    }
    flat = {**options.model_dump(exclude={"out"}), **chosen}
    return {
        **{name: value for name, value in flat.items() if value is not None},
        "network": model.network_.model_dump(),
        "training": model.training_.model_dump(),
    }


def to_yaml(settings: Mapping[str, Any]) -> str:
    """The text of a --config file."""
    head = f"# gatewise {__version__}: gatewise forecast DATA --config THIS_FILE\n"
    return head + yaml.safe_dump(
        outputs.plain(settings), sort_keys=False, allow_unicode=True, default_flow_style=None
    )
