"""The Generator as a user has it: what it learns, writes, says, refuses, saves."""

from __future__ import annotations

import copy
from collections import Counter

import numpy as np
import pytest
from stories import QUICK, generator, story

import gatewise as gw
from gatewise.batch import END, UNKNOWN, Batch
from gatewise.engine import Outputs
from gatewise.engines.onnx.engine import Engine as Runner
from gatewise.engines.onnx.engine import build_graphs
from gatewise.errors import DataError, UsageError
from gatewise.reference import forward
from gatewise.rivals.ngrams import NgramModel
from gatewise.tasks.generator_judging import nats
from gatewise.tasks.generator_writing import TextSteps

UNITS = ["char", "word", "bpe"]


@pytest.fixture(scope="module")
def models() -> dict[str, gw.Generator]:
    """One of each unit, and one that learnt from several texts."""
    text = story(5_000)
    found = {unit: generator(unit).fit(text) for unit in UNITS}
    found["several"] = generator(quantize=True).fit(text.splitlines())
    return found


@pytest.fixture(scope="module")
def model(models: dict[str, gw.Generator]) -> gw.Generator:
    return models["char"]


ALL = pytest.mark.parametrize("kind", [*UNITS, "several"])


def test_it_learns_and_beats_counting_single_tokens(models: dict[str, gw.Generator]) -> None:
    for unit in UNITS:
        told = models[unit].evaluate(story(3_000, seed=1))
        scores = {name: score["nats per character"] for name, score in told.scores().items()}
        assert set(scores) == {"network", "unigram", "5-gram"}
        assert scores["network"] < 0.8 * scores["unigram"], unit
        assert told.learnt


def test_a_sample_is_made_of_what_was_read(model: gw.Generator) -> None:
    written = model.generate("the cat ", 600, temperature=0.5, seed=3)
    assert isinstance(written, str)
    assert len(written) == 600
    words = Counter(written.replace(".", "").split())
    known = set(story(2_000).replace(".", "").split())
    assert sum(words[word] for word in known) > 0.9 * words.total()


# the state is carried


@ALL
def test_a_prompt_in_one_go_is_a_prompt_token_by_token(
    kind: str, models: dict[str, gw.Generator]
) -> None:
    model = models[kind]
    steps = model.codec_.encode(["one fish saw the cat.\na dog "]).tokens
    (whole, last), logits = model.steps_.read(steps)
    state, told = model.steps_.read(steps[:1])
    for token in steps[1:, :1].astype(np.int64):
        told, state, _ = model.steps_.step(token, state)
    close = 0.1 if model.quantize else 1e-5
    for one, other in zip(whole, state[0], strict=True):
        np.testing.assert_allclose(one, other, atol=close)
    np.testing.assert_allclose(logits, told, atol=20 * close)
    np.testing.assert_array_equal(last, state[1])


def test_greedy_writing_is_what_reading_it_all_anew_each_time_says(model: gw.Generator) -> None:
    prompt = "my bird "
    written = model.generate(prompt, 30, temperature=0)
    for place, character in enumerate(written):
        batch = Batch(x=model.codec_.encode([prompt + written[:place]]).tokens[None])
        logits = forward(model.spec_, model.weights_, batch).output[0, -1]
        logits[: END + 1] = -np.inf
        assert model.codec_.decode([int(logits.argmax())]) == character


