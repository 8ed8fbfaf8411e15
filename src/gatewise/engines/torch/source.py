"""A network as one Python file that needs torch alone, written for the spec at hand.

It has no branch that this network does not take. Recurrent stacks are one `nn.LSTM` (or GRU, RNN)
each, so that the names in its state_dict are those that people know.
"""

from __future__ import annotations

from textwrap import dedent, indent

from gatewise.engines.torch.templates import (
    ADDITIVE,
    BRIDGE,
    COMMITTEE,
    HEAD,
    LOAD,
    MULTIPLICATIVE,
    POOLING,
    SHORTCUT,
    VALID,
)
from gatewise.spec import NetworkSpec
from gatewise.weights import decoder_input_size, position_size

CLASSES = {"rnn": "nn.RNN", "gru": "nn.GRU", "lstm": "nn.LSTM"}


def network_source(
    spec: NetworkSpec, title: str, *, members: int = 1, several: bool = False
) -> str:
    """The text of network.py.

    title    of its docstring
    members  networks whose probabilities are averaged
    several  whether several labels may be true: each stands for itself
    """
    sizes = {
        "read": spec.encoded_size,
        "size": spec.attention_size,
        "hidden": spec.hidden_size,
        "count": spec.shortcut,
        "horizon": spec.horizon,
        "values": spec.output_size,
        "layers": spec.num_layers,
    }
    parts = [
        HEAD.format(
            title=title,
            math="import math\n" if members > 1 else "",
            call="\n    ".join(calls(spec)),
            arguments=indent(_arguments(spec), "    "),
        )
    ]
    pooled = spec.kind == "many_to_one" and spec.pooling != "last"
    if pooled or spec.attention != "none":
        parts.append(VALID)
    if pooled and spec.pooling == "attention":
        parts.append(POOLING.format(**sizes))
    if spec.attention != "none":
        text = ADDITIVE if spec.attention == "additive" else MULTIPLICATIVE
        parts.append(text.format(**sizes))
    if spec.shortcut:
        parts.append(SHORTCUT.format(**sizes))
    if spec.bidirectional and spec.kind == "encoder_decoder":
        parts.append(BRIDGE.format(**sizes))
    parts.append(_network(spec))
    if members > 1:
        parts.append(_committee(spec, members, several))
    parts.append(LOAD.format(name="Committee" if members > 1 else "Network"))
    return "".join(parts)


def calls(spec: NetworkSpec) -> list[str]:
    """Lines that ask the network."""
    if spec.kind == "many_to_many":
        told = "output" if spec.bidirectional else "output, state"
        return [f"{told} = model(x, lengths)"]
    if spec.kind == "many_to_one":
        attended = spec.pooling == "attention"
        return [f"{'output, attention' if attended else 'output'} = model(x, lengths)"]
    if spec.decoder == "tokens":
        kept = _memory(spec)
        given = ", ".join(["tokens", "state", *kept, *(["lengths"] if kept else [])])
        told = "output, state, attention" if kept else "output, state"
        return [
            f"{', '.join(['state', *kept])} = model.encode(x, lengths)",
            f"{told} = model.decode({given})",
        ]
    given = ", ".join(
        name
        for name, there in (
            ("x", True),
            ("start", spec.decoder == "fed_back"),
            ("future", bool(spec.future_size)),
            ("lengths", True),
        )
        if there
    )
    return [f"output = model({given})"]


def _arguments(spec: NetworkSpec) -> str:
    ids = spec.embedding == "tokens"
    read = f"int64 ids below {spec.vocab_size}" if ids else "float32"
    multiple = f", T a multiple of {spec.segment_length}" if spec.segment_length > 1 else ""
    lines = [
        f"x        (B, T, {spec.input_size}) {read}, padded at the end{multiple}",
        "lengths  (B,) int64, valid steps of each sequence; None: all of them",
    ]
    if spec.decoder == "fed_back":
        lines.append(f"start    (B, {spec.output_size}) the value before the first predicted step")
    if spec.future_size:
        lines.append(f"future   (B, {spec.horizon}, {spec.future_size}) what is known in advance")
    if spec.decoder == "tokens":
        lines.append(f"tokens   (B, K) int64 ids below {spec.output_size} that the decoder reads")
    if spec.kind == "many_to_many" and not spec.bidirectional:
        lines.append(f"state    to begin in, as that of {CLASSES[spec.cell]}; None: zeros")
    return "\n".join(lines) + "\n"


