"""The README.md of an export: what goes in, what comes out, how to run it."""

from __future__ import annotations

import json

from gatewise.batch import END, START
from gatewise.exporting.formats import Written
from gatewise.exporting.interface import Part, Tensor
from gatewise.exporting.samples import columns, counted, learnt, sample, title
from gatewise.exporting.subject import Subject
from gatewise.reference import STATES
from gatewise.version import __version__
from gatewise.weights import shapes

PADS = """\
Sequences of a batch are padded at the end to the longest of them; `lengths` says how many steps of
each are its own, and what stands behind them is never read."""

FILES = """\
`codec.json` holds what was learnt of the training data to turn data into inputs and outputs into
answers{interface}. `codec.py` does it, with {needs}."""

AFTER = """\
`inputs` reads texts from their beginning. What is carried on with the network's state is read by
`after`, which looks up the tokens before it too; `inputs` of a lone {piece} would not know them."""

LOGS = """\
TensorFlow tells of itself on stderr; `TF_CPP_MIN_LOG_LEVEL=3 TF_ENABLE_ONEDNN_OPTS=0 python run.py`
keeps it quiet."""

ALONE = """\
These are weights alone. For a network that runs, use `gatewise export MODEL --to onnx` or
`--to torch`; `network.py` of the latter shows how each weight is used. `spec`, in the metadata,
holds the sizes and the kind of network."""

LAYOUT = """\
A matrix maps from its first axis to its second, `y = x @ W`. The gates of a layer stand side by
side in the second axis, in the order of this step (`*` is elementwise):"""

STEPS = {
    "rnn": ("h = tanh(x @ input + h @ recurrent + bias)",),
    "gru": (
        "read, kept = split(x @ input + bias, 3), split(h @ recurrent, 3)  # r z n",
        "r, z = sigmoid(read[0] + kept[0]), sigmoid(read[1] + kept[1])",
        "n = tanh(read[2] + r * (kept[2] + candidate_bias))",
        "h = (1 - z) * n + z * h",
    ),
    "lstm": (
        "i, f, g, o = split(x @ input + h @ recurrent + bias, 4)  # input forget candidate output",
        "c = sigmoid(f) * c + sigmoid(i) * tanh(g)",
        "h = sigmoid(o) * tanh(c)",
    ),
}

# task -> what data is called, and what codec.py makes of the network's answers
NAMES = {
    "forecast": ("rows", "forecasts"),
    "classify": ("texts", "answers"),
    "tag": ("sentences", "answers"),
    "generate": ("[prompt]", "text"),
    "translate": ("sources", "text"),
}
PIECES = {"char": "character", "word": "word", "bpe": "piece"}
WRITES = 50  # ids at most, in the example of a translator
GROWS = 40  # tokens, in that of a generator


def readme(subject: Subject, to: str, written: Written, needs: tuple[str, ...]) -> str:
    """The text, in Markdown.

    needs  packages of codec.py beside NumPy
    """
    runs = bool(written.parts)
    packages = " ".join(dict.fromkeys([*written.needs, *(needs if runs else ())]))
    sections = [
        f"# {title(subject)} ({to})",
        f"{learnt(subject)} {_kind(subject)}. Made by {_versions(subject)}; exported from the "
        f"model `{subject.name}` by gatewise {__version__}.",
        f"Before it was written, it was compared with the model: {written.verified.words()}.",
        *(f"- {note}" for note in written.notes),
        "## Run it" if runs else "## Read it",
        f"`pip install {packages}`, then inside this folder:",
        "```python\n" + "\n".join(_example(subject, written)) + "\n```",
    ]
    if "tensorflow" in written.needs:
        sections.append(LOGS)
    if runs and subject.task == "generate":
        sections.append(AFTER.format(piece=PIECES[subject.codec()["codec"]["unit"]]))
    for part in written.parts:
        heading = f"## Inputs and outputs of `{part.name}`"
        sections += [heading if len(written.parts) > 1 else "## Inputs and outputs", _table(part)]
    sections += [PADS] if runs else _weights(subject)
    said = " and ".join(["NumPy alone"] if not needs else ["NumPy", *needs])
    also = ", and the interface above" if runs else ""
    sections += ["## From data to inputs, and back", FILES.format(needs=said, interface=also)]
    if subject.task == "forecast":
        sections.append(_rows(subject))
    return "\n\n".join(sections) + "\n"


def _rows(subject: Subject) -> str:
    """What a forecaster is given."""
    codec, time = subject.codec()["codec"], subject.artifact.model["data"].get("time")
    name = f" (`{time}`)" if time else ""
    last = "row" if subject.lookback == 1 else f"{subject.lookback} rows"
    text = (
        f"`rows` are the last {last} of {columns(subject)}, oldest first: numbers in this order, "
        f"or a DataFrame, whose columns are found by name. More rows do no harm."
    )
    if not codec["cycles"]:
        return f"{text} The times{name} are not read." if time else text
    ahead = subject.spec.future_size and f", then those of the {subject.spec.horizon} to forecast"
    return f"{text} `times` are the times{name} of all these rows{ahead or ''}."


