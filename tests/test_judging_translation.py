"""What is said of a translator, against sacrebleu."""

from __future__ import annotations

import json

import numpy as np
import pytest
import sacrebleu

from gatewise.errors import DataError
from gatewise.judging.translation import TranslationEvaluation

WORDS = ["ash", "birch", "cedar", "dogwood", "elm", "fir", "ginkgo", "hazel", "juniper"]


def texts(n=80, seed=0, words=WORDS, between=" "):
    rng = np.random.default_rng(seed)
    return [between.join(rng.choice(words, rng.integers(5, 9))) for _ in range(n)]


def spoilt(references, share, seed=1, words=WORDS, between=" "):
    rng = np.random.default_rng(seed)
    cut = (text.split(between) if between else list(text) for text in references)
    return [
        between.join(str(rng.choice(words)) if rng.random() < share else w for w in own)
        for own in cut
    ]


def evaluation(share, rival, **chosen):
    references = texts()
    told = {"network": spoilt(references, share), "copy": spoilt(references, rival, 2)}
    fields = {"sources": texts(seed=3), "references": references, "told": told}
    return TranslationEvaluation(**{**fields, **chosen})


def test_scores_are_sacrebleus():
    made = evaluation(0.2, 0.5)
    told, references = made.told["network"], made.references
    score = made.scores()["network"]
    bleu = sacrebleu.corpus_bleu(told, [references])
    assert score["BLEU"] == pytest.approx(bleu.score)
    assert score["chrF"] == pytest.approx(sacrebleu.corpus_chrf(told, [references]).score)
    assert score["exact match"] == np.mean([a == b for a, b in zip(told, references, strict=True)])
    assert made.signatures()["BLEU"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp")
    assert "chrF2" in made.signatures()["chrF"] or "nc:6" in made.signatures()["chrF"]
    sums = made._sums("network").sum(axis=0)
    assert made._from_sums(sums) == pytest.approx(bleu.score)


@pytest.mark.parametrize(
    ("share", "rival", "standing", "words"),
    [
        (0.1, 0.5, "beats", "beats copy, the only baseline here, on these 80 pairs: BLEU "),
        (0.3, 0.3, "level", "level with copy, the best baseline, on these 80 pairs"),
        (0.5, 0.1, "loses", "LOSES to copy on these 80 pairs: BLEU "),
    ],
)
def test_the_verdict_is_that_of_the_scores(share, rival, standing, words):
    made = evaluation(share, rival)
    assert made.standing() == standing
    assert words in made.verdict()
    assert made.verdict() in repr(made)
    json.dumps(made.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        (["the cat sat on the mat today", "a dog barked at the tall postman"], "13a"),
        (["yes please", "no"], "char"),
        (["山上有很多大树", "河里有三条鱼"], "zh"),
        (["やまのうえにきがある", "魚がいます"], "char"),
        ([[1, 2, 3], [4]], "none"),
        ([["a", "b"], ["c"]], "none"),
    ],
)
def test_how_bleu_is_cut(references, expected):
    made = TranslationEvaluation(
        references, references, {"network": references, "other": references[::-1]}
    )
    assert made.tokenize == expected
    assert f"tok:{expected}" in made.signatures()["BLEU"]
    assert made.scores()["network"]["exact match"] == 1.0
    assert made.scores()["network"]["token accuracy"] == 1.0


def test_chinese_is_scored_by_character():
    words = list("山水火木金土日月")
    references = texts(words=words, between="")
    told = spoilt(references, 0.2, words=words, between="")
    made = TranslationEvaluation(references, references, {"network": told, "copy": references})
    theirs = sacrebleu.corpus_bleu(told, [references], tokenize="zh").score
    assert made.scores()["network"]["BLEU"] == pytest.approx(theirs)


def test_lists_of_tokens_are_ranked_by_exact_match():
    rng = np.random.default_rng(0)
    sources = [rng.integers(1, 10, 5).tolist() for _ in range(200)]
    references = [s[::-1] for s in sources]
    told = [r if rng.random() < 0.95 else r[:-1] for r in references]
    made = TranslationEvaluation(sources, references, {"network": told, "copy": sources})
    assert made.ranked_by == "exact match"
    assert "exact match 0.9" in made.verdict()
    assert "exact McNemar test" in made.verdict()
    wrong = sum(len(t) == 4 for t in told)
    score = made.scores()["network"]
    assert score["exact match"] == 1 - wrong / 200
    assert score["token accuracy"] == pytest.approx((1000 - wrong) / 1000)
    assert len(made.worst(100)) == wrong
    assert made.worst(1)[0].score == pytest.approx(0.8)
    json.dumps(made.to_dict(), allow_nan=False)


def test_one_answer_to_everything_is_nothing_learnt():
    made = evaluation(0.1, 0.5)
    same = {**made.told, "network": [made.references[0]] * 80}
    made = evaluation(0.1, 0.5, told=same, remark="It rained.")
    assert "Nothing was learnt: on these 80 pairs the network answers '" in made.verdict()
    assert made.verdict().endswith("It rained.")
    assert made.standing() != "beats"


def test_empty_answers_are_judged():
    made = evaluation(0.1, 0.5, told={"network": [""] * 80, "copy": texts()})
    assert made.scores()["network"]["BLEU"] == 0.0
    assert made.standing() == "loses"


def test_the_worst_examples_are_wrong_and_come_first():
    made = evaluation(0.1, 0.5)
    worst = made.worst(5)
    assert [w.score for w in worst] == sorted(w.score for w in worst)
    assert all(w.told != w.reference for w in worst)
    score = sacrebleu.sentence_chrf(worst[0].told, [worst[0].reference]).score
    assert worst[0].score == pytest.approx(score)


def test_what_does_not_fit_is_refused():
    with pytest.raises(DataError, match="network: 2 translations of 80 sources"):
        evaluation(0, 0, told={"network": ["a", "b"], "copy": texts()})
    with pytest.raises(DataError, match="a verdict needs the translations of 'network'"):
        evaluation(0, 0, told={"copy": texts()})
    with pytest.raises(DataError, match="no translations to judge"):
        evaluation(0, 0, sources=[], references=[], told={"network": [], "copy": []})


def test_texts_too_short_for_bleu_are_ranked_by_exact_match():
    sources = [str(number) for number in range(40)]
    references = [f"n{number}" for number in range(40)]
    told = {"network": [*references[:35], *["x"] * 5], "copy of the source": sources}
    found = TranslationEvaluation(sources=sources, references=references, told=told)
    assert found.scores()["network"]["BLEU"] == 0
    assert found.ranked_by == "exact match"
    assert found.standing() == "beats"
