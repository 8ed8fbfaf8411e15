"""Real sets as lists, read from a folder that holds them at any depth, or from the cache."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import gatewise as gw

Labelled = tuple[list, list]  # inputs, labels


def read(name: str, folder: Path) -> gw.datasets.RealSet:
    """The set of this name. Raises SystemExit when it is not there."""
    try:
        return gw.datasets.real(name, folder)
    except gw.DataError as error:
        raise SystemExit(str(error)) from None


def labelled(frame: pd.DataFrame) -> Labelled:
    """The first two columns."""
    return frame.iloc[:, 0].tolist(), frame.iloc[:, 1].tolist()


def hotel(folder: Path) -> Labelled:
    """Chinese hotel reviews, 0 and 1, without the empty one and without copies."""
    return labelled(read("hotel-reviews", folder).train)


def imdb(folder: Path) -> tuple[Labelled, Labelled]:
    """Film reviews, training and test half; texts of the test half are taken out of training."""
    halves = read("imdb", folder)
    return labelled(halves.train), labelled(halves.test)


def trec(folder: Path) -> tuple[Labelled, Labelled]:
    """Questions in six classes: 5,452 to learn from, 500 to be judged on."""
    halves = read("trec", folder)
    return labelled(halves.train), labelled(halves.test)


def vowels(folder: Path) -> tuple[Labelled, Labelled]:
    """Japanese vowels: 12 channels, 7 to 29 steps, nine speakers."""
    halves = read("japanese-vowels", folder)
    return labelled(halves.train), labelled(halves.test)


def shakespeare(folder: Path) -> tuple[str, str]:
    """The first nine tenths, the last tenth."""
    text = read("tinyshakespeare", folder)
    return text.train, text.test
