"""How far an epoch is: what is kept of it, and how it goes on from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gatewise.engines.torch.cells import State

TOTAL, RANDOM, RANDOM_CUDA = "total", "random", "random.cuda"


def told(total: Tensor, carried: Sequence[State] | None, device: str) -> dict[str, NDArray[Any]]:
    """The loss so far, the random numbers to come, and the state of each layer of a stream."""
    found = {TOTAL: total, RANDOM: torch.get_rng_state()}
    if device == "cuda":
        found[RANDOM_CUDA] = torch.cuda.get_rng_state()
    for layer, state in enumerate(carried or ()):
        found |= {f"carried.{layer}.{part}": value for part, value in enumerate(state)}
    return {name: np.array(tensor.cpu().numpy()) for name, tensor in found.items()}


def restored(kept: Mapping[str, NDArray[Any]], device: str) -> tuple[Tensor, list[State] | None]:
    """The loss so far, and the carried state; random numbers go on where they were."""
    torch.set_rng_state(torch.from_numpy(kept[RANDOM]))
    if device == "cuda" and RANDOM_CUDA in kept:
        torch.cuda.set_rng_state(torch.from_numpy(kept[RANDOM_CUDA]))
    carried: dict[int, dict[int, Tensor]] = {}
    for name, array in kept.items():
        if name.startswith("carried."):
            layer, part = map(int, name.split(".")[1:])
            carried.setdefault(layer, {})[part] = torch.from_numpy(array).to(device)
    states = [tuple(parts[part] for part in sorted(parts)) for _, parts in sorted(carried.items())]
    return torch.from_numpy(kept[TOTAL]).to(device), states or None
