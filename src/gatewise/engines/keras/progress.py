"""How far an epoch is: what is kept of it, and how it goes on from there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from gatewise.engines.keras.backend import backend
from gatewise.engines.keras.cells import Tensor

TOTAL, CARRIED = "total", "carried"


def told(total: Tensor, carried: Tensor | None) -> dict[str, NDArray[Any]]:
    """The loss so far, and the state of a stream; random numbers come from the step's number."""
    found = {TOTAL: total} if carried is None else {TOTAL: total, CARRIED: carried}
    return {name: backend.array(value) for name, value in found.items()}


def restored(kept: Mapping[str, NDArray[Any]], device: str) -> tuple[Tensor, Tensor | None]:
    """The loss so far, and the carried state."""
    carried = kept.get(CARRIED)
    total = backend.placed(kept[TOTAL], device)
    return total, None if carried is None else backend.placed(carried, device)
