"""Scripts that are written without spaces between words.

Splitting such a text at its spaces gives whole clauses, of which every new text holds unknown ones
alone: it must be read by characters, by pieces of words (BPE), or cut by a dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
SCRIPTS = {
    "Chinese": HAN,
    "Japanese": r"\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f",
    "Thai": r"\u0e00-\u0e7f",
    "Lao": r"\u0e80-\u0eff",
    "Burmese": r"\u1000-\u109f",
    "Khmer": r"\u1780-\u17ff",
}
SPACELESS = "".join(SCRIPTS.values())  # the inside of a character class
SAMPLE = 2000  # texts that are looked at
READ = 500_000  # characters, of all of them
MOSTLY = 0.5  # of the letters
CUT = 1 / 3  # spaces for each pair of neighbouring characters: words of four letters at most


def spaceless_script(texts: Sequence[str]) -> str | None:
    """'Chinese', 'Japanese', 'Thai', ... when most letters are of a script without spaces, and
    none stand between the words; None for other texts, and for those cut into words already.
    """
    each = READ // max(min(len(texts), SAMPLE), 1)
    sample = "\n".join(text[:each] for text in texts[:SAMPLE])
    letters = len(re.findall(r"[^\W\d_]", sample))
    counts = {name: len(re.findall(f"[{script}]", sample)) for name, script in SCRIPTS.items()}
    if sum(counts.values()) <= MOSTLY * letters or not letters:
        return None
    together = len(re.findall(f"[{SPACELESS}](?=[{SPACELESS}])", sample))
    apart = len(re.findall(f"[{SPACELESS}](?= [{SPACELESS}])", sample))
    if apart > CUT * (together + apart):
        return None
    if counts["Japanese"]:  # is written in both
        return "Japanese" if counts["Japanese"] > 0.1 * counts["Chinese"] else "Chinese"
    return max(counts, key=lambda name: counts[name])
