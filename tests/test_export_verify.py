"""What is compared before an export is written: each output by its own size, numbers alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from networks import every_spec
from test_export import ONCE, saved

import gatewise as gw
from gatewise.data import toys
from gatewise.engines.onnx.engine import Engine
from gatewise.errors import RunError
from gatewise.exporting import formats, verify
from gatewise.exporting.subject import subject_of


def test_each_output_is_judged_by_its_own_size(tmp_path, monkeypatch):
    """With logits of thousands an attention that is off by 1e-3 would be a millionth of them."""
    spec = every_spec()["lstm-1-uni-attention-linear"]
    model = saved(tmp_path / "m", spec, {"head.bias": np.float32(5000.0)})
    done = gw.export(model, "torch", tmp_path / "fine")
    assert done.verified.name in ("model.output", "model.attention")
    answer = verify.Runs.__call__

    def wrong(self, name, feeds):
        told = answer(self, name, feeds)
        return {**told, "attention": told["attention"] + np.float32(1e-3)}

    monkeypatch.setattr(verify.Runs, "__call__", wrong)
    with pytest.raises(RunError, match=r"model\.attention of \d+ x \d+ steps differs by 1\.0"):
        gw.export(model, "torch", tmp_path / "off")


def test_graphs_are_judged_by_output_and_by_state(tmp_path, monkeypatch):
    spec = every_spec()["lstm-1-uni-steps-none"]
    model = saved(tmp_path / "m", spec, {"head.bias": np.float32(5000.0)})
    forward = Engine.forward

    def wrong(self, batch):
        told = forward(self, batch)
        return replace(told, state=told.state + np.array([[[[1e-3]]], [[[0]]]], np.float32))

    monkeypatch.setattr(formats.Engine, "forward", wrong)
    with pytest.raises(RunError, match=r"as the model does: h of \d+ x \d+ steps differs by 1\.0"):
        gw.export(model, "onnx", tmp_path / "off")


@pytest.mark.parametrize("to", ["onnx", "torch"])
def test_a_model_without_answers_is_not_exported(tmp_path, to):
    """Its comparisons are all false, and must not pass for it."""
    spec = every_spec()["lstm-1-uni-last-linear"]
    model = saved(tmp_path / "m", spec, {"head.bias": np.float32("nan")})
    with pytest.raises(RunError, match=r"the model's own .* not finite"):
        gw.export(model, to, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_weights_of_8_bits_are_found_in_the_graphs(tmp_path):
    model = gw.Generator(verbose=0, quantize=True, training=ONCE, network=gw.Network(hidden_size=8))
    model.fit(toys.toy_play(2000))
    subject = subject_of(model)
    assert subject.in_int8
    assert not replace(
        subject, artifact=replace(subject.artifact, graphs=subject.graphs[0])
    ).in_int8
    del subject.artifact.model["data"]["nats"]
    assert subject_of(model).in_int8
