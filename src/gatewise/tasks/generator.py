"""Generation: a text in, more of its kind out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Self, final, overload

import numpy as np
from numpy.typing import NDArray

from gatewise.artifact import Artifact, versions, write_artifact
from gatewise.checkpoint import Checkpoints, RunCheckpoints, checkpoints_of, remarks
from gatewise.data.encoded import Ids
from gatewise.data.text import TextCodec
from gatewise.engines.onnx.engine import Engine as Runner
from gatewise.engines.onnx.engine import build_graphs
from gatewise.errors import UsageError
from gatewise.judging.language import LanguageEvaluation
from gatewise.judging.verdict import NETWORK
from gatewise.rivals.ngrams import NgramModel
from gatewise.spec import Network, NetworkSpec, Training
from gatewise.tasks import generator_plan, shared
from gatewise.tasks.beginning import State, fitted, with_known
from gatewise.tasks.generator_facts import facts
from gatewise.tasks.generator_judging import judge
from gatewise.tasks.generator_state import restore, to_artifact
from gatewise.tasks.generator_text import read_texts
from gatewise.tasks.generator_weights import Kept, in_eight_bits
from gatewise.tasks.generator_writing import TextSteps, asked, write, write_piece_by_piece
from gatewise.tasks.learning import learn
from gatewise.tasks.rate_finding import RateSearch
from gatewise.tasks.rates import told
from gatewise.tasks.seen import Fingerprints, fingerprints, lines
from gatewise.tasks.telling import watched
from gatewise.training import History, Watch
from gatewise.weights import count

RUNNING = ("runner_", "steps_")


@final
class Generator:
    """Learns how a text goes on, token by token, and writes more of its kind: a language model.

    unit             what a token is: char, word, bpe
    lowercase        read and write small letters alone
    vocab_size       so many tokens are known; None: chosen from the text
    ngrams           3: each step reads its token, and the two and three that end there together;
                     1: the token alone; None: 3 of characters, else 1
    sequence_length  steps through which errors flow back while training; None: chosen
    validation       share (below 1) or number of characters at the beginning of the text that
                     decide when to stop
    quantize         weights of 8 bits: smaller and faster, a little worse; by how much is told
    engine           torch
    device           auto, cpu, cuda
    seed             of initial weights, batch order and dropout
    verbose          0: silent, 1: progress
    network, training  what is not given there is chosen from the text

    After `fit`: codec_, spec_, network_, training_, weights_, history_, notes_ (the choices in
    words), parameters_ (number of weights).
    """

    def __init__(
        self,
        unit: Literal["char", "word", "bpe"] = "char",
        lowercase: bool = False,
        vocab_size: int | None = None,
        ngrams: int | None = None,
        sequence_length: int | None = None,
        validation: float | int = 0.05,
        quantize: bool = False,
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
        self.sequence_length = sequence_length
        self.validation = validation
        self.quantize = quantize
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
        text: str | Sequence[str],
        *,
        start: Generator | str | os.PathLike[str] | None = None,
        watch: Watch | Sequence[Watch] | None = None,
        checkpoints: RunCheckpoints | Checkpoints | str | os.PathLike[str] | None = None,
        resume: bool = False,
    ) -> Self:
        """Learn from one long text, or from a list of texts: then what is written ends, too.

        start  a fitted generator, of any engine, or the folder of one, to go on from: its weights,
               network and tokens stay, its training settings where none are given here
        watch  who is told how training goes (RunLog, TensorBoard, ...), or several of them, beside
               the progress that `verbose` asks for
        checkpoints  folder for them, or how they are written (gatewise.Checkpoints); None: none
        resume       go on where they end: it ends in the same bits as if nothing had cut it off

        The beginning of the text (`validation`) only decides when to stop.
        Raises DataError, UsageError, SpecError; DivergedError when training fails. Then nothing
        that was learnt before is lost.
        """
        generator_plan.check_choices(self)
        texts = read_texts(text)
        old: Generator | None = fitted(self, start)
        plan = generator_plan.make_plan(self, texts, old)
        keep = checkpoints_of(checkpoints, resume)
        watch = watched(self, watch, plan.network, plan.training, plan.data)
        learnt = learn(
            plan.spec,
            plan.training,
            plan.train_source,
            plan.held_source,
            engine=self.engine,
            device=self.device,
            seed=self.seed,
            watch=watch,
            given=plan.given,
            beginning=plan.beginning,
            checkpoints=keep,
        )
        graphs = build_graphs(plan.spec, learnt.weights)
        kept = Kept(graphs)
        if self.quantize:
            kept = in_eight_bits(plan.spec, graphs, plan.steps, plan.held)
        self.spec_: NetworkSpec = plan.spec
        self.network_: Network = plan.network
        self.training_: Training = learnt.training
        self.rates_: RateSearch | None = learnt.rates
        self.codec_: TextCodec = plan.codec
        self.weights_: dict[str, NDArray[np.float32]] = learnt.weights
        self.graphs_: dict[str, bytes] = kept.graphs
        self.runner_ = Runner(plan.spec, kept.graphs)
        self.steps_ = TextSteps(plan.spec, kept.graphs, plan.codec)
        self.optimizer_states_: tuple[State, ...] | None = (learnt.state,)
        self.began_: dict[str, Any] | None = plan.began
        self.history_: History = learnt.history
        self.notes_: tuple[str, ...] = (
            *plan.notes,
            *told(learnt.rates),
            *shared.idle(learnt.history, "text held out", start=shared.started(old)),
            *kept.notes,
            *remarks(keep),
        )
        self.versions_: dict[str, str] = versions(**learnt.versions)
        self.data_: dict[str, Any] = {**plan.data, "nats": kept.nats}
        self.counts_: NDArray[np.int64] = np.bincount(plan.steps[:, 0], minlength=plan.codec.units)
        self.ids_: Ids | None = plan.steps[:, 0]
        self.known_: Fingerprints = with_known(fingerprints(lines(texts.texts)), old)
        self.rival_: NgramModel | None = None  # counted when first asked for
        return self

    @property
    def parameters_(self) -> int:
        """Number of weights."""
        return count(self.spec_)

    def summary(self) -> dict[str, dict[str, Any]]:
        """What was learnt from what, in sections of printable facts."""
        self._check_fitted()
        return facts(self)

    @overload
    def generate(
        self,
        prompt: str = "",
        length: int = 500,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        stop: str | Sequence[str] = (),
        samples: Literal[1] = 1,
    ) -> str: ...

    @overload
    def generate(
        self,
        prompt: str = "",
        length: int = 500,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        stop: str | Sequence[str] = (),
        samples: int = 1,
    ) -> str | list[str]: ...

    def generate(
        self,
        prompt: str = "",
        length: int = 500,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        stop: str | Sequence[str] = (),
        samples: int = 1,
    ) -> str | list[str]:
        """What may follow the prompt, without it; of several samples, a list.

        prompt       read as it is, however long; what is unknown in it is read as such. Empty: the
                     text begins as a new line does (learnt from several texts: as a text does)
        length       tokens to write at most: of unit char, characters
        temperature  1: as learnt; below: safer; above: wilder; 0: always the likeliest token
        top_k        choose among the k likeliest alone; None: all
        top_p        choose among the fewest that together have this probability; None: all
        seed         the same seed gives the same text
        stop         the text ends before this string, or before any of several
        samples      texts to write side by side, all of them different

        A model that learnt from several texts may end before `length`. The state is carried from
        token to token: nothing is read twice.
        Raises UsageError for values that cannot be.
        """
        self._check_fitted()
        want = asked(
            prompt,
            length,
            stop,
            samples,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
        )
        written = write(self, want)
        return written[0] if samples == 1 else written

    def stream(
        self,
        prompt: str = "",
        length: int = 500,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        stop: str | Sequence[str] = (),
    ) -> Iterator[str]:
        """As `generate`, piece by piece, each as soon as it is certain.

        Together the pieces are what `generate` gives. A piece is never half a character, nor the
        beginning of what may become a stop string.
        """
        self._check_fitted()
        want = asked(
            prompt, length, stop, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed
        )
        return write_piece_by_piece(self, want)

    def evaluate(self, text: str | Sequence[str]) -> LanguageEvaluation:
        """Nats and bits per character, perplexity on a text that was not learnt from, beside
        models that count single tokens and five in a row.

        They count the same training text, which a saved model does not hold: then single tokens
        alone stand beside it, and the verdict says so. Raises DataError for a text without tokens.
        """
        self._check_fitted()
        return judge(self, read_texts(text))

    def score(self, text: str | Sequence[str]) -> float:
        """Minus the nats per character on a text that was not learnt from: higher is better."""
        self._check_fitted()
        return -dict(judge(self, read_texts(text), alone=True).ranking())[NETWORK]

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
        if not hasattr(self, "codec_"):
            raise UsageError("this generator has learnt nothing yet; call fit first")

    def __getstate__(self) -> dict[str, Any]:
        """Without the running graphs, which cannot be copied."""
        return {name: value for name, value in vars(self).items() if name not in RUNNING}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if "graphs_" in state:
            self.runner_ = Runner(self.spec_, self.graphs_)
            self.steps_ = TextSteps(self.spec_, self.graphs_, self.codec_)
