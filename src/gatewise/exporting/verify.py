"""An export answers as its artifact does, or it is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import Batch, step_mask
from gatewise.engine import Outputs
from gatewise.engines.onnx.engine import Engine
from gatewise.engines.onnx.export import Runs
from gatewise.errors import RunError
from gatewise.exporting.interface import Part, whole
from gatewise.exporting.subject import Feeds, Runner, Subject
from gatewise.reference import STATES
from gatewise.spec import NetworkSpec

TOLERANCE = 1e-5  # largest difference of an output, relative to its largest value
SIZES = ((1, 1), (1, 7), (4, 3), (7, 11))  # (sequences, steps or segments of the longest)
SMALLEST = 0.1  # outputs that are smaller in all are compared as if they were as large as this


@dataclass(frozen=True, slots=True)
class Verified:
    """What was compared; of several outputs each by itself.

    batches     how many
    sequences, steps  of the largest
    difference  the largest between two numbers of the output that is furthest off for its size
    scale       the largest value of that output
    name        of that output; "" where there is no other
    """

    batches: int
    sequences: int
    steps: int
    difference: float
    scale: float
    name: str = ""

    @property
    def relative(self) -> float:
        return self.difference / max(self.scale, SMALLEST)

    def words(self) -> str:
        """In one line."""
        others = f" ({self.name}, the furthest off)" if self.name else ""
        return (
            f"{self.batches} batches of up to {self.sequences} sequences and {self.steps} steps, "
            f"padded: largest difference {self.difference:.1e}, outputs up to {self.scale:.3g}"
            f"{others}"
        )


def verify(
    subject: Subject,
    parts: Sequence[Part],
    run: Runner,
    *,
    tolerance: float = TOLERANCE,
    length: int | None = None,
) -> Verified:
    """Compare what `run` answers with the artifact's graphs: several batch sizes and lengths,
    padding, states.

    length  the one number of steps that the export reads; None: any
    Raises RunError when an output is missing, has another shape, or differs.
    """
    truth = _truth(subject)
    tally = _Tally()
    for part, feeds in questions(subject, parts, length):
        wanted, told = truth(part, feeds), run(part.name, feeds)
        for output in part.outputs:
            shape = " x ".join(map(str, feeds[part.inputs[0].name].shape[:2]))
            name, where = f"{part.name}.{output.name}", f"of {shape} steps"
            one, other = wanted[output.name], told.get(output.name)
            tally.add(name, where, *_meant(subject.spec, feeds, output.name, one, other))
    return tally.verified(_sizes(subject, length), tolerance)


def questions(
    subject: Subject, parts: Sequence[Part], length: int | None = None
) -> Iterator[tuple[Part, Feeds]]:
    """What every part is asked: the same each time."""
    for number, (rows, steps) in enumerate(_sizes(subject, length)):
        for part in parts:
            yield part, make_feeds(subject.spec, part, rows, steps, seed=number)


def verify_graphs(
    subject: Subject, engine: Engine, tolerance: float | None = TOLERANCE
) -> Verified:
    """Compare ONNX graphs with the NumPy equations, in float64, of the artifact's weights.

    tolerance  None: the difference is told, whatever it is
    """
    tally = _Tally()
    sizes = _sizes(subject)
    (part,) = whole(subject.spec)
    for number, (rows, steps) in enumerate(sizes):
        feeds = make_feeds(subject.spec, part, rows, steps, seed=number)
        batch = _batch(subject.spec, feeds)
        wanted = _by_name(subject.spec, subject.equations(batch))
        told = _by_name(subject.spec, engine.forward(batch))
        for name, one in wanted.items():
            where = f"of {rows} x {steps} steps"
            tally.add(name, where, *_meant(subject.spec, feeds, name, one, told.get(name)))
    return tally.verified(sizes, tolerance)


def _by_name(spec: NetworkSpec, told: Outputs) -> dict[str, NDArray[Any]]:
    """What there is of it; h and c by themselves."""
    states = () if told.state is None else told.state
    found = {"output": told.output, "attention": told.attention}
    found |= dict(zip(STATES[spec.cell], states, strict=False))
    return {name: array for name, array in found.items() if array is not None}


class _Tally:
    """Of each output the largest difference so far, where that is, and the largest value."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[float, str, float]] = {}

    def add(self, name: str, where: str, wanted: NDArray[Any], told: Any) -> None:
        off, size = _compare(f"{name} {where}", wanted, told)
        before, worst, scale = self.found.get(name, (-1.0, "", 0.0))
        if off > before:
            before, worst = off, where
        self.found[name] = before, worst, max(scale, size)

    def verified(self, sizes: Sequence[tuple[int, int]], tolerance: float | None) -> Verified:
        name = max(self.found, key=lambda one: _share(self.found[one]))
        difference, where, scale = self.found[name]
        found = Verified(
            batches=len(sizes),
            sequences=max(rows for rows, _ in sizes),
            steps=max(steps for _, steps in sizes),
            difference=difference,
            scale=scale,
            name=name if len(self.found) > 1 else "",
        )
        if tolerance is not None and found.relative > tolerance:
            raise RunError(
                f"the export does not answer as the model does: {name} {where} differs by "
                f"{found.difference:.2e}, {found.relative:.1e} of its largest value (allowed "
                f"{tolerance:.0e}); nothing was written"
            )
        return found


