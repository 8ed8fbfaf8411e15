"""More made-up examples with classes whose rule is known; all are names of gatewise.toys, too.

Every generator gives the same for the same seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gatewise.errors import UsageError

Rng = np.random.Generator
Length = int | tuple[int, int]


@dataclass(frozen=True, eq=False)
class LabelledSequences:
    """Sequences, lists of tokens or arrays (t, F), and the label of each."""

    inputs: list[Any]
    labels: list[Any]

    def __len__(self) -> int:
        return len(self.inputs)


def key_sequences(
    count: int = 2000, length: Length = (3, 40), symbols: int = 49, seed: int = 0
) -> LabelledSequences:
    """Tokens '1' to `symbols`; the rule: a row holds at most one of '1', '2', '3' and '4', and
    that is its label; a fifth of the rows holds none, and is '0'. All else is random.
    """
    rng = np.random.default_rng(seed)
    inputs, labels = [], []
    for _ in range(count):
        row = rng.integers(5, symbols + 1, size=drawn_length(rng, length))
        label = int(rng.integers(5))
        if label:
            row[rng.integers(len(row))] = label
        inputs.append([str(i) for i in row])
        labels.append(str(label))
    return LabelledSequences(inputs, labels)


GOODS = ("手机", "耳机", "快递", "客服", "质量", "包装", "屏幕", "电池", "键盘", "音箱")
BEFORE = ("", "", "昨天到货，", "朋友推荐的，", "用了一周，", "第二次买了，")
OPENERS = ("", "这个", "这款", "他们家的")
SAID = {
    "good": ("很好用", "很好", "不错", "非常满意", "很喜欢", "值得买", "没有问题", "太棒了"),
    "bad": ("太差了", "很差", "不好用", "非常失望", "坏了", "不值得买", "有问题", "太慢了"),
}
CLOSINGS = ("", "。", "！", "，就这样。")


def toy_products(count: int = 400, seed: int = 0) -> pd.DataFrame:
    """Chinese reviews of things bought, without spaces; the rule: what is said of the thing.

    Words for good and bad share their characters (好用, 不好用; 问题, 没有问题): what a character
    says depends on those before it.

    columns text, label ('good', 'bad'); all texts differ
    """

    def review(rng: Rng) -> tuple[str, str]:
        label = one_of(rng, ("good", "bad"))
        parts = (BEFORE, OPENERS, GOODS, SAID[label], CLOSINGS)
        return "".join(one_of(rng, part) for part in parts), label

    return _different(count, review, seed)


SYLLABLES = {
    "Ardan": ("ka", "rem", "tor", "bel", "gar", "mid"),
    "Bessian": ("ka", "li", "mo", "tor", "ra", "ne"),
    "Corvish": ("mac", "li", "gar", "don", "ra", "fer"),
    "Delvan": ("shi", "mo", "ne", "ka", "su", "ri"),
    "Estrian": ("bel", "don", "su", "rem", "ri", "fer"),
}
ENDINGS = {
    "Ardan": ("sson", "vik", "gard"),
    "Bessian": ("elli", "ano", "etto"),
    "Corvish": ("gan", "vik", "ley"),
    "Delvan": ("moto", "ano", "shita"),
    "Estrian": ("ski", "gan", "enko"),
}


def toy_names(count: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Surnames of five made-up languages: one to three syllables and an ending.

    The rule: each language has its syllables and three endings, one of them shared with another
    language, so that the syllables decide there; some names could be of two.

    columns text, label; all names differ
    """

    def name(rng: Rng) -> tuple[str, str]:
        label = one_of(rng, tuple(SYLLABLES))
        parts = [one_of(rng, SYLLABLES[label]) for _ in range(rng.integers(1, 4))]
        return "".join([*parts, one_of(rng, ENDINGS[label])]).capitalize(), label

    return _different(count, name, seed)


