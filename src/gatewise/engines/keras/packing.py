"""Small weights side by side in one vector: what an update does to each, it does to all at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from gatewise.engines.keras.cells import Tensor

PACKED = "packed"
LARGE = 2**16  # values: to copy so many costs more than operations of their own


@final
class Packing:
    """Which weights stand in the vector, and where; tables and large ones keep name and shape.

    shapes  of the weights that are trained, by their canonical names
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.shapes = dict(shapes)
        self.small = [
            name
            for name, shape in self.shapes.items()
            if math.prod(shape) < LARGE and not name.endswith(".table")
        ]
        self.alone = [name for name in self.shapes if name not in self.small]
        sizes = [math.prod(self.shapes[name]) for name in self.small]
        self.ends = [int(end) for end in np.cumsum(sizes)[:-1]]

    def pack(self, weights: Mapping[str, Any]) -> dict[str, NDArray[np.float32]]:
        """Canonical weights -> what is trained."""
        found = {name: np.asarray(weights[name], np.float32) for name in self.alone}
        flat = [np.ravel(np.asarray(weights[name], np.float32)) for name in self.small]
        return {PACKED: np.concatenate(flat), **found}

    def unpack(self, packed: Mapping[str, Tensor], of: Any) -> dict[str, Tensor]:
        """What is trained -> canonical weights; of: `numpy`, or the operations of Keras."""
        parts = of.split(packed[PACKED], self.ends)
        small = dict(zip(self.small, parts, strict=True))
        return {
            name: of.reshape(small[name], shape) if name in small else packed[name]
            for name, shape in self.shapes.items()
        }

    def matrices(self) -> dict[str, Any]:
        """1 where a value belongs to a matrix, else 0: of the vector and of each weight alone."""
        flat = [
            np.full(math.prod(self.shapes[name]), len(self.shapes[name]) > 1, np.float32)
            for name in self.small
        ]
        alone = {name: float(len(self.shapes[name]) > 1) for name in self.alone}
        return {PACKED: np.concatenate(flat), **alone}
