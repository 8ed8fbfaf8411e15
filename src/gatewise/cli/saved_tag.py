"""What `gatewise predict` and `evaluate` do with a saved tagger."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gatewise import outputs
from gatewise.cli import show
from gatewise.cli.answers import check_not_data
from gatewise.cli.tag_run import with_tags
from gatewise.data.conll import TaggedSentences, read_sentences
from gatewise.tasks.tagger import Tagger

# flags of these two verbs that a tagger takes
PREDICT = ("encoding",)
EVALUATE = ("encoding",)


def predict(
    saved: Tagger, data: str, *, out: str | None, as_json: bool, flags: Mapping[str, Any]
) -> None:
    """A tag for each token of DATA, as a CoNLL file; tags that stand there are passed over.

    DATA may be plain text, too: see data.conll.read_sentences.
    """
    words = {text for channel, text in saved.codec_.vocabulary if channel == 0}
    found = read_sentences(Path(data), saved.tags_, words, flags["encoding"])
    check_not_data(out, data)
    show.notes(show.open_console(sys.stderr), _passed_over(saved, found))
    told = saved.predict(found.tokens)
    if out is not None:
        with outputs.replacing_file(Path(out)) as path:
            path.write_text(to_conll(found.tokens, told), encoding="utf-8")
        show.say(show.open_console(sys.stderr), f"{len(told)} sentences in {out}")
    if as_json:
        rows = [
            {"tokens": tokens, "tags": tags}
            for tokens, tags in zip(found.tokens, told, strict=True)
        ]
        sys.stdout.write(outputs.to_json({"sentences": rows}) + "\n")
    elif out is None:
        sys.stdout.write(to_conll(found.tokens, told))


def evaluate(saved: Tagger, data: str, *, as_json: bool, flags: Mapping[str, Any]) -> None:
    """Scores on the sentences of DATA, which the model must not have learnt from."""
    found = with_tags(Path(data), flags["encoding"])
    evaluation = saved.evaluate(found)
    if as_json:
        sys.stdout.write(outputs.to_json(evaluation.to_dict()) + "\n")
    else:
        title = f"{Path(data).name}: {show.counted(len(found), 'sentence')}"
        show.score_table(show.open_console(), title, evaluation)


def to_conll(tokens: list[list[str]], tags: list[list[str]]) -> str:
    """Token, tab, tag on each line, an empty line behind each sentence."""
    sentences = zip(tokens, tags, strict=True)
    return "".join(
        "".join(f"{token}\t{tag}\n" for token, tag in zip(*sentence, strict=True)) + "\n"
        for sentence in sentences
    )


def _passed_over(saved: Tagger, found: TaggedSentences) -> list[str]:
    """What must be said of a last column that holds something else than tags."""
    every = {tag for tags in found.tags or [] for tag in tags}
    if not every or every & set(saved.tags_):
        return [*found.notes]
    return [
        *found.notes,
        f"the last column, such as {min(every)!r}, holds none of the model's tags and was passed "
        f"over; each line should be one token",
    ]
