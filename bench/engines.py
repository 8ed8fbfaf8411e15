"""All engines beside what one writes by hand on the same framework, seconds per epoch.

    python bench/engines.py [--rounds 5]

The next-step model of a noisy sine (LSTM, GRU), and a bidirectional classifier of texts of very
unequal lengths, by Adam, the gradient clipped to norm 1. Each framework has a process of its own,
where our engine and the plain ways take turns: on PyTorch a loop, on TensorFlow `model.fit` and a
loop over a `tf.function`, on JAX `model.fit` and a loop over a jitted step. The plain ways are
given all windows as arrays, and of texts batches that are padded already, to few lengths on JAX.
Times to compile are told by themselves; the ratios are of epochs after the first.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from side_by_side import in_turns, ratio
from summary import over_cases, tell
from tables import met, print_table

from gatewise.batch import Batch, Examples
from gatewise.data.sequences import Ragged, Sequences
from gatewise.engine import EpochPlan, load_engine
from gatewise.spec import NetworkSpec, Training
from gatewise.weights import initial

FRAMEWORKS = ("torch", "tensorflow", "jax")
CASES = (  # name, cell, H, B, T, examples; T 0: texts of 10 to 400 words
    ("LSTM, H=32, B=32, T=20", "lstm", 32, 32, 20, 1024),
    ("LSTM, H=128, B=64, T=100", "lstm", 128, 64, 100, 640),
    ("GRU, H=32, B=32, T=20", "gru", 32, 32, 20, 1024),
    ("texts, H=64, B=32", "lstm", 64, 32, 0, 512),
)
WORDS, EMBEDDED, LONGEST = 5_000, 64, 400
MOST_RATIO = 1.15


def windows(steps: int, count: int) -> Examples:
    series = np.sin(np.arange(count + steps) / 5.0).astype(np.float32)
    index = np.arange(count)[:, None] + np.arange(steps)
    return Examples(Batch(x=series[index][..., None], y=series[steps:, None, None]))


def texts(count: int) -> Sequences:
    """Random words: the cost does not depend on them."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(4.6, 0.9, count), 10, LONGEST).astype(int)
    rows = [rng.integers(4, WORDS, (length, 1)).astype(np.int32) for length in lengths]
    return Sequences(Ragged.of(rows), classes=rng.integers(0, 2, (count, 1)))


def spec_of(cell: str, hidden_size: int, steps: int) -> NetworkSpec:
    if steps:
        return NetworkSpec(kind="many_to_one", cell=cell, hidden_size=hidden_size, output_size=1)
    return NetworkSpec(
        kind="many_to_one",
        cell=cell,
        hidden_size=hidden_size,
        output_size=2,
        bidirectional=True,
        embedding="tokens",
        vocab_size=WORDS,
        embedding_size=EMBEDDED,
        pooling="mean",
    )


def measure(framework: str, case: tuple[Any, ...], rounds: int) -> dict[str, Any]:
    """Seconds of each way in each round, and of our first epoch."""
    _, cell, hidden_size, batch_size, steps, count = case
    source = windows(steps, count) if steps else texts(count)
    spec = spec_of(cell, hidden_size, steps)
    loss = "mse" if steps else "cross_entropy"
    training = Training(batch_size=batch_size, loss=loss, patience=None)
    engine = load_engine(framework, spec, training, initial(spec, 0), device="cpu")
    order = source.order(batch_size, seed=0, epoch=0)
    rates = np.full(len(order), 1e-3)
    plan = EpochPlan(order, rates, np.zeros(len(order)), seed=0)
    began = time.perf_counter()
    engine.train_epoch(source, plan)
    first = time.perf_counter() - began
    batches = [source.gather(source.arrays, rows) for rows in order]
    plain = PLAIN[framework](cell, hidden_size, bool(steps), batches, batch_size)
    ways = {"ours": lambda: engine.train_epoch(source, plan), **plain}
    return {"first": first, "seconds": in_turns(ways, rounds, warm_up=2)}


