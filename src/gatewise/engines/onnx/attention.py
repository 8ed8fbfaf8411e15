"""Attention, and the other ways to make one vector of many steps, as nodes of a graph."""

from __future__ import annotations

import math
from collections.abc import Callable

from gatewise.engines.onnx.graph import FLOAT, INT64, Graph, States
from gatewise.spec import NetworkSpec


def pool(
    graph: Graph, spec: NetworkSpec, steps: str, finals: States, lengths: str
) -> tuple[str, str | None]:
    """The steps as one vector and, when pooling is attention, the weight of each.

    steps (T, directions, B, H) -> (B, H * directions), (B, T)
    """
    if spec.pooling == "last":  # a layer's final h is that of each direction's own last step
        return graph.side_by_side(finals[-1][0]), None
    h = graph.steps_side_by_side(steps)  # (B, T, H * directions)
    return POOLINGS[spec.pooling](graph, h, step_mask(graph, h, lengths))


def step_mask(graph: Graph, h: str, lengths: str) -> str:
    """True at valid steps.  h (B, T, X), lengths (B,) -> (B, T, 1)"""
    steps = graph.add("Gather", graph.add("Shape", h), graph.number(1))
    numbers = graph.add("Range", graph.number(0), steps, graph.number(1))  # (T,)
    column = graph.add("Unsqueeze", numbers, graph.integers(1))  # (T, 1)
    ends = graph.add("Unsqueeze", lengths, graph.integers(1, 2))  # (B, 1, 1)
    return graph.add("Less", column, ends)


def pool_mean(graph: Graph, h: str, mask: str) -> tuple[str, None]:
    """The mean over valid steps.  (B, T, X) -> (B, X)"""
    valid = graph.add("Where", mask, h, graph.number(0.0))
    total = graph.add("ReduceSum", valid, graph.integers(1), keepdims=0)
    ones = graph.add("Cast", mask, to=FLOAT)
    counts = graph.add("ReduceSum", ones, graph.integers(1), keepdims=0)  # (B, 1)
    return graph.add("Div", total, counts), None


def pool_max(graph: Graph, h: str, mask: str) -> tuple[str, None]:
    """The maximum over valid steps.  (B, T, X) -> (B, X)"""
    valid = graph.add("Where", mask, h, graph.number(-math.inf))
    return graph.add("ReduceMax", valid, axes=(1,), keepdims=0), None


def pool_mean_max(graph: Graph, h: str, mask: str) -> tuple[str, None]:
    """The mean and the maximum, side by side.  (B, T, X) -> (B, 2X)"""
    both = [pool(graph, h, mask)[0] for pool in (pool_mean, pool_max)]
    return graph.add("Concat", *both, axis=1), None


def valid_softmax(graph: Graph, scores: str, mask: str, axis: int) -> str:
    """Softmax over valid entries, exactly 0 elsewhere."""
    valid = graph.add("Where", mask, scores, graph.number(-math.inf))
    powers = graph.add("Softmax", valid, axis=axis)
    # a fast exp of -inf may give the smallest float, not 0
    return graph.add("Where", mask, powers, graph.number(0.0))


def pool_attention(graph: Graph, h: str, mask: str) -> tuple[str, str]:
    """Additive attention, exactly 0 at padding.  (B, T, X) -> (B, X), (B, T)"""
    hidden = graph.add("Tanh", graph.linear(h, "attention"))  # (B, T, A)
    score = graph.add("Unsqueeze", graph.weight("attention.score"), graph.integers(1))  # (A, 1)
    scores = graph.add("MatMul", hidden, score)  # (B, T, 1)
    attention = valid_softmax(graph, scores, mask, axis=1)
    steps = graph.add("Where", mask, h, graph.number(0.0))
    weighted = graph.add("Mul", attention, steps)  # (B, T, X)
    pooled = graph.add("ReduceSum", weighted, graph.integers(1), keepdims=0)
    return pooled, graph.add("Squeeze", attention, graph.integers(2))


POOLINGS: dict[str, Callable[[Graph, str, str], tuple[str, str | None]]] = {
    "mean": pool_mean,
    "max": pool_max,
    "mean_max": pool_mean_max,
    "attention": pool_attention,
}


def score_additive(graph: Graph, shown: str, keys: str) -> str:
    """v . tanh(keys_t + h_k U).  (B, K, H), (B, T, A) -> (B, K, T)"""
    queries = graph.add("MatMul", shown, graph.weight("attention.query"))  # (B, K, A)
    sums = graph.add(
        "Add",
        graph.add("Unsqueeze", keys, graph.integers(1)),
        graph.add("Unsqueeze", queries, graph.integers(2)),
    )  # (B, K, T, A)
    score = graph.add("Unsqueeze", graph.weight("attention.score"), graph.integers(1))  # (A, 1)
    scores = graph.add("MatMul", graph.add("Tanh", sums), score)  # (B, K, T, 1)
    return graph.add("Squeeze", scores, graph.integers(3))


def score_multiplicative(graph: Graph, shown: str, memory: str) -> str:
    """(h_k U) . m_t.  (B, K, H), (B, T, X) -> (B, K, T)"""
    queries = graph.add("MatMul", shown, graph.weight("attention.query"))  # (B, K, X)
    return graph.add("MatMul", queries, graph.add("Transpose", memory, perm=(0, 2, 1)))


SCORES: dict[str, Callable[[Graph, str, str], str]] = {
    "additive": score_additive,
    "multiplicative": score_multiplicative,
}


def attend(graph: Graph, spec: NetworkSpec, shown: str) -> tuple[str, str | None]:
    """What each decoder step takes from the encoder's steps, and the weight of each. Without
    attention that is `shown` itself; else there are more inputs: memory (B, T, X), 0 at padding,
    for an additive one keys (B, T, A), and lengths (B,).

    shown (B, K, H) -> (B, K, H), (B, K, T)
    """
    if spec.attention == "none":
        return shown, None
    memory = graph.input("memory", ("batch", "time", spec.encoded_size))
    scored = memory
    if spec.attention == "additive":
        scored = graph.input("keys", ("batch", "time", spec.attention_size))
    lengths = graph.input("lengths", ("batch",), INT64)
    scores = SCORES[spec.attention](graph, shown, scored)  # (B, K, T)
    column = step_mask(graph, memory, lengths)  # (B, T, 1)
    mask = graph.add("Transpose", column, perm=(0, 2, 1))  # (B, 1, T)
    attention = valid_softmax(graph, scores, mask, axis=2)
    context = graph.add("MatMul", attention, memory)  # (B, K, X)
    both = graph.add("Concat", shown, context, axis=2)
    return graph.add("Tanh", graph.linear(both, "combine")), attention
