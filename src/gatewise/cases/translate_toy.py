"""Numbers, dates and, in full, Chinese sentences, translated

Data   Made: 'three hundred and five' and '3 0 5', dates in five ways and '2019-03-07'; no source
       twice. In full also short Chinese sentences and their English ones (Tatoeba); all pairs of a
       Chinese sentence are on one side of the split.
Trap   Trained on random pairs, where there is nothing to learn: the loss stays where it began. The
       decoder takes one sentence at a time, 52 ms for each token.
Right  A rule that can be learnt is learnt, on pairs of unequal length; many sources are answered at
       once, with the answers that each gets alone; real sentences have a BLEU beside baselines.
"""

import time
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import gatewise as gw
from gatewise.cases import pictures
from gatewise.cases.case import Ask, Check, Outcome

SMALL = gw.Network(hidden_size=64)
FAST = gw.Training(epochs=10, learning_rate=2e-2)


def run(ask: Ask) -> Outcome:
    """One translator for each kind of pairs; then how dates are answered alone and in a batch."""
    known, new, highest = (1000, 200, 9999) if ask.quick else (5000, 1000, 999_999)
    # in full the translator chooses by itself
    chosen: dict[str, Any] = {"network": SMALL, "training": FAST} if ask.quick else {}
    made = {
        "numbers": gw.toys.number_pairs(known + new, highest, seed=ask.seed),
        "dates": gw.toys.date_pairs(known + new, seed=ask.seed),
    }
    bar = 0.95 if ask.quick else 0.99
    scores: dict[str, dict[str, float]] = {}
    checks, said = [], []
    for kind, pairs in made.items():
        model = gw.Translator(**chosen, **ask.how)
        model.fit(pairs.sources[:known], pairs.targets[:known])
        judged = model.evaluate(pairs.sources[known:], pairs.targets[known:])
        for who, score in judged.scores().items():
            scores.setdefault(who, {})[f"{kind}, exact"] = score["exact match"]
        share = judged.scores()["network"]["exact match"]
        checks.append(Check(f"{kind}: at least {bar:.0%} exact", share >= bar, f"{share:.1%}"))
    dates = model

    asked = pairs.sources[known : known + 100]
    seconds = [time.perf_counter()]
    alone = [dates.translate([one])[0] for one in asked]
    seconds.append(time.perf_counter())
    together = dates.translate(asked)
    seconds.append(time.perf_counter())
    slow, fast = 1e3 * np.diff(seconds) / sum(map(len, together))  # ms a character
    said.append(f"Dates, beam of 4: {slow:.2f} ms a character alone, {fast:.2f} ms in a batch.")
    other = sum(a != b for a, b in zip(alone, together, strict=True))
    differ = f"{other} of {len(asked)} differ"
    checks.append(Check("a batch gives the answers that each gets alone", not other, differ))

    split = f"{known:,} pairs of each kind learnt from, {new:,} others judged"
    if not ask.quick:
        judged = _chinese(ask)
        split += f"; of Chinese {judged.facts['learnt from']:,} and {len(judged.sources):,}"
        for who, score in judged.scores().items():
            scores[who]["Chinese, BLEU"] = score["BLEU"]
        figure = f"BLEU {judged.scores()['network']['BLEU']:.1f}"
        checks.append(Check("Chinese: beats its baselines", judged.standing() == "beats", figure))
        said.append(judged.verdict())

    return Outcome(
        scores=scores,
        split=split,
        checks=checks,
        said=said,
        picture=_picture(dates.align("7 March 2019"), scores),
    )


def _chinese(ask: Ask) -> Any:
    """Sentences of up to twelve characters: judged on a thousand that were not learnt from."""
    frame = gw.datasets.real("cmn-eng", ask.data).whole
    frame = frame.set_axis(["english", "chinese"], axis=1)
    frame = frame[frame["chinese"].str.len() <= 12]
    sentences = np.random.default_rng(ask.seed).permutation(frame["chinese"].unique())
    new = frame["chinese"].isin(sentences[:1000])
    known, judged = frame[~new], frame[new].drop_duplicates("chinese")
    model = gw.Translator(training=gw.Training(epochs=12), **ask.how)
    model.fit(known["chinese"], known["english"])
    return model.evaluate(judged["chinese"], judged["english"])


def _picture(looked: Any, scores: dict[str, dict[str, float]]) -> Figure:
    """Where each character of a date comes from; bars for each score."""
    metrics = list(scores["network"])
    picture, (left, *panels) = pictures.figure(1 + len(metrics))
    left.imshow(looked.weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    left.set_xticks(range(len(looked.source)), looked.source, fontsize=7)
    left.set_yticks(range(len(looked.target)), looked.target, fontsize=7)
    left.set(xlabel="read", ylabel="written", title="where it looked")
    left.grid(visible=False)
    for axes, metric in zip(panels, metrics, strict=True):
        pictures.bars(axes, {who: row[metric] for who, row in scores.items()}, title=metric)
        axes.margins(x=0.3)  # room for the figures
        if axes is not panels[0]:
            axes.set_yticklabels([])
    return picture
