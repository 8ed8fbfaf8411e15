"""What stands beside an exported network: its README's lines run as they stand, in a process
without gatewise, and with other data give the model's answers.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gatewise as gw
from gatewise.data import toys
from gatewise.exporting.readme import STEPS
from gatewise.exporting.samples import sample, title
from gatewise.exporting.subject import subject_of
from gatewise.reference import CELLS
from gatewise.reference.cells import sigmoid

ONCE = gw.Training(epochs=1)
SMALL = gw.Network(hidden_size=8)
NIGHTLY = pytest.mark.nightly  # a process that imports torch: one by day


def example(folder: Path) -> list[str]:
    block = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)[1]
    return block.rstrip().splitlines()


def run(folder: Path, before: str) -> Any:
    """The README's example as it stands, then once more with the data of `before`: what that
    prints.
    """
    lines = example(folder)
    assert lines[-1].startswith("print(")
    assert max(map(len, lines)) <= 100
    at = next(i for i, line in enumerate(lines) if line.startswith("given"))
    script = "\n".join(
        [
            *lines,
            "import json, sys",
            "import numpy as np",
            before,
            *lines[at:-1],
            f"told = {lines[-1].removeprefix('print')}",
            "assert not any(name.startswith('gatewise') for name in sys.modules)",
            "told = told.tolist() if isinstance(told, np.ndarray) else told",
            "print(json.dumps(told))",
        ]
    )
    *first, last = ran(folder, script)
    assert any(first), "the example prints nothing"
    return json.loads(last)


def ran(folder: Path, script: str) -> list[str]:
    """What a script prints that runs in the folder."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def two_columns(count: int = 240) -> pd.DataFrame:
    t = np.arange(count)
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "time": pd.date_range("2024-01-01", periods=count, freq="h"),
            "load": 50 + 10 * np.sin(t * np.pi / 12) + rng.normal(0, 1, count),
            "heat": np.exp(2 + 0.5 * np.cos(t * np.pi / 12) + rng.normal(0, 0.1, count)),
        }
    )


@pytest.mark.parametrize(
    ("to", "options"),
    [
        ("onnx", {"strategy": "direct", "transform": "log"}),
        pytest.param(
            "torch", {"window_scaling": "mean_std", "channel_independent": True}, marks=NIGHTLY
        ),
        ("onnx", {"strategy": "encoder_decoder", "calendar": True}),
        pytest.param(
            "torch", {"strategy": "encoder_decoder", "window_scaling": "last"}, marks=NIGHTLY
        ),
        ("onnx", {"strategy": "by_position", "calendar": True, "scaling": "minmax"}),
    ],
)
def test_forecasts_from_rows(tmp_path, to, options):
    frame = two_columns()
    model = gw.Forecaster(4, lookback=12, verbose=0, training=ONCE, network=SMALL, **options)
    model.fit(frame, target=["load", "heat"], time="time")
    wanted = model.predict(frame)[["load", "heat"]].to_numpy()
    gw.export(model, to, tmp_path / "out")
    rows = frame[["load", "heat"]].to_numpy()[-12:].tolist()
    times = pd.date_range(frame["time"].iloc[-12], periods=16, freq="h")
    before = (
        f"rows = {rows}\ntimes = np.array({times.astype(str).tolist()}, dtype='datetime64[ns]')"
    )
    if not model.codec_.ahead:
        before += "[:12]"
    np.testing.assert_allclose(run(tmp_path / "out", before), wanted, rtol=1e-5)


@pytest.mark.parametrize("unit", ["word", "char", "bpe"])
def test_classes_of_texts(tmp_path, unit):
    frame = toys.toy_reviews(60)
    texts = [f"{text} Café № {i}, don't!" for i, text in enumerate(frame["text"])]
    model = gw.Classifier(unit=unit, members=2, max_length=20, verbose=0, training=ONCE)
    model.fit(texts, frame["label"])
    asked = [texts[3], "It was ﬁne... wasn't it? 好", texts[7] * 3]
    gw.export(model, "onnx", tmp_path / "out")
    told = run(tmp_path / "out", f"texts = {asked!r}")
    assert list(told[0]) == list(model.labels_.classes)
    shares = [list(one.values()) for one in told]
    np.testing.assert_allclose(shares, model.predict_proba(asked), atol=1e-5)


def test_classes_of_numbers_and_of_tokens(tmp_path):
    waves = toys.toy_waves(40)
    model = gw.Classifier(members=1, verbose=0, training=ONCE).fit(waves.inputs, waves.labels)
    gw.export(model, "torch", tmp_path / "waves")
    asked = [np.asarray(one).tolist() for one in waves.inputs[:3]]
    asked[1] = asked[1][:5]
    told = run(tmp_path / "waves", f"sequences = {asked!r}")
    wanted = model.predict_proba([np.array(one) for one in asked])
    np.testing.assert_allclose([list(one.values()) for one in told], wanted, atol=1e-5)
    order = toys.order_sequences(60)
    model = gw.Classifier(members=1, verbose=0, training=ONCE).fit(order.inputs, order.labels)
    gw.export(model, "onnx", tmp_path / "order")
    told = run(tmp_path / "order", f"texts = {[list(map(str, o)) for o in order.inputs[:4]]!r}")
    wanted = model.predict_proba(order.inputs[:4])
    np.testing.assert_allclose([list(one.values()) for one in told], wanted, atol=1e-5)


