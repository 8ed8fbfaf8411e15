"""A sequence of symbols written backwards

Data   2,000 sequences of five symbols out of nine, all different: 1,800 are learnt from, the other
       200 are judged.
Trap   Five epochs and no score printed: the answers look right, and many are not. A sum is printed
       as a mean. Sequences are drawn with no look at those drawn before, so that some that are
       judged stand in training, too.
Right  At least 99 % of the answers right in all five places, on every engine, on sequences that
       training never saw.
"""

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome

ENOUGH = gw.Training(epochs=40, learning_rate=1e-2)
FEW = gw.Training(epochs=5, learning_rate=1e-3, teacher_forcing=0.5, schedule="constant")


def run(ask: Ask) -> Outcome:
    """An encoder and a decoder of 32 units; in full also without attention, and with few epochs."""
    pairs = gw.toys.reverse_pairs(2000, length=5, symbols=9, seed=ask.seed)
    sources, targets = ([text.split() for text in side] for side in (pairs.sources, pairs.targets))
    known, new = (sources[:1800], targets[:1800]), (sources[1800:], targets[1800:])

    model = gw.Translator(network=gw.Network(hidden_size=32), training=ENOUGH, **ask.how)
    judged = model.fit(*known).evaluate(*new)
    exact = {name: score["exact match"] for name, score in judged.scores().items()}
    if not ask.quick:  # the network of the tutorials: all that was read goes through one state
        plain = gw.Network(hidden_size=32, bidirectional=False, attention="none")
        for name, training in {"no attention": ENOUGH, "no attention, 5 epochs": FEW}.items():
            other = gw.Translator(network=plain, training=training, **ask.how).fit(*known)
            exact[name] = other.evaluate(*new).scores()["network"]["exact match"]

    picture, (left, right) = pictures.figure(2)
    looked = model.align(new[0][0])
    left.imshow(looked.weights, cmap="Blues", vmin=0, vmax=1)
    left.set_xticks(range(len(looked.source)), looked.source)
    left.set_yticks(range(len(looked.target)), looked.target)
    left.set(xlabel="read", ylabel="written", title="where each answer looked")
    left.grid(visible=False)
    pictures.bars(right, exact, title="answers right in all places", form="{:.1%}")

    return Outcome(
        scores={name: {"exact match": share} for name, share in exact.items()},
        split="1,800 sequences learnt from, 200 others judged, no two of all alike",
        checks=[
            Check(
                "at least 99 % right in all places",
                exact["network"] >= 0.99,
                f"{exact['network']:.1%}",
            )
        ],
        said=[
            judged.verdict(),
            f"{pairs.sources[1800]} becomes {' '.join(judged.told['network'][0])}.",
        ],
        picture=picture,
    )
