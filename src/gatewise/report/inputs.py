"""One example as a page shows it: a text shortened, tokens in a row, numbers drawn."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from gatewise.report.markup import Html, element, joined, plural, shorten

MOST = 400  # characters of a text
CHANNELS = 4  # drawn of a sequence
POINTS = 120  # of a line
WIDTH, HEIGHT = 240, 44
ROLES: Final = ("network", "baseline-1", "baseline-2", "baseline-3")


def shown(example: Any) -> Html:
    """A text, a list of tokens, or numbers (t,) or (t, channels), for a reader."""
    if isinstance(example, str):
        return passage(example)
    array = np.asarray(example)
    if array.dtype.kind in "fiub" and array.ndim in (1, 2) and array.size:
        return _drawn(array.astype(np.float64).reshape(len(array), -1))
    return passage(" ".join(map(str, np.ravel(array).tolist())))


def passage(text: str, most: int = MOST) -> Html:
    """A text with its own direction; an empty one is called so."""
    words = " ".join(text.split())
    if not words:
        return element("p", element("i", "an empty text"), class_="passage muted")
    return element("p", shorten(words, most), class_="passage", dir="auto")


def _drawn(steps: np.ndarray[Any, np.dtype[np.float64]]) -> Html:
    """`120 steps, 3 channels` and a small line of each.  (t, F)"""
    length, channels = steps.shape
    words = plural(length, "step") + (f", {plural(channels, 'channel')}" if channels > 1 else "")
    if channels > CHANNELS:
        words += f" (the first {CHANNELS} are drawn)"
    rows = np.unique(np.linspace(0, length - 1, POINTS).astype(int))
    drawn = steps[rows, :CHANNELS]
    finite = drawn[np.isfinite(drawn)]
    if len(rows) < 2 or not len(finite):
        return element("p", words, class_="passage")
    low, high = finite.min(), finite.max()
    x = np.linspace(2, WIDTH - 2, len(rows))
    y = HEIGHT - 3 - (HEIGHT - 6) * (drawn - low) / ((high - low) or 1.0)
    lines = []
    for channel, role in zip(y.T, ROLES, strict=False):
        keep = np.isfinite(channel)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x[keep], channel[keep], strict=True))
        style = f"fill: none; stroke: var(--{role}); stroke-width: 1.4"
        lines.append(element("polyline", points=points, style=style))
    picture = element(
        "svg",
        joined(lines),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        class_="spark",
        role="img",
        aria_label=f"Line chart of the sequence: {words}.",
    )
    return element("div", picture, element("p", words, class_="muted"), class_="passage")
