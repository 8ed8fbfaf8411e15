"""Attention, and the other ways to make one vector of many steps, as nodes of a graph."""

from __future__ import annotations

import math
from collections.abc import Callable

from gatewise.engines.onnx.graph import FLOAT, Graph, States
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


def pool_attention(graph: Graph, h: str, mask: str) -> tuple[str, str]:
    """Additive attention, exactly 0 at padding.  (B, T, X) -> (B, X), (B, T)"""
    hidden = graph.add("Tanh", graph.linear(h, "attention"))  # (B, T, A)
    score = graph.add("Unsqueeze", graph.weight("attention.score"), graph.integers(1))  # (A, 1)
    scores = graph.add("MatMul", hidden, score)  # (B, T, 1)
    valid = graph.add("Where", mask, scores, graph.number(-math.inf))
    powers = graph.add("Softmax", valid, axis=1)
    # a fast exp of -inf may give the smallest float, not 0
    attention = graph.add("Where", mask, powers, graph.number(0.0))
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
