"""Where words go: a terminal, or a pipe that gets them plain. It needs no numbers to be there."""

from __future__ import annotations

import sys
from typing import TextIO

from rich.console import Console
from rich.text import Text

PLAIN_WIDTH = 10_000  # text through a pipe is never wrapped


def open_console(stream: TextIO | None = None) -> Console:
    """Writes to `stream` (default: stdout) as it is: no markup, no colours guessed from words."""
    stream = sys.stdout if stream is None else stream
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(
            file=stream, highlight=False, markup=False, emoji=False, width=PLAIN_WIDTH
        )
    return console


def say(console: Console, text: str, style: str = "") -> None:
    """One paragraph; a terminal wraps it, a pipe gets it as one line."""
    console.print(Text(text, style=style))
    console.file.flush()
