"""Fixtures for the tests of the command line."""

from __future__ import annotations

import pytest


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to be in, with a good file `shop.csv`."""
    from shop import open_shop

    monkeypatch.chdir(tmp_path)
    open_shop(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with shop.csv and the results of one small run over it."""
    from shop import SMALL, TARGET, forecast, open_shop

    folder = tmp_path_factory.mktemp("trained")
    data = str(open_shop(folder))
    assert forecast(data, *TARGET, "--quiet", *SMALL, "--out", str(folder / "out")) == 0
    return folder
