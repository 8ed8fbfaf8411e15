"""Questions: what is asked for

Data   5,952 questions (TREC) about a number, a person, a place, an entity, a description or an
       abbreviation: 5,452 to learn from, 500 to be judged on, as published. Quick: 600 made up.
Trap   "What" begins questions of every kind; accuracy on a set of 500 is told to a hundredth, with
       one seed and nothing beside it.
Right  Beside TF-IDF on the same questions, with a test that says whether chance alone allows the
       difference, and with who is taken for whom.
"""

from typing import Any

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome


def run(ask: Ask) -> Outcome:
    """A bidirectional LSTM over words and pairs of words, from three seeds where it is cheap."""
    given: dict[str, Any] = {}
    if ask.quick:
        frame = gw.toys.toy_questions(600, seed=ask.seed)
        known, held = frame[200:], frame[:200]
        small = gw.Network(hidden_size=32, embedding_size=32)
        given = {
            "network": small,
            "training": gw.Training(epochs=8, learning_rate=5e-3),
        }
    else:
        real = gw.datasets.real("trec", ask.data)
        known, held = real.train, real.test
    model = gw.Classifier(**given, **ask.how).fit(known)
    judged = model.evaluate(held)

    scores = judged.scores()
    own = scores["network"]["accuracy"] or 0.0
    bar = 0.95 if ask.quick else 0.89
    picture, (left, right) = pictures.figure(2)
    pictures.bars(left, {name: score["accuracy"] or 0.0 for name, score in scores.items()})
    left.set_title("Accuracy")
    counts = judged.confusion()
    right.imshow(counts / counts.sum(axis=1, keepdims=True), cmap="Blues", vmin=0, vmax=1)
    for truth, row in enumerate(counts):
        for told, count in enumerate(row):
            colour = "white" if count > row.sum() / 2 else pictures.TRUTH
            right.text(told, truth, str(count), ha="center", va="center", color=colour, fontsize=8)
    right.set_xticks(range(len(counts)), model.classes_)
    right.set_yticks(range(len(counts)), model.classes_)
    right.grid(visible=False)
    right.set(xlabel="answered", ylabel="asked for")

    return Outcome(
        scores=scores,
        split=f"{len(known):,} questions learnt from, {len(held):,} judged",
        checks=[
            Check(f"accuracy of at least {bar}", own >= bar, f"{own:.3f}"),
            Check("not behind TF-IDF", judged.standing() != "loses", judged.standing()),
        ],
        said=[judged.verdict()],
        picture=picture,
    )
