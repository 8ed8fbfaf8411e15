"""The options of `gatewise tag`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from gatewise.cli.held_out import HeldOut
from gatewise.cli.options import Options


class TagOptions(Options):
    """What `gatewise tag` takes besides the network and its training.

    min_count        a word, ending or shape that training has seen less often is unknown
    keep_duplicates  copies of a sentence may be learnt from and judged on
    validation       of the other sentences, share (below 1) or number that decides when to stop
                     training
    test             kept from training, to be judged on: a share (below 1), a number of sentences,
                     or a file of them
    encoding         of the file; None: UTF-8, or UTF-16 where a mark says so
    start            folder of a saved tagger to go on from, trained on any engine
    engine           what trains the network
    device           where it trains
    seed             the same seed gives the same numbers
    out              folder for model, report, predictions; None: DATA's name and -tag
    """

    verb: ClassVar[str] = "tag"
    meaningless: ClassVar[frozenset[str]] = frozenset(
        {"pooling", "attention", "attention_size", "segment_length", "shortcut", "tie_embedding"}
        | {"loss", "teacher_forcing", "teacher_forcing_schedule"}
    )

    min_count: int = Field(default=2, ge=1)
    keep_duplicates: bool = False
    validation: int | float = Field(default=0.1, ge=0)
    test: HeldOut = 0.2
    encoding: str | None = None
    start: str | None = None
    engine: Literal["torch", "tensorflow", "jax"] = "torch"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = Field(default=0, ge=0)
    out: str | None = None
