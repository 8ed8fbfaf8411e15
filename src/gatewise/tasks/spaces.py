"""What `tune` tries for each task where the user does not say, and what it refuses to try.

A list holds choices, {low, high} a range, {times} multiples of what the task would take itself.
Trials are judged by their validation loss: a setting that changes what that loss measures, or does
not change it at all, is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_COMMON: Final[dict[str, Any]] = {
    "hidden_size": [32, 64, 128, 256],
    "num_layers": [1, 2],
    "dropout": {"low": 0.0, "high": 0.6},
    "learning_rate": {"low": 5e-4, "high": 1e-2, "log": True},
    "batch_size": [16, 32, 64],
    "cell": ["lstm", "gru"],
}
_TOKENS: Final[dict[str, Any]] = {
    "input_dropout": {"low": 0.0, "high": 0.5},
    "embedding_size": [64, 128, 256],
}

SPACES: Final[Mapping[str, Mapping[str, Any]]] = {
    "forecast": {
        **_COMMON,
        "hidden_size": [16, 32, 64, 128],
        "learning_rate": {"low": 3e-4, "high": 3e-2, "log": True},
        "lookback": {"times": [0.5, 1, 2]},
    },
    "classify": {
        **_COMMON,
        "input_dropout": {"low": 0.0, "high": 0.5},
        "bidirectional": [True, False],
        "pooling": ["mean_max", "max", "attention"],
    },
    "tag": {**_COMMON, **_TOKENS, "bidirectional": [True, False]},
    "generate": {
        **_COMMON,
        **_TOKENS,
        "hidden_size": {"times": [0.5, 1, 2]},
        "batch_size": [4, 8, 16],
    },
    "translate": {
        **_COMMON,
        **_TOKENS,
        "bidirectional": [True, False],
        "attention": ["additive", "multiplicative"],
    },
}

_OTHER_LOSS: Final = "it changes what the validation loss measures, so trials could not be compared"
_OTHER_PART: Final = "trials are compared on one and the same validation part"
_OTHER_CUT: Final = f"it cuts the text otherwise, and {_OTHER_PART}"
_NO_EFFECT: Final = "the validation loss does not depend on it"
_SAME_FOR_ALL: Final = "all trials have it in common"

_EVERYWHERE: Final = {
    "loss": _OTHER_LOSS,
    "label_smoothing": _OTHER_LOSS,
    "validation": _OTHER_PART,
    "seed": "the luckiest seed is no better network; repeat the winner with other seeds instead",
    "engine": _SAME_FOR_ALL,
    "device": _SAME_FOR_ALL,
    "verbose": _NO_EFFECT,
}

OTHER_UNIT: Final = (
    "with window_scaling 'mean_std' the unit of the loss is the spread of the rows that are read, "
    "so trials could not be compared"
)

REFUSED: Final[Mapping[str, Mapping[str, str]]] = {
    "forecast": {
        **_EVERYWHERE,
        "horizon": _OTHER_LOSS,
        "strategy": _OTHER_LOSS,
        "scaling": _OTHER_LOSS,
        "window_scaling": _OTHER_LOSS,
        "transform": _OTHER_LOSS,
        "channel_independent": _OTHER_LOSS,
        "retrain": _NO_EFFECT,
    },
    "classify": {
        **_EVERYWHERE,
        "multi_label": _OTHER_LOSS,
        "class_weight": _OTHER_LOSS,
        "keep_duplicates": _OTHER_PART,
        "members": "a trial trains one network; the winner gets its members when it is retrained",
    },
    "tag": _EVERYWHERE,
    "generate": {
        **_EVERYWHERE,
        "unit": _OTHER_LOSS,
        "lowercase": _OTHER_LOSS,
        "vocab_size": _OTHER_LOSS,
        "sequence_length": _OTHER_CUT,
        "quantize": _NO_EFFECT,
    },
    "translate": {
        **_EVERYWHERE,
        "unit": _OTHER_LOSS,
        "target_unit": _OTHER_LOSS,
        "lowercase": _OTHER_LOSS,
        "vocab_size": _OTHER_LOSS,
        "max_length": _OTHER_LOSS,
        "beam": _NO_EFFECT,
        "length_penalty": _NO_EFFECT,
    },
}
