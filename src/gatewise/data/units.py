"""What the tokens of texts are: which unit suits them, and which tokens are worth an id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any, Literal, cast, get_args

from gatewise.data.encoded import Truncation
from gatewise.data.scripts import spaceless_script
from gatewise.data.words import Segmenter, has_han
from gatewise.errors import DataError, UsageError, did_you_mean

Unit = Literal["char", "word", "bpe", "given"]
Normalization = Literal["none", "nfc", "nfkc"]
Text = str | Sequence[str] | Sequence[int]

UNITS = ("auto", *get_args(Unit))
SPACELESS_NOTE = "the texts are written without spaces ({}): characters are read"
JIEBA_NOTE = "the texts are Chinese without spaces: jieba cuts them into words"
SIZES = {"char": 10_000, "word": 30_000, "given": 50_000}
SPECIALS = 4  # ids that are no tokens
FEW = 20_000  # words of training text: of fewer, each is kept; of more, those seen twice


def check_options(**options: Any) -> None:
    """Raises UsageError that lists all that cannot be. None is always possible."""
    choices = {"unit": UNITS, "normalization": get_args(Normalization)}
    choices["truncate"] = get_args(Truncation)
    problems = []
    for name, value in options.items():
        if value is None:
            continue
        if name in choices:
            if value not in choices[name]:
                near = did_you_mean(value, choices[name])
                problems.append(
                    f"{name} must be one of {', '.join(choices[name])}, not {value!r}{near}"
                )
        elif not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            problems.append(f"{name} must be a whole number of at least 1, not {value!r}")
    if problems:
        raise UsageError("; ".join(problems))


def checked_texts(texts: Iterable[Text] | str) -> list[Text]:
    """A list of texts, or of lists of tokens; a single string is one text.

    Raises DataError with the rows (from 1) of what is neither.
    """
    rows = [texts] if isinstance(texts, str) else list(texts)
    wrong = [i for i, row in enumerate(rows) if not isinstance(row, str) and not _is_list(row)]
    if wrong:
        more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        raise DataError(f"text {wrong[0] + 1}{more}: expected a string, not {rows[wrong[0]]!r}")
    return cast(list[Text], rows)


def _is_list(row: Any) -> bool:
    return hasattr(row, "__len__") and hasattr(row, "__getitem__") and not isinstance(row, bytes)


def choose_unit(rows: Sequence[Text], unit: str) -> tuple[Unit, Segmenter, list[str]]:
    """The unit, how words are cut, and what to tell about it.

    Raises UsageError for words of a script without spaces that no dictionary here can cut, and
    DataError where texts and lists of tokens are mixed.
    """
    texts = [row for row in rows if isinstance(row, str)]
    if not texts and rows:
        if unit in ("auto", "given"):
            return "given", "words", []
        raise UsageError(f"these are lists of tokens, which unit={unit!r} cannot cut further")
    if len(texts) < len(rows):
        raise DataError(
            f"{len(texts):,} of {len(rows):,} rows are texts, the others lists of tokens"
        )
    if unit == "given":
        raise UsageError("unit='given' is for lists of tokens; these are texts")
    if unit in ("char", "bpe"):
        return cast(Unit, unit), "words", []
    script = spaceless_script(texts)
    if script is None:  # a script without spaces may have them all the same: cut in advance
        cut_already = spaceless_script([text.replace(" ", "") for text in texts[:2000]])
        return "word", "spaces" if cut_already else "words", []
    if unit == "auto":
        return "char", "words", [SPACELESS_NOTE.format(script)]
    if script == "Chinese" and has_han(texts):
        return "word", "jieba", [JIEBA_NOTE]
    raise UsageError(
        f"unit='word' needs spaces between words, and these texts ({script}) have none; use "
        f"unit='char' or unit='bpe', or put a space between words"
    )


def most_frequent(
    counts: Counter[str], unit: Unit, size: int | None, min_count: int | None
) -> tuple[tuple[str, ...], float]:
    """The tokens that get an id, the most frequent first, and the share of all that get none."""
    every = counts.total()
    least = (2 if unit == "word" and every >= FEW else 1) if min_count is None else min_count
    room = max((SIZES[unit] if size is None else size) - SPECIALS, 0)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    kept = [(token, count) for token, count in ordered[:room] if count >= least]
    rare = 1 - sum(count for _, count in kept) / every if every else 0.0
    return tuple(token for token, _ in kept), rare
