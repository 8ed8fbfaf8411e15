"""Random labels: there is nothing to learn

Data   Rows of 3 to 10 tokens from 1 to 49 with labels 0 and 1, both drawn at random: no network
       can be right more often than half the time.
Trap   What came out is printed as "accuracy", on whatever was learnt from; short rows are filled
       up with a token that is then read like any other, and many answers turn round.
Right  The report says in words that nothing was learnt, and what a row is answered does not depend
       on the rows beside it.
"""

import numpy as np

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome


def run(ask: Ask) -> Outcome:
    """A small LSTM on labels that mean nothing."""
    count, held = (1000, 300) if ask.quick else (5000, 1000)
    toy = gw.toys.random_labels(count, length=(3, 10), seed=ask.seed)
    inputs, labels = toy.inputs[:held], toy.labels[:held]
    network = gw.Network(embedding_size=16, hidden_size=32, bidirectional=False, pooling="last")
    training = gw.Training(epochs=15, patience=None)
    model = gw.Classifier(members=1, network=network, training=training, **ask.how)
    model.fit(toy.inputs[held:], toy.labels[held:])

    judged = model.evaluate(inputs, labels)
    alone = np.concatenate([model.predict_proba([row]) for row in inputs])
    beside = model.predict_proba([*inputs, ["1"] * 60])[:held]  # all are filled up to 60 steps
    apart = float(np.abs(alone - beside).max())
    same = bool((alone.argmax(axis=1) == beside.argmax(axis=1)).all())
    filled = model.predict([row + ["0"] * (60 - len(row)) for row in inputs])
    turned = float(np.mean(filled != model.predict(inputs)))

    scores = {name: {"accuracy": score["accuracy"]} for name, score in judged.scores().items()}
    scores["coin"] = {"accuracy": 0.5}
    picture, (left, right) = pictures.figure(2)
    pictures.bars(left, {name: score["accuracy"] or 0.0 for name, score in scores.items()})
    left.set(title="Accuracy on rows not learnt from", xlim=(0, 1))
    epochs = [record.epoch for record in model.history_.records]
    losses = [(record.train_loss, record.validation_loss) for record in model.history_.records]
    told, unseen = zip(*losses, strict=True)
    right.plot(epochs, told, color=pictures.OTHERS[0], label="learnt from")
    right.plot(epochs, unseen, color=pictures.NETWORK, label="held out")
    right.axhline(np.log(2), color=pictures.FLOOR, linestyle=":", label="ln 2")
    right.set(xlabel="epoch", ylabel="loss (nats)")
    pictures.legend(right)

    return Outcome(
        scores=scores,
        split=f"{count - held:,} rows learnt from, {held:,} judged",
        checks=[
            Check("it says that nothing was learnt", not judged.learnt, f"p = {judged.blind:.2f}"),
            Check("the same classes whatever stands beside a row", same, f"{apart:.1e} apart"),
        ],
        said=[
            judged.verdict(),
            f"Filled up with zeros by hand, {turned:.0%} of the rows get the other class.",
        ],
        picture=picture,
    )
