"""How a word is said, from how it is spelt

Data   Quick: 2,000 made-up words of a spelling with rules: two letters for one sound, c before e
       and i, a silent e that makes a vowel long. In full: the words of CMUdict that
       are letters alone, and their phones without stress; all sounds of a word are on one side of
       the split.
Trap   Letters are looked up one by one, although what a letter says depends on its neighbours; a
       word with two sounds stands in training and in the test part, and counts as known.
Right  Made-up words: at least 95 % said right in all sounds. Real words: at most three in ten
       wrong, where the nearest known word is nearly always wrong.
"""

import numpy as np
import pandas as pd

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome

QUICK = gw.Training(epochs=10, learning_rate=1e-2)
FULL = gw.Training(epochs=6, batch_size=256, learning_rate=5e-3)


def run(ask: Ask) -> Outcome:
    """Letters in, sounds out."""
    if ask.quick:
        made = gw.toys.spelling_pairs(2000, seed=ask.seed)
        frame = pd.DataFrame({"source": made.sources, "target": made.targets})
        count, training, most = 300, QUICK, 0.05
    else:
        frame = gw.datasets.real("cmudict", ask.data).whole
        frame = frame[frame["source"].str.fullmatch("[a-z]+")]
        frame["target"] = frame["target"].str.replace(r"\d", "", regex=True)  # the stress
        count, training, most = 3000, FULL, 0.3
    words = np.random.default_rng(ask.seed).permutation(frame["source"].unique())
    new = frame["source"].isin(words[:count])
    letters, sounds = frame["source"].map(list), frame["target"].str.split()

    network = gw.Network(hidden_size=64 if ask.quick else 128)
    model = gw.Translator(network=network, training=training, **ask.how)
    model.fit(letters[~new].tolist(), sounds[~new].tolist())
    first = new & ~frame["source"].duplicated()
    judged = model.evaluate(letters[first].tolist(), sounds[first].tolist())

    allowed = sounds[new].groupby(frame["source"][new]).agg(list)  # any of its sounds is right
    scores = {}
    for name, told in judged.told.items():
        pairs = list(zip(frame["source"][first], told, strict=True))
        wrong = [min(_edits(list(said), right) for right in allowed[word]) for word, said in pairs]
        scores[name] = {
            "words wrong": float(np.mean(np.array(wrong) > 0)),
            "sounds wrong": sum(wrong) / sum(map(len, sounds[first])),
        }
    missed = scores["network"]["words wrong"]

    picture, (left, right) = pictures.figure(2)
    looked = model.align(list(words[0]))
    left.imshow(looked.weights, cmap="Blues", vmin=0, vmax=1)
    left.set_xticks(range(len(looked.source)), looked.source)
    left.set_yticks(range(len(looked.target)), looked.target)
    left.set(xlabel="spelt", ylabel="said", title="where each sound comes from")
    left.grid(visible=False)
    wrong_words = {name: score["words wrong"] for name, score in scores.items()}
    pictures.bars(right, wrong_words, title="words wrong", form="{:.1%}")
    return Outcome(
        scores=scores,
        split=f"{len(words) - count:,} words learnt from, {count:,} others judged",
        checks=[Check(f"at most {most:.0%} of the words wrong", missed <= most, f"{missed:.1%}")],
        said=[judged.verdict(), f"'{words[0]}' is said {' '.join(looked.target)}."],
        picture=picture,
    )


def _edits(told: list[str], right: list[str]) -> int:
    """Sounds to insert, leave out or replace (Levenshtein)."""
    row = list(range(len(right) + 1))
    for i, one in enumerate(told, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(right, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (one != other))
    return row[-1]
