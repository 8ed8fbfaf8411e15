"""What a fitted generator is as an artifact, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewise.artifact import Artifact
from gatewise.data.text import TextCodec
from gatewise.engines.onnx.engine import Engine as Runner
from gatewise.tasks import shared
from gatewise.tasks.generator_writing import TextSteps

if TYPE_CHECKING:
    from gatewise.tasks.generator import Generator


def to_artifact(model: Generator) -> Artifact:
    """The training text is not kept, only how often each token occurs in it, and fingerprints."""
    return Artifact(
        task="generate",
        model={**shared.network_state(model), "codec": model.codec_.to_dict()},
        weights=model.weights_,
        arrays={"counts": model.counts_, "seen": model.known_},
        graphs=model.graphs_,
        versions=model.versions_,
    )


def restore(model: Generator, artifact: Artifact) -> None:
    """Set all that `fit` learns. Raises KeyError, TypeError, ValueError on foreign contents."""
    shared.restore_network(model, artifact)
    model.runner_ = Runner(model.spec_, artifact.graphs)
    model.codec_ = TextCodec.from_dict(artifact.model["codec"])
    model.counts_ = artifact.arrays["counts"]
    model.known_ = artifact.arrays["seen"]
    model.steps_ = TextSteps(model.spec_, model.graphs_, model.codec_)
    model.ids_ = model.rival_ = None
