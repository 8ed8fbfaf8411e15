"""Canonical weights: names, shapes and seeded initial values, the same for every engine.

Gate order: LSTM i f g o (input, forget, candidate, output), GRU r z n (reset, update, candidate).
A matrix maps from its first axis to its second: y = x @ W.

    embedding.kernel (S*F, E)   embedding.bias (E,)   of tokens instead: embedding.table (V, E)
    {encoder|decoder}.{layer}.{forward|backward}.input     (inputs, G*H)
                                               .recurrent (H, G*H)
                                               .bias      (G*H,)
                                               .candidate_bias (H,)   GRU only: inside r * (...)
    attention.kernel (D*H, A)   attention.bias (A,)   attention.score (A,)
    bridge.{layer}.{h|c}.kernel (2H, H)   bridge.{layer}.{h|c}.bias (H,)   bidirectional only
    decoder.positions (M, E)
    decoder.table (D, E)   of a decoder of tokens; row 0 of a table is 0 and is not trained
    attention.query (H, A)   its attention, additive: beside the three above;
                             multiplicative: attention.query (H, D*H) alone
    combine.kernel (H + D*H, H)   combine.bias (H,)   state and context, with attention
    head.kernel, head.bias   no kernel where the table is the head's, transposed
    shortcut.kernel (N, K*D)   shortcut.bias (K*D,)   N last steps; solved, never trained

One bias per gate: frameworks that keep two (PyTorch) train their sum, which Adam then moves
twice as far; ours stays one. The GRU's candidate_bias is its own weight, not a second copy.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import PADDING
from gatewise.spec import NetworkSpec

Weights = Mapping[str, NDArray[np.float32]]

GATES = {"rnn": 1, "gru": 3, "lstm": 4}
TABLE_SPREAD = 0.1  # standard deviation of token vectors at first


def layer_prefixes(spec: NetworkSpec, part: str, layer: int) -> list[str]:
    """Names of the layer's directions: the encoder may have two, a decoder always has one."""
    both = part == "encoder" and spec.bidirectional
    return [f"{part}.{layer}.{way}" for way in (("forward", "backward") if both else ("forward",))]


def shapes(spec: NetworkSpec) -> dict[str, tuple[int, ...]]:
    """Every weight of the network, in the order in which its data flows."""
    hidden = spec.hidden_size
    found: dict[str, tuple[int, ...]] = {}
    width = spec.input_size
    if spec.embedding == "tokens":
        found["embedding.table"] = (spec.vocab_size, spec.embedding_size)
        width = spec.embedding_size
    elif spec.embedding != "none":
        found["embedding.kernel"] = (width * spec.segment_length, spec.embedding_size)
        found["embedding.bias"] = (spec.embedding_size,)
        width = spec.embedding_size
    found |= _stack(spec, "encoder", width)
    if spec.kind == "many_to_one":
        if spec.pooling == "attention":
            found["attention.kernel"] = (spec.encoded_size, spec.attention_size)
            found["attention.bias"] = (spec.attention_size,)
            found["attention.score"] = (spec.attention_size,)
        head_in, head_out = spec.pooled_size, spec.horizon * spec.output_size
    elif spec.kind == "many_to_many":
        head_in, head_out = spec.encoded_size, spec.output_size
    else:
        found |= _decoder(spec)
        head_in, head_out = hidden, spec.segment_length * spec.output_size
    if not spec.tie_embedding:
        found["head.kernel"] = (head_in, head_out)
    found["head.bias"] = (head_out,)
    if spec.shortcut:
        told = spec.horizon * spec.output_size
        found["shortcut.kernel"] = (spec.shortcut, told)
        found["shortcut.bias"] = (told,)
    return found


def position_size(spec: NetworkSpec) -> int:
    """Width of a learned position: as wide as the encoder's embedding, or H without one."""
    return spec.embedding_size or spec.hidden_size


def _decoder(spec: NetworkSpec) -> dict[str, tuple[int, ...]]:
    """Bridge, what its steps read, stack, attention."""
    found: dict[str, tuple[int, ...]] = {}
    hidden = spec.hidden_size
    if spec.bidirectional:
        for layer in range(spec.num_layers):
            for state in ("h", "c") if spec.cell == "lstm" else ("h",):
                found[f"bridge.{layer}.{state}.kernel"] = (2 * hidden, hidden)
                found[f"bridge.{layer}.{state}.bias"] = (hidden,)
    if spec.decoder == "by_position":
        found["decoder.positions"] = (spec.positions, position_size(spec))
    elif spec.decoder == "tokens":
        found["decoder.table"] = (spec.output_size, position_size(spec))
    return found | _stack(spec, "decoder", decoder_input_size(spec)) | _attention(spec)


