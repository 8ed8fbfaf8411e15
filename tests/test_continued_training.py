"""Going on from a fitted model: what is carried over, what is refused, what is said."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import numpy_engine
import pandas as pd
import pytest
from shop import ENVIRONMENT, SMALL, forecast, months, sales, write_csv

import gatewise as gw
from gatewise.artifact import write_artifact
from gatewise.batch import Batch, Examples
from gatewise.engine import ENGINES, load_engine
from gatewise.errors import ArtifactError, DataError, UsageError
from gatewise.spec import Network, NetworkSpec, Training
from gatewise.tasks import training as forecaster_training
from gatewise.tasks.forecaster_state import to_artifact
from gatewise.training import fit
from gatewise.weights import initial

STEADY = Training(epochs=2, batch_size=16, learning_rate=1e-3, patience=None)
PLAIN = Network(hidden_size=6, shortcut=0, dropout=0.2)


def source(rows: int = 40) -> Examples:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 5, 2)).astype(np.float32)
    return Examples(Batch(x=x, y=x.mean((1, 2))[:, None, None]))


def same(left: Any, right: Any) -> bool:
    """Bit by bit."""
    return left.keys() == right.keys() and all(np.array_equal(left[n], right[n]) for n in left)


def waves(rows: int = 160, first: int = 0) -> pd.DataFrame:
    steps = np.arange(first, first + rows)
    noise = np.random.default_rng(0).normal(0, 0.1, 1000)[first : first + rows]
    times = pd.date_range("2024-01-01", periods=1000, freq="h")[first : first + rows]
    return pd.DataFrame({"time": times, "y": 10 + np.sin(2 * np.pi * steps / 12) + noise})


def forecaster(**chosen: Any) -> gw.Forecaster:
    fields = {"lookback": 12, "verbose": 0, "training": STEADY, "network": PLAIN, "retrain": False}
    return gw.Forecaster(3, **{**fields, **chosen})


@pytest.fixture(scope="module")
def old() -> gw.Forecaster:
    return forecaster().fit(waves(), target="y")


@pytest.fixture
def begins(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any]]:
    """Weights and state that each training of a forecaster begins with."""
    found = []

    def watched(engine: Any, *arguments: Any, **named: Any) -> Any:
        found.append((engine.get_weights(), engine.get_state()))
        return fit(engine, *arguments, **named)

    monkeypatch.setattr(forecaster_training, "fit", watched)
    return found


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop"])
@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_two_runs_at_a_steady_rate_are_one_long_run_bit_by_bit(
    optimizer: str, averaging: float
) -> None:
    spec = NetworkSpec(kind="many_to_one", input_size=2, output_size=1, hidden_size=5, dropout=0.3)
    training = STEADY.replace(optimizer=optimizer, weight_averaging=averaging, epochs=5)
    whole, first, second = (
        load_engine("torch", spec, training, initial(spec, 0), device="cpu") for _ in range(3)
    )
    fit(whole, source(), None, training, seed=3)
    fit(first, source(), None, training.replace(epochs=3), seed=3)
    second.set_weights(first.get_weights())
    second.set_state(first.get_state())
    fit(second, source(), None, training.replace(epochs=2), seed=3, behind=3)
    assert same(second.get_weights(), whole.get_weights())
    assert same(second.get_state(), whole.get_state())


def test_after_training_the_state_is_that_of_the_best_weights() -> None:
    spec = NetworkSpec(kind="many_to_one", input_size=2, output_size=1, hidden_size=5)
    training = STEADY.replace(epochs=6)
    early, late = (
        load_engine("torch", spec, training, initial(spec, 0), device="cpu") for _ in range(2)
    )
    losses = iter([9.0, 8.0, 7.0, 8.0, 8.0, 8.0, 8.0])
    late.evaluate = lambda *_: next(losses)  # type: ignore[method-assign]
    assert fit(late, source(), source(), training, seed=0).best_epoch == 2
    fit(early, source(), None, training, seed=0, epochs=2)
    assert same(late.get_weights(), early.get_weights())
    assert same(late.get_state(), early.get_state())


def test_a_forecaster_in_two_runs_is_one_in_one_run(old: gw.Forecaster) -> None:
    more = STEADY.replace(epochs=3)
    second = forecaster(training=more, network=None).fit(waves(), start=old)
    whole = forecaster(training=STEADY.replace(epochs=5)).fit(waves(), target="y")
    assert (old.history_.best_epoch, second.history_.best_epoch, whole.history_.best_epoch) == (
        2,
        3,
        5,
    )
    assert same(second.weights_, whole.weights_)
    assert [r.validation_loss for r in second.history_.records] == [
        r.validation_loss for r in whole.history_.records[2:]
    ]
    assert [r.epoch for r in second.history_.records] == [1, 2, 3]


def test_weights_and_moments_go_on_and_the_settings_follow(
    old: gw.Forecaster, begins: list[Any]
) -> None:
    new = gw.Forecaster(3, verbose=0, training=Training(epochs=1, learning_rate=0.5), retrain=True)
    new.fit(waves(150, first=50), start=old)
    assert len(begins) == 2 or not new.history_.best_epoch  # the second on all rows
    for weights, state in begins:
        assert same(weights, old.weights_)
        assert same(state, old.optimizer_states_[0])
    assert new.training_ == STEADY.replace(epochs=1, learning_rate=0.5)
    assert (new.lookback_, new.strategy_, new.spec_) == (12, old.strategy_, old.spec_)
    assert new.codec_ == old.codec_
    note = next(note for note in new.notes_ if "goes on from" in note)
    assert note.startswith("training goes on from a model of torch 2")
    assert note.endswith("2 epochs on; the optimizer goes on")
    assert "the optimizer goes on" in new.summary()["Training"]["goes on from"]


def test_the_second_training_on_all_rows_begins_at_the_same_weights(
    old: gw.Forecaster, begins: list[Any]
) -> None:
    new = forecaster(retrain=True).fit(waves(150, first=50), start=old)
    assert new.history_.best_epoch
    assert len(begins) == 2
    assert all(same(weights, old.weights_) for weights, _ in begins)
    assert not same(new.weights_, old.weights_)


def test_a_saved_model_goes_on_with_an_optimizer_that_begins_anew(
    old: gw.Forecaster, begins: list[Any], tmp_path: Any
) -> None:
    old.save(tmp_path / "old.gw")
    for start in (tmp_path / "old.gw", str(tmp_path / "old.gw"), gw.load(tmp_path / "old.gw")):
        new = forecaster().fit(waves(), start=start)
        assert "optimizer begins anew: a saved model does not hold its state" in " ".join(
            new.notes_
        )
    for weights, state in begins:
        assert same(weights, old.weights_)
        assert not state
    new.save(tmp_path / "new.gw")
    again = gw.load(tmp_path / "new.gw")
    assert again.began_ == new.began_
    assert again.summary()["Training"] == new.summary()["Training"]
    assert again.began_["epochs"] == 2
    third = forecaster().fit(waves(), start=again)
    assert third.began_["epochs"] == 2 + new.history_.best_epoch


def test_moments_of_another_kind_of_optimizer_mean_nothing(
    old: gw.Forecaster, begins: list[Any]
) -> None:
    new = forecaster(training=Training(optimizer="sgd")).fit(waves(), start=old)
    assert "the optimizer begins anew: it was adam and is sgd" in " ".join(new.notes_)
    assert not begins[0][1]


def test_where_nothing_is_better_the_old_weights_stay() -> None:
    learnt = forecaster(training=STEADY.replace(epochs=60, learning_rate=1e-2), retrain=True)
    old = learnt.fit(waves(), target="y")
    new = forecaster(training=Training(epochs=2, learning_rate=0.9), retrain=True)
    new.fit(waves(), start=old)
    assert new.history_.best_epoch == 0
    assert same(new.weights_, old.weights_)
    assert any("the model that it goes on from" in note for note in new.notes_)
    assert any(
        "learnt from, or was stopped by, 32 of the 32 validation rows" in note
        for note in new.notes_
    )


def test_all_that_contradicts_is_told_at_once(old: gw.Forecaster) -> None:
    new = gw.Forecaster(
        4,
        lookback=24,
        scaling="robust",
        strategy="recursive",
        calendar=True,
        verbose=0,
        network=Network(cell="gru", hidden_size=6, num_layers=2, dropout=0.7),
    )
    with pytest.raises(UsageError) as caught:
        new.fit(waves(), start=old)
    told = str(caught.value)
    for part in (
        "horizon 3, not 4",
        "lookback 12, not 24",
        "scaling standard, not robust",
        "strategy direct, not recursive",
        "calendar off, not on",
        "network cell lstm, not gru",
        "network num_layers 1, not 2",
    ):
        assert part in told
    assert "hidden_size" not in told
    assert "dropout" not in told
    assert not hasattr(new, "codec_")


def test_dropout_may_change(old: gw.Forecaster) -> None:
    new = forecaster(network=Network(dropout=0.5)).fit(waves(), start=old)
    assert (new.spec_.dropout, new.network_.dropout) == (0.5, 0.5)
    assert new.spec_.replace(dropout=0.2) == old.spec_


def test_other_data_is_refused(old: gw.Forecaster) -> None:
    frame = waves().assign(z=1.0 + np.arange(160) % 7)
    with pytest.raises(DataError, match="forecast: y"):
        forecaster().fit(frame, target="y", features="z", start=old)
    with pytest.raises(DataError, match="the model learnt from y"):
        forecaster().fit(frame, target="z", start=old)
    with pytest.raises(DataError, match="column 'y' is not in data"):
        forecaster().fit(frame.drop(columns="y"), start=old)
    with pytest.raises(DataError, match="the model learnt from one row an hour"):
        forecaster().fit(frame.iloc[::2], start=old)
    with pytest.raises(DataError, match="too few"):
        forecaster().fit(frame.iloc[:17], start=old)


def test_only_a_fitted_model_of_the_same_task_can_be_gone_on_from(tmp_path: Any) -> None:
    with pytest.raises(UsageError, match="has learnt nothing yet"):
        forecaster().fit(waves(), start=forecaster())
    with pytest.raises(UsageError, match=r"must be a fitted Forecaster.*not a Tagger"):
        forecaster().fit(waves(), start=gw.Tagger())  # type: ignore[arg-type]
    with pytest.raises(ArtifactError, match="does not exist"):
        forecaster().fit(waves(), start=tmp_path / "nowhere")


def test_rows_that_the_old_model_learnt_from_are_never_judged(old: gw.Forecaster) -> None:
    new = forecaster().fit(waves(120), start=old)
    assert new.evaluate(waves(200)).origins[0] == 160  # not 120
    with pytest.raises(DataError, match="no forecast of 3 steps fits behind the rows seen"):
        new.evaluate(waves(160))


def test_rows_without_times_are_known_again_by_their_values(tmp_path: Any) -> None:
    plain = waves(300)[["y"]]
    old = forecaster().fit(plain.iloc[:160])
    new = forecaster().fit(plain.iloc[:120], start=old)
    new.save(tmp_path / "new.gw")
    for model in (new, gw.load(tmp_path / "new.gw")):
        assert model.evaluate(plain.iloc[:200]).origins[0] == 160
    other = forecaster().fit(plain.iloc[160:260].reset_index(drop=True), start=old)
    assert other.evaluate(plain.iloc[160:290].reset_index(drop=True)).origins[0] == 100


def test_a_backtest_that_trains_anew_needs_the_start_again(old: gw.Forecaster) -> None:
    new = forecaster().fit(waves(190), start=old)
    frame = waves(193)
    with pytest.raises(UsageError, match="give it as start="):
        new.backtest(frame, folds=3)
    assert len(new.backtest(frame, folds=3, start=old).origins) == 3
    with pytest.raises(UsageError, match="learnt from rows up to 160"):
        new.backtest(waves(193), folds=12, start=old)
    with pytest.raises(UsageError, match="leave start out"):
        old.backtest(waves(170), folds=5, start=old)
    assert len(new.backtest(waves(199), folds=2).origins) == 2


def test_the_command_line_goes_on_and_says_so(
    here: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert forecast("shop.csv", "--target", "sales", "--horizon", "6", *SMALL, "--quiet") == 0
    write_csv(here / "more.csv", {"month": months(96), "sales": sales(96)})
    on = ("more.csv", "--horizon", "6", "--start", "shop-forecast/model", "--epochs", "1")
    assert forecast(*on, "--quiet", "--json", "--refit", "--folds", "4") == 0
    told = json.loads((here / "more-forecast/metrics.json").read_text())
    assert any("goes on from a model of torch" in note for note in told["notes"])
    assert told["settings"]["start"] == "shop-forecast/model"
    assert gw.load(here / "more-forecast/model").began_["engine"].startswith("torch 2")
    assert forecast("more.csv", "--config", "more-forecast/metrics.json", "--out", "b") == 0
    again = json.loads((here / "b/metrics.json").read_text())
    assert again["evaluation"]["scores"] == told["evaluation"]["scores"]
    capsys.readouterr()
    assert forecast(*on, "--cell", "gru") == 2
    assert "network cell lstm, not gru" in capsys.readouterr().err
    back = ("shop.csv", "--horizon", "6", "--start", "more-forecast/model", "--epochs", "1")
    assert forecast(*back) == 2
    assert "give later rows" in " ".join(capsys.readouterr().err.split())


def test_the_smallest_engine_goes_on_where_torch_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "numpy", "numpy_engine")
    monkeypatch.setattr(numpy_engine, "Engine", numpy_engine.NumpyEngine, raising=False)
    tiny = Network(cell="rnn", hidden_size=2, shortcut=0, dropout=0.0)
    old = forecaster(lookback=3, network=tiny).fit(waves(24), target="y")
    plain = Training(optimizer="sgd", momentum=0.0, clip_norm=None, learning_rate=0.05, epochs=2)
    one, other = (
        gw.Forecaster(3, engine=engine, training=plain, retrain=False, verbose=0).fit(
            waves(24), start=old
        )
        for engine in ("torch", "numpy")
    )
    assert one.history_.best_epoch == other.history_.best_epoch == 2
    assert one.began_ == other.began_
    for name, weight in one.weights_.items():
        np.testing.assert_allclose(other.weights_[name], weight, rtol=0, atol=1e-5)
    assert max(np.abs(one.weights_[n] - old.weights_[n]).max() for n in old.weights_) > 1e-3


def test_a_model_saved_before_there_was_a_start_can_be_gone_on_from(
    old: gw.Forecaster, tmp_path: Any
) -> None:
    artifact = to_artifact(old)
    later = {"began", "known", "scaling"}
    kept = {name: value for name, value in artifact.model.items() if name not in later}
    write_artifact(tmp_path / "old.gw", replace(artifact, model=kept))
    again = gw.load(tmp_path / "old.gw")
    assert (again.began_, again.known_, again.scaling_) == (None, old.known_, "standard")
    assert forecaster().fit(waves(), start=again).began_["epochs"] == 2


ON_TENSORFLOW = """
import sys, numpy as np, pandas as pd, gatewise as gw
from gatewise.tasks import training
folder, rows = sys.argv[1], pd.read_csv(sys.argv[2], parse_dates=["time"])
begins = []

