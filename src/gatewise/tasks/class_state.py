"""What a fitted classifier is as an artifact, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewise.artifact import Artifact
from gatewise.data.labels import LabelCodec
from gatewise.rivals.classes import TfidfRegression
from gatewise.tasks import shared
from gatewise.tasks.committee import Committee
from gatewise.tasks.reading import Reading

if TYPE_CHECKING:
    from gatewise.tasks.classifier import Classifier


def to_artifact(model: Classifier) -> Artifact:
    """The training texts are not kept; their fingerprints and the baseline that learnt are."""
    params = shared.network_state(model)
    if model.vectors is not None:
        params["params"]["vectors"] = str(model.vectors)
    facts, arrays = (None, {}) if model.rival_ is None else model.rival_.to_parts()
    return Artifact(
        task="classify",
        model={
            **params,
            "reading": model.reading_.to_dict(),
            "labels": model.labels_.to_dict(),
            "temperature": model.temperature_,
            "rival": facts,
        },
        weights=model.weights_,
        arrays={**arrays, "seen": model.known_},
        graphs=model.graphs_,
        versions=model.versions_,
    )


def restore(model: Classifier, artifact: Artifact) -> None:
    """Set all that `fit` learns. Raises KeyError, TypeError, ValueError on foreign contents."""
    shared.restore_network(model, artifact)
    model.reading_ = Reading.from_dict(artifact.model["reading"])
    model.labels_ = LabelCodec.from_dict(artifact.model["labels"])
    model.temperature_ = artifact.model["temperature"]
    model.committee_ = Committee(model.spec_, artifact.graphs)
    model.known_ = artifact.arrays["seen"]
    model.seen_ = model.rival_ = model.histories_ = None
    if artifact.model["rival"] is not None:
        model.rival_ = TfidfRegression.from_parts(
            artifact.model["rival"], {n: a for n, a in artifact.arrays.items() if n != "seen"}
        )
