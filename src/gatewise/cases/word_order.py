"""Word order: which of two tokens comes first

Data   Rows of 3 to 10 tokens from 1 to 49. Each holds a 7 and a 3, once, and the label is whether
       the 7 comes first. All else is chance; no row comes twice.
Trap   A demonstration on labels without a rule tells nothing of a network; one on words that give
       the label away does not need a network.
Right  At least 99 % on rows that were not learnt from, where counting words and pairs of words does
       not get there: it knows the order only where the two stand side by side.
"""

import numpy as np

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome


def run(ask: Ask) -> Outcome:
    """The same small LSTM as in random-labels, where there is something to learn."""
    count, held = (1500, 500) if ask.quick else (6000, 1000)
    toy = gw.toys.order_sequences(count, length=(3, 10), seed=ask.seed)
    rows = dict(zip(map(tuple, toy.inputs), toy.labels, strict=True))  # each once: some are short
    every, truth = list(map(list, rows)), list(rows.values())
    inputs, labels = every[:held], truth[:held]
    network = gw.Network(embedding_size=16, hidden_size=32, bidirectional=False, pooling="last")
    training = gw.Training(epochs=30, learning_rate=1e-2)
    model = gw.Classifier(members=1, network=network, training=training, **ask.how)
    judged = model.fit(every[held:], truth[held:]).evaluate(inputs, labels)

    scores = judged.scores()
    own = scores["network"]["accuracy"] or 0.0
    rival, best = next(one for one in judged.ranking() if one[0] != "network")
    gaps = np.array([abs(row.index("7") - row.index("3")) for row in inputs])

    picture, (left, right) = pictures.figure(2)
    pictures.bars(left, {name: score["accuracy"] or 0.0 for name, score in scores.items()})
    left.set_title("Accuracy")
    for name, colour in (("network", pictures.NETWORK), (rival, pictures.GREY)):
        hits = judged.told(name) == judged.truth
        right.plot(range(1, 8), [hits[gaps == gap].mean() for gap in range(1, 8)], "o-",
                   color=colour, label=name)  # fmt: skip
    right.set(xlabel="steps from one to the other", ylabel="accuracy", ylim=(0.4, 1.05))
    pictures.legend(right, columns=1)

    return Outcome(
        scores=scores,
        split=f"{len(every) - held:,} rows learnt from, {held:,} judged",
        checks=[
            Check("at least 99 % right", own >= 0.99, f"{own:.1%}"),
            Check("counting words does not get there", best < 0.9, f"{rival}: {best:.1%}"),
        ],
        said=[judged.verdict()],
        picture=picture,
    )