ASKED = {
    "number": ("How many {things} does {place} have ?", "What is the number of {things} here ?",
               "How far is {place} from the {thing} ?", "What year did {person} see {place} ?"),
    "person": ("Who built the {thing} of {place} ?", "What painter saw the {thing} here ?",
               "Which queen sold the {things} of {place} ?", "Name the man with the {thing} ."),
    "place": ("Where did {person} lose the {thing} ?", "What town has the most {things} ?",
              "Which country did {person} flee to ?", "Name the street with the {things} ."),
    "reason": ("Why did {person} leave {place} ?", "What made {person} sell the {things} ?",
               "How come the {things} of {place} are red ?", "What is the {thing} good for ?"),
}  # fmt: skip
QUALITIES = ("", "", "old ", "small ", "lost ", "royal ")
OBJECTS = ("bridge", "bell", "mill", "tower", "garden", "well", "lamp", "gate")
TOWNS = ("Northport", "Redfield", "Lake Elm", "Old Harbour", "Stone Bay")
FOLK = ("Ada", "Bo", "Carla", "Dov", "Edda", "Finn")


def toy_questions(count: int = 600, seed: int = 0) -> pd.DataFrame:
    """Questions, and what they ask for: a number, a person, a place or a reason.

    The rule: the words that ask. 'What', 'Which', 'Name' and 'How' alone do not tell; the noun or
    the words behind them do.

    columns text, label; all questions differ
    """

    def question(rng: Rng) -> tuple[str, str]:
        label = one_of(rng, tuple(ASKED))
        thing = one_of(rng, QUALITIES) + one_of(rng, OBJECTS)
        names = {"place": one_of(rng, TOWNS), "person": one_of(rng, FOLK)}
        return one_of(rng, ASKED[label]).format(thing=thing, things=f"{thing}s", **names), label

    return _different(count, question, seed)


MELODIES = ("LMH", "HML", "LHL", "HLH", "LLH", "HHL", "LHH", "HLL", "MLM", "MHM")
PITCHES = {"L": 400.0, "M": 800.0, "H": 1600.0}  # Hz
RATE = 8000  # samples a second


def toy_digits(count: int = 300, noise: float = 0.2, seed: int = 0) -> LabelledSequences:
    """Sounds of ten digits, arrays (t,) of samples from -1 to 1, 8,000 a second.

    The rule: each digit is a melody of two glides between low, middle and high tones. How long each
    glide takes (0.1 to 0.3 s), the voice (all tones up to a third higher or lower), the loudness
    and the silence on both sides are random. Labels '0' to '9', each as often.
    """
    rng = np.random.default_rng(seed)
    labels = [str(i % 10) for i in rng.permutation(count)]
    inputs = []
    for label in labels:
        tones = [np.log(PITCHES[tone]) for tone in MELODIES[int(label)]]
        ends = np.cumsum([0, *(RATE * rng.uniform(0.1, 0.3, 2)).astype(int)])
        glide = np.interp(np.arange(ends[-1]), ends, tones)  # (t,) log Hz
        voice = (4 / 3) ** rng.uniform(-1, 1)
        sound = np.sin(2 * np.pi * np.cumsum(voice * np.exp(glide)) / RATE)
        sound *= rng.uniform(0.4, 0.8) * np.hanning(len(sound)) ** 0.25
        whole = np.pad(sound, tuple(rng.integers(0, RATE // 5, 2)))
        whole += noise * rng.normal(size=len(whole))
        inputs.append(np.clip(whole, -1, 1).astype(np.float32))
    return LabelledSequences(inputs, labels)


def _different(count: int, example: Callable[[Rng], tuple[str, str]], seed: int) -> pd.DataFrame:
    """So many texts with their labels. Raises UsageError when there are not so many."""
    rng = np.random.default_rng(seed)
    found: dict[str, str] = {}
    in_vain = 0  # draws in a row that gave nothing new
    while len(found) < count and in_vain < 10_000:
        text, label = example(rng)
        in_vain = in_vain + 1 if text in found else 0
        found.setdefault(text, label)
    if len(found) < count:
        raise UsageError(f"there are no {count:,} different texts; only {len(found):,} were found")
    return pd.DataFrame({"text": list(found), "label": list(found.values())})


def one_of(rng: Rng, choices: Sequence[str]) -> str:
    """Each as likely."""
    return choices[int(rng.integers(len(choices)))]


def drawn_length(rng: Rng, length: Length) -> int:
    """As given, or each of a range as likely. Raises UsageError."""
    low, high = (length, length) if isinstance(length, int) else length
    if not 2 <= low <= high:
        raise UsageError(f"length must be at least 2, and no range that falls, not {length}")
    return int(rng.integers(low, high + 1))
