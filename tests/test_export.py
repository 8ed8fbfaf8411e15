"""Exports: each answers as the model does, in a process that has only that format's library."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import every_spec, random_weights
from shop import fingerprint

import gatewise as gw
from gatewise.artifact import Artifact, versions, write_artifact
from gatewise.batch import Batch
from gatewise.cli import main
from gatewise.data import toys
from gatewise.engines.onnx.engine import Engine, build_graphs
from gatewise.errors import ArtifactError, MissingExtraError, RunError, UsageError
from gatewise.exporting import export as exporting
from gatewise.exporting import formats, verify
from gatewise.spec import NetworkSpec

ONCE = gw.Training(epochs=1)
ALWAYS = ["onnx", "safetensors", "torch"]
SPECS = [
    "rnn-1-bi-max-segments",
    "gru-2-bi-mean-linear",
    "lstm-1-uni-attention-segments",
    "lstm-1-bi-mean_max-pairs",
    "lstm-1-uni-attention-linear-shortcut40",
    "gru-2-bi-by_position-segments-2ahead-shortcut4",
    "lstm-2-bi-fed_back-linear-2ahead",
    "gru-1-uni-by_position-linear-0ahead",
    "lstm-2-uni-steps-tied23",
    "gru-2-uni-steps-none",
    "rnn-2-bi-steps-tokens",
    "lstm-2-bi-writes-additive",
    "gru-1-bi-writes-multiplicative-of-numbers",
    "lstm-1-bi-writes-additive-tied23",
    "rnn-1-uni-writes-none",
]


def saved(folder: Path, spec: NetworkSpec, more: Mapping[str, Any] | None = None) -> Path:
    """An artifact of this network with random weights, some with `more` added to them."""
    weights = random_weights(spec)
    weights |= {name: weights[name] + value for name, value in (more or {}).items()}
    lookback = {"lookback": 4 * spec.segment_length}
    model: dict[str, Any] = {
        "spec": spec.model_dump(),
        "data": {},
        "strategy": "direct",
        "season": 1,
        "codec": {**lookback, "window_scaling": "none", "cycles": [], "logs": [], "columns": []},
    }
    model["codec"] |= {"independent": False, "predicted": spec.output_size, "horizon": 4}
    graphs = build_graphs(spec, weights)
    write_artifact(folder, Artifact("forecast", model, weights, {}, graphs, versions()))
    return folder


@pytest.fixture(scope="module")
def forecaster(tmp_path_factory):
    frame = gw.datasets.airline_passengers()
    model = gw.Forecaster(
        6, lookback=12, verbose=0, training=ONCE, network=gw.Network(hidden_size=8)
    )
    model.fit(frame, target="passengers", time="month")
    path = tmp_path_factory.mktemp("air") / "air.gw"
    model.save(path)
    return path


def alone(folder: Path, code: str, feeds: dict[str, Any]) -> dict[str, Any]:
    """What `code` puts into `told`, run in the export's folder by a process without gatewise."""
    np.savez(folder / "given.npz", **feeds)
    script = (
        "import sys\nimport numpy as np\n"
        "given = dict(np.load('given.npz'))\n"
        f"{code}\n"
        "assert not any(name.startswith('gatewise') for name in sys.modules)\n"
        "np.savez('told.npz', **told)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    return dict(np.load(folder / "told.npz"))


ONNX = """
import onnxruntime
session = onnxruntime.InferenceSession("model.onnx")
told = dict(zip((one.name for one in session.get_outputs()), session.run(None, given)))
assert "torch" not in sys.modules
"""
TORCH = """
import torch
from network import load
model = load()
with torch.no_grad():
    output = model(*(torch.from_numpy(given[name]) for name in NAMES))
told = {"output": (output[0] if isinstance(output, tuple) else output).numpy()}
assert "onnxruntime" not in sys.modules
"""
PROGRAM = """
import torch
model = torch.export.load("model.pt2").module()
told = model(**{name: torch.from_numpy(array) for name, array in given.items()})
told = {name: tensor.detach().numpy() for name, tensor in told.items()}
"""
NIGHTLY_PROGRAM = pytest.param("torch-export", marks=pytest.mark.nightly)
CODE = {"onnx": ONNX, "onnx-int8": ONNX, "torch": TORCH, "torch-export": PROGRAM}


@pytest.mark.parametrize("to", ["onnx", "onnx-int8", "torch", NIGHTLY_PROGRAM])
def test_a_forecaster_answers_the_same_without_gatewise(forecaster, tmp_path, to):
    done = gw.export(forecaster, to, tmp_path / "out")
    model = gw.load(forecaster)
    rng = np.random.default_rng(0)
    lengths = np.array([12, 5, 1, 9])
    x = rng.normal(size=(4, 12, 1)).astype(np.float32)
    wanted = model.runner_.forward(Batch(x=x, lengths=lengths)).output
    code = CODE[to].replace("NAMES", "('x', 'lengths')")
    told = alone(tmp_path / "out", code, {"x": x, "lengths": lengths})["output"]
    allowed = 1e-5 if to != "onnx-int8" else max(4 * done.verified.relative, 1e-3)
    np.testing.assert_allclose(told, wanted, atol=allowed * np.abs(wanted).max())
    assert (to == "onnx-int8") == (np.abs(told - wanted).max() > 1e-5)


def test_plain_weights_of_torch_are_what_people_know(forecaster, tmp_path):
    import torch

    gw.export(forecaster, "torch", tmp_path / "out")
    state = torch.load(tmp_path / "out/weights.pth", weights_only=True)
    assert {"encoder.weight_ih_l0", "encoder.weight_hh_l0", "encoder.bias_ih_l0"} <= set(state)
    assert {"head.weight", "head.bias"} <= set(state)
    source = (tmp_path / "out/network.py").read_text()
    assert "gatewise" not in source.split('"""', 2)[2]
    assert max(map(len, source.splitlines())) <= 100
    assert "nn.Embedding" not in source
    assert "Bridge" not in source


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("to", ALWAYS)
def test_networks_of_every_kind(tmp_path, name, to):
    done = gw.export(saved(tmp_path / "m", every_spec()[name]), to, tmp_path / "out")
    assert done.verified.relative < 1e-6
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *done.files,
        "codec.json",
        "codec.py",
        "README.md",
    }
    compile_python(tmp_path / "out/network.py")


