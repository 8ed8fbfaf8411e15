"""codec.py of an export: what turns data into the network's inputs and its outputs into answers.

It needs NumPy alone (and what cut the texts: tokenizers, jieba), reads codec.json beside it, and
says only what this model needs.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from gatewise.data import calendar, features
from gatewise.exporting.subject import Subject

START = '''\
"""What turns data into the network's inputs, and its outputs into answers; made by gatewise.

{usage}
"""

from __future__ import annotations

import json
{imports}from pathlib import Path

import numpy as np
{others}
CODEC = json.loads(Path(__file__).with_name("codec.json").read_text(encoding="utf-8"))
'''

PADDED = '''

def padded(rows):
    """Sequences (t, F) as x (B, T, F), zeros behind each, and lengths (B,)."""
    lengths = np.array([len(row) for row in rows], dtype=np.{whole})
    if not lengths.all():
        raise ValueError("there is a sequence with nothing to read; leave it out")
    x = np.zeros((len(rows), lengths.max(), len(rows[0][0])), dtype=np.{kind})
    for place, row in zip(x, rows):
        place[: len(row)] = row
    return {{"x": x, "lengths": lengths}}
'''

SERIES = '''

def _window(rows, times):
    """x (G, L, F) and what was taken out of its first columns: shift and spread (G, 1, D)."""
    codec = CODEC["codec"]
    count, targets = codec["lookback"], codec["predicted"]
    rows = np.array(rows, dtype=np.float64).reshape(len(rows), -1)[-count:]  # (L, C)
    if rows.shape != (count, len(codec["columns"])):
        raise ValueError(f"expected {{count}} rows of {{codec['columns']}}, not {{rows.shape}}")
    for name, floor in zip(codec["logs"], codec["floors"]):
        at = codec["columns"].index(name)
        rows[:, at] = np.log(np.maximum(rows[:, at], floor))
    x = ((rows - codec["center"]) / codec["spread"]).astype(np.float32)
{calendar}    if codec["independent"]:  # each target by itself, beside all features
        features = x[:, targets:]
        x = np.stack([np.column_stack([x[:, g], features]) for g in range(targets)])
        own = 1
    else:
        x, own = x[None], targets
    shift, spread = np.zeros_like(x[:, :1, :own]), np.ones_like(x[:, :1, :own])
    if codec["window_scaling"] == "last":
        shift = x[:, -1:, :own].copy()
    elif codec["window_scaling"] == "mean_std":
        shift = x[:, :, :own].mean(1, keepdims=True)
        spread = np.sqrt(((x[:, :, :own] - shift) ** 2).mean(1, keepdims=True) + 0.01)
    x[:, :, :own] = (x[:, :, :own] - shift) / spread
    return x, shift, spread


def inputs(rows{times}):
    """The last rows (L, C) of the columns that codec.json names, in their own units."""
    x, shift, _ = _window(rows, {given})
    found = {{"x": x, "lengths": np.full(len(x), x.shape[1], dtype=np.{whole})}}
{more}    return found


def forecasts(output, rows{times}):
    """output (G, K, D) of the network, and the rows that it was asked with -> (K, targets)."""
    codec = CODEC["codec"]
    _, shift, spread = _window(rows, {given})
    persistence = 1.0 if codec["persistence"] is None else np.array(codec["persistence"])
    told = np.concatenate(list(np.asarray(output) * spread + shift * persistence), axis=-1)
    targets = codec["predicted"]
    told = told * codec["spread"][:targets] + codec["center"][:targets]
    for at, name in enumerate(codec["columns"][:targets]):
        if name in codec["logs"]:
            told[:, at] = np.exp(np.minimum(told[:, at], 700.0))
    return told
'''

CALENDAR = """    times = np.asarray(times, dtype="datetime64[ns]")
    x = np.concatenate([x, cycle_values(times[:count], tuple(codec["cycles"]))], axis=1)
