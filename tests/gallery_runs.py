"""Running cases of the gallery in tests: the quick form, every check met."""

import pytest

from gatewise.cases.running import Run, run_case

NIGHTLY = pytest.mark.nightly
SECONDS = {  # at night: each trains for five seconds and more
    "sine-future",
    "multi-sine",
    "multi-step",
    "weather",
    "reverse",
    "translate-toy",
    "spelling",
    "vanishing",
    "architectures",
    "regularise",
    "tune",
}


def runs(names):
    """(case, engine) of each: on torch every time where it is quick, else and on tensorflow at
    night.
    """
    return [
        pytest.param(name, engine, marks=NIGHTLY if engine != "torch" or name in SECONDS else ())
        for name in names
        for engine in ("torch", "tensorflow")
    ]


def comes_out_right(name, engine, folder):
    """Run a case as the gallery shows it first."""
    result = run_case(Run(name, engine, seed=0, quick=True), folder)
    missed = [check for check in result.told["checks"] if not check["met"]]
    assert not missed
    assert (folder / result.run.folder / "picture.svg").exists()
    assert len(result.told["scores"]) > 1, "a score stands beside its baselines"
