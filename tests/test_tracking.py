"""What TensorBoard and MLflow were shown, read back with their own readers."""

from __future__ import annotations

import sys
import types

import pytest
from shop import SMALL, TARGET, forecast, open_shop

import gatewise as gw
from gatewise import errors
from gatewise.training import EpochRecord, History

FACTS = {
    "task": "classify",
    "engine": "torch",
    "data": {"sha256": "abc"},
    "settings": {"seed": 3, "text": None, "network": {"hidden_size": 16}, "training": {"loss": 1}},
    "versions": {"torch": "2"},
}
LOSSES = {"member 1 of 2": [0.5, 0.25], "member 2 of 2": [0.75, None]}


class Judged:
    ranked_by = "accuracy"

    def ranking(self):
        return [("network", 0.9), ("TF-IDF + logistic regression", 0.8)]

    def standing(self):
        return "beats"

    def verdict(self):
        return "good enough"

    def to_dict(self):
        return {"examples": 7}


def tell(record):
    """A committee of two, as `fit` and `evaluate` tell of it."""
    record.about(FACTS)
    for part, losses in LOSSES.items():
        record.about({"part": part})
        record.begin(2, 4)
        told = [EpochRecord(n, 1.0 / n, loss, 0.01, 0.5) for n, loss in enumerate(losses, 1)]
        for one in told:
            record.epoch(one, True)
        record.end(History(tuple(told), 2, "finished"))
    record.scores(Judged())
    record.close()


@pytest.fixture
def reader(monkeypatch):
    """TensorBoard's own reader, without TensorFlow, which takes seconds to import."""
    pytest.importorskip("tensorboard")
    monkeypatch.setitem(sys.modules, "tensorboard.compat.notf", types.ModuleType("notf"))
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def read(place):
        found = EventAccumulator(str(place))
        found.Reload()
        return found

    return read


def scalars(found, tag):
    return [(one.step, pytest.approx(one.value)) for one in found.Scalars(tag)]


def test_tensorboard_reads_losses_scores_and_settings(tmp_path, reader):
    before = set(sys.modules)
    tell(gw.TensorBoard(tmp_path, name="reviews"))
    assert not {"tensorflow", "torch.utils.tensorboard"} & (set(sys.modules) - before)
    (place,) = tmp_path.iterdir()
    assert place.name.startswith("reviews-2")
    found = reader(place)
    assert scalars(found, "loss/validation") == [(1, 0.5), (2, 0.25)]
    assert scalars(found, "loss/train") == [(1, 1.0), (2, 0.5)]
    assert scalars(found, "learning_rate") == [(1, 0.01), (2, 0.01)]
    assert scalars(found, "test accuracy/network") == [(0, 0.9)]
    assert scalars(found, "test accuracy/TF-IDF + logistic regression") == [(0, 0.8)]
    assert scalars(found, "best/validation_loss") == [(0, 0.25)]
    (verdict,) = found.Tensors("verdict/text_summary")
    assert verdict.tensor_proto.string_val == [b"good enough"]
    second = reader(place / "member 2 of 2")
    assert scalars(second, "loss/validation") == [(1, 0.75)]
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    content = found.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    told = HParamsPluginData.FromString(content).session_start_info.hparams
    assert told["seed"].number_value == 3
    assert told["hidden_size"].number_value == 16
    assert told["text"].string_value == "None"


def test_two_runs_of_one_name_have_a_folder_each(tmp_path):
    pytest.importorskip("tensorboard")
    record = gw.TensorBoard(tmp_path, name="a")
    tell(record)
    tell(record)
    assert len(list(tmp_path.iterdir())) == 2


def test_mlflow_reads_settings_losses_scores_and_end(tmp_path, capfd):
    pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    place = tmp_path / "new" / "runs.db"
    tell(gw.MLflow(place, name="reviews"))
    heard = capfd.readouterr()
    assert (heard.out, heard.err) == ("", "")
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{place}")
    experiment = client.get_experiment_by_name("gatewise")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_name == "reviews"
    assert run.info.status == "FINISHED"
    assert run.data.params == {"seed": "3", "text": "None", "hidden_size": "16", "loss": "1"}
    assert run.data.tags["data_sha256"] == "abc"
    assert run.data.tags["verdict"] == "good enough"
    history = client.get_metric_history(run.info.run_id, "validation_loss")
    assert [(one.step, one.value) for one in history] == [(1, 0.5), (2, 0.25)]
    second = client.get_metric_history(run.info.run_id, "member 2 of 2/validation_loss")
    assert [(one.step, one.value) for one in second] == [(1, 0.75)]
    assert run.data.metrics["test accuracy/network"] == 0.9
    assert run.data.metrics["test accuracy/TF-IDF - logistic regression"] == 0.8


@pytest.mark.parametrize(
    "place", ["http://localhost:5000", "postgresql://u@host/db", "databricks://profile"]
)
def test_nothing_is_sent_over_a_network(place):
    with pytest.raises(errors.UsageError, match="not a file of this machine"):
        gw.MLflow(place)


def test_a_folder_is_no_database(tmp_path):
    with pytest.raises(errors.UsageError, match=r"needs a file of SQLite, such as .*mlflow\.db"):
        gw.MLflow(tmp_path)


@pytest.mark.parametrize(
    ("make", "package"),
    [(gw.TensorBoard, "tensorboard"), (gw.MLflow, "mlflow"), (gw.MLflow, "sqlalchemy")],
)
def test_a_missing_extra_is_named(tmp_path, monkeypatch, make, package):
    monkeypatch.setattr(
        f"{make.__module__}.find_spec", lambda name: None if name == package else object()
    )
    with pytest.raises(errors.MissingExtraError) as told:
        make(tmp_path / "x")
    assert str(told.value) == (
        f"{package} is not installed; this needs it: pip install 'gatewise[track]'"
    )


def test_the_verb_tracks_beside_its_results(here, reader, capsys):
    words = ["--quiet", "--out", "r/one", "--track", "tensorboard"]
    assert forecast("shop.csv", *TARGET, *SMALL, *words) == 0
    (place,) = (here / "r" / "tensorboard").iterdir()
    assert place.name.startswith("one-")
    told = capsys.readouterr()
    assert told.err == ""
    assert "tensor" not in told.out
    log = gw.read_runs(here / "r")
    found = reader(place)
    assert min(one.value for one in found.Scalars("loss/validation")) == pytest.approx(
        log["best_loss"][0]
    )
    assert found.Scalars("test MASE/network")[0].value == pytest.approx(log["score"][0])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--track", "tensorbord"], "did you mean 'tensorboard'"),
        (["--track-to", "x"], "--track-to: expected --track tensorboard or --track mlflow"),
        (["--track", "mlflow", "--track-to", "http://x"], "not a file of this machine"),
    ],
)
def test_a_tracker_that_cannot_be_is_told_before_training(here, capsys, words, message):
    open_shop(here)
    assert forecast("shop.csv", *TARGET, *SMALL, *words) == 2
    assert message in capsys.readouterr().err
