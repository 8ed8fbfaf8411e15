"""The backend that Keras runs on in this process; both sides have the same public names."""

from __future__ import annotations

import keras

if keras.backend.backend() == "jax":
    from gatewise.engines.keras import on_jax as backend
else:
    from gatewise.engines.keras import on_tensorflow as backend  # type: ignore[no-redef]

__all__ = ["backend"]
