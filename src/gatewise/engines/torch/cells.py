"""Recurrent layers on PyTorch: exact on padded batches, without packing.

A packed sequence bypasses oneDNN and costs up to nine times as much. So each layer and direction
is its own unidirectional module over the padded batch: forward steps never see the padding that
comes after them, and the backward direction reads each sequence flipped within its own length.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from gatewise.spec import NetworkSpec

# said on CUDA of a matrix that is made anew for a batch: it cannot be
warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous chunk")

State = tuple[Tensor, ...]  # (h, c) of an LSTM, (h,) of others; (1, B, H) each, as torch has it

NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")  # torch's
HELD = 1e4  # saturates a gate: sigmoid(-HELD) is exactly 0, sigmoid(HELD) exactly 1

MODULES: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
FUNCTIONS: dict[str, Callable[..., tuple[Tensor, ...]]] = {  # what these modules call
    "rnn": torch.rnn_tanh,
    "gru": torch.gru,
    "lstm": torch.lstm,
}


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a canonical weight lives in a torch parameter.

    transposed  torch maps with W @ x, the canonical matrix with x @ W
    first       the canonical vector starts at this entry of the parameter
    """

    parameter: Tensor
    transposed: bool = False
    first: int = 0

    def view(self, tensor: Tensor) -> Tensor:
        """The canonical weight's part of `tensor` (the parameter, or its gradient)."""
        return tensor.T if self.transposed else tensor[self.first :]


