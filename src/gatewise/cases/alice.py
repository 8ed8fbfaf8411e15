"""Alice's text goes on, and nothing is read twice

Data   Quick: 20,000 characters of a made-up play. In full: the first 50,000 characters of Alice's
       Adventures in Wonderland. The last tenth is judged.
Trap   For each new character the hundred before it are read again, 44 ms. Windows are stored with a
       one for each character that could stand there, 71 MB. A prompt with a character that training
       never showed ends in a KeyError.
Right  The state is carried: one step for each character. A text is a list of numbers. Unseen
       characters are read as unknown ones. The score stands beside models that count, and where
       the text is too short for a network to beat them, the verdict says so.
"""

import time

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome

WINDOW, STRIDE = 100, 3  # of the tutorials
STRANGE = "Ünknown ☃: "


def run(ask: Ask) -> Outcome:
    """One network, asked in both ways."""
    training = gw.Training(epochs=8 if ask.quick else 20, batch_size=8)
    if ask.quick:
        text = gw.toys.toy_play(20_000, seed=ask.seed)
    else:
        text = gw.datasets.real("alice", ask.data).whole[:50_000]
    end = len(text) * 9 // 10
    known, new = text[:end], text[end:]
    network = gw.Network(hidden_size=128)
    model = gw.Generator(network=network, training=training, **ask.how).fit(known)
    judged = model.evaluate(new)
    nats = {name: told / judged.characters for name, told in judged.nats.items()}
    ours, counted = nats["network"], nats["5-gram"]
    # 45,000 characters of real prose are few: there, counting five in a row is better
    bar, words = (counted, "fewer nats than a 5-gram model") if ask.quick else (2, "under 2 nats")

    read = new[:WINDOW]
    began = time.process_time()
    model.generate(read, length=1000, temperature=0.8)
    carried = time.process_time() - began
    began = time.process_time()
    for _ in range(100):
        read += model.generate(read[-WINDOW:], length=1, temperature=0.8)
    again = 10 * (time.process_time() - began)
    cost = {"state carried": carried, f"{WINDOW} read again": again}  # ms a character

    windows = (len(known) - WINDOW) // STRIDE * WINDOW * len(set(known))  # a byte for each
    size = {
        "numbers": model.codec_.encode([known]).tokens.nbytes / 1e6,
        "ones and zeros": windows / 1e6,
    }
    wrote = model.generate(STRANGE, length=100, temperature=0.8, seed=ask.seed)

    picture, axes = pictures.figure(3)
    pictures.bars(axes[0], nats, title="nats per character")
    pictures.bars(axes[1], cost, title="ms a character")
    pictures.bars(axes[2], size, title="MB of training text")
    for panel in axes:
        panel.margins(x=0.25)  # room for the figures
    return Outcome(
        scores={name: {"nats per character": each} for name, each in nats.items()},
        split=f"{len(known):,} characters learnt from, {len(new):,} behind them judged",
        checks=[
            Check(words, ours < bar, f"{ours:.3f}; 5-gram {counted:.3f}"),
            Check(
                f"a fifth of the time of reading {WINDOW} again, or less",
                5 * carried <= again,
                f"{carried:.3f} ms a character, {again:.3f} ms",
            ),
            Check(
                "a hundredth of the memory of ones and zeros, or less",
                100 * size["numbers"] <= size["ones and zeros"],
                f"{size['numbers']:.2f} MB, {size['ones and zeros']:.1f} MB",
            ),
            Check(
                "behind unseen characters it writes known ones",
                len(wrote) == 100 and set(wrote) <= set(known),
            ),
        ],
        said=[judged.verdict(), f"{STRANGE}{wrote}".replace("\n", " / ")],
        picture=picture,
    )
