"""What stands beside an exported network: its README's lines, run by a process without gatewise,
give the model's answers from the data itself.
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

ONCE = gw.Training(epochs=1)
SMALL = gw.Network(hidden_size=8)


def run(folder: Path, before: str) -> Any:
    """What the last line of the README's example gives, after `before`."""
    block = re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)[1]
    *lines, last = block.rstrip().splitlines()
    script = "\n".join(
        [
            "import json, sys",
            "import numpy as np",
            before,
            *lines,
            f"told = ({last.partition('  #')[0]})",
            "assert not any(name.startswith('gatewise') for name in sys.modules)",
            "told = told.tolist() if isinstance(told, np.ndarray) else told",
            "print(json.dumps(told))",
        ]
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


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
        ("torch", {"window_scaling": "mean_std", "channel_independent": True}),
        ("onnx", {"strategy": "encoder_decoder", "calendar": True}),
        ("torch", {"strategy": "encoder_decoder", "window_scaling": "last"}),
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


@pytest.mark.parametrize("to", ["onnx", "torch"])
def test_the_likeliest_next_character(tmp_path, to):
    model = gw.Generator(verbose=0, training=ONCE, network=SMALL).fit(toys.toy_play(3000))
    gw.export(model, to, tmp_path / "out")
    wanted = model.generate("THE MILLER:\nWhat", length=1, temperature=0)
    assert run(tmp_path / "out", "prompt = 'THE MILLER:\\nWhat'") == wanted


@pytest.mark.parametrize(("to", "attention"), [("onnx", "additive"), ("torch", "multiplicative")])
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


def test_safetensors_have_no_network_to_ask(tmp_path):
    model = gw.Forecaster(4, lookback=12, verbose=0, training=ONCE, network=SMALL)
    model.fit(two_columns(), target="load", features=["heat"], time="time")
    done = gw.export(model, "safetensors", tmp_path / "out")
    text = (tmp_path / "out/README.md").read_text()
    assert "safe_open" in text
    assert "last 12 rows of load, heat" in text
    assert done.files == ("weights.safetensors",)
