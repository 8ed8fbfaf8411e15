"""The graphs that a generator keeps: as they were learnt, or with weights of 8 bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gatewise.data.encoded import Ids
from gatewise.engines.onnx.engine import Engine as Runner
from gatewise.spec import NetworkSpec
from gatewise.tasks.generator_judging import nats

MEASURED = 20_000  # tokens on which both are compared, at most


@dataclass(frozen=True, slots=True)
class Kept:
    """Graphs, what to tell of them, and nats per token by precision, and on what; or None."""

    graphs: dict[str, bytes]
    notes: tuple[str, ...] = ()
    nats: dict[str, float | str] | None = None


def in_eight_bits(spec: NetworkSpec, graphs: Mapping[str, bytes], steps: Ids, held: Ids) -> Kept:
    """The graphs in int8, compared with those given on what was held out, or else learnt."""
    from gatewise.engines.onnx.quantize import left_in_float, quantize_graphs  # needs onnx

    small = quantize_graphs(graphs)
    text, where = (held, "on the text held out") if len(held) else (steps, "on the text learnt")
    text = text[-MEASURED:]
    full, less = (
        float(nats(Runner(spec, each), text, spec.output_size).mean()) for each in (graphs, small)
    )
    size = sum(map(len, small.values())) / sum(map(len, graphs.values()))
    note = (
        f"weights are kept in int8, at {size:.0%} of the size: {less:.4f} nats per token "
        f"against {full:.4f} in float32 {where}"
    )
    left = left_in_float(spec)
    return Kept(
        small, (note, left) if left else (note,), {"float32": full, "int8": less, "on": where}
    )
