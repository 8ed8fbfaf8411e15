"""Translation: a sequence in, another sequence out, of any lengths."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal, Self, final

import numpy as np
from numpy.typing import NDArray

from gatewise.artifact import Artifact, versions, write_artifact
from gatewise.checkpoint import Checkpoints, RunCheckpoints, checkpoints_of, remarks
from gatewise.data.pairs import Pairs
from gatewise.data.units import Unit
from gatewise.engines.onnx.engine import build_graphs
from gatewise.engines.onnx.steps import DecoderSteps
from gatewise.errors import UsageError
from gatewise.judging.translation import TranslationEvaluation
from gatewise.judging.verdict import NETWORK
from gatewise.rivals.translation import NearestTranslation
from gatewise.spec import Attention, Network, NetworkSpec, Training
from gatewise.tasks import shared, translator_plan
from gatewise.tasks import translator_writing as writing
from gatewise.tasks.beginning import State, fitted, with_known
from gatewise.tasks.learning import learn
from gatewise.tasks.rate_finding import RateSearch
from gatewise.tasks.rates import told
from gatewise.tasks.reading import Reading
from gatewise.tasks.seen import Fingerprints, fingerprints
from gatewise.tasks.sklearn_tags import tags
from gatewise.tasks.telling import watched
from gatewise.tasks.translator_facts import facts
from gatewise.tasks.translator_judging import judge
from gatewise.tasks.translator_pairs import Written, read_given
from gatewise.tasks.translator_state import restore, to_artifact
from gatewise.training import History, Watch
from gatewise.weights import count


@final
class Translator:
    """Learns from pairs how a sequence becomes another one: encoder, decoder, attention.

    unit            what a text is read as: auto (characters where the script has no spaces, else
                    words; characters or bpe where too many words are rare), char, word, bpe
    source_unit, target_unit  the same of one side; None: as unit says
    lowercase       read capitals as small letters; None: words of the sources alone
    vocab_size      so many tokens of each side are known; None: chosen from the data
    attention       what the decoder looks at the source with: additive, multiplicative, none;
                    None: as the network says, else additive
    max_length      tokens that are read and written of one sequence; None: of long ones, by unit
    beam            so many beginnings are followed at once; 1: always the likeliest next token
    length_penalty  0: short answers are favoured, as their probability is higher; 1: hardly
    validation      share (below 1) or number of the pairs that decide when to stop
    engine          torch
    device          auto, cpu, cuda
    seed            of initial weights, split, batch order and dropout
    verbose         0: silent, 1: progress
    network, training  what is not given there is chosen from the data

    After `fit`: source_, target_ (how both sides are read and written), spec_, network_,
    training_, weights_, history_, notes_ (the choices in words), parameters_ (number of weights).
    """

    def __init__(
        self,
        unit: Literal["auto"] | Unit = "auto",
        source_unit: Literal["auto"] | Unit | None = None,
        target_unit: Literal["auto"] | Unit | None = None,
        lowercase: bool | None = None,
        vocab_size: int | None = None,
        attention: Attention | None = None,
        max_length: int | None = None,
        beam: int = 4,
        length_penalty: float = 1.0,
        validation: float | int = 0.1,
        engine: str = "torch",
        device: str = "auto",
        seed: int = 0,
        verbose: int = 1,
        network: Network | None = None,
        training: Training | None = None,
    ) -> None:
        self.unit = unit
        self.source_unit = source_unit
        self.target_unit = target_unit
        self.lowercase = lowercase
        self.vocab_size = vocab_size
        self.attention = attention
        self.max_length = max_length
        self.beam = beam
        self.length_penalty = length_penalty
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
        sources: Any,
        targets: Sequence[Any] | None = None,
        *,
        start: Translator | str | os.PathLike[str] | None = None,
        watch: Watch | Sequence[Watch] | None = None,
        checkpoints: RunCheckpoints | Checkpoints | str | os.PathLike[str] | None = None,
        resume: bool = False,
    ) -> Self:
        """Learn from sources and their targets: texts, or lists of tokens (texts, whole numbers).

        sources  with targets one for each; alone: pairs (source, target), a frame with two such
                 columns, or a file of them
        start    a fitted translator, of any engine, or the folder of one, to go on from: its
                 weights, network and tokens stay, its training settings where none are given here
        watch    who is told how training goes (RunLog, TensorBoard, ...), or several of them,
                 beside the progress that `verbose` asks for
        checkpoints  folder for them, or how they are written (gatewise.Checkpoints); None: none
        resume       go on where they end: it ends in the same bits as if nothing had cut it off

        A part of the pairs (`validation`) only decides when to stop; copies of a source stand on
        one side. Of tokens that are whole numbers, answers are lists of them, too.
        Raises DataError, UsageError, SpecError; DivergedError when training fails. Then nothing
        that was learnt before is lost.
        """
        translator_plan.check_choices(self)
        given = read_given(sources, targets)
        old: Translator | None = fitted(self, start)
        plan = translator_plan.make_plan(self, given, old)
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
            given=plan.given,
            beginning=plan.beginning,
            checkpoints=keep,
        )
        graphs = build_graphs(plan.spec, learnt.weights)
        self.spec_: NetworkSpec = plan.spec
        self.network_: Network = plan.network
        self.training_: Training = learnt.training
        self.rates_: RateSearch | None = learnt.rates
        self.source_: Reading = plan.source
        self.target_: Written = plan.target
        self.weights_: dict[str, NDArray[np.float32]] = learnt.weights
        self.graphs_: dict[str, bytes] = graphs
        self.steps_ = DecoderSteps(plan.spec, graphs)
        self.optimizer_states_: tuple[State, ...] | None = (learnt.state,)
        self.began_: dict[str, Any] | None = plan.began
        self.history_: History = learnt.history
        self.notes_: tuple[str, ...] = (
            *plan.notes,
            *told(learnt.rates),
            *shared.idle(learnt.history, "validation pairs", start=shared.started(old)),
            *remarks(keep),
        )
        self.versions_: dict[str, str] = versions(**learnt.versions)
        self.data_: dict[str, Any] = plan.data
        self.seen_: Pairs | None = given
        self.known_: Fingerprints = with_known(fingerprints(given.sources), old)
        self.rival_: NearestTranslation | None = None  # fitted when first asked for
        return self

    @property
    def parameters_(self) -> int:
        """Number of weights."""
        return count(self.spec_)

    def summary(self) -> dict[str, dict[str, Any]]:
        """What was learnt from what, in sections of printable facts."""
        self._check_fitted()
        return facts(self)

    def translate(
        self,
        sources: Sequence[Any],
        beam: int | None = None,
        length_penalty: float | None = None,
        max_length: int | None = None,
    ) -> list[Any]:
        """An answer to each source: a text, or a list of tokens, as the targets were.

        beam, length_penalty  None: as the model says
        max_length  tokens of an answer at most; None: as the model says. In any case at most half
                    as many again, and five, as the longest target of all training sources that
                    were not longer; for a source longer than any of these, in proportion

        Tokens that were never seen are read as unknown: `remarks` counts them. What an answer is
        does not depend on the sources beside it. Raises DataError for an empty source, with its
        row, UsageError for values that cannot be.
        """
        self._check_fitted()
        steps = writing.read_sources(self, sources)
        best = writing.write(self, steps, beam, length_penalty, max_length)
        return [self.target_.decode(one.tokens) for one in best]

    def align(self, source: Any, beam: int | None = None) -> writing.Alignment:
        """Where each token of the answer looked: source tokens, answer tokens, weights (k, T).

        Raises UsageError where the decoder has no attention.
        """
        self._check_fitted()
        steps = writing.read_sources(self, [source])
        (best,) = writing.write(self, steps, beam, None, None)
        return writing.align(self, source, best)

    def remarks(self, sources: Sequence[Any]) -> list[str]:
        """What must be said of how these are read: unknown tokens, and what is cut off."""
        self._check_fitted()
        rows = list(sources)
        writing.read_sources(self, rows)
        return writing.remarks(*self.source_.encode(rows)) if rows else []

    def evaluate(
        self,
        sources: Any,
        targets: Sequence[Any] | None = None,
        *,
        beam: int | None = None,
        length_penalty: float | None = None,
    ) -> TranslationEvaluation:
        """Scores on pairs that were not learnt from, given as to `fit`, beside baselines.

        These are the source as it is, and the target of the nearest training source, which a
        saved model does not hold: then the first stands alone, and the verdict says so.
        """
        self._check_fitted()
        return judge(self, read_given(sources, targets), beam, length_penalty)

    def score(self, sources: Any, targets: Sequence[Any] | None = None) -> float:
        """BLEU of texts; the share that is exactly right of lists of tokens, and of short texts.

        See TranslationEvaluation.ranked_by.
        """
        self._check_fitted()
        found = judge(self, read_given(sources, targets), None, None, alone=True)
        return dict(found.ranking())[NETWORK]

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
        if not hasattr(self, "target_"):
            raise UsageError("this translator has learnt nothing yet; call fit first")

    def __getstate__(self) -> dict[str, Any]:
        """Without the running graphs, which cannot be copied."""
        return {name: value for name, value in vars(self).items() if name != "steps_"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if "graphs_" in state:
            self.steps_ = DecoderSteps(self.spec_, self.graphs_)

    def __sklearn_tags__(self) -> Any:
        return tags(None, labelled=True)
