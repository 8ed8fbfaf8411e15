"""Small made-up texts and sequences whose rule is known: for tests, demonstrations and examples.

Every generator gives the same for the same seed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gatewise.data.conll import TaggedSentences
from gatewise.data.pairs import Pairs
from gatewise.data.spelling import made_up_word, sounds
from gatewise.data.toy_classes import (
    LabelledSequences,
    Length,
    Rng,
    drawn_length,
    key_sequences,
    one_of,
    toy_digits,
    toy_names,
    toy_products,
    toy_questions,
)
from gatewise.errors import UsageError

__all__ = [
    "LabelledSequences",
    "date_pairs",
    "key_sequences",
    "number_pairs",
    "number_words",
    "order_sequences",
    "random_labels",
    "reverse_pairs",
    "spelling_pairs",
    "toy_digits",
    "toy_entities",
    "toy_names",
    "toy_play",
    "toy_products",
    "toy_questions",
    "toy_reviews",
    "toy_waves",
]


REVIEWS = {
    "en": (
        (
            "The {thing} was {word}.",
            "We came by {way} and the {thing} was {word}.",
            "I found the {thing} {word}!",
        ),
        ("room", "breakfast", "service", "bed", "view", "bath", "lift", "staff"),
        ("train", "car", "bus", "bike"),
        ("lovely", "clean", "friendly", "quiet", "splendid", "cosy"),
        ("awful", "dirty", "rude", "noisy", "broken", "stale"),
        "not {}",
    ),
    "zh": (
        ("{thing}{word}。", "我们坐{way}来的，{thing}{word}。", "觉得{thing}{word}！"),
        ("房间", "早餐", "服务", "床", "风景", "浴室", "电梯", "前台"),
        ("火车", "汽车", "地铁", "飞机"),
        ("干净", "舒服", "热情", "安静", "漂亮", "周到"),
        ("脏乱", "难吃", "冷淡", "吵闹", "破旧", "糟糕"),
        "不{}",
    ),
}  # fmt: skip


def toy_reviews(
    count: int = 400, language: Literal["en", "zh"] = "en", seed: int = 0
) -> pd.DataFrame:
    """Reviews of one or two sentences, each with one word of praise or blame.

    The rule: praise is positive and blame is negative; 'not' (不) in front, in a quarter of the
    sentences, turns it round. Both sentences of a review say the same.

    columns text, label ('positive', 'negative')
    """
    frames, things, ways, praise, blame, negated = REVIEWS[language]
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(count):
        good = bool(rng.integers(2))
        parts = []
        for _ in range(rng.integers(1, 3)):
            turned = rng.random() < 0.25
            word = one_of(rng, praise if good != turned else blame)
            parts.append(
                one_of(rng, frames).format(
                    thing=one_of(rng, things), way=one_of(rng, ways),
                    word=negated.format(word) if turned else word,
                )
            )  # fmt: skip
        texts.append((" " if language == "en" else "").join(parts))
        labels.append("positive" if good else "negative")
    return pd.DataFrame({"text": texts, "label": labels})


def order_sequences(
    count: int = 2000, length: Length = (3, 10), symbols: int = 49, seed: int = 0
) -> LabelledSequences:
    """Tokens '1' to `symbols`; the rule: True when 7 comes before 3. Each holds both, once."""
    rng = np.random.default_rng(seed)
    others = [i for i in range(1, symbols + 1) if i not in (3, 7)]
    inputs, labels = [], []
    for _ in range(count):
        row = rng.choice(others, size=drawn_length(rng, length))
        first, second = sorted(rng.choice(len(row), size=2, replace=False))
        before = bool(rng.integers(2))
        row[first], row[second] = (7, 3) if before else (3, 7)
        inputs.append([str(i) for i in row])
        labels.append(before)
    return LabelledSequences(inputs, labels)


def random_labels(
    count: int = 1000, length: Length = (3, 10), symbols: int = 49, seed: int = 0
) -> LabelledSequences:
    """Random tokens with random labels 0 and 1: there is nothing to learn, half is the best."""
    rng = np.random.default_rng(seed)
    rows = [rng.integers(1, symbols + 1, size=drawn_length(rng, length)) for _ in range(count)]
    return LabelledSequences(
        [[str(i) for i in row] for row in rows], [int(i) for i in rng.integers(2, size=count)]
    )


def reverse_pairs(count: int = 2000, length: Length = 5, symbols: int = 9, seed: int = 0) -> Pairs:
    """'3 1 4' and '4 1 3': numbers from 1 to `symbols`, and the same backwards. All differ.

    Raises UsageError when there are not so many.
    """

    def pair(rng: Rng) -> tuple[str, str]:
        row = [str(i) for i in rng.integers(1, symbols + 1, size=drawn_length(rng, length))]
        return " ".join(row), " ".join(reversed(row))

    return _different_pairs(count, pair, seed)


ONES = (
    "", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def number_words(number: int) -> str:
    """English words of 0 to 999,999: 'three hundred and five'."""
    if number == 0:
        return "zero"
    words = []
    if number >= 1000:
        words += [number_words(number // 1000), "thousand"]
    hundreds, rest = divmod(number % 1000, 100)
    if hundreds:
        words += [ONES[hundreds], "hundred"]
    if rest and words:
        words.append("and")
    if rest >= 20:
        words.append(TENS[rest // 10])
        rest %= 10
    return " ".join([*words, *([ONES[rest]] if rest else [])])


def number_pairs(count: int = 2000, highest: int = 9999, seed: int = 0) -> Pairs:
    """'three hundred and five' and '3 0 5', all different; up to `highest` (at most 999,999)."""

    def pair(rng: Rng) -> tuple[str, str]:
        number = int(10 ** rng.uniform(0, np.log10(highest + 1))) - 1  # as many short as long ones
        return number_words(number), " ".join(str(number))

    return _different_pairs(count, pair, seed)


MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def date_pairs(count: int = 2000, seed: int = 0) -> Pairs:
    """A date as people write it, in one of five ways, and as '2019-03-07'; 1950 to 2049."""

    def pair(rng: Rng) -> tuple[str, str]:
        year, month, day = rng.integers((1950, 1, 1), (2050, 13, 29)).tolist()
        name = MONTHS[month - 1]
        ways = (
            f"{name} {day}, {year}", f"{day} {name} {year}", f"{day} {name[:3]} {year}",
            f"{month}/{day}/{year}", f"{day:02}.{month:02}.{year}",
        )  # fmt: skip
        return one_of(rng, ways), f"{year}-{month:02}-{day:02}"

    return _different_pairs(count, pair, seed)


def spelling_pairs(count: int = 2000, seed: int = 0) -> Pairs:
    """A made-up word and its sounds, 'grace' and 'G R EY S'; see gatewise.data.spelling.

    The rule: two letters may be one sound, c and g depend on what follows, an e at the end, behind
    a single consonant, is silent and makes the vowel before long.
    """

    def pair(rng: Rng) -> tuple[str, str]:
        word = made_up_word(rng)
        return word, sounds(word)

    return _different_pairs(count, pair, seed)


PEOPLE = (("Ada", "Bo", "Carla", "Dov", "Edda", "Finn"), ("Brook", "Hale", "Marsh", "Stone"))
PLACES = ("Northport", "Lake Elm", "Old Harbour", "Redfield", "Stone Bay", "Finn Island")
FIRMS = ("Marsh & Co", "Blue Kite", "Hale Motors", "Northport Mills")
SENTENCES = (
    "{PER} flew to {LOC} .", "{PER} and {PER} work for {ORG} in {LOC} .", "It rained all day .",
    "{ORG} opened a shop in {LOC} .", "Did {PER} call {ORG} ?", "The road to {LOC} is closed .",
)  # fmt: skip


def toy_entities(count: int = 300, seed: int = 0) -> TaggedSentences:
    """Sentences with people, places and firms in BIO tags.

    Some words are in names of several types (Finn, Marsh, Stone, Northport): what a word is
    depends on those beside it.
    """
    rng = np.random.default_rng(seed)
    tokens, tags = [], []
    for _ in range(count):
        words: list[str] = []
        marks: list[str] = []
        for slot in one_of(rng, SENTENCES).split():
            kind = slot.strip("{}") if slot.startswith("{") else ""
            name = _entity(rng, kind) if kind else [slot]
            words += name
            marks += [f"B-{kind}", *[f"I-{kind}"] * (len(name) - 1)] if kind else ["O"]
        tokens.append(words)
        tags.append(marks)
    return TaggedSentences(tokens, tags)


def _entity(rng: Rng, kind: str) -> list[str]:
    if kind == "PER":
        first, last = PEOPLE
        return [one_of(rng, first), *([one_of(rng, last)] if rng.random() < 0.5 else [])]
    return one_of(rng, PLACES if kind == "LOC" else FIRMS).split()


SPEAKERS = ("ARLO", "BRINA", "THE MILLER", "A GHOST")
ADDRESS = ("my friend", "good miller", "old ghost", "dear heart")
VERSES = (
    "What {noun} is this that {verb} at the door?", "I saw the {noun} {verb}, {who}, I did.",
    "No {noun} {verb} for me tonight.", "Then let the {noun} be still, and the {noun} {verb}.",
    "Go, {who}, and tell them that the {noun} {verb}.", "Ay, {who}.",
)  # fmt: skip
NOUNS = ("moon", "river", "candle", "mill", "crow", "bell", "storm", "bread")
VERBS = ("sings", "burns", "weeps", "turns", "waits", "knocks", "sleeps")


def toy_play(characters: int = 20_000, seed: int = 0) -> str:
    """A play for language models: a name and a colon, lines of speech, a blank line between two
    speeches. It is cut off after so many characters."""
    rng = np.random.default_rng(seed)
    speeches: list[str] = []
    length = 0
    speaker = ""
    while length < characters:
        speaker = one_of(rng, [name for name in SPEAKERS if name != speaker])
        lines = [_verse(rng) for _ in range(rng.integers(1, 4))]
        speeches.append("\n".join([f"{speaker}:", *lines, "", ""]))
        length += len(speeches[-1])
    return "".join(speeches)[:characters]


def _verse(rng: Rng) -> str:
    verse = one_of(rng, VERSES)
    for slot, words in (("{noun}", NOUNS), ("{verb}", VERBS), ("{who}", ADDRESS)):
        while slot in verse:
            verse = verse.replace(slot, one_of(rng, words), 1)
    return verse


def toy_waves(
    count: int = 300, length: Length = (20, 60), noise: float = 0.3, seed: int = 0
) -> LabelledSequences:
    """Sequences (t, 3) of numbers in three classes, each as often: a wave, another, and noise.

    The rule: in 'together' the second wave rises with the first, in 'behind' a quarter of a
    period later, in 'ahead' a quarter earlier. Period (8 to 16 steps), phase and height are
    random, so that no single step tells.
    """
    rng = np.random.default_rng(seed)
    shifts = {"together": 0.0, "behind": -np.pi / 2, "ahead": np.pi / 2}
    labels = [list(shifts)[i % 3] for i in rng.permutation(count)]
    inputs: list[NDArray[np.float32]] = []
    for label in labels:
        steps = np.arange(drawn_length(rng, length))  # (t,)
        angle = 2 * np.pi * (steps / rng.uniform(8, 16) + rng.random())
        height = rng.uniform(0.5, 2)
        waves = np.stack(
            [height * np.sin(angle), height * np.sin(angle + shifts[label]), 0 * angle], axis=1
        )
        inputs.append((waves + noise * rng.normal(size=waves.shape)).astype(np.float32))
    return LabelledSequences(inputs, labels)


def _different_pairs(count: int, pair: Callable[[Rng], tuple[str, str]], seed: int) -> Pairs:
    rng = np.random.default_rng(seed)
    found: dict[str, str] = {}
    for _ in range(100 * count):
        if len(found) == count:
            break
        source, target = pair(rng)
        found[source] = target
    if len(found) < count:
        raise UsageError(f"there are no {count:,} different pairs; only {len(found):,} were found")
    return Pairs(list(found), list(found.values()))
