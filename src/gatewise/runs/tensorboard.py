"""A run in TensorBoard: its losses, settings and scores as event files."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, final

from gatewise.errors import MissingExtraError, UsageError
from gatewise.runs.record import Event, Record

VERSION = "brain.Event:2"  # what an event file begins with
DT_STRING = 7  # of TensorProto
EPOCH = {"train_loss": "loss/train", "validation_loss": "loss/validation"}


@final
class TensorBoard(Record):
    """Writes event files, one folder for each run: `tensorboard --logdir FOLDER` shows them.

        model.fit(frame, watch=gw.TensorBoard("tensorboard"))

    folder  of all runs
    name    of the folders in it, the time behind it; None: that of the task

    Shown are both losses and the learning rate of each epoch, the settings beside the best
    validation loss (HPARAMS), and what `scores` is told. Further trainings of a run (members,
    folds) have a folder each within its own. The files are written without TensorFlow.
    Raises MissingExtraError without tensorboard, UsageError where the folder cannot be written.
    """

    def __init__(self, folder: str | os.PathLike[str], *, name: str | None = None) -> None:
        super().__init__()
        if find_spec("tensorboard") is None:
            raise MissingExtraError("tensorboard", extra="track")
        self.folder = Path(folder)
        self.name = name
        self._place = self.folder
        self._first = ""
        self._writers: dict[Path, Any] = {}
        self._best: dict[str, float] = {}

    def write(self, event: Event) -> None:
        match event["event"]:
            case "run":
                self._place = self._fresh(str(event["task"]))
                self._first, self._best = "", {}
                self._hparams(event)
            case "begin":
                self._first = self._first or event["training"]
            case "epoch":
                writer = self._writer(event["training"])
                named = {tag: event[name] for name, tag in EPOCH.items()}
                self._scalars(writer, {**named, "learning_rate": event["learning_rate"]}, event)
                self._note_best(event)
            case "scores":
                told = {f"test {event['metric']}/{who}": score for who, score in event["ranking"]}
                writer = self._writer()
                self._scalars(writer, told, {"epoch": 0})
                self._text(writer, "verdict", event["verdict"])
            case "done":
                writer = self._writer()
                self._scalars(writer, {"best/validation_loss": self._lowest()}, {"epoch": 0})
                for one in self._writers.values():
                    one.close()
                self._writers = {}

    def _fresh(self, task: str) -> Path:
        base = f"{self.name or task}-{time.strftime('%Y%m%d-%H%M%S')}"
        place, number = self.folder / base, 1
        while place.exists():
            number += 1
            place = self.folder / f"{base}-{number}"
        return place

    def _writer(self, training: str = "") -> Any:
        """Of the event file of a training; the first one's is that of the run."""
        from tensorboard.compat.proto.event_pb2 import Event as Proto
        from tensorboard.summary.writer.record_writer import RecordWriter

        place = self._place if training in ("", self._first) else self._place / training
        if place not in self._writers:
            file = f"events.out.tfevents.{int(time.time()):010d}.{platform.node()}.{os.getpid()}.0"
            try:
                place.mkdir(parents=True, exist_ok=True)
                self._writers[place] = RecordWriter((place / file).open("wb"))
            except OSError as error:
                raise UsageError(
                    f"TensorBoard's files cannot be written to {place} ({error.strerror}); choose "
                    f"another folder"
                ) from None
            self._add(self._writers[place], Proto(wall_time=time.time(), file_version=VERSION))
        return self._writers[place]

    def _scalars(self, writer: Any, named: Mapping[str, float | None], event: Event) -> None:
        from tensorboard.compat.proto.event_pb2 import Event as Proto
        from tensorboard.compat.proto.summary_pb2 import Summary

        there = {name: value for name, value in named.items() if value is not None}
        values = [Summary.Value(tag=name, simple_value=value) for name, value in there.items()]
        summary = Summary(value=values)
        self._add(writer, Proto(wall_time=time.time(), step=event["epoch"], summary=summary))

    def _text(self, writer: Any, name: str, text: str) -> None:
        from tensorboard.compat.proto.event_pb2 import Event as Proto
        from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
        from tensorboard.compat.proto.tensor_pb2 import TensorProto

        tensor = TensorProto(dtype=DT_STRING, string_val=[text.encode()])
        plugin = SummaryMetadata.PluginData(plugin_name="text")
        metadata = SummaryMetadata(plugin_data=plugin)
        value = Summary.Value(tag=f"{name}/text_summary", tensor=tensor, metadata=metadata)
        self._add(writer, Proto(wall_time=time.time(), summary=Summary(value=[value])))

    def _hparams(self, event: Event) -> None:
        """The settings, where TensorBoard compares them."""
        from tensorboard.compat.proto.event_pb2 import Event as Proto
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb

        settings = flat(event.get("settings", {}))
        summary = hparams_pb(settings, trial_id=event["id"], start_time_secs=time.time())
        writer = self._writer()
        self._add(writer, Proto(wall_time=time.time(), summary=_of_compat(summary)))

    def _note_best(self, event: Event) -> None:
        loss, training = event["validation_loss"], event["training"]
        if loss is not None and math.isfinite(loss):
            self._best[training] = min(loss, self._best.get(training, math.inf))

    def _lowest(self) -> float | None:
        """Of the first training that had validation data."""
        return next(iter(self._best.values()), None)

    @staticmethod
    def _add(writer: Any, proto: Any) -> None:
        writer.write(proto.SerializeToString())
        writer.flush()


def flat(settings: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """Settings by flat names, as flags have them; None and lists as text."""
    found: dict[str, str | int | float | bool] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found |= flat(value)
        else:
            found[name] = value if isinstance(value, str | int | float) else str(value)
    return found


def _of_compat(summary: Any) -> Any:
    """The same message, of the class that events hold: TensorFlow may bring one of its own."""
    from tensorboard.compat.proto.summary_pb2 import Summary

    return Summary.FromString(summary.SerializeToString())
