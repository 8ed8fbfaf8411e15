"""`gatewise doctor`: what is here, missing, old or broken, and the command that mends it."""

import json
import os
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import gatewise
from gatewise import engine
from gatewise.cli import doctor as told_by
from gatewise.cli import installed, main, selftest
from gatewise.cli.installed import CORE_PACKAGES, ENGINES, EXTRAS, Part, examine

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirements(packages):
    return sorted(f"{package}>={least}" for package, least in packages.values())


def test_tables_are_those_of_the_project():
    assert requirements(CORE_PACKAGES) == sorted(PROJECT["dependencies"])
    extras = dict(PROJECT["optional-dependencies"])
    assert set(extras) - {"all", "dev"} == set(EXTRAS)
    for name, packages in EXTRAS.items():
        assert requirements(packages) == sorted(extras[name])
    assert set(ENGINES) == set(engine.ENGINES)


@pytest.fixture
def zh_alone(monkeypatch):
    """No other extra is asked: that takes its time."""
    monkeypatch.setattr(installed, "EXTRAS", {"zh": EXTRAS["zh"]})


def lines_of(capsys):
    return {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}


def test_what_works_is_told_with_its_version(zh_alone, capsys):
    assert main(["doctor"]) == 0
    said = lines_of(capsys)
    assert said["core"].startswith(f"core        works    numpy {metadata.version('numpy')}")
    assert "answers agree to " in said["core"]
    assert said["zh"] == f"zh          works    jieba {metadata.version('jieba')}"
    assert "no engine is installed" in said["no"]


def test_what_is_missing_is_told_with_the_command(zh_alone, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "jieba", None)
    assert main(["doctor", "--quick"]) == 0
    told = capsys.readouterr().out.splitlines()
    place = told.index("zh          missing")
    assert told[place + 1].strip() == "pip install 'gatewise[zh]'"


@pytest.fixture
def broken_jieba(tmp_path, monkeypatch):
    """One that is found and cannot be imported."""
    (tmp_path / "jieba").mkdir()
    (tmp_path / "jieba/__init__.py").write_text("raise ImportError('libchars.so.1 is missing')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)


def test_what_is_broken_is_an_exit_code(zh_alone, broken_jieba, capsys):
    assert main(["doctor", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["works"]
    assert told["parts"]["core"]["state"] == "works"
    assert told["parts"]["zh"]["state"] == "broken"
    assert told["parts"]["zh"]["said"] == "ImportError: libchars.so.1 is missing"
    assert told["parts"]["zh"]["command"] == "pip install --force-reinstall jieba"


def test_what_is_broken_is_named_at_the_end():
    parts = [Part("core", "works", {}), Part("zh", "broken", {}), Part("tune", "broken", {})]
    assert told_by.in_short(parts, quick=False) == "does not work: zh, tune"


def test_devices_and_threads_are_those_that_the_engines_saw():
    seen = {"device": "cuda", "threads": 4, "one_thread_below": 8192}
    told = told_by.machine_of([Part("torch", "works", {}, result=seen)], quick=False)
    assert told["cuda"] == "torch sees one"
    assert told["threads"].startswith(
        "torch 1 while batch size x hidden size is below 8,192, then 4"
    )


def test_quick_does_not_try(zh_alone, broken_jieba):
    assert examine("zh", quick=True).state == "here"


def test_what_is_too_old_is_broken(monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda name: "0.9.1rc2")
    found = examine("tune", quick=True)
    assert (found.state, found.said) == ("broken", "optuna 0.9.1rc2 is older than 4.4")
    assert found.command == "pip install --upgrade 'gatewise[tune]'"


def test_half_an_extra_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    found = examine("track", quick=True)
    assert (found.state, found.said) == ("missing", "without mlflow")


def test_it_answers_without_numpy():
    words = (
        "import sys; sys.modules['numpy'] = None\n"
        "from gatewise.cli import main; sys.exit(main(['doctor', '--quick']))"
    )
    paths = {"PYTHONPATH": str(Path(gatewise.__file__).parents[1])}
    ran = subprocess.run(
        [sys.executable, "-c", words],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **paths},
    )
    assert ran.returncode == 1, ran.stderr
    assert "core        broken" in ran.stdout
    assert "without numpy" in ran.stdout
    assert "pip install gatewise" in ran.stdout


@pytest.mark.parametrize(
    "name", ["torch", "tensorflow", pytest.param("jax", marks=pytest.mark.nightly)]
)
def test_each_engine_is_tried_in_its_own_process(name, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")  # somebody else's; the self-test must not mind
    found = examine(name)
    assert found.state == "works", found.said
    assert found.result["difference"] < selftest.CLOSE
    assert found.result["device"] in ("cpu", "cuda")


def test_an_engine_that_learns_nothing_or_answers_otherwise_is_found(monkeypatch):
    monkeypatch.setattr(selftest, "RATE", 1e-9)
    with pytest.raises(gatewise.RunError, match="not learnt"):
        selftest.examine("torch")
    monkeypatch.setattr(selftest.reference, "forward", lambda *given: _Wrong())
    with pytest.raises(gatewise.RunError, match="answers otherwise"):
        selftest.examine("core")


class _Wrong:
    output = 7.0


def test_the_machine_is_described(zh_alone, capsys, monkeypatch, tmp_path):
    quota = tmp_path / "cpu.max"
    quota.write_text("150000 100000\n")
    monkeypatch.setattr(told_by, "QUOTA", quota)
    monkeypatch.setenv("GATEWISE_DATA", str(tmp_path / "kept"))
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert main(["doctor", "--quick"]) == 0
    said = lines_of(capsys)
    assert said["cores"].endswith("usable; the container's share is 1.5")
    assert "OMP_NUM_THREADS=3" in said["variables"]
    assert f"{tmp_path / 'kept'} (0 of " in said["data"]


def test_a_process_that_a_signal_ended_is_told_by_it() -> None:
    words = "os, sys; sys.stderr.buffer.write(b'a warning \\xff\\n'); os.kill(os.getpid(), 9)"
    assert installed._tried("parquet", [words]) == ({}, "its process was ended by signal 9")
