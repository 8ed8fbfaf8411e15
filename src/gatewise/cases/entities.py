"""Entities: a tag for each word

Data   Posts and comments with people, places, firms and more in BIO tags (WNUT17): 3,394 sentences
       and 1,009 more to learn from, 1,287 to be judged on, with names that are new. Quick: made-up
       sentences, no two alike.
Trap   Accuracy of tokens, 90 % for who never says a name; words that were never seen are all the
       same unknown one.
Right  F1 of whole entities beside the most frequent tag of each token; a new word is read by its
       beginning, its end and its shape.
"""

import pandas as pd

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome


def run(ask: Ask) -> Outcome:
    """A bidirectional LSTM with a head at every word."""
    if ask.quick:
        toy = gw.toys.toy_entities(600, seed=ask.seed)
        frame = pd.DataFrame({"tokens": toy.tokens, "tags": toy.tags})
        frame = frame[~frame["tokens"].map(tuple).duplicated()]  # no sentence on both sides
        known, held = frame[100:], frame[:100]
        training = gw.Training(epochs=15)
    else:
        real = gw.datasets.real("wnut17", ask.data)
        known, held = pd.concat([real.train, real.validation]), real.test
        # chosen by F1 on the validation part, learning from the training part alone
        training = gw.Training(label_smoothing=0.1, patience=5)
    model = gw.Tagger(training=training, **ask.how).fit(known)
    judged = model.evaluate(held)

    scores = judged.scores()
    f1 = {name: score["entity F1"] or 0.0 for name, score in scores.items()}
    best = f1["most frequent tag of the token"]
    bar = 0.9 if ask.quick else 0.2
    picture, (left, right) = pictures.figure(2)
    for axes, metric in ((left, "entity F1"), (right, "token accuracy")):
        pictures.bars(axes, {name: score[metric] or 0.0 for name, score in scores.items()})
        axes.set_title(metric[0].upper() + metric[1:])

    return Outcome(
        scores=scores,
        split=f"{len(known):,} sentences learnt from, {len(held):,} judged",
        checks=[
            Check(f"entity F1 of at least {bar}", f1["network"] >= bar, f"{f1['network']:.3f}"),
            Check("beats the most frequent tag", judged.standing() == "beats", f"{best:.3f}"),
        ],
        said=[judged.verdict()],
        picture=picture,
    )
