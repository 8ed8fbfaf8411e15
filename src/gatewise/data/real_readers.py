"""Real sets as tables and texts, mended where a published file needs it."""

from __future__ import annotations

import json
import lzma
import re
import tarfile
import wave
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gatewise.data.conll import read_tagged
from gatewise.data.files import read_bytes, read_lines, read_text
from gatewise.data.real_files import found_files, is_published
from gatewise.data.real_sets import published
from gatewise.errors import DataError

Signal = NDArray[np.float32]
COUNTRIES = (
    "australia",
    "britain",
    "canada",
    "switzerland",
    "china",
    "japan",
    "new_zealand",
    "singapore",
)
REVIEW = re.compile(r"(train|test)/(neg|pos)/(\d+)_\d+\.txt$")
RECORDING = re.compile(r"recordings/(\d)_(\w+)_(\d+)\.wav$")
SOUND = re.compile(r"[A-Z]+[012]?( [A-Z]+[012]?)*")
LARGEST = 10**7  # bytes of one member of an archive: the sets below hold far smaller ones
REVIEWS = 25_000  # in each half of IMDB
RECORDINGS = 3000  # of spoken digits
RATE = 8000  # samples a second of the spoken digits


@dataclass(frozen=True, slots=True)
class RealSet:
    """A real set, read.

    train       what to learn from: a table, or a text; all there is where nobody has split it
    test        what its publisher (or who uses it) keeps for judging; None: nothing
    validation  what is kept for choosing; None: nothing
    notes       what a user should know about how it was read

    Columns: text, label · tokens, tags (lists) · source, target · time and numbers · signal (an
    array in each row: samples, or steps x channels), label
    """

    name: str
    train: Any
    test: Any = None
    validation: Any = None
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> Any:
        """All of it in its order: training, validation and test part."""
        parts = [part for part in (self.train, self.validation, self.test) if part is not None]
        if isinstance(self.train, str):
            return "".join(parts)
        return pd.concat(parts, ignore_index=True)


def real(name: str, folder: str | Path | None = None) -> RealSet:
    """A real set by name: `gatewise data list` shows which there are.

        hotel-reviews, trec, imdb, sms-spam, surnames     text, label
        wnut17                                            tokens, tags
        cmn-eng, multi30k, cmudict                        source, target
        tinyshakespeare, alice                            a text
        spoken-digits, japanese-vowels, gunpoint          signal, label
        ett-h1, exchange-rate, daily-temperatures,
        sunspots, vic-electricity                         time, and a column for each series

    folder  holds its files at any depth, packed (.gz, .xz) or not; also sought, and the only
            place where None: the cache, where `gatewise data get NAME` puts them

    Raises UsageError for a name that is unknown, DataError where files are missing or foreign.
    """
    told = published(name)
    paths = found_files(told, folder)
    try:
        read = read_files(name, paths)
    except DataError as error:
        raise DataError(f"{error}; gatewise data get {name} --again fetches it anew") from None
    pairs = zip(paths, told.files, strict=True) if len(paths) == len(told.files) else ()
    others = [
        path.name
        for path, file in pairs
        if file.sha256 and path.is_file() and not is_published(path, file.sha256)
    ]
    strange = (f"not as published (other SHA-256): {', '.join(others)}",) if others else ()
    parts = (read.get("train"), read.get("test"), read.get("validation"))
    return RealSet(name, *parts, (*read.get("notes", ()), *strange))


def read_files(name: str, paths: Sequence[Path]) -> dict[str, Any]:
    """The parts and notes of a set. Raises DataError where its files hold something else."""
    try:
        return READERS[name](*paths)
    except DataError:
        raise
    except (ValueError, TypeError, AttributeError, LookupError, EOFError, OSError, RuntimeError,
            tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error,
            wave.Error) as error:  # fmt: skip
        where = paths[0] if len(paths) == 1 else paths[0].parent
        raise DataError(
            f"{where} cannot be read as '{name}' ({type(error).__name__}: {error}): it is "
            f"damaged, or another file of that name"
        ) from None


