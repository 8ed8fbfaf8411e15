"""The options of `gatewise translate`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from gatewise.cli.held_out import HeldOut
from gatewise.cli.options import Options

Unit = Literal["auto", "char", "word", "bpe"]


class TranslateOptions(Options):
    """What `gatewise translate` takes besides the network and its training.

    The attention of the decoder is a field of the network: --attention.

    source           column to translate from; None: by its name, else the first
    target           column to translate into; None: by its name, else the second
    unit             what both sides are read as; auto: characters where a script has no spaces,
                     else words, or characters or bpe where many words are rare
    source_unit      the same of the sources alone; None: as unit says
    target_unit      the same of the targets alone; None: as unit says
    lowercase        read capitals as small letters; None: words of the sources alone
    vocab_size       so many tokens of each side are known; None: chosen from the data
    beam             so many beginnings are followed at once; 1: always the likeliest next token
    length_penalty   0: short answers are favoured, as their probability is higher; 1: hardly
    max_length       tokens that are read and written of one sequence; None: of long ones, by unit
    keep_duplicates  copies of a source may be learnt from and judged on
    validation       of the other pairs, share (below 1) or number that decides when to stop
                     training
    test             kept from training, to be judged on: a share (below 1), a number of pairs, or
                     a file of them
    encoding         of the file; None: UTF-8, or UTF-16 where a mark says so
    start            folder of a saved translator to go on from, trained on any engine
    engine           what trains the network
    device           where it trains
    seed             the same seed gives the same numbers
    out              folder for model, report, predictions; None: DATA's name and -translate
    """

    verb: ClassVar[str] = "translate"
    meaningless: ClassVar[frozenset[str]] = frozenset(
        {"pooling", "segment_length", "shortcut", "loss"}
    )

    source: str | None = None
    target: str | None = None
    unit: Unit = "auto"
    source_unit: Unit | None = None
    target_unit: Unit | None = None
    lowercase: bool | None = None
    vocab_size: int | None = Field(default=None, ge=1)
    beam: int = Field(default=4, ge=1)
    length_penalty: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    max_length: int | None = Field(default=None, ge=1)
    keep_duplicates: bool = False
    validation: int | float = Field(default=0.1, ge=0)
    test: HeldOut = 0.2
    encoding: str | None = None
    start: str | None = None
    engine: Literal["torch", "tensorflow", "jax"] = "torch"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = Field(default=0, ge=0)
    out: str | None = None