def _weights(subject: Subject) -> list[str]:
    """What stands in a file of weights alone; of several networks, in the first."""
    whose = "" if len(subject.members) == 1 else " in the first network"
    rows = [f"| name{whose} | shape |", "|---|---|"]
    rows += [f"| `{name}` | {shape} |" for name, shape in shapes(subject.spec).items()]
    return [
        ALONE,
        "## Weights",
        "\n".join(rows),
        LAYOUT,
        "```text\n" + "\n".join(STEPS[subject.spec.cell]) + "\n```",
    ]


def _example(subject: Subject, written: Written) -> list[str]:
    """Lines of Python from data to printed answers."""
    if not written.parts:
        shown = "for name, array in weights.items():", "    print(name, array.shape)"
        return [*(written.opening or ()), *shown]
    data, back = NAMES[subject.task]
    if subject.task == "classify" and subject.codec()["reading"]["kind"] == "numbers":
        data = "sequences"
    if subject.task == "forecast" and subject.codec()["codec"]["cycles"]:
        data += ", times"
    more = ["after", "likeliest"] if subject.task == "generate" else []
    imports = [f"from codec import {', '.join(sorted(['inputs', back, *more]))}"]
    if written.opening is None:
        return _torch(subject, data, imports)
    lines = [*written.opening, "", "", *sample(subject)]
    at = next(i for i, line in enumerate(lines) if not line)
    lines[at:at] = imports
    spec = subject.spec
    pad = _padding(subject, written)
    if subject.task == "generate":
        return [*lines, *_grow(subject, pad)]
    lines += [f"given = inputs({data})", *pad]
    if spec.decoder == "tokens":
        whole = written.parts[1].inputs[0].dtype
        lines += _write(subject, [part.name for part in written.parts[0].outputs], whole)
    elif len(written.parts) > 1:
        lines += _feed_back(subject)
    elif spec.kind == "many_to_many" and not spec.bidirectional:
        lines += [f'given["{name}"] = {_zeros(subject)}' for name in STATES[spec.cell]]
        lines += ['output = ask("model", given)["output"]']
    else:
        lines += ['output = ask("model", given)["output"]']
    return [*lines, _back(subject, data)]


def _padding(subject: Subject, written: Written) -> list[str]:
    """Lines that bring the inputs to the one length that is read."""
    length = written.parts[0].inputs[0].shape[1]
    if isinstance(length, str) or length == subject.lookback:
        return []
    return [
        f'pad = {length} - given["x"].shape[1]  # it reads {counted(length, "step")}, always',
        'given["x"] = np.pad(given["x"], [(0, 0), (0, pad), (0, 0)])',
    ]


def _zeros(subject: Subject) -> str:
    spec = subject.spec
    rows = "1" if subject.task == "generate" else 'len(given["x"])'
    return f"np.zeros(({spec.num_layers}, {rows}, {spec.hidden_size}), dtype=np.float32)"


def _back(subject: Subject, data: str) -> str:
    if subject.task == "forecast":
        return f"print(forecasts(output, {data}))"
    if subject.task == "classify":
        return "print(answers(output))"
    if subject.task == "tag":
        return 'print(answers(output, given["lengths"]))'
    return "print([text(row) for row in written])"


def _grow(subject: Subject, pad: list[str]) -> list[str]:
    """A text, token by token; the state is carried from one to the next."""
    states = STATES[subject.spec.cell]
    again = ", ".join(f'"{name}": told["next_{name}"]' for name in states)
    return [
        "given, written = inputs([prompt]), []",
        f"state = dict.fromkeys({json.dumps(states)}, {_zeros(subject)})",
        f"for _ in range({GROWS}):  # the likeliest token each time",
        *(f"    {line}" for line in pad),
        '    told = ask("model", {**given, **state})',
        f"    state = {{{again}}}",
        '    token = likeliest(told["output"], given["lengths"])',
        "    written += token.tolist()",
        "    given = after(given, token)",
        _grown(subject),
    ]


def _grown(subject: Subject) -> str:
    join = ", " if subject.codec()["codec"]["unit"] == "word" else " + "
    return f"print(prompt{join}text(written))"


