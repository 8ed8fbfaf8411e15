"""Processes that train one network together: each learns from its share of every batch.

    g = sum over processes of (gradient of their sum of losses) / sum of what these are sums over

So g is the gradient of the mean over all examples (or tokens) of the batch, however unequal the
shares; every process takes the same step with it and holds the same weights.
Source: Li et al. 2020, section 3.
"""

from __future__ import annotations

import atexit
import datetime
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import final

import torch
from torch import Tensor, nn
from torch import distributed as dist

from gatewise.batch import IntArray
from gatewise.engines import processes
from gatewise.errors import RunError, UsageError

PATIENCE = datetime.timedelta(minutes=10)  # for another process that does not answer


@final
class Team:
    """This process and those that train with it; alone, nothing is cut and nothing sent.

    Raises UsageError where they cannot train together, RunError where one does not come.
    """

    def __init__(self, device: str) -> None:
        self.size, self.rank = processes.count(), processes.rank()
        if self.size > 1:
            _join(device)

    def shares(self, batches: Sequence[IntArray]) -> Sequence[IntArray]:
        """What this process reads of each batch; of a small one it may be nothing.

        A stream stands at the same place of every batch, so that it stays with one process.
        """
        if self.size == 1:
            return batches
        return [rows[self.rank :: self.size] for rows in batches]

    def same_everywhere(self, parameters: Sequence[nn.Parameter]) -> None:
        """Begin with the weights of the first process."""
        if self.size == 1:
            return
        with torch.no_grad(), _all_of_them():
            for parameter in parameters:
                dist.broadcast(parameter.data, src=0)

    def add_up(self, total: Tensor) -> Tensor:
        """The sum of every process's."""
        if self.size > 1:
            with _all_of_them():
                dist.all_reduce(total)
        return total

    def backward(self, loss: Tensor, parameters: Sequence[nn.Parameter]) -> Tensor:
        """Gradients of the mean loss over the whole batch; the loss of the whole batch.

        loss  (sum, what it is the sum over) of the share; without a gradient where that is empty
        """
        if self.size == 1:
            (loss[0] / loss[1]).backward()  # type: ignore[no-untyped-call]
            return loss.detach()
        if loss.requires_grad:
            loss[0].backward()  # type: ignore[no-untyped-call]
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = torch.cat([*(part.flatten() for part in parts), loss.detach()])
        total = self.add_up(flat)[-2:].clone()
        flat /= total[1]
        first = 0
        for parameter in parameters:
            parameter.grad = flat[first : first + parameter.numel()].view_as(parameter)
            first += parameter.numel()
        return total


def _join(device: str) -> None:
    """Meet the others, once in a process."""
    if not dist.is_available():
        raise UsageError(
            "this PyTorch was built without torch.distributed: it trains in one process; start "
            "gatewise without torchrun"
        )
    if device == "cuda":
        here, there = processes.local_rank(), torch.cuda.device_count()
        if here >= there:
            raise UsageError(
                f"process {here} of this machine has no GPU of its own ({there} there); start as "
                f"many with --nproc-per-node, or give device 'cpu'"
            )
        torch.cuda.set_device(here)
    if dist.is_initialized():
        return
    with _all_of_them():
        backend = "nccl" if device == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=PATIENCE)
    atexit.register(dist.destroy_process_group)


@contextmanager
def _all_of_them() -> Iterator[None]:
    """Raises RunError in place of what PyTorch says when another process is gone."""
    try:
        yield
    except RuntimeError as error:
        raise RunError(
            f"process {processes.rank()} lost the others, or they never came: see what the first "
            f"of them that ended says, and start all of them again ({str(error).splitlines()[0]})"
        ) from error
