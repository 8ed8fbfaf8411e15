"""The README.md of an export: what goes in, what comes out, how to run it."""

from __future__ import annotations

from collections.abc import Sequence

from gatewise.batch import END, PADDING, START, UNKNOWN
from gatewise.exporting.formats import Written
from gatewise.exporting.interface import Part, Tensor
from gatewise.exporting.subject import Subject
from gatewise.version import __version__

PADS = """\
Sequences of a batch are padded at the end to the longest of them; `lengths` says how many steps of
each are its own, and what stands behind them is never read."""

SERIES = """\
`codec.json` holds what was learnt of the training rows under `codec`. To read `lookback` rows
(L, columns):

1. of a column in `logs`, take the logarithm of max(value, its entry in `floors`)
2. scaled = (value - center) / spread, column by column
{calendar}{window}
The network reads `x` (B, L, F): {features}. To undo it, output (B, K, D) -> forecasts:

{undo}
"""

TEXTS = """\
`codec.json` holds the vocabulary: id {first} and above are its entries, in order. 0 is padding,
1 an unknown token, 2 the start and 3 the end of a text. {unit}{ngrams}"""

LABELS = """\
The entries of `labels` name the classes in the order of the output's last axis. The temperature
that makes probabilities honest is already in the weights."""


def readme(subject: Subject, to: str, written: Written) -> str:
    """The text, in Markdown."""
    spec = subject.spec
    sections = [
        f"# {subject.name}, as {to}",
        f"Trained to {subject.task} and exported by gatewise {__version__} "
        f"({_versions(subject)}): {_kind(subject)}.",
        f"Verified against the model before it was written: {written.verified.words()}.",
        *(f"- {note}" for note in written.notes),
        "## Run it",
        f"`pip install {' '.join(written.needs)}`",
        f"```python\n{written.example}\n```",
    ]
    for part in written.parts:
        sections += [f"## {part.name}" if len(written.parts) > 1 else "## Interface", _table(part)]
    if written.parts:
        sections.append(PADS)
    if spec.decoder == "fed_back" and len(written.parts) > 1:
        sections.append(
            f"Run `encoder` once and `decoder` {spec.horizon} times: its `output` is the next "
            f"`value`, `next_h` and so on the next states. The first `value` is the last row of "
            f"`x`, its first {spec.output_size} features."
        )
    if spec.decoder == "tokens" and written.parts:
        sections.append(
            f"Run `encoder` once. `decoder` reads id {START} (start) first, then the id it told "
            f"before, until that is {END} (end)."
        )
    sections += ["## From data to inputs, and back", _codec(subject)]
    return "\n\n".join(sections) + "\n"


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


def _codec(subject: Subject) -> str:
    if subject.task == "forecast":
        return _series(subject)
    if subject.task == "classify":
        return f"{_reading(subject.codec()['reading'])}\n\n{LABELS}"
    if subject.task == "tag":
        return (
            "`codec.json` holds the features of a token that are known: entries of "
            f"`codec.vocabulary` are (channel, text), and their ids begin at {END + 1}. Channels "
            "are: the word in small letters, its first and its last three letters where it is "
            "longer, its shape, the word before with it. An unknown word is id "
            f"{UNKNOWN}, any other feature that is missing or unknown {PADDING}.\n\n"
            "`labels.tags` names the classes in the order of the output's last axis."
        )
    if subject.task == "generate":
        return _text(subject.codec()["codec"])
    both = subject.codec()
    return f"Source: {_reading(both['source'])}\n\nTarget: {_text(both['target']['codec'])}"


def _reading(reading: dict[str, object]) -> str:
    codec = reading["codec"]
    if not isinstance(codec, dict):
        return ""
    if reading["kind"] == "numbers":
        return (
            "`codec.json` holds `center` and `spread` of each channel: "
            "x = (value - center) / spread. "
            f"At most {codec['max_length']} steps are read."
            if codec["max_length"]
            else "`codec.json` holds `center` and `spread` of each channel: "
            "x = (value - center) / spread."
        )
    return _text(codec)


def _text(codec: dict[str, object]) -> str:
    tables = codec["tables"]
    ngrams = ""
    if isinstance(tables, Sequence) and tables:
        ngrams = (
            " A step has further ids: the pair, and where there is one more the triple, of tokens "
            "that ends there, looked up in `tables`; 0 where it is unknown."
        )
    unit = f"A token is of unit `{codec['unit']}`"
    unit += ", read in small letters." if codec["lowercase"] else "."
    return TEXTS.format(first=END + 1, unit=unit, ngrams=ngrams)


def _series(subject: Subject) -> str:
    codec = subject.codec()["codec"]
    window = {
        "none": "",
        "last": "3. from each target, subtract its last scaled value in the window: `last`\n",
        "mean_std": "3. of each target, subtract its mean over the window and divide by "
        "sqrt(variance + 0.01)\n",
    }[codec["window_scaling"]]
    cycles = ", ".join(codec["cycles"])
    calendar = f"2b. behind the columns: sine and cosine of each of: {cycles}\n" if cycles else ""
    own = "one target and the features; each target is a series of its own"
    features = own if codec["independent"] else "the columns in the order of `columns`"
    undo = []
    if codec["window_scaling"] == "last":
        undo.append("- add last * persistence (K, D), or `last` where persistence is null")
    if codec["window_scaling"] == "mean_std":
        undo.append("- multiply by the window's spread and add its mean")
    undo.append("- multiply by spread, add center")
    if codec["logs"]:
        undo.append(f"- of {', '.join(codec['logs'])}: take exp")
    return SERIES.format(
        calendar=calendar, window=window, features=features, undo="\n".join(undo)
    ).rstrip()