def _memory(spec: NetworkSpec) -> list[str]:
    """What a decoder of tokens attends to."""
    return {"none": [], "multiplicative": ["memory"], "additive": ["memory", "keys"]}[
        spec.attention
    ]


def _network(spec: NetworkSpec) -> str:
    body = {
        "many_to_one": _many_to_one,
        "many_to_many": _many_to_many,
        "encoder_decoder": _encoder_decoder,
    }[spec.kind](spec)
    inside = indent("\n".join(_parts(spec)), " " * 8)
    return (
        f'\n\nclass Network(nn.Module):\n    """{DOCS[spec.kind]}"""\n\n'
        f"    def __init__(self) -> None:\n        super().__init__()\n{inside}\n\n"
        f"{indent(body, '    ')}"
    )


DOCS = {
    "many_to_one": "A recurrent stack over the steps, made one vector, and a linear map of it.",
    "many_to_many": "A recurrent stack, and a linear map of every step.",
    "encoder_decoder": "A recurrent stack that reads, and one that writes from its final state.",
}


def _parts(spec: NetworkSpec) -> list[str]:
    """Lines of __init__."""
    lines = []
    width = spec.embedding_size or spec.input_size
    if spec.embedding == "tokens":
        lines.append(f"self.embedding = nn.Embedding({spec.vocab_size}, {width}, padding_idx=0)")
    elif spec.embedding != "none":
        read = spec.input_size * spec.segment_length
        lines.append(f"self.embedding = nn.Linear({read}, {width})")
    lines.append(_stack("encoder", spec, width, spec.bidirectional))
    if spec.kind == "encoder_decoder":
        lines += _decoder_parts(spec)
        inputs, outputs = spec.hidden_size, spec.segment_length * spec.output_size
    elif spec.kind == "many_to_many":
        inputs, outputs = spec.encoded_size, spec.output_size
    else:
        if spec.pooling == "attention":
            lines.append("self.attention = AttentionPooling()")
        inputs, outputs = spec.pooled_size, spec.horizon * spec.output_size
    lines.append(f"self.head = nn.Linear({inputs}, {outputs})")
    if spec.tie_embedding:
        table = "table" if spec.decoder == "tokens" else "embedding"
        lines.append(f"self.head.weight = self.{table}.weight  # one matrix for both")
    if spec.shortcut:
        lines.append("self.shortcut = Shortcut()")
    return lines


def _stack(name: str, spec: NetworkSpec, inputs: int, both: bool) -> str:
    options = [f"{inputs}, {spec.hidden_size}"]
    if spec.num_layers > 1:
        options.append(f"num_layers={spec.num_layers}")
    if both:
        options.append("bidirectional=True")
    return f"self.{name} = {CLASSES[spec.cell]}({', '.join([*options, 'batch_first=True'])})"


def _decoder_parts(spec: NetworkSpec) -> list[str]:
    lines = []
    if spec.bidirectional:
        size = spec.hidden_size
        maps = f"nn.ModuleList(nn.Linear({2 * size}, {size}) for _ in range({spec.num_layers}))"
        lines.append("self.bridge = nn.ModuleDict()")
        lines += [f'self.bridge["{state}"] = {maps}' for state in _states(spec)]
    if spec.decoder == "by_position":
        shape = f"{spec.positions}, {position_size(spec)}"
        lines.append(f"self.positions = nn.Parameter(torch.empty({shape}))")
    if spec.decoder == "tokens":
        shape = f"{spec.output_size}, {position_size(spec)}"
        lines.append(f"self.table = nn.Embedding({shape}, padding_idx=0)")
    lines.append(_stack("decoder", spec, decoder_input_size(spec), both=False))
    if spec.attention != "none":
        lines.append("self.attention = DecoderAttention()")
    return lines


