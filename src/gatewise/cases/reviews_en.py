"""English reviews: what recurrent dropout costs

Data   50,000 film reviews (IMDB) in the published halves, less the few to learn from that are
       judged on, too; the 5,000 most frequent words are known. Quick: made-up hotel reviews.
Trap   The network is defined and never trained. Recurrent dropout inside the steps doubles the time
       of a batch, 42 ms against 20 ms in a tutorial's Keras code, since fast kernels lack it.
Right  Trained on real reviews. Here recurrent dropout is of the recurrent matrix, once per batch,
       so that the steps stay as fast as they are: the price is measured.
"""

from typing import Any

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome


def run(ask: Ask) -> Outcome:
    """Embedding 32, LSTM 128, dropout 0.2 and recurrent dropout 0.2; and the same without."""
    if ask.quick:
        frame = gw.toys.toy_reviews(600, seed=ask.seed).drop_duplicates("text")
        known, held = frame[150:], frame[:150]
    else:
        real = gw.datasets.real("imdb", ask.data)
        known, held = real.train, real.test

    network = gw.Network(
        embedding_size=32,
        hidden_size=32 if ask.quick else 128,
        bidirectional=False,
        dropout=0.2,
        recurrent_dropout=0.2,
    )
    training = gw.Training(epochs=12, learning_rate=5e-3) if ask.quick else None
    given: dict[str, Any] = {"vocab_size": 5000, "members": 1, **ask.how}
    model = gw.Classifier(network=network, training=training, **given).fit(known)
    judged = model.evaluate(held)

    seconds = []
    texts = [" ".join(known["text"][i : i + 20]) for i in range(0, 200, 2)]  # all are long
    for dropout in (0.2, 0.0):
        timed = gw.Classifier(
            network=network.replace(recurrent_dropout=dropout, hidden_size=128),
            training=gw.Training(epochs=6, patience=None),
            max_length=150,
            **given,
        ).fit(texts, ["one", "other"] * 50)
        # the quickest epoch: what else the machine does, and what is compiled, is left out
        seconds.append(min(record.seconds for record in timed.history_.records))
    price = seconds[0] / seconds[1]

    scores = judged.scores()
    own = scores["network"]["accuracy"] or 0.0
    bar = 0.95 if ask.quick else 0.86
    picture, (left, right) = pictures.figure(2)
    pictures.bars(left, {name: score["accuracy"] or 0.0 for name, score in scores.items()})
    left.set_title("Accuracy")
    times = {
        "0.2, of the matrix": price,
        "none": 1.0,
        "0.2, in each step\n(quoted, not run here)": 42 / 20,
    }
    pictures.bars(right, times, title="Time of an epoch, none = 1")

    return Outcome(
        scores=scores,
        split=f"{len(known):,} reviews learnt from, {len(held):,} judged",
        checks=[
            Check(f"accuracy of at least {bar}", own >= bar, f"{own:.3f}"),
            Check(
                "recurrent dropout costs less than half as much again",
                price < 1.5,
                f"{price:.2f} times the time of an epoch",
            ),
        ],
        said=[judged.verdict()],
        picture=picture,
    )