"""

NUMBERS = '''

def inputs(sequences):
    """Sequences (t, F), or (t,) of one channel, of any lengths."""
    codec = CODEC["{where}"]["codec"]
    rows = [np.asarray(one, dtype=np.float64) for one in sequences]
    rows = [one[:, None] if one.ndim == 1 else one for one in rows]
    scaled = [(one[: codec["max_length"]] - codec["center"]) / codec["spread"] for one in rows]
    return padded(scaled)
'''

TEXTS = '''

def normal(text, codec):
    """The same characters for what may be written in several ways."""
    text = re.sub("[\\ud800-\\udfff]", "\\ufffd", text)
    if codec["normalization"] != "none" and not text.isascii():
        text = unicodedata.normalize(codec["normalization"].upper(), text)
    return text.lower() if codec["lowercase"] else text


def tokens(text, codec):
    """{tokens}"""
{cut}

KNOWN = {{token: i for i, token in enumerate(CODEC{where}["vocabulary"], 4)}}
TABLES, _first = [], len(KNOWN) + 4  # of the pairs, then the triples, that end at a token
for _table in CODEC{where}["tables"]:
    TABLES.append({{tuple(pair): _first + i for i, pair in enumerate(_table)}})
    _first += len(_table)


def ids(text, codec):
    """The ids of a text, (t, F): of each token, and of what is known to end there."""
    channels = [{first}]
    for known in TABLES:
        pairs = zip(channels[-1], channels[0][1:])
        after = [known.get(pair, 0) if min(pair) > 3 else 0 for pair in pairs]
        channels.append([0, *after][: len(channels[0])])
    steps = np.array(channels, dtype=np.int64).T
    most, where = codec["max_length"], codec["truncate"]
    if most is None or len(steps) <= most:
        return steps
    head = {{"end": most, "start": 0, "middle": most - most // 2}}[where]
    return np.concatenate([steps[:head], steps[len(steps) - (most - head) :]])


def inputs(texts):
    """{texts}"""
    return padded([ids(text, CODEC{where}) for text in texts])
'''

CUTS = {
    "char": "    return list(normal(text, codec))\n",
    "word": '    chunks = normal(text, codec).replace(" />", "/>").split()\n'
    "    cut = {cutter}\n"
    "    return [token for chunk in chunks for token in cut(chunk)]\n",
    "bpe": "    return _tokenizer().encode(normal(text, codec), add_special_tokens=False).ids\n",
    "given": "    return [normal(str(token), codec) for token in text]\n",
}

BPE = '''

@functools.cache
def _tokenizer():
    """What joins characters to pieces of words."""
    codec = CODEC{where}
    pieces = ["\\0padding", "\\0unknown", "\\0start", "\\0end", *codec["vocabulary"]]
    merges = [tuple(pair) for pair in codec["merges"]]
    vocabulary = {{piece: i for i, piece in enumerate(pieces)}}
    found = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, byte_fallback=True))
    found.pre_tokenizer = pre_tokenizers.Split(Regex(codec["pattern"]), "isolated")
    return found
'''

WRITTEN = '''

def {name}(ids):
    """The {what} of ids (t,), up to the first 3 (end)."""
    codec = CODEC{where}
    found = [int(i) for i in ids]
    found = found[: found.index(3)] if 3 in found else found
    found = [i for i in found if i == 1 or i > 3]
{join}'''

JOINS = {
    "char": '    known = codec["vocabulary"]\n'
    '    return "".join("\\ufffd" if i == 1 else known[i - 4] for i in found)\n',
    "word": '    words = ["\\ufffd" if i == 1 else codec["vocabulary"][i - 4] for i in found]\n'
    '    text = " ".join(words)\n'
    '    for needless in codec["joins"]:\n        text = re.sub(needless, "", text)\n'
    "    return text\n",
    "given": '    return ["[unknown]" if i == 1 else codec["vocabulary"][i - 4] for i in found]\n',
    "bpe": '    pieces = ["\\ufffd" if i == 1 else codec["vocabulary"][i - 4] for i in found]\n'
    "    whole = [bytes([i - 4]) if i < 260 else p.encode() for i, p in zip(found, pieces)]\n"
    '    return b"".join(whole).decode("utf-8", errors="replace")\n',
}

WHOLE = '    return [int(codec["vocabulary"][i - 4]) for i in found if i > 3]\n'

TOKENS: tuple[Any, ...] = (features.shape, features._features)

CLASSES = '''

def answers(output):
    """output (B, 1, C) of the network -> for each sequence the probability of each {what}."""
    z = np.asarray(output, dtype=np.float64)[:, 0]
{squash}
    return [dict(zip(CODEC["labels"]["classes"], row.tolist())) for row in shares]
'''

SOFTMAX = """    powers = np.exp(z - z.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)"""
SIGMOID = "    shares = np.exp(-np.logaddexp(0.0, -z))"

TAGS = '''

def inputs(sentences):
    """Sentences, each a list of tokens."""
    known = {{tuple(one): i for i, one in enumerate(CODEC["codec"]["vocabulary"], 4)}}
    rows = [
        [[known.get(one, 0 if one[0] else 1) for one in enumerate(token)] for token in _features(s)]
        for s in sentences
    ]
    return padded(rows)


def answers(output, lengths):
    """output (B, T, C) of the network -> for each sentence a tag for each token."""
    tags = CODEC["labels"]["tags"]
    classes = np.asarray(output).argmax(axis=-1)
    return [[tags[i] for i in row[:length]] for row, length in zip(classes, lengths)]
'''


def codec_source(subject: Subject, whole: str) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """The text of codec.py, what it reads of codec.json beyond the codec, and the packages that it
    needs beside NumPy.

    whole  the type of the network's whole numbers: int64, int32
    """
    if subject.task == "forecast":
        return _series(subject, whole), {}, ()
    if subject.task == "tag":
        usage = "inputs(sentences) -> x, lengths; answers(output, lengths) -> tags"
        parts = [f"\nAFFIX = {features.AFFIX}\n"]
        parts += [f"\n\n{inspect.getsource(one)}" for one in TOKENS]
        parts += [_padded(whole, "int"), TAGS.format()]
        return _start(usage, "", "") + "".join(parts), {}, ()
    if subject.task == "classify":
        return _classes(subject, whole)
    if subject.task == "generate":
        text, more, needs = _texts(subject.codec()["codec"], '["codec"]', "Texts.", ["codec"])
        usage = "inputs(texts) -> x, lengths; text(ids) -> what they say"
        return _start(usage, *needs_of(needs)) + _padded(whole, "int") + text, more, needs
    return _pairs(subject, whole)


def _start(usage: str, imports: str, others: str) -> str:
    return START.format(usage=f"    {usage}", imports=imports, others=others)


def needs_of(needs: tuple[str, ...]) -> tuple[str, str]:
    """Import lines of texts: of the standard library, and of packages."""
    imports = "import re\nimport unicodedata\n"
    if "tokenizers" in needs:
        imports = "import functools\n" + imports
        return imports, "from tokenizers import Regex, Tokenizer, models, pre_tokenizers\n"
    return imports, "import jieba\n" if "jieba" in needs else ""


def _padded(whole: str, kind: str) -> str:
    return PADDED.format(whole=whole, kind=whole if kind == "int" else kind)


def _series(subject: Subject, whole: str) -> str:
    codec, spec = subject.codec()["codec"], subject.spec
    timed = bool(codec["cycles"])
    given = "times" if timed else "None"
    more = ""
    if spec.decoder == "fed_back":
        more += '    found["start"] = x[:, -1, : shift.shape[-1]].copy()\n'
    if spec.future_size:
        more += (
            '    ahead = np.asarray(times, dtype="datetime64[ns]")[x.shape[1] :]\n'
            '    known = cycle_values(ahead, tuple(CODEC["codec"]["cycles"]))  # (K, P)\n'
            '    found["future"] = np.repeat(known[None], len(x), axis=0)\n'
        )
    ahead = " and the predicted ones" if spec.future_size else ""
    usage = "inputs(rows) -> x, lengths, ...; forecasts(output, rows) -> in the rows' own units"
    if timed:
        usage += f"\n    Both also take times: those of the rows{ahead}, (N,) datetime64."
    functions: list[Any] = [calendar.cycle_values, calendar._phase] if timed else []
    text = SERIES.format(
        calendar=CALENDAR if timed else "",
        times=", times" if timed else "",
        given=given,
        whole=whole,
        more=more,
    )
    sources = "".join(f"\n\n{inspect.getsource(one)}" for one in functions)
    return _start(usage, "", "") + sources + text


def _classes(subject: Subject, whole: str) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    several = subject.several
    told = CLASSES.format(
        what="label" if several else "class", squash=SIGMOID if several else SOFTMAX
    )
    reading = subject.codec()["reading"]
    usage = "inputs({}) -> x, lengths; answers(output) -> probabilities"
    if reading["kind"] == "numbers":
        text = _padded(whole, "float32") + NUMBERS.format(where="reading")
        return _start(usage.format("sequences"), "", "") + text + told, {}, ()
    where, what = '["reading"]["codec"]', _kind(reading)
    text, more, needs = _texts(reading["codec"], where, what, ["reading", "codec"])
    start = _start(usage.format("texts"), *needs_of(needs))
    return start + _padded(whole, "int") + text + told, more, needs


def _kind(reading: Mapping[str, Any]) -> str:
    return "Texts." if reading["kind"] == "text" else "Lists of tokens."


def _pairs(subject: Subject, whole: str) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    source, target = subject.codec()["source"], subject.codec()["target"]
    where = '["source"]["codec"]'
    text, more, needs = _texts(source["codec"], where, _kind(source), ["source", "codec"])
    unit = target["codec"]["unit"]
    what = "text" if target["kind"] == "text" else "tokens"
    join = WHOLE if target["whole"] else JOINS[unit]
    told = WRITTEN.format(name="text", what=what, where='["target"]["codec"]', join=join)
    usage = f"inputs(sources) -> x, lengths; text(ids) -> {what} that they say"
    if unit == "word":
        more |= {"target.codec": {"joins": _joins()}}
    start = _start(usage, *needs_of(needs))
    return start + _padded(whole, "int") + text + told, more, needs


def _texts(
    codec: Mapping[str, Any], where: str, what: str, path: list[str]
) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """tokens, ids, inputs, and of a generator text; what must stand in codec.json under `path`."""
    from gatewise.data import bpe, words

    unit = codec["unit"]
    needs: tuple[str, ...] = ()
    extra: dict[str, Any] = {}
    cutter = 're.compile(codec["pattern"]).findall'
    if unit == "word" and codec["segmenter"] == "jieba":
        cutter, needs = "jieba.lcut", ("jieba",)
    elif unit == "word":
        extra["pattern"] = words.cutter(codec["segmenter"]).__self__.pattern  # type: ignore[attr-defined]
    elif unit == "bpe":
        extra["pattern"], needs = bpe.CUTS, ("tokenizers",)
    first = "[KNOWN.get(token, 1) for token in tokens(text, codec)]"
    text = TEXTS.format(
        tokens="Ids of its pieces." if unit == "bpe" else "What is read of it, one by one.",
        cut=CUTS[unit].replace("{cutter}", cutter),
        first="tokens(text, codec)" if unit == "bpe" else first,
        texts=what,
        where=where,
    )
    if unit == "bpe":
        text = BPE.format(where=where) + text
    if path == ["codec"]:
        text += WRITTEN.format(name="text", what="text", where=where, join=JOINS[unit])
        if unit == "word":
            extra["joins"] = _joins()
    return text, {".".join(path): extra} if extra else {}, needs


def _joins() -> list[str]:
    """Patterns of the spaces that no text has between its words."""
    from gatewise.data import words

    before = f"(?i){words.NO_SPACE_BEFORE.pattern}"
    return [before, words.NO_SPACE_BEHIND.pattern, words.NO_SPACE_BETWEEN.pattern]
