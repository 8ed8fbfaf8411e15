"""Output that never costs a run: a reader that leaves (`| head`) is no error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any

from gatewise.engines import processes


class Lasting:
    """A text stream that swallows what is written once its reader has left."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            self._stream.write(text)
        except BrokenPipeError:
            self._drain()
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._drain()

    def _drain(self) -> None:
        """Lead the descriptor nowhere: what is still buffered is flushed into it without error."""
        with suppress(OSError):  # a stream without a descriptor has nothing to lead
            nowhere = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(nowhere, self._stream.fileno())
            finally:
                os.close(nowhere)


@contextmanager
def lasting() -> Iterator[None]:
    """stdout and stderr that take every text: closed ones and those without a reader swallow it,
    those without Unicode show ?.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for good
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    out, err = Lasting(sys.stdout), Lasting(sys.stderr)
    with redirect_stdout(out), redirect_stderr(err):
        try:
            yield
        finally:
            for stream in (out, err):  # or Python meets the missing reader when it ends
                with suppress(OSError):
                    stream.flush()


@contextmanager
def first_alone() -> Iterator[None]:
    """Of several processes that train together the first one speaks: all of them would say the
    same. What ends another one alone, PyTorch's `torchrun` tells.
    """
    if not processes.rank():
        yield
        return
    with (
        open(os.devnull, "w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        yield
