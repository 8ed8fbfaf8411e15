"""What is exported: one artifact, with what every format needs of it."""

from __future__ import annotations

import functools
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise import reference
from gatewise.artifact import Artifact, read_artifact
from gatewise.batch import Batch
from gatewise.engine import Outputs
from gatewise.engines.onnx.engine import Engine, build_graphs
from gatewise.engines.onnx.export import in_int8
from gatewise.errors import ArtifactError, UsageError
from gatewise.exporting.interface import Part, parts_of
from gatewise.spec import NetworkSpec
from gatewise.version import __version__

Feeds = dict[str, NDArray[Any]]
Runner = Callable[[str, Feeds], Feeds]  # (name of a part, its inputs) -> its outputs

# task -> what turns its data into inputs and outputs into answers, in model.json
CODECS = {
    "forecast": ("codec", "strategy", "season"),
    "classify": ("reading", "labels", "temperature"),
    "tag": ("codec", "labels"),
    "generate": ("codec",),
    "translate": ("source", "target"),
}
# task -> what its network's output is
TOLD = {
    "forecast": "predicted steps, scaled",
    "classify": "logits: softmax gives probabilities",
    "tag": "logits of each token's tag: softmax gives probabilities",
    "generate": "logits of the next token: softmax gives probabilities",
    "translate": "logits of the next id: softmax gives probabilities",
}


@dataclass(frozen=True)
class Subject:
    """One saved model.

    name     of the model, for files
    members  weights of each network; several are averaged
    """

    name: str
    artifact: Artifact
    spec: NetworkSpec
    members: tuple[dict[str, NDArray[np.float32]], ...]

    @property
    def task(self) -> str:
        return self.artifact.task

    @property
    def several(self) -> bool:
        """Whether several labels may be true at once."""
        labels = self.artifact.model.get("labels", {})
        return bool(labels.get("kind") == "multilabel")

    @property
    def told(self) -> str:
        """What the output means."""
        if self.task == "classify" and self.several:
            return "logits: sigmoid gives the probability of each label"
        return TOLD[self.task]

    @property
    def lookback(self) -> int | None:
        """Steps that a forecaster reads, always so many."""
        codec = self.artifact.model.get("codec") or {}
        return codec.get("lookback")

    @functools.cached_property
    def in_int8(self) -> bool:
        """Whether the artifact's own graphs have weights of 8 bits."""
        return any(in_int8(graph) for graph in self.artifact.graphs.values())

    @functools.cached_property
    def graphs(self) -> list[dict[str, bytes]]:
        """The ONNX graphs of each network in float32."""
        if len(self.members) == 1 and not self.in_int8:
            return [self.artifact.graphs]
        return [build_graphs(self.spec, weights) for weights in self.members]

    @functools.cached_property
    def engines(self) -> list[Engine]:
        """What answers for the artifact: onnxruntime on its graphs."""
        return [Engine(self.spec, graphs) for graphs in self.graphs]

    def parts(self, loops: bool) -> list[Part]:
        """See interface.parts_of."""
        return parts_of(self.spec, loops=loops, told=self.told)

    def facts(self) -> dict[str, str]:
        """What a file's metadata says of it."""
        return {
            "gatewise": __version__,
            "task": self.task,
            "spec": json.dumps(self.spec.model_dump()),
            "members": str(len(self.members)),
        }

    def codec(self) -> dict[str, Any]:
        """What turns data into inputs and outputs into answers, as in the artifact."""
        return {name: self.artifact.model[name] for name in CODECS[self.task]}

    def answer(self, batch: Batch) -> Outputs:
        """Of the artifact's graphs; of several networks the mean."""
        return self._mean([engine.forward(batch) for engine in self.engines])

    def equations(self, batch: Batch) -> Outputs:
        """Of the NumPy equations, in float64."""
        found = []
        for weights in self.members:
            exact = {name: value.astype(np.float64) for name, value in weights.items()}
            told = reference.forward(self.spec, exact, batch)
            found.append(Outputs(told.output, told.attention, told.state))
        return self._mean(found)

    def _mean(self, told: list[Outputs]) -> Outputs:
        if len(told) == 1:
            return told[0]
        z = np.stack([one.output for one in told]).astype(np.float64)  # (M, B, 1, C)
        if self.several:
            output = _log_sum(-np.logaddexp(0, -z)) - _log_sum(-np.logaddexp(0, z))
        else:
            output = _log_sum(z - np.logaddexp.reduce(z, axis=-1, keepdims=True))
            output = output - np.log(len(told))
        looked = [one.attention for one in told if one.attention is not None]
        attention = np.mean(looked, axis=0) if looked else None
        return Outputs(output, attention)


def _log_sum(values: NDArray[Any]) -> NDArray[Any]:
    """Over the members."""
    found: NDArray[Any] = np.logaddexp.reduce(values, axis=0)
    return found


def subject_of(model: Any) -> Subject:
    """Of the folder of a saved model, or of a fitted model.

    Raises ArtifactError for a folder that is no model or of a later version, UsageError for
    anything else.
    """
    if isinstance(model, (str, os.PathLike)):
        return _subject(_name(Path(model)), read_artifact(model))
    if not hasattr(model, "save"):
        raise UsageError(
            f"export takes a fitted model or the folder of a saved one, not {type(model).__name__}"
        )
    with tempfile.TemporaryDirectory(prefix="gatewise-") as folder:
        model.save(Path(folder, "model"))
        return _subject(type(model).__name__.lower(), read_artifact(Path(folder, "model")))


def _name(path: Path) -> str:
    """`air-forecast/model` -> air-forecast, `air.gw` -> air"""
    place = path.resolve()
    return place.parent.name if place.name == "model" else place.stem


def _subject(name: str, artifact: Artifact) -> Subject:
    if artifact.task not in CODECS:
        raise ArtifactError(
            f"this holds a model for the task '{artifact.task}', which this version does not know "
            f"(known: {', '.join(CODECS)}); pip install --upgrade gatewise"
        )
    try:
        spec = NetworkSpec(**artifact.model["spec"])
        members: list[dict[str, NDArray[np.float32]]] = []
        for key, weight in artifact.weights.items():
            number, _, rest = key.partition(".")
            index, own = (int(number) - 1, rest) if number.isdigit() else (0, key)
            while len(members) <= index:
                members.append({})
            members[index][own] = weight
        _ = [artifact.model[key] for key in (*CODECS[artifact.task], "data")]
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"the model is not what this version expects ({error})") from error
    return Subject(name, artifact, spec, tuple(members))
