"""Classification: a text, a list of tokens or a numeric sequence in, a class out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal, Self, final

import numpy as np
from numpy.typing import NDArray

from gatewise.artifact import Artifact, versions, write_artifact
from gatewise.checkpoint import Checkpoints, RunCheckpoints, checkpoints_of, remarks
from gatewise.data.encoded import Truncation
from gatewise.data.labels import LabelCodec
from gatewise.data.units import Unit
from gatewise.errors import DataError, UsageError
from gatewise.judging.classes import ClassEvaluation
from gatewise.judging.labels import TOLD, LabelEvaluation
from gatewise.rivals.classes import TfidfRegression
from gatewise.spec import Network, NetworkSpec, Training
from gatewise.tasks import class_plan, shared
from gatewise.tasks.beginning import State, fitted, with_known
from gatewise.tasks.class_attention import Attended, attended
from gatewise.tasks.class_facts import facts
from gatewise.tasks.class_judging import accuracy, judge
from gatewise.tasks.class_state import restore, to_artifact
from gatewise.tasks.committee import (
    Committee,
    calibrated,
    graphs_of,
    notes_of,
    train_members,
    weights_of,
)
from gatewise.tasks.examples import Examples, read_examples, read_to_learn
from gatewise.tasks.rate_finding import RateSearch
from gatewise.tasks.rates import told
from gatewise.tasks.reading import Reading
from gatewise.tasks.seen import Fingerprints, fingerprints
from gatewise.tasks.sklearn_tags import tags
from gatewise.tasks.telling import watched
from gatewise.training import History, Watch
from gatewise.weights import count

Floats = NDArray[np.float64]


@final
class Classifier:
    """Says which class a sequence belongs to, or which labels it has.

    unit          what a text is read as: auto (characters where the script has no spaces, else
                  words), char, word, bpe
    lowercase     read capitals as small letters; None: words yes, anything else no
    vocab_size    so many tokens are known; None: chosen from the data
    ngrams        2: each step reads its token and the pair that ends there, 3: also the three;
                  1: the token alone; None: 3 for characters, 2 for words, else 1
    max_length    steps read of one sequence; None: by unit
    truncate      what is not read of a longer one: its end, start or middle
    multi_label   whether an example may have several labels or none; None: seen from the labels
    class_weight  None: every example counts alike; balanced: every class does
    members       so many networks from different seeds are averaged; None: three where it is cheap
    vectors       file of token vectors (GloVe, fastText) to begin with
    keep_duplicates  copies of a text may stand on both sides of the validation split
    validation    share (below 1) or number of the examples that decide when to stop
    engine        torch
    device        auto, cpu, cuda
    seed          of initial weights, split, batch order and dropout
    verbose       0: silent, 1: progress
    network, training  what is not given there is chosen from the data

    After `fit`: classes_ (C,), spec_, network_, training_, reading_, weights_, history_ of the last
    member, histories_ of all (not saved), temperature_, notes_ (the choices in words),
    parameters_ (number of weights).
    """

    _estimator_type = "classifier"  # for scikit-learn before 1.6

    def __init__(
        self,
        unit: Literal["auto"] | Unit = "auto",
        lowercase: bool | None = None,
        vocab_size: int | None = None,
        ngrams: int | None = None,
        max_length: int | None = None,
        truncate: Truncation = "middle",
        multi_label: bool | None = None,
        class_weight: Literal["balanced"] | None = None,
        members: int | None = None,
        vectors: str | os.PathLike[str] | None = None,
        keep_duplicates: bool = False,
        validation: float | int = 0.1,
        engine: str = "torch",
        device: str = "auto",
        seed: int = 0,
        verbose: int = 1,
        network: Network | None = None,
        training: Training | None = None,
    ) -> None:
        self.unit = unit
        self.lowercase = lowercase
        self.vocab_size = vocab_size
        self.ngrams = ngrams
        self.max_length = max_length
        self.truncate = truncate
        self.multi_label = multi_label
        self.class_weight = class_weight
        self.members = members
        self.vectors = vectors
        self.keep_duplicates = keep_duplicates
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
        labels: Sequence[Any] | None = None,
        *,
        text: str | list[str] | None = None,
        label: str | None = None,
        start: Classifier | str | os.PathLike[str] | None = None,
        watch: Watch | Sequence[Watch] | None = None,
        checkpoints: RunCheckpoints | Checkpoints | str | os.PathLike[str] | None = None,
        resume: bool = False,
    ) -> Self:
        """Learn from inputs and their labels, or from a frame of any kind.

        data    texts, lists of tokens, arrays (steps, channels); or a frame
        labels  one for each input, or a list of several for each; None: data is a frame
        text    column(s) of the frame with the text; None: found
        label   column with the label; None: found
        start   a fitted classifier, of any engine, or the folder of one, to go on from: its
                weights, network, vocabulary and classes stay, its training settings where none are
                given here
        watch   who is told how training goes (RunLog, TensorBoard, ...), or several of them,
                beside the progress that `verbose` asks for
        checkpoints  folder for them, or how they are written (gatewise.Checkpoints); None: none
        resume       go on where they end: it ends in the same bits as if nothing had cut it off

        A part of the examples (`validation`) only decides when to stop and how sure to be.
        Raises DataError, UsageError, SpecError; DivergedError when training fails. Then nothing
        that was learnt before is lost.
        """
        class_plan.check_choices(self)
        old: Classifier | None = fitted(self, start)
        if old is None:
            examples = read_examples(data, labels, text=text, label=label)
        else:
            examples = read_to_learn(
                data,
                labels,
                text=text or old.data_["text"],
                label=label or old.data_["label"],
                like=old.reading_.kind,
            )
        plan = class_plan.make_plan(self, examples, old)
        keep = checkpoints_of(checkpoints, resume)
        watch = watched(self, watch, plan.network, plan.training, plan.data)
        trained = train_members(
            plan.members,
            plan.spec,
            plan.training,
            plan.train,
            plan.held,
            engine=self.engine,
            device=self.device,
            seed=self.seed,
            watch=watch,
            given=plan.given,
            beginnings=plan.beginnings,
            checkpoints=keep,
        )
        trained, temperature = calibrated(plan.spec, trained, plan.held)
        last = trained[-1]
        self.spec_: NetworkSpec = plan.spec
        self.network_: Network = plan.network
        self.training_: Training = last.training
        self.rates_: RateSearch | None = trained[0].rates
        self.reading_: Reading = plan.reading
        self.labels_: LabelCodec = plan.labels
        self.weights_: dict[str, NDArray[np.float32]] = weights_of(trained)
        self.graphs_: dict[str, bytes] = graphs_of(plan.spec, trained)
        self.committee_ = Committee(plan.spec, self.graphs_)
        self.temperature_: float = temperature
        self.history_: History = last.history
        self.histories_: tuple[History, ...] | None = tuple(one.history for one in trained)
        self.optimizer_states_: tuple[State, ...] | None = tuple(one.state for one in trained)
        self.began_: dict[str, Any] | None = plan.began
        said = (*told(trained[0].rates), *notes_of(trained, shared.started(old)))
        self.notes_: tuple[str, ...] = (*plan.notes, *said, *remarks(keep))
        self.versions_: dict[str, str] = versions(**last.versions)
        self.data_: dict[str, Any] = plan.data
        self.seen_: class_plan.Seen | None = plan.seen
        known = fingerprints([*plan.seen.inputs, *plan.seen.held_inputs])
        self.known_: Fingerprints = with_known(known, old)
        self.rival_: TfidfRegression | None = None  # fitted by the first evaluate
        return self

    @property
    def classes_(self) -> NDArray[Any]:
        """The classes as `predict` gives them, in the order of the columns of `predict_proba`.

        Sorted: numbers by size, also where they were given as texts, else by their text.  -> (C,)
        """
        self._check_fitted()
        if self.labels_.kind == "multilabel":
            return np.array(self.labels_.classes)
        return np.array(self.labels_.decode(range(len(self.labels_.classes))))

    @property
    def parameters_(self) -> int:
        """Number of weights, of all members."""
        return count(self.spec_) * len(self.graphs_)

    def summary(self) -> dict[str, dict[str, Any]]:
        """What was learnt from what, in sections of printable facts."""
        self._check_fitted()
        return facts(self)

    def predict(self, data: Any) -> NDArray[Any]:
        """The most probable class of each input; of several labels, those above one half.

        -> (N,) classes, or lists of labels. Raises DataError for an input without steps.
        """
        told = self.predict_proba(data)
        if self.labels_.kind != "multilabel":
            return np.array(self.labels_.decode(told.argmax(axis=1)))
        found = np.empty(len(told), dtype=object)
        found[:] = self.labels_.decode(told >= TOLD)
        return found

    def predict_proba(self, data: Any) -> Floats:
        """How probable each class is, calibrated on the validation part.  -> (N, C)

        Rows sum to 1; of several labels each stands for itself.
        """
        self._check_fitted()
        inputs = read_examples(data, None, text=self.data_["text"], like=self.reading_.kind).inputs
        steps, _ = self.reading_.encode(inputs)
        return self.committee_.probabilities(steps, self.labels_.kind == "multilabel")

    def remarks(self, data: Any) -> list[str]:
        """What must be said of how these are read: what is cut off, what was never learnt."""
        self._check_fitted()
        inputs = read_examples(data, None, text=self.data_["text"], like=self.reading_.kind).inputs
        steps, cut = self.reading_.encode(inputs)
        return [*cut, *self.reading_.remarks(steps)]

    def score(
        self,
        data: Any,
        labels: Sequence[Any] | None = None,
        *,
        text: str | list[str] | None = None,
        label: str | None = None,
    ) -> float:
        """Share of the examples that are told right: the class, or all labels. As scikit-learn's.

        What `evaluate` says beside it is left out.
        """
        self._check_fitted()
        return accuracy(self, self._examples(data, labels, text, label))

    def attention(self, data: Any) -> list[Attended]:
        """Where it looked in each input: tokens (t), their weights (t,), and that of padding.

        Raises UsageError where pooling is not attention.
        """
        self._check_fitted()
        return attended(self, data)

    def evaluate(
        self,
        data: Any,
        labels: Sequence[Any] | None = None,
        *,
        text: str | list[str] | None = None,
        label: str | None = None,
    ) -> ClassEvaluation | LabelEvaluation:
        """Scores on examples that were not learnt from, beside baselines.

        The baselines learn from the same training examples when this is first called, and are
        saved with the model. One that was never evaluated, and any of numbers, has the class
        frequencies alone once it is loaded, and the verdict says so.
        """
        self._check_fitted()
        return judge(self, self._examples(data, labels, text, label))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model as a folder, whole or not at all; `gatewise.load` reads it back.

        Raises ArtifactError when something else stands at `path`.
        """
        self._check_fitted()
        write_artifact(path, to_artifact(self))

    @classmethod
    def from_artifact(cls, artifact: Artifact) -> Self:
        """The saved model again; `gatewise.load` calls this."""
        self = cls(**shared.saved_params(artifact))
        restore(self, artifact)
        return self

    def _check_fitted(self) -> None:
        if not hasattr(self, "reading_"):
            raise UsageError("this classifier has learnt nothing yet; call fit first")

    def _examples(
        self,
        data: Any,
        labels: Sequence[Any] | None,
        text: str | list[str] | None,
        label: str | None,
    ) -> Examples:
        """Inputs and labels of the kind that was learnt from."""
        found = read_examples(
            data,
            labels,
            text=text or self.data_["text"],
            label=label or self.data_["label"],
            like=self.reading_.kind,
            labelled=True,
        )
        if not found.inputs:
            raise DataError("there are no examples to judge")
        return found

    def __getstate__(self) -> dict[str, Any]:
        """Without the running graph, which cannot be copied."""
        return {name: value for name, value in vars(self).items() if name != "committee_"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if "graphs_" in state:
            self.committee_ = Committee(self.spec_, self.graphs_)

    def __sklearn_tags__(self) -> Any:
        return tags("classifier", labelled=True)
