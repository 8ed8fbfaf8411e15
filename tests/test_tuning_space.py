"""What a study tries: default spaces, space files, what is refused, where the edges are."""

import inspect
import itertools

import numpy as np
import pytest

import gatewise as gw
from gatewise.errors import UsageError
from gatewise.spec import Network, Training
from gatewise.tasks.spaces import REFUSED, SPACES
from gatewise.tuning.space import Choice, Range, at_edge, canonical, read_space, space_of

MODELS = {
    "forecast": gw.Forecaster,
    "classify": gw.Classifier,
    "tag": gw.Tagger,
    "generate": gw.Generator,
    "translate": gw.Translator,
}
USUAL = {"lookback": 24, "sequence_length": 50, "network__hidden_size": 64}


def forecast(**given):
    return space_of("forecast", gw.Forecaster, given, USUAL)


def test_every_task_has_a_space_of_fields_that_its_model_has():
    assert set(SPACES) == set(MODELS) == set(REFUSED)
    for task, kind in MODELS.items():
        own = set(inspect.signature(kind).parameters)
        known = own | set(Network.model_fields) | set(Training.model_fields)
        assert set(SPACES[task]) <= known, task
        assert set(REFUSED[task]) <= known, task
        assert not set(SPACES[task]) & set(REFUSED[task]), task
        found = space_of(task, kind, SPACES[task], USUAL)
        for dimension in found:
            fresh = kind(horizon=1) if task == "forecast" else kind()
            fresh.set_params(**{dimension.name: dimension.points()[0]})


def test_names_are_those_of_get_params_or_of_flags():
    model = gw.Forecaster(1, network=gw.Network(hidden_size=8))
    assert canonical("forecast", gw.Forecaster, "hidden_size") == "network__hidden_size"
    assert "network__hidden_size" in model.get_params()
    assert canonical("forecast", gw.Forecaster, "network__hidden_size") == "network__hidden_size"
    assert canonical("forecast", gw.Forecaster, "lookback") == "lookback"
    assert canonical("translate", gw.Translator, "attention") == "network__attention"


def test_a_file_says_what_a_dict_says(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(
        "hidden-size: [32, 64]\n"
        "learning_rate: {low: 1e-4, high: 1e-2, log: true}\n"  # YAML reads 1e-4 as text
        "bidirectional: [yes, no]\n"
        "lookback: {times: [0.5, 1]}\n"
        "network__dropout: {low: 0, high: 0.4, step: 0.2}\n"
    )
    found = space_of("forecast", gw.Forecaster, read_space(path), USUAL)
    assert found.dimensions == (
        Choice("network__hidden_size", (32, 64)),
        Range("training__learning_rate", 1e-4, 1e-2, log=True),
        Choice("network__bidirectional", (True, False)),
        Choice("lookback", (12, 24)),
        Range("network__dropout", 0.0, 0.4, step=0.2),
    )
    assert found.size() == 2 * 3 * 2 * 2 * 3
    # and its own words say the same again
    assert space_of("forecast", gw.Forecaster, found.to_json(), USUAL) == found


def test_the_points_of_a_range():
    assert Range("training__learning_rate", 1e-4, 1e-2, log=True).points() == (1e-4, 1e-3, 1e-2)
    assert Range("network__dropout", 0.0, 0.5).points() == (0.0, 0.25, 0.5)
    assert Range("network__hidden_size", 16, 64, step=16, whole=True).points() == (16, 32, 48, 64)
    assert Range("network__num_layers", 1, 2, whole=True).points() == (1, 2)


def test_a_grid_holds_each_point_once_in_an_order_of_the_seed():
    found = forecast(hidden_size=[1, 2, 3], num_layers=[1, 2], dropout=[0.1, 0.2])
    points = [tuple(point.values()) for point in found.grid(0, 12)]
    assert sorted(points) == sorted(itertools.product([1, 2, 3], [1, 2], [0.1, 0.2]))
    assert [tuple(point.values()) for point in found.grid(0, 5)] == points[:5]
    assert [tuple(point.values()) for point in found.grid(1, 12)] != points


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"hiden_size": [1]}, "there is no setting 'hiden_size'; did you mean 'hidden_size'?"),
        ({"training__hidden_size": [1]}, "no setting 'training__hidden_size'"),
        ({"hidden_size": 32}, "hidden_size needs choices such as [1, 2]"),
        ({"hidden_size": []}, "hidden_size has no choices"),
        ({"hidden_size": [0]}, "greater than or equal to 1, not 0"),
        ({"hidden_size": ["many"]}, "hidden_size should be a valid integer, not 'many'"),
        ({"lookback": ["long"]}, "lookback should be a valid integer"),
        ({"cell": ["lstm", "gro"]}, "did you mean 'gru'?"),
        ({"cell": {"low": 1, "high": 2}}, "cell is no number; give a list of choices"),
        ({"dropout": {"low": 0.5, "high": 0.1}}, "low must be below high"),
        ({"dropout": {"low": 0.5}}, "a range needs low and high"),
        ({"dropout": {"low": 0, "high": 0.5, "log": True}}, "log needs low above 0"),
        ({"dropout": {"low": 0, "high": 0.5, "logs": True}}, "no 'logs'; did you mean 'log'?"),
        ({"hidden_size": {"low": 2, "high": 8, "step": 0.5}}, "step must be above 0, a whole"),
        ({"hidden_size": [2], "network__hidden_size": [4]}, "is given twice"),
        ({"loss": ["mse", "mae"]}, "loss cannot be tuned: it changes what the validation loss"),
        ({"seed": [1, 2]}, "the luckiest seed is no better network"),
        ({"horizon": [1, 2]}, "horizon cannot be tuned"),
        ({"strategy": ["direct"]}, "strategy cannot be tuned"),
        ({}, "space is empty"),
    ],
)
def test_a_space_that_cannot_be_is_refused_in_words(given, words):
    with pytest.raises(UsageError) as refused:
        forecast(**given)
    assert words in str(refused.value)


