"""Files as bytes and as text: packed or not, in UTF-8 unless another encoding is named.

Lines end with "\\n" (or "\\r\\n") alone: U+0085 and U+2028 are characters of a text.
"""

from __future__ import annotations

import codecs
import gzip
import lzma
import re
import zlib
from pathlib import Path

from gatewise.errors import DataError, UsageError, did_you_mean

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
ENCODINGS = (
    "utf-8",
    "gb18030",
    "gbk",
    "big5",
    "shift_jis",
    "euc-kr",
    "latin-1",
    "cp1252",
    "utf-16",
)
LIKELY = ("gb18030", "shift_jis", "big5", "euc-kr")  # of a file that is not UTF-8, in this order


def read_bytes(path: str | Path, expected: str = "a text file") -> bytes:
    """What is in a file, unpacked when it begins like gzip or xz.

    Raises DataError when it is missing, a folder, empty, or damaged.
    """
    path = Path(path)
    if not path.exists():
        near = "" if path.parent.is_dir() else f" (the folder {path.parent} does not exist either)"
        raise DataError(f"there is no file {path}{near}; check the path")
    if path.is_dir():
        raise DataError(f"{path} is a folder; expected {expected}")
    try:
        raw = path.read_bytes()
        if raw[:2] == b"\x1f\x8b":
            raw = gzip.decompress(raw)
        elif raw[:6] == b"\xfd7zXZ\0":
            raw = lzma.decompress(raw)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    if not raw.strip():
        raise DataError(f"{path} is empty; expected {expected}")
    return raw


def to_text(
    raw: bytes, path: str | Path, encoding: str | None = None, *, advice: str | None = None
) -> str:
    """The text of a file, without a mark in front; UTF-8, or UTF-16 with a mark, unless named.

    Raises DataError that says which byte of which line is wrong, and what to try; UsageError for
    an encoding that does not exist.
    """
    name = encoding or ("utf-16" if raw[:2] in UTF16 else "utf-8")
    try:
        codec = codecs.lookup(name)
    except LookupError:
        raise UsageError(
            f"encoding {name!r} is not known{did_you_mean(name, ENCODINGS)} "
            f"(for example {', '.join(ENCODINGS)})"
        ) from None
    try:
        text = str(codec.decode(raw)[0])
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise DataError(
            f"{path} is not {_shown(name)}: line {line}, byte {column} is "
            f"0x{raw[error.start]:02X} (byte {error.start + 1} of the file); "
            f"{advice or _advice(raw, name)}"
        ) from None
    if "\0" in text[:4096]:
        raise DataError(f"{path} holds binary data; expected text")
    return text.removeprefix("\ufeff")


def read_text(path: str | Path, encoding: str | None = None) -> str:
    """A whole file as text, its lines ending with "\\n" alone."""
    return to_text(read_bytes(path), path, encoding).replace("\r\n", "\n")


def read_lines(path: str | Path, encoding: str | None = None) -> list[str]:
    """The lines of a file without their ends; the last end begins no line."""
    text = read_text(path, encoding)
    return text.removesuffix("\n").split("\n")


def suffix(path: str | Path) -> str:
    """`.csv` of `reviews.csv.gz`: the last one that says what is in the file, in small letters."""
    suffixes = [part.lower() for part in Path(path).suffixes]
    while suffixes and suffixes[-1] in (".gz", ".xz"):
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _shown(name: str) -> str:
    return name.upper() if name.startswith("utf") else name


def likely_encoding(raw: bytes, tried: str = "utf-8") -> str:
    """One that may be the right one: an East Asian one writes two high bytes in a row."""
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", raw)]
    paired = sum(length > 1 for length in runs) > len(runs) / 2
    for name in LIKELY if paired else ():
        if name == tried:
            continue
        try:
            raw.decode(name)
        except UnicodeDecodeError:
            continue
        return name
    return "latin-1"


def _advice(raw: bytes, tried: str) -> str:
    name = likely_encoding(raw, tried)
    return f"name its encoding, for example encoding={name!r} (--encoding {name})"
