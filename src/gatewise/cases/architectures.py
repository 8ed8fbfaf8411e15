"""Five architectures on one task that separates them

Data   Six numbers out of nine, to be written backwards: as a tag for each number that is read, or
       as a translation. 1,000 to learn from, 300 others to judge on; more without --quick.
Trap   On a sine all architectures are level, so nothing is learnt about them. "Stacked" and
       "multi-layer" are shown as two, and are one. Of a bidirectional network out[:, -1] is taken:
       there its backward half has read a single token.
Right  A task where what a network can have read decides: one direction can know half of the
       answers, however deep it is. Token accuracy, parameters and time stand side by side.
"""

import time

import numpy as np

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome

LENGTH, SYMBOLS = 6, 9
PLAIN = gw.Network(
    hidden_size=32,
    num_layers=1,
    bidirectional=False,
    embedding_size=16,
    dropout=0,
    input_dropout=0,
)
TRANSLATORS = {
    "with attention": PLAIN.replace(attention="additive"),
    "encoder-decoder": PLAIN.replace(attention="none"),
}
TAGGERS = {
    "bidirectional": PLAIN.replace(bidirectional=True),
    "two layers": PLAIN.replace(num_layers=2),
    "one layer": PLAIN,
}


def run(ask: Ask) -> Outcome:
    """The same sequences, width and training for five networks."""
    learnt, judged = 1000 if ask.quick else 4000, 300
    pairs = gw.toys.reverse_pairs(learnt + judged, LENGTH, SYMBOLS, seed=ask.seed)
    sources, targets = ([row.split() for row in rows] for rows in (pairs.sources, pairs.targets))
    training = gw.Training(
        epochs=14, batch_size=32, learning_rate=0.01, patience=None, weight_averaging=0
    )

    scores: dict[str, dict[str, float]] = {}
    for name, network in {**TRANSLATORS, **TAGGERS}.items():
        began = time.process_time()
        if name in TAGGERS:
            tagger = gw.Tagger(network=network, training=training, **ask.how)
            said = tagger.fit(sources[:learnt], targets[:learnt]).predict(sources[learnt:])
            parameters = tagger.parameters_
        else:
            writer = gw.Translator(beam=1, network=network, training=training, **ask.how)
            said = writer.fit(sources[:learnt], targets[:learnt]).translate(sources[learnt:])
            parameters = writer.parameters_
        right = [  # a token that is missing is wrong
            token in row[place : place + 1]
            for row, target in zip(said, targets[learnt:], strict=True)
            for place, token in enumerate(target)
        ]
        scores[name] = {
            "token accuracy": float(np.mean(right)),
            "parameters": parameters,
            "CPU seconds": time.process_time() - began,
        }
    # at step t the number LENGTH - 1 - t is asked for: in the first half it is not read yet
    half = (LENGTH + 1) // 2 / LENGTH
    bound = half + (1 - half) / SYMBOLS
    scores["most one direction can know"] = {"token accuracy": bound}
    scores["guessing"] = {"token accuracy": 1 / SYMBOLS}
    accuracy = {name: score["token accuracy"] for name, score in scores.items()}

    # the trap: which tokens stand behind what the backward half shows at each step?
    stack = gw.Stack(gw.Network(hidden_size=8, bidirectional=True), inputs=4, engine=ask.engine)
    x = np.random.default_rng(ask.seed).normal(size=(1, LENGTH, 4))
    shown = stack.read(x).outputs[0, :, 8:]  # (LENGTH, 8)
    moved = np.zeros((LENGTH, LENGTH))  # step that shows, token that is another one
    for token in range(LENGTH):
        other = x.copy()
        other[:, token] += 1
        moved[:, token] = np.abs(stack.read(other).outputs[0, :, 8:] - shown).max(axis=1)

    picture, (left, right) = pictures.figure(2)
    pictures.bars(left, accuracy, title="token accuracy")
    ends = (0.5, LENGTH + 0.5)
    right.imshow(moved > 0, cmap="Blues", vmax=1.4, extent=(*ends, *ends[::-1]))
    right.grid(visible=False)
    right.set(xlabel="token", ylabel="step", title="what the backward half has read")

    return Outcome(
        scores=scores,
        split=f"{learnt:,} sequences learnt from (a tenth held out), {judged} others judged",
        checks=[
            Check(
                "one direction stays below what it can know, two layers as one",
                max(accuracy["one layer"], accuracy["two layers"]) < bound + 0.03,
                f"{accuracy['one layer']:.3f} and {accuracy['two layers']:.3f} of {bound:.3f}",
            ),
            Check(
                "both directions know more",
                accuracy["bidirectional"] > bound,
                f"{accuracy['bidirectional']:.3f}",
            ),
            Check(
                "attention solves it",
                accuracy["with attention"] > 0.97,
                f"{accuracy['with attention']:.3f}",
            ),
            Check(
                "out[:, -1] of the backward half knows nothing of the first token, out[:, 0] does",
                bool(moved[-1, 0] == 0 < moved[0, 0]),
                f"another first token moves them by {moved[-1, 0]:.2f} and {moved[0, 0]:.2f}",
            ),
        ],
        said=[
            "Stacked and multi-layer are two words for one network: Network(num_layers=2).",
            "pooling='last' takes each direction where it has read everything: the backward half "
            "at the first step.",
        ],
        picture=picture,
    )
