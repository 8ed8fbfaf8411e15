"""Attention, and the other ways to make one vector of many steps, in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import FloatArray
from gatewise.reference.cells import Weights
from gatewise.reference.layers import Encoded
from gatewise.spec import NetworkSpec


def pool_last(encoded: Encoded, _weights: Weights) -> tuple[FloatArray, None]:
    """Each direction of the top layer after its own last step: forward the last valid one,
    backward the first.  -> (B, H * directions)
    """
    return np.concatenate([h for h, *_ in encoded.states[-1]], axis=-1), None


def pool_mean(encoded: Encoded, _weights: Weights) -> tuple[FloatArray, None]:
    """The mean over valid steps.  (B, T, X) -> (B, X)"""
    counts = encoded.mask.sum(axis=1, keepdims=True).astype(encoded.steps.dtype)
    mean: FloatArray = encoded.steps.sum(axis=1) / counts  # steps are 0 at padding
    return mean, None


def pool_max(encoded: Encoded, _weights: Weights) -> tuple[FloatArray, None]:
    """The maximum over valid steps.  (B, T, X) -> (B, X)"""
    valid = np.where(encoded.mask[:, :, None], encoded.steps, -np.inf)
    highest: FloatArray = valid.max(axis=1).astype(encoded.steps.dtype)
    return highest, None


def pool_mean_max(encoded: Encoded, weights: Weights) -> tuple[FloatArray, None]:
    """The mean and the maximum, side by side.  (B, T, X) -> (B, 2X)"""
    both = [pool(encoded, weights)[0] for pool in (pool_mean, pool_max)]
    return np.concatenate(both, axis=-1), None


def softmax(scores: FloatArray, valid: NDArray[np.bool_]) -> FloatArray:
    """exp(score) / sum of exp(score) along the last axis, over valid entries; 0 elsewhere."""
    scores = np.where(valid, scores, -np.inf)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: FloatArray = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def pool_attention(encoded: Encoded, weights: Weights) -> tuple[FloatArray, FloatArray]:
    """Additive attention: a weighted mean of the steps, and the weights, 0 at padding.

        e_t = v . tanh(h_t K + b)      how much step t matters
        a   = softmax of e over the valid steps alone
        s   = sum of a_t h_t

    h (B, T, X) · K (X, A) · b, v (A,) -> s (B, X), a (B, T)
    Source: Bahdanau et al. 2015, section A.1.2, without a decoder state.
    """
    hidden = np.tanh(encoded.steps @ weights["attention.kernel"] + weights["attention.bias"])
    attention = softmax(hidden @ weights["attention.score"], encoded.mask)  # (B, T)
    return np.einsum("bt,btx->bx", attention, encoded.steps), attention


POOLINGS: dict[str, Callable[[Encoded, Weights], tuple[FloatArray, FloatArray | None]]] = {
    "last": pool_last,
    "mean": pool_mean,
    "max": pool_max,
    "mean_max": pool_mean_max,
    "attention": pool_attention,
}


def score_additive(weights: Weights, shown: FloatArray, memory: FloatArray) -> FloatArray:
    """e_kt = v . tanh(m_t W + h_k U + b)

    h (B, K, H) · m (B, T, X) · W (X, A) · U (H, A) · b, v (A,) -> (B, K, T)
    Source: Bahdanau et al. 2015, section A.1.2.
    """
    keys = memory @ weights["attention.kernel"] + weights["attention.bias"]  # (B, T, A)
    queries = shown @ weights["attention.query"]  # (B, K, A)
    hidden = np.tanh(keys[:, None] + queries[:, :, None])  # (B, K, T, A)
    scores: FloatArray = hidden @ weights["attention.score"]
    return scores


def score_multiplicative(weights: Weights, shown: FloatArray, memory: FloatArray) -> FloatArray:
    """e_kt = (h_k U) . m_t

    h (B, K, H) · m (B, T, X) · U (H, X) -> (B, K, T)
    Source: Luong et al. 2015, "general".
    """
    scores: FloatArray = np.einsum("bkx,btx->bkt", shown @ weights["attention.query"], memory)
    return scores


SCORES: dict[str, Callable[[Weights, FloatArray, FloatArray], FloatArray]] = {
    "additive": score_additive,
    "multiplicative": score_multiplicative,
}


def attend(
    spec: NetworkSpec, weights: Weights, shown: FloatArray, encoded: Encoded
) -> tuple[FloatArray, FloatArray | None]:
    """What each decoder step takes from the encoder's valid steps, and the weight of each.

        a_k   = softmax of e_k over the valid steps alone
        out_k = tanh([h_k; sum over t of a_kt m_t] C + d)

    h (B, K, H) what the decoder's stack shows · m (B, T, X) · C (H + X, H) · d (H,)
    -> (B, K, H), a (B, K, T); without attention h itself
    Source: Luong et al. 2015, section 3.
    """
    if spec.attention == "none":
        return shown, None
    scores = SCORES[spec.attention](weights, shown, encoded.steps)
    attention = softmax(scores, encoded.mask[:, None])
    context = np.einsum("bkt,btx->bkx", attention, encoded.steps)
    both = np.concatenate([shown, context], axis=-1)  # (B, K, H + X)
    return np.tanh(both @ weights["combine.kernel"] + weights["combine.bias"]), attention
