"""Tagging: a class for each token, as names of persons and places in a text."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from gatewise.artifact import Artifact, versions, write_artifact
from gatewise.checkpoint import Checkpoints, RunCheckpoints, checkpoints_of, remarks
from gatewise.data.conll import TaggedSentences, read_tagged, tagged
from gatewise.data.features import TokenCodec
from gatewise.data.sequences import batches
from gatewise.data.tags import TagCodec
from gatewise.data.texts import is_frame
from gatewise.engines.onnx.engine import Engine as Runner
from gatewise.engines.onnx.engine import build_graphs
from gatewise.errors import DataError, UsageError
from gatewise.judging.tags import TagEvaluation
from gatewise.judging.verdict import NETWORK
from gatewise.rivals.tags import FREQUENT_TAG, FrequentTags
from gatewise.spec import Network, NetworkSpec, Training
from gatewise.tasks import shared, tag_plan
from gatewise.tasks.beginning import State, fitted, unequal, with_known
from gatewise.tasks.facts import network_facts, training_facts
from gatewise.tasks.learning import learn
from gatewise.tasks.rate_finding import RateSearch
from gatewise.tasks.rates import told
from gatewise.tasks.seen import Fingerprints, fingerprints, remark
from gatewise.tasks.sklearn_tags import tags as sklearn_tags
from gatewise.tasks.telling import watched
from gatewise.training import History, Watch
from gatewise.weights import count


@final
class Tagger:
    """Gives every token of a sentence a tag.

    Tags B-X, I-X and O are spans (entities); all others stand for their token alone. A token is
    read as its word, its first and last letters, its shape, and itself with the word before.

    min_count     a feature that training has seen less often is unknown; where there is little
                  to learn from, each is known
    validation    share (below 1) or number of the sentences that decide when to stop
    engine        torch
    device        auto, cpu, cuda
    seed          of initial weights, split, batch order and dropout
    verbose       0: silent, 1: progress
    network, training  what is not given there is chosen from the data

    After `fit`: tags_, spec_, network_, training_, codec_, weights_, history_, notes_,
    parameters_ (number of weights).
    """

    def __init__(
        self,
        min_count: int = 2,
        validation: float | int = 0.1,
        engine: str = "torch",
        device: str = "auto",
        seed: int = 0,
        verbose: int = 1,
        network: Network | None = None,
        training: Training | None = None,
    ) -> None:
        self.min_count = min_count
        self.validation = validation
        self.engine = engine
        self.device = device
        self.seed = seed
        self.verbose = verbose
        self.network = network
        self.training = training

    def __repr__(self) -> str:
        return shared.describe(self)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """As scikit-learn's; deep: network__hidden_size, training__learning_rate, ..."""
        return shared.get_params(self, deep)

    def set_params(self, **params: Any) -> Self:
        """As scikit-learn's. Raises UsageError, SpecError."""
        shared.set_params(self, **params)
        return self

    def fit(
        self,
        data: Any,
        tags: Sequence[Sequence[str]] | None = None,
        *,
        start: Tagger | str | os.PathLike[str] | None = None,
        watch: Watch | Sequence[Watch] | None = None,
        checkpoints: RunCheckpoints | Checkpoints | str | os.PathLike[str] | None = None,
        resume: bool = False,
    ) -> Self:
        """Learn from sentences (lists of tokens) and a list of tags for each.

        data   sentences; or, without `tags`, a frame with columns of lists, tokens and tags
        start  a fitted tagger, of any engine, or the folder of one, to go on from: its weights,
               network, features and tags stay, its training settings where none are given here
        watch  who is told how training goes (RunLog, TensorBoard, ...), or several of them, beside
               the progress that `verbose` asks for
        checkpoints  folder for them, or how they are written (gatewise.Checkpoints); None: none
        resume       go on where they end: it ends in the same bits as if nothing had cut it off

        A part of the sentences (`validation`) only decides when to stop. Raises DataError,
        UsageError, SpecError; DivergedError when training fails. Then nothing that was learnt
        before is lost.
        """
        tag_plan.check_choices(self)
        given = read_sentences(data, tags)
        old: Tagger | None = fitted(self, start)
        plan = tag_plan.make_plan(self, given, old)
        keep = checkpoints_of(checkpoints, resume)
        watch = watched(self, watch, plan.network, plan.training, plan.data)
        learnt = learn(
            plan.spec,
            plan.training,
            plan.train,
            plan.held,
            engine=self.engine,
            device=self.device,
            seed=self.seed,
            watch=watch,
            beginning=plan.beginning,
            checkpoints=keep,
        )
        self.spec_: NetworkSpec = plan.spec
        self.network_: Network = plan.network
        self.training_: Training = learnt.training
        self.rates_: RateSearch | None = learnt.rates
        self.codec_: TokenCodec = plan.codec
        self.labels_: TagCodec = plan.tags
        self.weights_: dict[str, NDArray[np.float32]] = learnt.weights
        self.graphs_: dict[str, bytes] = build_graphs(plan.spec, learnt.weights)
        self.runner_ = Runner(plan.spec, self.graphs_)
        self.optimizer_states_: tuple[State, ...] | None = (learnt.state,)
        self.began_: dict[str, Any] | None = plan.began
        self.history_: History = learnt.history
        said = (*told(learnt.rates), *shared.idle(learnt.history, start=shared.started(old)))
        self.notes_: tuple[str, ...] = (*plan.notes, *said, *remarks(keep))
        self.versions_: dict[str, str] = versions(**learnt.versions)
        self.data_: dict[str, Any] = plan.data
        self.known_: Fingerprints = with_known(fingerprints(given.tokens), old)
        self.rival_ = FrequentTags.fit(plan.seen.tokens, plan.seen.tags or [])
        return self

    @property
    def tags_(self) -> tuple[str, ...]:
        """Names of the tags."""
        self._check_fitted()
        return self.labels_.tags

    @property
    def parameters_(self) -> int:
        """Number of weights."""
        return count(self.spec_)

    def summary(self) -> dict[str, dict[str, Any]]:
        """What was learnt from what, in sections of printable facts."""
        self._check_fitted()
        data = self.data_
        return {
            "Data": {
                "sentences learnt from": f"{data['sentences']:,}",
                "held out to stop by": f"{data['held']:,}",
                "tokens": f"{data['tokens']:,}, at most {data['longest']} in a sentence",
                "tags": ", ".join(self.tags_),
                "SHA-256 of the sentences": data["sha256"],
            },
            "Reading": {
                "features known": f"{len(self.codec_.vocabulary):,}",
                "read of a token": "word, beginning, end, shape, pair with the word before",
            },
            "Network": network_facts(self),
            "Training": training_facts(self),
            "Versions": dict(self.versions_),
        }

    def predict(self, data: Any) -> list[list[str]]:
        """A tag for each token of each sentence. Raises DataError for a sentence without tokens."""
        told = [logits.argmax(axis=1) for logits in self._logits(data)]
        return self.labels_.decode(told)

    def predict_proba(self, data: Any) -> list[NDArray[np.float64]]:
        """How probable each tag is, an array (t, tags) for each sentence, in the order of `tags_`.

        Rows sum to 1. As trained: these are not calibrated.
        """
        found = []
        for logits in self._logits(data):
            z = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float64)
            found.append(z / z.sum(axis=1, keepdims=True))
        return found

    def score(self, data: Any, tags: Sequence[Sequence[str]] | None = None) -> float:
        """Entity F1; of tags that mark no spans, the share of tokens with the right one."""
        found = self.evaluate(data, tags)
        return dict(found.ranking())[NETWORK]

    def _logits(self, data: Any) -> list[NDArray[np.float32]]:
        """(t, tags) of each sentence"""
        self._check_fitted()
        sentences = _words(data)
        if not len(sentences):
            return []
        steps = self.codec_.encode(sentences)
        found: list[Any] = [None] * len(steps)
        for rows, batch in batches(steps):
            for row, own in zip(rows.tolist(), self.runner_.forward(batch).output, strict=True):
                found[row] = own[: steps.lengths[row]]
        return found

    def evaluate(self, data: Any, tags: Sequence[Sequence[str]] | None = None) -> TagEvaluation:
        """Scores on sentences that were not learnt from, beside the most frequent tag of each
        token.
        """
        self._check_fitted()
        given = read_sentences(data, tags)
        if given.tags is None:
            raise UsageError("tags are missing: give a list of tags for each sentence")
        strange = [f"{note[0].upper()}{note[1:]}." for note in self.labels_.strange(given.tags)]
        told = {
            NETWORK: self.predict(given.tokens),
            FREQUENT_TAG: self.rival_.predict(given.tokens),
        }
        facts = {
            "seed": self.seed,
            "learnt from": self.data_["sentences"],
            "held out": self.data_["held"],
        }
        more = unequal(self, "sentences")
        said = " ".join(filter(None, [*strange, remark(given.tokens, self.known_), *more]))
        return TagEvaluation(given.tokens, given.tags, told, facts, said)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model as a folder, whole or not at all; `gatewise.load` reads it back.

        Raises ArtifactError when something else stands at `path`.
        """
        self._check_fitted()
        artifact = Artifact(
            task="tag",
            model={
                **shared.network_state(self),
                "codec": self.codec_.to_dict(),
                "labels": self.labels_.to_dict(),
                "rival": {"of_token": self.rival_.of_token, "common": self.rival_.common},
            },
            weights=self.weights_,
            arrays={"seen": self.known_},
            graphs=self.graphs_,
            versions=self.versions_,
        )
        write_artifact(path, artifact)

    @classmethod
    def from_artifact(cls, artifact: Artifact) -> Self:
        """The saved model again; `gatewise.load` calls this."""
        self = cls(**shared.saved_params(artifact))
        shared.restore_network(self, artifact)
        self.runner_ = Runner(self.spec_, artifact.graphs)
        self.codec_ = TokenCodec.from_dict(artifact.model["codec"])
        self.labels_ = TagCodec.from_dict(artifact.model["labels"])
        self.known_ = artifact.arrays["seen"]
        self.rival_ = FrequentTags(**artifact.model["rival"])
        return self

    def _check_fitted(self) -> None:
        if not hasattr(self, "codec_"):
            raise UsageError("this tagger has learnt nothing yet; call fit first")

    def __getstate__(self) -> dict[str, Any]:
        """Without the running graph, which cannot be copied."""
        return {name: value for name, value in vars(self).items() if name != "runner_"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if "graphs_" in state:
            self.runner_ = Runner(self.spec_, self.graphs_)

    def __sklearn_tags__(self) -> Any:
        return sklearn_tags(None, labelled=True)


def read_sentences(data: Any, tags: Sequence[Sequence[str]] | None) -> TaggedSentences:
    """Sentences with a list of tags for each, however they were given."""
    if isinstance(data, TaggedSentences):
        return data
    if tags is None and is_frame(data):
        return read_tagged(data)
    return tagged(_words(data), tags)


def _words(data: Any) -> Sequence[Sequence[str]]:
    """Sentences as lists of tokens. Raises DataError for texts."""
    if is_frame(data):
        return read_tagged(data).tokens
    rows = [data] if isinstance(data, str) else list(data)
    for number, row in enumerate(rows, 1):
        if isinstance(row, str):
            raise DataError(
                f"sentence {number} is a text, not a list of tokens; cut it first, "
                f"for example text.split()"
            )
    return rows
