"""What the README.md of an export calls its model, and data for the lines that run it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.data.frequency import future
from gatewise.data.scripts import spaceless_script
from gatewise.exporting.subject import Subject

UNITS = {"char": "character by character", "word": "word by word", "bpe": "piece by piece"}
NAMED = 8  # classes at most, in a title
TEXT = {False: "It was better than I had hoped.", True: "比我想的还要好。"}
PROMPT = {False: "The ", True: "今天"}
SENTENCE = {
    False: ["Ada", "Lovelace", "was", "born", "in", "London", "."],
    True: ["鲁", "迅", "生", "于", "绍", "兴", "。"],
}


def counted(count: int, noun: str) -> str:
    """1 step, 2 steps"""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def title(subject: Subject) -> str:
    """The model by its task and what it learnt from."""
    saved = subject.artifact.model
    data = saved["data"]
    if subject.task == "forecast":
        return f"Forecaster of {_list(data.get('targets', [])) or 'a series'}"
    if subject.task == "classify":
        what = f" of `{data['label']}`" if data["label"] else ""
        return f"Classifier{what}: {_list(list(map(str, saved['labels']['classes'])))}"
    if subject.task == "tag":
        tags = saved["labels"]["tags"]
        if saved["labels"]["bio"]:
            tags = dict.fromkeys(tag.partition("-")[2] for tag in tags if "-" in tag)
        return f"Tagger of tokens: {_list(list(tags))}"
    if subject.task == "generate":
        return f"Generator of text, {UNITS[saved['codec']['unit']]}"
    return "Translator of texts"


def learnt(subject: Subject) -> str:
    """From what and how much, in a sentence."""
    data = subject.artifact.model["data"]
    if subject.task == "forecast":
        if not data:
            return "Learnt from a series."
        until = f", {data['first']} to {data['last']}" if data["first"] else ""
        ahead = counted(subject.codec()["codec"]["horizon"], "step")
        return f"It forecasts {ahead} ahead; learnt from {counted(data['rows'], 'row')}{until}."
    if subject.task == "classify":
        noun = {"numbers": "sequence", "text": "text"}.get(data["kind"], "list")
        more = "" if noun != "list" else " of tokens"
        column = f" of the column `{data['text']}`" if data["text"] else ""
        return f"Learnt from {counted(data['examples'], noun)}{more}{column}."
    if subject.task == "generate":
        return f"Learnt from {counted(data['characters'], 'character')} of text."
    noun = {"tag": "sentence", "translate": "pair"}[subject.task]
    return f"Learnt from {counted(data[noun + 's'], noun)}."


def columns(subject: Subject) -> str:
    """What a forecaster reads, by name."""
    return ", ".join(f"`{name}`" for name in subject.codec()["codec"]["columns"])


def sample(subject: Subject) -> list[str]:
    """Lines of Python that make data to ask the network with."""
    if subject.task == "forecast":
        return _rows(subject)
    codec = subject.codec()
    if subject.task == "classify":
        reading = codec["reading"]
        if reading["kind"] == "numbers":
            size = len(np.ravel(reading["codec"]["center"]))
            return [
                f"sequences = [np.random.default_rng(0).normal(size=(20, {size}))]"
                f"  # yours: (steps, {size}) each"
            ]
        return [f"texts = [{_text(reading, TEXT)}]"]
    if subject.task == "tag":
        known = [token for channel, token in codec["codec"]["vocabulary"] if channel == 0]
        sentence = json.dumps(SENTENCE[_spaceless(known)], ensure_ascii=False)
        return [f"sentences = [{sentence}]"]
    if subject.task == "generate":
        return [f"prompt = {_text({'kind': 'text', **codec}, PROMPT)}"]
    return [f"sources = [{_text(codec['source'], TEXT)}]"]


def _rows(subject: Subject) -> list[str]:
    """As many rows as are read, each column's mean; a real series is the reader's to give."""
    codec, data = subject.codec()["codec"], subject.artifact.model["data"]
    count, known = codec["lookback"], data.get("columns", {})
    means = [float(f"{known[n]['mean']:.4g}") if n in known else 0.0 for n in codec["columns"]]
    lines = [
        f"# yours: the last {counted(count, 'row')}, as of pandas.read_csv(path); here the means",
        *_wrapped(f"rows = np.tile({means}, ({count}, 1))"),
    ]
    if codec["cycles"]:
        lines += _times(data, count, subject.spec.horizon if subject.spec.future_size else 0)
    return lines


def _times(data: dict[str, Any], count: int, ahead: int) -> list[str]:
    """The first times of the training rows."""
    first = np.datetime64(data["first"], "ns")
    last = future(first, data["frequency"], count + ahead - 1)
    times = np.concatenate([[first], last]).astype("datetime64[s]")
    months = times.astype("datetime64[M]")
    unit = next(one for one in "Dhms" if (times.astype(f"datetime64[{one}]") == times).all())
    times = times.astype(f"datetime64[{unit}]")
    said = f"times = np.array({times.astype(str).tolist()}, dtype='datetime64[{unit}]')"
    if (months == times).all() and (step := _step(months)):
        said = f'times = np.datetime64("{months[0]}") + {_every(count + ahead, step)}'
    elif step := _step(times):
        said = f'times = np.datetime64("{times[0]}") + {_every(count + ahead, step)}'
    whose = f"of the rows and the {ahead} to forecast" if ahead else "of the rows"
    return [f"# yours: the times {whose}", *_wrapped(said)]


def _step(times: NDArray[Any]) -> int | None:
    """Of evenly spaced times, in their unit."""
    steps = np.diff(times).astype(np.int64)
    return int(steps[0]) if len(steps) and (steps == steps[0]).all() else None


def _every(count: int, step: int) -> str:
    return f"np.arange({count})" if step == 1 else f"np.arange({count}) * {step}"


def _wrapped(line: str) -> list[str]:
    """Within 100 characters, broken in its brackets."""
    return textwrap.wrap(line, 99, subsequent_indent="    ", break_long_words=False)


def _text(reading: dict[str, Any], texts: dict[bool, str]) -> str:
    """A text that is fit to be read, as Python writes it."""
    codec = reading["codec"]
    known = codec["vocabulary"]
    if reading["kind"] != "text":
        return json.dumps(known[:3], ensure_ascii=False)
    text = texts[_spaceless(known)]
    letters = [token for token in known if token.isalpha()]
    if text.isascii() and letters and not any(token.isascii() for token in letters):
        text = ("" if codec["unit"] == "char" else " ").join(letters[:5])  # of another script
    elif codec["unit"] == "char":
        return json.dumps(text, ensure_ascii=False)
    return json.dumps(text.strip(), ensure_ascii=False)


def _spaceless(known: Sequence[str]) -> bool:
    return spaceless_script([*known[:500]]) is not None


def _list(names: Sequence[str]) -> str:
    more = "" if len(names) <= NAMED else f" and {len(names) - NAMED} more"
    return ", ".join(names[:NAMED]) + more
