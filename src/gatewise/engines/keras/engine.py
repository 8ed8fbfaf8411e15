"""The engine on Keras, for TensorFlow and for JAX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any, final

import keras
import numpy as np
from numpy.typing import NDArray

from gatewise.batch import IGNORED, PADDING, Batch, IntArray, Source
from gatewise.engine import EpochPlan, Outputs, device_of, gathered
from gatewise.engines import processes
from gatewise.engines.keras import progress
from gatewise.engines.keras.averaging import Average
from gatewise.engines.keras.backend import backend
from gatewise.engines.keras.cells import Tensor
from gatewise.engines.keras.optimizers import numbers, remembered, told
from gatewise.engines.keras.program import forcing, program
from gatewise.errors import UsageError
from gatewise.spec import NetworkSpec, Training
from gatewise.weights import Weights

FIELDS = [field.name for field in fields(Batch)]
Arrays = dict[str, NDArray[Any]]


@final
class Engine:
    """A network, its weights and its optimizer on one device.

    Raises UsageError when the device is not there.
    """

    def __init__(
        self, spec: NetworkSpec, training: Training, weights: Weights, *, device: str = "auto"
    ) -> None:
        self.spec, self.training = spec, training
        self.name = keras.backend.backend()
        if processes.count() > 1:
            raise UsageError(
                f"engine '{self.name}' trains in one process, and torchrun started "
                f"{processes.count()}; use engine 'torch', or start without torchrun"
            )
        if training.precision != "float32" or training.compile:
            asked = "compile" if training.compile else f"precision {training.precision}"
            raise UsageError(
                f"{asked} is of engine 'torch': engine '{self.name}' always compiles, in float32; "
                f"leave it out, or use engine 'torch'"
            )
        self.version = f"keras {keras.__version__} on {backend.VERSION}"
        self.device = device_of(device, backend.GPU, backend.NAME)
        self.program = program(spec, training)
        self.packing = self.program.packing
        self.weights: dict[str, Tensor] = {}  # that are trained, packed
        self.frozen: dict[str, Tensor] = {}
        self.average = Average(training.weight_averaging)
        self.set_weights(weights)
        self.updates = 0
        self.memory = self._placed(remembered(training, self.packing, {}))

    def train_epoch(self, source: Source, plan: EpochPlan) -> float:
        """See gatewise.engine.Engine. Weights and memory stay where they are computed."""
        rng = np.random.default_rng(plan.seed)
        seeds = rng.integers(0, 2**31, (len(plan.batches), 2)).astype(np.uint32)
        rows = max(map(len, plan.batches))
        total, carried = self._nothing(), None
        if plan.done:
            total, carried = progress.restored(plan.so_far, self.device)
        with backend.on(self.device):
            batches = gathered(source, source.arrays, plan.batches[plan.done :])
            for step, batch in enumerate(batches, plan.done):
                share = float(plan.teacher_forcing[step])
                train = self.program.train[forcing(self.spec, share)]
                self.updates += 1
                changing = numbers(float(plan.learning_rates[step]), self.updates)
                changed = train(
                    self.weights,
                    self.memory,
                    self.average.means,
                    total,
                    self.frozen,
                    self._fields(batch, source, carried, rows),
                    np.array([*changing, share, self.average.share()], np.float32),
                    seeds[step],
                )
                self.weights, self.memory, self.average.means, total, state = changed
                carried = state if source.carries else None
                plan.tick(partial(progress.told, total, carried))
        loss, count = backend.array(total)
        return float(loss / count)

    def evaluate(self, source: Source, batches: Sequence[IntArray]) -> float:
        """See gatewise.engine.Engine."""
        total, carried = self._nothing(), None
        weights = self.average.in_place_of(self.weights)
        with backend.on(self.device):
            for batch in gathered(source, source.arrays, batches):
                given = self._fields(batch, source, carried)
                total, state = self.program.judge(weights, total, self.frozen, given)
                carried = state if source.carries else None
        loss, count = backend.array(total)
        return float(loss / count)

    def forward(self, batch: Batch) -> Outputs:
        """See gatewise.engine.Predictor."""
        weights = self.average.in_place_of(self.weights)
        rows, steps = batch.x.shape[:2]
        steps //= self.spec.segment_length
        given = _arrays(batch if self.spec.decoder == "tokens" else replace(batch, y=None))
        with backend.on(self.device):
            found = self.program.answer(weights, self.frozen, self._padded(given))
        output, attention, state = (None if part is None else backend.array(part) for part in found)
        output = np.asarray(output)[:rows]
        if self.spec.kind == "many_to_many":
            output = output[:, :steps]
        elif self.spec.decoder == "tokens":
            output = output[:, : np.shape(np.asarray(batch.y))[1]]
            attention = None if attention is None else attention[:, : output.shape[1]]
        return Outputs(
            output,
            None if attention is None else attention[:rows, ..., :steps],
            None if state is None else state[:, :, :rows],
        )

    def gradients(self, batch: Batch) -> dict[str, NDArray[Any]]:
        """See gatewise.engine.Engine."""
        with backend.on(self.device):
            given = self._padded(_arrays(batch))
            slopes = self.program.slopes(self.weights, self.frozen, _with_weights(given))
        found = {name: backend.array(slope) for name, slope in slopes.items()}
        still = {name: np.zeros(np.shape(value), np.float32) for name, value in self.frozen.items()}
        return {name: {**found, **still}[name] for name in self.program.slots}

    def get_weights(self) -> dict[str, NDArray[np.float32]]:
        """See gatewise.engine.Engine."""
        still = {name: backend.array(value) for name, value in self.frozen.items()}
        kept = {**self._unpacked(self.average.in_place_of(self.weights)), **still}
        return {name: kept[name] for name in self.program.slots}

    def set_weights(self, weights: Weights) -> None:
        """See gatewise.engine.Engine. A running mean begins anew."""
        packed = self.packing.pack(weights)
        self.weights = self._placed(packed)
        trained = self.packing.shapes
        others = {name: weights[name] for name in self.program.slots if name not in trained}
        self.frozen = self._placed(others)
        # a copy: what is trained gives its memory away
        self.average.restart(self._placed(packed))

    def get_state(self) -> dict[str, NDArray[Any]]:
        """See gatewise.engine.Engine; with a running mean, also the weights behind it."""
        memory = {name: backend.array(value) for name, value in self.memory.items()}
        return {
            **self.average.state(self._unpacked(self.weights)),
            **told(self.training, self.packing, memory),
            "step": np.array(self.updates),
        }

    def set_state(self, state: dict[str, NDArray[Any]]) -> None:
        """See gatewise.engine.Engine. What is not there begins anew."""
        self.memory = self._placed(remembered(self.training, self.packing, state))
        self.updates = int(state.get("step", 0))
        trained = self.average.set_state(state)
        self.weights = self._placed(self.packing.pack(trained)) if trained else self.weights

    def _placed(self, arrays: Mapping[str, Any]) -> dict[str, Tensor]:
        return {
            name: backend.placed(np.asarray(array, np.float32), self.device)
            for name, array in arrays.items()
        }

    def _unpacked(self, packed: Mapping[str, Tensor]) -> Arrays:
        arrays = {name: backend.array(value) for name, value in packed.items()}
        return self.packing.unpack(arrays, np)

    def _nothing(self) -> Tensor:
        """Loss, and what it is the sum over, before the first batch."""
        return backend.placed(np.zeros(2, np.float32), self.device)

    def _fields(
        self, batch: Batch, source: Source, carried: Tensor | None, rows: int = 0
    ) -> dict[str, Any]:
        """What is learnt from, the state of the batch before in it; at least so many rows."""
        given: dict[str, Any] = self._padded(_arrays(batch), rows)
        if source.carries and self.spec.kind == "many_to_many":
            shape = (
                1 + (self.spec.cell == "lstm"),
                self.spec.num_layers,
                len(given["x"]),
                self.spec.hidden_size,
            )
            given["state"] = np.zeros(shape, np.float32) if carried is None else carried
        return _with_weights(given)

    def _padded(self, given: Arrays, rows: int = 0) -> Arrays:
        """Rows and steps of a size that was compiled before; what is added does not count."""
        count, steps = given["x"].shape[:2]
        wanted, longest = backend.fitted((max(count, rows), steps))
        if "lengths" not in given:
            longest = steps
        sizes = {"x": longest}
        if self.spec.kind == "many_to_many" and "y" in given:
            sizes["y"] = longest
        elif self.spec.decoder == "tokens" and "y" in given:
            sizes["y"] = backend.fitted((1, given["y"].shape[1]))[1]
        if wanted == count and all(size == given[name].shape[1] for name, size in sizes.items()):
            return given
        if wanted > count:
            given = {**given, "weight": given.get("weight", np.ones(count, np.float32))}
        found = {}
        for name, array in given.items():
            axis = 2 if name == "state" else 0
            room = [(0, 0)] * array.ndim
            room[axis] = (0, wanted - count)
            if name in sizes:
                room[1] = (0, sizes[name] - array.shape[1])
            classes = name == "y" and array.dtype.kind != "f"
            found[name] = np.pad(array, room, constant_values=IGNORED if classes else PADDING)
        if "lengths" in found:
            found["lengths"][count:] = self.spec.segment_length
        return found


def _with_weights(given: dict[str, Any]) -> dict[str, Any]:
    """Every batch says how much its examples count, so that all are alike to a compiler."""
    if "weight" in given:
        return given
    return {**given, "weight": np.ones(len(given["x"]), np.float32)}


def _arrays(batch: Batch) -> Arrays:
    """What is there, in 32 bits."""
    found = {}
    for name in FIELDS:
        value = getattr(batch, name)
        if value is not None:
            array = np.asarray(value)
            found[name] = array.astype(np.float32 if array.dtype.kind == "f" else np.int32)
    return found
