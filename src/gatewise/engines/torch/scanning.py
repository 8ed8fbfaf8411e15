"""Recurrent layers through torch's `scan`, for torch.export: it keeps any length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch._higher_order_ops.scan import scan

from gatewise.reference import STATES
from gatewise.weights import GATES


def scanned(
    layers: nn.RNNBase, x: Tensor, lengths: Tensor | None = None, state: Any = None
) -> tuple[Tensor, Any]:
    """As `recurrent` in network.py, through torch's `scan`.

    torch.export unrolls nn.LSTM, which freezes the length it was shown; a scan keeps any length.
    Behind a sequence's end the state stands still.
    """
    cell = {nn.RNN: "rnn", nn.GRU: "gru", nn.LSTM: "lstm"}[type(layers)]
    given = None if state is None else (state if isinstance(state, tuple) else (state,))
    ways = 2 if layers.bidirectional else 1
    steps = x.transpose(0, 1)  # (T, B, F)
    valid = None
    if lengths is not None:
        numbers = torch.arange(x.shape[1], device=x.device)
        valid = (numbers[:, None] < lengths)[..., None]  # (T, B, 1)
    finals = []
    for layer in range(layers.num_layers):
        outputs = []
        for way in range(ways):
            index = layer * ways + way
            begin = None if given is None else tuple(part[index] for part in given)
            end = f"l{layer}{'_reverse' if way else ''}"
            output, last = _scan(layers, cell, end, steps, valid, begin, backward=bool(way))
            outputs.append(output)
            finals.append(last)
        steps = outputs[0] if ways == 1 else torch.cat(outputs, dim=-1)
    stacked = tuple(torch.stack(parts) for parts in zip(*finals, strict=True))
    return steps.transpose(0, 1), stacked if cell == "lstm" else stacked[0]


def _scan(
    layers: nn.RNNBase,
    cell: str,
    end: str,
    steps: Tensor,
    valid: Tensor | None,
    begin: tuple[Tensor, ...] | None,
    *,
    backward: bool,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """One direction of one layer: (T, B, F) -> (T, B, H), last state."""
    names = (f"weight_ih_{end}", f"weight_hh_{end}", f"bias_ih_{end}", f"bias_hh_{end}")
    weight, recurrent, bias, second = (layers.get_parameter(name) for name in names)
    read = nn.functional.linear(steps, weight, bias)  # (T, B, G*H)
    if begin is None:
        zeros = read.new_zeros(read.shape[1], layers.hidden_size)
        begin = tuple(zeros.clone() for _ in STATES[cell])
    advance = STEPS[cell]

    def step(state: tuple[Tensor, ...], now: Any) -> tuple[tuple[Tensor, ...], Tensor]:
        gates, going = now if valid is not None else (now, None)
        moved = advance(gates, nn.functional.linear(state[0], recurrent, second), *state)
        if going is not None:
            moved = tuple(torch.where(going, n, s) for n, s in zip(moved, state, strict=True))
        return moved, moved[0].clone()

    if isinstance(steps.shape[0], int) and steps.shape[0] == 1:  # a decoder's single step
        now = read[0] if valid is None else (read[0], valid[0])
        moved, output = step(begin, now)
        return output[None], moved
    over = read if valid is None else (read, valid)
    last, outputs = scan(step, begin, over, dim=0, reverse=backward)
    return outputs, tuple(last)


def _rnn(read: Tensor, again: Tensor, _: Tensor) -> tuple[Tensor, ...]:
    return (torch.tanh(read + again),)


def _gru(read: Tensor, again: Tensor, h: Tensor) -> tuple[Tensor, ...]:
    """r, z, n; torch's second bias of n stands inside r * (...)."""
    r, z, n = read.chunk(GATES["gru"], dim=-1)
    r2, z2, n2 = again.chunk(GATES["gru"], dim=-1)
    z = torch.sigmoid(z + z2)
    n = torch.tanh(n + torch.sigmoid(r + r2) * n2)
    return ((1.0 - z) * n + z * h,)


def _lstm(read: Tensor, again: Tensor, _: Tensor, c: Tensor) -> tuple[Tensor, ...]:
    """i, f, g, o"""
    i, f, g, o = (read + again).chunk(GATES["lstm"], dim=-1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


STEPS: dict[str, Callable[..., tuple[Tensor, ...]]] = {"rnn": _rnn, "gru": _gru, "lstm": _lstm}