def _states(spec: NetworkSpec) -> tuple[str, ...]:
    return ("h", "c") if spec.cell == "lstm" else ("h",)


def _reading(spec: NetworkSpec) -> tuple[list[str], str]:
    """Lines that make what the first layer reads of x, and both of its arguments."""
    if spec.embedding == "tokens":
        if spec.input_size == 1:
            return ["read = self.embedding(x[..., 0])  # (B, T, E)"], "read, lengths"
        lines = ["read = self.embedding(x).sum(2)  # the vectors of a step are added"]
        return lines, "read, lengths"
    if spec.embedding == "none":
        return [], "x, lengths"
    size = spec.segment_length
    if size == 1:
        return ["read = self.embedding(x)"], "read, lengths"
    return [
        f"segments = x.reshape(x.shape[0], -1, {size * spec.input_size})  # {size} steps at once",
        "read = self.embedding(segments)",
        f"ends = None if lengths is None else lengths // {size}",
    ], "read, ends"


POOLED = {
    "mean": "steps.masked_fill(~valid, 0.0).sum(1) / valid.sum(1)",
    "max": "steps.masked_fill(~valid, -torch.inf).amax(1)",
}


def _many_to_one(spec: NetworkSpec) -> str:
    lines, read = _reading(spec)
    last = "(h, _)" if spec.cell == "lstm" else "h"
    both = spec.bidirectional
    ends = read.rpartition(" ")[2]
    answer = "output"
    if spec.pooling == "last":
        lines.append(f"_, {last} = recurrent(self.encoder, {read})")
        if both:
            lines.append("pooled = torch.cat([h[-2], h[-1]], dim=1)  # each way's own last step")
        else:
            lines.append("pooled = h[-1]  # after the last valid step")
    elif spec.pooling == "attention":
        lines.append(f"steps, _ = recurrent(self.encoder, {read})")
        lines.append(f"pooled, attention = self.attention(steps, valid_steps(steps, {ends}))")
        answer = "output, attention"
    else:
        lines.append(f"steps, _ = recurrent(self.encoder, {read})")
        lines.append(f"valid = valid_steps(steps, {ends})[..., None]")
        ways = spec.pooling.split("_")
        if len(ways) == 1:
            lines.append(f"pooled = {POOLED[ways[0]]}")
        else:
            lines += [f"{way} = {POOLED[way]}" for way in ways]
            lines.append(f"pooled = torch.cat([{', '.join(ways)}], dim=1)")
    told = f"self.head(pooled).view(-1, {spec.horizon}, {spec.output_size})"
    if spec.shortcut:
        told += " + self.shortcut(x, lengths)"
    lines.append(f"output = {told}")
    returned = "tuple[Tensor, Tensor]" if answer != "output" else "Tensor"
    return _method("forward", "x: Tensor, lengths: Tensor | None = None", returned, lines, answer)


def _many_to_many(spec: NetworkSpec) -> str:
    lines, read = _reading(spec)
    if spec.bidirectional:
        lines.append(f"steps, _ = recurrent(self.encoder, {read})")
        given = "x: Tensor, lengths: Tensor | None = None"
        return _method("forward", given, "Tensor", lines, "self.head(steps)")
    lines.append(f"steps, state = recurrent(self.encoder, {read}, state)")
    given = "x: Tensor, lengths: Tensor | None = None, state=None"
    return _method("forward", given, "", lines, "self.head(steps), state")