def on_torch(
    cell: str, hidden_size: int, of_values: bool, batches: list[Batch], _rows: int
) -> dict[str, Callable[[], object]]:
    import torch
    from torch import nn
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    layers: dict[str, Any] = {"lstm": nn.LSTM, "gru": nn.GRU}
    width = 1 if of_values else EMBEDDED
    table = nn.Embedding(WORDS, EMBEDDED)
    layer = layers[cell](width, hidden_size, batch_first=True, bidirectional=not of_values)
    head = nn.Linear(hidden_size * (1 if of_values else 2), 1 if of_values else 2)
    model = nn.ModuleList([layer, head] if of_values else [table, layer, head])
    optimizer = torch.optim.Adam(model.parameters())
    given = [(torch.from_numpy(b.x), torch.from_numpy(np.asarray(b.y)), b.lengths) for b in batches]

    def loss_of(x: Any, y: Any, lengths: Any) -> Any:
        if of_values:
            return nn.functional.mse_loss(head(layer(x)[0][:, -1]), y[:, :, 0])
        ends = torch.from_numpy(lengths)
        packed = pack_padded_sequence(
            table(x[..., 0]), ends, batch_first=True, enforce_sorted=False
        )
        shown, _ = pad_packed_sequence(layer(packed)[0], batch_first=True)
        return nn.functional.cross_entropy(head(shown.sum(1) / ends[:, None]), y[:, 0])

    def loop() -> None:
        for batch in given:
            optimizer.zero_grad()
            loss = loss_of(*batch)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()

    return {"plain loop": loop}


def keras_model(cell: str, hidden_size: int, of_values: bool) -> Any:
    """What one writes by hand: a mask where texts are padded."""
    import keras

    layer = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[cell]
    if of_values:
        parts = [layer(hidden_size), keras.layers.Dense(1)]
        model = keras.Sequential([keras.Input((None, 1)), *parts])
        loss: Any = "mse"
    else:
        both = keras.layers.Bidirectional(layer(hidden_size, return_sequences=True))
        pooled = keras.layers.GlobalAveragePooling1D()
        words = keras.layers.Embedding(WORDS, EMBEDDED, mask_zero=True)
        parts = [words, both, pooled, keras.layers.Dense(2)]
        model = keras.Sequential([keras.Input((None,), dtype="int32"), *parts])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(global_clipnorm=1.0), loss=loss)
    return model


def keras_data(batches: list[Batch], of_values: bool, longest: Callable[[int], int]) -> list[Any]:
    if of_values:
        return [(b.x, b.y[:, :, 0]) for b in batches]
    found = []
    for b in batches:
        room = longest(b.x.shape[1]) - b.x.shape[1]
        found.append((np.pad(b.x[..., 0], ((0, 0), (0, room))).astype(np.int32), b.y[:, 0]))
    return found


def on_tensorflow(
    cell: str, hidden_size: int, of_values: bool, batches: list[Batch], rows: int
) -> dict[str, Callable[[], object]]:
    import tensorflow as tf

    fitted, model = (keras_model(cell, hidden_size, of_values) for _ in range(2))
    data = [tuple(map(tf.constant, b)) for b in keras_data(batches, of_values, lambda n: n)]

    @tf.function(reduce_retracing=True)
    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = model.compute_loss(y=y, y_pred=model(x, training=True))
        slopes = tape.gradient(loss, model.trainable_variables)
        model.optimizer.apply_gradients(zip(slopes, model.trainable_variables, strict=True))
        return loss

    def loop() -> None:
        for x, y in data:
            step(x, y)

    return {"plain loop": loop, "fit": fit_of(fitted, data, of_values, rows)}


