"""Help of every verb: it has examples, and reads well on a terminal of 80 columns."""

import importlib
import inspect
import re
import shlex
from collections.abc import Mapping

import pytest

from gatewise.cli import VERBS, main

WIDE = 80


def verbs():
    """(words, function) of each verb, and of those behind it; a group has no function."""
    for name, (module, _) in VERBS.items():
        verb = getattr(importlib.import_module(module), name)
        if isinstance(verb, Mapping):
            yield (name,), None
            yield from (((name, inner), function) for inner, function in verb.items())
        else:
            yield (name,), verb


EVERY = dict(verbs())


@pytest.fixture
def shown(capsys, monkeypatch):
    """What a terminal of 80 columns shows."""
    monkeypatch.setenv("COLUMNS", str(WIDE))

    def helped(*words):
        assert main([*words, "--help"]) == 0
        return capsys.readouterr().out

    return helped


@pytest.mark.parametrize("words", [(), *EVERY], ids=" ".join)
def test_help_has_examples_that_are_not_wrapped(words, shown):
    told = shown(*words)
    lines = told.splitlines()
    assert max(map(len, lines)) <= WIDE
    start = next(i for i, line in enumerate(lines) if line.strip() in ("Example:", "Examples:"))
    block = " ".join(line.strip() for line in lines[start + 1 :]).split("╭")[0]
    commands = [part for part in re.split(r"(?=gatewise )", block.replace("\\ ", "")) if part]
    assert commands
    for command in commands:
        name, verb, *_ = shlex.split(command)
        assert name == "gatewise"
        assert verb in (*VERBS, "VERB"), command
    if len(words) == 1 and EVERY[words] is None:
        assert all(shlex.split(command)[1] == words[0] for command in commands)


@pytest.mark.parametrize("words", [w for w, f in EVERY.items() if f], ids=" ".join)
def test_paragraphs_and_examples_fit_a_line(words):
    _, *paragraphs = inspect.getdoc(EVERY[words]).split("\n\n")  # help keeps their line ends
    for line in "\n".join(paragraphs).splitlines():
        assert len(line) <= WIDE - 2, line


def test_flags_that_take_nothing_show_no_kind(shown):
    told = shown("predict")
    assert "bool" not in told
    assert re.search(r"--out +FILE", told)


def test_verbs_behind_a_verb_say_what_they_do(shown):
    assert re.search(r"get +Fetch real sets", shown("data"))
    assert re.search(r"tag +For gatewise tag\.", shown("tune"))
