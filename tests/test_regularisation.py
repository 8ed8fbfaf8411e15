"""Dropout of every kind, weight decay and smoothed labels: the same on every engine."""

from __future__ import annotations

from typing import Any

import pytest
import regularised
from engine_contract import outcome
from regularised import CHECKS, SHORT
from test_engine_contract import ON_KERAS, needs

import gatewise as gw
from gatewise.errors import SpecError, UsageError
from gatewise.spec import Network, NetworkSpec
from gatewise.tasks.facts import network_facts, training_facts

# JAX compiles each shape: at night
QUICKER = ("tensorflow", pytest.param("jax", marks=pytest.mark.nightly))


@pytest.mark.parametrize("check", CHECKS)
def test_torch_regularises_as_the_equations_say(check: str) -> None:
    CHECKS[check]("torch")


@pytest.mark.parametrize("check", SHORT)
@pytest.mark.parametrize("engine", QUICKER)
def test_an_engine_on_keras_regularises_as_the_equations_say(engine: str, check: str) -> None:
    needs(engine)
    if wrong := outcome("regularised.py", engine)[check]:
        pytest.fail(wrong)


@pytest.mark.nightly
@pytest.mark.parametrize("engine", ON_KERAS)
def test_all_of_it_on_keras(engine: str) -> None:
    needs(engine)
    found = outcome("regularised.py", engine, "all")
    assert not {check: text for check, text in found.items() if text and check != "stderr"}


@pytest.mark.parametrize(
    ("name", "other"), [("KEPT", 1.0), ("lowered", lambda case, weights, batch: 0.0)]
)
def test_the_equations_can_fail(monkeypatch: pytest.MonkeyPatch, name: str, other: Any) -> None:
    monkeypatch.setattr(regularised, name, other)
    with pytest.raises(AssertionError):
        CHECKS["equations of weight-drop, an LSTM both ways"]("torch")


def test_variational_dropout_without_dropout_is_refused() -> None:
    for chosen in ({}, {"dropout": 0.5}):  # of one layer, the head reads what has no steps
        with pytest.raises(SpecError, match=r"give input_dropout, or dropout and more layers"):
            NetworkSpec(kind="many_to_one", output_size=1, variational_dropout=True, **chosen)
    NetworkSpec(
        kind="many_to_one", output_size=1, num_layers=2, dropout=0.5, variational_dropout=True
    )


def test_embedding_dropout_without_tokens_is_refused() -> None:
    with pytest.raises(SpecError, match="embedding_dropout needs tokens"):
        NetworkSpec(kind="many_to_one", output_size=1, embedding_dropout=0.1)
    numbers = [[[0.0], [1.0]], [[1.0], [0.0]]] * 4
    model = gw.Classifier(network=Network(embedding_dropout=0.1), verbose=0)
    with pytest.raises(UsageError, match="classifier of numbers has no embedding_dropout"):
        model.fit(numbers, ["a", "b"] * 4)


def test_models_saved_before_are_read() -> None:
    new = {"recurrent_dropout", "variational_dropout", "embedding_dropout", "l2"}
    for known in (
        NetworkSpec(kind="many_to_one", output_size=1, dropout=0.5),
        Network(dropout=0.5),
        gw.Training(weight_decay=0.1),
    ):
        assert type(known)(**known.model_dump(exclude=new)) == known


def test_what_is_dropped_may_change_when_training_goes_on_and_is_told() -> None:
    texts = ["a b c", "b c a", "c c b", "a a a"] * 6
    small = Network(hidden_size=4, embedding_size=4, num_layers=2)
    training = gw.Training(epochs=1, l2=1e-4)
    old = gw.Tagger(network=small, training=training, verbose=0)
    sentences = [text.split() for text in texts]
    old.fit(sentences, sentences)
    chosen = {"recurrent_dropout": 0.2, "embedding_dropout": 0.1, "variational_dropout": True}
    new = gw.Tagger(network=Network(**chosen), verbose=0)
    new.fit(sentences, sentences, start=old)
    assert new.spec_ == old.spec_.replace(**chosen)
    told = network_facts(new)
    assert told["recurrent_dropout"] == 0.2
    assert told["variational_dropout"] == "yes"
    assert training_facts(new)["l2"] == 1e-4
