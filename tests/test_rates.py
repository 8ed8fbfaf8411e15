"""The range test: what it suggests, that it leaves all as it was, and `learning_rate="auto"`."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from engine_contract import engine_of
from networks import spec_of

import gatewise as gw
from gatewise.batch import Batch, Examples
from gatewise.cli import main
from gatewise.tasks.rate_finding import STEPS, find_rate, suggest

RATES = np.geomspace(1e-6, 1.0, 100)
NOISE = np.random.default_rng(0).normal(0, 0.02, 100)
SPEC = spec_of(kind="many_to_one", hidden_size=4, input_size=1, output_size=1, horizon=1)
TEXTS = ["good film", "bad film", "nice one", "awful one"] * 15
LABELS = ["p", "n"] * 30
TOKENS = [["a", "b", "a"], ["b", "c"], ["c", "a", "b", "a"]] * 10
TINY = gw.Network(hidden_size=4)
SOON = gw.Training(learning_rate="auto", epochs=2)


def series(rows: int = 120) -> pd.DataFrame:
    steps = np.arange(rows)
    return pd.DataFrame({"y": np.sin(steps / 3) + np.random.default_rng(0).normal(0, 0.1, rows)})


def echo(rows: int = 64) -> Examples:
    """The answer is the last value that is read."""
    x = np.random.default_rng(1).normal(size=(rows, 5, 1)).astype(np.float32)
    return Examples(Batch(x=x, y=np.ascontiguousarray(x[:, -1:])))


def test_a_curve_with_one_fall_gives_a_rate_late_in_the_fall():
    """A logistic fall around 1e-3, as wide as a decade; three quarters of it lie behind at
    ln 3 times the width behind its middle."""
    depth = np.log(RATES / 1e-3)
    found = suggest(RATES, 1.0 - 0.8 / (1 + np.exp(-depth)) + NOISE)
    assert found.fell
    assert found.suggestion == pytest.approx(3e-3, rel=0.35)


def test_what_rises_again_does_not_draw_the_rate_upwards():
    losses = 1.0 - 0.8 / (1 + np.exp(-np.log(RATES / 1e-3))) + NOISE
    losses[80:] += np.linspace(0, 2.5, 20)
    assert suggest(RATES[:95], losses[:95], exploded=True).suggestion < RATES[70]


@pytest.mark.parametrize("losses", [1.0 + NOISE, 1.0 + NOISE + np.linspace(0, 1, 100)])
def test_where_nothing_falls_a_usual_rate_is_taken_and_told(losses):
    found = suggest(RATES, losses)
    assert not found.fell
    assert found.suggestion == 0.003
    assert "at none did the loss fall" in found.in_words


def test_what_explodes_at_once_gives_a_small_rate():
    found = suggest(RATES[:2], np.array([1.0, 5.0]), exploded=True)
    assert found.suggestion <= RATES[2]
    found = suggest(RATES[:40], 1.0 + NOISE[:40], exploded=True)
    assert found.suggestion < RATES[39] / 5


def test_the_engine_is_left_as_it_was_and_the_seed_decides():
    training = gw.Training(batch_size=16)
    engine = engine_of("torch", SPEC, batch_size=16, weight_averaging=0.9)
    before, state = engine.get_weights(), engine.get_state()
    one = find_rate(engine, echo(), training, seed=0)
    for name, value in engine.get_weights().items():
        np.testing.assert_array_equal(value, before[name])
    assert {name: value.tolist() for name, value in engine.get_state().items()} == {
        name: value.tolist() for name, value in state.items()
    }
    two = find_rate(engine, echo(), training, seed=0)
    np.testing.assert_array_equal(one.losses, two.losses)
    other = find_rate(engine, echo(), training, seed=1)
    assert not np.array_equal(one.losses[:10], other.losses[:10])
    assert len(one.rates) == len(one.losses) == len(one.smoothed) <= STEPS


def test_it_stops_when_the_loss_explodes():
    """Plain gradient descent without clipping: steps beyond the curvature grow."""
    chosen = {"optimizer": "sgd", "momentum": 0.0, "clip_norm": None, "batch_size": 16}
    source = echo()
    source = Examples(Batch(x=source.batch.x, y=30 * source.batch.y))
    found = find_rate(engine_of("torch", SPEC, **chosen), source, gw.Training(**chosen), seed=0)
    assert found.exploded
    assert found.suggestion < found.rates[-1] < 1.0


def test_the_rate_that_is_found_teaches_as_well_as_the_best_of_a_grid():
    """The same on nine problems is bench/rates.py."""
    network = gw.Network(hidden_size=8, shortcut=0)
    ended = {}
    for rate in ("auto", 1e-4, 1e-3, 1e-2, 1e-1):
        training = gw.Training(learning_rate=rate, epochs=8, batch_size=16, patience=None)
        model = gw.Forecaster(2, retrain=False, verbose=0, network=network, training=training)
        history = model.fit(series(300), target="y").history_
        ended[rate] = min(record.validation_loss for record in history.records)
    assert ended["auto"] <= 1.2 * min(ended.values())


FITS = {
    "forecaster": lambda **chosen: gw.Forecaster(2, **chosen).fit(series(), target="y"),
    "classifier": lambda **chosen: gw.Classifier(members=2, **chosen).fit(TEXTS, LABELS),
    "tagger": lambda **chosen: gw.Tagger(**chosen).fit(TOKENS, TOKENS),
    "generator": lambda **chosen: gw.Generator(**chosen).fit(" ".join(TEXTS * 3)),
    "translator": lambda **chosen: gw.Translator(**chosen).fit(TOKENS, TOKENS),
}


@pytest.mark.parametrize("task", FITS)
def test_every_task_finds_its_rate_tells_and_saves_it(task, tmp_path):
    model = FITS[task](network=TINY, training=SOON, verbose=0)
    rate = model.training_.learning_rate
    assert isinstance(rate, float)
    assert rate == model.rates_.suggestion
    assert model.training.learning_rate == "auto"  # what was asked for stays
    assert sum(note.startswith(f"learning_rate {rate:g}") for note in model.notes_) == 1
    first = model.history_.records[0].learning_rate  # the schedule may have begun to lower it
    assert 0.5 * rate < first <= rate * (1 + 1e-9)
    assert f"learning rate {rate:g}" in model.summary()["Training"]["optimizer"]
    model.save(tmp_path / "model")
    again = gw.load(tmp_path / "model")
    assert again.training_ == model.training_
    assert again.rates_ is None
    assert again.training.learning_rate == "auto"


def test_a_rate_that_is_given_is_not_sought():
    model = FITS["tagger"](network=TINY, training=gw.Training(epochs=1), verbose=0)
    assert model.rates_ is None
    assert not any("learning_rate" in note for note in model.notes_)


def test_finding_trains_nothing_and_agrees_with_auto(tmp_path):
    model = gw.Forecaster(2, verbose=0, network=TINY)
    found = gw.find_learning_rate(model, series(), target="y")
    assert not hasattr(model, "weights_")
    assert model.training is None
    fitted = FITS["forecaster"](network=TINY, training=SOON, verbose=0)
    assert fitted.rates_.suggestion == found.suggestion
    np.testing.assert_array_equal(fitted.rates_.losses, found.losses)
    for name, start in (("a.svg", b"<?xml"), ("a.png", b"\x89PNG")):
        found.plot(tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(start)
    json.dumps(found.to_dict())
    with pytest.raises(gw.UsageError, match=r"\.svg, \.png, \.pdf, not a\.jpg"):
        found.plot("a.jpg")
    with pytest.raises(gw.UsageError, match="not a list"):
        gw.find_learning_rate([], series())


def test_training_goes_on_from_a_model_at_a_rate_found_anew():
    first = FITS["tagger"](network=TINY, training=gw.Training(epochs=1), verbose=0)
    model = gw.Tagger(training=SOON, verbose=0).fit(TOKENS, TOKENS, start=first)
    assert model.training_.learning_rate == model.rates_.suggestion
    steady = gw.Tagger(training=gw.Training(epochs=1), verbose=0).fit(TOKENS, TOKENS, start=model)
    assert steady.training_.learning_rate == model.training_.learning_rate


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("atuo", "above 0, or auto, not 'atuo'; did you mean 'auto'?"),
        (0, "above 0, or auto, not 0"),
        ("nan", "not 'nan'"),
        (None, "not None"),
    ],
)
def test_what_is_no_rate_is_refused_in_one_sentence(value, words):
    with pytest.raises(gw.SpecError) as refused:
        gw.Training(learning_rate=value)
    assert str(refused.value).count("learning_rate") == 1
    assert words in str(refused.value)


def test_a_rate_that_is_still_to_be_found_is_no_number():
    assert gw.Training(learning_rate="0.5").rate == 0.5
    with pytest.raises(gw.SpecError, match="give a number"):
        _ = gw.Training(learning_rate="auto").rate


def test_the_command_line_draws_the_curve_and_says_how_to_train(here, capsys):
    words = ["forecast", "shop.csv", "--target", "sales", "--horizon", "6", "--hidden-size", "4"]
    assert main(["rates", *words, "--shortcut", "0"]) == 0
    told = capsys.readouterr().out
    assert "learning_rate 0.0" in told
    assert "gatewise forecast shop.csv --target sales --horizon 6" in told
    assert (here / "shop-rates.png").read_bytes().startswith(b"\x89PNG")
    assert not (here / "shop-forecast").exists()
    assert main(["rates", *words, "--json", "--quiet", "--plot", "curve.svg"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["train"].endswith(f"--learning-rate {found['suggestion']:g}")
    assert found["plot"] == "curve.svg"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "rates needs one of"),
        (["forcast", "shop.csv"], "did you mean 'forecast'?"),
        (["forecast", "shop.csv", "--out", "x"], "--out"),
        (["forecast", "shop.csv", "--horizon", "2", "--plot", "x.gif"], "x.gif"),
        (["forecast", "shop.csv", "--horizon", "2", "--learning-rat", "1"], "No such option"),
        (["forecast", "gone.csv", "--horizon", "2"], "gone.csv"),
    ],
)
def test_typical_mistakes_exit_with_2(here, capsys, words, told):
    assert main(["rates", *words]) == 2
    assert told in capsys.readouterr().err


def test_one_run_with_auto_leaves_the_number_everywhere(here, capsys):
    words = ["forecast", "shop.csv", "--target", "sales", "--horizon", "6", "--hidden-size", "4"]
    assert main([*words, "--epochs", "1", "--learning-rate", "auto", "--out", "out"]) == 0
    assert "note: learning_rate 0.0" in capsys.readouterr().out
    settings = json.loads((here / "out" / "metrics.json").read_text())["settings"]
    rate = settings["training"]["learning_rate"]
    assert isinstance(rate, float)
    assert f"{rate:g}" in (here / "out" / "report.html").read_text()
    log = (here / "out" / "run.jsonl").read_text().splitlines()
    assert json.loads(log[0])["learning_rate"] == rate


def test_the_truth_is_read_as_often_while_finding_as_while_training():
    pairs = [("a b c d"[: 2 * n - 1], "d c b a"[: 2 * n - 1]) for n in (1, 2, 3, 4)] * 10
    chosen = {"teacher_forcing_schedule": "inverse_sigmoid", "epochs": 20, "batch_size": 8}
    model = gw.Translator(verbose=0, network=TINY, training=gw.Training(**chosen))
    found = gw.find_learning_rate(model, pairs)
    more = {"learning_rate": "auto", "examples_per_epoch": 8, "patience": 1}
    fitted = model.set_params(training=gw.Training(**chosen, **more)).fit(pairs)
    np.testing.assert_array_equal(fitted.rates_.losses, found.losses)
