"""`gatewise.tune`: the winner beside the defaults on data that no trial has seen."""

import io

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch")
pytest.importorskip("optuna")

from studies import SPACE, forecaster, search, sine
from test_cli_classify import notes_of

import gatewise as gw
from gatewise.errors import UsageError
from gatewise.evaluation import ForecastEvaluation
from gatewise.judging.classes import ClassEvaluation
from gatewise.tuning.importances import importances
from gatewise.tuning.parts import split
from gatewise.tuning.progress import audience
from gatewise.tuning.record import Settings, Study, Trial
from gatewise.tuning.space import Range, Space
from gatewise.tuning.trial import Job, Outcome, run_trial
from gatewise.tuning.tune import beside_usual
from gatewise.tuning.verdict import TunedEvaluation


@pytest.fixture(scope="module")
def result():
    """Of a forecaster with three sizes."""
    grid = {"hidden_size": [1, 4, 8]}
    model = forecaster(training=gw.Training(epochs=4, batch_size=16, learning_rate=1e-2))
    return gw.tune(model, sine(160), grid, search="grid", test=40, verbose=0)


def test_the_winner_is_the_trial_with_the_lowest_validation_loss(result):
    trials = result.trials
    assert list(trials.state) == ["complete"] * 3
    best = trials.loc[trials.value.idxmin()]
    assert result.best_params == {"network__hidden_size": best.hidden_size}
    assert result.best_model.network_.hidden_size == best.hidden_size


def test_a_trial_is_worth_what_its_fit_says_of_the_validation_part(result):
    rows = sine(160).rows(0, 120)
    for trial in result.study.trials:
        model = forecaster(training=gw.Training(epochs=4, batch_size=16, learning_rate=1e-2))
        history = model.set_params(**trial.params).fit(rows).history_
        assert trial.value == history.best_loss
        losses = [record.validation_loss for record in history.records]
        assert trial.value == min([history.start_loss, *losses])


def test_start_counts_where_training_only_made_it_worse():
    # a rate this high worsens the solved linear answer at once
    model = forecaster(network=gw.Network(shortcut=4), training=gw.Training(epochs=2))
    outcome = run_trial(Job(model, sine(), {}), {"training__learning_rate": 0.5}, lambda *_: True)
    assert outcome.best_epoch == 0
    assert outcome.value < min(outcome.losses)


def test_the_test_rows_were_seen_by_nothing(result):
    assert result.evaluation.tuned.train_rows == 120
    assert result.evaluation.tuned.origins.min() == 120
    assert result.best_model.trained_rows_ == 120
    assert result.where == "the last 40 rows"


def test_what_it_says(result):
    assert {"network", "defaults", "naive"} <= set(result.evaluation.scores())
    assert result.verdict in repr(result)
    assert "the defaults" in result.verdict


def test_report(result, tmp_path):
    result.report(tmp_path / "study.html")
    assert result.verdict[:40] in (tmp_path / "study.html").read_text(encoding="utf-8")


def test_a_model_that_was_fitted_is_left_as_it_was():
    model = forecaster().fit(sine())
    before = model.weights_["head.kernel"].copy()
    gw.tune(model, sine(), {"hidden_size": [2]}, search="grid", verbose=0)
    assert np.array_equal(model.weights_["head.kernel"], before)


def test_what_is_no_model_is_refused():
    with pytest.raises(UsageError, match="expected a gatewise model"):
        gw.tune("forecaster", sine())
    with pytest.raises(UsageError, match="resume needs the folder"):
        gw.tune(forecaster(), sine(), resume=True)
    with pytest.raises(UsageError, match="begins from random weights"):
        gw.tune(forecaster(), sine(), start="model", verbose=0)
    with pytest.raises(UsageError, match=r"an argument 'tagret'; did you mean 'target'\?"):
        gw.tune(forecaster(), sine(), tagret="sine", verbose=0)


def test_the_defaults_are_compared_by_the_network_that_a_trial_trains():
    # members of other seeds have other losses: the winner, the same network, would look worse
    texts, labels = notes_of(60)
    network, training = gw.Network(hidden_size=4), gw.Training(epochs=2)
    model = gw.Classifier(members=3, network=network, training=training, verbose=0)
    result = gw.tune(model, texts, {"hidden_size": [4]}, search="grid", labels=labels, verbose=0)
    assert result.usual_loss == result.study.best.value
    assert not [note for note in result.notes if "no trial did better" in note]


def test_copies_of_a_text_stay_on_one_side():
    texts, labels = notes_of(40)
    frame = pd.DataFrame({"note": texts * 3, "mood": labels * 3})
    fit = {"text": "note", "label": "mood"}
    parts = split(gw.Classifier(), frame, fit, None)
    learnt = set(parts.data["note"])
    assert len(parts.data["note"]) == pytest.approx(96, abs=9)
    assert {*texts} - learnt  # some are nowhere but in the test part
    assert len(learnt) < len({*texts})
    assert len(parts.data["note"]) == 3 * len(learnt)


