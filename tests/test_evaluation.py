"""What is said of a network beside its baselines."""

from __future__ import annotations

import numpy as np
import pytest

from gatewise.baselines import baseline_forecasts
from gatewise.data import datasets
from gatewise.evaluation import ForecastEvaluation
from gatewise.metrics import mase_scale


def evaluation(error: float, baseline: float = 1.0, **chosen: object) -> ForecastEvaluation:
    """A network and one baseline that are off by so much everywhere."""
    values = np.arange(30.0)[:, None] ** 1.2
    origins = np.arange(20, 26)
    truth = values[origins[:, None] + np.arange(4)]
    fields = {
        "targets": ("y",),
        "values": values,
        "times": None,
        "origins": origins,
        "forecasts": {"network": truth + error, "naive": truth + baseline, "drift": truth + 9},
        "train_rows": 20,
        "season": 1,
        "scale": np.ones(1),
    }
    return ForecastEvaluation(**{**fields, **chosen})


@pytest.mark.parametrize(
    ("error", "standing", "words"),
    [
        (0.5, "beats", "beats every baseline on these 6 windows: 50.0 % less error than naive"),
        (0.99, "level", "level with naive, the best baseline, on these 6 windows (is ahead by 1.0"),
        (1.01, "level", "(loses to it by 1.0 %): it adds next to nothing over it"),
        (2.0, "loses", "LOSES to naive on these 6 windows (best: naive, with 50.0 % less error)"),
        (10.0, "loses", "LOSES to naive and drift"),
        (np.nan, "loses", "LOSES: its forecasts on these 6 windows are not finite numbers"),
    ],
)
def test_the_verdict_is_that_of_the_scores(error: float, standing: str, words: str) -> None:
    made = evaluation(error)
    assert made.standing() == standing
    assert words in made.verdict()


def test_a_baseline_without_error_cannot_be_beaten() -> None:
    assert evaluation(0.1, baseline=0.0).standing() == "loses"
    assert evaluation(0.0, baseline=0.0).standing() == "level"


def test_a_remark_is_part_of_the_verdict() -> None:
    assert (
        evaluation(0.5, remark="But it rained.").verdict().endswith("best of them. But it rained.")
    )


def test_scores_by_hand_and_by_step() -> None:
    made = evaluation(2.0, scale=np.array([4.0]))
    assert made.scores()["network"]["MAE"] == pytest.approx(2.0)
    assert made.scores()["network"]["MASE"] == pytest.approx(0.5)
    np.testing.assert_allclose(made.by_step()["drift"], 9.0)
    assert made.to_dict()["scores"]["naive"]["RMSE"] == pytest.approx(1.0)


def test_units_do_not_mix_over_several_targets() -> None:
    one = evaluation(2.0)
    both = {name: np.concatenate([told, told * 1000], 2) for name, told in one.forecasts.items()}
    values = np.concatenate([one.values, one.values * 1000], 1)
    made = evaluation(
        2.0, targets=("a", "b"), values=values, forecasts=both, scale=np.array([1.0, 1000.0])
    )
    assert np.isnan(made.scores()["network"]["MAE"])
    assert made.scores()["network"]["MASE"] == pytest.approx(2.0)
    assert made.scores("b")["network"]["MAE"] == pytest.approx(2000.0)


def test_a_target_that_repeats_itself_has_no_say_in_the_mean() -> None:
    one = evaluation(2.0)
    both = {name: np.concatenate([told, told], 2) for name, told in one.forecasts.items()}
    made = evaluation(
        2.0,
        targets=("a", "b"),
        values=np.concatenate([one.values, one.values], 1),
        forecasts=both,
        scale=np.array([0.0, 4.0]),
    )
    assert made.scores()["network"]["MASE"] == pytest.approx(0.5)
    np.testing.assert_allclose(made.by_step()["network"], 0.5)
    steps = np.arange(400.0)[:, None]
    assert mase_scale(np.sin(2 * np.pi * steps / 4 + 0.3), 4)[0] == 0.0


def test_a_network_of_logarithms_stands_beside_a_linear_model_of_logarithms() -> None:
    values = datasets.airline_passengers()[["passengers"]].to_numpy(float)
    origins = np.arange(120, 133)
    arguments = {"horizon": 12, "lookback": 24, "season": 12, "train_rows": 120}
    told = baseline_forecasts(values, origins, floors=np.ones(1), **arguments)
    by_hand = baseline_forecasts(np.log(values), origins, **arguments)["linear"]
    np.testing.assert_allclose(told["linear of logs"], np.exp(by_hand))
    assert "linear of logs" not in baseline_forecasts(values, origins, **arguments)
