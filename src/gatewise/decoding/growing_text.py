"""Text that grows token by token, and ends exactly before a stop string."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

from gatewise.errors import UsageError

UNFINISHED = "\ufffd"  # what a decoder answers for half a character
LONGEST_WAIT = 8  # tokens; the bytes of a character are at most four


@final
class GrowingText:
    """The text of one sample, as certain as it can be after each token.

    decode  ids -> text, of any part of a sample
    stops   the text ends before whichever is complete first (of several that are complete with
            the same character, before the longest)
    before  ids in front of the sample, as its prompt: they decide how its first token is written
            (with a space or without), and are no part of the text

    `take` gives what is new and certain: never the beginning of what may become a stop string, and
    never half a character. So what was printed need not be taken back.
    """

    def __init__(
        self,
        decode: Callable[[Sequence[int]], str],
        stops: Sequence[str] = (),
        before: Sequence[int] = (),
    ) -> None:
        if isinstance(stops, str) or not all(stops):
            raise UsageError(
                f"stop strings are a list of texts, none of them empty, not {stops!r}; "
                f'for example ["\\n\\n", "THE END"]'
            )
        self.stopped = False  # a stop string came; what is added from now on is passed over
        self._decode = decode
        self._stops = tuple(stops)
        self._longest = max(map(len, stops), default=0)
        self._known = [int(token) for token in before[-LONGEST_WAIT:]]  # written already
        self._written = decode(self._known) if self._known else ""  # and their text
        self._waiting: list[int] = []  # of a character that is not whole yet
        self._held = ""  # may become a stop string
        self._fresh: list[str] = []  # certain, not taken yet
        self._taken: list[str] = []

    @property
    def text(self) -> str:
        """All that is certain so far; after `close`, all of it."""
        return "".join(self._taken + self._fresh)

    def add(self, token: int) -> bool:
        """One more token; whether the text has met a stop string."""
        if self.stopped:
            return True
        self._waiting.append(token)
        whole = self._decode(self._known + self._waiting)
        if not whole.endswith(UNFINISHED) or len(self._waiting) >= LONGEST_WAIT:
            self._write(whole)
        return self.stopped

    def take(self) -> str:
        """What became certain since the last time."""
        fresh = "".join(self._fresh)
        self._taken += self._fresh
        self._fresh.clear()
        return fresh

    def close(self) -> None:
        """No token follows: what was held back is certain now."""
        if self._waiting:
            self._write(self._decode(self._known + self._waiting))
        self._fresh.append(self._held)
        self._held = ""

    def _write(self, whole: str) -> None:
        """`whole` is the text of what is known and what waited; its end is new."""
        self._held += whole[len(self._written) :]
        written = self._decode(self._waiting)
        # a token without text, as a special one, must not make the next look like the first
        self._known = self._waiting if written else self._known + self._waiting
        self._written = written or whole
        self._waiting = []
        found = [
            (self._held.index(stop) + len(stop), -len(stop))
            for stop in self._stops
            if stop in self._held
        ]
        if found:
            end, length = min(found)
            self.stopped = True
            self._fresh.append(self._held[: end + length])
            self._held = ""
            return
        certain = len(self._held) - self._begun()
        self._fresh.append(self._held[:certain])
        self._held = self._held[certain:]

    def _begun(self) -> int:
        """Length of the longest end of what is held that a stop string begins with."""
        for size in range(min(self._longest - 1, len(self._held)), 0, -1):
            if any(stop.startswith(self._held[-size:]) for stop in self._stops):
                return size
        return 0
