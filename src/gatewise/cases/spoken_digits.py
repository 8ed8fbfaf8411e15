"""Spoken digits: sound as a sequence

Data   3,000 recordings of ten digits by six speakers (free spoken digit dataset), 8,000 samples a
       second; the first five of each digit and speaker are judged, as published. Quick: 500 sounds
       made of glides between tones.
Trap   An LSTM over thousands of raw samples; or every recording cut to one length and scaled with
       what is judged.
Right  About forty log-mel frames of each recording, of any length; scaled on what was learnt from;
       beside the nearest neighbour on the same frames.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome

Signal = NDArray[np.floating[Any]]
RATE, WINDOW, STEP, BANDS = 8000, 256, 80, 24  # a window of 32 ms every 10 ms


def run(ask: Ask) -> Outcome:
    """Samples, frames, a bidirectional LSTM."""
    given: dict[str, Any] = {}
    if ask.quick:
        toy = gw.toys.toy_digits(500, seed=ask.seed)
        frames = [log_mel(signal) for signal in toy.inputs]
        known, held = (frames[100:], toy.labels[100:]), (frames[:100], toy.labels[:100])
        small = gw.Network(hidden_size=32)
        given = {
            "network": small,
            "training": gw.Training(epochs=25, learning_rate=1e-2),
        }
    else:
        real = gw.datasets.real("spoken-digits", ask.data)
        known, held = (
            ([log_mel(signal) for signal in part["signal"]], part["label"].tolist())
            for part in (real.train, real.test)
        )
    model = gw.Classifier(**given, **ask.how).fit(*known)
    judged = model.evaluate(*held)

    scores = judged.scores()
    own = scores["network"]["accuracy"] or 0.0
    rival, best = next(one for one in judged.ranking() if one[0] != "network")
    bar = 0.9 if ask.quick else 0.95
    picture, (left, right) = pictures.figure(2)
    pictures.bars(left, {name: score["accuracy"] or 0.0 for name, score in scores.items()})
    left.set_title("Accuracy")
    right.imshow(held[0][0].T, origin="lower", aspect="auto", cmap="magma")
    right.set(xlabel="frame", ylabel="mel band", title=f"What is read of a {held[1][0]}")
    right.grid(visible=False)

    return Outcome(
        scores=scores,
        split=f"{len(known[0]):,} recordings learnt from, {len(held[0]):,} judged",
        checks=[
            Check(f"accuracy of at least {bar}", own >= bar, f"{own:.3f}"),
            Check(f"above {rival}", own > best, f"{best:.3f}"),
        ],
        said=[judged.verdict()],
        picture=picture,
    )


def log_mel(signal: Signal) -> Signal:
    """Logarithm of the energy in each of 24 bands, as the ear spaces them, less its mean.

    mel = 1127 ln(1 + Hz / 700); bands are triangles of equal width in mel, half overlapping.
    samples (t,) -> frames (k, 24). Source: Davis & Mermelstein 1980.
    """
    padded = np.pad(signal, (0, max(0, WINDOW - len(signal))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::STEP]  # (k, 256)
    power = np.abs(np.fft.rfft(windows * np.hanning(WINDOW))) ** 2  # (k, 129)
    mel = 1127 * np.log(1 + np.fft.rfftfreq(WINDOW, 1 / RATE) / 700)  # (129,)
    centres = np.linspace(mel[0], mel[-1], BANDS + 2)
    away = np.abs(mel - centres[1:-1, None]) / (centres[1] - centres[0])  # (24, 129)
    bands: Signal = np.log(power @ np.clip(1 - away, 0, None).T + 1e-6)
    bands -= bands.mean()
    return bands