def on_jax(
    cell: str, hidden_size: int, of_values: bool, batches: list[Batch], rows: int
) -> dict[str, Callable[[], object]]:
    import jax

    fitted, model = (keras_model(cell, hidden_size, of_values) for _ in range(2))
    model.optimizer.build(model.trainable_variables)
    data = keras_data(batches, of_values, lambda n: next(s for s in LADDER if s >= n))

    def loss_of(trained: Any, others: Any, x: Any, y: Any) -> Any:
        answer, others = model.stateless_call(trained, others, x, training=True)
        return model.compute_loss(y=y, y_pred=answer), others

    @jax.jit
    def step(state: Any, x: Any, y: Any) -> Any:
        trained, others, kept = state
        (loss, others), slopes = jax.value_and_grad(loss_of, has_aux=True)(trained, others, x, y)
        trained, kept = model.optimizer.stateless_apply(kept, slopes, trained)
        return loss, (trained, others, kept)

    state = [
        [v.value for v in group]
        for group in (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
        )
    ]

    def loop() -> None:
        now: Any = state
        for x, y in data:
            loss, now = step(now, x, y)
        loss.block_until_ready()

    return {"plain loop": loop, "fit": fit_of(fitted, data, of_values, rows)}


LADDER = (12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)


def fit_of(model: Any, data: list[Any], of_values: bool, rows: int) -> Callable[[], object]:
    if of_values:
        x, y = (np.concatenate([np.asarray(b[part]) for b in data]) for part in (0, 1))
        return lambda: model.fit(x, y, batch_size=rows, verbose=0)
    longest = max(b[0].shape[1] for b in data)  # of arrays, `fit` has all padded alike
    padded = [np.pad(np.asarray(b[0]), ((0, 0), (0, longest - b[0].shape[1]))) for b in data]
    x, y = np.concatenate(padded), np.concatenate([np.asarray(b[1]) for b in data])
    return lambda: model.fit(x, y, batch_size=rows, verbose=0)


PLAIN = {"torch": on_torch, "tensorflow": on_tensorflow, "jax": on_jax}


def child(framework: str, number: int, rounds: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", framework, str(number), "--rounds", str(rounds)]
    source = Path(__file__).resolve().parents[1] / "src"
    environment = {
        **os.environ,
        "PYTHONPATH": f"{source}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", nargs=2)
    given = parser.parse_args()
    if given.one:
        framework, number = given.one
        print(json.dumps(measure(framework, CASES[int(number)], given.rounds)))
        return
    rows, good = [], True
    told: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for number, case in enumerate(CASES):
        for framework in FRAMEWORKS:
            found = child(framework, number, given.rounds)
            seconds = found["seconds"]
            middle, low, high = ratio(seconds, "ours", "plain loop")
            good = good and middle <= MOST_RATIO
            for way in WAYS[1:]:
                if way in seconds:
                    costs = (float(np.median(seconds[one])) for one in (WAYS[0], way))
                    share = ratio(seconds, WAYS[0], way)[0]
                    told.setdefault((framework, way), []).append((share, *costs))
            against_fit = f"{ratio(seconds, 'ours', 'fit')[0]:.2f}" if "fit" in seconds else "-"
            rows.append(
                (
                    case[0],
                    framework,
                    f"{found['first']:.1f}",
                    *(f"{np.median(seconds[w]):.3f}" if w in seconds else "-" for w in WAYS),
                    f"{middle:.2f} ({low:.2f} to {high:.2f})",
                    against_fit,
                )
            )
    print(
        f"Seconds per epoch, medians of {given.rounds} rounds; ratios with their quartiles. The "
        "first epoch compiles.\n"
    )
    head = ("network", "engine", "our first epoch", *WAYS, "ours / plain loop", "ours / fit")
    print_table(head, rows)
    print(f"At most {MOST_RATIO:g} times a plain loop in every row: {met(good)}")
    found_rows = []
    for (framework, way), cases in told.items():
        ratios, *costs = zip(*cases, strict=True)
        job = f"Training, an epoch, {len(cases)} networks"
        found_rows.append(over_cases(job, f"{NAMES[framework]}, {way}", "s", ratios, costs))
    tell(found_rows)


WAYS = ("ours", "plain loop", "fit")
NAMES = {"torch": "PyTorch", "tensorflow": "Keras on TensorFlow", "jax": "Keras on JAX"}

if __name__ == "__main__":
    main()