def forecasts(mae, rivals=2.0):
    """An evaluation whose network is off by so much, and whose baseline is off by `rivals`."""
    values = np.arange(40.0)[:, None]
    origins = np.arange(30, 40)
    truth = values[origins[:, None]]
    return ForecastEvaluation(
        targets=("y",),
        values=values,
        times=None,
        origins=origins,
        forecasts={"network": truth + mae, "naive": truth + rivals},
        train_rows=30,
        season=1,
        scale=np.ones(1),
    )


def classes(right):
    """200 examples of two classes, so many of them told right; the baseline 100."""
    truth = np.arange(200) % 2

    def told(count):
        answers = np.where(np.arange(200) < count, truth, 1 - truth)
        return np.eye(2)[answers] * 0.8 + 0.1

    return ClassEvaluation(
        classes=("a", "b"),
        truth=truth,
        probabilities={"network": told(right), "frequencies": told(100)},
        train_counts=np.array([100, 100]),
    )


@pytest.mark.parametrize(
    ("tuned", "plain", "standing", "words"),
    [
        (
            forecasts(0.8),
            forecasts(1.0),
            "beats",
            "better than the defaults: MASE 0.8000 against",
        ),
        (forecasts(0.99), forecasts(1.0), "level", "within 2 %): tuning gained nothing"),
        (forecasts(1.5), forecasts(1.0), "loses", "is WORSE than the defaults"),
        (classes(180), classes(140), "beats", "accuracy 0.900 against 0.700; p < 0.001, exact"),
        (classes(151), classes(150), "level", "is level with the defaults"),
        (classes(140), classes(180), "loses", "keep the defaults"),
    ],
)
def test_the_winner_beside_the_defaults_in_words(tuned, plain, standing, words):
    found = TunedEvaluation(tuned, plain)
    assert found.against_defaults == standing
    assert words in found.verdict()
    assert found.verdict().endswith(tuned.verdict())
    assert found.scores()["defaults"] == plain.scores()["network"]


def test_a_winner_that_is_the_defaults_gained_nothing():
    found = TunedEvaluation(forecasts(1.0), forecasts(1.0), same=True)
    assert "has the settings of the defaults" in found.verdict()


def invented(count, loss):
    """A study whose losses follow from its two settings."""
    draw = np.random.default_rng(0)
    space = Space((Range("network__dropout", 0.0, 0.9), Range("training__momentum", 0.0, 0.9)))
    trials = []
    for number in range(count):
        params = {d.name: float(draw.uniform(0.0, 0.9)) for d in space}
        trials.append(Trial(number, params, Outcome("complete", loss(*params.values()), (1.0,))))
    settings = Settings(search="random", trials=count)
    return Study("forecast", gw.Forecaster, space, settings, count, trials, {}, {}, "finished", 1.0)


def test_importances_find_the_setting_that_matters():
    found = importances(invented(40, lambda dropout, momentum: 10 * dropout + 0.1 * momentum))
    assert next(iter(found)) == "dropout"
    assert found["dropout"] > 0.9
    assert sum(found.values()) == pytest.approx(1.0)
    assert importances(invented(9, lambda dropout, momentum: dropout)) == {}
    assert importances(invented(40, lambda dropout, momentum: 1.0)) == {}


def test_trials_that_do_not_come_up_to_the_defaults_are_told():
    study = invented(12, lambda dropout, momentum: 1.0 + dropout)
    best = study.best.value
    assert beside_usual(study, best + 0.01) == beside_usual(study, None) == ()
    (said,) = beside_usual(study, best - 0.01)
    assert f"no trial did better than the defaults ({best:.4g} against {best - 0.01:.4g})" in said


def test_progress_tells_each_best_and_the_end():
    stream = io.StringIO()
    search({"hidden_size": [2, 4]}, search="grid", trials=None, audience=audience(1, stream))
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("trial 1/2  ")
    assert "(best)  hidden_size " in lines[0]
    assert lines[-1].startswith("2 of 2 trials in 0:0")
    assert "; best " in lines[-1]
    assert "\r" not in stream.getvalue()


def test_optuna_says_nothing(capfd):
    search(SPACE, search="bayes", trials=2)
    told = capfd.readouterr()
    assert (told.out, told.err) == ("", "")


def test_what_is_given_and_tried_all_the_same_is_told():
    model = forecaster(network=gw.Network(shortcut=0, hidden_size=3))
    found = search({"hidden_size": [2, 4]}, search="grid", trials=None, model=model)
    assert any("hidden_size: given, and tried all the same" in note for note in found.notes)
    assert found.table()["trial"].tolist() == [1, 2]
    assert not search({"num_layers": [1, 2]}, search="grid", trials=None, model=model).notes


def test_columns_of_the_table_have_names_of_their_own():
    found = search({"epochs": [1, 2]}, search="grid", trials=None)
    assert found.table().columns.is_unique
    assert found.table()["epochs_run"].tolist() == found.table()["epochs"].tolist()
