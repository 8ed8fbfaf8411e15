"""What one text has that another has not, marked."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from gatewise.report.markup import Html, element, joined, markup

WORD = re.compile(r"\s+|\S+")


def marked(text: str, reference: str, *, spaced: bool) -> Html:
    """`text` with the pieces marked that stand not, or elsewhere, in `reference`.

    spaced  compare words; else characters
    """
    if not text.strip():
        return element("i", "nothing")
    own, other = (WORD.findall(t) if spaced else list(t) for t in (text, reference))
    found = SequenceMatcher(None, other, own, autojunk=False)
    pieces = []
    for kind, _, _, first, last in found.get_opcodes():
        piece = "".join(own[first:last])
        if piece:
            new = kind != "equal" and piece.strip()
            pieces.append(element("mark", piece) if new else markup(piece))
    return joined(pieces, "")