def test_all_problems_of_a_space_are_told_at_once():
    with pytest.raises(UsageError, match=r"'hiden'.*dropout: low must be below high"):
        forecast(hiden=[1], dropout={"low": 0.1, "high": 0.0})


@pytest.mark.parametrize(
    ("task", "name"),
    [("generate", "unit"), ("generate", "vocab_size"), ("translate", "max_length")],
)
def test_what_counts_tokens_otherwise_cannot_be_tuned(task, name):
    with pytest.raises(UsageError, match="changes what the validation loss measures"):
        space_of(task, MODELS[task], {name: [1, 2]}, USUAL)


def test_what_cuts_the_validation_text_otherwise_cannot_be_tuned():
    assert "sequence_length" not in SPACES["generate"]
    with pytest.raises(UsageError, match=r"sequence_length cannot be tuned.*same validation part"):
        space_of("generate", gw.Generator, {"sequence_length": [25, 50]}, USUAL)


def test_a_lookback_that_is_the_unit_of_the_loss_cannot_be_tuned():
    pytest.importorskip("optuna")
    from studies import forecaster, search

    scaled = forecaster(window_scaling="mean_std", lookback=None)
    with pytest.raises(UsageError, match=r"lookback cannot be tuned: .*mean_std"):
        search({"lookback": [4, 8]}, model=scaled, search="grid", trials=1)
    for model, tried in ((scaled, False), (forecaster(lookback=None), True)):
        found = search(None, model=model, search="random", trials=1)
        assert ("lookback" in {dimension.name for dimension in found.space}) == tried


def test_no_file_and_no_yaml(tmp_path):
    with pytest.raises(UsageError, match="there is no file"):
        read_space(tmp_path / "none.yaml")
    path = tmp_path / "space.yaml"
    path.write_text("- 1\n- 2\n")
    with pytest.raises(UsageError, match="must hold lines such as"):
        read_space(path)
    path.write_text("a: [1\n")
    with pytest.raises(UsageError, match="is not a YAML file"):
        read_space(path)


RATES = Range("training__learning_rate", 1e-4, 1e-2, log=True)
DROPPED = Range("network__dropout", 0.0, 0.5)
STEPPED = Range("network__hidden_size", 8, 33, step=8, whole=True)
SIZES = Choice("network__hidden_size", (32, 64, 128))


@pytest.mark.parametrize(
    ("dimension", "value", "edge"),
    [
        (RATES, 9.9e-3, "highest"),
        (RATES, 1.01e-4, "lowest"),
        (RATES, 1e-3, None),
        (DROPPED, 0.0, None),  # no dropout goes lower
        (DROPPED, 0.499, "highest"),
        (STEPPED, 32, "highest"),  # the last step before 33
        (STEPPED, 24, None),
        (Range("network__dropout", 0.1, 0.45, step=0.1), 0.4, "highest"),
        (SIZES, 32, "lowest"),
        (SIZES, 64, None),
        (SIZES, 128, "highest"),
        (Choice("network__num_layers", (1, 2, 3)), 1, None),  # no network has fewer
        (Choice("network__num_layers", (1, 2, 3)), 3, "highest"),
        (Choice("network__hidden_size", (32, 64)), 64, None),  # one of two always is an end
        (Choice("network__cell", ("lstm", "gru")), "gru", None),
        (Choice("network__bidirectional", (True, False)), True, None),
        (Choice("lookback", (1, 6, 12)), 1, None),
        (Choice("lookback", (4, 6, 12)), 4, "lowest"),
    ],
)
def test_where_a_winner_stands_at_an_edge(dimension, value, edge):
    assert at_edge(dimension, value, gw.Forecaster) == edge


def test_a_range_is_sampled_within_its_ends():
    pytest.importorskip("optuna")
    from gatewise.tuning.record import Settings
    from gatewise.tuning.sampling import Sampling, quiet

    found = forecast(
        learning_rate={"low": 1e-4, "high": 1e-2, "log": True},
        hidden_size={"low": 8, "high": 33, "step": 8},  # of which Optuna would warn
        dropout={"low": 0.0, "high": 0.35, "step": 0.1},
    )
    with quiet():
        sampling = Sampling(found, Settings(search="random"), 200, epochs=3)
        asked = [sampling.ask().params for _ in range(200)]
        assert sampling.ask() is None
    rates = np.array([params["training__learning_rate"] for params in asked])
    assert ((rates >= 1e-4) & (rates <= 1e-2)).all()
    # as likely in each decade: 200 draws, four standard deviations
    assert abs((rates < 1e-3).mean() - 0.5) < 4 * 0.5 / np.sqrt(200)
    assert {params["network__hidden_size"] for params in asked} == {8, 16, 24, 32}
    dropped = {round(params["network__dropout"], 9) for params in asked}
    assert dropped == {0.0, 0.1, 0.2, 0.3}
