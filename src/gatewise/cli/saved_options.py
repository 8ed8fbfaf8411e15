"""The flags of `gatewise predict` and `gatewise evaluate`; a task takes some of them."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from gatewise.cli.generate_options import Stops
from gatewise.spec import Settings


class OfSeries(Settings):
    """How a series is read.

    sort        sort the rows by time
    fill        what to put where a value or a time is missing
    duplicates  which row to keep where a time comes twice
    """

    sort: bool = False
    fill: Literal["interpolate", "forward", "zero"] | None = None
    duplicates: Literal["first", "last", "mean"] | None = None


class OfTexts(Settings):
    """How texts are read.

    text      column of the texts, several: a,b; None: as the model was trained
    encoding  of the file; None: UTF-8, or UTF-16 where a mark says so
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    text: tuple[str, ...] | None = Field(default=None, min_length=1)
    encoding: str | None = None


class OfTruth(Settings):
    """Where the right answers are.

    label   column of the classes; None: as the model was trained
    target  column of the translations; None: found
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    label: str | None = None
    target: str | None = None


class OfTranslations(Settings):
    """How translations are found.

    source          column to translate from; None: found
    beam            so many beginnings are followed at once; None: as the model was trained
    length_penalty  0: short answers are favoured; 1: hardly; None: as the model was trained
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    source: str | None = None
    beam: int | None = Field(default=None, ge=1)
    length_penalty: float | None = Field(default=None, ge=0, allow_inf_nan=False)


class OfWriting(Settings):
    """How a text is written.

    length       tokens to write at most; of unit char: characters
    temperature  1: as learnt; below: safer; above: wilder; 0: always the likeliest
    top_k        choose among the k likeliest alone; None: all
    top_p        choose among the likeliest that together have this probability; None: all
    stop         end before this is written; may be given several times
    samples      texts to write
    seed         the same seed gives the same text
    """

    length: int = Field(default=500, ge=1)
    temperature: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    top_k: int | None = Field(default=None, ge=1)
    top_p: float | None = Field(default=None, gt=0, le=1)
    stop: Stops = ()
    samples: int = Field(default=1, ge=1)
    seed: int = Field(default=0, ge=0)


# heading in the help -> settings whose fields stand there
PREDICT: dict[str, type[Settings]] = {
    "Series": OfSeries,
    "Texts": OfTexts,
    "Translations": OfTranslations,
    "Generated texts": OfWriting,
}
EVALUATE: dict[str, type[Settings]] = {
    "Series": OfSeries,
    "Texts": OfTexts,
    "Translations": OfTranslations,
    "Right answers": OfTruth,
}