def decoder_input_size(spec: NetworkSpec) -> int:
    """What a decoder step reads: a value or a position, and the features known in advance."""
    own = spec.output_size if spec.decoder == "fed_back" else position_size(spec)
    return own + spec.future_size * spec.segment_length


def tied_table(spec: NetworkSpec) -> str:
    """Name of the table that is the head's matrix too where tie_embedding is set."""
    return "decoder.table" if spec.decoder == "tokens" else "embedding.table"


def _attention(spec: NetworkSpec) -> dict[str, tuple[int, ...]]:
    """Of a decoder over the encoder's steps."""
    hidden, read, size = spec.hidden_size, spec.encoded_size, spec.attention_size
    if spec.attention == "none":
        return {}
    if spec.attention == "multiplicative":
        found: dict[str, tuple[int, ...]] = {"attention.query": (hidden, read)}
    else:
        found = {
            "attention.kernel": (read, size),
            "attention.bias": (size,),
            "attention.query": (hidden, size),
            "attention.score": (size,),
        }
    return {**found, "combine.kernel": (hidden + read, hidden), "combine.bias": (hidden,)}


def _stack(spec: NetworkSpec, part: str, width: int) -> dict[str, tuple[int, ...]]:
    hidden, gates = spec.hidden_size, GATES[spec.cell]
    found: dict[str, tuple[int, ...]] = {}
    for layer in range(spec.num_layers):
        prefixes = layer_prefixes(spec, part, layer)
        for prefix in prefixes:
            found[f"{prefix}.input"] = (width, gates * hidden)
            found[f"{prefix}.recurrent"] = (hidden, gates * hidden)
            found[f"{prefix}.bias"] = (gates * hidden,)
            if spec.cell == "gru":
                found[f"{prefix}.candidate_bias"] = (hidden,)
        width = hidden * len(prefixes)
    return found


def initial(spec: NetworkSpec, seed: int) -> dict[str, NDArray[np.float32]]:
    """Seeded initial values: recurrent orthogonal per gate, all other matrices Glorot uniform,
    biases 0, the LSTM's forget bias `spec.forget_bias`. The shortcut is 0 until it is solved,
    and the head beside it too: the network starts from what the shortcut answers.

    Sources: Glorot & Bengio 2010; Saxe et al. 2014 (orthogonal); Gers et al. 2000 (forget bias).
    """
    rng = np.random.default_rng(seed)
    values: dict[str, NDArray[np.float32]] = {}
    for name, shape in shapes(spec).items():
        leaf = name.rpartition(".")[2]
        if name == "shortcut.kernel" or (name == "head.kernel" and spec.shortcut):
            value = np.zeros(shape)
        elif leaf == "recurrent":
            blocks = [_orthogonal(rng, shape[0]) for _ in range(GATES[spec.cell])]
            value = np.concatenate(blocks, axis=1)
        elif leaf in ("bias", "candidate_bias"):
            value = np.zeros(shape)
            if spec.cell == "lstm" and name.endswith(("forward.bias", "backward.bias")):
                value[spec.hidden_size : 2 * spec.hidden_size] = spec.forget_bias
        elif leaf == "positions":
            value = rng.normal(size=shape) * 0.1
        elif leaf == "table":
            value = rng.normal(size=shape) * TABLE_SPREAD
            value[PADDING] = 0.0  # and stays so: it adds nothing where several ids make a step
        else:
            bound = np.sqrt(6.0 / (shape[0] + (shape[1] if len(shape) > 1 else 1)))
            value = rng.uniform(-bound, bound, size=shape)
        values[name] = value.astype(np.float32)
    return values


def _orthogonal(rng: np.random.Generator, size: int) -> NDArray[np.float64]:
    q, r = np.linalg.qr(rng.normal(size=(size, size)))
    signs: NDArray[np.float64] = np.sign(np.diag(r))
    return q * signs


def count(spec: NetworkSpec) -> int:
    """Number of trained values."""
    return sum(int(np.prod(shape)) for shape in shapes(spec).values())
