"""The pieces of an export's codec.py; `codec_source` fills them in and puts them together."""

from __future__ import annotations

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

def _numbers(rows, columns, count):
    """The last rows (L, C), oldest first."""
    if hasattr(rows, "columns"):  # a DataFrame
        missing = [name for name in columns if name not in rows.columns]
        if missing:
            raise ValueError(f"there is no column {{missing}}; there are {{list(rows.columns)}}")
        rows = rows[columns]
    want = f"the last {{count}} rows or more, of {{columns}} in this order, numbers alone"
    try:
        found = np.array(rows, dtype=np.float64).reshape(len(rows), -1)
    except (TypeError, ValueError) as error:
        raise ValueError(f"expected {{want}}, no times or names; {{error}}") from None
    if len(found) < count or found.shape[1] != len(columns):
        raise ValueError(f"expected {{want}}, not {{found.shape}}")
    if not np.isfinite(found[-count:]).all():
        raise ValueError(f"expected {{want}}, but there is a cell without a number")
    return found[-count:]


{timed}def _window(rows, times):
    """x (G, L, F) and what was taken out of its first columns: shift and spread (G, 1, D)."""
    codec = CODEC["codec"]
    count, targets = codec["lookback"], codec["predicted"]
    x = _numbers(rows, codec["columns"], count)
    for name, floor in zip(codec["logs"], codec["floors"]):
        at = codec["columns"].index(name)
        x[:, at] = np.log(np.maximum(x[:, at], floor))
    x = ((x - codec["center"]) / codec["spread"]).astype(np.float32)
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
    """The last rows (L, C) or more of {columns}, in their own units; or a DataFrame."""
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

TIMES = '''def _times(rows, times):
    """Those of the rows that are read{ahead}."""
    times = np.asarray(times, dtype="datetime64[ns]")
    if len(times) != len(rows) + {steps}:
        raise ValueError(f"expected {{len(rows) + {steps}}} times{those}, not {{len(times)}}")
    return times[len(rows) - CODEC["codec"]["lookback"] :]


'''

CALENDAR = """    times = _times(rows, times)
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
        known_here = [known.get(pair, 0) if min(pair) > 3 else 0 for pair in pairs]
        channels.append([0, *known_here][: len(channels[0])])
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

GROWING = '''

def after(given, tokens):
    """inputs of the next step: these tokens (B,), one behind each sequence of `given`, and what is
    known to end there. The network goes on from the state that it left.
    """
    last = given["x"][np.arange(len(tokens)), given["lengths"] - 1].tolist()
    rows = []
    for left, token in zip(last, tokens):
        pairs = [(before, int(token)) for before in left]
        more = [known.get(p, 0) if min(p) > 3 else 0 for p, known in zip(pairs, TABLES)]
        rows.append([[int(token), *more]])
    return padded(rows)


def likeliest(output, lengths):
    """output (B, T, V) of the network -> the likeliest token (B,) behind each sequence."""
    z = np.asarray(output)[np.arange(len(output)), lengths - 1]
    z[:, :{special}] = -np.inf  # {none}
    return z.argmax(axis=-1)
'''

WHOLE = '    return [int(codec["vocabulary"][i - 4]) for i in found if i > 3]\n'

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
