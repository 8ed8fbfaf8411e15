"""Which real sets gatewise knows: what each is, its terms, where its publisher keeps its files.

None of them is part of gatewise. `gatewise data get` fetches one (data.fetching), and
`gatewise.datasets.real` reads one (data.real_readers). The table is real_sets.toml.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from gatewise.errors import UsageError, did_you_mean


@dataclass(frozen=True, slots=True)
class File:
    """One file, as its publisher has it.

    address  where it is fetched
    size     in bytes; None: not known
    sha256   of the file as it is served; None: none is known, so that it cannot be checked
    at       how its path ends where it lies in a folder of yours; "": its name alone
    """

    address: str
    size: int | None = None
    sha256: str | None = None
    at: str = ""

    @property
    def name(self) -> str:
        """The last part of its address."""
        return self.address.rsplit("/", 1)[-1]

    @property
    def ending(self) -> str:
        """How the path of a copy ends, packed or not."""
        return self.at or self.name


@dataclass(frozen=True, slots=True)
class Published:
    """A set.

    terms   its licence, as far as it is known
    files   what is fetched
    copies  other forms that can be read, each by how the paths of its files (or folders) end
    """

    name: str
    about: str
    terms: str
    files: tuple[File, ...]
    copies: tuple[tuple[str, ...], ...] = ()

    @property
    def size(self) -> int | None:
        """Bytes to fetch; None where that is not known."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size or 0 for size in sizes)


@functools.cache
def sets() -> Mapping[str, Published]:
    """All of them by name."""
    text = resources.files("gatewise.data").joinpath("real_sets.toml").read_text(encoding="utf-8")
    found = {}
    for name, told in tomllib.loads(text).items():
        files = tuple(
            File(
                f"{told['base']}/{file['path']}",
                file.get("size"),
                file.get("sha256"),
                file.get("at", ""),
            )
            for file in told["files"]
        )
        copies = tuple(map(tuple, told.get("copies", ())))
        found[name] = Published(name, told["about"], told["terms"], files, copies)
    return found


def published(name: str) -> Published:
    """The set of this name. Raises UsageError where there is none."""
    if name not in sets():
        hint = did_you_mean(name, sets()) or f" (sets: {', '.join(sets())})"
        raise UsageError(f"there is no set '{name}'{hint}; see gatewise data list")
    return sets()[name]
