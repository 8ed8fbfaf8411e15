"""Chinese reviews: no spaces, so characters are read

Data   7,765 hotel reviews, 68.5 % of them good, cut at random for each seed: 70 % to learn from,
       10 % to stop by, 20 % to be judged on. Quick: 600 made-up reviews of things bought.
Trap   Split at spaces, a whole Chinese sentence is one word; a new text has no word that was ever
       seen, and good and bad get the same answer.
Right  Real reviews, macro-F1 beside that of counted characters; "这个产品很好用" is good and
       "太差了" bad.
"""

from typing import Any

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome

SENTENCES = ["这个产品很好用", "太差了"]


def run(ask: Ask) -> Outcome:
    """A bidirectional LSTM over characters, beside one over what stands between spaces."""
    if ask.quick:
        frame = gw.toys.toy_products(600, seed=ask.seed)
    else:
        frame = gw.datasets.real("hotel-reviews", ask.data).whole
        frame["label"] = frame["label"].map({0: "bad", 1: "good"})
    known = frame.groupby("label").sample(frac=0.8, random_state=ask.seed)
    held = frame.drop(known.index)

    small: dict[str, Any] = {
        "network": gw.Network(hidden_size=32, embedding_size=32),
        "training": gw.Training(epochs=8, learning_rate=5e-3),
    }
    model = gw.Classifier(validation=0.125, **ask.how, **(small if ask.quick else {}))
    judged = model.fit(known).evaluate(held)
    told = model.predict(SENTENCES).tolist()

    words = gw.Classifier(validation=0.125, **ask.how, **(small if ask.quick else {}))
    words.fit([text.split() for text in known["text"]], known["label"].tolist())
    pieces = [text.split() for text in held["text"]]
    cut = words.evaluate(pieces, held["label"].tolist()).scores()["network"]

    scores = {**judged.scores(), "network, split at spaces": cut}
    f1 = {name: score["macro-F1"] or 0.0 for name, score in scores.items()}
    bar = 0.95 if ask.quick else 0.87
    picture, (left, right) = pictures.figure(2)
    pictures.bars(left, f1, title="macro-F1")
    good = model.predict_proba(held)[:, 1]
    for label, colour in (("bad", pictures.OTHERS[0]), ("good", pictures.NETWORK)):
        right.hist(
            good[held["label"] == label], 20, range=(0, 1), color=colour, alpha=0.7, label=label
        )
    right.set(xlabel="how probable it is that the review is good", ylabel="reviews")
    pictures.legend(right)

    return Outcome(
        scores=scores,
        split=f"{len(known):,} reviews learnt from (an eighth of them to stop by), "
        f"{len(held):,} judged",
        checks=[
            Check(f"macro-F1 of at least {bar}", f1["network"] >= bar, f"{f1['network']:.3f}"),
            Check("both sentences right", told == ["good", "bad"], ", ".join(told)),
            Check(
                "characters tell more than what stands between spaces",
                f1["network"] > f1["network, split at spaces"],
                f"{f1['network, split at spaces']:.3f} split at spaces",
            ),
        ],
        said=[judged.verdict(), *(f"Split at spaces: {one}." for one in words.remarks(pieces))],
        picture=picture,
    )
