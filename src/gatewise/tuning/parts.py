"""A test part for `gw.tune`: split off before anything is tried, and read once, at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gatewise.data.parts import duplicates, split_parts
from gatewise.errors import DataError, UsageError
from gatewise.tuning.ground import check_fit, task_of

Fit = Mapping[str, Any]
TEST = {"forecast": 0.2, "classify": 0.2, "tag": 0.2, "generate": 0.1, "translate": 0.2}


@dataclass(frozen=True, slots=True)
class Parts:
    """What trials learn from, and how a model is judged on the rest.

    where  the test part, in words
    """

    data: Any
    fit: Fit
    judge: Callable[[Any], Any]
    where: str


def split(model: Any, data: Any, fit: Fit, test: float | int | None) -> Parts:
    """test: share (below 1) or number of rows or examples; None: a fifth (of a text, a tenth).

    Raises UsageError, DataError.
    """
    task = task_of(model)
    check_fit(model, fit)
    share = TEST[task] if test is None else test
    if isinstance(share, bool) or not isinstance(share, int | float) or not share > 0:
        raise UsageError(f"test must be a share below 1 or a number of examples, not {test!r}")
    return _SPLITS[task](model, data, fit, share)


def _size(share: float, count: int, what: str) -> int:
    size = round(share * count) if share < 1 else int(share)
    if not 1 <= size < count:
        raise DataError(f"test={share} of {count:,} {what} leaves nothing on one of the two sides")
    return size


def _forecast(model: Any, data: Any, fit: Fit, share: float) -> Parts:
    from gatewise.data.table import SeriesTable, read_series

    table = data if isinstance(data, SeriesTable) else read_series(data, **fit)
    if table.series_name is not None:
        return _of_many(model, table, share)
    size = _size(share, len(table), "rows")
    if share < 1:  # whole forecasts
        size = max(model.horizon, size // model.horizon * model.horizon)
    if size < model.horizon:
        raise DataError(f"test={share}: {size} rows cannot hold one forecast of {model.horizon}")
    rows = table.rows(0, len(table) - size)
    return Parts(rows, {}, lambda fitted: fitted.evaluate(table), f"the last {size} rows")


def _of_many(model: Any, table: Any, share: float) -> Parts:
    """The last rows of each series, or whole series where they are short."""
    from gatewise.data.cuts import cut_series

    cut, _ = cut_series(
        table.bounds,
        table.series,
        lookback=model.lookback or model.horizon + 1,
        horizon=model.horizon,
        validation=share if share < 1 else int(share),
        seed=model.seed,
        what="the test",
    )
    rows = table.select(table.bounds[:-1], cut.held)
    return Parts(rows, {}, lambda fitted: fitted.evaluate(table), cut.in_words())


def _drawn(
    model: Any, count: int, share: float, what: str, groups: Any, labels: Any = None
) -> tuple[list[int], list[int], str]:
    """(rows to learn from, rows to judge on, these in words)"""
    part = _size(share, count, what) / count
    train, held = split_parts(
        count, labels=labels, groups=groups, shares=(1 - part, part), seed=model.seed
    )
    return train.tolist(), held.tolist(), f"{len(held):,} {what}"


def _taken(values: Sequence[Any], rows: Sequence[int]) -> list[Any]:
    return [values[row] for row in rows]


def _classify(model: Any, data: Any, fit: Fit, share: float) -> Parts:
    from gatewise.data.labels import LabelCodec
    from gatewise.tasks.examples import read_examples

    found = read_examples(
        data, fit.get("labels"), text=fit.get("text"), label=fit.get("label"), labelled=True
    )
    inputs, labels = found.inputs, found.labels or ()
    codec = LabelCodec.learn(labels, multilabel=bool(model.multi_label), rows=found.rows)
    truth = codec.encode(labels, rows=found.rows)
    alone = found.kind == "numbers" or model.keep_duplicates
    groups = None if alone else duplicates(inputs, truth).groups
    train, held, where = _drawn(model, len(inputs), share, "examples", groups, truth)
    judged = _taken(inputs, held), _taken(labels, held)
    own: Any = _taken(inputs, train)
    more: dict[str, Any] = {"labels": _taken(labels, train)}
    if found.text is not None and found.label is not None:  # so that the model knows the columns
        names = [found.text] if isinstance(found.text, str) else found.text
        own = {**dict.fromkeys(names, [""] * len(train)), names[0]: own}
        own[found.label] = more.pop("labels")
        more = {"text": found.text, "label": found.label}
    return Parts(own, more, lambda fitted: fitted.evaluate(*judged), where)


def _tag(model: Any, data: Any, fit: Fit, share: float) -> Parts:
    from gatewise.data.conll import TaggedSentences
    from gatewise.tasks.tagger import read_sentences

    found = read_sentences(data, fit.get("tags"))
    tags = found.tags
    if tags is None:
        raise UsageError("tags are missing: give a list of tags for each sentence")
    groups = duplicates(found.tokens, what="sentences").groups
    train, held, where = _drawn(model, len(found), share, "sentences", groups)
    own, judged = (
        TaggedSentences(_taken(found.tokens, rows), _taken(tags, rows)) for rows in (train, held)
    )
    return Parts(own, {}, lambda fitted: fitted.evaluate(judged), where)


def _generate(model: Any, data: Any, fit: Fit, share: float) -> Parts:  # noqa: ARG001
    from gatewise.tasks.generator_text import read_texts

    found = read_texts(data)
    if found.several:
        size = _size(share, len(found.texts), "texts")
        own, judged = list(found.texts[:-size]), list(found.texts[-size:])
        return Parts(own, {}, lambda fitted: fitted.evaluate(judged), f"the last {size:,} texts")
    text = found.texts[0]
    size = _size(share, len(text), "characters")
    words = f"the last {size:,} characters"
    return Parts(text[:-size], {}, lambda fitted: fitted.evaluate(text[-size:]), words)


def _translate(model: Any, data: Any, fit: Fit, share: float) -> Parts:
    from gatewise.data.pairs import Pairs
    from gatewise.tasks.translator_pairs import read_given

    found = read_given(data, fit.get("targets"))
    groups = duplicates(found.sources, what="sources").groups
    train, held, where = _drawn(model, len(found), share, "pairs", groups)
    own, judged = (
        Pairs(_taken(found.sources, rows), _taken(found.targets, rows)) for rows in (train, held)
    )
    return Parts(own, {}, lambda fitted: fitted.evaluate(judged), where)


_SPLITS: Mapping[str, Callable[[Any, Any, Fit, float], Parts]] = {
    "forecast": _forecast,
    "classify": _classify,
    "tag": _tag,
    "generate": _generate,
    "translate": _translate,
}
