"""Classifiers, taggers, generators and translators that go on from a fitted one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gatewise as gw
from gatewise.cli import main
from gatewise.errors import DataError, UsageError
from gatewise.tasks import committee
from gatewise.training import fit

STEADY = gw.Training(
    epochs=2, batch_size=8, learning_rate=3e-3, schedule="constant", warmup_epochs=0, patience=None
)
MORE = gw.Training(epochs=3)
WHOLE = STEADY.replace(epochs=5)
WORDS = {"good": ["warm", "kind", "bright", "fine"], "bad": ["cold", "rude", "dull", "poor"]}


def reviews(count: int = 60, seed: int = 0) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(seed)
    labels = [("good", "bad")[i] for i in rng.integers(0, 2, count)]
    texts = [
        " ".join([*rng.choice(WORDS[label], 3), "room", str(rng.integers(1000))])
        for label in labels
    ]
    return texts, labels


def sentences(count: int = 60, seed: int = 0) -> tuple[list[list[str]], list[list[str]]]:
    rng = np.random.default_rng(seed)
    tokens = [[f"w{i}" for i in rng.integers(0, 30, rng.integers(2, 7))] for _ in range(count)]
    return tokens, [["EVEN" if int(t[1:]) % 2 == 0 else "ODD" for t in row] for row in tokens]


def pairs(count: int = 60, seed: int = 0) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(seed)
    sources = ["".join(rng.choice(list("abcdef"), rng.integers(2, 6))) for _ in range(count)]
    return sources, [source[::-1] for source in sources]


STORY = "the cat sat on the mat. a dog ran in the fog. " * 20
SMALL = gw.Network(hidden_size=6, embedding_size=6)


def classifier(**chosen: Any) -> gw.Classifier:
    fields = {"network": SMALL, "training": STEADY, "validation": 0, "members": 2, "verbose": 0}
    return gw.Classifier(**{**fields, **chosen})


def tagger(**chosen: Any) -> gw.Tagger:
    fields = {"network": SMALL, "training": STEADY, "validation": 0, "verbose": 0}
    return gw.Tagger(**{**fields, **chosen})


def generator(**chosen: Any) -> gw.Generator:
    fields = {"network": SMALL, "training": STEADY, "validation": 0, "verbose": 0}
    return gw.Generator(**{**fields, **chosen})


def translator(**chosen: Any) -> gw.Translator:
    fields = {"network": SMALL, "training": STEADY, "validation": 0, "verbose": 0, "unit": "char"}
    return gw.Translator(**{**fields, **chosen})


TASKS = {
    "classifier": (classifier, reviews()),
    "tagger": (tagger, sentences()),
    "generator": (generator, (STORY,)),
    "translator": (translator, pairs()),
}
ON = {  # with no more said than what differs
    "classifier": gw.Classifier,
    "tagger": gw.Tagger,
    "generator": gw.Generator,
    "translator": gw.Translator,
}


def same(left: Any, right: Any) -> bool:
    """Bit by bit."""
    return left.keys() == right.keys() and all(np.array_equal(left[n], right[n]) for n in left)


@pytest.mark.parametrize("task", TASKS)
def test_two_runs_are_one_long_run_bit_by_bit(task: str) -> None:
    made, data = TASKS[task]
    first = made().fit(*data)
    second = ON[task](training=MORE, validation=0, verbose=0).fit(*data, start=first)
    whole = made(training=WHOLE).fit(*data)
    assert same(second.weights_, whole.weights_)
    assert second.graphs_ == whole.graphs_
    for own, theirs in zip(second.optimizer_states_, whole.optimizer_states_, strict=True):
        assert same(own, theirs)
    assert second.training_ == WHOLE.replace(**{**second.training_.chosen(), "epochs": 3})
    assert [record.epoch for record in second.history_.records] == [1, 2, 3]
    assert second.began_["epochs"] == 2
    assert any(
        note.startswith("training goes on from a model of torch")
        and note.endswith("2 epochs on; the optimizer goes on")
        for note in second.notes_
    )


@pytest.mark.parametrize("task", TASKS)
def test_from_a_folder_the_weights_go_on_and_it_is_remembered(task: str, tmp_path: Path) -> None:
    made, data = TASKS[task]
    first = made().fit(*data)
    first.save(tmp_path / "old")
    slow = gw.Training(epochs=1, learning_rate=1e-12)
    second = ON[task](training=slow, verbose=0, validation=0).fit(*data, start=tmp_path / "old")
    for name, weight in first.weights_.items():
        np.testing.assert_allclose(second.weights_[name], weight, rtol=0, atol=1e-6)
    second.save(tmp_path / "new")
    again = gw.load(tmp_path / "new")
    assert again.began_ == second.began_
    told = again.summary()["Training"]["goes on from"]
    assert "the optimizer begins anew: a saved model does not hold its state" in told
    assert set(first.known_) <= set(again.known_)


@pytest.mark.parametrize("task", TASKS)
def test_contradictions_are_refused_by_name(task: str) -> None:
    made, data = TASKS[task]
    first = made().fit(*data)
    other = gw.Network(cell="gru", hidden_size=6, embedding_size=9)
    with pytest.raises(UsageError, match="network cell lstm, not gru") as caught:
        made(network=other).fit(*data, start=first)
    assert "embedding_size 6, not 9" in str(caught.value)
    assert "hidden_size" not in str(caught.value)
    with pytest.raises(UsageError, match="start must be a fitted"):
        made().fit(*data, start=gw.Forecaster(3))


def test_arguments_that_contradict_are_named() -> None:
    texts, labels = reviews()
    first = classifier().fit(texts, labels)
    with pytest.raises(UsageError) as caught:
        classifier(members=3, unit="char", ngrams=1, multi_label=True).fit(
            texts, labels, start=first
        )
    for part in ("members 2, not 3", "unit word, not char", "ngrams 2, not 1", "multi_label off"):
        assert part in str(caught.value)
    story = generator().fit(STORY)
    with pytest.raises(UsageError, match="unit char, not word"):
        generator(unit="word").fit(STORY, start=story)
    with pytest.raises(DataError, match="learnt one long text"):
        generator().fit([STORY, STORY], start=story)
    turned = translator().fit(*pairs())
    with pytest.raises(UsageError, match="attention additive, not none"):
        translator(attention="none").fit(*pairs(), start=turned)
    with pytest.raises(DataError, match="targets of the model to go on from are texts"):
        translator().fit(pairs()[0], [list(t) for t in pairs()[1]], start=turned)


def test_new_labels_and_tags_are_refused() -> None:
    texts, labels = reviews()
    first = classifier().fit(texts, labels)
    with pytest.raises(DataError, match=r"label 'god' \(1 time\).*did you mean 'good'"):
        classifier().fit(texts, [*labels[:-1], "god"], start=first)
    tokens, tags = sentences()
    old = tagger().fit(tokens, tags)
    with pytest.raises(DataError, match="tag 'ODDS'"):
        tagger().fit(tokens, [["ODDS"] * len(tokens[0]), *tags[1:]], start=old)
    with pytest.raises(DataError, match="the model reads texts, but these are lists of tokens"):
        classifier().fit([text.split() for text in texts], labels, start=first)


def test_one_class_is_enough_to_learn_more_of() -> None:
    texts, labels = reviews()
    first = classifier().fit(texts, labels)
    good = [text for text, label in zip(texts, labels, strict=True) if label == "good"]
    second = classifier().fit(good, ["good"] * len(good), start=first)
    assert second.classes_.tolist() == first.classes_.tolist()
    assert second.predict_proba(good)[:, 1].mean() > first.predict_proba(good)[:, 1].mean()


def test_members_go_on_from_what_training_left_not_from_cooled_heads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left: list[dict[str, Any]] = []
    calibrated = committee.calibrated

    def watched(spec: Any, members: Any, held: Any) -> Any:
        left.append([member.weights for member in members])
        return calibrated(spec, members, held)

    monkeypatch.setattr("gatewise.tasks.classifier.calibrated", watched)
    texts, labels = reviews(300)
    labels[::7] = ["good"] * len(labels[::7])  # so that some are told wrong
    first = classifier(validation=0.3, training=STEADY.replace(epochs=6)).fit(texts, labels)
    assert first.temperature_ != 1.0
    begins: list[Any] = []

    def told(engine: Any, *arguments: Any, **named: Any) -> Any:
        begins.append(engine.get_weights())
        return fit(engine, *arguments, **named)

    monkeypatch.setattr("gatewise.tasks.learning.fit", told)
    classifier(validation=0.3, training=MORE).fit(texts, labels, start=first)
    for begin, own in zip(begins, left[0], strict=True):
        for name, weight in own.items():
            np.testing.assert_allclose(begin[name], weight, rtol=1e-6)


def test_what_either_learnt_from_is_known_again() -> None:
    old_texts, old_labels = reviews(seed=1)
    new_texts, new_labels = reviews(seed=2)
    first = classifier().fit(old_texts, old_labels)
    second = classifier(validation=0.2).fit(
        [*new_texts, *old_texts], [*new_labels, *old_labels], start=first
    )
    assert any("of the" in n and "validation examples: they" in n for n in second.notes_)
    second = classifier().fit(new_texts, new_labels, start=first)
    told = str(second.evaluate(old_texts, old_labels))
    assert "were among what was learnt from" in told
    assert "The baselines learnt from the new examples alone" in told


def test_what_the_old_vocabulary_lacks_is_told() -> None:
    texts, labels = reviews()
    first = classifier().fit(texts, labels)
    strange = [f"{text} zebra quartz" for text in texts]
    second = classifier().fit(strange, labels, start=first)
    assert any("are not in the vocabulary of that model" in note for note in second.notes_)


def test_answers_may_be_as_long_as_those_of_either_model() -> None:
    first = translator().fit(["abc" * 5] * 30, ["abc" * 5] * 30)
    second = translator().fit(*pairs(), start=first)
    assert second.data_["reach"][-1] == [15, 15]
    assert second.data_["reach"][0] == translator().fit(*pairs()).data_["reach"][0]


def test_the_command_lines_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    texts, labels = reviews()
    rows = "\n".join(f"{text}\t{label}" for text, label in zip(texts, labels, strict=True))
    (tmp_path / "reviews.tsv").write_text(f"text\tlabel\n{rows}\n")
    (tmp_path / "story.txt").write_text(STORY)
    tokens, tags = sentences()
    (tmp_path / "tags.conll").write_text(
        "\n".join(
            "".join(f"{t}\t{g}\n" for t, g in zip(row, own, strict=True))
            for row, own in zip(tokens, tags, strict=True)
        )
    )
    turned = "\n".join("\t".join(pair) for pair in zip(*pairs(), strict=True))
    (tmp_path / "pairs.tsv").write_text(turned + "\n")
    small = ["--quiet", "--epochs", "1", "--hidden-size", "6", "--embedding-size", "6"]
    for verb, data in (
        ("classify", "reviews.tsv"),
        ("generate", "story.txt"),
        ("tag", "tags.conll"),
        ("translate", "pairs.tsv"),
    ):
        assert main([verb, data, *small, "--out", "old"]) == 0
        on = ["--start", "old/model", "--epochs", "1", "--quiet", "--out", "new"]
        assert main([verb, data, *on]) == 0
        told = json.loads((tmp_path / "new/metrics.json").read_text())
        assert any("training goes on from a model of torch" in note for note in told["notes"])
        assert told["settings"]["start"] == "old/model"
        assert main([verb, data, "--config", "new/metrics.json", "--quiet", "--out", "again"]) == 0
        again = json.loads((tmp_path / "again/metrics.json").read_text())
        assert again["evaluation"] == told["evaluation"]
        assert main([verb, data, *on, "--cell", "gru"]) == 2
