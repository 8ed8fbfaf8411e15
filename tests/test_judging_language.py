"""What is said of a language model, by hand."""

from __future__ import annotations

import json
import math

import pytest

from gatewise.errors import DataError
from gatewise.judging.language import LanguageEvaluation


def evaluation(nats, unigram=3.3, fivegram=1.9, characters=10_000, tokens=5_000, **chosen):
    each = {"network": nats, "unigram": unigram, "5-gram": fivegram}
    return LanguageEvaluation(
        {name: value * characters for name, value in each.items()}, tokens, characters, **chosen
    )


def test_scores_by_hand():
    score = evaluation(1.5).scores()["network"]
    assert score["nats per character"] == pytest.approx(1.5)
    assert score["bits per character"] == pytest.approx(1.5 / math.log(2))
    assert score["perplexity per token"] == pytest.approx(math.exp(3.0))


@pytest.mark.parametrize(
    ("nats", "standing", "words"),
    [
        (1.52, "beats", "1.520 nats per character against 1.900 of the 5-gram model, the best of"),
        (1.52, "beats", "20.0 % fewer"),
        (1.88, "level", "is level with the 5-gram model, the best baseline, on 10,000 characters"),
        (1.93, "level", "adds next to nothing over counting"),
        (2.09, "loses", "LOSES to the 5-gram model on 10,000 characters: 2.090 nats"),
        (2.09, "loses", "10.0 % more"),
        (3.29, "loses", "Nothing was learnt: on 10,000 characters the network tells no"),
        (3.29, "loses", "There is something to learn: the 5-gram model has 1.900."),
        (math.nan, "loses", "are not finite numbers"),
        (math.inf, "loses", "are not finite numbers"),
    ],
)
def test_the_verdict_is_that_of_the_scores(nats, standing, words):
    made = evaluation(nats)
    assert made.standing() == standing
    assert words in made.verdict()
    assert made.verdict() in repr(made)
    json.dumps(made.to_dict(), allow_nan=False)


def test_noise_gives_that_nothing_was_learnt():
    made = evaluation(3.30, 3.30, 3.31)
    assert made.standing() == "level"
    assert made.verdict().startswith("Nothing was learnt")
    assert "There is something" not in made.verdict()


def test_a_short_text_and_a_remark_are_told():
    made = evaluation(1.5, characters=300, tokens=300, remark="It rained.")
    assert made.verdict().endswith(
        "A text of 300 characters is short: another may differ. It rained."
    )


def test_what_does_not_fit_is_refused():
    with pytest.raises(DataError, match="held-out text is empty"):
        evaluation(1.5, characters=0)
    with pytest.raises(DataError, match="'network' and of a baseline; received network"):
        LanguageEvaluation({"network": 3.0}, 1, 1)
