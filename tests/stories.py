"""A made-up text and a small generator of it, for tests."""

from __future__ import annotations

import random

import gatewise as gw

SMALL = gw.Network(hidden_size=32, embedding_size=16, input_dropout=0.0, dropout=0.0)
QUICK = gw.Training(epochs=12, batch_size=4, learning_rate=2e-2)


def story(characters: int, seed: int = 0) -> str:
    """Sentences of a few words: `the cat sat on a dog.`"""
    draw = random.Random(seed)
    lines: list[str] = []
    while sum(map(len, lines)) < characters:
        who, whom = (draw.choice(["the cat", "a dog", "my bird", "one fish"]) for _ in "12")
        lines.append(f"{who} {draw.choice(['sat on', 'ran to', 'saw', 'ate'])} {whom}.\n")
    return "".join(lines)


def generator(unit: str = "char", **chosen: object) -> gw.Generator:
    fields = {"verbose": 0, "network": SMALL, "training": QUICK, "sequence_length": 25}
    return gw.Generator(unit, **{**fields, **chosen})