@final
class Recurrent(nn.Module):
    """One direction of one layer with one bias per gate, though torch's modules have two.

    The second bias stays 0: both would be trained, and Adam would move their sum twice as far.
    Only the GRU's candidate has a true second bias, inside r * (...).
    """

    def __init__(self, cell: str, inputs: int, hidden_size: int, backward: bool) -> None:
        super().__init__()
        self.cell, self.backward, self.hidden_size = cell, backward, hidden_size
        self.module = MODULES[cell](inputs, hidden_size, batch_first=True)
        second = self.module.get_parameter("bias_hh_l0")
        with torch.no_grad():
            second.zero_()
        if cell == "gru":
            # the plain tensor is captured, so that no hook refers back to the module
            keep = torch.arange(3 * hidden_size) >= 2 * hidden_size
            second.register_hook(lambda gradient: gradient * keep.to(gradient.device))  # type: ignore[no-untyped-call]
        else:
            second.requires_grad_(False)

    def slots(self, prefix: str) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives) of this direction's weights."""
        yield f"{prefix}.input", Slot(self.module.get_parameter("weight_ih_l0"), transposed=True)
        yield (
            f"{prefix}.recurrent",
            Slot(self.module.get_parameter("weight_hh_l0"), transposed=True),
        )
        yield f"{prefix}.bias", Slot(self.module.get_parameter("bias_ih_l0"))
        if self.cell == "gru":
            second = self.module.get_parameter("bias_hh_l0")
            yield f"{prefix}.candidate_bias", Slot(second, first=2 * self.hidden_size)

    @property
    def recurrent(self) -> Tensor:
        """The recurrent matrix, as torch has it."""
        return self.module.get_parameter(NAMES[1])

    def forward(
        self,
        x: Tensor,
        lengths: Tensor | None,
        state: State | None,
        exact_state: bool,
        recurrent: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Outputs (B, T, H), meaningless behind each length, and the state after the last step.

        With lengths the state is that of the last valid step only where `exact_state` asks for
        it: an LSTM then costs a little more.

        recurrent  stands in place of the recurrent matrix
        """
        if self.backward:
            x = flip(x, lengths)
        if lengths is None or not exact_state:
            outputs, *last = self._run(x, state, recurrent)
        elif self.cell == "lstm":
            outputs, *last = self._held(x, lengths, state, recurrent)
        else:
            outputs, *last = self._run(x, state, recurrent)[:1]
        if lengths is not None and exact_state:
            rows = torch.arange(len(x), device=x.device)
            last = [outputs[rows, lengths - 1][None], *last]
        if self.backward:
            outputs = flip(outputs, lengths)
        return outputs, tuple(last)

    def _run(self, x: Tensor, state: State | None, recurrent: Tensor | None) -> tuple[Tensor, ...]:
        """Outputs, and each part of the last state."""
        if recurrent is None:
            hx = None if state is None else (state if self.cell == "lstm" else state[0])
            outputs, last = self.module(x, hx)
            return (outputs, *last) if self.cell == "lstm" else (outputs, last)
        inputs, _, *biases = (self.module.get_parameter(name) for name in NAMES)
        parameters = [inputs, recurrent, *biases]
        begin = state or (x.new_zeros(1, len(x), self.hidden_size),) * (1 + (self.cell == "lstm"))
        hx = begin if self.cell == "lstm" else begin[0]
        return FUNCTIONS[self.cell](x, hx, parameters, True, 1, 0.0, self.training, False, True)

    def _held(
        self, x: Tensor, lengths: Tensor, state: State | None, recurrent: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Outputs, and c (1, B, H) after each last valid step, without packing.

        One more input is 1 at padding; its weights close the input gate and open the forget gate
        there, so that c stands still.
        """
        hidden = self.hidden_size
        behind = padding(x, lengths)[..., None].to(x.dtype)  # (B, T, 1)
        holding = x.new_zeros(4 * hidden, 1)
        holding[:hidden] = -HELD
        holding[hidden : 2 * hidden] = HELD
        inputs, whole, *biases = (self.module.get_parameter(name) for name in NAMES)
        others = [whole if recurrent is None else recurrent, *biases]
        hx = state or (x.new_zeros(1, len(x), hidden),) * 2
        parameters = [torch.cat([inputs, holding], dim=1), *others]
        outputs, _, c = torch.lstm(
            torch.cat([x, behind], dim=-1), hx, parameters, True, 1, 0.0, self.training, False, True
        )
        return outputs, c


@final
class Dropout(nn.Module):
    """Each value is 0 with probability `rate`, the others are multiplied by 1 / (1 - rate).

    alike  a feature is dropped at all steps of a sequence or at none of them

    Source of alike: Gal & Ghahramani 2016, "variational".
    """

    def __init__(self, rate: float, alike: bool = False) -> None:
        super().__init__()
        self.values, self.alike = nn.Dropout(rate), alike and rate > 0

    def factors(self, x: Tensor, size: int) -> Tensor | None:
        """(B, 1, size) for all steps of these rows; None: each step has its own, or nothing is
        dropped.
        """
        if not self.alike or not self.values.training:
            return None
        kept: Tensor = self.values(torch.ones(len(x), 1, size, device=x.device))
        return kept

    def forward(self, x: Tensor, factors: Tensor | None = None) -> Tensor:
        """(B, T, X) -> (B, T, X); factors: drawn before, for more steps than these"""
        if factors is None:
            factors = self.factors(x, x.shape[-1])
        dropped: Tensor = self.values(x) if factors is None else x * factors
        return dropped


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a batch of training drops of a stack for all steps alike, however many calls they take.

    matrices  the recurrent matrix of each layer and direction; None: whole
    inputs    see Dropout.factors, of each layer above the first
    """

    matrices: list[Tensor | None]
    inputs: list[Tensor | None]


@final
class Stack(nn.Module):
    """Layers on top of each other, each in one or two directions.

    dropout      of the input of each layer above the first
    weight_drop  of the entries of recurrent matrices: once per batch, so that the loop over the
                 steps is the same (DropConnect; Merity et al. 2018, section 2)
    exact_state  see Recurrent.forward
    """

    def __init__(
        self, spec: NetworkSpec, inputs: int, *, bidirectional: bool, exact_state: bool = False
    ) -> None:
        super().__init__()
        self.exact_state, self.hidden_size = exact_state, spec.hidden_size
        self.dropout = Dropout(spec.dropout, spec.variational_dropout)
        self.weight_drop = nn.Dropout(spec.recurrent_dropout)
        self.layers = nn.ModuleList()
        for _ in range(spec.num_layers):
            ways = (False, True) if bidirectional else (False,)
            self.layers.append(
                nn.ModuleList(
                    Recurrent(spec.cell, inputs, spec.hidden_size, backward) for backward in ways
                )
            )
            inputs = spec.hidden_size * len(ways)

    def slots(self, part: str) -> Iterator[tuple[str, Slot]]:
        """(canonical name, where it lives) of every layer and direction."""
        for index, layer in enumerate(self.layers):
            for direction in _directions(layer):
                way = "backward" if direction.backward else "forward"
                yield from direction.slots(f"{part}.{index}.{way}")

    def dropped(self, x: Tensor) -> Dropped:
        """Drawn for a batch; x (B, ...): anything of its rows."""
        matrices: list[Tensor | None] = []
        inputs: list[Tensor | None] = []
        for index, layer in enumerate(self.layers):
            ways = list(_directions(layer))
            inputs.append(self.dropout.factors(x, self.hidden_size * len(ways)) if index else None)
            drops = self.weight_drop.training and self.weight_drop.p
            matrices += [self.weight_drop(way.recurrent) if drops else None for way in ways]
        return Dropped(matrices, inputs)

    def forward(
        self,
        x: Tensor,
        lengths: Tensor | None = None,
        states: list[State] | None = None,
        dropped: Dropped | None = None,
    ) -> tuple[Tensor, list[State]]:
        """(B, T, inputs) -> outputs (B, T, directions * H), and one state per layer and
        direction, in that order.

        dropped  drawn before, for more steps than these
        """
        dropped = dropped or self.dropped(x)
        finals: list[State] = []
        for index, layer in enumerate(self.layers):
            x = self.dropout(x, dropped.inputs[index]) if index else x
            outputs = []
            for direction in _directions(layer):
                state = None if states is None else states[len(finals)]
                matrix = dropped.matrices[len(finals)]
                output, final_state = direction(x, lengths, state, self.exact_state, matrix)
                outputs.append(output)
                finals.append(final_state)
            x = outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-1)
        return x, finals


def _directions(layer: nn.Module) -> Iterator[Recurrent]:
    for direction in layer.children():
        if isinstance(direction, Recurrent):
            yield direction


def padding(x: Tensor, lengths: Tensor) -> Tensor:
    """True behind each sequence's length.  (B, T)"""
    return torch.arange(x.shape[1], device=x.device) >= lengths[:, None]


def flip(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Each sequence backwards within its own length; its padding stays behind.  (B, T, F)"""
    if lengths is None:
        return x.flip(1)
    steps = torch.arange(x.shape[1], device=x.device)
    index = lengths[:, None] - 1 - steps  # (B, T)
    index = torch.where(index >= 0, index, steps)
    return x.gather(1, index[..., None].expand_as(x))
