"""The translator from pairs to answers that do not depend on company."""

from __future__ import annotations

import copy
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reversals import BACKWARDS, NEW, ONE, SOURCES, TARGETS, reversals, translator

import gatewise as gw
from gatewise.batch import END, START, Batch
from gatewise.data import toys
from gatewise.data.pairs import Pairs
from gatewise.decoding.stepper import NEVER
from gatewise.engines.onnx.engine import Engine as Runner
from gatewise.engines.onnx.engine import build_graphs
from gatewise.engines.onnx.steps import DecoderSteps
from gatewise.errors import UsageError
from gatewise.tasks import translator_writing as writing
from gatewise.tasks.translator_plan import make_plan


@pytest.fixture(scope="module")
def trained():
    return translator().fit(SOURCES[:400], TARGETS[:400])


@pytest.fixture(scope="module")
def hasty():
    """Of one epoch, with another kind of attention: unsure of everything."""
    return translator(training=ONE, attention="multiplicative").fit(SOURCES, TARGETS)


def best_by_hand(model, source, most):
    """The likeliest token of each step, the whole beginning read anew each time."""
    runner = Runner(model.spec_, model.graphs_)
    ids = model.source_.encode([source])[0][0][None].astype(np.int64)  # (1, T, 1)
    found = []
    while len(found) < most:
        y = np.array([[*found, END]])
        logits = runner.forward(Batch(x=ids, start=np.array([[START]]), y=y)).output[0, -1]
        logits[list(NEVER)] = -np.inf
        if logits.argmax() == END:
            break
        found.append(int(logits.argmax()))
    return model.target_.decode(np.array(found, dtype=np.int64))


# what is learnt


def test_it_learns_to_read_backwards(trained):
    told = trained.translate(NEW)
    right = [a == b for a, b in zip(told, BACKWARDS, strict=True)]
    assert np.mean(right) >= 0.99
    assert all(type(token) is int for token in told[0])
    found = trained.evaluate(NEW, BACKWARDS)
    assert found.ranked_by == "exact match"
    assert found.scores()["network"]["exact match"] == pytest.approx(np.mean(right))
    assert found.standing() == "beats"
    assert set(found.told) == {"network", "copy of the source", "nearest training source"}
    same = [a == b for a, b in zip(NEW, BACKWARDS, strict=True)]
    assert found.scores()["copy of the source"]["exact match"] == pytest.approx(np.mean(same))
    assert found.facts["learnt from"] + found.facts["held out"] == 400


def test_words_become_digits():
    pairs = toys.number_pairs(450, highest=999)
    model = translator().fit(pairs.sources[:400], pairs.targets[:400])
    assert model.source_.codec.unit == model.target_.codec.unit == "word"
    found = model.evaluate(pairs.sources[400:], pairs.targets[400:])
    assert found.ranked_by == "exact match", "numbers of three digits are too short for BLEU"
    assert found.scores()["network"]["exact match"] >= 0.9


def test_texts_without_spaces_are_read_by_characters():
    texts = ["".join("天地人山水火"[i] for i in row) for row in reversals(250, 4)[0]]
    model = translator().fit([(text, text[::-1]) for text in texts[:200]])
    assert model.target_.codec.unit == "char"
    assert any("without spaces" in note for note in model.notes_)
    told = model.translate(texts[200:])
    assert np.mean([a == b[::-1] for a, b in zip(told, texts[200:], strict=True)]) >= 0.8


@pytest.mark.parametrize("attention", ["none", "additive", "multiplicative"])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_every_kind_of_decoder_answers(attention, cell):
    network = gw.Network(cell=cell, hidden_size=8, num_layers=2, bidirectional=cell != "gru")
    model = translator(attention=attention, network=network, training=ONE).fit(SOURCES, TARGETS)
    assert model.spec_.attention == attention
    assert model.summary()["Network"]["attention"] == attention
    for source in NEW[:5]:
        most = int(writing.limits(model.data_["reach"], np.array([len(source)]), None)[0])
        assert model.translate([source], beam=1) == [best_by_hand(model, source, most)]