def _hotel(path: Path) -> dict[str, Any]:
    frame = pd.read_csv(path)
    frame = pd.DataFrame({"text": frame["review"], "label": frame["label"]})
    return _cleaned(frame)


def _cleaned(frame: pd.DataFrame) -> dict[str, Any]:
    """Without empty texts and copies."""
    full = frame[frame["text"].fillna("").str.strip() != ""]
    single = full.drop_duplicates().reset_index(drop=True)
    counts = {"empty": len(frame) - len(full), "copies": len(full) - len(single)}
    notes = tuple(f"left out: {n:,} {which}" for which, n in counts.items() if n)
    return {"train": single, "notes": notes}


def _imdb(*paths: Path) -> dict[str, Any]:
    """Films: reviews of the test half that stand in the training half, too, are left out there."""
    rows: dict[str, list[tuple[int, int, str]]] = {"train": [], "test": []}
    if len(paths) == 2:
        for half, path in zip(rows, paths, strict=True):
            for line in read_lines(path):
                row = json.loads(line)
                number = int(row["id"].rsplit("/", 1)[-1].split("_")[0])
                rows[half].append((int(row["label"]), number, row["text"]))
    else:
        for match, content in _members(paths[0], REVIEW):
            half, opinion, place = match.groups()
            rows[half].append((int(opinion == "pos"), int(place), content.decode()))
    halves = {
        half: pd.DataFrame(
            {"text": [row[2] for row in sorted(of)], "label": [row[0] for row in sorted(of)]}
        )
        for half, of in rows.items()
    }
    if any(len(half) != REVIEWS for half in halves.values()):
        raise ValueError(f"{len(halves['train'])} and {len(halves['test'])} reviews, not {REVIEWS}")
    known = halves["train"]["text"].isin(set(halves["test"]["text"]))
    train = halves["train"][~known].reset_index(drop=True)
    note = f"left out of the training half: {known.sum()} reviews that the test half has, too"
    return {"train": train, "test": halves["test"], "notes": (note,)}


def _members(path: Path, wanted: re.Pattern[str]) -> Iterator[tuple[re.Match[str], bytes]]:
    """Files of a folder, a tar or a zip archive whose path ends as wanted, and their content.

    Nothing is unpacked to the disk, so that no path of an archive is ever written to.
    """
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if match := wanted.search((path.name / file.relative_to(path)).as_posix()):
                yield match, file.read_bytes()
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                match = wanted.search(member.filename)
                if match and member.file_size <= LARGEST:
                    yield match, archive.read(member)
    else:
        with tarfile.open(path) as bundle:
            for entry in bundle:
                match = wanted.search(entry.name)
                if match and entry.isfile() and entry.size <= LARGEST:
                    held = bundle.extractfile(entry)
                    yield match, b"" if held is None else held.read()


def _trec(*halves: Path) -> dict[str, Any]:
    """Questions; the label is the coarse class: ABBR, DESC, ENTY, HUM, LOC, NUM."""
    parts = []
    for path in halves:
        rows = [line.split(" ", 1) for line in read_lines(path, "latin-1") if line.strip()]
        texts = [text.strip() for _, text in rows]
        parts.append(pd.DataFrame({"text": texts, "label": [row[0].split(":")[0] for row in rows]}))
    return {"train": parts[0], "test": parts[1]}


def _spam(path: Path) -> dict[str, Any]:
    rows = [line.split("\t", 1) for line in read_lines(path) if line.strip()]
    rows = [row for row in rows if row[0] in ("ham", "spam")]  # one copy has a header
    return _cleaned(pd.DataFrame({"text": [row[1] for row in rows], "label": [r[0] for r in rows]}))


def _surnames(*paths: Path) -> dict[str, Any]:
    rows = [(name.strip(), path.name.split(".")[0]) for path in paths for name in read_lines(path)]
    return _cleaned(pd.DataFrame(rows, columns=["text", "label"]))


