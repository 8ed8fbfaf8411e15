"""Pieces of words, learnt by joining what most often stands side by side (byte pair encoding).

Learnt and applied by the `tokenizers` library. A character that the training texts did not have
is written as its bytes, so that every text can be encoded and comes back as it was.
Source: Sennrich, Haddow & Birch 2016.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gatewise.batch import END
from gatewise.errors import UsageError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Merges = tuple[tuple[str, str], ...]

SPECIALS = ("\0padding", "\0unknown", "\0start", "\0end")  # no text is cut into one of these
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
FIRST_BYTE = END + 1  # its id; the others follow
# words with the space in front of them, single digits, marks, white space: joined within alone
CUTS = r" ?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+|\s+(?!\S)|\s+"
LEAST_SIZE = len(SPECIALS) + len(BYTES) + 40
LONGEST = 16  # characters of a piece
LONGEST_SPACELESS = 4  # where a clause has no spaces, and would become one piece


def bpe_size(characters: int) -> int:
    """How many pieces so many characters of training text can teach: each piece stands for about
    four characters and is then seen a hundred times in the mean; from 512 to 8,000.
    """
    return min(max(characters // 400, 512), 8000)


def learn_bpe(
    texts: Sequence[str], size: int, min_count: int, longest: int
) -> tuple[tuple[str, ...], Merges]:
    """The pieces (ids from END + 1 on: 256 bytes, characters, joined pieces) and what is joined.

    size       ids in all, special ones included; fewer when nothing more is frequent enough
    min_count  how often a pair must be seen to be joined
    longest    characters of a piece

    Half of the ids at most are single characters; rarer ones are written as bytes.
    Raises UsageError for a size that leaves no room beside the bytes.
    """
    from tokenizers import Tokenizer, models, trainers

    if size < LEAST_SIZE:
        raise UsageError(
            f"vocab_size must be at least {LEAST_SIZE} for unit 'bpe' (256 of them are single "
            f"bytes), not {size}; or use unit='char'"
        )
    learner = Tokenizer(models.BPE(byte_fallback=True))
    learner.pre_tokenizer = _cuts()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=min_count,
        limit_alphabet=(size - len(SPECIALS) - len(BYTES)) // 2,
        max_token_length=longest,
        special_tokens=[*SPECIALS, *BYTES],
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    model = json.loads(learner.to_str())["model"]
    ids: dict[str, int] = model["vocab"]
    pieces = sorted(ids, key=lambda piece: ids[piece])[len(SPECIALS) :]
    return tuple(pieces), tuple((left, right) for left, right in model["merges"])


def bpe_tokenizer(pieces: Sequence[str], merges: Merges) -> Tokenizer:
    """What applies them. No piece is special to it: a text may say anything."""
    from tokenizers import Tokenizer, models

    ids = {piece: id_ for id_, piece in enumerate([*SPECIALS, *pieces])}
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=list(merges), byte_fallback=True))
    tokenizer.pre_tokenizer = _cuts()
    return tokenizer


def piece_bytes(pieces: Sequence[str]) -> list[bytes]:
    """What each piece writes, in UTF-8."""
    single = [bytes([byte]) for byte in range(256)]
    return single + [piece.encode() for piece in pieces[len(BYTES) :]]


def _cuts() -> Any:
    from tokenizers import Regex, pre_tokenizers

    return pre_tokenizers.Split(Regex(CUTS), "isolated")
