"""Real sets: the table, and readers that are tried on small files of the same form."""

import gzip
import io
import json
import lzma
import tarfile
import wave
import zipfile

import numpy as np
import pytest

import gatewise as gw
from gatewise.data import real_readers
from gatewise.data.real_readers import READERS, real
from gatewise.data.real_sets import sets
from gatewise.errors import DataError, UsageError


@pytest.fixture(autouse=True)
def no_cache(tmp_path, monkeypatch):
    """What the tester has fetched is not seen here."""
    monkeypatch.setenv("GATEWISE_DATA", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "sets"
    place.mkdir()
    return place


def test_each_set_has_a_reader_and_a_checked_https_address():
    assert list(sets()) == list(READERS)
    unchecked = {name for name, told in sets().items() for file in told.files if not file.sha256}
    assert unchecked == {"cmudict", "spoken-digits"}  # one moves on, one is packed anew on request
    for told in sets().values():
        assert len({file.name for file in told.files}) == len(told.files)
        for file in told.files:
            assert file.address.startswith("https://")
            assert file.sha256 is None or len(bytes.fromhex(file.sha256)) == 32
            assert file.sha256 is None or file.size


def test_each_set_stands_in_the_docstring():
    for name in sets():
        assert name in real.__doc__


def test_a_packed_file_is_found_at_any_depth_and_mended(folder):
    place = folder / "deep/er/ChnSentiCorp_htl_all.csv.gz"
    place.parent.mkdir(parents=True)
    place.write_bytes(gzip.compress("label,review\n1,好\n0,\n1,好\n0,差\n".encode()))
    read = gw.datasets.real("hotel-reviews", folder)
    assert read.train.to_dict("list") == {"text": ["好", "差"], "label": [1, 0]}
    assert read.test is None
    assert read.notes[:2] == ("left out: 1 empty", "left out: 1 copies")
    assert read.notes[2].startswith("not as published")


def test_the_cache_is_read_where_no_folder_is_named(tmp_path):
    place = tmp_path / "cache/sunspots/monthly-sunspots.csv"
    place.parent.mkdir(parents=True)
    place.write_text('"Month","Sunspots"\n"1749-01",58.0\n"1749-02",62.6\n')
    frame = real("sunspots").train
    assert frame.columns.tolist() == ["time", "sunspots"]
    assert frame["time"].dt.month.tolist() == [1, 2]


def test_what_is_missing_is_told_with_the_command_that_fetches_it(folder):
    with pytest.raises(DataError, match=r"gatewise data get trec, or .*--data DIR"):
        real("trec", folder)
    with pytest.raises(DataError, match="no folder"):
        real("trec", folder / "nowhere")
    with pytest.raises(UsageError, match="did you mean 'surnames'"):
        real("surname")


def test_another_file_of_that_name_is_told(folder):
    (folder / "ETTh1.csv").write_text("date,OT\n2016-07-01,1.0\n")
    with pytest.raises(DataError, match="cannot be read as 'ett-h1'"):
        real("ett-h1", folder)
    (folder / "fsdd_mulaw8.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match="cannot be read as 'spoken-digits'"):
        real("spoken-digits", folder)


def test_what_is_packed_otherwise_is_told(folder):
    path = folder / sets()["spoken-digits"].files[0].name
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("recordings/0_a_0.wav", b"")
    packed = bytearray(path.read_bytes())
    for head, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(head) + flags] |= 1  # behind a password
    path.write_bytes(packed)
    place = folder / "spoken-digits"
    place.mkdir()
    path.rename(place / path.name)
    with pytest.raises(DataError, match=r"cannot be read as 'spoken-digits' .*password"):
        real("spoken-digits", folder)


def test_a_column_of_another_kind_is_told(folder):
    (folder / "hotel-reviews").mkdir()
    path = folder / "hotel-reviews" / sets()["hotel-reviews"].files[0].name
    path.write_text("label,review\n1,2\n0,3\n")
    with pytest.raises(DataError, match="cannot be read as 'hotel-reviews'"):
        real("hotel-reviews", folder)


def test_general_names_count_only_in_the_folder_of_their_set(folder):
    (folder / "input.txt").write_text("a diary")
    with pytest.raises(DataError):
        real("tinyshakespeare", folder)
    (folder / "tinyshakespeare").mkdir()
    (folder / "tinyshakespeare/input.txt").write_text("to be or not\n")
    read = real("tinyshakespeare", folder)
    assert (read.train, read.test) == ("to be or no", "t\n")
    assert read.whole == "to be or not\n"


def test_questions_have_coarse_classes(folder):
    (folder / "raw.TREC.train").write_bytes(
        "NUM:date When\xe9 ?\nHUM:ind Who ?\n".encode("latin-1")
    )
    (folder / "raw.TREC.test").write_text("LOC:city Where ?\n")
    read = real("trec", folder)
    assert read.train.values.tolist() == [["Whené ?", "NUM"], ["Who ?", "HUM"]]
    assert read.test.values.tolist() == [["Where ?", "LOC"]]


def test_spam_is_read_with_and_without_a_header(folder):
    (folder / "SMSSpamCollection").write_text("Label\tSMS\nham\tHi\nspam\tWin\tnow\nham\tHi\n")
    assert real("sms-spam", folder).train.values.tolist() == [["Hi", "ham"], ["Win\tnow", "spam"]]


def test_surnames_are_labelled_by_their_files(folder):
    (folder / "names").mkdir()
    for file in sets()["surnames"].files:
        (folder / "names" / file.name).write_text("Ng\nNg\n")
    read = real("surnames", folder)
    assert len(read.train) == 18
    assert set(read.train["label"]) >= {"Arabic", "Vietnamese"}


def test_entities_have_three_parts(folder):
    for file in sets()["wnut17"].files:
        (folder / file.name).write_text("In\tO\nOslo\tB-location\n\t\nno\tO\n")
    read = real("wnut17", folder)
    assert read.validation["tokens"].tolist() == [["In", "Oslo"], ["no"]]
    assert read.test["tags"].tolist() == [["O", "B-location"], ["O"]]


def test_pairs_are_source_and_target(folder):
    (folder / "cmn.txt.xz").write_bytes(lzma.compress("Hi.\t嗨。\tby whom\n".encode()))
    assert real("cmn-eng", folder).train.values.tolist() == [["Hi.", "嗨。"]]
    (folder / "cmudict.dict").write_text("a AH0\na(2) EY1\nd'or D AO1 R # foreign\n")
    sounds = [["a", "AH0"], ["a", "EY1"], ["d'or", "D AO1 R"]]
    assert real("cmudict", folder).train.values.tolist() == sounds
    (folder / "multi30k").mkdir()
    for file in sets()["multi30k"].files:
        language = file.name.split(".")[1]
        (folder / "multi30k" / file.name).write_bytes(gzip.compress(f"in {language}\n".encode()))
    assert real("multi30k", folder).test.values.tolist() == [["in de", "in en"]]


REVIEWS = {
    "train/pos/0_9.txt": "fine",
    "train/neg/3_1.txt": "bad",
    "test/pos/7_10.txt": "great",
    "test/neg/2_2.txt": "bad",
}


def review_archive(path):
    with tarfile.open(path, "w:gz") as archive:
        for name, text in (
            REVIEWS | {"../../etc/train/pos/5_5.md": "no", "imdb.vocab": "x"}
        ).items():
            entry = tarfile.TarInfo(f"aclImdb/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))


def review_folder(path):
    for name, text in REVIEWS.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)


def review_lines(path):
    for half in ("train", "test"):
        rows = [
            {"id": name.split("/")[2][:-4], "label": int("pos" in name), "text": text}
            for name, text in REVIEWS.items()
            if name.startswith(half)
        ]
        path.mkdir(exist_ok=True)
        (path / f"{half}.jsonl").write_text("\n".join(map(json.dumps, rows)))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("aclImdb_v1.tar.gz", review_archive),
        ("aclImdb", review_folder),
        ("imdb", review_lines),
    ],
)
def test_reviews_are_the_same_in_every_form(name, make, folder, monkeypatch):
    monkeypatch.setattr(real_readers, "REVIEWS", 2)
    make(folder / name)
    read = real("imdb", folder)
    assert read.train.values.tolist() == [["fine", 1]]  # the other one stands in the test half
    assert read.test.values.tolist() == [["bad", 0], ["great", 1]]
    assert read.notes[0].startswith("left out of the training half: 1 ")