def watched(engine, *arguments, fit=training.fit, **named):
    begins.append((engine.name, engine.get_weights(), engine.get_state()))
    return fit(engine, *arguments, **named)

training.fit = watched

def on(old, engine, **chosen):
    new = gw.Forecaster(3, engine=engine, verbose=0, retrain=False, **chosen)
    return new.fit(rows, start=old)

def agree(left, right):
    for name, value in right.items():
        np.testing.assert_allclose(np.asarray(left[name]), value, rtol=0, atol=1e-7, err_msg=name)

def note(model, of, optimizer):
    (found,) = [note for note in model.notes_ if "training goes on" in note]
    assert f"a model of {of} " in found and found.endswith(f"the optimizer {optimizer}"), found

saved = gw.load(folder)
first = on(saved, "torch", training=gw.Training(epochs=2))
note(first, "torch", "begins anew: a saved model does not hold its state")
second = on(first, "tensorflow", training=gw.Training(epochs=2))
note(second, "torch", "goes on")
third = on(second, "torch", training=gw.Training(epochs=2))
note(third, "keras", "goes on")
assert [name for name, _, _ in begins] == ["torch", "tensorflow", "torch"]
for (_, weights, state), before in zip(begins, (saved, first, second)):
    agree(weights, before.weights_)
    if before is not saved:
        assert before.history_.best_epoch and "first.head.kernel" in state, state.keys()
        agree(state, before.optimizer_states_[0])
np.testing.assert_allclose(
    on(first, "tensorflow", training=gw.Training(epochs=1, learning_rate=1e-12)).predict(rows)["y"],
    first.predict(rows)["y"], rtol=1e-5,
)
# the same epoch from the same weights and moments, on either engine; without dropout
plain = {"network": gw.Network(dropout=0.0), "training": gw.Training(epochs=1)}
one, other = (on(first, engine, **plain) for engine in ("torch", "tensorflow"))
assert one.history_.best_epoch == other.history_.best_epoch == 1
for name, weight in one.weights_.items():
    np.testing.assert_allclose(other.weights_[name], weight, rtol=0, atol=1e-5, err_msg=name)
"""


def test_a_model_of_torch_goes_on_on_tensorflow_and_back(old: gw.Forecaster, tmp_path: Any) -> None:
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed")
    old.save(tmp_path / "old.gw")
    waves().to_csv(tmp_path / "rows.csv", index=False)
    ran = subprocess.run(
        [sys.executable, "-c", ON_TENSORFLOW, tmp_path / "old.gw", tmp_path / "rows.csv"],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
