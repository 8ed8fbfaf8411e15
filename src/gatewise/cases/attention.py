"""Attention: which token decided

Data   Rows of 3 to 40 tokens in five classes: four of five rows hold one of the tokens 1, 2, 3
       and 4, at a random place, and that is their class. All else is chance.
Trap   Short rows are filled up with zeros, no mask says so, and attention gives weight to what is
       not there; the network cannot be saved, or its weights cannot be read.
Right  The weight on padding is 0, not small; the token that decides gets the weight; the saved
       model looks where the trained one did.
"""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome

SHOWN = 8  # rows in the picture


def run(ask: Ask) -> Outcome:
    """An LSTM with attention over rows of unequal length, and over the same rows filled up."""
    count, held = (800, 200) if ask.quick else (4000, 1000)
    toy = gw.toys.key_sequences(count, length=(3, 40), seed=ask.seed)
    inputs, labels = toy.inputs[:held], toy.labels[:held]
    model = fitted(ask, toy.inputs[held:], toy.labels[held:])
    judged = model.evaluate(inputs, labels)

    looked = model.attention(inputs)  # tokens, their weights, the weight of padding
    decided = [
        (own.weights, own.tokens.index(label))
        for own, label in zip(looked, labels, strict=True)
        if label != "0"  # in these no token decides
    ]
    first = np.mean([weights.argmax() == key for weights, key in decided])
    on_key = np.mean([weights[key] for weights, key in decided])
    padding = max(own.padding for own in looked)

    model.save(ask.folder / "model")
    again = gw.load(ask.folder / "model").attention(inputs)
    same = all(np.array_equal(a.weights, b.weights) for a, b in zip(looked, again, strict=True))

    filled = [row + ["0"] * (40 - len(row)) for row in toy.inputs]  # as tutorials do
    other = fitted(ask, filled[held:], toy.labels[held:]).attention(filled[:held])
    lost = np.mean([o.weights[len(r) :].sum() for o, r in zip(other, inputs, strict=True)])

    return Outcome(
        scores=judged.scores(),
        split=f"{count - held:,} rows learnt from, {held:,} judged",
        checks=[
            Check("the weight on padding is exactly 0", padding == 0, f"at most {padding:g}"),
            Check("the token that decides has the largest weight", first >= 0.95, f"{first:.1%}"),
            Check("and nearly all of it", on_key >= 0.9, f"{on_key:.3f} on average"),
            Check("saved and loaded, it gives the same weights", same, "to the last bit"),
        ],
        said=[
            judged.verdict(),
            f"Filled up to 40 tokens by hand, the same network has to learn what a mask knows: "
            f"{lost:.1%} of its weight still falls on what was filled up.",
        ],
        picture=draw(looked, labels),
    )


def fitted(ask: Ask, inputs: list[list[str]], labels: list[str]) -> gw.Classifier:
    """A forget bias of -3: each state tells of its own step. With the usual 1 the states behind a
    token tell of it as well, and attention often looks there: its weights are of states.
    """
    network = gw.Network(
        hidden_size=16,
        embedding_size=16,
        bidirectional=False,
        forget_bias=-3.0,
        pooling="attention",
        token_dropout=0.2,
        input_dropout=0.0,
        dropout=0.0,
    )
    training = gw.Training(epochs=15, learning_rate=1e-2, label_smoothing=0.0)
    model = gw.Classifier(ngrams=1, members=1, network=network, training=training, **ask.how)
    return model.fit(inputs, labels)


def draw(looked: list[Any], labels: list[str]) -> Figure:
    """Weights of some rows, from short to long."""
    order = sorted(range(len(looked)), key=lambda row: len(looked[row].tokens))
    rows = [order[place] for place in np.linspace(0, len(order) - 1, SHOWN).astype(int)]
    shades = np.full((SHOWN, 40), np.nan)
    picture, axes = pictures.figure()
    for line, row in enumerate(rows):
        tokens, weights, _ = looked[row]
        shades[line, : len(tokens)] = weights
        for step, (token, weight) in enumerate(zip(tokens, weights, strict=True)):
            bold = "bold" if token == labels[row] else "normal"
            colour = "white" if weight > 0.5 else pictures.TRUTH
            centre = {"ha": "center", "va": "center", "fontsize": 7}
            axes.text(step + 1, line, token, color=colour, weight=bold, **centre)
    box = (0.5, 40.5, SHOWN - 0.5, -0.5)
    shown = axes.imshow(shades, cmap="Blues", vmin=0, vmax=1, aspect="auto", extent=box)
    axes.set_facecolor("#e3e6ec")
    axes.grid(visible=False)
    axes.set(xlabel="step", yticks=[], title="Weight of each step; bold: the token that decides")
    picture.colorbar(shown, pad=0.01)
    return picture