def _wnut17(*parts: Path) -> dict[str, Any]:
    read = [read_tagged(path) for path in parts]
    frames = [pd.DataFrame({"tokens": part.tokens, "tags": part.tags}) for part in read]
    notes = tuple(note for part in read for note in part.notes)
    return {"train": frames[0], "validation": frames[1], "test": frames[2], "notes": notes}


def _cmn_eng(path: Path) -> dict[str, Any]:
    """English is the source, Chinese the target."""
    rows = [line.split("\t")[:2] for line in read_lines(path) if line.strip()]
    frame = pd.DataFrame(rows, columns=["source", "target"])
    return {"train": frame.drop_duplicates(ignore_index=True)}


def _multi30k(*paths: Path) -> dict[str, Any]:
    """German is the source, English the target; the test part is test_2016_flickr."""
    sides = [[line.strip() for line in read_lines(path)] for path in paths]
    train, validation, test = (
        pd.DataFrame({"source": german, "target": english})
        for german, english in zip(sides[::2], sides[1::2], strict=True)
    )
    return {"train": train, "validation": validation, "test": test}


def _cmudict(path: Path) -> dict[str, Any]:
    """A word and its phones with their stress; a word with several sounds is several rows."""
    rows = [line.split(" #")[0].split(None, 1) for line in read_lines(path) if line.strip()]
    words = [re.sub(r"\(\d+\)$", "", word) for word, _ in rows]
    phones = [sound.strip() for _, sound in rows]
    if strange := [sound for sound in phones if not SOUND.fullmatch(sound)]:
        raise ValueError(f"{strange[0][:40]!r} is no row of phones")
    frame = pd.DataFrame({"source": words, "target": phones})
    return {"train": frame.drop_duplicates(ignore_index=True)}


def _shakespeare(path: Path) -> dict[str, Any]:
    """The last tenth is the test part, as nanoGPT has it."""
    text = read_text(path)
    end = int(0.9 * len(text))
    note = "the last tenth is kept for judging, as is the custom"
    return {"train": text[:end], "test": text[end:], "notes": (note,)}


def _alice(path: Path) -> dict[str, Any]:
    return {"train": read_text(path)}


def _digits(path: Path) -> dict[str, Any]:
    """Samples from -1 to 1; recordings 0 to 4 of each digit and speaker are the test part."""
    rows: list[tuple[str, str, int, Signal]] = []
    notes: tuple[str, ...] = ()
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as held:
            code = held["mulaw"].astype(np.float32) / 255 * 2 - 1
            names, ends = held["names"].tolist(), np.cumsum(held["lengths"])
        samples = (np.sign(code) * (256 ** np.abs(code) - 1) / 255).astype(np.float32)
        for name, signal in zip(names, np.split(samples, ends[:-1]), strict=True):
            digit, speaker, number = name.split("_")
            rows.append((digit, speaker, int(number), signal))
        notes = ("decoded from 8 bits a sample (mu-law)",)
    else:
        for match, content in _members(path, RECORDING):
            digit, speaker, number = match.groups()
            rows.append((digit, speaker, int(number), _wave(content)))
    rows.sort(key=lambda row: row[:3])
    if len(rows) != RECORDINGS:
        raise ValueError(f"{len(rows)} recordings, not {RECORDINGS}")
    columns = ["label", "speaker", "number", "signal"]
    frame = pd.DataFrame(rows, columns=columns)[["signal", "label", "speaker", "number"]]
    judged = frame["number"] < 5
    parts = (frame[~judged].reset_index(drop=True), frame[judged].reset_index(drop=True))
    return {"train": parts[0], "test": parts[1], "notes": notes}


def _wave(content: bytes) -> Signal:
    """One recording. Raises ValueError unless it has one channel of 16 bits at 8 kHz."""
    with wave.open(BytesIO(content)) as recording:
        kind = (recording.getnchannels(), recording.getsampwidth(), recording.getframerate())
        if kind != (1, 2, RATE):
            raise ValueError(f"a recording of {kind}, not one channel of 2 bytes at {RATE}")
        frames = recording.readframes(recording.getnframes())
    return (np.frombuffer(frames, "<i2") / 32768).astype(np.float32)


