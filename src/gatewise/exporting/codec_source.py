"""codec.py of an export: what turns data into the network's inputs and its outputs into answers.

It needs NumPy alone (and what cut the texts: tokenizers, jieba), reads codec.json beside it, and
says only what this model needs.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from gatewise.data import calendar, features
from gatewise.exporting import samples
from gatewise.exporting.codec_templates import (
    BPE,
    CALENDAR,
    CLASSES,
    CUTS,
    GROWING,
    JOINS,
    NUMBERS,
    PADDED,
    SERIES,
    SIGMOID,
    SOFTMAX,
    START,
    TAGS,
    TEXTS,
    TIMES,
    WHOLE,
    WRITTEN,
)
from gatewise.exporting.subject import Subject

TOKENS: tuple[Any, ...] = (features.shape, features._features)


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
        return _growing(subject, whole)
    return _pairs(subject, whole)


def _growing(subject: Subject, whole: str) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """Of a generator; learnt from several texts, it reads the end of one before another."""
    several = bool(subject.artifact.model["data"]["several"])
    what = "Texts, from their beginning; what is written behind them is read by `after`."
    codec = subject.codec()["codec"]
    text, more, needs = _texts(codec, '["codec"]', what, ["codec"], ends=several)
    none = "padding, unknown, start" + ("" if several else ", end")
    text += GROWING.format(special=3 if several else 4, none=f"{none} are no answer")
    usage = (
        "inputs(texts) -> x, lengths; after(given, tokens) -> those of the next step\n"
        "    likeliest(output, lengths) -> tokens; text(ids) -> what they say"
    )
    return _start(usage, *needs_of(needs)) + _padded(whole, "int") + text, more, needs


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
            "    ahead = _times(rows, times)[x.shape[1] :]\n"
            '    known = cycle_values(ahead, tuple(CODEC["codec"]["cycles"]))  # (K, P)\n'
            '    found["future"] = np.repeat(known[None], len(x), axis=0)\n'
        )
    ahead = f" and of the {spec.horizon} to forecast" if spec.future_size else ""
    usage = "inputs(rows) -> x, lengths, ...; forecasts(output, rows) -> in the rows' own units"
    if timed:
        usage += f"\n    Both also take times: those of all rows{ahead}, (N,) datetime64."
    functions: list[Any] = [calendar.cycle_values, calendar._phase] if timed else []
    text = SERIES.format(
        calendar=CALENDAR if timed else "",
        columns=samples.columns(subject).replace("`", "") or "the series",
        timed=_timed(subject) if timed else "",
        times=", times" if timed else "",
        given=given,
        whole=whole,
        more=more,
    )
    sources = "".join(f"\n\n{inspect.getsource(one)}" for one in functions)
    return _start(usage, "", "") + sources + text


def _timed(subject: Subject) -> str:
    """What reads times."""
    steps = subject.spec.horizon if subject.spec.future_size else 0
    ahead = f", and of the {steps} to forecast" if steps else ""
    return TIMES.format(ahead=ahead, steps=steps, those=f": those of the rows{ahead}")


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
    codec: Mapping[str, Any], where: str, what: str, path: list[str], *, ends: bool = False
) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """tokens, ids, inputs, and of a generator text; what must stand in codec.json under `path`.

    ends  whether the end of another text is read before each
    """
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
    first = "tokens(text, codec)" if unit == "bpe" else first
    text = TEXTS.format(
        tokens="Ids of its pieces." if unit == "bpe" else "What is read of it, one by one.",
        cut=CUTS[unit].replace("{cutter}", cutter),
        first=f"[3, *{first}]" if ends else first,
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
