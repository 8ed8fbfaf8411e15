"""What is said of a classifier, against scikit-learn and SciPy, and where nothing was learnt."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest
from sklearn import metrics as sk

from gatewise.errors import DataError
from gatewise.judging.calibration import calibration_error, fit_temperature
from gatewise.judging.chance import agreement_test, exchange_test, sign_test
from gatewise.judging.classes import ClassEvaluation
from gatewise.judging.labels import LabelEvaluation

CLASSES = ("bad", "fair", "good")


def answers(truth, right, count=3, seed=0, sure=0.9):
    """Probabilities that are right for this share of the examples."""
    rng = np.random.default_rng(seed)
    told = np.where(rng.random(len(truth)) < right, truth, (truth + 1) % count)
    p = np.full((len(truth), count), (1 - sure) / (count - 1))
    p[np.arange(len(truth)), told] = sure
    return p


def evaluation(right, rival, n=400, count=3, **chosen):
    truth = np.random.default_rng(9).integers(0, count, n)
    fields = {
        "classes": CLASSES[:count],
        "truth": truth,
        "probabilities": {
            "network": answers(truth, right, count, 1),
            "most frequent class": np.tile(np.full(count, 1 / count), (n, 1)),
            "words": answers(truth, rival, count, 2),
        },
        "train_counts": np.array([90, 50, 60][:count]),
    }
    return ClassEvaluation(**{**fields, **chosen})


def random_case(count, n=300, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, count, n)
    p = rng.dirichlet(np.ones(count), n)
    p[np.arange(n), truth] += 0.3
    p /= p.sum(axis=1, keepdims=True)
    return evaluation(
        0,
        0,
        count=count,
        classes=tuple(f"c{i}" for i in range(count)),
        truth=truth,
        probabilities={"network": p, "even": np.full((n, count), 1 / count)},
        train_counts=np.ones(count, dtype=int),
    )


@pytest.mark.parametrize("count", [2, 3, 7])
def test_scores_are_scikit_learns(count):
    made = random_case(count)
    truth, p = made.truth, made.probabilities["network"]
    told, score = p.argmax(axis=1), made.scores()["network"]
    assert score["accuracy"] == pytest.approx(sk.accuracy_score(truth, told))
    assert score["macro-F1"] == pytest.approx(sk.f1_score(truth, told, average="macro"))
    assert score["log-loss"] == pytest.approx(sk.log_loss(truth, p))
    if count == 2:
        area = sk.roc_auc_score(truth, p[:, 1])
    else:
        area = sk.roc_auc_score(truth, p, multi_class="ovr", average="macro")
    assert score["ROC-AUC"] == pytest.approx(area)
    np.testing.assert_array_equal(made.confusion(), sk.confusion_matrix(truth, told))
    report = sk.classification_report(truth, told, output_dict=True)
    for i, name in enumerate(made.classes):
        mine = made.by_class()[name]
        assert mine["F1"] == pytest.approx(report[str(i)]["f1-score"])
        assert mine["support"] == report[str(i)]["support"]


def test_calibration_error_by_hand():
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.61, 0.61, 1.0])
    right = np.array([1, 1, 1, 0, 1, 0, 1], dtype=bool)
    # bins (14/15, 1]: 5 examples, 4 right; [9/15, 10/15): 2 examples, 1 right
    by_hand = 5 / 7 * abs(0.8 - (4 * 0.95 + 1) / 5) + 2 / 7 * abs(0.5 - 0.61)
    assert calibration_error(confidence, right) == pytest.approx(by_hand)


@pytest.mark.parametrize(
    ("right", "rival", "standing", "words"),
    [
        (0.9, 0.7, "beats", "beats every baseline on these 400 examples: accuracy 0."),
        (0.80, 0.81, "level", "level with words, the best baseline, on these 400 examples"),
        (0.6, 0.9, "loses", "LOSES to words on these 400 examples: accuracy 0."),
    ],
)
def test_the_verdict_is_that_of_the_scores(right, rival, standing, words):
    made = evaluation(right, rival)
    assert made.standing() == standing
    assert words in made.verdict()
    assert "exact McNemar test" in made.verdict()
    assert "Nothing was learnt" not in made.verdict()
    assert made.verdict() in repr(made)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.1)])
def test_random_labels_give_that_nothing_was_learnt(seed, shares):
    rng = np.random.default_rng(seed)
    truth = rng.choice(2, 500, p=shares)
    told = rng.choice(2, 500, p=shares)
    p = np.where(told[:, None] == np.arange(2), 0.97, 0.03)  # of a network that is sure
    made = evaluation(
        0,
        0,
        classes=("no", "yes"),
        truth=truth,
        probabilities={
            "network": p,
            "most frequent class": np.tile([0.6, 0.4], (500, 1)),
            "words": rng.dirichlet([1, 1], 500),
        },
        train_counts=np.array([60, 40]),
    )
    assert not made.learnt
    assert made.standing() != "beats"
    assert "Nothing was learnt: on these 500 examples the network is no better than always " in (
        made.verdict()
    )
    assert "answering 'no'" in made.verdict()
    assert "Nor did a baseline" in made.verdict()


def test_nothing_was_learnt_though_there_is_something_to_learn():
    made = evaluation(0, 0.9, remark="It rained.")
    constant = {**made.probabilities, "network": np.tile([0.2, 0.5, 0.3], (400, 1))}
    made = evaluation(0, 0.9, probabilities=constant, remark="It rained.")
    assert made.standing() == "loses"
    assert "Nothing was learnt" in made.verdict()
    assert "There is something to learn: words has accuracy 0." in made.verdict()
    assert made.verdict().endswith("It rained.")


def test_a_skewed_truth_is_ranked_by_f1_and_a_network_that_finds_the_rare_class_has_learnt():
    rng = np.random.default_rng(0)
    truth = (rng.random(1000) < 0.1).astype(int)
    score = np.clip(0.25 + 0.4 * truth + rng.normal(0, 0.15, 1000), 0.01, 0.99)
    made = evaluation(
        0,
        0,
        classes=("no", "yes"),
        truth=truth,
        probabilities={
            "network": np.stack([1 - score, score], axis=1),
            "most frequent class": np.tile([0.9, 0.1], (1000, 1)),
        },
        train_counts=np.array([900, 100]),
    )
    assert made.ranked_by == "macro-F1"
    assert made.learnt
    assert made.standing() == "beats"
    shy = {**made.probabilities, "network": np.stack([1 - score / 3, score / 3], axis=1)}
    made = ClassEvaluation(made.classes, truth, shy, made.train_counts)
    assert made.learnt  # its probabilities know more than its answers
    assert made.standing() == "level"
    assert "right no more often than always answering 'no'" in made.verdict()


def test_numbers_that_are_not_finite_lose_and_are_json():
    made = evaluation(0.9, 0.8)
    broken = {**made.probabilities, "network": np.full((400, 3), np.nan)}
    made = evaluation(0.9, 0.8, probabilities=broken)
    assert made.standing() == "loses"
    assert "not finite" in made.verdict()
    assert made.scores()["network"]["accuracy"] is None
    json.dumps(made.to_dict(), allow_nan=False)


def test_one_class_in_the_truth_has_no_roc_area():
    truth = np.zeros(5, dtype=int)
    p = {"network": np.tile([0.7, 0.3], (5, 1)), "even": np.full((5, 2), 0.5)}
    made = ClassEvaluation(("a", "b"), truth, p, np.array([3, 2]))
    assert made.scores()["network"]["ROC-AUC"] is None
    assert made.scores()["network"]["macro-F1"] == 1.0
    assert made.standing() == "level"


def test_worst_errors_are_the_most_confident_mistakes():
    truth = np.array([0, 1, 2, 0])
    p = np.array([[0.1, 0.8, 0.1], [0.0, 0.9, 0.1], [0.95, 0.03, 0.02], [0.3, 0.3, 0.4]])
    made = ClassEvaluation(CLASSES, truth, {"network": p, "even": p}, np.ones(3, dtype=int))
    first, second = made.worst_errors(2)
    assert (first.row, first.truth, first.told, first.confidence) == (2, "good", "bad", 0.95)
    assert second.row == 0
    assert len(made.worst_errors()) == 3


def test_what_does_not_fit_is_refused():
    with pytest.raises(DataError, match=r"'network' and of a baseline; received words"):
        evaluation(0, 0, probabilities={"words": np.ones((400, 3))})
    with pytest.raises(DataError, match=r"shape \(400, 3\); received network \(400, 2\)"):
        evaluation(0, 0, probabilities={"network": np.ones((400, 2)), "even": np.ones((400, 3))})
    with pytest.raises(DataError, match="holds the class 3; there are 3"):
        evaluation(0, 0, truth=np.full(400, 3))
    with pytest.raises(DataError, match="no examples"):
        evaluation(0, 0, n=0)


def label_case(n=400, signal=1.0, seed=0):
    rng = np.random.default_rng(seed)
    truth = (rng.random((n, 3)) < [0.5, 0.2, 0.1]).astype(int)
    logits = (truth - 0.5) * 2 * signal + rng.normal(size=(n, 3))
    p = 1 / (1 + np.exp(-logits))
    rivals = {"network": p, "label frequencies": np.tile([0.5, 0.2, 0.1], (n, 1))}
    return LabelEvaluation(("x", "y", "z"), truth, rivals, np.array([50, 20, 10]), 100)


def test_scores_of_several_labels_are_scikit_learns():
    made = label_case()
    truth, p = made.truth, made.probabilities["network"]
    told, score = (p >= 0.5).astype(int), made.scores()["network"]
    assert score["subset accuracy"] == pytest.approx(sk.accuracy_score(truth, told))
    assert score["micro-F1"] == pytest.approx(sk.f1_score(truth, told, average="micro"))
    assert score["macro-F1"] == pytest.approx(sk.f1_score(truth, told, average="macro"))
    assert score["ROC-AUC"] == pytest.approx(sk.roc_auc_score(truth, p, average="macro"))
    each = [sk.log_loss(truth[:, c], p[:, c]) for c in range(3)]
    assert score["log-loss"] == pytest.approx(np.mean(each))
    report = sk.classification_report(truth, told, output_dict=True, zero_division=0)
    for i, name in enumerate(made.labels):
        for mine, theirs in (("precision", "precision"), ("F1", "f1-score"), ("recall", "recall")):
            assert made.by_class()[name][mine] == pytest.approx(report[str(i)][theirs])
    json.dumps(made.to_dict(), allow_nan=False)


def test_several_labels_have_a_verdict_too():
    assert "beats label frequencies, the only baseline here" in label_case().verdict()
    blind = label_case(signal=0.0)
    assert "Nothing was learnt" in blind.verdict()
    assert "answering 'x'" in blind.verdict()
    worst = label_case().worst_errors(400)
    assert worst[0].confidence >= worst[-1].confidence >= 0.5
    assert worst[0].truth.removeprefix("not ") == worst[0].told.removeprefix("not ")
    wrong = (label_case().told() != label_case().truth).sum()
    assert len(label_case().worst_errors(10**6)) == wrong


def test_one_label_alone_is_judged():
    truth = np.array([[1], [0], [1], [0]])
    p = np.array([[0.9], [0.2], [0.4], [0.1]])
    made = LabelEvaluation(("x",), truth, {"network": p, "half": p * 0 + 0.5}, np.array([2]), 4)
    np.testing.assert_array_equal(made.confusion(), [[[2, 0], [1, 1]]])
    assert made.scores()["network"]["micro-F1"] == pytest.approx(2 / 3)


@given(st.integers(0, 60), st.integers(0, 60))
@settings(deadline=None)
def test_the_sign_test_is_scipys(wins, losses):
    count = wins + losses
    theirs = binomtest(wins, count).pvalue if count else 1.0
    assert sign_test(wins, losses) == pytest.approx(theirs)


def test_the_sign_test_of_many():
    assert sign_test(5200, 4800) == pytest.approx(binomtest(5200, 10_000).pvalue)


def test_exchanges_give_the_p_of_the_sign_test_where_both_apply():
    rng = np.random.default_rng(0)
    ours, theirs = (rng.random((300, 1)) < share for share in (0.72, 0.65))
    p = exchange_test(ours * 1.0, theirs * 1.0, lambda sums: float(sums[0]) / 300)
    wins, losses = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    assert p == pytest.approx(sign_test(wins, losses), abs=0.03)
    assert exchange_test(ours * 1.0, ours * 1.0, lambda sums: float(sums[0])) == 1.0


def test_blind_answers_are_told_from_those_that_know():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 200)
    blind = [agreement_test(truth, rng.dirichlet(np.ones(3), 200)) for _ in range(40)]
    assert sum(p < 0.01 for p in blind) <= 2
    assert min(blind) < 0.3 < 0.7 < max(blind)
    assert agreement_test(truth, np.eye(3)[truth]) < 0.005
    assert agreement_test(truth, np.tile([0.5, 0.3, 0.2], (200, 1))) == 1.0


def nats(z, y):
    if y.ndim == 2:
        return np.mean(np.logaddexp(0, z) - z * y)
    return -np.mean((z - np.log(np.exp(z).sum(axis=1, keepdims=True)))[np.arange(len(y)), y])


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_the_temperature_is_the_best_one(several, scale):
    rng = np.random.default_rng(1)
    z = rng.normal(size=(500, 4)) * 1.5
    if several:
        y = (rng.random((500, 4)) < 1 / (1 + np.exp(-z))).astype(float)
    else:
        y = (z + rng.gumbel(size=z.shape)).argmax(axis=1)
    found = fit_temperature(z * scale, y)
    theirs = minimize_scalar(lambda t: nats(z * scale / t, y), bounds=(0.05, 20), method="bounded")
    assert nats(z * scale / found, y) <= theirs.fun + 1e-6
    assert found == pytest.approx(theirs.x, rel=0.01)
    assert found == pytest.approx(scale, rel=0.25)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(2, 4), st.floats(0.01, 50))
@settings(deadline=None, max_examples=50)
def test_a_temperature_is_never_worse_than_none(seed, n, classes, scale):
    rng = np.random.default_rng(seed)
    z, y = rng.normal(size=(n, classes)) * scale, rng.integers(0, classes, n)
    found = fit_temperature(z, y)
    assert 0 < found < 21
    assert nats(z / found, y) <= nats(z, y) + 1e-12
    if (z.argmax(axis=1) == y).all():
        assert found >= 1


def test_a_temperature_of_nothing_is_refused():
    assert fit_temperature(np.ones((3, 2)), np.array([[0], [1], [1]])) > 0
    for z, y in (
        (np.zeros((0, 2)), np.zeros(0, dtype=int)),
        (np.ones((3, 2)), np.zeros(2, dtype=int)),
        (np.full((2, 2), np.inf), np.zeros(2, dtype=int)),
    ):
        with pytest.raises(DataError, match="a temperature needs"):
            fit_temperature(z, y)
