"""The classifier from lists and frames to answers that do not depend on company."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

import gatewise as gw
from gatewise.batch import Batch
from gatewise.engines.onnx.engine import Engine as Runner
from gatewise.engines.onnx.engine import build_graphs
from gatewise.errors import DataError, UsageError
from gatewise.judging.calibration import fit_temperature
from gatewise.tasks.committee import Committee
from gatewise.training import Nobody
from gatewise.weights import initial

FILLER = ("the", "room", "was", "food", "staff", "very", "bed", "and", "we", "view")
SMALL = gw.Network(hidden_size=16, embedding_size=16, input_dropout=0.1, dropout=0.1)
QUICK = gw.Training(epochs=12, batch_size=16, learning_rate=1e-2, weight_averaging=0.9)


def reviews(count, seed=0, words=("good", "bad")):
    """Sentences in which one word decides, wherever it stands."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(count):
        label = int(rng.integers(len(words)))
        tokens = rng.choice(FILLER, rng.integers(2, 12)).tolist()
        tokens.insert(rng.integers(len(tokens) + 1), words[label])
        texts.append(" ".join(tokens))
        labels.append(words[label])
    return texts, labels


def classifier(**options):
    return gw.Classifier(
        **{"verbose": 0, "members": 1, "network": SMALL, "training": QUICK, **options}
    )


@pytest.fixture(scope="module")
def trained():
    return classifier().fit(*reviews(300))


@pytest.fixture(scope="module")
def new():
    return reviews(100, seed=1)


def test_it_learns_what_one_word_decides(trained, new):
    texts, labels = new
    assert trained.classes_.tolist() == ["bad", "good"]
    assert np.mean(trained.predict(texts) == np.array(labels)) >= 0.97
    evaluation = trained.evaluate(texts, labels)
    assert set(evaluation.probabilities) == {
        "network",
        "most frequent class",
        "TF-IDF + logistic regression",
    }


def test_probabilities_are_those_of_each_text_alone_in_any_order(trained, new):
    texts, _ = new
    together = trained.predict_proba(texts)
    np.testing.assert_allclose(together.sum(axis=1), 1)
    order = np.random.default_rng(0).permutation(len(texts))
    np.testing.assert_allclose(
        trained.predict_proba([texts[i] for i in order]), together[order], atol=1e-6
    )
    for i in range(0, 100, 17):
        np.testing.assert_allclose(trained.predict_proba([texts[i]])[0], together[i], atol=1e-6)


def test_a_saved_model_answers_alike_and_keeps_its_baselines(trained, new, tmp_path):
    texts, labels = new
    judged = trained.evaluate(texts, labels).scores()
    trained.save(tmp_path / "model")
    loaded = gw.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(texts), trained.predict_proba(texts))
    again = loaded.evaluate(texts, labels).scores()
    for who, scores in judged.items():
        assert again[who] == pytest.approx(scores, abs=1e-5)
    assert loaded.summary() == trained.summary()
    assert loaded.get_params(deep=False) == trained.get_params(deep=False)
    for twin in (copy.deepcopy(loaded), pickle.loads(pickle.dumps(loaded))):
        np.testing.assert_array_equal(twin.predict_proba(texts), loaded.predict_proba(texts))


def test_the_same_seed_gives_the_same_bits(trained):
    again = classifier().fit(*reviews(300))
    for name, weight in trained.weights_.items():
        np.testing.assert_array_equal(again.weights_[name], weight)