def test_tags_of_tokens(tmp_path):
    entities = toys.toy_entities(60)
    model = gw.Tagger(verbose=0, training=gw.Training(epochs=3)).fit(entities.tokens, entities.tags)
    asked = [*entities.tokens[:5], ["B-52s", "Ltd.", "ÉCOLE", "x"]]
    gw.export(model, "onnx", tmp_path / "out")
    assert run(tmp_path / "out", f"sentences = {asked!r}") == model.predict(asked)


@pytest.fixture(scope="module")
def months():
    """A table with a column of times, and a forecaster of it."""
    frame = two_columns().assign(time=pd.date_range("2000-01-01", periods=240, freq="MS"))
    model = gw.Forecaster(4, lookback=12, verbose=0, training=ONCE, network=SMALL)
    return frame, model.fit(frame, target="load", features=["heat"], time="time")


def test_a_table_is_read_by_the_names_of_its_columns(tmp_path, months):
    frame, model = months
    gw.export(model, "onnx", tmp_path / "out")
    frame[["heat", "time", "load"]].to_csv(tmp_path / "out/all.csv", index=False)
    told = run(tmp_path / "out", "import pandas\nrows = pandas.read_csv('all.csv')")
    np.testing.assert_allclose(np.ravel(told), model.predict(frame)["load"], rtol=1e-5)
    assert "times (`time`) are not read" in (tmp_path / "out/README.md").read_text()


REFUSED = {
    "pandas.DataFrame({'time': ['1949-01-01'] * 12})": "there is no column ['load', 'heat']",
    "[['1949-01-01', 3.0]] * 12": "of ['load', 'heat'] in this order, numbers alone",
    "[[1.0, 2.0]] * 11": "expected the last 12 rows or more",
    "[[1.0, 2.0, 3.0]] * 12": "not (12, 3)",
    "[[1.0, None]] * 12": "there is a cell without a number",
}


def test_other_rows_are_refused(tmp_path, months):
    gw.export(months[1], "onnx", tmp_path / "out")
    lines = ["import pandas", "from codec import inputs"]
    for rows in REFUSED:
        lines += ["try:", f"    inputs({rows})", "except ValueError as error:", "    print(error)"]
    told = ran(tmp_path / "out", "\n".join(lines))
    for line, said in zip(told, REFUSED.values(), strict=True):
        assert said in line


def test_times_are_those_of_all_rows(tmp_path):
    frame = two_columns()
    model = gw.Forecaster(4, lookback=12, calendar=True, verbose=0, training=ONCE, network=SMALL)
    model.fit(frame, target=["load", "heat"], time="time")
    gw.export(model, "onnx", tmp_path / "out")
    frame.to_csv(tmp_path / "out/all.csv", index=False)
    ahead = 4 if model.codec_.ahead else 0
    before = [
        "import pandas",
        "rows = pandas.read_csv('all.csv')",
        f"times = np.datetime64('2024-01-01T00') + np.arange(240 + {ahead})",
    ]
    told = run(tmp_path / "out", "\n".join(before))
    wanted = model.predict(frame)[["load", "heat"]].to_numpy()
    np.testing.assert_allclose(told, wanted, rtol=1e-5)
    short = "from codec import inputs\ntry:\n    inputs([[1, 2]] * 20, ['2024-01-01'] * 12)\n"
    short += "except ValueError as error:\n    print(error)"
    assert ran(tmp_path / "out", short)[0].startswith(f"expected {20 + ahead} times: those of the")


@pytest.fixture(
    scope="module",
    params=[{}, {"ngrams": 1}, {"unit": "bpe", "ngrams": 2, "vocab_size": 300}],
    ids=["triples", "characters", "pairs of pieces"],
)
def writer(request):
    training = gw.Training(epochs=6, learning_rate=0.02, batch_size=4)
    network = gw.Network(hidden_size=32, dropout=0, input_dropout=0)
    model = gw.Generator(verbose=0, training=training, network=network, **request.param)
    return model.fit(toys.toy_play(6000))


@pytest.mark.parametrize("to", ["onnx", pytest.param("torch", marks=NIGHTLY)])
def test_a_text_goes_on_as_the_model_writes_it(tmp_path, writer, to):
    gw.export(writer, to, tmp_path / "out")
    prompt = "THE MILLER:\nWhat"
    wanted = writer.generate(prompt, length=40, temperature=0)
    assert run(tmp_path / "out", f"prompt = {prompt!r}") == prompt + wanted
    assert len(set(wanted)) > 8


