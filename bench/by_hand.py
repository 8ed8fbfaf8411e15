"""The small networks that one writes by hand: a layer of LSTM, its last step, a linear head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = Mapping[str, NDArray[np.float32]]  # by our names
LAYER = "encoder.0.forward"


def torch_network(hidden_size: int, outputs: int, words: int = 0, embedded: int = 0) -> Any:
    """forward(x (B, T, 1)), or of `words` forward(x (B, T), lengths (B,)).  -> (B, outputs)"""
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence

    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(words, embedded, padding_idx=0) if words else None
            self.lstm = nn.LSTM(embedded if words else 1, hidden_size, batch_first=True)
            self.head = nn.Linear(hidden_size, outputs)

        def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
            if self.table is None or lengths is None:
                return self.head(self.lstm(x)[0][:, -1])
            packed = pack_padded_sequence(
                self.table(x), lengths, batch_first=True, enforce_sorted=False
            )
            return self.head(self.lstm(packed)[1][0][-1])

    return Plain()


def keras_network(hidden_size: int, outputs: int, words: int = 0, embedded: int = 0) -> Any:
    """The same of Keras' layers; of words, padding (0) is masked."""
    import keras

    layers = [keras.layers.LSTM(hidden_size), keras.layers.Dense(outputs)]
    if not words:
        return keras.Sequential([keras.Input((None, 1)), *layers])
    table = keras.layers.Embedding(words, embedded, mask_zero=True)
    return keras.Sequential([keras.Input((None,), dtype="int32"), table, *layers])


def give_torch(plain: Any, weights: Weights) -> None:
    """Our weights for the network of numbers."""
    import torch

    input_, recurrent, bias = (weights[f"{LAYER}.{n}"] for n in ("input", "recurrent", "bias"))
    named = {
        "lstm.weight_ih_l0": input_.T,
        "lstm.weight_hh_l0": recurrent.T,
        "lstm.bias_ih_l0": bias,
        "lstm.bias_hh_l0": np.zeros_like(bias),
        "head.weight": weights["head.kernel"].T,
        "head.bias": weights["head.bias"],
    }
    with torch.no_grad():
        for name, value in named.items():
            plain.get_parameter(name).copy_(torch.from_numpy(np.ascontiguousarray(value)))


def give_keras(plain: Any, weights: Weights) -> None:
    """Our weights for the network of numbers: the gates have the same order."""
    names = ("input", "recurrent", "bias")
    layer = [weights[f"{LAYER}.{name}"] for name in names]
    plain.set_weights([*layer, weights["head.kernel"], weights["head.bias"]])
