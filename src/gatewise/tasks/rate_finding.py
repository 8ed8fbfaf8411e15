"""A learning rate by trial: the range test, and the rate at which most of the fall lies behind."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import IntArray, Source
from gatewise.engine import Engine, EpochPlan
from gatewise.engines import processes
from gatewise.errors import UsageError
from gatewise.schedules import teacher_forcing
from gatewise.spec import Training

LOWEST, HIGHEST, STEPS = 1e-6, 1.0, 100
EXPLODED = 4.0  # times the lowest smoothed loss so far
WIDTH = 4  # standard deviation of the smoothing, in steps
LAG = 0.7  # of the running mean that says when to stop: it sees the past alone
USUAL = 3e-3  # where no rate taught the network anything
FEWEST = 10  # steps before it may stop
FALLEN = 0.75  # share of the fall; of fastai's rules and others the best in bench/rates.py
FORMATS = (".svg", ".png", ".pdf")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RateSearch:
    """What a range test saw.

    rates       (n,) learning rates, rising, one update each
    losses      (n,) loss of each batch, before its update
    smoothed    (n,) the same without the scatter of batches
    suggestion  the rate at which three quarters of the fall of the smoothed loss lay behind
    fell        whether it fell by more than batches scatter; if not, the suggestion is 0.003, or
                less where that is near the end
    exploded    whether the loss exploded before the highest rate
    """

    rates: Floats
    losses: Floats
    smoothed: Floats
    suggestion: float
    fell: bool
    exploded: bool

    @property
    def in_words(self) -> str:
        """What a reader must know of it, in one sentence."""
        tried = f"{len(self.rates)} batches at rates from {LOWEST:g} to {self.rates[-1]:.2g}"
        if self.exploded:
            tried += ", where the loss exploded"
        if self.fell:
            return f"learning_rate {self.suggestion:g}, where the loss had mostly fallen ({tried})"
        return (
            f"learning_rate {self.suggestion:g}, a usual one: at none did the loss fall ({tried})"
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "suggestion": self.suggestion,
            "fell": self.fell,
            "exploded": self.exploded,
            "rates": self.rates.tolist(),
            "losses": self.losses.tolist(),
            "smoothed": self.smoothed.tolist(),
        }

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw loss by rate into a file: .svg, .png or .pdf. Raises UsageError for another."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        check_picture(path)
        figure = Figure(figsize=(7, 4), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        axes.plot(self.rates, self.losses, ".", color="0.7", label="loss of a batch")
        axes.plot(self.rates, self.smoothed, color="#1f6feb", linewidth=2, label="smoothed")
        words = f"suggestion {self.suggestion:.2g}"
        axes.axvline(self.suggestion, color="#d1242f", linestyle="--", label=words)
        before = self.losses[: max(FEWEST, int(0.8 * len(self.losses)))]  # it exploded
        low, high = float(min(before.min(), self.smoothed.min())), float(before.max())
        room = 0.1 * max(high - low, 0.05 * abs(high)) or 0.1
        axes.set_ylim(low - room, high + room)  # what exploded may lie outside
        axes.set_xscale("log")
        axes.set_xlabel("learning rate")
        axes.set_ylabel("training loss")
        axes.grid(color="0.92")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        figure.savefig(path, dpi=150)


def check_picture(path: str | os.PathLike[str]) -> None:
    """Raises UsageError for a file whose name does not end as a picture's."""
    if Path(path).suffix.lower() not in FORMATS:
        raise UsageError(f"a plot is {', '.join(FORMATS)}, not {os.fspath(path)}; name it so")


def find_rate(engine: Engine, source: Source, training: Training, *, seed: int) -> RateSearch:
    """Raise the rate exponentially, batch by batch, until the loss explodes or the rate is 1.

    The engine is left as it was: weights, and what its optimizer remembers. The same seed gives
    the same result. A source that carries state begins each batch without one.
    Source: Smith 2017, section 3.3.
    """
    weights, state = engine.get_weights(), engine.get_state()
    rates = np.geomspace(LOWEST, HIGHEST, STEPS)
    share = np.array([teacher_forcing(training, 0)])
    losses: list[float] = []
    exploded = False
    lowest = mean = math.inf
    for step, rows in enumerate(_batches(source, training.batch_size * processes.count(), seed)):
        number = int(np.random.SeedSequence([seed, step]).generate_state(1)[0])
        loss = engine.train_epoch(
            source, EpochPlan([rows], rates[step : step + 1], share, seed=number)
        )
        mean = loss if not losses else LAG * mean + (1.0 - LAG) * loss
        exploded = not math.isfinite(loss) or (step >= FEWEST and mean > EXPLODED * lowest)
        if exploded:
            break
        losses.append(loss)
        lowest = min(lowest, mean)
    engine.set_weights(weights)
    engine.set_state(state)
    return suggest(rates[: len(losses)], np.array(losses), exploded)


def _batches(source: Source, batch_size: int, seed: int) -> list[IntArray]:
    """As many as there are rates, over several epochs where one has fewer."""
    found: list[IntArray] = []
    epoch = 0
    while len(found) < STEPS:
        found += source.order(batch_size, seed=seed, epoch=epoch)
        epoch += 1
    return found[:STEPS]


def suggest(rates: Floats, losses: Floats, exploded: bool = False) -> RateSearch:
    """Three quarters down the smoothed losses: below, learning is slow; the lowest is near the end.

    A network that starts at a solved answer, or cannot learn, shows no descent but the scatter of
    its batches: then no point of the curve means anything.
    """
    if len(rates) < FEWEST:  # there is no curve yet; only what exploded at once is so short
        return RateSearch(rates, losses, losses, LOWEST, fell=False, exploded=exploded)
    smoothed = _smoothed(losses)
    lowest = int(np.argmin(smoothed))
    start = float(smoothed[: max(1, len(smoothed) // 5)].mean())
    fall = start - float(smoothed[lowest])
    scatter = float(np.std(losses[:lowest] - smoothed[:lowest])) if lowest else math.inf
    if fall > scatter:
        best = float(rates[int(np.argmax(smoothed <= start - FALLEN * fall))])
        return RateSearch(rates, losses, smoothed, _rounded(best), fell=True, exploded=exploded)
    usual = min(USUAL, float(rates[-1]) / 10.0)
    return RateSearch(rates, losses, smoothed, _rounded(usual), fell=False, exploded=exploded)


def _smoothed(losses: Floats) -> Floats:
    """A Gaussian mean over neighbours on both sides, so that the curve is not shifted."""
    reach = 3 * WIDTH
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / WIDTH) ** 2)
    wide = np.pad(losses, reach, mode="edge")
    found: Floats = np.convolve(wide, kernel / kernel.sum(), mode="valid")
    return found


def _rounded(rate: float) -> float:
    """Two digits: more would pretend to know more."""
    return float(f"{rate:.1e}")
