"""A play, character by character

Data   Quick: a made-up play of 24,000 characters. In full: tinyshakespeare, 1.1 million. The last
       part is judged.
Trap   The network is called stateful and its windows are shuffled, so that no state ever goes on.
       To write, it is built anew for a batch of one, which fails; 7.5 ms a character.
Right  Streams that go on where they ended: fewer nats than a 5-gram model, and fewer than with a
       state that is dropped; one text or eight side by side from one model; what the temperature
       does is shown.
"""

import re
import time

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome

WINDOW = 100  # characters behind which tutorials drop the state


def run(ask: Ask) -> Outcome:
    """A language model that carries its state, beside models that count."""
    if ask.quick:
        play = gw.toys.toy_play(24_000, seed=ask.seed)
        known, new, prompt = play[:20_000], play[20_000:], "ARLO:"
        network, training = gw.Network(hidden_size=128), gw.Training(epochs=8)
    else:
        found = gw.datasets.real("tinyshakespeare", ask.data)
        known, new, prompt = found.train, found.test, "ROMEO:"
        network, training = gw.Network(hidden_size=256), gw.Training(epochs=6)
    model = gw.Generator(network=network, training=training, **ask.how).fit(known)

    judged = model.evaluate(new)
    nats = {name: told / judged.characters for name, told in judged.nats.items()}
    pieces = [new[at : at + WINDOW] for at in range(0, len(new), WINDOW)]
    dropped = [-model.score(piece) for piece in pieces if len(piece) > 1]
    nats[f"state dropped every {WINDOW}"] = sum(dropped) / len(dropped)
    scores = {name: {"nats per character": each} for name, each in nats.items()}

    words = set(re.findall(r"\w+", known))
    wrote, spelt = [], {}
    for temperature in (0.5, 0.8, 1.2):
        text = model.generate(prompt, length=2000, temperature=temperature, seed=ask.seed)
        own = re.findall(r"\w+", text)[:-1]  # the last one is cut off
        spelt[temperature] = sum(word in words for word in own) / len(own)
        wrote.append(f"Temperature {temperature}: {prompt}{text[:120]}".replace("\n", " / "))
    began = time.perf_counter()
    one = model.generate(prompt, length=1000, seed=ask.seed)
    between = time.perf_counter()
    eight = model.generate(prompt, length=1000, seed=ask.seed, samples=8)
    taken = time.perf_counter() - between
    speed = (
        f"{1000 / (between - began):,.0f} characters a second alone, {8000 / taken:,.0f} of eight "
        f"texts side by side."
    )

    picture, (left, right) = pictures.figure(2)
    close = {name: each for name, each in nats.items() if name != "unigram"}
    pictures.bars(left, close, title=f"nats per character (unigram {nats['unigram']:.2f})")
    pictures.bars(
        right,
        {f"temperature {each}": share for each, share in spelt.items()},
        title="words written that the play has",
        form="{:.0%}",
    )
    ours, counted = nats["network"], nats["5-gram"]
    kept = nats[f"state dropped every {WINDOW}"] - ours
    return Outcome(
        scores=scores,
        split=f"{len(known):,} characters learnt from, {len(new):,} behind them judged",
        checks=[
            Check("fewer nats than a 5-gram model", ours < counted, f"{ours:.3f}, {counted:.3f}"),
            Check("the state that is carried on is worth something", kept > 0, f"{kept:.3f} nats"),
            Check("one text, or eight at once: the first is the same", eight[0] == one),
            Check(
                "the hotter, the fewer known words",
                spelt[0.5] > spelt[1.2],
                ", ".join(f"{share:.0%}" for share in spelt.values()),
            ),
        ],
        said=[judged.verdict(), *wrote, speed],
        picture=picture,
    )