def _encoder_decoder(spec: NetworkSpec) -> str:
    lines, read = _reading(spec)
    attended = spec.attention != "none"
    kept = "memory" if attended else "_"
    lines.append(f"{kept}, state = recurrent(self.encoder, {read})")
    if spec.bidirectional:
        if spec.cell == "lstm":
            both = ", ".join(
                f'bridged(self.bridge["{s}"], state[{i}])' for i, s in enumerate(_states(spec))
            )
            lines.append(f"state = ({both})")
        else:
            lines.append('state = bridged(self.bridge["h"], state)')
    if spec.decoder == "tokens":
        return _of_tokens(spec, lines, read.rpartition(" ")[2])
    future = "future: Tensor, " if spec.future_size else ""
    if spec.decoder == "by_position":
        given = f"x: Tensor, {future}lengths: Tensor | None = None"
        lines += _by_position(spec)
        if spec.shortcut:
            lines.append("output = output + self.shortcut(x, lengths)")
        return _method("forward", given, "Tensor", lines, "output")
    value = "value"
    if spec.future_size:
        value = "torch.cat([value, future[:, step]], dim=-1)"
    lines += [
        "value, outputs = start, []",
        f"for step in range({spec.horizon}):  # each step reads the answer of the one before",
        f"    read = {value}",
        "    shown, state = recurrent(self.decoder, read[:, None], None, state)",
        "    value = self.head(shown[:, 0])",
        "    outputs.append(value)",
    ]
    given = f"x: Tensor, start: Tensor, {future}lengths: Tensor | None = None"
    return _method("forward", given, "Tensor", lines, "torch.stack(outputs, dim=1)")


def _by_position(spec: NetworkSpec) -> list[str]:
    size, count = spec.segment_length, spec.positions
    lines = ["steps = self.positions.expand(x.shape[0], -1, -1)"]
    if spec.future_size:
        beyond = count * size - spec.horizon
        if beyond:
            lines.append(f"future = nn.functional.pad(future, (0, 0, 0, {beyond}))")
        flat = f"future.reshape(x.shape[0], {count}, {size * spec.future_size})"
        lines.append(f"steps = torch.cat([steps, {flat}], dim=-1)")
    lines.append("shown, _ = recurrent(self.decoder, steps, None, state)")
    shape = f"x.shape[0], {count * size}, {spec.output_size}"
    lines.append(f"output = self.head(shown).reshape({shape})[:, :{spec.horizon}]")
    return lines


def _of_tokens(spec: NetworkSpec, lines: list[str], ends: str) -> str:
    kept = _memory(spec)
    if kept:
        valid = f"valid_steps(memory, {ends})[..., None]"
        lines.append(f"memory = memory.masked_fill(~{valid}, 0.0)")
    answer = ", ".join(["state", "memory", "self.attention.keys(memory)"][: 1 + len(kept)])
    given = "x: Tensor, lengths: Tensor | None = None"
    encode = _method("encode", given, "", lines, answer)
    written = ["shown, state = recurrent(self.decoder, self.table(tokens), None, state)"]
    given = "tokens: Tensor, state"
    answer = "self.head(shown), state"
    if kept:
        given += f", {', '.join(kept)}, lengths: Tensor | None = None"
        names = ", ".join(kept)
        written.append(
            f"shown, attention = self.attention(shown, {names}, valid_steps(memory, lengths))"
        )
        answer += ", attention"
    return encode + "\n" + _method("decode", given, "", written, answer)


def _method(name: str, given: str, returned: str, lines: list[str], answer: str) -> str:
    arrow = f" -> {returned}" if returned else ""
    body = indent("\n".join([*lines, f"return {answer}"]), "    ")
    return f"def {name}(self, {given}){arrow}:\n{body}\n"


def _committee(spec: NetworkSpec, members: int, several: bool) -> str:
    attended = spec.pooling == "attention"
    outputs = "torch.stack([output for output, _ in told])" if attended else "torch.stack(told)"
    if several:
        lines = f"""\
            outputs = {outputs}
            true = torch.logsumexp(nn.functional.logsigmoid(outputs), dim=0)
            false = torch.logsumexp(nn.functional.logsigmoid(-outputs), dim=0)
            output = true - false"""
    else:
        lines = f"""\
            shares = torch.log_softmax({outputs}, dim=-1)
            output = torch.logsumexp(shares, dim=0) - math.log({members})"""
    answer = "output"
    if attended:
        answer = "output, torch.stack([attention for _, attention in told]).mean(0)"
    gathering = indent(dedent(lines) + f"\nreturn {answer}", " " * 8)
    text = COMMITTEE.format(
        members=members,
        gathering=gathering,
        odds="'s odds" if several else "",
        squash="sigmoid" if several else "softmax",
    )
    return text
