"""Fetches the files of a real set from its publisher, checked before any gets its name."""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from gatewise.data.real_files import CACHE, cache_folder, is_published, place
from gatewise.data.real_readers import read_files
from gatewise.data.real_sets import File, Published
from gatewise.errors import DataError, RunError, UsageError
from gatewise.version import __version__

MIRROR = "GATEWISE_MIRROR"  # BASE of another place to fetch from: BASE/SET/FILE
SECONDS = 30.0  # without a byte, then it is given up
PIECE = 1 << 16
REFUSED = {errno.EACCES, errno.EEXIST, errno.ENOTDIR, errno.EPERM, errno.EROFS}
LIMIT = 10**9  # bytes of a file whose size is not known

Told = Callable[[File, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that is there.

    fresh    it was fetched now
    checked  its SHA-256 is the published one; else none is published
    """

    path: Path
    fresh: bool
    checked: bool


def fetch(
    published: Published,
    to: str | Path | None = None,
    *,
    again: bool = False,
    told: Told | None = None,
) -> list[Fetched]:
    """All files of a set in the folder SET below `to` (default: the cache); none that is there and
    right is fetched twice, unless `again`.

    told  called with the file, the bytes so far and those in all (None: not known)

    A set of which a SHA-256 is not known is read before it is kept. All of its files are put in
    their place, or none.
    Raises RunError where one cannot be had, UsageError where it cannot be put.
    """
    root = cache_folder() if to is None else Path(to)
    paths = [place(root, published, file) for file in published.files]
    pairs = list(zip(paths, published.files, strict=True))
    there = [not again and _right(path, file) for path, file in pairs]
    fetched = [
        Fetched(path, not here, file.sha256 is not None)
        for (path, file), here in zip(pairs, there, strict=True)
    ]
    if all(there):
        return fetched
    folder = root / published.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".get-", dir=folder) as workshop:
            new = {}
            for (path, file), here in zip(pairs, there, strict=True):
                if not here:
                    new[path] = Path(workshop) / path.name
                    _download(_address(published, file), file, new[path], told)
            if not all(file.sha256 for file in published.files):
                _try_to_read(published, [new.get(path, path) for path in paths])
            for path, part in new.items():
                part.replace(path)
    except OSError as error:
        kind = UsageError if error.errno in REFUSED else RunError
        raise kind(
            f"cannot write into {folder} ({error.strerror}); name another folder: --to DIR, or "
            f"the environment variable {CACHE}"
        ) from None
    finally:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    return fetched


def _right(path: Path, file: File) -> bool:
    return path.is_file() and (file.sha256 is None or is_published(path, file.sha256))


def _address(published: Published, file: File) -> str:
    """Where a file is fetched: of its publisher, or of the mirror."""
    base = os.environ.get(MIRROR, "")
    if not base:
        return file.address
    try:
        told = urlsplit(base)
        usable = told.scheme in ("http", "https") and bool(told.hostname)
    except ValueError:  # brackets around no IPv6 address
        usable = False
    if not usable:
        raise UsageError(
            f"{MIRROR} should begin with https:// or http:// and name a host, not be '{base}'"
        )
    return f"{base.rstrip('/')}/{published.name}/{file.name}"


class _NeverDown(urllib.request.HTTPRedirectHandler):
    """Follows where an address leads to, but from https to https alone."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Any,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme != "https":
            raise urllib.error.HTTPError(newurl, code, "leads away from https", Message(), fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(address: str, file: File, path: Path, told: Told | None) -> None:
    """A file's bytes at `path`. Raises RunError unless they came whole and are the published ones;
    OSError where they cannot be written.
    """
    request = urllib.request.Request(  # noqa: S310  https, or the http of a mirror
        address, headers={"User-Agent": f"gatewise/{__version__}"}
    )
    try:
        answer = urllib.request.build_opener(_NeverDown).open(request, timeout=SECONDS)
    except urllib.error.HTTPError as error:
        raise _failed(file, f"{address} answers {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "reason", error)
        why = getattr(why, "strerror", None) or why or type(why).__name__
        raise _failed(file, f"cannot reach {urlsplit(address).hostname} ({why})") from None
    length = answer.headers.get("Content-Length") or ""
    size = (int(length) if length.isdecimal() else 0) or file.size
    digest, done = hashlib.sha256(), 0
    with answer, open(path, "wb") as held:
        while piece := _piece(answer, file, address):
            done += len(piece)
            if done > (file.size or LIMIT):
                raise _failed(file, f"{address} is longer than the published file")
            digest.update(piece)
            held.write(piece)
            if told is not None:
                told(file, done, size)
    if size and done < size:
        why = f"the connection to {address} ended after {done:,} of {size:,} bytes"
        raise _failed(file, why)
    if file.sha256 and digest.hexdigest() != file.sha256:
        raise _failed(
            file,
            f"{address} is not the published file: its SHA-256 begins with "
            f"{digest.hexdigest()[:16]}, not {file.sha256[:16]}; nothing was kept",
        )


def _piece(answer: Any, file: File, address: str) -> bytes:
    try:
        return bytes(answer.read(PIECE))
    except (OSError, http.client.HTTPException) as error:
        raise _failed(file, f"the connection to {address} broke ({error})") from None


def _failed(file: File, why: str) -> RunError:
    return RunError(
        f"{why}; try again later, or name a folder that holds {file.name} (folder=, --data DIR)"
    )


def _try_to_read(published: Published, paths: list[Path]) -> None:
    """Raises RunError where the reader of a set finds something else."""
    try:
        read_files(published.name, paths)
    except DataError as error:
        raise RunError(
            f"what was fetched is something else, perhaps the page of a network that asks to log "
            f"in; nothing was kept ({error})"
        ) from None
