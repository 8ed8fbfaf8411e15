"""The PyTorch engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gatewise.batch import Batch, IntArray, Source
from gatewise.engine import EpochPlan, Outputs, device_of, gathered, truth_unasked
from gatewise.engines.torch import progress, speed
from gatewise.engines.torch.averaging import Average
from gatewise.engines.torch.cells import Slot, State
from gatewise.engines.torch.layers import Embedding
from gatewise.engines.torch.losses import loss_of
from gatewise.engines.torch.nets import Answer, build
from gatewise.engines.torch.team import Team
from gatewise.spec import NetworkSpec, Training
from gatewise.weights import Weights

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
}
AVAILABLE_THREADS = torch.get_num_threads()  # cores, or what OMP_NUM_THREADS allows
REMEMBERED = {  # PyTorch's names -> every engine's
    "exp_avg": "first",
    "exp_avg_sq": "second",
    "square_avg": "second",
    "momentum_buffer": "momentum",
}
ONE_THREAD_BELOW = 8192  # units per step (B * H); measured in bench/threads.py


@final
class Engine:
    """A network, its weights and its optimizer on one device; under `torchrun` one of several.

    Raises UsageError when the device is not there.
    """

    name = "torch"

    def __init__(
        self, spec: NetworkSpec, training: Training, weights: Weights, *, device: str = "auto"
    ) -> None:
        self.spec, self.training = spec, training
        self.version = torch.__version__
        self.device = device_of(device, torch.cuda.is_available(), "PyTorch")
        speed.check(training.precision, self.device)
        self.team = Team(self.device)
        self.module = build(spec).to(self.device)
        self.run = speed.compiled(self.module, self.device) if training.compile else self.module
        self.slots = dict(self.module.slots())
        self._write(weights)
        self.parameters = [p for p in self.module.parameters() if p.requires_grad]
        self.team.same_everywhere(list(self.module.parameters()))
        self.optimizer = _optimizer(self.parameters, training)
        self.loss = loss_of(training)
        self.threads = _threads(spec, training.batch_size)
        self.average = Average(self.parameters, training.weight_averaging)
        self.placed: list[tuple[Source, dict[str, Tensor]]] = []

    def train_epoch(self, source: Source, plan: EpochPlan) -> float:
        """See gatewise.engine.Engine. The data is moved once, the loss read once."""
        arrays = self._place(source)
        total = torch.zeros(2, device=self.device)  # loss, and what it is the sum over
        carried: list[State] | None = None
        self.module.train()
        with _threads_set_to(self.threads), _seeded(plan.seed + self.team.rank, self.device):
            if plan.done:
                total, carried = progress.restored(plan.so_far, self.device)
            shares = self.team.shares(plan.batches[plan.done :])
            batches = gathered(source, arrays, [own for own in shares if len(own)], self._rows)
            for step, own in enumerate(shares, plan.done):
                for group in self.optimizer.param_groups:
                    group["lr"] = float(plan.learning_rates[step])
                self.optimizer.zero_grad(set_to_none=True)
                loss = torch.zeros(2, device=self.device)
                if len(own):
                    batch = next(batches)
                    forced = self._forced(batch, float(plan.teacher_forcing[step]))
                    with speed.mixed(self.training.precision, self.device):
                        answer = self._answer(batch, forced, carried)
                    carried = _cut_off(answer.states) if source.carries else None
                    loss = self.loss(answer.output.float(), batch)
                whole = self.team.backward(loss, self.parameters)
                self._clip()
                self._penalise()
                self.optimizer.step()
                self.average.add()
                total += whole
                plan.tick(partial(progress.told, total, carried, self.device))
        return float(total[0] / total[1])

    def evaluate(self, source: Source, batches: Sequence[IntArray]) -> float:
        """See gatewise.engine.Engine."""
        arrays = self._place(source)
        total = torch.zeros(2, device=self.device)
        carried: list[State] | None = None
        self.module.eval()
        with torch.no_grad(), _threads_set_to(self.threads), self.average.in_place():
            for own in self.team.shares(batches):
                if not len(own):
                    continue
                batch = source.gather(arrays, self._rows(own))
                answer = self._answer(batch, None, carried)
                carried = answer.states if source.carries else None
                total += self.loss(answer.output, batch)
            total = self.team.add_up(total)
        return float(total[0] / total[1])

    def forward(self, batch: Batch) -> Outputs:
        """See gatewise.engine.Predictor."""
        self.module.eval()
        with torch.no_grad(), _threads_set_to(self.threads), self.average.in_place():
            answer = self.module(self._tensors(batch))
        state = None
        if answer.states is not None:  # per layer (h, c), (1, B, H) each -> (S, layers, B, H)
            state = torch.stack([torch.cat(parts) for parts in zip(*answer.states, strict=True)])
        return Outputs(*map(_array, (answer.output, answer.attention, state)))

    def gradients(self, batch: Batch) -> dict[str, NDArray[Any]]:
        """See gatewise.engine.Engine."""
        self.module.train()  # cuDNN has no backward pass in evaluation mode
        tensors = self._tensors(batch)
        self.optimizer.zero_grad(set_to_none=True)
        with _dropout_off(self.module):
            answer = self._answer(tensors, self._forced(tensors, 1.0), None)
            loss = self.loss(answer.output, tensors)
            (loss[0] / loss[1]).backward()  # type: ignore[no-untyped-call]
        found = {}
        for name, slot in self.slots.items():
            gradient = slot.parameter.grad
            value = torch.zeros_like(slot.parameter) if gradient is None else gradient
            found[name] = slot.view(value).cpu().numpy().copy()
        self.optimizer.zero_grad(set_to_none=True)
        return found

    def get_weights(self) -> dict[str, NDArray[np.float32]]:
        """See gatewise.engine.Engine."""
        with self.average.in_place():
            return {
                name: np.ascontiguousarray(slot.view(slot.parameter.detach()).cpu().numpy()).copy()
                for name, slot in self.slots.items()
            }

    def set_weights(self, weights: Weights) -> None:
        """See gatewise.engine.Engine. A running mean begins anew."""
        self._write(weights)
        self.average.restart()

    def _write(self, weights: Weights) -> None:
        with torch.no_grad():
            for name, slot in self.slots.items():
                slot.view(slot.parameter).copy_(torch.tensor(np.asarray(weights[name])))

    def get_state(self) -> dict[str, NDArray[Any]]:
        """See gatewise.engine.Engine; with a running mean, also the weights behind it."""
        trained = self._trained()
        state = self.average.state(trained)
        for name, slot in trained.items():
            for key, value in self.optimizer.state.get(slot.parameter, {}).items():
                if key == "step":
                    state["step"] = torch.as_tensor(int(value))
                elif value is not None:
                    state[f"{REMEMBERED[key]}.{name}"] = slot.view(value)
        return {name: np.array(t.cpu().numpy(), order="C") for name, t in state.items()}

    def set_state(self, state: dict[str, NDArray[Any]]) -> None:
        """See gatewise.engine.Engine. What is not there begins anew."""
        trained = self._trained()
        self.average.set_state(state, trained)
        self.optimizer.state.clear()
        counts = {"step": torch.tensor(float(state["step"]))} if "step" in state else {}
        for key in _remembered(self.training):
            for name, slot in trained.items():
                if f"{REMEMBERED[key]}.{name}" not in state:
                    continue
                kept = self.optimizer.state[slot.parameter]
                if key not in kept:
                    kept.update({k: v.clone().to(self.device) for k, v in counts.items()})
                    kept[key] = torch.zeros_like(slot.parameter)
                value = torch.tensor(state[f"{REMEMBERED[key]}.{name}"])
                slot.view(kept[key]).copy_(value)

    def _trained(self) -> dict[str, Slot]:
        """Without what was solved."""
        return {name: slot for name, slot in self.slots.items() if slot.parameter.requires_grad}

    def _rows(self, rows: IntArray) -> Tensor:
        return torch.from_numpy(rows).to(self.device)

    def _answer(self, batch: Batch, forced: Tensor | None, carried: list[State] | None) -> Answer:
        """Only a decoder takes `forced`, only many_to_many goes on from `carried`."""
        if carried is not None:
            return self.run(batch, carried)  # type: ignore[no-any-return]
        return self.run(batch) if forced is None else self.run(batch, forced)  # type: ignore[no-any-return]

    def _place(self, source: Source) -> dict[str, Tensor]:
        for known, tensors in self.placed:
            if known is source:
                return tensors
        tensors = {
            name: torch.from_numpy(array).to(self.device) for name, array in source.arrays.items()
        }
        self.placed = [*self.placed[-1:], (source, tensors)]  # training and validation data
        return tensors

    def _tensors(self, batch: Batch) -> Batch:
        dtype = next(self.module.parameters()).dtype

        def place(value: Any) -> Tensor | None:
            if value is None:
                return None
            tensor = torch.as_tensor(np.asarray(value), device=self.device)
            return tensor.to(dtype) if tensor.is_floating_point() else tensor

        return Batch(**{field.name: place(getattr(batch, field.name)) for field in fields(batch)})

    def _forced(self, batch: Batch, share: float) -> Tensor | None:
        """(B, K) True where the truth is read; None: what the network does without being told."""
        own = truth_unasked(self.spec.decoder)
        if own is None or share == own:
            return None
        truth: Tensor = batch.y  # type: ignore[assignment]  # what is trained on has one
        size = truth.shape[:2]
        if share == 1.0:
            return torch.ones(size, dtype=torch.bool, device=self.device)
        return torch.rand(size, device=self.device) < share

    def _clip(self) -> None:
        if self.training.clip_value is not None:
            nn.utils.clip_grad_value_(self.parameters, self.training.clip_value)
        if self.training.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.training.clip_norm)

    def _penalise(self) -> None:
        """The slope of l2 / 2 times the squares of all matrices."""
        if not self.training.l2:
            return
        with torch.no_grad():
            for p in self.parameters:
                if p.ndim > 1 and p.grad is not None:
                    p.grad.add_(p, alpha=self.training.l2)


def _cut_off(states: list[State] | None) -> list[State]:
    """The states as numbers: the gradient ends with the batch (truncated back-propagation)."""
    return [tuple(part.detach().float() for part in state) for state in states or []]


def _array(tensor: Tensor | None) -> Any:
    return None if tensor is None else tensor.cpu().numpy()


def _optimizer(parameters: list[nn.Parameter], training: Training) -> torch.optim.Optimizer:
    groups = [
        {
            "params": [p for p in parameters if p.ndim > 1],
            "weight_decay": training.weight_decay,
        },
        {"params": [p for p in parameters if p.ndim == 1], "weight_decay": 0.0},
    ]
    options: dict[str, Any] = {"lr": training.rate}
    if training.optimizer == "sgd":
        options["momentum"] = training.momentum
    if training.optimizer != "rmsprop":
        options["fused"] = True  # one kernel for all weights, where small networks lose most
    return OPTIMIZERS[training.optimizer](groups, **options)


def _remembered(training: Training) -> tuple[str, ...]:
    """What PyTorch's optimizer remembers of each weight."""
    if training.optimizer == "sgd":
        return ("momentum_buffer",) if training.momentum else ()
    return ("square_avg",) if training.optimizer == "rmsprop" else ("exp_avg", "exp_avg_sq")


def _threads(spec: NetworkSpec, batch_size: int) -> int:
    """A rule, not a stop-watch: the same run must give the same bits each time."""
    return 1 if batch_size * spec.hidden_size < ONE_THREAD_BELOW else AVAILABLE_THREADS


@contextmanager
def _threads_set_to(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _seeded(seed: int, device: str) -> Iterator[None]:
    """Random numbers of this block depend on the seed alone, and disturb nobody outside."""
    with torch.random.fork_rng([torch.cuda.current_device()] if device == "cuda" else []):
        torch.manual_seed(seed)
        yield


@contextmanager
def _dropout_off(module: nn.Module) -> Iterator[None]:
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Dropout | Embedding)]
    for layer in layers:
        layer.eval()
    try:
        yield
    finally:
        for layer in layers:
            layer.train()
