"""scikit-learn's own tools run over the tasks: clone, searches, folds, pipelines, processes."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

import gatewise as gw
from gatewise import errors
from gatewise.data import toys

SHORT = gw.Training(epochs=2, learning_rate=0.01)
SMALL = gw.Network(hidden_size=4, bidirectional=False)
REVIEWS = toys.toy_reviews(60)
TEXTS, LABELS = REVIEWS["text"].tolist(), REVIEWS["label"].tolist()
NOISE = np.random.default_rng(0).normal(size=80)
SERIES = np.sin(np.arange(80) * np.pi / 6) * 10 + np.arange(80) * 0.5 + 50 + NOISE
TASKS = [gw.Classifier(), gw.Forecaster(horizon=3), gw.Tagger(), gw.Generator(), gw.Translator()]


def classifier(**given):
    return gw.Classifier(members=1, verbose=0, training=SHORT, network=SMALL, **given)


def forecaster(**given):
    given = {"training": SHORT, "network": gw.Network(hidden_size=4), "retrain": False, **given}
    return gw.Forecaster(**{"horizon": 3, "verbose": 0, "lookback": 12, **given})


@pytest.mark.parametrize("model", TASKS, ids=lambda model: type(model).__name__)
def test_a_clone_has_the_same_parameters_and_has_learnt_nothing(model):
    model.set_params(network__hidden_size=7, training__learning_rate=0.125, seed=3)
    again = clone(model)
    assert again is not model
    assert repr(again) == repr(model)
    assert again.get_params() == model.get_params()
    assert again.get_params()["network__hidden_size"] == 7
    assert not [name for name in vars(again) if name.endswith("_")]
    assert repr(pickle.loads(pickle.dumps(model))) == repr(model)
    assert repr(copy.deepcopy(model)) == repr(model)


def test_scikit_learn_knows_what_they_are():
    assert is_classifier(gw.Classifier())
    assert not is_classifier(gw.Forecaster(horizon=1))
    assert not is_regressor(gw.Forecaster(horizon=1))  # or folds would be drawn without order
    assert get_tags(gw.Classifier()).target_tags.required
    assert not get_tags(gw.Forecaster(horizon=1)).target_tags.required


def test_importing_gatewise_does_not_import_scikit_learn():
    code = "import sys, gatewise; print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.fixture(scope="module")
def fitted():
    return classifier().fit(TEXTS, LABELS)


def test_a_fitted_classifier_is_picklable_and_copied_whole(fitted):
    with pytest.raises(Exception, match="not fitted"):
        check_is_fitted(classifier())
    check_is_fitted(fitted)
    expected = fitted.predict_proba(TEXTS)
    for again in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        assert np.array_equal(again.predict_proba(TEXTS), expected)


def test_the_columns_of_probabilities_are_those_of_classes(fitted):
    told = fitted.predict_proba(TEXTS)
    assert isinstance(fitted.classes_, np.ndarray)
    assert fitted.classes_.tolist() == sorted(set(LABELS))
    assert np.array_equal(fitted.classes_[told.argmax(axis=1)], fitted.predict(TEXTS))


def test_scores_of_folds_are_those_of_models_trained_by_hand():
    folds = StratifiedKFold(3)
    found = cross_val_score(classifier(), TEXTS, LABELS, cv=folds)
    expected = []
    for train, test in folds.split(TEXTS, LABELS):
        model = classifier().fit([TEXTS[i] for i in train], [LABELS[i] for i in train])
        told = model.predict([TEXTS[i] for i in test])
        expected.append(np.mean([a == LABELS[i] for a, i in zip(told, test, strict=True)]))
    assert found.tolist() == expected


def test_scorers_of_scikit_learn_read_the_probabilities():
    numbers = [{"negative": 2, "positive": 10}[label] for label in LABELS]
    losses = cross_val_score(classifier(), TEXTS, numbers, cv=2, scoring="neg_log_loss")
    areas = cross_val_score(classifier(), TEXTS, numbers, cv=2, scoring="roc_auc")
    told = cross_val_predict(classifier(), TEXTS, numbers, cv=2, method="predict_proba")
    truth = np.array(numbers)
    for (_, test), loss, area in zip(
        StratifiedKFold(2).split(TEXTS, numbers), losses, areas, strict=True
    ):
        assert -loss == pytest.approx(log_loss(truth[test], told[test], labels=[2, 10]))
        assert area == pytest.approx(roc_auc_score(truth[test] == 10, told[test, 1]))


@pytest.mark.parametrize("network", [None, SMALL])
def test_a_grid_over_fields_of_the_network_and_its_training(network):
    model = gw.Classifier(members=1, verbose=0, network=network)
    grid = {
        "network__hidden_size": [2, 4],
        "training__learning_rate": [0.01],
        "training__epochs": [1],
    }
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(TEXTS, LABELS)
    assert len(search.cv_results_["params"]) == 2
    best = search.best_estimator_
    assert best.spec_.hidden_size == search.best_params_["network__hidden_size"]
    assert best.training_.learning_rate == 0.01
    assert set(search.predict(TEXTS)) <= set(LABELS)
    assert search.classes_.tolist() == best.classes_.tolist()
    assert model.network is network


def test_two_processes_find_what_one_finds():
    grid = {"network__hidden_size": [2, 4]}
    one, two = (
        GridSearchCV(classifier(), grid, cv=2, n_jobs=jobs).fit(TEXTS, LABELS).cv_results_
        for jobs in (1, 2)
    )
    assert one["mean_test_score"].tolist() == two["mean_test_score"].tolist()


def test_a_random_search_over_lists_of_tokens():
    toy = toys.order_sequences(40)
    space = {"training__batch_size": [4, 8, 16], "seed": [0, 1]}
    search = RandomizedSearchCV(classifier(), space, n_iter=2, cv=2, random_state=0)
    search.fit(toy.inputs, toy.labels)
    assert search.best_params_.keys() == space.keys()


def test_sequences_of_numbers_as_one_array():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 7, 2)).astype(np.float32)
    y = (x[:, :, 0].sum(axis=1) > 0).astype(int)
    scores = cross_val_score(classifier(), x, y, cv=2)
    assert scores.shape == (2,)
    assert ((scores >= 0) & (scores <= 1)).all()


def test_a_pipeline_in_front_of_a_classifier():
    lower = FunctionTransformer(lambda texts: [text.upper() for text in texts])
    chain = Pipeline([("upper", lower), ("model", classifier(lowercase=False))])
    chain.set_params(model__network__hidden_size=3)
    chain.fit(TEXTS, LABELS)
    direct = classifier(lowercase=False).set_params(network__hidden_size=3)
    direct.fit([text.upper() for text in TEXTS], LABELS)
    assert np.array_equal(
        chain.predict_proba(TEXTS), direct.predict_proba([text.upper() for text in TEXTS])
    )
    assert chain.score(TEXTS, LABELS) == direct.score([t.upper() for t in TEXTS], LABELS)
    search = GridSearchCV(chain, {"model__network__hidden_size": [2, 3]}, cv=2)
    assert search.fit(TEXTS, LABELS).best_params_["model__network__hidden_size"] in (2, 3)


def test_folds_over_a_tagger():
    toy = toys.toy_entities(30)
    model = gw.Tagger(verbose=0, training=gw.Training(epochs=1))
    assert cross_val_score(model, toy.tokens, toy.tags, cv=2).shape == (2,)


def mase_by_hand(model, history, future):
    """Each window of 3 behind the history; the scale is that of the season the model found."""
    season = model.season_
    scale = np.abs(history[season:] - history[:-season]).mean()
    everything = np.concatenate([history, future])
    errors_ = []
    for origin in range(len(history), len(everything) - 2):
        told = model.predict(everything[:origin]).to_numpy()[:, 1]
        errors_.append(np.abs(told - everything[origin : origin + 3]).mean())
    return np.mean(errors_) / scale


def test_the_score_of_a_forecaster_is_minus_the_mase_of_what_follows():
    model = forecaster().fit(SERIES[:60])
    expected = -mase_by_hand(model, SERIES[:60], SERIES[60:70])
    assert model.score(SERIES[60:70]) == pytest.approx(expected, rel=1e-6)
    assert model.score(SERIES[:70]) == pytest.approx(expected, rel=1e-6)
    scores = model.evaluate(SERIES[:70]).scores()["network"]
    assert model.score(SERIES[:70]) == pytest.approx(-scores["MASE"], rel=1e-9)


def frame_of(values, columns=("sales",)):
    when = pd.date_range("2010-01-01", periods=len(values), freq="MS")
    return pd.DataFrame({"month": when, **dict.fromkeys(columns, values)})


def test_rows_with_times_follow_by_their_times():
    frame = frame_of(SERIES)
    model = forecaster().fit(frame[:60], target="sales", time="month")
    plain = forecaster(calendar=False).fit(SERIES[:60])
    assert model.season_ == 12
    behind = model.score(frame[60:70])
    assert behind == model.score(frame[:70]) == model.score(frame[40:70])
    gap = model.score(frame[62:80])  # the first 12 are only read: 4 windows of 3
    told = model.evaluate(frame[62:80]).scores()["network"]["MASE"]
    assert gap == pytest.approx(-told)
    assert plain.score(SERIES[60:70]) < 0
    for few in (3, 4):  # too few to tell that they are months
        assert np.isfinite(model.score(frame[60 : 60 + few]))


def test_too_few_rows_to_be_judged_on_are_told():
    model = forecaster().fit(SERIES[:60])
    with pytest.raises(errors.DataError, match=r"there are 2 behind.*TimeSeriesSplit\(test_size"):
        model.score(SERIES[60:62])
    with pytest.raises(errors.DataError, match="there are 0 behind"):
        model.score(SERIES[:60])


def test_a_series_has_no_labels():
    with pytest.raises(errors.UsageError, match="a series has no labels"):
        forecaster().fit(SERIES, SERIES)


@pytest.mark.parametrize(
    "data",
    [SERIES, SERIES[:, None], np.stack([SERIES, SERIES[::-1]], axis=1), frame_of(SERIES)],
    ids=["1-D", "one column", "two columns", "frame"],
)
def test_a_grid_over_folds_in_time(data):
    given = {}
    if isinstance(data, pd.DataFrame):
        given = {"target": "sales", "time": "month"}
    elif data.ndim == 2 and data.shape[1] == 2:
        given = {"target": ["value_0", "value_1"]}
    folds = TimeSeriesSplit(n_splits=2, test_size=10)
    grid = {"network__hidden_size": [2, 4], "lookback": [6, 12]}
    search = GridSearchCV(forecaster(), grid, cv=folds, error_score="raise").fit(data, **given)
    assert len(search.cv_results_["params"]) == 4
    train, test = list(folds.split(data))[1]
    rows = data.iloc if isinstance(data, pd.DataFrame) else data
    best = search.best_index_
    again = clone(forecaster()).set_params(**search.best_params_).fit(rows[train], **given)
    assert search.cv_results_["split1_test_score"][best] == again.score(rows[test])
    assert search.best_estimator_.trained_rows_ == len(data)
    assert len(search.predict(data)) == 3


def test_a_pipeline_in_front_of_a_forecaster():
    logs = FunctionTransformer(np.log)
    chain = Pipeline([("logs", logs), ("model", forecaster())]).fit(SERIES[:60])
    direct = forecaster().fit(np.log(SERIES[:60]))
    assert chain.score(SERIES[60:70]) == direct.score(np.log(SERIES[60:70]))
    folds = TimeSeriesSplit(n_splits=2, test_size=6)
    assert cross_val_score(chain, SERIES, cv=folds).shape == (2,)


def test_a_fitted_forecaster_is_picklable():
    model = forecaster().fit(SERIES[:60])
    again = pickle.loads(pickle.dumps(model))
    assert again.score(SERIES[60:70]) == model.score(SERIES[60:70])
