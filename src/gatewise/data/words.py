"""Texts cut into words and marks, and put together again.

A text is split at its spaces, and each piece between two of them (a chunk) is cut by a regular
expression once and remembered: on reviews that is several times as fast as the `tokenizers`
library, whose words carry offsets that nobody asks for here.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Literal, TypeVar

from gatewise.data.scripts import HAN, SPACELESS
from gatewise.errors import MissingExtraError

Segmenter = Literal["words", "spaces", "jieba"]
Cutter = Callable[[str], list[str]]
Made = TypeVar("Made")

JOINERS = "\u200c\u200d"
NO_SPACE_BEFORE = re.compile(
    r" (?=[.,!?;:%)\]}…]|n['’]t\b|['’](?:s|m|d|re|ve|ll)\b)", re.IGNORECASE
)
NO_SPACE_BEHIND = re.compile(r"(?<=[(\[{¿¡]) ")
WIDE = r"\u3000-\u303f\uff00-\uffef"  # marks that bring their own space
NO_SPACE_BETWEEN = re.compile(f"(?<=[{WIDE}]) | (?=[{WIDE}])|(?<=[{SPACELESS}]) (?=[{SPACELESS}])")
REMEMBERED = 500_000  # chunks


class Remembered(dict[str, list[Made]]):
    """What `make` makes of a chunk, made once for each of the first 500,000 different ones."""

    def __init__(self, make: Callable[[str], list[Made]]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, chunk: str) -> list[Made]:
        made = self.make(chunk)
        if len(self) < REMEMBERED:
            self[chunk] = made
        return made


def chunks(text: str) -> list[str]:
    """What stands between spaces; a tag of HTML holds none."""
    return text.replace(" />", "/>").split()


def cutter(how: Segmenter) -> Cutter:
    """The function that cuts a chunk.

    words   by the rules of most languages; a character of a script without spaces stands alone
    spaces  the same, for texts of such a script that have a space between words already
    jieba   Chinese by its dictionary

    An English ending is a word of its own, as in the Penn Treebank and in GloVe: do n't, dog 's.
    Raises MissingExtraError for jieba where it is not installed.
    """
    return _jieba() if how == "jieba" else _words(alone=how == "words")


def split_words(text: str, how: Segmenter = "words") -> list[str]:
    """The words and marks of a text, in order."""
    return list(chain.from_iterable(map(cutter(how), chunks(text))))


def join_words(words: Iterable[str]) -> str:
    """A readable text of words; spaces that the cutting took are guessed."""
    text = " ".join(words)
    for needless in (NO_SPACE_BEFORE, NO_SPACE_BEHIND, NO_SPACE_BETWEEN):
        text = needless.sub("", text)
    return text


@cache
def _words(alone: bool) -> Cutter:
    marks = _marks()
    letter = rf"[^\W{SPACELESS}]" if alone else r"\w"
    word = rf"{letter}+(?:[{marks}]+{letter}*)*"  # marks are no \w: vowels of Hindi, for one
    pattern = "|".join(
        [
            r"</?\w+/?>",  # a tag of HTML
            rf"{letter}+?(?=[nN]['’][tT]\b)",
            r"[nN]['’][tT]\b",
            r"['’](?:[sSmMdD]|[rR][eE]|[vV][eE]|[lL][lL])\b",
            r"\d+(?:[.,:]\d+)+",
            word,
            *([rf"[{SPACELESS}][{marks}]*"] if alone else []),
            r"\.{2,3}|!{2,3}",
            r"[^\w\s]",
        ]
    )
    return re.compile(pattern).findall


def _marks() -> str:
    """The inside of a character class: what combines with the letter in front of it."""
    ordered = map(chr, range(0x300, 0x10000))
    return JOINERS + "".join(c for c in ordered if unicodedata.category(c) in ("Mn", "Mc", "Me"))


@cache
def _jieba() -> Cutter:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own age
            import jieba
    except ImportError:
        raise MissingExtraError("jieba", extra="zh") from None
    jieba.setLogLevel("ERROR")
    cut: Cutter = jieba.lcut
    return cut


def has_han(texts: Sequence[str]) -> bool:
    """Whether there is a Chinese character."""
    return any(re.search(f"[{HAN}]", text) for text in texts)