def test_the_backward_half_reads_the_whole_sequence():
    """In `output[:, -1]` of a bidirectional layer it has read the last token alone."""
    spec = gw.NetworkSpec(
        kind="many_to_one", embedding="tokens", embedding_size=4, vocab_size=30, output_size=16,
        hidden_size=8, bidirectional=True, pooling="last",
    )  # fmt: skip
    weights = initial(spec, 0)
    weights["head.kernel"] = np.eye(16, dtype=np.float32)  # the output is the pooled vector
    runner = Runner(spec, build_graphs(spec, weights))
    x = np.arange(4, 24).reshape(2, 10, 1)
    changed = x.copy()
    changed[:, 0] = 3
    lengths = np.array([10, 7])
    before = runner.forward(Batch(x, lengths)).output[:, 0]
    after = runner.forward(Batch(changed, lengths)).output[:, 0]
    backward = np.abs(after - before)[:, 8:].max(axis=1)
    assert (backward > 1e-3).all()


def test_judging_what_was_learnt_from_is_said(trained, tmp_path):
    texts, labels = reviews(300)
    assert "were among what was learnt from" in trained.evaluate(texts, labels).verdict()
    trained.save(tmp_path / "model")
    loaded = gw.load(tmp_path / "model")
    assert (
        "1 of these 2 were among what was learnt from"
        in loaded.evaluate(
            [trained.seen_.inputs[0].upper(), "a good new one"], ["good", "good"]
        ).verdict()
    )


def test_random_labels_are_said_to_teach_nothing():
    rng = np.random.default_rng(0)
    texts, _ = reviews(400, seed=2)
    labels = rng.integers(0, 2, 400).tolist()
    model = classifier(training=gw.Training(epochs=3)).fit(texts[:200], labels[:200])
    evaluation = model.evaluate(texts[200:], labels[200:])
    assert 0.35 < evaluation.scores()["network"]["accuracy"] < 0.65
    assert "nothing was learnt" in evaluation.verdict().casefold()


def test_a_frame_of_any_kind_and_its_columns(new):
    texts, labels = reviews(120)
    frame = pd.DataFrame({"id": range(120), "review": texts, "rating": labels})
    model = classifier(training=gw.Training(epochs=1)).fit(frame, text="review", label="rating")
    told = model.predict(frame)
    np.testing.assert_array_equal(told, model.predict(texts))
    assert model.evaluate(frame).scores().keys() == model.evaluate(texts, labels).scores().keys()
    with pytest.raises(DataError, match="reviw"):
        classifier().fit(frame, text="reviw", label="rating")


def test_several_labels_each_by_itself():
    rng = np.random.default_rng(0)
    texts, labels = [], []
    for _ in range(400):
        own = [name for name in ("clean", "cheap", "near") if rng.random() < 0.4]
        tokens = [*rng.choice(FILLER, 4), *own]
        texts.append(" ".join(rng.permutation(tokens)))
        labels.append(own)
    model = classifier().fit(texts[:300], labels[:300])
    assert model.classes_.tolist() == ["cheap", "clean", "near"]
    told = model.predict(texts[300:])
    hits = [sorted(a) == sorted(b) for a, b in zip(told, labels[300:], strict=True)]
    assert np.mean(hits) > 0.9
    assert "micro-F1" in model.evaluate(texts[300:], labels[300:]).scores()["network"]


def test_labels_that_look_like_several_are_told():
    texts, labels = reviews(60)
    joined = [f"{label};near" if i % 2 else label for i, label in enumerate(labels)]
    quick = gw.Training(epochs=1)
    one = classifier(training=quick).fit(texts, joined)
    assert any("multi_label=True" in note for note in one.notes_)
    several = classifier(training=quick, multi_label=True).fit(texts, joined)
    assert several.classes_.tolist() == ["bad", "good", "near"]
    assert not any("multi_label=True" in note for note in several.notes_)


