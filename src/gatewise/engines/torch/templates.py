"""Pieces of the text that `source` puts together: each is Python that needs torch alone."""

from __future__ import annotations

HEAD = '''\
"""{title}

    model = load()  # reads weights.pth beside this file
    {call}

{arguments}
Axis letters: B sequences, T steps, K predicted or written steps. This is for inference: dropout is
left out.
"""

from __future__ import annotations

{math}from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def recurrent(layers, x: Tensor, lengths: Tensor | None = None, state=None):
    """Outputs (B, T, D) and the state after each sequence's last valid step.

    Without lengths nothing is packed, which is faster.
    """
    if lengths is None:
        return layers(x, state)
    packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
    outputs, state = layers(packed, state)
    outputs, _ = pad_packed_sequence(outputs, batch_first=True, total_length=x.shape[1])
    return outputs, state
'''

VALID = '''

def valid_steps(steps: Tensor, lengths: Tensor | None) -> Tensor:
    """True before each sequence's end.  (B, T, X), (B,) -> (B, T)"""
    numbers = torch.arange(steps.shape[1], device=steps.device).expand(steps.shape[:2])
    return numbers >= 0 if lengths is None else numbers < lengths[:, None]
'''

POOLING = '''

class AttentionPooling(nn.Module):
    """A weighted mean of the steps: softmax over valid steps of v . tanh(W h_t + b)."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear({read}, {size})
        self.score = nn.Linear({size}, 1, bias=False)

    def forward(self, steps: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        scores = self.score(torch.tanh(self.hidden(steps)))[..., 0]  # (B, T)
        weights = torch.softmax(scores.masked_fill(~valid, -torch.inf), dim=1)
        return torch.einsum("bt,btd->bd", weights, steps), weights
'''

ADDITIVE = '''

class DecoderAttention(nn.Module):
    """What each decoder step takes from the encoder's valid steps (additive: Bahdanau et al.)."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = nn.Linear({read}, {size})
        self.score = nn.Linear({size}, 1, bias=False)
        self.query = nn.Linear({hidden}, {size}, bias=False)
        self.combine = nn.Linear({hidden} + {read}, {hidden})

    def forward(self, shown, memory, keys, valid) -> tuple[Tensor, Tensor]:
        sums = keys[:, None] + self.query(shown)[:, :, None]  # (B, K, T, A)
        scores = self.score(torch.tanh(sums))[..., 0]
        weights = torch.softmax(scores.masked_fill(~valid[:, None], -torch.inf), dim=-1)
        context = weights @ memory  # (B, K, D)
        return torch.tanh(self.combine(torch.cat([shown, context], dim=-1))), weights
'''

MULTIPLICATIVE = '''

class DecoderAttention(nn.Module):
    """What each decoder step takes from the encoder's valid steps (Luong et al., "general")."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear({hidden}, {read}, bias=False)
        self.combine = nn.Linear({hidden} + {read}, {hidden})

    def forward(self, shown, memory, valid) -> tuple[Tensor, Tensor]:
        scores = self.query(shown) @ memory.transpose(1, 2)  # (B, K, T)
        weights = torch.softmax(scores.masked_fill(~valid[:, None], -torch.inf), dim=-1)
        context = weights @ memory  # (B, K, D)
        return torch.tanh(self.combine(torch.cat([shown, context], dim=-1))), weights
'''

SHORTCUT = '''

class Shortcut(nn.Module):
    """The last {count} valid steps of the predicted values, straight to the output."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty({count}, {horizon}, {values}))
        self.bias = nn.Parameter(torch.empty({horizon}, {values}))

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        if lengths is None:
            lengths = torch.full(x.shape[:1], x.shape[1], device=x.device)
        index = lengths[:, None] - {count} + torch.arange({count}, device=x.device)
        known = index.clamp(min=0)[..., None].expand(-1, -1, {values})
        last = x[..., :{values}].gather(1, known)
        last = last.masked_fill((index < 0)[..., None], 0.0)  # (B, {count}, {values})
        return torch.einsum("bnd,nkd->bkd", last, self.weight) + self.bias
'''

BRIDGE = '''

def bridged(maps: nn.ModuleList, states: Tensor) -> Tensor:
    """Final states of both directions -> first states of the decoder."""
    pairs = [torch.cat([states[2 * i], states[2 * i + 1]], dim=-1) for i in range({layers})]
    return torch.stack([layer(pair) for layer, pair in zip(maps, pairs)])
'''

COMMITTEE = '''

class Committee(nn.Module):
    """{members} networks from different seeds, whose probabilities are averaged.

    The output is the logarithm of that mean{odds}: {squash}(output) is the mean.
    """

    def __init__(self) -> None:
        super().__init__()
        self.members = nn.ModuleList(Network() for _ in range({members}))

    def forward(self, x: Tensor, lengths: Tensor | None = None):
        told = [member(x, lengths) for member in self.members]
{gathering}
'''

LOAD = '''

def load(path: str | Path = Path(__file__).with_name("weights.pth")) -> {name}:
    """The network with its trained weights, ready to answer."""
    model = {name}()
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return model.eval()
'''
