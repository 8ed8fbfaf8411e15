"""Formats of Keras: written and asked again by a process of its own that runs on TensorFlow."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from gatewise import version
from gatewise.errors import RunError
from gatewise.exporting.interface import Part
from gatewise.exporting.subject import Feeds, Subject
from gatewise.exporting.verify import questions

MODULE = "gatewise.engines.keras.export"
LAST_LINES = 3  # of what a failed process said


def parts_of(subject: Subject) -> tuple[Part, ...]:
    """Keras takes whole numbers of 32 bits, and its decoders make their keys themselves."""
    return tuple(
        replace(
            part,
            inputs=tuple(
                replace(one, dtype="int32" if one.dtype == "int64" else one.dtype)
                for one in part.inputs
                if one.name != "keys"
            ),
            outputs=tuple(one for one in part.outputs if one.name != "keys"),
        )
        for part in subject.parts(loops=True)
    )


def write(
    subject: Subject, folder: Path, to: str, parts: Sequence[Part]
) -> tuple[tuple[str, ...], list[Feeds]]:
    """Write the files into the folder: their names, and what they answer to `questions`.

    Raises RunError when Keras refuses.
    """
    with _job() as job:
        _ask(subject, job, to, parts)
        ours = str(Path(version.__file__).parents[1])
        environment = {
            **os.environ,
            "KERAS_BACKEND": "tensorflow",
            "CUDA_VISIBLE_DEVICES": "-1",  # what is verified is what every machine computes
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "PYTHONPATH": os.pathsep.join([ours, os.environ.get("PYTHONPATH", "")]).strip(
                os.pathsep
            ),
        }
        ran = subprocess.run(  # noqa: S603 - this interpreter, our own module
            [sys.executable, "-P", "-m", MODULE, str(job)],  # -P: no module of the folder one is in
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            said = " / ".join(ran.stderr.strip().splitlines()[-LAST_LINES:])
            raise RunError(f"Keras could not write this network as {to}: {said}")
        files = sorted(path.name for path in (job / "out").iterdir())
        for name in files:
            shutil.move(job / "out" / name, folder / name)
        answers = []
        for number in range(len(list(job.glob("question-*.npz")))):
            with np.load(job / f"answer-{number}.npz") as told:
                answers.append(dict(told))
    return tuple(files), answers


@contextmanager
def _job() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gatewise-") as folder:
        yield Path(folder)


def _ask(subject: Subject, job: Path, to: str, parts: Sequence[Part]) -> None:
    """What `gatewise.engines.keras.export` reads."""
    from safetensors.numpy import save_file

    asked = list(questions(subject, parts))
    told = {
        "spec": subject.spec.model_dump(),
        "members": len(subject.members),
        "several": subject.several,
        "to": to,
        "questions": [part.name for part, _ in asked],
    }
    (job / "job.json").write_text(json.dumps(told), encoding="utf-8")
    for number, (part, feeds) in enumerate(asked):
        kinds = {tensor.name: tensor.dtype for tensor in part.inputs}
        exact = {name: array.astype(kinds[name]) for name, array in feeds.items()}
        np.savez(job / f"question-{number}.npz", allow_pickle=False, **exact)
    weights = {
        f"{number}.{name}": np.ascontiguousarray(array)
        for number, own in enumerate(subject.members)
        for name, array in own.items()
    }
    save_file(weights, job / "weights.safetensors")


def opening(to: str, parts: Sequence[Part]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Lines of Python that load it, see formats.Written, and the packages that they need."""
    names = [part.name for part in parts]
    if to == "savedmodel":
        signature = "part" if len(parts) > 1 else '"serving_default"'
        lines: tuple[str, ...] = (
            "import numpy as np",
            "import tensorflow as tf",
            "",
            'signatures = tf.saved_model.load("1").signatures',
            "",
            "",
            "def ask(part, given):",
            "    tensors = {name: tf.constant(array) for name, array in given.items()}",
            f"    return {{n: t.numpy() for n, t in signatures[{signature}](**tensors).items()}}",
        )
        return lines, ("tensorflow",)
    lines = (
        "import functools",
        "import keras",
        "import numpy as np",
        "",
        "load = functools.partial(keras.saving.load_model, compile=False)",
        f"parts = {names}",
        f'models = {{name: load(f"{{name}}.{to}") for name in parts}}',
        "",
        "",
        "def ask(part, given):",
        "    told = models[part](given)",
        "    return {n: keras.ops.convert_to_numpy(t) for n, t in told.items()}",
    )
    return lines, ("keras", "tensorflow")
