"""Seconds until a validation loss that all reach: ours beside what one writes by hand.

    python bench/equal_quality.py [--seeds 3] [--quick]

The next step of a noisy sine, and token sequences of unequal lengths whose order decides their
class. One layer of LSTM; the same sizes, batch size, Adam and rate, the gradient clipped to norm 1,
judged after each epoch; each way draws its own initial weights and its own order. By hand is, on
PyTorch, a loop (texts packed), on Keras `model.fit` (texts padded to the longest). Each framework
has a process of its own, where ours and its way take turns, seed by seed, on one core; the
processor's time is counted. What a way compiles, it compiles within its time. The loss to reach is
1.05 times the lowest of all runs, and no lower than
what each run reaches; of the tokens at least 0.05, where 99 of 100 answers are right.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import by_hand
import children
import numpy as np
from noisy_sine import sine
from numpy.typing import NDArray
from side_by_side import on_one_core
from summary import Row, number, tell
from tables import print_table

from gatewise.batch import Batch, Examples
from gatewise.data import toys
from gatewise.data.sequences import Ragged, Sequences
from gatewise.engine import load_engine
from gatewise.spec import NetworkSpec, Training
from gatewise.training import EpochRecord, Nobody, fit
from gatewise.weights import initial

FRAMEWORKS = {"torch": "plain PyTorch", "tensorflow": "Keras on TensorFlow", "jax": "Keras on JAX"}
TASKS = ("noisy sine", "token order")
EPOCHS = {"noisy sine": 20, "token order": 15}
STEPS, HELD = 20, 200
SYMBOLS, EMBEDDED, HIDDEN, BATCH, RATE = 49, 16, 32, 32, 3e-3
NEAR, ENOUGH = 1.05, 0.05
Course = list[tuple[float, float]]  # seconds since the beginning, validation loss; by epoch


@dataclass(frozen=True)
class Data:
    """The same examples for both sides.

    train, held  our sources
    arrays       (x, lengths, y) of each part: numbers (N, T, 1), or ids (N, T) padded with 0
    """

    train: Any
    held: Any
    arrays: tuple[tuple[NDArray[Any], ...], tuple[NDArray[Any], ...]]
    spec: NetworkSpec
    loss: str


def data_of(task: str, seed: int) -> Data:
    """The sine anew for each seed; so are the sequences."""
    if task == "noisy sine":
        y = sine(seed)[0].values[:, 0].astype(np.float32)
        index = np.arange(len(y) - STEPS)[:, None] + np.arange(STEPS)
        x, ahead = y[index][..., None], y[STEPS:, None]
        lengths = np.full(len(x), STEPS)
        parts = [slice(0, -HELD), slice(-HELD, None)]
        sources = [Examples(Batch(x=x[p], y=ahead[p][:, None])) for p in parts]
        arrays = [(x[p], lengths[p], ahead[p]) for p in parts]
        spec = NetworkSpec(kind="many_to_one", hidden_size=HIDDEN, output_size=1)
        return Data(*sources, tuple(arrays), spec, "mse")
    made = toys.order_sequences(1_000 + HELD, seed=seed)
    ids = [np.array([int(token) for token in row], np.int32) for row in made.inputs]
    lengths = np.array([len(row) for row in ids])
    padded = np.zeros((len(ids), lengths.max()), np.int32)
    for row, own in enumerate(ids):
        padded[row, : len(own)] = own
    labels = np.array(made.labels, np.int64)
    parts = [slice(0, -HELD), slice(-HELD, None)]
    arrays = [(padded[p], lengths[p], labels[p]) for p in parts]
    sources = [
        Sequences(Ragged.of([row[:, None] for row in ids[p]]), classes=labels[p, None])
        for p in parts
    ]
    spec = NetworkSpec(
        kind="many_to_one",
        hidden_size=HIDDEN,
        output_size=2,
        embedding="tokens",
        vocab_size=SYMBOLS + 1,
        embedding_size=EMBEDDED,
    )
    return Data(*sources, tuple(arrays), spec, "cross_entropy")


class Clock(Nobody):
    """Seconds and validation loss after each epoch."""

    def __init__(self) -> None:
        self.began = time.process_time()
        self.course: Course = []

    def epoch(self, record: EpochRecord, best: bool) -> None:  # noqa: ARG002
        self.course.append((time.process_time() - self.began, float(record.validation_loss or 0)))


def ours(framework: str, data: Data, epochs: int, seed: int) -> Course:
    clock = Clock()
    training = Training(
        epochs=epochs, batch_size=BATCH, learning_rate=RATE, loss=data.loss, patience=None
    )
    engine = load_engine(framework, data.spec, training, initial(data.spec, seed), device="cpu")
    fit(engine, data.train, data.held, training, seed=seed, watch=clock)
    return clock.course


def torch_loop(data: Data, epochs: int, seed: int) -> Course:
    import torch
    from torch import nn

    began, course = time.process_time(), []
    torch.manual_seed(seed)
    spec = data.spec
    plain = by_hand.torch_network(HIDDEN, spec.output_size, spec.vocab_size, spec.embedding_size)
    optimizer = torch.optim.Adam(plain.parameters(), lr=RATE)
    loss_of = nn.functional.mse_loss if data.loss == "mse" else nn.functional.cross_entropy
    (x, ends, y), held = ([torch.from_numpy(a) for a in part] for part in data.arrays)
    for _ in range(epochs):
        plain.train()
        for rows in torch.randperm(len(x)).split(BATCH):
            longest = ends[rows].max()
            optimizer.zero_grad()
            loss = loss_of(plain(x[rows, :longest], ends[rows]), y[rows])
            loss.backward()
            nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
            optimizer.step()
        plain.eval()
        with torch.no_grad():
            judged = float(loss_of(plain(held[0], held[1]), held[2]))
        course.append((time.process_time() - began, judged))
    return course


def keras_fit(data: Data, epochs: int, seed: int) -> Course:
    import keras

    began, course = time.process_time(), []
    keras.utils.set_random_seed(seed)
    spec = data.spec
    plain = by_hand.keras_network(HIDDEN, spec.output_size, spec.vocab_size, spec.embedding_size)
    loss = (
        "mse"
        if data.loss == "mse"
        else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    plain.compile(optimizer=keras.optimizers.Adam(RATE, global_clipnorm=1.0), loss=loss)
    (x, _, y), (held_x, _, held_y) = data.arrays
    after = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda _, logs: course.append((time.process_time() - began, logs["val_loss"]))
    )
    plain.fit(
        x,
        y,
        batch_size=BATCH,
        epochs=epochs,
        validation_data=(held_x, held_y),
        validation_batch_size=HELD,
        callbacks=[after],
        verbose=0,
    )
    return course


def forget(framework: str) -> None:
    """What a run compiled must not serve the next one."""
    if framework == "jax":
        import jax

        jax.clear_caches()
    if framework != "torch":
        import keras

        keras.backend.clear_session()


def child(framework: str, task: str, seeds: int, epochs: int) -> list[dict[str, Course]]:
    """Of each seed the course of both ways; who begins changes from seed to seed."""
    plain: Callable[[Data, int, int], Course] = torch_loop if framework == "torch" else keras_fit
    ways: dict[str, Callable[[Data, int, int], Course]] = {
        "ours": lambda data, epochs, seed: ours(framework, data, epochs, seed),
        "theirs": plain,
    }
    for way in ways.values():  # what a framework does once in a process
        way(data_of(task, 0), 1, 0)
    found = []
    for seed in range(seeds):
        data, one = data_of(task, seed), {}
        for name in list(ways)[:: 1 if seed % 2 == 0 else -1]:
            forget(framework)
            one[name] = ways[name](data, epochs, seed)
        found.append(one)
    return found


def target_of(courses: list[Course], least: float) -> float:
    """A loss that every run reaches."""
    lowest = [min(loss for _, loss in course) for course in courses]
    return max(NEAR * min(lowest), *lowest, least)


def reached(course: Course, target: float) -> tuple[float, int]:
    """Seconds and epochs until then."""
    epoch = next(i for i, (_, loss) in enumerate(course) if loss <= target)
    return course[epoch][0], epoch + 1


def report(task: str, found: dict[str, list[dict[str, Course]]]) -> list[Row]:
    """Print a table of one task; the losses of each seed have a target of their own."""
    least = ENOUGH if task == "token order" else 0.0
    seeds = range(len(next(iter(found.values()))))
    targets = [
        target_of([c for runs in found.values() for c in runs[s].values()], least) for s in seeds
    ]
    rows, told = [], []
    for framework, runs in found.items():
        own, other = (
            [reached(run[side], target) for run, target in zip(runs, targets, strict=True)]
            for side in ("ours", "theirs")
        )
        ratios = [a / b for (a, _), (b, _) in zip(own, other, strict=True)]
        middle = float(np.median(ratios))
        costs = [f"{np.median([s for s, _ in side]):.2f}" for side in (own, other)]
        epochs = [", ".join(str(e) for _, e in side) for side in (own, other)]
        spread = f"{number(middle)} ({number(min(ratios))} to {number(max(ratios))})"
        name = FRAMEWORKS[framework]
        rows.append((f"ours on {framework}", name, *costs, *epochs, spread))
        what = f"Training to equal quality: {task}"
        units = [f"{cost} s" for cost in costs]
        told.append(Row(what, name, *units, middle, min(ratios), max(ratios)))
    shown = ", ".join(f"{target:.4f}" for target in targets)
    print(f"{task.capitalize()}, validation loss to reach, by seed: {shown}.\n")
    head = ("way", "beside", "ours, s", "theirs, s", "our epochs", "their epochs", "ours / theirs")
    print_table(head, rows)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="tiny, to see that it runs")
    parser.add_argument("--frameworks", nargs="+", choices=FRAMEWORKS, default=list(FRAMEWORKS))
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    quick = ("--quick",) if given.quick else ()
    if given.one:
        framework, task = given.one
        epochs = 2 if given.quick else EPOCHS[task]
        children.told(child(framework, task, given.seeds, epochs))
        return
    if given.quick:
        given.seeds = 1
    print(
        f"Seconds of the processor, on one core, until the loss is reached, medians of "
        f"{given.seeds} seeds; ratios with the least and the largest. LSTM of {HIDDEN} units, "
        f"batches of {BATCH}, Adam at {RATE:g}.\n"
    )
    told: list[Row] = []
    for task in TASKS:
        found = {}
        for framework in given.frameworks:
            arguments = ("--one", framework, task, "--seeds", given.seeds, *quick)
            with on_one_core():
                found[framework] = children.answer(__file__, *arguments, framework=framework)
        told += report(task, found)
    tell(told)


if __name__ == "__main__":
    main()