def compile_python(path: Path) -> None:
    if path.exists():
        compile(path.read_text(), str(path), "exec")


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["lstm-1-uni-writes-additive", "gru-2-uni-steps-none"])
def test_programs_carry_states_and_any_length(tmp_path, name):
    done = gw.export(saved(tmp_path / "m", every_spec()[name]), "torch-export", tmp_path / "out")
    assert done.verified.relative < 1e-6
    assert done.verified.steps == 11
    assert not done.notes


def test_a_program_of_segments_has_one_length(tmp_path):
    spec = every_spec()["lstm-1-uni-last-segments"]
    done = gw.export(saved(tmp_path / "m", spec), "torch-export", tmp_path / "out", length=9)
    assert done.notes == ("its length is fixed, 9: pad to that; --to torch reads any",)
    assert "(batch, 9, 3)" in (tmp_path / "out/README.md").read_text()
    with pytest.raises(UsageError, match="10 is not a multiple of the segments of 3 steps"):
        gw.export(tmp_path / "m", "torch-export", tmp_path / "out", length=10)


@pytest.mark.nightly
def test_a_committee_is_one_network(tmp_path):
    frame = toys.toy_reviews(60)
    model = gw.Classifier(members=2, verbose=0, training=ONCE).fit(frame["text"], frame["label"])
    steps, _ = model.reading_.encode(list(frame["text"][:3]))
    x = np.zeros((3, max(steps.lengths), steps.values.shape[1]), dtype=np.int64)
    for row, length in enumerate(steps.lengths):
        x[row, :length] = steps[row]
    feeds = {"x": x, "lengths": np.asarray(steps.lengths, dtype=np.int64)}
    wanted = model.predict_proba(list(frame["text"][:3]))
    for to in ("onnx", "torch"):
        gw.export(model, to, tmp_path / to)
        code = CODE[to].replace("NAMES", "('x', 'lengths')")
        z = alone(tmp_path / to, code, feeds)["output"][:, 0].astype(np.float64)
        shares = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
        np.testing.assert_allclose(shares, wanted, atol=1e-5)


def test_several_labels_of_a_committee_stand_for_themselves(tmp_path):
    texts = ["a b", "b c", "c d", "d a"] * 8
    labels = [["x"], ["x", "y"], ["y"], []] * 8
    model = gw.Classifier(members=2, verbose=0, training=ONCE, unit="word").fit(texts, labels)
    for to in ALWAYS:
        gw.export(model, to, tmp_path / to)
    assert "sigmoid" in (tmp_path / "torch/README.md").read_text()


@pytest.mark.parametrize("to", ALWAYS)
def test_the_other_tasks(tmp_path, to):
    entities, pairs = toys.toy_entities(30), toys.number_pairs(60, highest=99)
    small = gw.Network(hidden_size=8)
    models = [
        gw.Tagger(verbose=0, training=ONCE, network=small).fit(entities.tokens, entities.tags),
        gw.Generator(verbose=0, quantize=True, training=ONCE, network=small).fit(
            toys.toy_play(2000)
        ),
        gw.Translator(verbose=0, training=ONCE, network=small).fit(pairs.sources, pairs.targets),
    ]
    for model in models:
        done = gw.export(model, to, tmp_path / type(model).__name__)
        assert done.verified.relative < 1e-6
        codec = json.loads((done.path / "codec.json").read_text())
        assert codec["gatewise_export"] == to
        assert codec["task"] in ("tag", "generate", "translate")


def test_a_graph_says_what_it_is(forecaster, tmp_path):
    import onnx

    gw.export(forecaster, "onnx-int8", tmp_path / "out")
    facts = onnx.load(tmp_path / "out/model.onnx").metadata_props
    found = {fact.key: fact.value for fact in facts}
    assert (found["task"], found["weights"]) == ("forecast", "int8")
    assert NetworkSpec(**json.loads(found["spec"])) == gw.load(forecaster).spec_


