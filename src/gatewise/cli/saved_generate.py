"""What `gatewise predict` and `evaluate` do with a saved generator."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gatewise import outputs
from gatewise.cli import samples, show
from gatewise.cli.answers import check_not_data, tell_frame
from gatewise.cli.classify_run import labelled
from gatewise.cli.generate_run import TABLES
from gatewise.cli.verbs import ended
from gatewise.data.files import read_lines, read_text, suffix
from gatewise.errors import ArtifactError, UsageError
from gatewise.tasks.generator import Generator
from gatewise.tasks.shared import load

# flags of these two verbs that a generator takes
PREDICT = ("text", "encoding", *samples.WRITING)
EVALUATE = ("encoding",)


def loaded(path: str) -> Generator:
    """A saved generator. Raises UsageError, ArtifactError for another folder."""
    try:
        model = load(path)
    except ArtifactError as error:
        raise ArtifactError(f"{error}; or give a text file to learn from") from error
    if not isinstance(model, Generator):
        raise UsageError(
            f"{path} holds a {type(model).__name__}, which writes no text; give a model made by "
            f"'gatewise generate', or a text file to learn from"
        )
    return model


def predict(
    saved: Generator, data: str, *, out: str | None, as_json: bool, flags: Mapping[str, Any]
) -> int:
    """What follows each prompt: a line of a file, or a row of a table. The exit code: what is
    there when Ctrl-C comes is told.
    """
    prompts = _prompts(data, flags["text"], flags["encoding"])
    check_not_data(out, data)
    notes = show.open_console(sys.stderr)
    show.notes(notes, samples.remarks(saved, prompts))
    writing = {name: flags[name] for name in samples.WRITING}
    console = show.open_console()
    live = console if console.is_terminal and not as_json and out is None else None
    rows: list[tuple[int, str, int, str]] = []
    interrupted = False
    for row, prompt in enumerate(prompts, 1):
        if live is not None and len(prompts) > 1:
            show.say(live, samples.heading(row, len(prompts)), "bold")
        texts, interrupted = samples.write(saved, prompt, writing, live)
        if live is not None and len(texts) > 1:
            samples.tell(live, prompt, texts)
        rows += [(row, prompt, number, text) for number, text in enumerate(texts, 1)]
        if interrupted:
            show.notes(notes, [f"writing was interrupted at prompt {row} of {len(prompts)}"])
            break
    if live is None:
        answers = pd.DataFrame(rows, columns=["row", "prompt", "sample", "text"])
        tell_frame(answers, measured=[], out=out, as_json=as_json)
    return ended(interrupted)


def _prompts(data: str, text: Sequence[str] | None, encoding: str | None) -> list[str]:
    if text is None and suffix(data) not in TABLES:
        return read_lines(data, encoding)
    return labelled(Path(data), text, None, encoding).texts


def evaluate(saved: Generator, data: str, *, as_json: bool, flags: Mapping[str, Any]) -> None:
    """How well the text of DATA is foretold, which the model must not have learnt from."""
    text = read_text(data, flags["encoding"])
    evaluation = saved.evaluate(text)
    if as_json:
        sys.stdout.write(outputs.to_json(evaluation.to_dict()) + "\n")
    else:
        title = f"{Path(data).name}: {len(text):,} characters"
        show.score_table(show.open_console(), title, evaluation)
