"""An export that is told to end removes its temporary folders and the processes it has begun."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ENDS = ("SIGTERM", "SIGHUP")  # Ctrl-C raises an exception by itself
KILLED = 128  # the exit code of a process that a signal ends is that much above its number


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Signals that would end the process at once raise SystemExit, so that `finally` is reached.

    Those that somebody handles or ignores are left to them; threads cannot handle any.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    known = [getattr(signal, name) for name in ENDS if hasattr(signal, name)]
    taken = [number for number in known if signal.getsignal(number) == signal.SIG_DFL]

    def end(number: int, frame: Any) -> None:
        del frame
        for one in taken:
            signal.signal(one, signal.SIG_IGN)  # a second must not end the clearing away
        raise SystemExit(KILLED + number)

    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