def test_safetensors_hold_canonical_weights(forecaster, tmp_path):
    from safetensors import safe_open

    gw.export(forecaster, "safetensors", tmp_path / "out")
    model = gw.load(forecaster)
    with safe_open(tmp_path / "out/weights.safetensors", framework="numpy") as file:
        assert NetworkSpec(**json.loads(file.metadata()["spec"])) == model.spec_
        assert set(file.keys()) == set(model.weights_)


def test_what_answers_otherwise_is_not_written(forecaster, tmp_path, monkeypatch):
    gw.export(forecaster, "torch", tmp_path / "out")
    before = fingerprint(tmp_path)
    answer = verify.Runs.__call__

    def wrong(self, name, feeds):
        told = answer(self, name, feeds)
        return {**told, "output": told["output"] * (1 + 1e-4)}

    monkeypatch.setattr(verify.Runs, "__call__", wrong)
    for to, out in (("torch", "out"), ("torch", "new")):
        with pytest.raises(RunError, match=r"does not answer as the model does: model.output of"):
            gw.export(forecaster, to, tmp_path / out)
    assert main(["export", str(forecaster), "--to", "torch", "--out", str(tmp_path / "x")]) == 1
    assert fingerprint(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_int8_that_is_far_off_is_told_not_refused(forecaster, tmp_path, monkeypatch):
    forward = Engine.forward

    def wrong(self, batch):
        told = forward(self, batch)
        return replace(told, output=told.output + 1.0)

    monkeypatch.setattr(formats.Engine, "forward", wrong)
    assert gw.export(forecaster, "onnx-int8", tmp_path / "out").verified.difference > 0.9
    with pytest.raises(RunError):
        gw.export(forecaster, "onnx", tmp_path / "other")


def test_wrong_words(forecaster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"no format 'onx'; did you mean 'onnx'\? \(formats: onnx"):
        gw.export(forecaster, "onx")
    with pytest.raises(UsageError, match="length is for torch-export; onnx carries"):
        gw.export(forecaster, "onnx", length=3)
    with pytest.raises(ArtifactError, match="does not exist"):
        gw.export(tmp_path / "nowhere", "onnx")
    with pytest.raises(UsageError, match="a fitted model or the folder of a saved one, not int"):
        gw.export(3, "onnx")
    monkeypatch.setattr(exporting.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'gatewise\[torch\]'"):
        gw.export(forecaster, "torch")
    assert list(tmp_path.iterdir()) == []


def test_only_an_export_of_the_same_format_is_replaced(forecaster, tmp_path):
    gw.export(forecaster, "onnx", tmp_path / "out")
    gw.export(forecaster, "onnx", tmp_path / "out")
    with pytest.raises(UsageError, match="holds an export to onnx"):
        gw.export(forecaster, "torch", tmp_path / "out")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter.txt").write_text("years of work")
    with pytest.raises(UsageError, match=r"holds no codec\.json of an earlier run"):
        gw.export(forecaster, "onnx", tmp_path / "thesis")


def test_help_names_every_format(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["export", "--help"]) == 0
    told = [line.strip(" │").split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    listed = {line[0]: line[1] for line in told if len(line) == 2 and line[0] in formats.FORMATS}
    assert listed == {name: form.what for name, form in formats.FORMATS.items()}


def test_a_long_export_says_so_before_it_begins(tmp_path, monkeypatch, capsys):
    spec = every_spec()["lstm-2-uni-fed_back-linear-0ahead"]
    model = saved(tmp_path / "m", NetworkSpec(**{**spec.model_dump(), "horizon": 26}))
    said = []

    def write(subject, folder, length):
        said.append(capsys.readouterr().err)
        raise RunError("enough")

    form = replace(formats.FORMATS["torch-export"], write=write)
    monkeypatch.setattr(exporting, "FORMATS", {**formats.FORMATS, "torch-export": form})
    with pytest.raises(RunError):
        gw.export(model, "torch-export", tmp_path / "out")
    assert main(["export", str(model), "--to", "torch-export", "--quiet"]) == 1
    long = "note: this takes long: the 26 steps of the decoder, of 2 layers each, are written"
    assert said[0].startswith(long)
    assert said[1] == ""
    capsys.readouterr()
    gw.export(model, "onnx", tmp_path / "out")
    assert capsys.readouterr().err == ""


def test_the_command_line(forecaster, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(forecaster), "--to", "onnx"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("verified: 5 batches of up to 7 sequences and 12 steps, padded: ")
    assert [line.split() for line in lines[1:]] == [
        ["network", "air-onnx/model.onnx"],
        ["codec", "air-onnx/codec.py"],
        ["readme", "air-onnx/README.md"],
    ]
    assert main(["export", str(forecaster), "--to", "onnx", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["files"] == ["model.onnx"]
    assert "verified" in told.err
    assert main(["export", str(forecaster), "--to", "onx"]) == 2
    assert main(["export", str(forecaster)]) == 2
