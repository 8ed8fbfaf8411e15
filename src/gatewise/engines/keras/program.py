"""A network and its training as functions of the weights, compiled once for all engines of a spec.

The variables of Keras are places alone: what stands in them is handed in with each call, under the
canonical names, and what changes is handed out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any, final

import keras
from keras import ops

from gatewise.batch import PADDING, Batch
from gatewise.engine import truth_unasked
from gatewise.engines.keras.averaging import moved
from gatewise.engines.keras.backend import backend
from gatewise.engines.keras.cells import Noise, Tensor, lay_out
from gatewise.engines.keras.losses import loss_of
from gatewise.engines.keras.nets import Answer, EncoderDecoder, build
from gatewise.engines.keras.optimizers import update
from gatewise.engines.keras.packing import Packing
from gatewise.spec import NetworkSpec, Training
from gatewise.weights import shapes

Fields = dict[str, Tensor]  # of a batch, those that are there
FORCED = ("own", "truth", "mixed")  # what a decoder reads: see `forcing`

# settings that formulas are written from; the others come as numbers with each step
COMPILED = (
    *("optimizer", "momentum", "weight_decay", "l2", "clip_norm", "clip_value"),
    *("loss", "label_smoothing"),
)


@final
class Program:
    """What is computed of a spec; weights, memory and means come and go packed.

    train     weights, memory and means after a step; the loss; the state to carry on
    judge     the loss; the state
    slopes    of the loss by each weight
    answer    what the network says
    """

    def __init__(self, spec: NetworkSpec, training: Training) -> None:
        self.spec, self.training = spec, training
        self.net = build(spec)
        self.slots = dict(self.net.slots())
        self.trained = [name for name in self.slots if not name.startswith("shortcut.")]
        self.packing = Packing({name: shapes(spec)[name] for name in self.trained})
        self.matrices = self.packing.matrices()
        self.loss = loss_of(training)
        compiled = backend.compiled
        self.train: dict[str, Callable[..., Any]] = {
            mode: compiled(partial(self._train, mode), donated=(0, 1, 2, 3)) for mode in FORCED
        }
        self.judge = compiled(self._judge, donated=(1,))
        self.slopes = compiled(self._slopes, donated=())
        self.answer = compiled(self._answer, donated=())

    def _train(
        self,
        mode: str,
        weights: Fields,
        memory: Fields,
        means: Fields,
        total: Tensor,
        frozen: Fields,
        fields: Fields,
        numbers: Tensor,
        seed: Tensor,
    ) -> tuple[Fields, Fields, Fields, Tensor, Tensor | None]:
        """numbers: see optimizers.numbers; then the share of the truth, and of the average."""

        def lowered(packed: Fields) -> tuple[Tensor, tuple[Tensor, Tensor | None]]:
            unpacked = self.packing.unpack(packed, ops)
            return self._lowered(mode, frozen, fields, numbers[3], seed, unpacked)

        (_, (loss, state)), slopes = backend.with_gradients(lowered, weights)
        slopes = _padding_stays(slopes)
        weights, memory = update(self.training, weights, slopes, memory, numbers, self.matrices)
        return weights, memory, moved(means, weights, numbers[4]), total + loss, state

    def _judge(
        self, weights: Fields, total: Tensor, frozen: Fields, fields: Fields
    ) -> tuple[Tensor, Tensor | None]:
        loss, state = self._run("own", {**self.packing.unpack(weights, ops), **frozen}, fields)
        return total + loss, state

    def _slopes(self, weights: Fields, frozen: Fields, fields: Fields) -> Fields:
        lowered = partial(self._lowered, "truth", frozen, fields, None, None)
        unpacked = self.packing.unpack(weights, ops)
        return _padding_stays(backend.with_gradients(lowered, unpacked)[1])

    def _answer(
        self, weights: Fields, frozen: Fields, fields: Fields
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        with self._standing({**self.packing.unpack(weights, ops), **frozen}):
            answer = self.net(Batch(**fields))
        return answer.output, answer.attention, _stacked(answer)

    def _lowered(
        self,
        mode: str,
        frozen: Fields,
        fields: Fields,
        share: Tensor | None,
        seed: Tensor | None,
        weights: Fields,
    ) -> tuple[Tensor, tuple[Tensor, Tensor | None]]:
        """The mean loss of a batch; its sum and count, the state to carry on."""
        loss, state = self._run(mode, {**weights, **frozen}, fields, share, seed)
        return loss[0] / loss[1], (loss, None if state is None else backend.constant(state))

    def _run(
        self,
        mode: str,
        weights: Fields,
        fields: Fields,
        share: Tensor | None = None,
        seed: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        batch = Batch(**fields)
        noise = None if seed is None else Noise(seed)
        with self._standing(weights):
            if isinstance(self.net, EncoderDecoder):
                answer = self.net(batch, noise, _forced(mode, batch, share, noise))
            else:
                answer = self.net(batch, noise)
            return self.loss(answer.output, batch), _stacked(answer)

    def _standing(self, weights: Mapping[str, Tensor]) -> Any:
        """A block in which the variables hold these weights."""
        return keras.StatelessScope(state_mapping=lay_out(self.slots, weights))


def program(spec: NetworkSpec, training: Training) -> Program:
    """Compiling costs seconds: networks of one kind, trained by the same formulas, share it."""
    return _program(spec, Training(**{name: getattr(training, name) for name in COMPILED}))


@lru_cache(maxsize=64)  # a study comes back to each of its networks
def _program(spec: NetworkSpec, training: Training) -> Program:
    return Program(spec, training)


def forcing(spec: NetworkSpec, share: float) -> str:
    """own: what a decoder does without being told; truth: always the truth; mixed: the truth as
    often as `share` says.
    """
    own = truth_unasked(spec.decoder)
    if own is None or share == own:
        return "own"
    return "truth" if share == 1.0 else "mixed"


def _forced(mode: str, batch: Batch, share: Tensor | None, noise: Noise | None) -> Any:
    """As EncoderDecoder reads it."""
    if mode == "mixed" and noise is not None:
        # not as truth values: TensorFlow complains of those it has to transpose
        return ops.cast(noise.uniform(ops.shape(batch.y)[:2]) < share, "int32")
    return True if mode == "truth" else None


def _stacked(answer: Answer) -> Tensor | None:
    """The states as batch.state has them: (S, layers, B, H)"""
    if answer.states is None:
        return None
    return ops.stack([ops.stack(parts) for parts in zip(*answer.states, strict=True)])


def _padding_stays(slopes: Fields) -> Fields:
    """The row of PADDING in a table must go on adding nothing."""
    tables = {name: slope for name, slope in slopes.items() if name.endswith(".table")}
    still = {
        name: ops.where(ops.arange(slope.shape[0])[:, None] == PADDING, 0.0, slope)
        for name, slope in tables.items()
    }
    return {**slopes, **still}