def test_a_prompt_longer_than_anything_is_read_in_pieces(
    model: gw.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = story(20_000, seed=5)
    whole = model.generate(prompt, 40)
    monkeypatch.setattr("gatewise.engines.onnx.steps.READING_MEMORY", 2**16)
    assert model.generate(prompt, 40) == whole


def test_any_number_is_written_whatever_the_batch_in_training(model: gw.Generator) -> None:
    assert model.training_.batch_size == 4
    for samples in (1, 3, 11):
        written = model.generate("a dog ", 20, samples=samples)
        assert (1 if samples == 1 else len(written)) == (1 if samples == 1 else samples)


# seeds, samples, stops, streams


@ALL
def test_the_same_seed_gives_the_same_text(kind: str, models: dict[str, gw.Generator]) -> None:
    model = models[kind]
    first = model.generate("the ", 60, seed=4)
    assert model.generate("the ", 60, seed=4) == first
    assert model.generate("the ", 60, seed=5) != first


@ALL
def test_each_of_several_samples_is_the_one_that_stands_alone(
    kind: str, models: dict[str, gw.Generator]
) -> None:
    model = models[kind]
    several = model.generate("the ", 40, samples=4, seed=2)
    assert isinstance(several, list)
    assert several[0] == model.generate("the ", 40, seed=2)
    assert several[:2] == model.generate("the ", 40, samples=2, seed=2)
    assert len(set(several)) > 1


@ALL
@pytest.mark.parametrize("stop", [(), ".\n", ("bird", "sat on")])
def test_pieces_of_a_stream_are_what_is_generated(
    kind: str, stop: object, models: dict[str, gw.Generator]
) -> None:
    model = models[kind]
    for prompt in ("", "a dog saw"):
        pieces = list(model.stream(prompt, 80, seed=6, stop=stop))
        assert "".join(pieces) == model.generate(prompt, 80, seed=6, stop=stop)
        assert all(pieces)


@pytest.mark.parametrize("unit", UNITS)
def test_a_text_ends_before_its_stop_string(unit: str, models: dict[str, gw.Generator]) -> None:
    model = models[unit]
    whole = model.generate("the cat", 200, seed=1)
    stop = whole[40:44]
    assert model.generate("the cat", 200, seed=1, stop=stop) == whole[: whole.index(stop)]
    assert model.generate("the cat", 200, seed=1, stop=["#", stop]) == whole[: whole.index(stop)]
    assert model.generate("the cat", 200, seed=1, stop="#") == whole


def test_a_stream_comes_as_it_is_written(model: gw.Generator) -> None:
    pieces = model.stream("a dog ", 1_000_000)
    assert len("".join(next(pieces) for _ in range(5))) == 5


def test_length_is_kept_to(models: dict[str, gw.Generator]) -> None:
    for model in models.values():
        assert model.generate("the cat", 0) == ""
        assert model.generate("the cat", 0, samples=2) == ["", ""]
        assert list(model.stream("the cat", 0)) == []
    assert len(models["char"].generate("the cat", 1)) == 1
    assert len(models["word"].generate("the cat", 7).split()) <= 7


# ends, beginnings, unknown characters


def test_what_learnt_from_several_texts_writes_ends(models: dict[str, gw.Generator]) -> None:
    lines = models["several"].generate(length=200, temperature=0.3, samples=8)
    assert all(line.endswith(".") and line.count(".") == 1 for line in lines[:3])
    assert max(map(len, lines)) < 100
    assert "\n" not in models["several"].codec_.vocabulary


@pytest.mark.parametrize("unit", UNITS)
def test_one_text_never_ends_of_itself_nor_writes_what_is_unknown(
    unit: str, models: dict[str, gw.Generator]
) -> None:
    model = models[unit]
    weights = {**model.weights_, "head.bias": model.weights_["head.bias"].copy()}
    weights["head.bias"][: END + 1] = 50.0  # all it wants is to end, or worse
    wild = copy.copy(model)
    wild.steps_ = TextSteps(model.spec_, build_graphs(model.spec_, weights), model.codec_)
    written = wild.generate("the cat", 30)
    assert written
    assert "\ufffd" not in written


def test_an_empty_prompt_begins_as_a_line_does(models: dict[str, gw.Generator]) -> None:
    assert models["char"].generate("", 50) == models["char"].generate("\n", 50)
    begun = models["char"].generate("", 3, samples=50, temperature=0.8)
    assert sum(one in ("the", "a d", "my ", "one") for one in begun) > 25
    ends = generator().fit("abcab" * 100)  # no line ends
    assert ends.generate("", 4) == ends.generate("a", 4)


@ALL
def test_unknown_characters_in_a_prompt_are_read(
    kind: str, models: dict[str, gw.Generator]
) -> None:
    model = models[kind]
    written = model.generate("\u3042\U0001f600 \ud800 the cat ", 50)
    assert isinstance(written, str)
    assert written
    assert model.generate("\ud800\u3042", 20)


def test_an_unknown_character_that_training_never_showed_is_read_as_nothing(
    model: gw.Generator,
) -> None:
    assert not model.weights_["embedding.table"][UNKNOWN].any()
    assert model.weights_["embedding.table"][END + 1].any()


# judging


@pytest.mark.parametrize("unit", UNITS)
def test_the_figures_are_those_of_one_long_reading(
    unit: str, models: dict[str, gw.Generator]
) -> None:
    model = models[unit]
    text = story(2_000, seed=7)
    steps = model.codec_.encode([text]).tokens
    ids = steps[:, 0].astype(np.int64)
    batch = Batch(x=steps[None, :-1])
    z = forward(model.spec_, model.weights_, batch).output[0].astype(np.float64)
    slow = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), ids[1:]]
    told = model.evaluate(text)
    assert told.tokens == len(ids) - 1
    assert told.nats["network"] == pytest.approx(slow.sum(), rel=1e-4)
    counts = np.bincount(model.ids_, minlength=model.codec_.units) + 1
    assert told.nats["unigram"] == pytest.approx(-np.log(counts / counts.sum())[ids[1:]].sum())
    rival = NgramModel.fit(model.ids_.astype(np.int64), vocab_size=model.codec_.units)
    assert told.nats["5-gram"] == pytest.approx(rival.nats(ids)[1:].sum())
    assert len(text) - 8 < told.characters < len(text)