def test_a_text_among_several_begins_and_ends(tmp_path):
    texts = [f"{a} {b}." for a in ("red", "green", "blue") for b in ("hat", "coat", "sock")] * 12
    training = gw.Training(epochs=12, learning_rate=0.01)
    model = gw.Generator(verbose=0, training=training, network=gw.Network(hidden_size=32))
    model.fit(texts)
    gw.export(model, "onnx", tmp_path / "out")
    for prompt in ("", "gr"):
        wanted = model.generate(prompt, length=40, temperature=0)
        assert run(tmp_path / "out", f"prompt = {prompt!r}") == prompt + wanted
        assert 2 < len(wanted) < 30


@NIGHTLY
def test_a_generator_of_one_length_pads(tmp_path):
    model = gw.Generator(verbose=0, training=ONCE, network=SMALL).fit(toys.toy_play(3000))
    gw.export(model, "torch-export", tmp_path / "out", length=20)
    wanted = model.generate("THE", length=40, temperature=0)
    assert run(tmp_path / "out", "prompt = 'THE'") == "THE" + wanted


@pytest.mark.parametrize(
    ("to", "attention"),
    [("onnx", "additive"), pytest.param("torch", "multiplicative", marks=NIGHTLY)],
)
def test_translations(tmp_path, to, attention):
    pairs = toys.number_pairs(300, highest=999)
    network = gw.Network(hidden_size=16, attention=attention)
    model = gw.Translator(verbose=0, training=gw.Training(epochs=8), network=network)
    model.fit(pairs.sources, pairs.targets)
    gw.export(model, to, tmp_path / "out")
    told = run(tmp_path / "out", f"sources = {pairs.sources[:6]!r}")
    wanted = model.translate(pairs.sources[:6], beam=1)
    assert [one[: len(other)] for one, other in zip(told, wanted, strict=True)] == wanted
    assert any(wanted)


def test_safetensors_say_what_they_are(tmp_path, months):
    done = gw.export(months[1], "safetensors", tmp_path / "out")
    text = (tmp_path / "out/README.md").read_text()
    assert "These are weights alone" in text
    assert "last 12 rows of `load`, `heat`" in text
    assert done.files == ("weights.safetensors",)
    printed = dict(line.split(" ", 1) for line in ran(done.path, "\n".join(example(done.path))))
    rows = dict(re.findall(r"^\| `(.*)` \| (.*) \|$", text, re.MULTILINE))
    assert rows == printed
    assert rows["encoder.0.forward.recurrent"] == "(8, 32)"


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_the_step_of_a_layer_is_that_of_its_equations(cell):
    """As NumPy reads it."""
    sizes = {"rnn": 1, "gru": 3, "lstm": 4}
    rng = np.random.default_rng(0)
    given = {"x": rng.normal(size=(2, 3)), "h": rng.normal(size=(2, 5)), "c": rng.normal(size=5)}
    given |= {
        "input": rng.normal(size=(3, sizes[cell] * 5)),
        "bias": rng.normal(size=sizes[cell] * 5),
    }
    given |= {
        "recurrent": rng.normal(size=(5, sizes[cell] * 5)),
        "candidate_bias": rng.normal(size=5),
    }
    names = ["x", "h", "c"] if cell == "lstm" else ["x", "h"]
    names += ["input", "recurrent", "bias", *(["candidate_bias"] if cell == "gru" else [])]
    wanted = CELLS[cell](*(given[name] for name in names))
    known = {"tanh": np.tanh, "sigmoid": sigmoid, "split": lambda x, n: np.split(x, n, axis=-1)}
    exec("\n".join(STEPS[cell]), known, given)
    np.testing.assert_allclose(given["h"], wanted[0], rtol=1e-12)


def test_titles_tell_one_model_from_another(months):
    assert title(subject_of(months[1])) == "Forecaster of load"
    reviews = toys.toy_reviews(60).rename(columns={"label": "mood"})
    model = gw.Classifier(members=1, verbose=0, training=ONCE).fit(reviews, label="mood")
    assert title(subject_of(model)) == "Classifier of `mood`: negative, positive"
    entities = toys.toy_entities(60)
    tagger = gw.Tagger(verbose=0, training=ONCE).fit(entities.tokens, entities.tags)
    assert title(subject_of(tagger)) == "Tagger of tokens: LOC, ORG, PER"


def test_chinese_is_asked_in_chinese():
    reviews = toys.toy_reviews(60, language="zh")
    model = gw.Classifier(members=1, verbose=0, training=ONCE).fit(
        reviews["text"], reviews["label"]
    )
    assert sample(subject_of(model)) == ['texts = ["比我想的还要好。"]']
