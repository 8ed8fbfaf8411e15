"""A process that trains one trial after the other, on one thread; its parent holds the study.

Both sides speak through the process's standard input and output, each message behind its length:

    parent -> worker   the job, once; then (number, params, deadline), or an answer: go on?
    worker -> parent   ("ready",)  ("epoch", epoch, loss)  ("done", outcome)  ("left",)
                       ("broken", error) where the job cannot be read

A process of its own, rather than multiprocessing's: that would run the caller's script again.
"""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.reduction import ForkingPickler
from typing import Any, BinaryIO, final

from gatewise.engines import processes
from gatewise.tuning.trial import Job, LeftError, run_trial

ONE_THREAD = {
    **dict.fromkeys(
        (
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "MKL_NUM_THREADS",
            "VECLIB_MAXIMUM_THREADS",
            "TF_NUM_INTRAOP_THREADS",
            "TF_NUM_INTEROP_THREADS",
        ),
        "1",
    ),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
# Ctrl-C on a terminal goes to every process of the group: these are ended by their parent instead
OWN_GROUP: dict[str, Any] = {"process_group": 0} if os.name == "posix" else {}
TORCHRUN = (*processes.NAMES, "LOCAL_RANK")
SIZE = struct.Struct("<Q")  # of a message, in front of it
START = "import sys; sys.path[:] = {path!r}; from gatewise.tuning.worker import main; main()"


def environment() -> dict[str, str]:
    """Of the process: one thread, and no part in a training of several."""
    own = {name: value for name, value in os.environ.items() if name not in TORCHRUN}
    return {**own, **ONE_THREAD}


@final
class Worker:
    """The parent's side of one process."""

    def __init__(self, job: Job) -> None:
        self.process = subprocess.Popen(  # noqa: S603  (this Python, our own code)
            [sys.executable, "-c", START.format(path=[p for p in sys.path if p])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(),
            **OWN_GROUP,
        )
        self.send(job)

    def send(self, message: Any) -> None:
        """To a process that is gone nothing is sent: `receive` tells that it is."""
        if self.process.stdin is not None:
            with suppress(OSError):
                _write(self.process.stdin, message)

    def receive(self) -> Any:
        """The next message; None: the process is gone."""
        if self.process.stdout is None:
            return None
        try:
            return _read(self.process.stdout)
        except (EOFError, OSError):
            return None

    def fate(self) -> str:
        """How it ended, in words."""
        code = self.process.wait()
        if code < 0:
            name = signal.Signals(-code).name
            hint = " (out of memory, perhaps)" if name == "SIGKILL" else ""
            return f"its process was ended by {name}{hint}"
        return f"its process ended with exit code {code}"

    def stop(self) -> None:
        """End it, whatever it is doing."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what it still held cannot be delivered
                    pipe.close()


def main() -> None:
    """The process's side."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not stand between the answers
    orders = sys.stdin.buffer
    try:
        serve(orders, answers)
    except (BrokenPipeError, EOFError):  # the parent is gone
        os._exit(0)


def serve(orders: BinaryIO, answers: BinaryIO) -> None:
    """Train what is asked for until nobody asks any more."""
    try:
        job: Job = _read(orders)
    except EOFError:
        raise
    except Exception as error:
        _write(answers, ("broken", f"{type(error).__name__}: {error}"))
        return
    _write(answers, ("ready",))

    def report(epoch: int, loss: float) -> bool:
        _write(answers, ("epoch", epoch, loss))
        return bool(_read(orders))

    parent = os.getppid()

    def tick() -> None:
        if os.getppid() != parent:  # it was killed: nobody waits for this trial
            os._exit(0)

    while True:
        _, params, deadline = _order(orders)
        try:
            outcome = run_trial(job, params, report, deadline=deadline, tick=tick)
        except LeftError:
            _write(answers, ("left",))
        else:
            _write(answers, ("done", outcome))


def _order(orders: BinaryIO) -> tuple[int, Mapping[str, Any], float | None]:
    number, params, deadline = _read(orders)
    return number, params, deadline


def _write(to: Any, message: Any) -> None:
    """As multiprocessing packs what it sends between its own processes."""
    packed = ForkingPickler.dumps(message)
    to.write(SIZE.pack(len(packed)))
    to.write(packed)
    to.flush()


def _read(of: Any) -> Any:
    """Raises EOFError where the other side is gone."""
    head = of.read(SIZE.size)
    packed = of.read(SIZE.unpack(head)[0]) if len(head) == SIZE.size else b""
    if len(head) < SIZE.size or len(packed) < SIZE.unpack(head)[0]:
        raise EOFError
    return ForkingPickler.loads(packed)
