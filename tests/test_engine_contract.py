"""Every engine keeps the contract: torch, the tiny one in NumPy, and both on Keras."""

from __future__ import annotations

import importlib.util

import pytest
from engine_contract import GRID, SHORT, SMALL, SPECS, STEEP, checks, outcome

ON_KERAS = ("tensorflow", "jax")


@pytest.mark.parametrize("check", checks(GRID))
@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_an_engine_keeps_the_contract(engine: str, check: str) -> None:
    checks(GRID)[check](engine)


@pytest.mark.parametrize("check", checks(SHORT, STEEP))
@pytest.mark.parametrize("engine", ON_KERAS)
def test_an_engine_on_keras_keeps_the_contract(engine: str, check: str) -> None:
    needs(engine)
    if wrong := outcome("engine_contract.py", engine)[check]:
        pytest.fail(wrong)


@pytest.mark.nightly
@pytest.mark.parametrize("engine", ON_KERAS)
def test_every_network_on_keras_agrees_with_the_equations(engine: str) -> None:
    needs(engine)
    found = outcome("engine_contract.py", engine, "all")
    wrong = {check: text for check, text in found.items() if text and check != "stderr"}
    assert not wrong


@pytest.mark.parametrize("engine", ON_KERAS)
def test_an_engine_on_keras_says_nothing_on_stderr(engine: str) -> None:
    needs(engine)
    assert outcome("engine_contract.py", engine)["stderr"] == ""


def test_the_grid_is_wide() -> None:
    assert len(GRID) >= 60
    for part in ("rnn", "gru", "lstm", "-bi-", "-uni-", "-1-", "-2-"):
        assert sum(part in name for name in GRID) >= 15
    for part in ("last", "attention", "mean", "max", "linear", "segments", "tokens", "pairs"):
        assert any(part in name for name in GRID)
    for part in (
        "fed_back",
        "by_position",
        "writes",
        "steps",
        "additive",
        "multiplicative",
        "tied",
    ):
        assert any(part in name for name in GRID)
    assert set(GRID) <= set(SPECS)


def test_what_is_checked_on_keras_by_day_has_every_cell_decoder_and_pooling() -> None:
    parts = (
        "rnn",
        "gru",
        "lstm",
        "-bi-",
        "-uni-",
        "-1-",
        "-2-",
        "last",
        "attention",
        "mean",
        "max",
    )
    for part in (*parts, "tokens", "segments", "fed_back", "by_position", "writes", "steps"):
        assert any(part in name for name in SHORT)
    assert set(STEEP) <= set(SMALL)


def needs(engine: str) -> None:
    for package in ("keras", engine):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