def tone(rate=8000):
    held = io.BytesIO()
    with wave.open(held, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(rate)
        recording.writeframes(np.array([0, 16384, -32768], "<i2").tobytes())
    return held.getvalue()


def test_recordings_come_from_the_archive(folder, monkeypatch):
    monkeypatch.setattr(real_readers, "RECORDINGS", 2)
    path = folder / sets()["spoken-digits"].files[0].ending
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/recordings/7_ada_12.wav", tone())
        archive.writestr("x/recordings/7_ada_4.wav", tone())
        archive.writestr("x/README.md", "about")
    read = real("spoken-digits", folder)
    assert read.test[["label", "speaker", "number"]].values.tolist() == [["7", "ada", 4]]
    np.testing.assert_array_equal(read.train["signal"][0], np.array([0, 0.5, -1], np.float32))


def test_recordings_at_another_rate_are_refused(folder, monkeypatch):
    monkeypatch.setattr(real_readers, "RECORDINGS", 1)
    (folder / "recordings").mkdir()
    (folder / "recordings/7_ada_12.wav").write_bytes(tone(rate=44100))
    with pytest.raises(DataError, match="44100"):
        real("spoken-digits", folder)


def test_mu_law_is_decoded(folder, monkeypatch):
    monkeypatch.setattr(real_readers, "RECORDINGS", 2)
    np.savez(
        folder / "fsdd_mulaw8.npz",
        mulaw=np.array([0, 255, 255], np.uint8),
        lengths=[2, 1],
        names=["3_bob_9", "3_bob_0"],
    )
    read = real("spoken-digits", folder)
    assert read.train["signal"][0] == pytest.approx([-1, 1])
    assert read.test["signal"][0] == pytest.approx([1])


def test_sequences_are_steps_by_channels(folder):
    for part in ("TRAIN", "TEST"):
        rows = "#about\n@data\n1,2,3:4,5,6:b\n7:8:a\n"
        (folder / f"JapaneseVowels_{part}.ts").write_text(rows)
    signals = real("japanese-vowels", folder).test["signal"]
    np.testing.assert_array_equal(signals[0], [[1, 4], [2, 5], [3, 6]])
    assert signals[1].shape == (1, 2)


def test_the_transformer_is_cut_where_everyone_cuts_it(folder):
    hours = np.datetime64("2016-07-01") + np.arange(14_500).astype("m8[h]")
    lines = [f"{hour},{number}" for number, hour in enumerate(hours)]
    (folder / "ETTh1.csv").write_text("\n".join(["date,OT", *lines]))
    read = real("ett-h1", folder)
    ends = [part["OT"].iloc[-1] + 1 for part in (read.train, read.validation, read.test)]
    assert ends == [8640, 8640 + 2880, 8640 + 2 * 2880]
    assert read.whole["OT"].tolist() == list(range(14_400))


def test_series_have_plain_columns(folder):
    (folder / "exchange_rate.txt").write_text("1,2,3,4,5,6,7,8\n")
    assert real("exchange-rate", folder).train["japan"].tolist() == [6]
    (folder / "daily-min-temperatures.csv").write_text(
        '"Date","Temp"\n1984-12-30,1\n1985-01-01,2\n'
    )
    read = real("daily-temperatures", folder)
    assert read.train["temperature"].tolist() == [1, 2]
    assert read.notes[0] == "days without a row: 1984-12-31"
    (folder / "vic_electricity.csv").write_text(
        "Time,Demand,Temperature,Date,Holiday\n2011-12-31T13:00:00Z,4382.8,21.4,2012-01-01,TRUE\n"
    )
    row = real("vic-electricity", folder).train.iloc[0]
    assert (row["demand"], row["holiday"], str(row["time"])) == (4382.8, 1, "2011-12-31 13:00:00")
