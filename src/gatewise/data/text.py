"""Texts in, ids of tokens out, and back: what was learnt on the training texts alone.

Ids are the same in every vocabulary: 0 padding, 1 unknown, 2 start, 3 end, then the tokens, the
most frequent first, then n-grams. B texts, N tokens of all texts behind each other, F channels.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import chain
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import END, PADDING, START, UNKNOWN, IntArray
from gatewise.data.bpe import (
    LONGEST,
    LONGEST_SPACELESS,
    Merges,
    bpe_size,
    bpe_tokenizer,
    learn_bpe,
    piece_bytes,
)
from gatewise.data.encoded import Encoded, Ids, Truncation, firsts, kept_ends
from gatewise.data.ngrams import learn_ngrams, ngram_ids
from gatewise.data.scripts import spaceless_script
from gatewise.data.units import (
    Normalization,
    Text,
    Unit,
    check_options,
    checked_texts,
    choose_unit,
    most_frequent,
)
from gatewise.data.words import Remembered, Segmenter, chunks, cutter, join_words
from gatewise.errors import DataError, UsageError

SPECIAL_NAMES = ("[padding]", "[unknown]", "[start]", "[end]")
STRANGE = "\ufffd"  # what an unknown token is written as
LONE = re.compile("[\ud800-\udfff]")  # half of a pair: no character, and no UTF-8
NGRAM_COUNT, NGRAMS = 2, 50_000  # how often an n-gram must occur, and how many there may be
RARE_TOLD = 0.01  # share of unknown tokens from which a note is worth it


@dataclass(frozen=True, eq=False)
class TextCodec:
    """What a token is, and which tokens are known; made by `learn`.

    unit           char: characters (code points) · word: words and marks · bpe: pieces of words
                   · given: texts come as lists of tokens
    vocabulary     the tokens from id END + 1 on; of bpe, the 256 single bytes first
    lowercase      whether capitals are read as small letters
    normalization  none, nfc or nfkc: which ways to write the same are one (unicodedata.normalize)
    segmenter      how words are cut: see `words.cutter`
    merges         of bpe: what is joined, in order
    tables         of n-grams, n = 2, 3, ...: see `ngrams.learn_ngrams`
    max_length     tokens that are read of a text; None: all
    truncate       what is not read of a longer one: its end, its start, or its middle
    notes          what a user should know about how the texts are read
    """

    unit: Unit
    vocabulary: tuple[str, ...]
    lowercase: bool = False
    normalization: Normalization = "none"
    segmenter: Segmenter = "words"
    merges: Merges = ()
    tables: tuple[Ids, ...] = ()
    max_length: int | None = None
    truncate: Truncation = "end"
    notes: tuple[str, ...] = ()

    @classmethod
    def learn(
        cls,
        texts: Iterable[Text] | str,
        unit: str = "auto",
        *,
        lowercase: bool | None = None,
        normalization: str | None = None,
        vocab_size: int | None = None,
        min_count: int | None = None,
        ngrams: int = 1,
        ngram_min_count: int = NGRAM_COUNT,
        ngram_size: int = NGRAMS,
        max_length: int | None = None,
        truncate: str = "end",
    ) -> TextCodec:
        """Learnt from the training texts: strings, or lists of tokens (then they stay as they are).

        unit           'auto': characters where the script has no spaces between words, else words.
                       'word' cuts Chinese with jieba
        lowercase, normalization  None: words are lower-cased and nfkc, anything else is left alone
        vocab_size     ids in all, without n-grams; None: by unit, of bpe by the amount of text
        min_count      how often a token must occur; None: words in more than 20,000 twice, else
                       once. Of bpe: how often a pair must, to be joined; None: twice
        ngrams         2: bigrams as a second channel, 3: trigrams as a third
        ngram_size     at most so many of each

        Raises UsageError for options that cannot be, DataError for texts that are not, and
        MissingExtraError for Chinese words without jieba.
        """
        check_options(
            unit=unit, normalization=normalization, truncate=truncate, vocab_size=vocab_size,
            min_count=min_count, ngrams=ngrams, ngram_min_count=ngram_min_count,
            ngram_size=ngram_size, max_length=max_length,
        )  # fmt: skip
        checked = checked_texts(texts)
        kind, segmenter, notes = choose_unit(checked, unit)
        worded = kind == "word"
        blank = cls(
            kind,
            (),
            worded if lowercase is None else lowercase,
            cast(Normalization, normalization or ("nfkc" if worded else "none")),
            segmenter,
        )
        clean = blank._clean(checked)
        merges: Merges = ()
        if kind == "bpe":
            texts_only = cast(list[str], clean)
            spaceless = spaceless_script(texts_only) is not None
            vocabulary, merges = learn_bpe(
                texts_only,
                bpe_size(sum(map(len, texts_only))) if vocab_size is None else vocab_size,
                2 if min_count is None else min_count,
                LONGEST_SPACELESS if spaceless else LONGEST,
            )
        else:
            counts = blank._count(clean)
            vocabulary, rare = most_frequent(counts, kind, vocab_size, min_count)
            if rare >= RARE_TOLD:
                noun = {"char": "characters", "word": "words"}.get(kind, "tokens")
                notes.append(
                    f"{len(vocabulary):,} of {len(counts):,} {noun} are known; the rarer ones, "
                    f"{rare:.1%} of the training texts, are read as unknown"
                )
        if not vocabulary or not any(len(text) for text in clean):
            raise DataError(f"nothing can be read from {len(checked):,} texts: all are empty")
        codec = cls(
            kind, vocabulary, blank.lowercase, blank.normalization, segmenter, merges, (),
            max_length, cast(Truncation, truncate), tuple(notes),
        )  # fmt: skip
        return codec._with_ngrams(clean, ngrams, ngram_min_count, ngram_size)

    def with_ngrams(self, texts: Iterable[Text] | str, ngrams: int) -> TextCodec:
        """The same codec, n-grams of these training texts as further channels: see `learn`."""
        return self._with_ngrams(self._clean(checked_texts(texts)), ngrams, NGRAM_COUNT, NGRAMS)

    def _with_ngrams(self, clean: list[Text], most_n: int, min_count: int, size: int) -> TextCodec:
        if most_n == 1:
            return self
        tokens, lengths = self._ids(clean)
        tables = learn_ngrams(tokens, firsts(lengths), most_n, self.units, min_count, size)
        return replace(self, tables=tables)

    @property
    def units(self) -> int:
        """Ids without n-grams: as many classes has a network that answers with tokens."""
        return END + 1 + len(self.vocabulary)

    @property
    def size(self) -> int:
        """Ids in all."""
        return self.units + sum(map(len, self.tables))

    @property
    def channels(self) -> int:
        """F, the ids of each step."""
        return 1 + len(self.tables)

    def encode(self, texts: Iterable[Text] | str, *, end: bool = False) -> Encoded:
        """The ids of texts; an empty text has no tokens. With `end`, END behind each text.

        max_length counts without END. Raises DataError for what is no text.
        """
        tokens, lengths = self._ids(self._clean(checked_texts(texts)))  # (N,), (B,)
        channels = ngram_ids(tokens, firsts(lengths), self.tables, self.units)  # (N, F)
        encoded = Encoded(channels, lengths)
        if self.max_length is not None:
            encoded = encoded.cut(self.max_length, self.truncate)
        return encoded.with_end() if end else encoded

    def decode(self, ids: Sequence[int] | NDArray[Any]) -> str:
        """The text of ids (T,) or (T, F), up to the first END.

        Exact for char and bpe, where nothing was unknown; spaces between words are guessed.
        """
        known = self._decodable(ids)
        if self._pieces is not None:
            return b"".join(self._pieces[i] for i in known).decode("utf-8", errors="replace")
        words = [STRANGE if i == UNKNOWN else self.vocabulary[i - END - 1] for i in known]
        return " ".join(words) if self.unit == "given" else join_words(words)

    def tokens(self, text: Text) -> list[str]:
        """One string for each id of `encode`, as it is written in the text, unknown ones too."""
        clean = self._clean(checked_texts([text]))
        if self.unit == "bpe":
            pieces = list(self._bpe.encode(cast(str, clean[0]), add_special_tokens=False).tokens)
        else:
            pieces = list(chain.from_iterable(map(self._cut_chunk, self._chunks(clean[0]))))
        if self.max_length is None or len(pieces) <= self.max_length:
            return pieces
        head, tail = kept_ends(self.max_length, self.truncate)
        return pieces[:head] + pieces[len(pieces) - tail :]

    def name(self, id_: int) -> str:
        """How an id is shown in a table; an n-gram by its tokens."""
        if id_ <= END:
            return SPECIAL_NAMES[id_]
        if id_ < self.units:
            return self.vocabulary[id_ - END - 1]
        between = " " if self.unit in ("word", "given") else ""
        place = id_ - self.units
        for table in self.tables:
            if place < len(table):
                left, right = table[place]
                return self.name(int(left)) + between + self.name(int(right))
            place -= len(table)
        raise DataError(f"id {id_} is not in a vocabulary of {self.size}")

    def piece(self, id_: int) -> bytes:
        """What an id of char or bpe writes in UTF-8, for an incremental decoder; b"" for a
        special one. A piece of bpe may be a part of a character."""
        pieces = self._pieces
        if pieces is None:
            raise UsageError(f"pieces are of unit char or bpe, not {self.unit}")
        return b"" if id_ in (PADDING, START, END) else pieces[id_]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "unit": self.unit,
            "vocabulary": list(self.vocabulary),
            "lowercase": self.lowercase,
            "normalization": self.normalization,
            "segmenter": self.segmenter,
            "merges": [list(pair) for pair in self.merges],
            "tables": [table.tolist() for table in self.tables],
            "max_length": self.max_length,
            "truncate": self.truncate,
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> TextCodec:
        return cls(
            **{
                **saved,
                "vocabulary": tuple(saved["vocabulary"]),
                "merges": tuple((left, right) for left, right in saved["merges"]),
                "tables": tuple(
                    np.array(table, dtype=np.int32).reshape(-1, 2) for table in saved["tables"]
                ),
                "notes": tuple(saved["notes"]),
            }
        )

    def __getstate__(self) -> dict[str, Any]:
        """Without what is made from these when it is first needed."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def _known(self) -> dict[str, int]:
        return {token: END + 1 + i for i, token in enumerate(self.vocabulary)}

    @cached_property
    def _code_points(self) -> Ids:
        """The id of each code point.  -> (0x110000,)"""
        table = np.full(0x110000, UNKNOWN, dtype=np.int32)
        for character, id_ in self._known.items():
            table[ord(character)] = id_
        return table

    @cached_property
    def _pieces(self) -> list[bytes] | None:
        """What each id writes in UTF-8; None for words."""
        if self.unit not in ("char", "bpe"):
            return None
        special = [b"", STRANGE.encode(), b"", b""]
        if self.unit == "bpe":
            return special + piece_bytes(self.vocabulary)
        return special + [character.encode() for character in self.vocabulary]

    @cached_property
    def _bpe(self) -> Any:
        return bpe_tokenizer(self.vocabulary, self.merges)

    def _clean(self, texts: list[Text]) -> list[Text]:
        """Normalised; given tokens as strings."""
        if self.unit != "given":
            strings = [text for text in texts if isinstance(text, str)]
            if len(strings) < len(texts):
                raise DataError(f"expected texts (strings), not lists of tokens: unit {self.unit}")
            return [self._normal(text) for text in strings]
        if any(isinstance(text, str) for text in texts):
            raise DataError("expected lists of tokens, as in training, not texts")
        return [[self._normal(str(token)) for token in text] for text in texts]

    def _normal(self, text: str) -> str:
        if not text.isascii():
            text = LONE.sub(STRANGE, text)
            if self.normalization != "none":
                form = cast(Literal["NFC", "NFKC"], self.normalization.upper())
                text = unicodedata.normalize(form, text)
        return text.lower() if self.lowercase else text

    def _chunks(self, text: Text) -> Sequence[str]:
        """What is cut into tokens by itself; not of bpe."""
        return chunks(cast(str, text)) if self.unit == "word" else cast(Sequence[str], text)

    def _cut_chunk(self, chunk: str) -> list[str]:
        return cutter(self.segmenter)(chunk) if self.unit == "word" else [chunk]

    @cached_property
    def _chunk_ids(self) -> Remembered[int]:
        known = self._known
        return Remembered(
            lambda chunk: [known.get(token, UNKNOWN) for token in self._cut_chunk(chunk)]
        )

    def _count(self, texts: list[Text]) -> Counter[str]:
        seen = Counter(chain.from_iterable(map(self._chunks, texts)))
        counts: Counter[str] = Counter()
        for chunk, count in seen.items():
            for token in self._cut_chunk(chunk):
                counts[token] += count
        return counts

    def _ids(self, texts: list[Text]) -> tuple[Ids, IntArray]:
        """(N,) ids and (B,) lengths of clean texts."""
        rows: list[list[int]]
        if self.unit == "char":
            points = np.frombuffer("".join(cast(list[str], texts)).encode("utf-32-le"), np.uint32)
            return self._code_points[points], np.array([len(text) for text in texts], np.int64)
        if self.unit == "bpe":
            found = self._bpe.encode_batch_fast(cast(list[str], texts), add_special_tokens=False)
            rows = [one.ids for one in found]
        else:
            ids = self._chunk_ids.__getitem__
            rows = [list(chain.from_iterable(map(ids, self._chunks(text)))) for text in texts]
        flat = np.fromiter(chain.from_iterable(rows), np.int32)
        return flat, np.array([len(row) for row in rows], dtype=np.int64)

    def _decodable(self, ids: Any) -> list[int]:
        flat = np.asarray(ids, dtype=np.int64)
        flat = flat[:, 0] if flat.ndim == 2 else flat
        ends = np.flatnonzero(flat == END)
        flat = flat[: ends[0]] if len(ends) else flat
        if len(flat) and flat.max() >= self.units:
            raise DataError(f"id {flat.max()} is no token: there are {self.units}")
        return [int(i) for i in flat if i == UNKNOWN or i > END]
