"""The README.md of an export: what goes in, what comes out, how to run it."""

from __future__ import annotations

from gatewise.batch import END, START
from gatewise.exporting.formats import Written
from gatewise.exporting.interface import Part, Tensor
from gatewise.exporting.subject import Subject
from gatewise.reference import STATES
from gatewise.version import __version__

PADS = """\
Sequences of a batch are padded at the end to the longest of them; `lengths` says how many steps of
each are its own, and what stands behind them is never read."""

FILES = """\
`codec.json` holds what was learnt of the training data to turn data into inputs and outputs into
answers, and the interface above. `codec.py` does it, with {needs}."""

# task -> what data is called, and what codec.py makes of the network's answers
NAMES = {
    "forecast": ("rows", "forecasts"),
    "classify": ("texts", "answers"),
    "tag": ("sentences", "answers"),
    "generate": ("[prompt]", "text"),
    "translate": ("sources", "text"),
}
WRITES = 50  # ids at most, in the example


def readme(subject: Subject, to: str, written: Written, needs: tuple[str, ...]) -> str:
    """The text, in Markdown.

    needs  packages of codec.py beside NumPy
    """
    sections = [
        f"# {subject.name}, as {to}",
        f"Trained to {subject.task}; {_kind(subject)}. Made by {_versions(subject)}, exported by "
        f"gatewise {__version__}.",
        f"Before it was written, it was compared with the model: {written.verified.words()}.",
        *(f"- {note}" for note in written.notes),
        "## Run it",
        f"`pip install {' '.join(dict.fromkeys([*written.needs, *needs]))}`",
        "```python\n" + "\n".join(_example(subject, written)) + "\n```",
    ]
    for part in written.parts:
        title = f"## Inputs and outputs of `{part.name}`"
        sections += [title if len(written.parts) > 1 else "## Inputs and outputs", _table(part)]
    if written.parts:
        sections.append(PADS)
    said = " and ".join(["NumPy alone"] if not needs else ["NumPy", *needs])
    sections += ["## From data to inputs, and back", FILES.format(needs=said)]
    if subject.task == "forecast":
        columns = ", ".join(subject.codec()["codec"]["columns"])
        sections.append(f"`rows` are the last {subject.lookback} rows of {columns}.")
    return "\n\n".join(sections) + "\n"


def _example(subject: Subject, written: Written) -> list[str]:
    """Lines of Python from data to answers."""
    data, back = NAMES[subject.task]
    if subject.task == "classify" and subject.codec()["reading"]["kind"] == "numbers":
        data = "sequences"
    if subject.task == "forecast" and subject.codec()["codec"]["cycles"]:
        data += ", times"
    imports = [f"from codec import {', '.join(sorted(['inputs', back]))}"]
    if not written.parts:
        return list(written.opening or ())
    if written.opening is None:
        return _torch(subject, data, imports)
    lines = [*written.opening, "", "", f"given = inputs({data})"]
    at = next(i for i, line in enumerate(lines) if not line)
    lines[at:at] = imports
    spec = subject.spec
    if spec.decoder == "tokens":
        whole = written.parts[1].inputs[0].dtype
        lines += _write(subject, [part.name for part in written.parts[0].outputs], whole)
    elif len(written.parts) > 1:
        lines += _feed_back(subject)
    elif spec.kind == "many_to_many" and not spec.bidirectional:
        shape = f"({spec.num_layers}, 1, {spec.hidden_size})"
        states = STATES[spec.cell]
        lines += [f'given["{name}"] = np.zeros({shape}, dtype=np.float32)' for name in states]
        lines += ['told = ask("model", given)', 'output = told["output"]  # told["next_h"], ...']
    else:
        lines += ['output = ask("model", given)["output"]']
    return [*lines, *_back(subject, data)]


def _back(subject: Subject, data: str) -> list[str]:
    if subject.task == "forecast":
        return [f"forecasts(output, {data})"]
    if subject.task == "classify":
        return ["answers(output)"]
    if subject.task == "tag":
        return ['answers(output, given["lengths"])']
    if subject.task == "generate":
        return ["text([output[0, -1].argmax()])  # the likeliest token behind the prompt"]
    return ["[text(row) for row in written]"]


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
        f'    read = told["output"].argmax(axis=-1).astype(np.{whole})',
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
    lines = [
        "import torch",
        *imports,
        "from network import load",
        "",
        "model = load()",
        f"given = {{n: torch.from_numpy(a) for n, a in inputs({data}).items()}}",
    ]
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
            "        read = output.argmax(dim=-1)",
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
    return [*lines, *_back(subject, data)]


def _versions(subject: Subject) -> str:
    made = subject.artifact.versions
    return ", ".join(f"{name} {made[name]}" for name in made if name not in ("python", "numpy"))


def _kind(subject: Subject) -> str:
    spec = subject.spec
    layers = f"{spec.num_layers} layer{'s' if spec.num_layers > 1 else ''}"
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
