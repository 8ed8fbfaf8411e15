"""`gatewise data`: fetched from a server of this machine, whole and checked, or not at all."""

import errno
import functools
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

import gatewise as gw
from gatewise.cli import main
from gatewise.data import fetching, real_sets
from gatewise.data.fetching import fetch
from gatewise.data.real_sets import File, Published
from gatewise.errors import RunError, UsageError

CONTENT = b'"Month","Sunspots"\n"1749-01",58.0\n"1749-02",62.6\n'
SOUNDS = b"a AH0\nbee B IY1\n"


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A folder that a server hands out; the place of a mirror, and the cache beside it."""
    place = tmp_path / "served"
    place.mkdir()
    handler = functools.partial(Quiet, directory=str(place))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("GATEWISE_MIRROR", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("GATEWISE_DATA", str(tmp_path / "cache"))
        monkeypatch.setenv("no_proxy", "*")
        yield place
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    """Counts what it is asked, and says nothing."""

    asked = []  # noqa: RUF012

    def do_GET(self):
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *words):
        pass


@pytest.fixture
def sunspots(served, monkeypatch):
    """The set of that name with other bytes, and their hash."""
    (served / "sunspots").mkdir()
    (served / "sunspots/monthly-sunspots.csv").write_bytes(CONTENT)
    file = File(
        "https://example.org/monthly-sunspots.csv",
        len(CONTENT),
        hashlib.sha256(CONTENT).hexdigest(),
    )
    return known(monkeypatch, Published("sunspots", "spots", "free", (file,)))


@pytest.fixture
def cmudict(served, monkeypatch):
    """One whose hash is not published."""
    (served / "cmudict").mkdir()
    (served / "cmudict/cmudict.dict").write_bytes(SOUNDS)
    file = File("https://example.org/cmudict.dict")
    return known(monkeypatch, Published("cmudict", "sounds", "free", (file,)))


def known(monkeypatch, told):
    table = {**real_sets.sets(), told.name: told}
    monkeypatch.setattr(real_sets, "sets", lambda: table)
    return told


def lies(tmp_path):
    """All files of the cache."""
    return [p.name for p in (tmp_path / "cache").rglob("*")]


def test_a_set_is_fetched_once_checked_and_read(sunspots, tmp_path, capsys):
    Quiet.asked.clear()
    assert main(["data", "get", "sunspots"]) == 0
    said = capsys.readouterr().out
    assert "0.1 MB fetched, SHA-256 as published" in said
    assert "terms   free" in said
    assert gw.datasets.real("sunspots").train["sunspots"].tolist() == [58.0, 62.6]
    assert main(["data", "get", "sunspots"]) == 0
    assert "is there already" in capsys.readouterr().out
    assert Quiet.asked == ["/sunspots/monthly-sunspots.csv"]
    assert main(["data", "get", "sunspots", "--again"]) == 0
    assert len(Quiet.asked) == 2
    assert lies(tmp_path) == ["sunspots", "monthly-sunspots.csv"]


def test_a_damaged_file_is_fetched_anew(sunspots, tmp_path):
    path = fetch(sunspots)[0].path
    path.write_bytes(CONTENT[:-9])
    assert fetch(sunspots)[0].fresh
    assert path.read_bytes() == CONTENT


def test_another_folder_holds_it_then(sunspots, tmp_path, capsys):
    place = tmp_path / "mine"
    assert main(["data", "get", "sunspots", "--to", str(place), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["sets"][0]
    assert told["folder"] == str(place / "sunspots")
    assert told["files"][0]["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert len(gw.datasets.real("sunspots", place).train) == 2
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (CONTENT.replace(b"58", b"59"), "is not the published file: its SHA-256 begins with"),
        (CONTENT + b"\n", "is longer than the published file"),
        (None, "answers 404 File not found"),
    ],
)
def test_what_is_not_the_published_file_is_not_kept(
    content, why, sunspots, served, tmp_path, capsys
):
    path = served / "sunspots/monthly-sunspots.csv"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert main(["data", "get", "sunspots"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: http://127.0.0.1")
    assert why in said
    assert "--data DIR" in said
    assert lies(tmp_path) == []


def test_a_file_without_a_hash_is_read_before_it_is_kept(cmudict, served, tmp_path, capsys):
    assert main(["data", "get", "cmudict"]) == 0
    assert "not verified" in capsys.readouterr().out
    assert len(gw.datasets.real("cmudict").train) == 2
    (served / "cmudict/cmudict.dict").write_text("<html>\n<body>Log in</body>\n")
    assert main(["data", "get", "cmudict", "--again"]) == 1
    assert "asks to log in; nothing was kept" in capsys.readouterr().err
    assert (tmp_path / "cache/cmudict/cmudict.dict").read_bytes() == SOUNDS


def test_no_network_is_told_with_the_host(sunspots, monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        port = server.server_port
    monkeypatch.setenv("GATEWISE_MIRROR", f"http://127.0.0.1:{port}")
    with pytest.raises(RunError, match=r"cannot reach 127.0.0.1 \(Connection refused\)"):
        fetch(sunspots)


class Short(BaseHTTPRequestHandler):
    """Promises more than it sends, or leads astray."""

    lead = None
    length = str(len(CONTENT))

    def do_GET(self):
        if self.lead:
            self.send_response(302)
            self.send_header("Location", self.lead)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", self.length)
        self.end_headers()
        self.wfile.write(CONTENT[:10])

    def log_message(self, *words):
        pass


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ({}, "after 10 of 49 bytes"),
        ({"length": "many"}, "after 10 of 49 bytes"),
        ({"lead": "file:///etc/hosts"}, "answers 302"),
    ],
)
def test_a_server_that_breaks_off_or_leads_astray(says, why, sunspots, tmp_path, monkeypatch):
    for name, word in says.items():
        monkeypatch.setattr(Short, name, word)
    with ThreadingHTTPServer(("127.0.0.1", 0), Short) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("GATEWISE_MIRROR", f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(RunError, match=why):
            fetch(sunspots)
        server.shutdown()
    assert lies(tmp_path) == []


def test_https_is_never_left(monkeypatch):
    request = fetching.urllib.request.Request("https://example.org/a.csv")
    follow = fetching._NeverDown().redirect_request
    with pytest.raises(fetching.urllib.error.HTTPError, match="leads away from https"):
        follow(request, None, 302, "Found", {}, "http://example.org/a.csv")
    assert (
        follow(request, None, 302, "Found", {}, "https://example.net/a.csv").host == "example.net"
    )


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, RunError), (errno.EROFS, UsageError)])
def test_a_full_disk_is_told_with_the_folder(number, kind, sunspots, tmp_path, monkeypatch):
    def full(path, *words):
        raise OSError(number, "No room", str(path))

    monkeypatch.setattr(fetching, "open", full, raising=False)
    with pytest.raises(kind, match=r"cannot write into .*sunspots \(No room\).*--to DIR"):
        fetch(sunspots)


def test_a_set_of_several_files_comes_whole_or_not_at_all(served, tmp_path):
    (served / "gunpoint").mkdir()
    told = real_sets.sets()["gunpoint"]
    first = told.files[0]
    (served / "gunpoint" / first.name).write_bytes(b"x")
    with pytest.raises(RunError, match="GunPoint_TRAIN"):
        fetch(told)
    assert lies(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["data"], "data needs one of list, get"),
        (["data", "get"], "Missing argument 'NAME'"),
        (["data", "get", "sunspot"], "did you mean 'sunspots'"),
    ],
)
def test_wrong_words_get_an_answer(words, answer, capsys):
    assert main(words) == 2
    assert answer in capsys.readouterr().err


@pytest.mark.parametrize("base", ["file:///etc", "http://[nowhere", "https:///sets"])
def test_a_mirror_is_a_web_address(base, sunspots, monkeypatch):
    monkeypatch.setenv("GATEWISE_MIRROR", base)
    with pytest.raises(UsageError, match="should begin with https"):
        fetch(sunspots)


def test_an_interrupted_fetch_leaves_nothing(sunspots, tmp_path):
    def stop(*seen):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(sunspots, told=stop)
    assert lies(tmp_path) == []


def test_what_came_before_an_interruption_is_not_denied(sunspots, tmp_path, monkeypatch, capsys):
    def one_alone(wanted, *where, **how):
        if wanted.name != "sunspots":
            raise KeyboardInterrupt
        return fetch(wanted, *where, **how)

    monkeypatch.setattr(fetching, "fetch", one_alone)
    assert main(["data", "get", "sunspots", "trec"]) == 130
    assert lies(tmp_path) == ["sunspots", "monthly-sunspots.csv"]
    assert "interrupted; what had come to its end is kept" in capsys.readouterr().err


def test_the_list_says_what_is_here(sunspots, capsys):
    fetch(sunspots)
    assert main(["data", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(real_sets.sets())
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines if " here " in line] == ["sunspots"]
    assert main(["data", "list", "--json"]) == 0
    told = {row["name"]: row for row in json.loads(capsys.readouterr().out)["sets"]}
    assert told["sunspots"]["here"]
    assert told["imdb"]["files"][0]["address"].startswith("https://ai.stanford.edu/")


def test_a_wrong_name_beside_all_is_told_before_anything_is_fetched(capsys):
    assert main(["data", "get", "all", "sunspot"]) == 2
    assert "sunspots" in capsys.readouterr().err