def _write(subject: Subject, encoded: list[str], whole: str) -> list[str]:
    states = STATES[subject.spec.cell]
    memory = [name for name in encoded if name not in states]
    lines = ['told = ask("encoder", given)']
    extra = ""
    if memory:
        lines.append(f"memory = {{name: told[name] for name in {memory}}}")
        extra = ', **memory, "lengths": given["lengths"]'
    given = ", ".join(f'"{name}": told["{name}"]' for name in states)
    again = ", ".join(f'"{name}": told["next_{name}"]' for name in states)
    return [
        *lines,
        f"state = {{{given}}}",
        f'read, written = np.full((len(given["x"]), 1), {START}, dtype=np.{whole}), []',
        f"for _ in range({WRITES}):  # the likeliest id each time; {END} ends a text",
        f'    told = ask("decoder", {{"tokens": read, **state{extra}}})',
        f"    state = {{{again}}}",
        f'    read = (3 + told["output"][..., 3:].argmax(axis=-1)).astype(np.{whole})',
        "    written.append(read)",
        "written = np.concatenate(written, axis=1)",
    ]


def _feed_back(subject: Subject) -> list[str]:
    spec = subject.spec
    states = STATES[spec.cell]
    again = ", ".join(f'"{name}": told["next_{name}"]' for name in states)
    future = ', "future": future[:, step]' if spec.future_size else ""
    return [
        *(['future = given.pop("future")'] if spec.future_size else []),
        'value, steps = given.pop("start"), []',
        'state = ask("encoder", given)',
        f"for step in range({spec.horizon}):  # each reads the value before it",
        f'    told = ask("decoder", {{"value": value{future}, **state}})',
        f'    value, state = told["output"], {{{again}}}',
        "    steps.append(value)",
        "output = np.stack(steps, axis=1)",
    ]


def _torch(subject: Subject, data: str, imports: list[str]) -> list[str]:
    """Of network.py, whose network is asked as its docstring says."""
    spec = subject.spec
    data_lines = sample(subject)
    numpy = any("np." in line for line in data_lines)
    lines = [
        *(["import numpy as np"] if numpy else []),
        "import torch",
        *imports,
        "from network import load",
        "",
        "model = load()",
        *data_lines,
    ]
    if subject.task == "generate":
        return [
            *lines,
            "given, state, written = inputs([prompt]), None, []",
            f"for _ in range({GROWS}):  # the likeliest token each time",
            "    x, lengths = map(torch.from_numpy, given.values())",
            "    with torch.no_grad():",
            "        output, state = model(x, lengths, state)",
            '    token = likeliest(output, given["lengths"])',
            "    written += token.tolist()",
            "    given = after(given, token)",
            _grown(subject),
        ]
    lines += [f"given = {{n: torch.from_numpy(a) for n, a in inputs({data}).items()}}"]
    if spec.decoder == "tokens":
        kept = {"none": [], "multiplicative": ["memory"], "additive": ["memory", "keys"]}
        memory = kept[spec.attention]
        told = ", ".join(["output", "state", *(["_"] if memory else [])])
        asked = ", ".join(["read", "state", *memory, *(['given["lengths"]'] if memory else [])])
        lines += [
            "with torch.no_grad():",
            f"    {', '.join(['state', *memory])} = model.encode(**given)",
            f'    read, written = torch.full((len(given["x"]), 1), {START}), []',
            f"    for _ in range({WRITES}):  # the likeliest id each time; {END} ends a text",
            f"        {told} = model.decode({asked})",
            "        read = 3 + output[..., 3:].argmax(dim=-1)",
            "        written.append(read)",
            "written = torch.cat(written, dim=1)",
        ]
    else:
        told = "output"
        if spec.kind == "many_to_many" and not spec.bidirectional:
            told = "output, state"
        if spec.kind == "many_to_one" and spec.pooling == "attention":
            told = "output, attention"
        lines += ["with torch.no_grad():", f"    {told} = model(**given)"]
    return [*lines, _back(subject, data)]


def _versions(subject: Subject) -> str:
    made = subject.artifact.versions
    return ", ".join(f"{name} {made[name]}" for name in made if name not in ("python", "numpy"))


def _kind(subject: Subject) -> str:
    spec = subject.spec
    layers = counted(spec.num_layers, "layer")
    both = ", bidirectional" if spec.bidirectional else ""
    return f"{spec.cell.upper()}, {layers} of {spec.hidden_size} units{both}"


def _table(part: Part) -> str:
    rows = ["| | name | shape | type | meaning |", "|---|---|---|---|---|"]
    for way, tensors in (("in", part.inputs), ("out", part.outputs)):
        rows += [_row(way, tensor) for tensor in tensors]
    return "\n".join(rows)


def _row(way: str, tensor: Tensor) -> str:
    shape = ", ".join(map(str, tensor.shape))
    comma = "," if len(tensor.shape) == 1 else ""
    return f"| {way} | `{tensor.name}` | ({shape}{comma}) | {tensor.dtype} | {tensor.meaning} |"