def _channels(*halves: Path) -> dict[str, Any]:
    """Sequences of a .ts file, (steps, channels); the last field is the label."""
    parts = []
    for path in halves:
        rows = [line.strip() for line in read_lines(path) if line.strip() and line[0] not in "#@"]
        signals, labels = [], []
        for row in rows:
            *channels, label = row.split(":")
            values = [[float(v) for v in channel.split(",") if v != "?"] for channel in channels]
            signals.append(np.array(values, np.float32).T)
            labels.append(label)
        parts.append(pd.DataFrame({"signal": signals, "label": labels}))
    return {"train": parts[0], "test": parts[1]}


def _ett(path: Path) -> dict[str, Any]:
    """Twelve months, four and four (of 30 days); what lies behind them is left out, as always."""
    frame = _timed(pd.read_csv(path), "date")
    month = 30 * 24
    cuts = (12 * month, 16 * month, 20 * month)
    if len(frame) < cuts[-1]:
        raise ValueError(f"{len(frame)} rows, not {cuts[-1]}")
    train, validation, test = (
        frame[first:end].reset_index(drop=True)
        for first, end in zip((0, *cuts[:-1]), cuts, strict=True)
    )
    note = f"left out: the last {len(frame) - cuts[-1]:,} rows, behind the customary test part"
    return {"train": train, "validation": validation, "test": test, "notes": (note,)}


def _timed(frame: pd.DataFrame, column: str, **names: str) -> pd.DataFrame:
    """With a column `time` in front, and other columns by new names."""
    times = pd.to_datetime(frame[column])
    rest = frame.drop(columns=column).rename(columns=names)
    rest.insert(0, "time", times)
    return rest


def _exchange(path: Path) -> dict[str, Any]:
    """Eight columns; the file has no dates."""
    lines = BytesIO(read_bytes(path))
    return {"train": pd.read_csv(lines, header=None, names=list(COUNTRIES))}


def _temperatures(path: Path) -> dict[str, Any]:
    frame = _timed(pd.read_csv(path), "Date", Temp="temperature")
    days = pd.date_range(frame["time"].iloc[0], frame["time"].iloc[-1])
    missing = days.difference(pd.DatetimeIndex(frame["time"]))
    told = ", ".join(f"{day:%Y-%m-%d}" for day in missing)
    return {"train": frame, "notes": (f"days without a row: {told}",) if told else ()}


def _sunspots(path: Path) -> dict[str, Any]:
    return {"train": _timed(pd.read_csv(path), "Month", Sunspots="sunspots")}


def _electricity(path: Path) -> dict[str, Any]:
    """Half hours in UTC; holiday is 1 all day long in Melbourne, where the day begins earlier."""
    frame = pd.read_csv(path).drop(columns="Date")
    names = {"Demand": "demand", "Temperature": "temperature", "Holiday": "holiday"}
    frame = _timed(frame, "Time", **names)
    frame["time"] = frame["time"].dt.tz_localize(None)
    frame["holiday"] = frame["holiday"].astype(int)
    return {"train": frame, "notes": ("times are UTC; Melbourne is 10 or 11 hours ahead",)}


READERS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "hotel-reviews": _hotel,
    "imdb": _imdb,
    "trec": _trec,
    "sms-spam": _spam,
    "surnames": _surnames,
    "wnut17": _wnut17,
    "cmn-eng": _cmn_eng,
    "multi30k": _multi30k,
    "cmudict": _cmudict,
    "tinyshakespeare": _shakespeare,
    "alice": _alice,
    "spoken-digits": _digits,
    "japanese-vowels": _channels,
    "gunpoint": _channels,
    "ett-h1": _ett,
    "exchange-rate": _exchange,
    "daily-temperatures": _temperatures,
    "sunspots": _sunspots,
    "vic-electricity": _electricity,
}
