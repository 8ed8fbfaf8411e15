"""The gallery: every case is a tutorial that runs, and what a failing one comes to."""

import ast
import json
import sys
from pathlib import Path

import pytest

from gatewise.cases.case import load_case
from gatewise.cases.index import CASES
from gatewise.cli import main

FOLDER = Path(__file__).resolve().parents[1] / "src/gatewise/cases"
# what any user has: the public names, the pictures, and what every notebook imports
ALLOWED = {"__future__", "gatewise", "matplotlib", "numpy", "pandas"}
OWN = {"gatewise", "gatewise.cases", "gatewise.cases.case", "gatewise.cases.pictures"}


def source(name):
    return (FOLDER / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CASES)
def test_case_says_what_it_is_about_and_uses_public_names_alone(name):
    case = load_case(name)
    assert case.title
    assert min(map(len, (case.data, case.trap, case.right))) > 20
    for node in ast.walk(ast.parse(source(name))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module]
        for module in names:
            home = module.split(".")[0]
            assert home in ALLOWED or home in sys.stdlib_module_names, module
            assert home != "gatewise" or module in OWN, f"{module} is not public"


def test_a_case_leaves_its_result_and_picture(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["cases", "run", "sine-next", "--quick"]) == 0
    said = capsys.readouterr().out
    folder = tmp_path / "cases-out/sine-next/torch-0-quick"
    told = json.loads((folder / "result.json").read_text())
    assert told["checks"][0]["met"]
    assert told["scores"]["noise (floor)"]["MSE"] == pytest.approx(0.01)
    assert (folder / "picture.svg").read_text().startswith("<?xml")
    assert "met      within 10 % of least squares" in said


def test_a_case_that_comes_out_wrong_is_an_exit_code(tmp_path, capsys, monkeypatch):
    from gatewise.cases import sine_next
    from gatewise.cases.case import Check, Outcome

    wrong = Outcome({"network": {"MSE": 2.0}}, "nothing", [Check("small", met=False, figure="2")])
    monkeypatch.setattr(sine_next, "run", lambda ask: wrong)
    assert main(["cases", "run", "sine-next", "--out", str(tmp_path / "o")]) == 1
    assert "NOT MET  small: 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["cases"], "cases needs one of list, run"),
        (["cases", "run", "sine"], "there is no case 'sine'"),
        (["cases", "run", "sine-next", "--data", "nowhere"], "there is no such folder"),
        (["cases", "run", "sine-next", "--engine", "torhc"], "engine 'torhc' is unknown"),
        (["cases", "run", "all", "--engine", "torhc"], "engine 'torhc' is unknown"),
        (["cases", "run", "all", "sine"], "there is no case 'sine'"),
    ],
)
def test_wrong_words_get_an_answer(words, answer, capsys):
    assert main(words) == 2
    assert answer in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_found_before_anything_is_trained(
    tmp_path, capsys, monkeypatch
):
    from gatewise.cases import sine_next

    monkeypatch.setattr(sine_next, "run", lambda ask: pytest.fail("it was run"))
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "below"
    assert main(["cases", "run", "sine-next", "--out", str(out)]) == 2
    assert f"--out {out}: results cannot be written there (" in capsys.readouterr().err


def test_an_interrupt_says_how_far_it_came(tmp_path, capsys, monkeypatch):
    from gatewise.cases import running

    def cut_off(runs, out, jobs):
        yield running.Result(runs[0], {"seconds": 1.0, "checks": []})
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "run_several", cut_off)
    words = ["cases", "run", "sine-next", "sine-future", "--out", str(tmp_path)]
    assert main(words) == 130
    said = capsys.readouterr()
    assert f"interrupted: 1 of 2 runs ended; what they left is in {tmp_path}" in said.err
    assert "sine-next" in said.out


@pytest.mark.parametrize("name", CASES)
def test_the_list_fits_a_terminal(name):
    assert len(f"{name:<14}  {load_case(name).title}") <= 80


def test_a_missing_set_is_named_with_the_command_that_fetches_it(tmp_path, capsys, monkeypatch):
    for variable in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    out = str(tmp_path / "out")
    assert main(["cases", "run", "random-walk", "--data", str(tmp_path), "--out", out]) == 2
    assert "gatewise data get exchange-rate" in capsys.readouterr().err
