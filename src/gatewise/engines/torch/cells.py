"""Recurrent layers on PyTorch: exact on padded batches, without packing.

A packed sequence bypasses oneDNN and costs up to nine times as much. So each layer and direction
is its own unidirectional module over the padded batch: forward steps never see the padding that
comes after them, and the backward direction reads each sequence flipped within its own length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from gatewise.spec import NetworkSpec

State = tuple[Tensor, ...]  # (h, c) of an LSTM, (h,) of others; (1, B, H) each, as torch has it

NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")  # torch's
HELD = 1e4  # saturates a gate: sigmoid(-HELD) is exactly 0, sigmoid(HELD) exactly 1

MODULES: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


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

    def forward(
        self, x: Tensor, lengths: Tensor | None, state: State | None, exact_state: bool
    ) -> tuple[Tensor, State]:
        """Outputs (B, T, H), meaningless behind each length, and the state after the last step.

        With lengths the state is that of the last valid step only where `exact_state` asks for
        it: an LSTM then costs a little more.
        """
        if self.backward:
            x = flip(x, lengths)
        hx = None if state is None else (state if self.cell == "lstm" else state[0])
        if lengths is None or not exact_state:
            outputs, last = self.module(x, hx)
            last = last if self.cell == "lstm" else (last,)
        else:
            outputs, *cell = (
                self._held(x, lengths, state) if self.cell == "lstm" else self.module(x, hx)[:1]
            )
            rows = torch.arange(len(x), device=x.device)
            last = (outputs[rows, lengths - 1][None], *cell)
        if self.backward:
            outputs = flip(outputs, lengths)
        return outputs, last

    def _held(self, x: Tensor, lengths: Tensor, state: State | None) -> tuple[Tensor, Tensor]:
        """Outputs, and c (1, B, H) after each last valid step, without packing.

        One more input is 1 at padding; its weights close the input gate and open the forget gate
        there, so that c stands still.
        """
        hidden = self.hidden_size
        behind = padding(x, lengths)[..., None].to(x.dtype)  # (B, T, 1)
        holding = x.new_zeros(4 * hidden, 1)
        holding[:hidden] = -HELD
        holding[hidden : 2 * hidden] = HELD
        inputs, *others = (self.module.get_parameter(name) for name in NAMES)
        hx = state or (x.new_zeros(1, len(x), hidden),) * 2
        parameters = [torch.cat([inputs, holding], dim=1), *others]
        outputs, _, c = torch.lstm(
            torch.cat([x, behind], dim=-1), hx, parameters, True, 1, 0.0, self.training, False, True
        )
        return outputs, c


@final
class Stack(nn.Module):
    """Layers on top of each other, each in one or two directions.

    dropout      of the input of each layer above the first
    exact_state  see Recurrent.forward
    """

    def __init__(
        self, spec: NetworkSpec, inputs: int, *, bidirectional: bool, exact_state: bool = False
    ) -> None:
        super().__init__()
        self.exact_state = exact_state
        self.dropout = nn.Dropout(spec.dropout)
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

    def forward(
        self, x: Tensor, lengths: Tensor | None = None, states: list[State] | None = None
    ) -> tuple[Tensor, list[State]]:
        """(B, T, inputs) -> outputs (B, T, directions * H), and one state per layer and
        direction, in that order.
        """
        finals: list[State] = []
        for index, layer in enumerate(self.layers):
            x = x if index == 0 else self.dropout(x)
            outputs = []
            for direction in _directions(layer):
                state = None if states is None else states[len(finals)]
                output, final_state = direction(x, lengths, state, self.exact_state)
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
