"""A made-up spelling: words that nobody knows, and how they are said by rules that are known.

    ch sh th ph qu ee oo ai ou   two letters, one sound (qu: two)
    bb dd ll nn ss tt            one sound, too
    x                            two sounds
    c g                          S and J before e and i, else K and G
    a i o u + consonant + e at the end  the vowel is long and the e is silent: bak, bake

Sounds are written as the phones of CMUdict, without stress.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from gatewise.errors import UsageError

PAIRS = {
    "ch": "CH", "sh": "SH", "th": "TH", "ph": "F", "qu": "K W",
    "ee": "IY", "oo": "UW", "ai": "EY", "ou": "AW",
    "bb": "B", "dd": "D", "ll": "L", "nn": "N", "ss": "S", "tt": "T",
}  # fmt: skip
LETTERS = {
    "a": "AE", "e": "EH", "i": "IH", "o": "AA", "u": "AH",
    "b": "B", "c": "K", "d": "D", "f": "F", "g": "G", "h": "HH", "k": "K", "l": "L", "m": "M",
    "n": "N", "p": "P", "r": "R", "s": "S", "t": "T", "v": "V", "w": "W", "x": "K S", "z": "Z",
}  # fmt: skip
LONG = {"a": "EY", "i": "AY", "o": "OW", "u": "UW"}
SOFT = {"c": "S", "g": "JH"}
RULES = (  # the first that fits where one stands
    (re.compile(r"[aiou](?=[bcdfgklmnprstvz]e$)"), LONG),
    (re.compile(r"(?<=[aiou][bcdfgklmnprstvz])e$"), {"e": ""}),
    (re.compile("|".join(PAIRS)), PAIRS),
    (re.compile(r"[cg](?=[ei])"), SOFT),
    (re.compile("|".join(LETTERS)), LETTERS),
)

BEGINNINGS = (
    "b", "c", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z",
    "ch", "sh", "th", "ph", "qu", "cl", "gr", "st", "tr",
)  # fmt: skip
MIDDLES = ("a", "e", "i", "o", "u", "ee", "oo", "ai", "ou")
ENDS = ("", "", "b", "c", "d", "g", "l", "n", "p", "r", "s", "t", "x", "ch", "sh", "ll", "ss", "tt")
SILENT = 0.3  # share of words with an e at their end


def sounds(word: str) -> str:
    """'grace' -> 'G R EY S'. Raises UsageError for a letter that this spelling does not have."""
    found, place = [], 0
    while place < len(word):
        fits = ((match, said) for rule, said in RULES if (match := rule.match(word, place)))
        match, said = next(fits, (None, {}))
        if match is None:
            known = ", ".join(LETTERS)
            raise UsageError(f"'{word}': this spelling has {known} and qu, not '{word[place]}'")
        found.append(said[match[0]])
        place = match.end()
    return " ".join(filter(None, found))


def made_up_word(rng: np.random.Generator) -> str:
    """One or two syllables, sometimes with an e behind them."""
    word = "".join(
        _one(rng, part) for _ in range(rng.integers(1, 3)) for part in (BEGINNINGS, MIDDLES, ENDS)
    )
    return f"{word}e" if rng.random() < SILENT and word[-1] not in "aeiouhx" else word


def _one(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]
