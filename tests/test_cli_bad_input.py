"""What cannot be used: exit 2, one clear message, no traceback, and nothing is damaged."""

from __future__ import annotations

import pytest
from shop import (
    ROWS,
    TARGET,
    earlier_run,
    fingerprint,
    forecast,
    months,
    sales,
    write_csv,
)

from gatewise.cli import main


def with_value(value, row=20):
    values: list[object] = list(sales(ROWS))
    values[row] = value
    return {"month": months(ROWS), "sales": values}


def swapped():
    times = months(ROWS)
    times[10], times[11] = times[11], times[10]
    return {"month": times, "sales": sales(ROWS)}


def twice():
    times = months(ROWS)
    times[11] = times[10]
    return {"month": times, "sales": sales(ROWS)}


def gap():
    return {"month": months(20) + months(ROWS)[30:], "sales": sales(ROWS - 10)}


GOOD = {"month": months(ROWS), "sales": sales(ROWS)}
# what is wrong -> (columns of the file, or its text, or None; words; what stderr must say)
BAD = {
    "missing file": (None, TARGET, ["there is no file", "bad.csv"]),
    "empty file": ("", TARGET, ["bad.csv is empty"]),
    "header alone": ("month,sales\n", TARGET, ["no rows"]),
    "wrong column": (GOOD, ["--target", "sale", "--horizon", "6"], ["did you mean 'sales'?"]),
    "wrong time column": (GOOD, [*TARGET, "--time", "moth"], ["did you mean 'month'?"]),
    "wrong feature": (GOOD, [*TARGET, "--features", "price"], ["'price' is not in bad.csv"]),
    "non-numeric target": (with_value("many"), TARGET, ["'sales'", "'many'", "row 21"]),
    "unsorted times": (swapped(), TARGET, ["--sort"]),
    "duplicated times": (twice(), TARGET, ["--duplicates"]),
    "gap": (gap(), TARGET, ["--fill"]),
    "NaN": (with_value(""), TARGET, ["--fill"]),
    "infinity": (with_value("inf"), TARGET, ["inf"]),
    "constant": ({"month": months(ROWS), "sales": [5] * ROWS}, TARGET, ["constant"]),
    "too few rows": (
        {"month": months(20), "sales": sales(20)},
        [*TARGET, "--lookback", "12"],
        ["lookback", "horizon", "(20 rows, 6 of them kept for the test: --test)"],
    ),
    "fewer rows than two horizons": ({"month": months(8), "sales": sales(8)}, TARGET, ["too few"]),
    "test shorter than horizon": (GOOD, [*TARGET, "--test", "3"], ["--test 6"]),
    "horizon 0": (GOOD, ["--target", "sales", "--horizon", "0"], ["horizon should be", "not '0'"]),
    "no horizon": (GOOD, ["--target", "sales"], ["--horizon"]),
    "no number": (GOOD, [*TARGET, "--epochs", "many"], ["epochs should be", "'many'"]),
    "unknown value": (GOOD, [*TARGET, "--strategy", "drect"], ["did you mean 'direct'?"]),
    "unknown cell": (GOOD, [*TARGET, "--cell", "ltsm"], ["did you mean 'lstm'?"]),
    "unknown engine": (GOOD, [*TARGET, "--engine", "pytorch"], ["did you mean 'torch'?"]),
    "unknown device": (GOOD, [*TARGET, "--device", "gpu"], ["cuda"]),
    "unknown fill": (GOOD, [*TARGET, "--fill", "forwards"], ["did you mean 'forward'?"]),
    "unknown flag": (GOOD, [*TARGET, "--hiden-size", "8"], ["--hiden-size", "--hidden-size"]),
    "unknown key": (GOOD, [*TARGET, "--config", "bad.yaml"], ["did you mean 'epochs'?"]),
    "no config file": (GOOD, [*TARGET, "--config", "no.yaml"], ["there is no file no.yaml"]),
    "too many words": (GOOD, [*TARGET, "more.csv"], ["more.csv"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case, here, capsys, monkeypatch):
    content, words, expected = BAD[case]
    if isinstance(content, str):
        (here / "bad.csv").write_text(content, encoding="utf-8")
    elif content is not None:
        write_csv(here / "bad.csv", content)
    (here / "bad.yaml").write_text("epoch: 3\n", encoding="utf-8")
    before = earlier_run(here / "out")
    assert forecast("bad.csv", "--out", "out", *words) == 2
    captured = capsys.readouterr()
    errors = [line for line in captured.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "Traceback" not in captured.err
    assert "mistake in gatewise" not in captured.err
    for word in expected:
        assert word in captured.err
    assert fingerprint(here / "out") == before
    assert list(here.glob(".*")) == []


@pytest.mark.parametrize("verb", ["predict", "evaluate", "info"])
@pytest.mark.parametrize("what", ["missing", "empty folder", "file", "foreign folder", "damaged"])
def test_not_a_model(verb, what, trained, tmp_path, capsys):
    model = tmp_path / "model"
    if what == "file":
        model.write_text("x")
    elif what == "empty folder":
        model.mkdir()
    elif what == "foreign folder":
        earlier_run(model)
    elif what == "damaged":
        model.mkdir()
        for path in (trained / "out/model").iterdir():
            (model / path.name).write_bytes(path.read_bytes()[:-7])
    words = [verb, str(model)] + ([] if verb == "info" else [str(trained / "shop.csv")])
    assert main(words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert "model" in captured.err
    assert "Traceback" not in captured.err
