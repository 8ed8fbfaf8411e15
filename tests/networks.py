"""Networks of every shape, and random batches of unequal lengths: what all engines' tests share."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from gatewise.batch import END, IGNORED, PADDING, START, Batch, step_mask
from gatewise.spec import NetworkSpec
from gatewise.weights import shapes

CELLS = ("rnn", "gru", "lstm")
EMBEDDINGS: dict[str, dict[str, Any]] = {
    "none": {},
    "linear": {"embedding": "linear", "embedding_size": 6},
    "segments": {"embedding": "segments", "embedding_size": 6, "segment_length": 3},
}
TOKENS: dict[str, dict[str, Any]] = {
    "tokens": {"embedding": "tokens", "embedding_size": 6, "vocab_size": 11, "input_size": 1},
    # the vectors of two ids are added, and are wider than there are ids
    "pairs": {"embedding": "tokens", "embedding_size": 13, "vocab_size": 9, "input_size": 2},
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
    poolings = ("last", "attention", "mean_max")
    for cell, both, pooling, (name, sizes) in product(
        CELLS, (False, True), poolings, TOKENS.items()
    ):
        found[f"{cell}-1-{'bi' if both else 'uni'}-{pooling}-{name}"] = spec_of(
            kind="many_to_one", cell=cell, bidirectional=both, pooling=pooling, **sizes
        )
    for reach in (4, 40):  # within some of the sequences, and before the first step of all
        for embedding, sizes in EMBEDDINGS.items():
            found[f"lstm-1-uni-attention-{embedding}-shortcut{reach}"] = spec_of(
                kind="many_to_one", pooling="attention", shortcut=reach, **sizes
            )
    return found


def many_to_many_specs() -> dict[str, NetworkSpec]:
    """cell x layers x directions x what is read, and some with a tied head."""
    found = {}
    read = {"none": {}, "linear": EMBEDDINGS["linear"], **TOKENS}
    for cell, layers, both, embedding in product(CELLS, (1, 2), (False, True), read):
        found[f"{cell}-{layers}-{'bi' if both else 'uni'}-steps-{embedding}"] = spec_of(
            kind="many_to_many",
            cell=cell,
            num_layers=layers,
            bidirectional=both,
            **{"output_size": 4, **read[embedding]},
        )
    for both, ids in product((False, True), (4, 23)):  # fewer and more ids than a vector is wide
        found[f"lstm-2-{'bi' if both else 'uni'}-steps-tied{ids}"] = spec_of(
            kind="many_to_many",
            num_layers=2,
            bidirectional=both,
            embedding="tokens",
            embedding_size=10 if both else 5,
            input_size=1,
            vocab_size=ids,
            output_size=ids,
            tie_embedding=True,
        )
    return found


def token_decoder_specs() -> dict[str, NetworkSpec]:
    """cell x layers x directions x attention, some with a tied head, some that read numbers."""
    found = {}
    for cell, layers, both, attention in product(
        CELLS, (1, 2), (False, True), ("none", "additive", "multiplicative")
    ):
        found[f"{cell}-{layers}-{'bi' if both else 'uni'}-writes-{attention}"] = spec_of(
            kind="encoder_decoder",
            decoder="tokens",
            cell=cell,
            num_layers=layers,
            bidirectional=both,
            attention=attention,
            **{**TOKENS["pairs" if layers == 2 else "tokens"], "output_size": 8},
        )
    for attention, ids in product(("none", "additive"), (4, 23)):
        found[f"lstm-1-bi-writes-{attention}-tied{ids}"] = spec_of(
            kind="encoder_decoder",
            decoder="tokens",
            bidirectional=True,
            attention=attention,
            tie_embedding=True,
            **{**TOKENS["tokens"], "embedding_size": 5, "output_size": ids},
        )
    found["gru-1-bi-writes-multiplicative-of-numbers"] = spec_of(
        kind="encoder_decoder",
        decoder="tokens",
        cell="gru",
        bidirectional=True,
        attention="multiplicative",
        output_size=8,
        **EMBEDDINGS["linear"],
    )
    return found


def every_spec() -> dict[str, NetworkSpec]:
    """All of them."""
    return {
        **many_to_one_specs(),
        **encoder_decoder_specs(),
        **many_to_many_specs(),
        **token_decoder_specs(),
    }


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
    shape = (rows, segments * size, spec.input_size)
    valid = step_mask(lengths, shape[1])
    if spec.embedding == "tokens":  # id 0 too: only where it stands in is it padding
        x = rng.integers(0, spec.vocab_size, shape) * valid[:, :, None]
    else:
        x = (rng.normal(size=shape) * valid[:, :, None]).astype(dtype)
    if spec.kind == "many_to_many":
        y = np.where(valid, rng.integers(0, spec.output_size, shape[:2]), IGNORED)
        state = rng.normal(
            size=(1 + (spec.cell == "lstm"), spec.num_layers, rows, spec.hidden_size)
        )
        begin = None if spec.bidirectional else state.astype(dtype)
        return Batch(x=x, lengths=lengths, state=begin, y=y)
    if spec.decoder == "tokens":
        return Batch(
            x=x, lengths=lengths, start=np.full((rows, 1), START), y=_written(spec, rng, rows)
        )
    steps = (rows, spec.horizon)
    return Batch(
        x=x,
        lengths=lengths,
        future=rng.normal(size=(*steps, spec.future_size)).astype(dtype)
        if spec.future_size
        else None,
        start=rng.normal(size=(rows, spec.output_size)).astype(dtype)
        if spec.decoder == "fed_back"
        else None,
        y=rng.normal(size=(*steps, spec.output_size)).astype(dtype),
    )


def _written(spec: NetworkSpec, rng: np.random.Generator, rows: int, steps: int = 4) -> Any:
    """Ids (B, K) that end with END at some step, IGNORED behind it."""
    y = rng.integers(PADDING + 1, spec.output_size, (rows, steps))
    ends = rng.integers(1, steps + 1, rows)
    y[np.arange(rows), ends - 1] = END
    return np.where(step_mask(ends, steps), y, IGNORED)


def only(batch: Batch, row: int) -> Batch:
    """One row alone, without any padding."""
    one = {
        name: getattr(batch, name)[row : row + 1]
        for name in Batch.__slots__
        if getattr(batch, name) is not None and name != "state"
    }
    if batch.state is not None:
        one["state"] = batch.state[:, :, row : row + 1]
    return Batch(**{**one, "x": one["x"][:, : batch.lengths[row]]})


def padded(batch: Batch, steps: int, fill: float = 0.0) -> Batch:
    """The same sequences under `steps` more steps of padding; all padding holds `fill`, or where
    ids are read one of them.
    """
    x = np.pad(batch.x, [(0, 0), (0, steps), (0, 0)])
    behind = ~step_mask(batch.lengths, x.shape[1])
    x[behind] = fill if x.dtype.kind == "f" else int(np.nan_to_num(fill)) % 4
    return replace(batch, x=x)


def meant(spec: NetworkSpec, batch: Batch, output: Any) -> Any:
    """The part of an output that has a meaning: of many_to_many the valid steps alone."""
    if spec.kind != "many_to_many":
        return output
    return output[:, : batch.x.shape[1]][step_mask(batch.lengths, batch.x.shape[1])]
