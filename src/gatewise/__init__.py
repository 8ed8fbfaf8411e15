"""gatewise: an LSTM's whole way, from raw data to a watched model.

    import gatewise as gw

    model = gw.Forecaster(horizon=12).fit(frame, target="passengers", time="month")
    model.predict()

The names below are imported when they are first used: `import gatewise` loads no framework.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from gatewise.version import __version__

if TYPE_CHECKING:
    from gatewise.checkpoint import Checkpoints
    from gatewise.data import datasets, toys
    from gatewise.errors import (
        ArtifactError,
        CheckpointError,
        DataError,
        DivergedError,
        GatewiseError,
        InputError,
        MissingExtraError,
        RunError,
        SpecError,
        UsageError,
    )
    from gatewise.exporting.export import export
    from gatewise.runs.log import RunLog
    from gatewise.runs.mlflow import MLflow
    from gatewise.runs.reading import read_runs
    from gatewise.runs.tensorboard import TensorBoard
    from gatewise.spec import Network, NetworkSpec, Training
    from gatewise.stack import Stack
    from gatewise.tasks.classifier import Classifier
    from gatewise.tasks.forecaster import Forecaster
    from gatewise.tasks.generator import Generator
    from gatewise.tasks.rates import find_learning_rate
    from gatewise.tasks.shared import load
    from gatewise.tasks.tagger import Tagger
    from gatewise.tasks.translator import Translator
    from gatewise.tuning.tune import tune

__all__ = [
    "ArtifactError",
    "CheckpointError",
    "Checkpoints",
    "Classifier",
    "DataError",
    "DivergedError",
    "Forecaster",
    "GatewiseError",
    "Generator",
    "InputError",
    "MLflow",
    "MissingExtraError",
    "Network",
    "NetworkSpec",
    "RunError",
    "RunLog",
    "SpecError",
    "Stack",
    "Tagger",
    "TensorBoard",
    "Training",
    "Translator",
    "UsageError",
    "__version__",
    "datasets",
    "export",
    "find_learning_rate",
    "load",
    "read_runs",
    "toys",
    "tune",
]

_HOMES = {  # module -> its public names; one that is empty is public itself
    "gatewise.checkpoint": ("Checkpoints",),
    "gatewise.data.datasets": (),
    "gatewise.data.toys": (),
    "gatewise.errors": tuple(name for name in __all__ if name.endswith("Error")),
    "gatewise.exporting.export": ("export",),
    "gatewise.runs.log": ("RunLog",),
    "gatewise.runs.mlflow": ("MLflow",),
    "gatewise.runs.reading": ("read_runs",),
    "gatewise.runs.tensorboard": ("TensorBoard",),
    "gatewise.spec": ("Network", "NetworkSpec", "Training"),
    "gatewise.stack": ("Stack",),
    "gatewise.tasks.classifier": ("Classifier",),
    "gatewise.tasks.forecaster": ("Forecaster",),
    "gatewise.tasks.generator": ("Generator",),
    "gatewise.tasks.rates": ("find_learning_rate",),
    "gatewise.tasks.shared": ("load",),
    "gatewise.tasks.tagger": ("Tagger",),
    "gatewise.tasks.translator": ("Translator",),
    "gatewise.tuning.tune": ("tune",),
}


def __getattr__(name: str) -> Any:
    """A public name, imported from its home (PEP 562)."""
    for home, names in _HOMES.items():
        if name in names or (not names and home.endswith(f".{name}")):
            module = importlib.import_module(home)
            value = globals()[name] = getattr(module, name) if names else module
            return value
    from gatewise.errors import did_you_mean

    raise AttributeError(f"gatewise has no '{name}'{did_you_mean(name, __all__)}")


def __dir__() -> list[str]:
    return sorted(set(__all__) | set(globals()))
