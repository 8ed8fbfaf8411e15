"""Texts that a generator writes: live on a terminal, whole through a pipe, and in a file."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console

from gatewise.batch import UNKNOWN
from gatewise.cli import show
from gatewise.tasks.generator import Generator
from gatewise.tasks.generator_writing import asked, write_while_let

# what Generator.generate takes besides the prompt, by the names of flags
WRITING = ("length", "temperature", "top_k", "top_p", "seed", "stop", "samples")


def beginning(prompt: str, unit: str) -> str:
    """The prompt as it stands before what follows, which begins with its own space after a word."""
    return prompt.rstrip(" ") if unit == "word" else prompt


def write(
    model: Generator, prompt: str, writing: Mapping[str, Any], live: Console | None
) -> tuple[list[str], bool]:
    """(what follows the prompt in each sample, whether Ctrl-C ended it).

    writing  values by the names in WRITING
    live     shows a single sample as it is written; None: nobody watches

    What is there when Ctrl-C comes is kept.
    """
    if live is None or writing["samples"] > 1:
        return write_while_let(model, asked(prompt, **writing))
    pieces: list[str] = []
    live.out(safe(prompt), style="bold", end="", highlight=False)
    one = {name: value for name, value in writing.items() if name != "samples"}
    interrupted = False
    try:
        for piece in model.stream(prompt, **one):
            pieces.append(piece)
            live.file.write(safe(piece))
            live.file.flush()
    except KeyboardInterrupt:
        interrupted = True
    live.file.write("\n")
    return ["".join(pieces)], interrupted


def tell(console: Console, prompt: str, texts: Sequence[str]) -> None:
    """Whole texts; several under a heading each."""
    for number, text in enumerate(texts, 1):
        if len(texts) > 1:
            show.say(console, heading(number, len(texts)), "bold")
        console.file.write(shown(console, prompt + text) + "\n")
    console.file.flush()


def shown(console: Console, text: str) -> str:
    """As it is, but for what would steer a terminal."""
    return safe(text) if console.is_terminal else text


def safe(text: str) -> str:
    """Without control characters."""
    return "".join(
        "\ufffd" if unicodedata.category(sign) == "Cc" and sign not in "\n\t" else sign
        for sign in text
    )


def as_file(prompt: str, texts: Sequence[str]) -> str:
    """One text as it is; several under a heading each."""
    if len(texts) == 1:
        return f"{prompt}{texts[0]}\n"
    count = len(texts)
    return "".join(
        f"{heading(number, count)}\n{prompt}{text}\n\n" for number, text in enumerate(texts, 1)
    )


def heading(number: int, count: int) -> str:
    """`=== 2 of 3 ===`"""
    return f"=== {number} of {count} ==="


def remarks(model: Generator, prompts: Sequence[str]) -> list[str]:
    """What must be said of prompts with signs that the text never had."""
    rows = [model.codec_.encode([prompt]).tokens[:, 0] for prompt in prompts]
    counts = [int(np.sum(ids == UNKNOWN)) for ids in rows]
    total, hold = sum(counts), sum(count > 0 for count in counts)
    if not total:
        return []
    tokens = "1 token" if total == 1 else f"{total:,} tokens"
    where = "the prompt" if len(rows) == 1 else f"{hold:,} of {len(rows):,} prompts"
    return [f"{tokens} of {where} never stood in the text that was learnt: read as unknown"]