def test_many_streams_tell_what_one_does(
    model: gw.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = model.codec_.encode([story(9_000, seed=8)]).tokens
    size = model.codec_.units
    parted = nats(model.runner_, ids, size)
    monkeypatch.setattr("gatewise.tasks.generator_judging.STREAM", 10**9)
    whole = nats(model.runner_, ids, size)
    assert len(parted) == len(whole) == len(ids) - 1
    np.testing.assert_allclose(parted[:1_500], whole[:1_500], atol=1e-4)  # within the first stream
    assert parted.mean() == pytest.approx(whole.mean(), abs=1e-3)
    monkeypatch.setattr("gatewise.tasks.generator_judging.LOGITS_AT_ONCE", 20 * size)
    np.testing.assert_allclose(nats(model.runner_, ids, size), whole, atol=1e-4)


def test_every_token_is_told_for_any_length() -> None:
    class Uniform:
        def forward(self, batch: Batch) -> Outputs:
            return Outputs(np.zeros((*batch.x.shape[:2], 7), dtype=np.float32))

    for length in (2, 3, 1_999, 4_001, 4_002, 6_003, 40_000, 40_017):
        told = nats(Uniform(), np.zeros((length, 1), dtype=np.int32), 7)
        np.testing.assert_allclose(told, np.full(length - 1, np.log(7)))


def test_texts_with_ends_are_judged_with_their_ends(models: dict[str, gw.Generator]) -> None:
    model = models["several"]
    lines = story(2_000, seed=9).splitlines()
    told = model.evaluate(lines)
    assert told.tokens == sum(map(len, lines)) + len(lines) - 1
    assert told.characters == sum(map(len, lines)) - 1
    assert model.evaluate(lines[0]).tokens == len(lines[0])
    with pytest.raises(DataError, match="give one text, not a list of 2"):
        models["char"].evaluate(lines[:2])
    single = models["char"].evaluate([story(500)])
    assert single.to_dict() == models["char"].evaluate(story(500)).to_dict()


def test_unknown_tokens_are_told(model: gw.Generator) -> None:
    assert "3 of the" in model.evaluate(story(3_000, 1) + "\u3042QZ").verdict()


# 8 bits


def test_eight_bits_are_smaller_and_nearly_as_good(models: dict[str, gw.Generator]) -> None:
    model = models["several"]
    told = model.data_["nats"]
    assert told["float32"] != told["int8"]
    assert told["int8"] == pytest.approx(told["float32"], abs=0.05)
    assert any("int8" in note for note in model.notes_)
    assert "int8" in model.summary()["Network"]["precision"]
    full = copy.copy(model)
    graphs = build_graphs(model.spec_, model.weights_)
    assert sum(map(len, model.graphs_.values())) < 0.6 * sum(map(len, graphs.values()))
    full.runner_ = Runner(model.spec_, graphs)
    lines = story(3_000, seed=10).splitlines()
    assert model.evaluate(lines).nats["network"] == pytest.approx(
        full.evaluate(lines).nats["network"], rel=0.05
    )


# saving


@ALL
def test_a_loaded_model_writes_the_same(
    kind: str, models: dict[str, gw.Generator], tmp_path: object
) -> None:
    model = models[kind]
    model.save(f"{tmp_path}/m")
    again = gw.load(f"{tmp_path}/m")
    assert again.generate("a dog ", 60, seed=8) == model.generate("a dog ", 60, seed=8)
    assert again.summary() == model.summary()
    assert again.get_params() == model.get_params()
    assert again.notes_ == model.notes_
    assert again.history_ == model.history_
    text = story(2_000, seed=1)
    told, before = again.evaluate(text), model.evaluate(text)
    assert set(told.nats) == {"network", "unigram"}
    assert all(told.nats[name] == pytest.approx(before.nats[name]) for name in told.nats)
    assert "5-gram model, often the strongest, is not among them" in told.verdict()
    again.save(f"{tmp_path}/m")
    assert gw.load(f"{tmp_path}/m").generate("a ", 20) == model.generate("a ", 20)


def test_a_copy_writes_the_same(model: gw.Generator) -> None:
    twin = copy.deepcopy(model)
    assert twin.generate("a dog ", 30) == model.generate("a dog ", 30)


def test_it_says_what_it_is(model: gw.Generator) -> None:
    assert repr(generator("bpe", seed=3)).startswith("Generator(unit='bpe', sequence_length=25")
    assert model.parameters_ == sum(value.size for value in model.weights_.values())
    summary = model.summary()
    assert list(summary) == ["Data", "Reading", "Network", "Training", "Versions"]
    assert summary["Network"]["precision"] == "float32"
    assert model.set_params(training__epochs=3).training.epochs == 3
    model.set_params(training=QUICK)


# what cannot be


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"temperature": -0.5}, "temperature must be 0"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_k": 0}, "top_k"),
        ({"top_p": 1.5}, "top_p"),
        ({"seed": -1}, "seed"),
        ({"length": -1}, "length"),
        ({"length": 2.5}, "length"),
        ({"stop": ""}, "stop"),
        ({"stop": ["a", ""]}, "stop"),
        ({"stop": None}, "stop"),
        ({"prompt": None}, "prompt"),
    ],
)
def test_bad_wishes_are_refused_at_once(
    bad: dict[str, object], words: str, model: gw.Generator
) -> None:
    for ask in (model.generate, model.stream):
        with pytest.raises(UsageError, match=words):
            ask(**bad)
    with pytest.raises(UsageError, match=f"samples.*{words}|{words}.*samples"):
        model.generate(**bad, samples=0)


def test_a_failed_fit_keeps_what_was_learnt(models: dict[str, gw.Generator]) -> None:
    model = models["char"]
    before = model.generate("a ", 20)
    with pytest.raises(DataError):
        model.fit("")
    assert model.generate("a ", 20) == before


def test_the_score_is_minus_the_nats(model: gw.Generator) -> None:
    text = story(600, seed=9)
    nats = model.evaluate(text).scores()["network"]["nats per character"]
    assert model.score(text) == -nats
