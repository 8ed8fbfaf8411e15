"""Where a classifier looked: the weights of its steps, beside the equations in NumPy."""

import numpy as np
import pytest

import gatewise as gw
from gatewise.batch import Batch
from gatewise.errors import UsageError
from gatewise.reference import forward

NETWORK = gw.Network(hidden_size=8, embedding_size=8, pooling="attention")
QUICK = gw.Training(epochs=2, batch_size=16, learning_rate=1e-2)
TEXTS = ["the room was good", "bad", "we came by train and found the bed bad", "a good view"] * 10
LABELS = ["good", "bad", "bad", "good"] * 10


def classifier(**options):
    given = {"verbose": 0, "members": 1, "network": NETWORK, "training": QUICK, **options}
    return gw.Classifier(keep_duplicates=True, **given)


@pytest.fixture(scope="module")
def model():
    return classifier().fit(TEXTS, LABELS)


def told_by_reference(model, weights, text):
    """The text by itself, nothing beside it."""
    steps, _ = model.reading_.encode([text])
    batch = Batch(x=steps.values[None], lengths=steps.lengths)
    return forward(model.spec_, weights, batch).attention[0]


def test_weights_are_those_of_the_equations_whatever_stands_beside(model):
    for text, found in zip(TEXTS[:4], model.attention(TEXTS[:4]), strict=True):
        assert found.tokens == text.split()
        expected = told_by_reference(model, model.weights_, text)
        np.testing.assert_allclose(found.weights, expected, atol=1e-6)
        assert found.weights.sum() == pytest.approx(1, abs=1e-6)
        assert found.padding == 0.0
    assert np.ptp(model.attention(TEXTS[2:3])[0].weights) > 1e-3  # not the same for every step


def test_a_weight_on_padding_would_be_told(model, monkeypatch):
    runner = model.committee_.runners[0]
    true = runner.forward

    class Leaking:
        def forward(self, batch):
            told = true(batch)
            return type(told)(told.output, told.attention + np.float32(0.25))

    monkeypatch.setattr(model.committee_, "runners", [Leaking()])
    short, longest = model.attention([TEXTS[1], TEXTS[0]])
    assert short.padding == 0.75
    assert longest.padding == 0.0


def test_of_several_members_it_is_the_mean():
    model = classifier(members=2).fit(TEXTS, LABELS)
    second = {n[2:]: weight for n, weight in model.weights_.items() if n.startswith("2.")}
    each = [told_by_reference(model, own, TEXTS[2]) for own in (model.weights_, second)]
    found = model.attention(TEXTS[2:3])[0]
    np.testing.assert_allclose(found.weights, np.mean(each, axis=0), atol=1e-6)
    assert not np.allclose(each[0], each[1], atol=1e-4)


def test_the_saved_model_looks_where_it_did(model, tmp_path):
    model.save(tmp_path / "model")
    loaded = gw.load(tmp_path / "model")
    for before, after in zip(model.attention(TEXTS), loaded.attention(TEXTS), strict=True):
        assert before.tokens == after.tokens
        np.testing.assert_array_equal(before.weights, after.weights)


def test_steps_of_numbers_and_of_what_is_cut_are_those_read():
    waves = gw.toys.toy_waves(30, length=(4, 9))
    model = classifier(network=gw.Network(hidden_size=8, pooling="attention"), max_length=6)
    model.fit(waves.inputs, waves.labels)
    found = model.attention(waves.inputs)
    for steps, one in zip(waves.inputs, found, strict=True):
        assert one.tokens == [f"step {i + 1}" for i in range(min(6, len(steps)))]
        assert len(one.weights) == len(one.tokens)
    model = classifier(max_length=4, ngrams=1).fit(TEXTS, LABELS)
    one = model.attention(TEXTS[2:3])[0]
    assert one.tokens == ["we", "came", "bed", "bad"]  # of the middle nothing is read
    assert len(one.weights) == 4


def test_without_attention_the_answer_says_what_to_do(model):
    other = classifier(network=NETWORK.replace(pooling="mean")).fit(TEXTS, LABELS)
    with pytest.raises(UsageError, match=r"no attention \(pooling='mean'\).*pooling='attention'"):
        other.attention(TEXTS)
    with pytest.raises(UsageError, match="learnt nothing yet"):
        classifier().attention(TEXTS)
    assert model.attention([]) == []
