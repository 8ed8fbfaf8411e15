"""The fenced blocks of a page: run from top to bottom, as one program, in an empty folder.

console  `$ command` lines, each followed by what it prints
python   run in one namespace; a `text` block behind it shows what it printed
yaml     a file, named in its first line: `# air.yaml`
sh       what only a fresh machine can run: left as it is
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gatewise.cli import main

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = "$ "
HEAD = re.compile(r"(.*) \| head -n (\d+)")  # the one pipe that commands may have


def blocks(page: str) -> list[tuple[str, str]]:
    """(language, text) of every fenced block, in order."""
    return [(language, text) for language, text in FENCE.findall(page)]


def rerun(page: str, folder: Path) -> tuple[str, dict[str, Any]]:
    """The page with every shown output made anew in `folder`, and the names that its code made."""
    names: dict[str, Any] = {}
    said = ""

    def renewed(found: re.Match[str]) -> str:
        nonlocal said
        language, text = found.groups()
        if language == "console":
            commands = [line for line in text.splitlines() if line.startswith(PROMPT)]
            text = "".join(f"{line}\n{run(line[len(PROMPT) :])}" for line in commands)
        elif language == "python":
            said = _printed(text, names)
        elif language == "text":
            text = said
        elif language == "yaml":
            (folder / text.splitlines()[0].removeprefix("# ")).write_text(text, encoding="utf-8")
        return f"```{language}\n{text}```"

    with contextlib.chdir(folder):
        return FENCE.sub(renewed, page), names


def with_blocks_of(page: str, other: str) -> str:
    """The page with the fenced blocks of the other one in the place of its own.

    Raises ValueError where one has more of them than the other.
    """
    count, wanted = len(blocks(page)), len(blocks(other))
    if count != wanted:
        raise ValueError(f"{count} blocks, but {wanted} in the other language")
    given: Iterator[re.Match[str]] = FENCE.finditer(other)
    return FENCE.sub(lambda _: next(given)[0], page)


def run(command: str) -> str:
    """What a command prints: its stdout, or, when it fails, its stderr."""
    piped = HEAD.fullmatch(command)
    words = shlex.split(piped[1] if piped else command)
    if words[0] == "make":
        words = recipe(words[1])
    if words[:2] == ["python", "-c"]:
        return _printed(words[2], {})
    if words[0] != "gatewise":
        raise ValueError(f"pages run gatewise, python -c and make, not: {command}")
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words[1:])
    lines = (err if code else out).getvalue().rstrip().splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines[: int(piped[2]) if piped else None])


def recipe(target: str) -> list[str]:
    """The words of the one command that `make target` runs, whatever folder one is in."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = re.search(rf"^{target}:.*\n\t(.*)$", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"the Makefile has no target '{target}'")
    words = shlex.split(found[1].replace("$(BIN)/", ""))
    return [str(ROOT / word) if word.startswith("src/") else word for word in words]


def _printed(code: str, names: dict[str, Any]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "page", "exec"), names)  # noqa: S102 - our own pages
    return out.getvalue()
