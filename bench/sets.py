"""Real sets, read from a folder that holds them at any depth."""

from __future__ import annotations

import gzip
import json
import lzma
from pathlib import Path

import numpy as np
import pandas as pd

Labelled = tuple[list, list]  # inputs, labels


def find(folder: Path, pattern: str) -> Path:
    """The first file of this name. Raises SystemExit when there is none."""
    found = sorted(Path(folder).rglob(pattern))
    if not found:
        raise SystemExit(f"no {pattern} in {folder}")
    return found[0]


def hotel(folder: Path) -> Labelled:
    """Chinese hotel reviews, 0 and 1, without the empty one and without copies."""
    frame = pd.read_csv(find(folder, "ChnSentiCorp_htl_all.csv*")).dropna()
    frame = frame.drop_duplicates("review")
    return frame["review"].tolist(), frame["label"].tolist()


def imdb(folder: Path) -> tuple[Labelled, Labelled]:
    """Film reviews, training and test half; texts of the test half are taken out of training."""
    halves = []
    for half in ("train", "test"):
        path = find(folder, f"imdb/{half}.jsonl.xz")
        with lzma.open(path, "rt", encoding="utf-8", newline="\n") as lines:
            rows = [json.loads(line) for line in lines]
        halves.append(([row["text"] for row in rows], [row["label"] for row in rows]))
    (texts, labels), test = halves
    known = set(test[0])
    kept = [i for i, text in enumerate(texts) if text not in known]
    return ([texts[i] for i in kept], [labels[i] for i in kept]), test


def trec(folder: Path) -> tuple[Labelled, Labelled]:
    """Questions in six classes: 5,452 to learn from, 500 to be judged on."""
    halves = []
    for half in ("train", "test"):
        with gzip.open(find(folder, f"TREC.{half}.all.gz"), "rt", encoding="latin-1") as lines:
            rows = [line.strip().split(" ", 1) for line in lines if line.strip()]
        halves.append(([text for _, text in rows], [label for label, _ in rows]))
    return halves[0], halves[1]


def vowels(folder: Path) -> tuple[Labelled, Labelled]:
    """Japanese vowels: 12 channels, 7 to 29 steps, nine speakers."""
    halves = []
    for half in ("TRAIN", "TEST"):
        with gzip.open(find(folder, f"JapaneseVowels_{half}.ts.gz"), "rt") as lines:
            rows = [line for line in lines if line.strip() and line[0] not in "#@"]
        sequences, labels = [], []
        for row in rows:
            *channels, label = row.strip().split(":")
            steps = np.array([[float(v) for v in c.split(",") if v != "?"] for c in channels]).T
            sequences.append(steps)
            labels.append(label)
        halves.append((sequences, labels))
    return halves[0], halves[1]


def shakespeare(folder: Path) -> tuple[str, str]:
    """The first nine tenths, the last tenth."""
    text = find(folder, "tinyshakespeare/input.txt").read_text(encoding="utf-8")
    end = int(0.9 * len(text))
    return text[:end], text[end:]
