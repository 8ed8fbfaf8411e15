"""A run in MLflow: its settings, losses and scores in a file of SQLite."""

from __future__ import annotations

import logging
import math
import os
import time
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, final

from gatewise.errors import MissingExtraError, UsageError
from gatewise.runs.record import Event, Record
from gatewise.runs.tensorboard import flat

EXPERIMENT = "gatewise"
ENDED = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
AT_ONCE = 100  # parameters in one call: MLflow takes no more
LONGEST = 6000  # characters of a value
NEEDED = ("mlflow", "sqlalchemy", "alembic")  # mlflow-skinny comes without the last two
CHATTY = ("mlflow", "alembic")  # loggers that tell of tables and their versions


@final
class MLflow(Record):
    """Writes runs that `mlflow ui --backend-store-uri sqlite:///FILE` shows.

        model.fit(frame, watch=gw.MLflow("mlflow.db"))

    place  a file of SQLite, by its path or as sqlite:///FILE; nothing is sent over a network
    name   of the run; None: MLflow makes one up

    Runs stand in the experiment `gatewise`: settings as parameters, the losses and the learning
    rate of each epoch as metrics, scores beside the best baseline, engine and hash of the data as
    tags. Metrics of further trainings of a run begin with their names.
    Raises MissingExtraError without mlflow or what it needs for SQLite, UsageError for a server.
    """

    def __init__(self, place: str | os.PathLike[str], *, name: str | None = None) -> None:
        super().__init__()
        self.path = _local(os.fspath(place))
        self.name = name
        self._first = ""
        self._run = ""
        self._client: Any = None
        for package in NEEDED:
            if find_spec(package) is None:
                raise MissingExtraError(package, extra="track")

    def write(self, event: Event) -> None:
        if event["event"] != "run" and not self._run:
            return  # it could not begin, and that was said
        match event["event"]:
            case "run":
                self._begin(event)
            case "begin":
                self._first = self._first or event["training"]
            case "epoch":
                names = ("train_loss", "validation_loss", "learning_rate")
                prefix = "" if event["training"] == self._first else f"{event['training']}/"
                told = {f"{prefix}{name}": event[name] for name in names}
                self._metrics(told, event["epoch"])
            case "scores":
                metric = event["metric"]
                told = {f"test {metric}/{who}": score for who, score in event["ranking"]}
                self._metrics({_named(name): score for name, score in told.items()}, 0)
                self._client.set_tag(self._run, "verdict", event["verdict"])
            case "done":
                if event["error"]:
                    self._client.set_tag(self._run, "error", event["error"][:LONGEST])
                self._client.set_terminated(self._run, ENDED[event["state"]])

    def _begin(self, event: Event) -> None:
        from mlflow.entities import Param

        client = self._client = _client(self.path)
        found = client.get_experiment_by_name(EXPERIMENT)
        artifacts = self.path.with_name(f"{self.path.stem}-artifacts").as_uri()
        known = found.experiment_id if found else client.create_experiment(EXPERIMENT, artifacts)
        tags = {
            "task": event["task"],
            "engine": event["engine"],
            "run": event["id"],
            "data": event.get("source", ""),
            "data_sha256": event["data"].get("sha256", ""),
            **{f"version {name}": text for name, text in event.get("versions", {}).items()},
        }
        run = client.create_run(known, run_name=self.name, tags=tags)
        self._run, self._first = run.info.run_id, ""
        settings = flat(event.get("settings", {}))
        params = [Param(name, str(value)[:LONGEST]) for name, value in settings.items()]
        for start in range(0, len(params), AT_ONCE):
            client.log_batch(self._run, params=params[start : start + AT_ONCE])

    def _metrics(self, named: Mapping[str, float | None], step: int) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        there = {n: v for n, v in named.items() if v is not None and math.isfinite(v)}
        metrics = [Metric(_named(name), value, now, step) for name, value in there.items()]
        self._client.log_batch(self._run, metrics=metrics)

    def __getstate__(self) -> dict[str, Any]:
        """Without the open database."""
        return {**vars(self), "_client": None}


def _local(place: str) -> Path:
    """The file that is named. Raises UsageError for what is no file of this machine."""
    scheme, found, rest = place.partition("://")
    if found and scheme != "sqlite":
        raise UsageError(
            f"{place} is not a file of this machine: runs are tracked in a file of SQLite, "
            f"such as mlflow.db or sqlite:///mlflow.db; nothing is sent over a network"
        )
    path = Path(rest.removeprefix("/") if found else place).resolve()
    if path.is_dir():
        better = path / "mlflow.db"
        raise UsageError(f"{place} is a folder; MLflow needs a file of SQLite, such as {better}")
    return path


def _client(path: Path) -> Any:
    """MLflow's client of the file; its tables are made without a word, and nobody is told that it
    is used. Raises UsageError where the file cannot be written or is another one.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        for name in CHATTY:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return MlflowClient(tracking_uri=f"sqlite:///{path}")
        except Exception as error:  # of the database, or its driver
            said = getattr(error, "strerror", None) or str(error).splitlines()[0]
            raise UsageError(
                f"MLflow's file {path} cannot be used ({said}); choose another place for it"
            ) from None


def _named(name: str) -> str:
    """With the characters that MLflow takes."""
    return "".join(sign if sign.isalnum() or sign in "_-. :/" else "-" for sign in name)
