"""Networks of every shape, and random batches of unequal lengths: what all engines' tests share."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from gatewise.batch import Batch, step_mask
from gatewise.spec import NetworkSpec
from gatewise.weights import shapes

CELLS = ("rnn", "gru", "lstm")
EMBEDDINGS: dict[str, dict[str, Any]] = {
    "none": {},
    "linear": {"embedding": "linear", "embedding_size": 6},
    "segments": {"embedding": "segments", "embedding_size": 6, "segment_length": 3},
}


def spec_of(**chosen: Any) -> NetworkSpec:
    """A small network; every size differs, so that a mixed-up axis cannot go unseen."""
    sizes = {"input_size": 3, "output_size": 2, "horizon": 4, "hidden_size": 5}
    return NetworkSpec(**{**sizes, "attention_size": 7, **chosen})


def many_to_one_specs() -> dict[str, NetworkSpec]:
    """cell x layers x directions x pooling x embedding, and some with a shortcut."""
    found = {}
    for cell, layers, both, pooling, embedding in product(
        CELLS, (1, 2), (False, True), ("last", "attention", "mean", "max"), EMBEDDINGS
    ):
        name = f"{cell}-{layers}-{'bi' if both else 'uni'}-{pooling}-{embedding}"
        found[name] = spec_of(
            kind="many_to_one",
            cell=cell,
            num_layers=layers,
            bidirectional=both,
            pooling=pooling,
            **EMBEDDINGS[embedding],
        )
    for reach in (4, 40):  # within some of the sequences, and before the first step of all
        for embedding, sizes in EMBEDDINGS.items():
            found[f"lstm-1-uni-attention-{embedding}-shortcut{reach}"] = spec_of(
                kind="many_to_one", pooling="attention", shortcut=reach, **sizes
            )
    return found


def encoder_decoder_specs() -> dict[str, NetworkSpec]:
    """cell x layers x directions x decoder x embedding x features known in advance,
    and some with a shortcut.
    """
    decoders = [
        ("fed_back", "none"),
        ("fed_back", "linear"),
        ("by_position", "none"),
        ("by_position", "linear"),
        ("by_position", "segments"),
    ]
    found = {}
    for cell, layers, both, (decoder, embedding), future in product(
        CELLS, (1, 2), (False, True), decoders, (0, 2)
    ):
        name = f"{cell}-{layers}-{'bi' if both else 'uni'}-{decoder}-{embedding}-{future}ahead"
        found[name] = spec_of(
            kind="encoder_decoder",
            decoder=decoder,
            cell=cell,
            num_layers=layers,
            bidirectional=both,
            future_size=future,
            **EMBEDDINGS[embedding],
        )
    for reach in (4, 40):
        found[f"gru-2-bi-by_position-segments-2ahead-shortcut{reach}"] = spec_of(
            kind="encoder_decoder",
            decoder="by_position",
            cell="gru",
            num_layers=2,
            bidirectional=True,
            future_size=2,
            shortcut=reach,
            **EMBEDDINGS["segments"],
        )
    return found


def random_weights(spec: NetworkSpec, seed: int = 0, dtype: type = np.float32) -> dict[str, Any]:
    """Every weight random, biases too: a zero bias would hide one added in the wrong place."""
    rng = np.random.default_rng(seed)
    return {
        name: (rng.normal(size=shape) / np.sqrt(shape[0])).astype(dtype)
        for name, shape in shapes(spec).items()
    }


def random_batch(
    spec: NetworkSpec, seed: int = 0, rows: int = 5, segments: int = 6, dtype: type = np.float32
) -> Batch:
    """Sequences of 1 to `segments` segments (a segment is one step without embedding), one of them
    the longest, one the shortest; zeros at padding; everything any network may read.
    """
    rng = np.random.default_rng(seed)
    size = spec.segment_length
    lengths = rng.integers(1, segments + 1, rows) * size
    lengths[rng.permutation(rows)[:2]] = (segments * size, size)[: min(rows, 2)]
    x = rng.normal(size=(rows, segments * size, spec.input_size))
    x *= step_mask(lengths, x.shape[1])[:, :, None]
    steps = (rows, spec.horizon)
    return Batch(
        x=x.astype(dtype),
        lengths=lengths,
        future=rng.normal(size=(*steps, spec.future_size)).astype(dtype)
        if spec.future_size
        else None,
        start=rng.normal(size=(rows, spec.output_size)).astype(dtype)
        if spec.decoder == "fed_back"
        else None,
        y=rng.normal(size=(*steps, spec.output_size)).astype(dtype),
    )


def only(batch: Batch, row: int) -> Batch:
    """One row alone, without any padding."""
    one = {
        name: getattr(batch, name)[row : row + 1]
        for name in Batch.__slots__
        if getattr(batch, name) is not None
    }
    return Batch(**{**one, "x": one["x"][:, : batch.lengths[row]]})


def padded(batch: Batch, steps: int, fill: float = 0.0) -> Batch:
    """The same sequences under `steps` more steps of padding; all padding holds `fill`."""
    x = np.pad(batch.x, [(0, 0), (0, steps), (0, 0)])
    x[~step_mask(batch.lengths, x.shape[1])] = fill
    return replace(batch, x=x)