def _share(found: tuple[float, str, float]) -> float:
    difference, _, scale = found
    return difference / max(scale, SMALLEST)


def _sizes(subject: Subject, length: int | None = None) -> list[tuple[int, int]]:
    """Batches to compare; of a forecaster one of the length that it reads."""
    if length is not None:
        return [(rows, length) for rows in dict.fromkeys(rows for rows, _ in SIZES)]
    size = subject.spec.segment_length
    found = [(rows, steps * size) for rows, steps in SIZES]
    return [*found, (3, subject.lookback)] if subject.lookback else found


def make_feeds(
    spec: NetworkSpec, part: Part, rows: int, steps: int, *, seed: int, written: int | None = None
) -> Feeds:
    """Random inputs of one part: sequences of 1 to `steps` steps, padding filled with what must
    not be read.

    written  steps of a decoder of tokens; None: a few
    """
    rng = np.random.default_rng([seed, rows, steps])
    size = spec.segment_length
    axes = {"batch": rows, "time": steps, "steps": written or 1 + seed % 4}
    lengths = rng.integers(1, steps // size + 1, rows) * size
    lengths[rng.integers(rows)] = steps
    found: Feeds = {}
    for tensor in part.inputs:
        shape = [axes[axis] if isinstance(axis, str) else axis for axis in tensor.shape]
        if tensor.name == "lengths":
            found[tensor.name] = lengths
        elif tensor.dtype != "float32":
            most = spec.output_size if tensor.name == "tokens" else spec.vocab_size
            found[tensor.name] = rng.integers(0, most, shape)
        else:
            spread = 0.5 if tensor.name in ("h", "c", "memory", "keys") else 1.0
            found[tensor.name] = (spread * rng.normal(size=shape)).astype(np.float32)
    if "memory" in found:
        found["memory"] *= step_mask(lengths, steps)[..., None]
    return found


Truth = Callable[[Part, Feeds], Mapping[str, Any]]


def _truth(subject: Subject) -> Truth:
    """What each part should answer."""
    graphs = subject.graphs[0] if len(subject.members) == 1 else {}
    runs = Runs(graphs)

    def truth(part: Part, feeds: Feeds) -> Mapping[str, Any]:
        if part.name in graphs:
            return runs(part.name, _with_keys(subject, part, feeds))
        told = subject.answer(_batch(subject.spec, feeds))
        return {"output": told.output, "attention": told.attention}

    return truth


def _with_keys(subject: Subject, part: Part, feeds: Feeds) -> Feeds:
    """The keys of an additive attention, where a format makes them of the memory by itself."""
    if part.name != "decoder" or subject.spec.attention != "additive" or "keys" in feeds:
        return feeds
    (weights,) = subject.members
    keys = feeds["memory"] @ weights["attention.kernel"] + weights["attention.bias"]
    return {**feeds, "keys": keys.astype(np.float32)}


def _batch(spec: NetworkSpec, feeds: Feeds) -> Batch:
    """What a network reads as one: a decoder of tokens is given the truth."""
    states = [feeds[name] for name in STATES[spec.cell] if name in feeds]
    tokens = feeds.get("tokens")
    return Batch(
        x=feeds["x"],
        lengths=feeds["lengths"],
        start=feeds.get("start") if tokens is None else tokens[:, :1],
        future=feeds.get("future"),
        state=np.stack(states) if states else None,
        y=None if tokens is None else tokens,
    )


def _meant(
    spec: NetworkSpec, feeds: Feeds, name: str, wanted: Any, told: Any
) -> tuple[NDArray[Any], Any]:
    """Without what has no meaning: the output of a many_to_many network at padding."""
    if spec.kind != "many_to_many" or name != "output" or np.shape(wanted) != np.shape(told):
        return wanted, told
    valid = step_mask(feeds["lengths"], feeds["x"].shape[1])
    return wanted[valid], told[valid]


def _compare(name: str, wanted: NDArray[Any], told: Any) -> tuple[float, float]:
    """(largest difference, largest value)"""
    if told is None:
        raise RunError(f"the export has no {name}; nothing was written")
    told = np.asarray(told)
    if told.shape != wanted.shape:
        raise RunError(
            f"the export's {name} has shape {told.shape}, the model's {wanted.shape}; "
            f"nothing was written"
        )
    if not np.isfinite(wanted).all():
        raise RunError(
            f"the model's own {name} holds values that are not finite: there is nothing to compare "
            f"an export with; train it again; nothing was written"
        )
    if not np.isfinite(told).all():
        raise RunError(f"the export's {name} holds values that are not finite; nothing was written")
    if not told.size:
        return 0.0, 0.0
    off = np.abs(told.astype(np.float64) - wanted.astype(np.float64))
    return float(off.max()), float(np.abs(wanted).max())
