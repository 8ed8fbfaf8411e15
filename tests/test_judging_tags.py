"""What is said of a tagger, against seqeval and scikit-learn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval import metrics as seqeval
from sklearn.metrics import f1_score

from gatewise.errors import DataError
from gatewise.judging.tags import TagEvaluation

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def sentences(n=60, seed=0):
    """Sentences whose names are two tokens long, and their tags."""
    rng = np.random.default_rng(seed)
    tokens, tags = [], []
    for _ in range(n):
        words, own = [], []
        for _ in range(rng.integers(1, 5)):
            kind = rng.choice(["PER", "LOC", "O"])
            if kind == "O":
                words += ["the"]
                own += ["O"]
            else:
                words += [f"{kind}{rng.integers(9)}", "son"]
                own += [f"B-{kind}", f"I-{kind}"]
        tokens.append(words)
        tags.append(own)
    return tokens, tags


def spoilt(tags, share, seed=1):
    rng = np.random.default_rng(seed)
    return [[str(rng.choice(TAGS)) if rng.random() < share else t for t in own] for own in tags]


def evaluation(share, rival, **chosen):
    tokens, tags = sentences()
    told = {"network": spoilt(tags, share), "most frequent": spoilt(tags, rival, 2)}
    return TagEvaluation(**{"sentences": tokens, "truth": tags, "told": told, **chosen})


tag_lists = st.lists(
    st.lists(st.sampled_from(TAGS), min_size=1, max_size=8), min_size=1, max_size=6
)


@given(tag_lists, st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_scores_are_seqevals(truth, seed):
    told = spoilt(truth, 0.4, seed)
    made = TagEvaluation(truth, truth, {"network": told, "itself": truth})
    score = made.scores()["network"]
    assert score["entity F1"] == pytest.approx(seqeval.f1_score(truth, told, zero_division=0))
    precision = seqeval.precision_score(truth, told, zero_division=0)
    assert score["precision"] == pytest.approx(precision)
    assert score["recall"] == pytest.approx(seqeval.recall_score(truth, told, zero_division=0))
    assert score["token accuracy"] == pytest.approx(seqeval.accuracy_score(truth, told))
    for of, own in made.by_type().items():
        hits, said, there = 0, 0, 0
        for pair in zip(truth, told, strict=True):
            a, b = (
                {s for s in map(tuple, seqeval.sequence_labeling.get_entities(tags)) if s[0] == of}
                for tags in pair
            )
            hits, said, there = hits + len(a & b), said + len(b), there + len(a)
        assert own["support"] == there
        assert own["F1"] == pytest.approx(2 * hits / (said + there))


def test_an_entity_counts_by_hand():
    truth = [["B-PER", "I-PER", "O", "B-LOC"]]
    told = [["B-PER", "I-PER", "O", "B-PER"]]
    made = TagEvaluation([list("abcd")], truth, {"network": told, "same": truth})
    assert made.scores()["network"] == {
        "entity F1": 0.5,
        "precision": 0.5,
        "recall": 0.5,
        "token accuracy": 0.75,
    }
    assert made.by_type()["LOC"]["recall"] == 0.0
    assert made.by_type()["PER"]["precision"] == 0.5


@pytest.mark.parametrize(
    ("share", "rival", "standing", "words"),
    [
        (
            0.05,
            0.6,
            "beats",
            "beats most frequent, the only baseline here, on these 60 sentences: entity F1 0.",
        ),
        (0.2, 0.2, "level", "is level with most frequent"),
        (0.6, 0.05, "loses", "LOSES to most frequent on these 60 sentences"),
    ],
)
def test_the_verdict_is_that_of_the_scores(share, rival, standing, words):
    made = evaluation(share, rival)
    assert made.standing() == standing
    assert words in made.verdict()
    assert "randomization test" in made.verdict()
    assert made.verdict() in repr(made)
    json.dumps(made.to_dict(), allow_nan=False)


def test_a_network_that_finds_no_entity_has_learnt_nothing():
    tokens, tags = sentences()
    nothing = [["O"] * len(own) for own in tags]
    made = TagEvaluation(tokens, tags, {"network": nothing, "rival": spoilt(tags, 0.2)})
    assert "Nothing was learnt: on these 60 sentences the network tags every token 'O'" in (
        made.verdict()
    )
    assert made.scores()["network"]["entity F1"] == 0.0
    assert made.standing() == "loses"


def test_random_tags_are_nothing_learnt():
    _, tags = sentences()
    made = evaluation(1.0, 1.0, truth=spoilt(tags, 1.0, 5))
    assert "dealt out blindly agree with the truth as well" in made.verdict()
    assert made.standing() == "level"


def test_no_entities_anywhere_are_no_trouble():
    truth = [["O", "O"], ["O"]]
    made = TagEvaluation([["a", "b"], ["c"]], truth, {"network": truth, "rival": truth})
    assert made.scores()["network"]["entity F1"] == 0.0
    assert made.by_type() == {}
    json.dumps(made.to_dict(), allow_nan=False)


def test_tags_that_mark_no_spans_are_scored_one_by_one():
    rng = np.random.default_rng(0)
    truth = [[str(t) for t in rng.choice(["NOUN", "VERB", "I"], 6)] for _ in range(40)]
    told = [[t if rng.random() < 0.9 else "VERB" for t in own] for own in truth]
    always = [["NOUN"] * 6 for _ in truth]
    made = TagEvaluation(truth, truth, {"network": told, "always": always})
    flat = [[tag for own in tags for tag in own] for tags in (truth, told)]
    score = made.scores()["network"]
    assert made.ranked_by == "token accuracy"
    assert score["macro-F1"] == pytest.approx(f1_score(*flat, average="macro"))
    assert score["token accuracy"] == pytest.approx(np.mean(np.array(truth) == np.array(told)))
    assert "beats always, the only baseline" in made.verdict()
    assert made.worst_sentences(1)[0].wrong >= made.worst_sentences(2)[1].wrong


def test_the_worst_sentences_have_most_wrong_spans():
    truth = [["B-PER"], ["B-PER", "B-LOC"], ["O"]]
    told = [["B-LOC"], ["O", "O"], ["O"]]
    made = TagEvaluation([["a"], ["b", "c"], ["d"]], truth, {"network": told, "same": truth})
    found = made.worst_sentences()
    assert [(w.row, w.wrong) for w in found] == [(0, 2), (1, 2)]
    assert found[1].tokens == ("b", "c")
    assert found[0].told == ("B-LOC",)


def test_what_does_not_fit_is_refused():
    tokens, tags = sentences(3)
    with pytest.raises(DataError, match="network must have a tag for each token"):
        TagEvaluation(tokens, tags, {"network": tags[:2], "rival": tags})
    with pytest.raises(DataError, match="a verdict needs the tags of 'network'"):
        TagEvaluation(tokens, tags, {"rival": tags})
    with pytest.raises(DataError, match="no tokens to judge"):
        TagEvaluation([], [], {"network": [], "rival": []})


def test_a_comparison_does_not_count_the_tokens_anew_in_each_round(monkeypatch):
    truth = [["X", "Y", "X"]] * 40
    told = {"network": [["X", "Y", "Y"]] * 40, "other": [["X", "X", "Y"]] * 40}
    evaluation = TagEvaluation([["a", "b", "c"]] * 40, truth, told)
    flat, calls = TagEvaluation._flat, []
    monkeypatch.setattr(TagEvaluation, "_flat", lambda *own: (calls.append(1), flat(*own))[1])
    assert evaluation.comparison.own == pytest.approx(2 / 3)
    assert len(calls) < 20
