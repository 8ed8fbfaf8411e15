"""Names: the language of a surname

Data   12,156 surnames of 18 languages, some of them in several languages; a fifth of the spellings
       is judged. Quick: 1,000 made-up names of five languages.
Trap   One name at a time without batches, the score on what was learnt from, and no baseline;
       spellings that stand under two languages fall on both sides of the split.
Right  Batches of names of unequal length, read by characters; beside counted pairs and triples of
       characters on names that were not learnt from, with F1 of each language.
"""

from typing import Any

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome


def run(ask: Ask) -> Outcome:
    """A bidirectional LSTM over the characters of a name."""
    given: dict[str, Any] = {}
    if ask.quick:
        frame = gw.toys.toy_names(1000, seed=ask.seed)
        small = gw.Network(hidden_size=32, embedding_size=32)
        given = {
            "network": small,
            "training": gw.Training(epochs=8, learning_rate=1e-2),
        }
    else:
        frame = gw.datasets.real("surnames", ask.data).whole
    spelt = frame["text"].str.casefold()
    judged_on = spelt.isin(spelt.drop_duplicates().sample(frac=0.2, random_state=ask.seed))
    known, held = frame[~judged_on], frame[judged_on]
    model = gw.Classifier(unit="char", **given, **ask.how).fit(known)
    judged = model.evaluate(held)

    scores = judged.scores()
    rival = "TF-IDF + logistic regression"
    own, best = (scores[name]["accuracy"] or 0.0 for name in ("network", rival))
    bar = 0.9 if ask.quick else 0.75
    picture, (left, right) = pictures.figure(2, height=2.9 if ask.quick else 3.6)
    pictures.bars(left, {name: score["accuracy"] or 0.0 for name, score in scores.items()})
    left.set_title("Accuracy")
    of = judged.by_class()
    languages = sorted(of, key=lambda language: of[language]["F1"] or 0.0)
    for name, colour in ((rival, pictures.GREY), ("network", pictures.NETWORK)):
        by_class = judged.by_class(name)
        right.plot([by_class[language]["F1"] for language in languages], languages, "o",
                   color=colour, label=name)  # fmt: skip
    right.set(xlabel="F1 of each language", xlim=(-0.05, 1.05))
    pictures.legend(right, columns=1)

    return Outcome(
        scores=scores,
        split=f"{len(known):,} names learnt from, {len(held):,} judged, no spelling on both sides",
        checks=[
            Check(f"accuracy of at least {bar}", own >= bar, f"{own:.3f}"),
            Check("not behind counted characters", judged.standing() != "loses", f"{best:.3f}"),
        ],
        said=[judged.verdict()],
        picture=picture,
    )
