"""The losses of classes against their formulas, smoothed or not, weighted or not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gatewise.batch import IGNORED, Batch
from gatewise.engines.torch.losses import loss_of
from gatewise.spec import Training


def log_softmax(z):
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy_is_that_of_the_smoothed_truth(smoothing, weighted):
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=(4, 3, 5)), rng.integers(0, 5, (4, 3))
    y[0, 2] = y[3, 1] = IGNORED
    weight = rng.uniform(0.5, 2, 4) if weighted else np.ones(4)
    total = count = 0.0
    for row in range(4):
        for step in range(3):
            if y[row, step] != IGNORED:
                truth = np.full(5, smoothing / 5)
                truth[y[row, step]] += 1 - smoothing
                total += weight[row] * -(truth * log_softmax(z[row, step])).sum()
                count += weight[row]
    batch = Batch(
        x=None,
        y=torch.from_numpy(y),
        weight=torch.from_numpy(weight) if weighted else None,
    )
    training = Training(loss="cross_entropy", label_smoothing=smoothing)
    found = loss_of(training)(torch.from_numpy(z), batch)
    np.testing.assert_allclose(found.numpy(), [total, count], rtol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_binary_cross_entropy_moves_the_truth_towards_one_half(smoothing):
    rng = np.random.default_rng(0)
    z, y = rng.normal(size=(6, 1, 3)), rng.integers(0, 2, (6, 1, 3)).astype(float)
    moved = y * (1 - smoothing) + smoothing / 2
    each = np.logaddexp(0, z) - z * moved
    training = Training(loss="binary_cross_entropy", label_smoothing=smoothing)
    batch = Batch(x=None, y=torch.from_numpy(y))
    total, count = loss_of(training)(torch.from_numpy(z), batch)
    assert float(total / count) == pytest.approx(each.mean())
