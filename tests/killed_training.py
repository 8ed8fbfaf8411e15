"""A small training in a process of its own, that can be killed; what it leaves is told in hashes.

    python killed_training.py ENGINE OUT RANDOM TASK ...

Each TASK is trained once undisturbed. Then, from nothing, once for each step of writing a
checkpoint, and RANDOM times at moments drawn by chance: the process kills itself there, as
`kill -9` does, and another one goes on. Last, one run is killed again and again. OUT: JSON, of each
of these the hashes of weights, optimizer and history.

The processes are forked from one that has imported the framework and not used it.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

import gatewise as gw
from gatewise import checkpoint
from gatewise.engine import ENGINES
from gatewise.training import Nobody

BATCHES = 3  # between two checkpoints within an epoch
WORDS = "the gate of the cell keeps what was read and forgets what is not asked for again and again"


class Moments:
    """Counts batches and steps of writing, and kills at one of them: nothing is cleaned up."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.names: list[str] = []

    def __call__(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


class Batches(Nobody):
    def __init__(self, moment: Moments) -> None:
        self.moment = moment

    def tick(self) -> None:
        self.moment("batch")


def watch_the_disk(moment: Moments) -> None:
    """Each step of writing a checkpoint is a moment: before it and behind it."""

    def watched(owner: Any, name: str) -> None:
        function = getattr(owner, name)

        def call(*given: Any, **named: Any) -> Any:
            moment(f"before {name}")
            done = function(*given, **named)
            moment(f"behind {name}")
            return done

        setattr(owner, name, call)

    watched(os, "fsync")
    for name in ("open", "rename", "unlink", "mkdir"):
        watched(Path, name)


def model_of(task: str, engine: str) -> tuple[Any, Any]:
    """(an estimator, what it learns from)"""
    rng = np.random.default_rng(5)
    if task == "forecaster":
        series = np.sin(np.arange(150) / 4) + rng.normal(0, 0.1, 150)
        network = gw.Network(hidden_size=4, dropout=0.2, num_layers=2)
        training = gw.Training(epochs=3, batch_size=16, patience=None, weight_averaging=0.9)
        model = gw.Forecaster(
            2, lookback=8, engine=engine, verbose=0, network=network, training=training
        )
        return model, series
    words = WORDS.split()
    text = " ".join(words[index] for index in rng.integers(0, len(words), 300))
    network = gw.Network(hidden_size=5, embedding_size=4, dropout=0.2)
    training = gw.Training(epochs=3, batch_size=8, optimizer="rmsprop", patience=None)
    model = gw.Generator(
        sequence_length=16, ngrams=1, engine=engine, verbose=0, network=network, training=training
    )
    return model, text


def hashed(model: Any) -> dict[str, str]:
    """Of all bits that a training leaves; seconds are those of the clock."""
    records = [
        {name: value for name, value in record.items() if name != "seconds"}
        for record in model.history_.to_dict()["records"]
    ]
    history = [records, model.history_.best_epoch, model.history_.stopped]
    (state,) = model.optimizer_states_
    return {
        "weights": checkpoint.fingerprint(model.weights_),
        "optimizer": checkpoint.fingerprint(state),
        "history": hashlib.sha256(json.dumps(history).encode()).hexdigest(),
    }


def run(task: str, engine: str, folder: Path, out: Path, kill: int) -> int:
    """Train in a process of its own; its exit code, minus the signal that ended it."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        moment = Moments(kill)
        model, data = model_of(task, engine)
        kept = gw.Checkpoints(folder, batches=BATCHES, resume=True)
        watch_the_disk(moment)
        model.fit(data, watch=Batches(moment), checkpoints=kept)
        names = moment.names.copy()
        out.write_text(json.dumps({"left": hashed(model), "moments": names}))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def ended(task: str, engine: str, kills: Iterable[int]) -> dict[str, Any]:
    """What a run leaves that was killed at these moments, each time counted anew."""
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place) / "checkpoints", Path(place) / "out.json"
        for kill in kills:
            code = run(task, engine, folder, out, kill)
            if code != -signal.SIGKILL:
                raise RuntimeError(f"{task} on {engine}, to be killed at {kill}, ended with {code}")
        code = run(task, engine, folder, out, 0)
        if code:
            raise RuntimeError(f"{task} on {engine}, killed at {kills}, did not go on ({code})")
        return json.loads(out.read_text())


def main() -> None:
    engine, out, count, *tasks = sys.argv[1:]
    if engine != "torch":
        os.environ["KERAS_BACKEND"] = engine
    slow = ["torch._dynamo"] if engine == "torch" else []  # an optimizer imports it, each time
    for name in (ENGINES[engine], *(f"gatewise.tasks.{task}" for task in tasks), *slow):
        importlib.import_module(name)
    rng = np.random.default_rng(11)
    found: dict[str, Any] = {}
    for task in tasks:
        whole = ended(task, engine, [])
        names = whole["moments"]
        second = names.index("behind mkdir", names.index("behind mkdir") + 1)
        steps = {name: at for at, name in reversed(list(enumerate(names, 1))) if at > second}
        left = {f"killed {name}": ended(task, engine, [at])["left"] for name, at in steps.items()}
        for at in map(int, rng.choice(np.arange(1, len(names)), int(count), replace=False)):
            left[f"killed at moment {at} of {len(names)}"] = ended(task, engine, [at])["left"]
        again = [int(at) for at in rng.integers(8, 40, 6)]
        left[f"killed after {again} moments"] = ended(task, engine, again)["left"]
        found[task] = {"whole": whole["left"], "killed": left}
    Path(out).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
