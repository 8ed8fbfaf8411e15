"""Tagged sentences as running text: spans in colour, or the tokens whose tag is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from gatewise.judging.tags import Span, WorstSentence, spans_of
from gatewise.report.markup import Html, element, joined, shorten

COLOURS = 6  # of types; further ones share them
MOST = 150  # tokens of a sentence that are shown
LONG = 60  # characters of a token
UNSPACED = re.compile(r"[\u0e00-\u0eff\u3000-\u30ff\u3400-\u9fff\uff00-\uff60]")
Styles = Mapping[str, str]


def styles(types: Iterable[str]) -> Styles:
    """type -> class of its colour, the same in all sentences."""
    return {of: f"t{index % COLOURS + 1}" for index, of in enumerate(types)}


def both(sentence: WorstSentence, colours: Styles) -> Html:
    """The sentence twice: with its true spans, and below with those told."""
    truth, told = spans_of(sentence.truth), spans_of(sentence.told)
    lines = {
        "true": _marked(sentence.tokens, truth, truth - told, "missed", colours),
        "told": _marked(sentence.tokens, told, told - truth, "wrong", colours),
    }
    pairs = (
        element("div", element("dt", what), element("dd", line, dir="auto"))
        for what, line in lines.items()
    )
    return element("dl", joined(pairs), class_="pair tagged")


def wrong_tags(sentence: WorstSentence) -> Html:
    """The sentence once: each token whose tag is wrong with `true → told` behind it."""
    pieces: list[object] = []
    tokens = sentence.tokens[:MOST]
    for index, (token, truth, told) in enumerate(
        zip(tokens, sentence.truth, sentence.told, strict=False)
    ):
        pieces.append(_gap(tokens, index))
        word: object = shorten(token, LONG)
        if truth != told:
            label = element("small", element("bdi", truth), " → ", element("bdi", told))
            word = element("mark", word, " ", label)
        pieces.append(word)
    pieces.append(" …" if len(sentence.tokens) > MOST else "")
    return element("p", joined(pieces, ""), class_="passage tagged", dir="auto")


def _marked(
    tokens: Sequence[str], spans: set[Span], alone: set[Span], word: str, colours: Styles
) -> Html:
    """alone  spans that the other line has not: `word` stands beside them"""
    first = {start: (of, start, end) for of, start, end in spans}
    pieces: list[object] = []
    index, shown = 0, min(len(tokens), MOST)
    while index < shown:
        pieces.append(_gap(tokens, index))
        span = first.get(index)
        end = index if span is None else min(span[2], shown - 1)
        text = _text(tokens[index : end + 1])
        if span is None:
            pieces.append(text)
        else:
            label = f"{span[0]} · {word}" if span in alone else span[0]
            style = f"span {colours.get(span[0], 't6')}{' alone' if span in alone else ''}"
            name = element("small", element("bdi", label))
            pieces.append(element("span", text, " ", name, class_=style))
        index = end + 1
    pieces.append(" …" if len(tokens) > MOST else "")
    return joined(pieces, "")


def _text(tokens: Sequence[str]) -> str:
    return "".join(_gap(tokens, i) + shorten(token, LONG) for i, token in enumerate(tokens))


def _gap(tokens: Sequence[str], index: int) -> str:
    """What stands before a token: nothing beside a script that has no spaces."""
    if index == 0:
        return ""
    beside = tokens[index - 1][-1:] + tokens[index][:1]
    return "" if UNSPACED.search(beside) else " "