def test_numbers_of_any_length_in_many_channels(tmp_path):
    rng = np.random.default_rng(0)
    inputs, labels = [], []
    for i in range(160):
        steps = np.arange(rng.integers(8, 30))
        wave = np.sin(steps * (0.3 if i % 2 else 0.9)) + rng.normal(0, 0.2, len(steps))
        inputs.append(np.stack([wave, rng.normal(size=len(steps))], axis=1))
        labels.append(["fast", "slow"][i % 2])
    model = classifier().fit(inputs[:120], labels[:120])
    evaluation = model.evaluate(inputs[120:], labels[120:])
    assert evaluation.scores()["network"]["accuracy"] > 0.9
    assert "nearest neighbour" in evaluation.scores()
    model.save(tmp_path / "model")
    assert "nearest neighbour" not in gw.load(tmp_path / "model").evaluate(inputs, labels).scores()
    with pytest.raises(DataError, match="channels"):
        model.predict([np.zeros((5, 3))])
    with pytest.raises(DataError, match="texts"):
        model.predict(["words"])


def test_lists_of_tokens_and_a_rule_of_order():
    rng = np.random.default_rng(0)
    inputs = [rng.permutation(np.arange(1, 12))[: rng.integers(6, 12)].tolist() for _ in range(600)]
    for one in inputs:
        for token in (3, 7):
            if token not in one:
                one.append(token)
    labels = [one.index(7) < one.index(3) for one in inputs]
    model = classifier(training=gw.Training(epochs=25, batch_size=16, learning_rate=1e-2))
    model.fit(inputs[:500], labels[:500])
    assert np.mean(model.predict(inputs[500:]) == np.array(labels[500:])) >= 0.95


def test_chinese_is_read_by_characters_and_said_so():
    texts = ["这家酒店很好", "房间太差了", "服务很好", "早餐太差", "位置很好", "卫生太差"] * 8
    model = classifier(training=gw.Training(epochs=8, learning_rate=1e-2))
    model.fit(texts, [1, 0] * 24)
    assert model.reading_.codec.unit == "char"
    assert any("characters are read" in note for note in model.notes_)
    assert model.predict(["态度很好", "空调太差"]).tolist() == [1, 0]


def test_rare_classes_count_alike_on_request():
    texts, labels = reviews(200)
    kept = [i for i, label in enumerate(labels) if label == "good" or i % 5 == 0]
    model = classifier(class_weight="balanced", training=gw.Training(epochs=1))
    model.fit([texts[i] for i in kept], [labels[i] for i in kept])
    weights = model.seen_.truth
    counts = np.bincount(weights)
    assert counts[0] < counts[1] / 3
    from gatewise.tasks.class_recipe import example_weights

    given = example_weights(weights, 2)
    assert given[weights == 0].sum() == pytest.approx(given[weights == 1].sum(), rel=1e-5)
    assert given.mean() == pytest.approx(1, rel=1e-5)


def test_vectors_from_a_file_begin_the_embedding(tmp_path):
    file = tmp_path / "vectors.txt"
    file.write_text("2 3\ngood 1 2 3\nnowhere 4 5 6\nroom 7 8 9\n", encoding="utf-8")
    network = gw.Network(**{k: v for k, v in SMALL.chosen().items() if k != "embedding_size"})
    training = gw.Training(epochs=1, learning_rate=1e-9)
    model = classifier(vectors=file, network=network, training=training).fit(*reviews(60))
    codec = model.reading_.codec
    row = codec.encode(["good"]).tokens[0, 0]
    np.testing.assert_allclose(model.weights_["embedding.table"][row], [1, 2, 3], atol=1e-5)
    assert any("vectors for 2 of" in note for note in model.notes_)
    with pytest.raises(UsageError, match="3 values"):
        classifier(vectors=file).fit(*reviews(60))
    file.write_text("good 1 2 3\nroom 4 x 6\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        classifier(vectors=file, network=network).fit(*reviews(60))


def test_several_networks_answer_with_the_mean_of_their_probabilities(new, tmp_path):
    texts, _ = new
    known = reviews(120)
    three = classifier(members=3, training=gw.Training(epochs=2)).fit(*known)
    alone = [
        classifier(seed=seed, training=gw.Training(epochs=2), validation=0.1) for seed in (0, 1000)
    ]
    told = alone[0].fit(*known).predict_proba(texts)
    steps, _ = three.reading_.encode(texts)
    each = [
        Committee(three.spec_, {"model": graph}).probabilities(steps, False)
        for graph in three.graphs_.values()
    ]
    np.testing.assert_allclose(each[0], told, atol=1e-6)
    np.testing.assert_allclose(three.predict_proba(texts), np.mean(each, axis=0), atol=1e-12)
    assert not np.allclose(each[0], each[1])
    assert three.parameters_ == 3 * alone[0].parameters_
    assert any("3 networks" in note for note in three.notes_)
    three.save(tmp_path / "model")
    loaded = gw.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(texts), three.predict_proba(texts))
    with pytest.raises(UsageError, match="members"):
        classifier(members=0).fit(*known)


