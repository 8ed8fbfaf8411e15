"""Steps in mixed precision, and compiled ones: off unless asked for; see bench/precision.py.

In bfloat16 the products are computed with 8 bits of mantissa and summed in float32; weights,
gradients, optimizer and loss stay float32, so that no loss needs to be scaled.
Source: Kalamkar et al. 2019.
"""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn

from gatewise.errors import UsageError
from gatewise.spec import Precision

COMPILERS = ("g++", "clang++", "c++", "cl")


def check(precision: Precision, device: str) -> None:
    """Raises UsageError where the device has no bfloat16."""
    if precision == "bfloat16" and device == "cuda" and not torch.cuda.is_bf16_supported():
        raise UsageError(
            f"{torch.cuda.get_device_name()} has no bfloat16; leave precision at float32"
        )


def mixed(precision: Precision, device: str) -> AbstractContextManager[Any]:
    """What the network computes in this block, it computes in this precision."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device, dtype=torch.bfloat16)


def compiled(module: nn.Module, device: str) -> Callable[..., Any]:
    """The module through torch.compile, for batches and lengths of any size.

    Raises UsageError where nothing compiles what it writes.
    """
    named = os.environ.get("CXX")
    if device == "cpu" and not any(map(shutil.which, (named,) if named else COMPILERS)):
        raise UsageError(
            f"compile writes C++ for the CPU and finds no compiler ({named or 'g++'}); install "
            f"one, or leave compile out"
        )
    with _its_own_warnings_away():
        run = torch.compile(module, dynamic=True)

    def quietly(*given: Any) -> Any:
        with _its_own_warnings_away():
            return run(*given)

    return quietly


@contextmanager
def _its_own_warnings_away() -> Iterator[None]:
    """PyTorch's compiler uses what PyTorch gives up, and looks at gradients that are not there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", message="The .grad attribute of a Tensor that is not a")
        yield
