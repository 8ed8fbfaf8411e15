"""The options of `gatewise generate`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from gatewise.cli.held_out import HeldOut
from gatewise.cli.options import Options

ESCAPES = {"n": "\n", "t": "\t", "\\": "\\"}


def _not_empty(stops: tuple[str, ...]) -> tuple[str, ...]:
    if not all(stops):
        raise ValueError("stop should be a text to end before, not an empty one")
    return stops


Stops = Annotated[tuple[str, ...], AfterValidator(_not_empty)]


class GenerateOptions(Options):
    r"""What `gatewise generate` takes besides the network and its training.

    prompt           what the text begins with; \n: a new line
    length           characters to write at most; of words and bpe: tokens
    temperature      1: as learnt; below: safer; above: wilder; 0: always the likeliest
    top_k            choose among the k likeliest alone; None: all
    top_p            choose among the likeliest that together have this probability; None: all
    stop             end before this is written; may be given several times; \n: a new line
    samples          texts to write
    unit             what the text is read and written as
    lowercase        read and write small letters alone
    vocab_size       so many tokens are known; None: chosen from the text
    ngrams           3: each step reads its token, and the two and three that end there together;
                     1: the token alone; None: 3 of characters, else 1
    sequence_length  steps through which errors flow back while training; None: chosen
    quantize         weights of 8 bits: a smaller, faster model that is a little worse; by how much
                     is told
    validation       of the rest of the text, share (below 1) or number of characters at its
                     beginning that decides when to stop training
    test             kept from training, to be judged on: a share (below 1) or number of characters
                     at the end of the text, or a file
    encoding         of the file; None: UTF-8, or UTF-16 where a mark says so
    start            folder of a saved generator to go on from, trained on any engine
    engine           what trains the network
    device           where it trains
    seed             the same seed gives the same text
    out              folder for model, report, samples; None: DATA's name and -generate. Of a saved
                     model: file for the text
    """

    verb: ClassVar[str] = "generate"
    meaningless: ClassVar[frozenset[str]] = frozenset(
        {"bidirectional", "pooling", "attention", "attention_size", "segment_length", "shortcut"}
        | {"loss", "teacher_forcing", "teacher_forcing_schedule"}
    )

    prompt: str = ""
    length: int = Field(default=500, ge=1)
    temperature: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    top_k: int | None = Field(default=None, ge=1)
    top_p: float | None = Field(default=None, gt=0, le=1)
    stop: Stops = ()
    samples: int = Field(default=1, ge=1)
    unit: Literal["char", "word", "bpe"] = "char"
    lowercase: bool = False
    vocab_size: int | None = Field(default=None, ge=1)
    ngrams: int | None = Field(default=None, ge=1)
    sequence_length: int | None = Field(default=None, ge=1)
    quantize: bool = False
    validation: int | float = Field(default=0.05, ge=0)
    test: HeldOut = 0.1
    encoding: str | None = None
    start: str | None = None
    engine: Literal["torch", "tensorflow", "jax"] = "torch"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = Field(default=0, ge=0)
    out: str | None = None


def unescaped(text: str) -> str:
    r"""What was typed with \n for a new line, \t for a tab and \\ for a backslash."""
    pieces = iter(text.split("\\"))
    found = [next(pieces)]
    for piece in pieces:
        if not piece:  # two of them in a row: the next piece is text as it is
            found.append("\\" + next(pieces, ""))
        elif piece[0] in ESCAPES:
            found.append(ESCAPES[piece[0]] + piece[1:])
        else:
            found.append("\\" + piece)
    return "".join(found)


def typed(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The flags with prompt and stop strings as they are meant."""
    found = dict(asked)
    if "prompt" in found:
        found["prompt"] = unescaped(found["prompt"])
    if "stop" in found:
        found["stop"] = [unescaped(one) for one in found["stop"]]
    return found