@pytest.mark.parametrize("schedule", ["constant", "linear", "inverse_sigmoid"])
def test_the_truth_is_fed_back_less_and_less(schedule):
    given = SOURCES[:100], TARGETS[:100]
    training = ONE.replace(epochs=2, teacher_forcing=0.5, teacher_forcing_schedule=schedule)
    sometimes = translator(training=training).fit(*given)
    always = translator(training=ONE.replace(epochs=2)).fit(*given)
    assert always.training_.teacher_forcing == 1.0
    assert sometimes.summary()["Training"]["teacher forcing"] == f"0.5, {schedule}"
    kernel = "decoder.0.forward.input"
    assert not np.allclose(sometimes.weights_[kernel], always.weights_[kernel])


def test_one_side_may_be_text_and_the_other_tokens():
    names = [[f"t{token}" for token in row] for row in TARGETS]
    model = translator(training=ONE).fit([" ".join(map(str, row)) for row in SOURCES], names)
    told = model.translate(["1 2 3"])[0]
    assert isinstance(told, list)
    assert set(told) <= {f"t{i}" for i in range(1, 6)}
    found = model.evaluate(["1 2"], [["t2", "t1"]])
    assert found.told["copy of the source"] == [["1", "2"]]
    back = translator(training=ONE).fit(names, [" ".join(row) for row in names])
    assert back.evaluate([["t1", "t2"]], ["t1 t2"]).told["copy of the source"] == ["t1 t2"]


# how answers are written


def test_a_beam_of_one_is_greedy(hasty, trained):
    for model in (hasty, trained):
        reach = model.data_["reach"]
        for source, told in zip(NEW, model.translate(NEW[:40], beam=1), strict=False):
            most = int(writing.limits(reach, np.array([len(source)]), None)[0])
            assert told == best_by_hand(model, source, most)


def test_a_beam_finds_what_is_at_least_as_likely(hasty):
    steps = writing.read_sources(hasty, NEW)
    likely = {
        beam: np.array([one.log_p for one in writing.write(hasty, steps, beam, 0.0, None)])
        for beam in (1, 16)
    }
    assert likely[16].mean() > likely[1].mean()
    assert (likely[16] >= likely[1] - 1e-5).mean() > 0.95


@pytest.mark.parametrize("beam", [1, 4])
def test_company_and_order_change_no_answer(hasty, beam, monkeypatch):
    together = hasty.translate(NEW, beam=beam)
    order = np.random.default_rng(0).permutation(len(NEW))
    shuffled = hasty.translate([NEW[i] for i in order], beam=beam)
    assert [together[i] for i in order] == shuffled
    assert together[:30] == [hasty.translate([source], beam=beam)[0] for source in NEW[:30]]
    monkeypatch.setattr(writing, "SENTENCES_AT_ONCE", 3)
    assert hasty.translate(NEW, beam=beam) == together
    monkeypatch.setattr(writing, "VALUES_AT_ONCE", 1)
    assert hasty.translate(NEW[:30], beam=beam) == together[:30]


def test_batches_hold_no_more_than_there_is_room_for(hasty, monkeypatch):
    lengths = np.random.default_rng(0).integers(1, 50, 300)
    spec = hasty.spec_
    monkeypatch.setattr(writing, "VALUES_AT_ONCE", 200_000)
    found = writing.batches(spec, lengths, 4)
    assert sorted(np.concatenate(found)) == list(range(300))
    read = spec.encoded_size + 2 * spec.attention_size
    for rows in found:
        assert 4 * len(rows) * (spec.output_size + lengths[rows].max() * read) <= 200_000


def test_attention_is_a_weight_of_each_source_token(hasty, trained):
    for model in (hasty, trained):
        source, target, weights = model.align([1, 2, 3, 4])
        assert source == ["1", "2", "3", "4"]
        assert [int(token) for token in target] == model.translate([[1, 2, 3, 4]])[0]
        assert weights.shape == (len(target), 4)
        np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-5)


def test_attention_never_falls_on_padding(hasty):
    x = np.array([[4, 5, 6, 7], [5, 4, 0, 0]])[..., None]
    state = hasty.steps_.read(Batch(x=x, lengths=np.array([4, 2])))
    weights = hasty.steps_.step(np.array([START, START]), state).attention
    assert weights.shape == (2, 4)
    assert np.all(weights[1, 2:] == 0.0)
    assert np.all(weights[0] > 0.0)
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-5)


def test_a_network_without_attention_says_so():
    model = translator(attention="none", training=ONE).fit(SOURCES, TARGETS)
    with pytest.raises(UsageError, match="no attention"):
        model.align(NEW[0])


