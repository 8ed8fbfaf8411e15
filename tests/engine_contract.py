"""What every engine owes, as checks that take its name: `python engine_contract.py jax out.json`.

Keras has one backend for a whole process, so the engines on it are checked in processes of their
own; `outcome` runs one and says of each check what went wrong, "" for nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from networks import every_spec, meant, only, padded, random_batch, random_weights, spec_of
from numpy_engine import NumpyEngine

from gatewise import reference
from gatewise.batch import Batch, Examples, batch_order, in_order
from gatewise.data.sequences import Ragged, Sequences, Streams
from gatewise.engine import EpochPlan, load_engine
from gatewise.spec import NetworkSpec, Training
from gatewise.tasks.rate_finding import find_rate
from gatewise.weights import shapes

HERE = Path(__file__).resolve().parent
SPECS = every_spec()
# the loops' lengths and 7 have no common factor: every value comes
GRID = list(SPECS)[::7] + [name for name in SPECS if "tied" in name]
SMALL = {  # network -> loss; gradients of these, and of no more, take a moment
    "lstm-1-bi-last-linear": "mse",
    "gru-1-uni-attention-none": "huber",
    "rnn-1-bi-mean_max-tokens": "binary_cross_entropy",
    "lstm-1-uni-max-none": "mae",
    "lstm-1-uni-steps-tokens": "cross_entropy",
    "gru-1-bi-fed_back-none-2ahead": "mse",
    "lstm-1-uni-by_position-segments-2ahead": "mse",
    "lstm-1-bi-writes-additive": "cross_entropy",
    "gru-1-uni-writes-multiplicative": "cross_entropy",
}
# on Keras compiling takes longer than all else: there the whole grid is for the night
SHORT = [*SMALL, *GRID[::12]]
STEEP = [  # of each cell, both decoders and every way to read
    "lstm-1-bi-last-linear",
    "rnn-1-bi-mean_max-tokens",
    "gru-1-bi-fed_back-none-2ahead",
    "lstm-1-bi-writes-additive",
]
LANGUAGE: dict[str, Any] = {
    "kind": "many_to_many",
    "embedding": "tokens",
    "embedding_size": 3,
    "input_size": 1,
    "vocab_size": 6,
    "output_size": 6,
    "hidden_size": 3,
}
TOLD = {"loss": "cross_entropy"}
STILL = {"optimizer": "sgd", "momentum": 0.0, "clip_norm": None, "patience": None}


def engine_of(name: str, spec: NetworkSpec, seed: int = 0, **training: Any) -> Any:
    weights = random_weights(spec, seed)
    if name == "numpy":
        return NumpyEngine(spec, Training(**training), weights)
    return load_engine(name, spec, Training(**training), weights, device="cpu")


def plan_of(count: int, epoch: int = 0, rate: float = 1e-2, size: int = 4) -> EpochPlan:
    batches = batch_order(count, size, seed=3, epoch=epoch)
    steps = len(batches)
    return EpochPlan(batches, np.full(steps, rate), np.full(steps, 1.0), seed=epoch)


def learnt_from(spec: NetworkSpec, loss: str, rows: int = 5) -> Batch:
    """A batch with the truth that the loss wants, without a state to begin in."""
    batch = replace(random_batch(spec, rows=rows, segments=4), state=None)
    if loss == "binary_cross_entropy":
        return replace(batch, y=(batch.y > 0).astype(np.float32))
    return batch


def forward_agrees(name: str, network: str) -> None:
    spec = SPECS[network]
    batch = random_batch(spec)
    ours = engine_of(name, spec).forward(batch)
    truth = reference.forward(spec, random_weights(spec), batch)
    close(meant(spec, batch, ours.output), meant(spec, batch, truth.output), 1e-5)
    assert (ours.attention is None) == (truth.attention is None)
    if truth.attention is not None:
        close(ours.attention, truth.attention, 1e-5)
        assert np.all(ours.attention[truth.attention == 0] == 0), "attention at padding is not 0"
    assert (ours.state is None) == (truth.state is None)
    if truth.state is not None:
        close(ours.state, truth.state, 1e-5)


def rows_alone_and_under_padding_agree(name: str) -> None:
    for network in (
        "lstm-2-bi-attention-linear",
        "gru-2-uni-steps-none",
        "lstm-1-bi-writes-additive",
    ):
        spec = SPECS[network]
        engine, batch = engine_of(name, spec), random_batch(spec)
        together = engine.forward(batch)
        longer = engine.forward(padded(batch, 3, fill=9.0))
        close(meant(spec, batch, longer.output), meant(spec, batch, together.output), 1e-6)
        for row in (0, 3):
            alone = engine.forward(only(batch, row))
            close(alone.output[0], together.output[row, : alone.output.shape[1]], 1e-6)


def weights_come_back_to_the_last_bit(name: str) -> None:
    for network in ("gru-2-bi-attention-linear", "lstm-1-bi-writes-additive-tied23"):
        spec = SPECS[network]
        engine, weights = engine_of(name, spec), random_weights(spec, seed=7)
        engine.set_weights(weights)
        found = engine.get_weights()
        assert set(found) == set(shapes(spec))
        for key, value in weights.items():
            np.testing.assert_array_equal(found[key], value)


def gradients_are_the_slopes(name: str, network: str) -> None:
    spec, loss = SPECS[network], SMALL[network]
    batch = replace(learnt_from(spec, loss, rows=3), weight=np.array([0.5, 2.0, 1.25], np.float32))
    ours = engine_of(name, spec, loss=loss).gradients(batch)
    assert set(ours) == set(shapes(spec))
    weights = random_weights(spec, dtype=np.float64)
    truth = NumpyEngine(spec, Training(loss=loss), weights)
    rng = np.random.default_rng(0)
    for key, value in weights.items():
        for _ in range(5):
            at = tuple(int(rng.integers(size)) for size in value.shape)
            slope = truth.slope(key, at, batch)
            assert abs(ours[key][at] - slope) < 2e-6 + 1e-4 * abs(slope), (key, at)


def the_loss_is_that_of_the_equations(name: str) -> None:
    for network, loss in SMALL.items():
        spec = SPECS[network]
        weight = np.linspace(0.5, 2.0, 7).astype(np.float32)
        source = Examples(replace(learnt_from(spec, loss, rows=7), weight=weight))
        batches = in_order(7, 3)
        truth = engine_of("numpy", spec, loss=loss).evaluate(source, batches)
        ours = engine_of(name, spec, loss=loss).evaluate(source, batches)
        assert abs(ours - truth) < 1e-5 * max(1.0, truth), (network, ours, truth)


def a_step_goes_down_the_slope(name: str) -> None:
    for network in ("lstm-1-bi-last-linear", "gru-1-uni-attention-none"):
        spec = SPECS[network]
        source = Examples(learnt_from(spec, "mse", rows=7))
        found = [engine_of(one, spec, **STILL) for one in (name, "numpy")]
        ticks: list[int] = []
        plan = replace(plan_of(7, rate=0.1), tick=ticks.append)
        losses = [engine.train_epoch(source, plan) for engine in found]
        close(losses[0], losses[1], 1e-5)
        assert len(ticks) == 2 * len(plan.batches)
        for key, value in found[1].get_weights().items():
            close(found[0].get_weights()[key], value, 1e-5)


def a_stream_goes_on_where_it_ended(name: str) -> None:
    spec = spec_of(**LANGUAGE)
    ids = np.random.default_rng(0).integers(0, 6, 45)
    source = Streams(ids, 4)
    found = [engine_of(one, spec, loss="cross_entropy", **STILL) for one in (name, "numpy")]
    batches = source.order(2, seed=0, epoch=0)
    close(*(engine.evaluate(source, batches) for engine in found), 1e-5)
    plan = EpochPlan(batches, np.full(len(batches), 0.1), np.ones(len(batches)), seed=0)
    close(*(engine.train_epoch(source, plan) for engine in found), 1e-5)
    whole = Batch(x=np.stack([ids[row : row + 4 * len(batches)] for row in batches[0]])[..., None])
    state = found[0].forward(whole).state
    parts = None
    for rows in batches:
        parts = found[0].forward(replace(source.gather(source.arrays, rows), state=parts)).state
    close(parts, state, 1e-5)


def texts_of_unequal_lengths_are_learnt(name: str) -> None:
    """Batches of other sizes each time, the last one smaller."""
    spec = spec_of(
        kind="many_to_one",
        embedding="tokens",
        embedding_size=3,
        input_size=1,
        vocab_size=9,
        hidden_size=3,
        horizon=1,
        bidirectional=True,
        pooling="mean_max",
    )
    rng = np.random.default_rng(0)
    texts = [rng.integers(4, 9, (length, 1)) for length in (2, 11, 5, 7, 1, 3, 17)]
    source = Sequences(Ragged.of(texts), classes=rng.integers(0, 2, (7, 1)))
    found = [engine_of(one, spec, loss="cross_entropy", **STILL) for one in (name, "numpy")]
    batches = source.order(3, seed=0, epoch=0)
    plan = EpochPlan(batches, np.full(len(batches), 0.1), np.ones(len(batches)), seed=0)
    close(*(engine.train_epoch(source, plan) for engine in found), 1e-5)
    close(*(engine.evaluate(source, source.in_order(3)) for engine in found), 1e-5)


def a_loss_that_is_no_number_is_returned(name: str) -> None:
    spec = SPECS["lstm-1-uni-max-none"]
    batch = learnt_from(spec, "mse")
    source = Examples(replace(batch, y=batch.y * np.nan))
    assert np.isnan(engine_of(name, spec).train_epoch(source, plan_of(5)))


def an_interrupted_run_goes_on_exactly(name: str) -> None:
    spec = SPECS["gru-2-bi-attention-linear"]
    if name == "numpy":
        spec = spec_of(kind="many_to_one", hidden_size=2, cell="rnn")
    source = Examples(random_batch(spec, rows=12))
    chosen = {"weight_averaging": 0.0 if name == "numpy" else 0.9, "weight_decay": 0.0}
    whole, first = (engine_of(name, spec, **chosen) for _ in range(2))
    for epoch in range(4):
        whole.train_epoch(source, plan_of(12, epoch))
    for epoch in range(2):
        first.train_epoch(source, plan_of(12, epoch))
    second = engine_of(name, spec, seed=9, **chosen)
    if name == "numpy":
        second.weights = dict(first.weights)  # its 64 bits
    else:
        second.set_weights(first.get_weights())
    second.set_state(first.get_state())
    for epoch in range(2, 4):
        second.train_epoch(source, plan_of(12, epoch))
    for key, value in whole.get_weights().items():
        np.testing.assert_array_equal(value, second.get_weights()[key])


def an_epoch_that_is_cut_off_ends_in_the_same_bits(name: str) -> None:
    for carries in (False, True):
        spec, source, chosen = cut_off_example(name, carries)
        batches = source.order(4, seed=1, epoch=0)
        assert len(batches) > 3
        whole, second = (engine_of(name, spec, seed=seed, **chosen) for seed in (0, 9))
        kept: dict[str, Any] = {}

        def keep(how_far: Callable[[], Any], engine: Any = whole, kept: Any = kept) -> None:
            kept["done"] = kept.get("done", 0) + 1
            if kept["done"] == 2:
                weights = engine.weights if name == "numpy" else engine.get_weights()  # its 64 bits
                kept |= {"weights": dict(weights), "state": engine.get_state()}
                kept["so_far"] = how_far()

        rates, shares = np.full(len(batches), 0.1), np.ones(len(batches))
        loss = whole.train_epoch(source, EpochPlan(batches, rates, shares, seed=3, tick=keep))
        second.set_weights(kept["weights"])
        second.set_state(kept["state"])
        rest = EpochPlan(batches, rates, shares, seed=3, done=2, so_far=kept["so_far"])
        assert second.train_epoch(source, rest) == loss
        for key, value in whole.get_weights().items():
            np.testing.assert_array_equal(value, second.get_weights()[key])


def cut_off_example(name: str, carries: bool) -> tuple[NetworkSpec, Any, dict[str, Any]]:
    """A network with dropout of every kind, and windows or streams to learn from."""
    chosen: dict[str, Any] = {} if name == "numpy" else {"weight_averaging": 0.9}
    noise: dict[str, Any] = {}
    if name != "numpy":
        noise = {"dropout": 0.3, "input_dropout": 0.2, "recurrent_dropout": 0.2}
        noise |= {"embedding_dropout": 0.1, "variational_dropout": True} if carries else {}
    if not carries:
        spec = spec_of(kind="many_to_one", hidden_size=3, cell="rnn", pooling="mean", **noise)
        return spec, Examples(random_batch(spec, rows=15)), chosen
    spec = spec_of(**LANGUAGE, **noise)
    return spec, Streams(np.random.default_rng(4).integers(0, 6, 90), 5), {**chosen, **TOLD}


def a_range_test_leaves_it_as_it_was(name: str) -> None:
    spec = spec_of(kind="many_to_one", hidden_size=2, cell="rnn")
    source = Examples(random_batch(spec, rows=12))
    engine = engine_of(name, spec, batch_size=6)
    before = engine.get_weights()
    found = find_rate(engine, source, Training(batch_size=6), seed=0)
    assert len(found.rates) >= 10
    for key, value in engine.get_weights().items():
        np.testing.assert_array_equal(value, before[key])
    again = find_rate(engine, source, Training(batch_size=6), seed=0)
    close(again.losses, found.losses, 1e-5 * float(np.max(found.losses)))


def it_says_what_it_is(name: str) -> None:
    engine = engine_of(name, SPECS["lstm-1-uni-max-none"])
    assert (engine.name, engine.device) == (name, "cpu")
    assert engine.version


def close(ours: Any, truth: Any, within: float) -> None:
    np.testing.assert_allclose(ours, truth, rtol=0, atol=within)


CHECKS: dict[str, Callable[[str], None]] = {
    check.__name__: check
    for check in (
        rows_alone_and_under_padding_agree,
        weights_come_back_to_the_last_bit,
        the_loss_is_that_of_the_equations,
        a_step_goes_down_the_slope,
        a_stream_goes_on_where_it_ended,
        texts_of_unequal_lengths_are_learnt,
        a_loss_that_is_no_number_is_returned,
        an_interrupted_run_goes_on_exactly,
        an_epoch_that_is_cut_off_ends_in_the_same_bits,
        a_range_test_leaves_it_as_it_was,
        it_says_what_it_is,
    )
}


def checks(
    networks: Iterable[str], sloping: Iterable[str] = SMALL
) -> dict[str, Callable[[str], None]]:
    """Name -> check, those of single networks too: of what they answer, and of their slopes."""
    found = dict(CHECKS)
    for network in networks:
        found[f"forward of {network}"] = lambda name, one=network: forward_agrees(name, one)
    for network in sloping:
        found[f"slopes of {network}"] = lambda name, one=network: gradients_are_the_slopes(
            name, one
        )
    return found


STRICT = ("-W", "error")


@lru_cache(maxsize=4)
def outcome(script: str, backend: str, *arguments: str) -> dict[str, Any]:
    """What a script wrote as JSON; a process of its own, warnings as errors."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        environment = {**os.environ, "PYTHONPATH": f"{HERE.parent / 'src'}{os.pathsep}{HERE}"}
        for name in ("KERAS_BACKEND", "TF_CPP_MIN_LOG_LEVEL"):  # an import of JAX sets the latter
            environment.pop(name, None)
        command = [sys.executable, *STRICT, str(HERE / script), backend, str(out), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode or not out.exists():
            raise RuntimeError(f"{script} {backend} ended with {done.returncode}: {done.stderr}")
        return {"stderr": done.stderr, **json.loads(out.read_text())}


def main() -> None:
    name, out, *rest = sys.argv[1:]
    found = {}
    chosen = checks(SPECS) if rest == ["all"] else checks(SHORT, STEEP)
    for label, check in chosen.items():
        try:
            check(name)
            found[label] = ""
        except Exception:  # whatever it is, the test of this check fails with these words
            found[label] = traceback.format_exc(limit=-3) or label
    Path(out).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
