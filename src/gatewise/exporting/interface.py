"""What a network takes and gives, by name: the same in every format.

Axis letters: B sequences, T steps, F features or ids of a step, K predicted or written steps,
D values per predicted step, P features known in advance, H hidden units, A attention.
"""

from __future__ import annotations

from dataclasses import dataclass

from gatewise.reference import STATES
from gatewise.spec import NetworkSpec

STATE_MEANINGS = {"h": "what each layer shows", "c": "what each layer of the LSTM keeps"}


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output.

    shape    an axis of any size is a name: batch, time (of what is read), steps
    dtype    float32 or int64
    meaning  in words
    """

    name: str
    shape: tuple[int | str, ...]
    dtype: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Part:
    """One function of the network: `model`, or `encoder` and `decoder`."""

    name: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def parts_of(spec: NetworkSpec, *, loops: bool, told: str) -> list[Part]:
    """The functions that a format holds.

    loops  whether the format can feed a decoder of values with its own answers: then it is one
           function, else the encoder and one step of the decoder
    told   what the output means
    """
    if spec.kind == "many_to_one":
        return [_many_to_one(spec, told)]
    if spec.kind == "many_to_many":
        return [_many_to_many(spec, told)]
    if spec.decoder == "tokens":
        return _of_tokens(spec, told)
    if spec.decoder == "fed_back" and not loops:
        return _step_by_step(spec, told)
    inputs = list(_read(spec))
    if spec.decoder == "fed_back":
        shape = ("batch", spec.output_size)
        inputs.append(Tensor("start", shape, "float32", "the value before the first step"))
    if spec.future_size:
        inputs.append(_future(("batch", spec.horizon, spec.future_size)))
    return [Part("model", tuple(inputs), (_output(spec, told),))]


def _read(spec: NetworkSpec) -> tuple[Tensor, ...]:
    size = spec.segment_length
    unit = f" a multiple of {size} steps," if size > 1 else ""
    shape = ("batch", "time", spec.input_size)
    x = Tensor("x", shape, "float32", f"scaled features of each step,{unit} padded at the end")
    if spec.embedding == "tokens":
        what = "id of each token" if spec.input_size == 1 else "ids of each step"
        meaning = f"{what}, below {spec.vocab_size}; padded at the end with 0"
        x = Tensor("x", shape, "int64", meaning)
    also = f", a multiple of {size}" if size > 1 else ""
    lengths = Tensor(
        "lengths", ("batch",), "int64", f"valid steps of each sequence, at least 1{also}"
    )
    return x, lengths


def _future(shape: tuple[int | str, ...]) -> Tensor:
    return Tensor("future", shape, "float32", "scaled features known in advance")


def _output(spec: NetworkSpec, told: str) -> Tensor:
    return Tensor("output", ("batch", spec.horizon, spec.output_size), "float32", told)


def _states(spec: NetworkSpec, before: str, when: str) -> tuple[Tensor, ...]:
    shape = (spec.num_layers, "batch", spec.hidden_size)
    return tuple(
        Tensor(before + name, shape, "float32", f"{STATE_MEANINGS[name]}, {when}")
        for name in STATES[spec.cell]
    )


def _many_to_one(spec: NetworkSpec, told: str) -> Part:
    outputs = [_output(spec, told)]
    if spec.pooling == "attention":
        steps = "steps" if spec.segment_length > 1 else "time"
        meaning = "weight of each step, 0 at padding"
        if spec.segment_length > 1:
            meaning = "weight of each segment, 0 at padding"
        outputs.append(Tensor("attention", ("batch", steps), "float32", meaning))
    return Part("model", _read(spec), tuple(outputs))


def _many_to_many(spec: NetworkSpec, told: str) -> Part:
    output = Tensor(
        "output",
        ("batch", "time", spec.output_size),
        "float32",
        f"{told}, at each step; meaningless at padding",
    )
    if spec.bidirectional:
        return Part("model", _read(spec), (output,))
    begin = _states(spec, "", "to begin in; zeros at first")
    end = _states(spec, "next_", "after the last valid step: the next call begins there")
    return Part("model", (*_read(spec), *begin), (output, *end))


def _step_by_step(spec: NetworkSpec, told: str) -> list[Part]:
    width = spec.output_size
    value = Tensor("value", ("batch", width), "float32", "the value of the step before")
    known = (_future(("batch", spec.future_size)),) if spec.future_size else ()
    output = Tensor("output", ("batch", width), "float32", f"{told}, of one step: the next value")
    begin = _states(spec, "", "where the decoder begins")
    given = _states(spec, "", "of the encoder, then of the step before")
    end = _states(spec, "next_", "after this step")
    return [
        Part("encoder", _read(spec), begin),
        Part("decoder", (value, *known, *given), (output, *end)),
    ]


def _of_tokens(spec: NetworkSpec, told: str) -> list[Part]:
    begin = _states(spec, "", "where the decoder begins")
    given = _states(spec, "", "of the encoder, then of the step before")
    end = _states(spec, "next_", "after the last of these steps")
    memory: list[Tensor] = []
    shape: tuple[int | str, ...] = ("batch", "time", spec.encoded_size)
    if spec.attention != "none":
        memory.append(Tensor("memory", shape, "float32", "what was read, 0 at padding"))
    if spec.attention == "additive":
        shape = ("batch", "time", spec.attention_size)
        memory.append(Tensor("keys", shape, "float32", "what attention compares with"))
    ids = f"ids that the decoder reads, below {spec.output_size}; first the start of a text"
    tokens = Tensor("tokens", ("batch", "steps"), "int64", ids)
    outputs = [Tensor("output", ("batch", "steps", spec.output_size), "float32", told)]
    ends: tuple[Tensor, ...] = ()
    if memory:
        ends = (_read(spec)[1],)
        shape = ("batch", "steps", "time")
        outputs.append(Tensor("attention", shape, "float32", "weight of each step that was read"))
    return [
        Part("encoder", _read(spec), (*begin, *memory)),
        Part("decoder", (tokens, *given, *memory, *ends), (*outputs, *end)),
    ]


def whole(spec: NetworkSpec) -> list[Part]:
    """All that a network reads at once, under one name: for a decoder of tokens also those."""
    if spec.decoder != "tokens":
        return parts_of(spec, loops=True, told="")
    encoder, decoder = _of_tokens(spec, "")
    return [Part("model", (*encoder.inputs, decoder.inputs[0]), decoder.outputs[:1])]