# how long an answer may be

LENGTHS = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=40)


@given(LENGTHS, st.lists(st.integers(1, 60), min_size=1, max_size=10))
def test_the_limit_of_an_answer_follows_from_what_was_seen(seen, asked):
    read, written = np.array(seen).T
    reach = writing.reach_of(read, written)
    found = writing.limits(reach, np.array(asked), None)
    for length, most in zip(asked, found, strict=True):
        shorter = written[read <= max(length, read.min())].max()
        longer = Fraction(int(shorter)) * max(Fraction(length, int(read.max())), 1)
        assert most == math.ceil(Fraction(3, 2) * longer) + 5
    assert np.all(np.diff(found[np.argsort(asked)]) >= 0)
    assert np.all(writing.limits(reach, np.array(asked), 7) == np.minimum(found, 7))


def test_an_answer_without_an_end_is_cut(hasty):
    endless = copy.copy(hasty)
    bias = hasty.weights_["head.bias"].copy()
    bias[END] = -100.0
    graphs = build_graphs(hasty.spec_, {**hasty.weights_, "head.bias": bias})
    endless.steps_ = DecoderSteps(hasty.spec_, graphs)
    told = [len(answer) for answer in endless.translate([[1], [1, 2, 3, 4], [1] * 10])]
    assert told == [7, 11, 20]  # 1.5 x 1, 4, 10; and 5
    assert len(endless.translate([[1]], max_length=3)[0]) == 3
    assert len(endless.translate([[1]], beam=3, max_length=1)[0]) == 1


# what is kept


def test_saved_and_loaded_are_the_same(trained, tmp_path):
    trained.save(tmp_path / "model")
    loaded = gw.load(tmp_path / "model")
    assert loaded.translate(NEW) == trained.translate(NEW)
    assert np.array_equal(loaded.align(NEW[0]).weights, trained.align(NEW[0]).weights)
    assert loaded.summary() == trained.summary()
    assert loaded.get_params() == trained.get_params()
    assert loaded.notes_ == trained.notes_
    found = loaded.evaluate(NEW, BACKWARDS)
    assert set(found.told) == {"network", "copy of the source"}
    assert "does not hold its training pairs" in found.verdict()
    loaded.save(tmp_path / "again")
    assert gw.load(tmp_path / "again").translate(NEW) == trained.translate(NEW)
    assert not any(str(row) in (tmp_path / "model/model.json").read_text() for row in SOURCES[:50])


def test_a_copy_answers_alike(trained):
    for other in (copy.copy(trained), copy.deepcopy(trained)):
        assert other.translate(NEW[:20]) == trained.translate(NEW[:20])


def test_the_same_seed_gives_the_same_weights():
    first, second, other = (
        translator(training=ONE, seed=seed).fit(SOURCES, TARGETS) for seed in (3, 3, 4)
    )
    for name, weight in first.weights_.items():
        assert np.array_equal(weight, second.weights_[name])
    assert not np.array_equal(first.weights_["head.kernel"], other.weights_["head.kernel"])


def test_copies_of_a_source_stand_on_one_side():
    sources = [["a", "b"], ["a"], ["b"], ["c", "a"], ["c"]] * 20
    targets = [[str(i)] for i in range(100)]
    plan = make_plan(translator(validation=0.4), Pairs(sources, targets))
    assert plan.held is not None
    sides = [
        {tuple(side.inputs[row][:, 0]) for row in range(len(side))}
        for side in (plan.train, plan.held)
    ]
    assert not sides[0] & sides[1]
    assert len(plan.train) + len(plan.held) == 100
    assert any("occur more than once" in note for note in plan.notes)


def test_few_pairs_are_all_learnt_from():
    model = translator(training=ONE).fit(SOURCES[:10], TARGETS[:10])
    assert model.data_["held"] == 0
    assert any("all 10 pairs are learnt from" in note for note in model.notes_)
    assert model.history_.best_epoch == 1
    assert translator(training=ONE, validation=0).fit(SOURCES, TARGETS).data_["held"] == 0


def test_the_score_is_what_translations_are_ranked_by(trained):
    sources, targets = NEW, [list(reversed(source)) for source in NEW]
    told = trained.evaluate(sources, targets)
    assert trained.score(sources, targets) == told.scores()["network"][told.ranked_by]
