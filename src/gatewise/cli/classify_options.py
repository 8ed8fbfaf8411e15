"""The options of `gatewise classify`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from gatewise.cli.held_out import HeldOut
from gatewise.cli.options import Options


class ClassifyOptions(Options):
    """What `gatewise classify` takes besides the network and its training.

    text             column of the texts, several are read as one: a,b; None: found
    label            column of the classes; None: found
    unit             what a text is read as; auto: characters where the script has no spaces, else
                     words
    lowercase        read capitals as small letters; None: words yes, anything else no
    vocab_size       so many tokens are known; None: chosen from the data
    ngrams           2: each step reads its token and the pair that ends there; 1: the token alone;
                     None: chosen
    max_length       tokens that are read of one text; None: by unit
    truncate         which part of a longer text is left out
    multi_label      whether a text may have several labels or none; None: seen from the labels
    class_weight     None: every text counts alike; balanced: every class does
    members          so many networks from different seeds are averaged; None: three where it is
                     cheap
    vectors          file of word vectors (GloVe, fastText; text) to begin with
    keep_duplicates  copies of a text may stand on both sides of a split
    validation       of the other texts, share (below 1) or number that decides when to stop
                     training
    test             kept from training, to be judged on: a share (below 1), a number of texts, or
                     a file of them
    encoding         of the file; None: UTF-8, or UTF-16 where a mark says so
    start            folder of a saved classifier to go on from, trained on any engine
    engine           what trains the network
    device           where it trains
    seed             the same seed gives the same numbers
    out              folder for model, report, predictions; None: DATA's name and -classify
    """

    verb: ClassVar[str] = "classify"
    meaningless: ClassVar[frozenset[str]] = frozenset(
        {"attention", "segment_length", "shortcut", "tie_embedding", "loss"}
        | {"teacher_forcing", "teacher_forcing_schedule"}
    )

    text: tuple[str, ...] | None = Field(default=None, min_length=1)
    label: str | None = None
    unit: Literal["auto", "char", "word", "bpe"] = "auto"
    lowercase: bool | None = None
    vocab_size: int | None = Field(default=None, ge=1)
    ngrams: int | None = Field(default=None, ge=1)
    max_length: int | None = Field(default=None, ge=1)
    truncate: Literal["start", "end", "middle"] = "middle"
    multi_label: bool | None = None
    class_weight: Literal["balanced"] | None = None
    members: int | None = Field(default=None, ge=1)
    vectors: str | None = None
    keep_duplicates: bool = False
    validation: int | float = Field(default=0.1, ge=0)
    test: HeldOut = 0.2
    encoding: str | None = None
    start: str | None = None
    engine: Literal["torch", "tensorflow", "jax"] = "torch"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = Field(default=0, ge=0)
    out: str | None = None
