"""What a fitted translator is as an artifact, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewise.artifact import Artifact
from gatewise.engines.onnx.steps import DecoderSteps
from gatewise.tasks import shared
from gatewise.tasks.reading import Reading
from gatewise.tasks.translator_pairs import Written

if TYPE_CHECKING:
    from gatewise.tasks.translator import Translator


def to_artifact(model: Translator) -> Artifact:
    """The training pairs are not kept, only fingerprints of their sources."""
    return Artifact(
        task="translate",
        model={
            **shared.network_state(model),
            "source": model.source_.to_dict(),
            "target": model.target_.to_dict(),
        },
        weights=model.weights_,
        arrays={"seen": model.known_},
        graphs=model.graphs_,
        versions=model.versions_,
    )


def restore(model: Translator, artifact: Artifact) -> None:
    """Set all that `fit` learns. Raises KeyError, TypeError, ValueError on foreign contents."""
    shared.restore_network(model, artifact)
    model.source_ = Reading.from_dict(artifact.model["source"])
    model.target_ = Written.from_dict(artifact.model["target"])
    model.steps_ = DecoderSteps(model.spec_, artifact.graphs)
    model.known_ = artifact.arrays["seen"]
    model.seen_ = model.rival_ = None
