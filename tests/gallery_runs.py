"""Running cases of the gallery in tests: the quick form, every check met."""

import pytest

from gatewise.cases.running import Run, run_case

NIGHTLY = pytest.mark.nightly  # the other engine: minutes
ENGINES = ("torch", pytest.param("tensorflow", marks=NIGHTLY))


def comes_out_right(name, engine, folder):
    """Run a case as the gallery shows it first."""
    result = run_case(Run(name, engine, seed=0, quick=True), folder)
    missed = [check for check in result.told["checks"] if not check["met"]]
    assert not missed
    assert (folder / result.run.folder / "picture.svg").exists()
    assert len(result.told["scores"]) > 1, "a score stands beside its baselines"