def test_ctrl_c_keeps_the_networks_that_are_there():
    class Impatient(Nobody):
        epochs = 0

        def epoch(self, record, best):
            self.epochs += 1

        def tick(self):
            if self.epochs == 2:  # the first network is there, the second has just begun
                raise KeyboardInterrupt

    model = classifier(members=3, training=gw.Training(epochs=2))
    model.fit(*reviews(60), watch=Impatient())
    assert len(model.graphs_) == 1
    assert model.history_.stopped == "interrupted"
    assert len(model.predict(["a good room"])) == 1


def test_copies_stay_on_one_side_and_are_told():
    texts, labels = reviews(60)
    model = classifier(training=gw.Training(epochs=1)).fit(texts * 2, labels * 2)
    assert not set(model.seen_.inputs) & set(model.seen_.held_inputs)
    assert any("more than once" in note for note in model.notes_)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ((["a b", "c d"] * 20, ["x"] * 40), DataError, "nothing to tell apart"),
        ((["a b"] * 3, ["x", "y"]), DataError, "3 inputs and 2 labels"),
        ((["", "  "] * 20, ["x", "y"] * 20), DataError, "empty"),
        ((["a", "b"] * 20, None), UsageError, "labels are missing"),
        (("one text", ["x"]), UsageError, r"write \[text\]"),
        ((["a", "b"] * 20, ["x", None] * 20), DataError, "missing"),
    ],
)
def test_unusable_data_is_refused_in_words(given, error, words):
    with pytest.raises(error, match=words):
        classifier().fit(*given)


def test_unusable_choices_are_refused_and_nothing_is_lost(trained, new):
    texts, labels = new
    with pytest.raises(UsageError, match="class_weight"):
        classifier(class_weight="fair").fit(texts, labels)
    with pytest.raises(UsageError, match="loss"):
        classifier(training=gw.Training(loss="mse")).fit(texts, labels)
    with pytest.raises(UsageError, match="no shortcut"):
        classifier(network=gw.Network(shortcut=3)).fit(texts, labels)
    with pytest.raises(UsageError, match="call fit first"):
        gw.Classifier().predict(["a"])
    with pytest.raises(DataError, match="row 2 is empty"):
        trained.predict(["good", ""])
    with pytest.raises(DataError, match="was not among the training labels"):
        trained.evaluate(["good"], ["ugly"])


def test_one_temperature_suits_the_mean_of_several_networks():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 400)
    sharp = 4.0 * (np.eye(3)[truth] + rng.normal(0, 0.6, (5, 400, 3)))  # five, too sure
    found = fit_temperature(sharp, truth)

    def nats(temperature):
        told = np.exp(sharp / temperature)
        mean = (told / told.sum(axis=2, keepdims=True)).mean(axis=0)
        return -np.log(mean[np.arange(400), truth]).mean()

    grid = np.exp(np.linspace(-2, 2.5, 400))
    assert nats(found) <= min(nats(t) for t in grid) + 1e-6
    assert fit_temperature(sharp[:1], truth) == fit_temperature(sharp[0], truth)
