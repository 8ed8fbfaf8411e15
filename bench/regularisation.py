"""What recurrent dropout costs, and what each kind of dropout does where a network overfits.

    python bench/regularisation.py [--seeds 3] [--epochs 42] [--rounds 7]

The price: epochs of ten batches (H 128, B 32, T 100), LSTM and GRU, with and without, in turns, a
process for each engine; on PyTorch beside the loop that one writes by hand over a cell with a
dropped matrix. The effect: a language model of 4,000 symbols, large enough to learn them by heart;
the loss is of 20,000 others. Their source is known, and with it the least possible loss. Rates were
set beforehand, in the range of Merity et al. 2018, and not tuned.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from side_by_side import in_turns, ratio
from tables import mean_and_spread, print_table

from gatewise.batch import Batch, Examples
from gatewise.engine import EpochPlan, load_engine
from gatewise.spec import NetworkSpec, Training
from gatewise.training import fit
from gatewise.weights import initial

HIDDEN, ROWS, STEPS, BATCHES, FEATURES = 128, 32, 100, 10, 16
RATE = 0.5
WAYS = {"none": {}, "recurrent dropout": {"recurrent_dropout": RATE}}
BY_HAND = "recurrent dropout, a loop by hand"

SYMBOLS, KINDS, FIRST, LENGTH = 40, 5, 4, 40  # ids from FIRST on; steps of a sequence
LEARNT, JUDGED = 100, 500  # sequences
HOLDING = {"dropout": 0.4, "input_dropout": 0.3}
DROPPING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "none": ({}, {}),
    "weight decay, decoupled": ({}, {"optimizer": "adamw", "weight_decay": 0.3}),
    "L2": ({}, {"l2": 1e-3}),
    "dropout of steps": (HOLDING, {}),
    "variational dropout": ({**HOLDING, "variational_dropout": True}, {}),
    "recurrent dropout": ({"recurrent_dropout": 0.5}, {}),
    "embedding dropout": ({"embedding_dropout": 0.1}, {}),
    "variational, recurrent, embedding": (
        {
            **HOLDING,
            "variational_dropout": True,
            "recurrent_dropout": 0.5,
            "embedding_dropout": 0.1,
        },
        {},
    ),
}


def price(engine: str, cell: str, rounds: int) -> dict[str, list[float]]:
    """Seconds of an epoch, of each way in each round."""
    rng = np.random.default_rng(0)
    count = ROWS * BATCHES
    x = rng.normal(size=(count, STEPS, FEATURES)).astype(np.float32)
    source = Examples(Batch(x=x, y=rng.normal(size=(count, 1, 1)).astype(np.float32)))
    order = np.split(np.arange(count), BATCHES)
    plan = EpochPlan(order, np.full(BATCHES, 1e-3), np.ones(BATCHES), seed=0)
    ways: dict[str, Callable[[], object]] = {}
    for name, drops in WAYS.items():
        spec = NetworkSpec(
            kind="many_to_one",
            cell=cell,
            input_size=FEATURES,
            hidden_size=HIDDEN,
            output_size=1,
            **drops,
        )
        built = load_engine(engine, spec, Training(), initial(spec, 0), device="cpu")
        ways[name] = lambda built=built: built.train_epoch(source, plan)
    if engine == "torch":
        ways[BY_HAND] = by_hand(cell, source)
    return in_turns(ways, rounds)


def by_hand(cell: str, source: Examples) -> Callable[[], object]:
    """A loop over the steps, as one writes it: each step with the dropped matrix."""
    import torch
    from torch import nn
    from torch.func import functional_call

    layer = {"lstm": nn.LSTMCell, "gru": nn.GRUCell}[cell](FEATURES, HIDDEN)
    head = nn.Linear(HIDDEN, 1)
    parameters = [*layer.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, fused=True)
    x, y = torch.from_numpy(source.batch.x), torch.from_numpy(np.asarray(source.batch.y))

    def epoch() -> float:
        total = 0.0
        for first in range(0, len(x), ROWS):
            optimizer.zero_grad()
            dropped = {"weight_hh": nn.functional.dropout(layer.weight_hh, RATE)}
            state = None
            for step in range(STEPS):
                read = x[first : first + ROWS, step]
                given = (read,) if state is None else (read, state)
                state = functional_call(layer, dropped, given)
            h = state[0] if cell == "lstm" else state
            loss = nn.functional.mse_loss(head(h), y[first : first + ROWS, 0])
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            total += loss.item()
        return total

    return epoch


def tell_price(engine: str, rounds: int) -> None:
    rows = []
    for cell in ("lstm", "gru"):
        command = [sys.executable, __file__, "--child", engine, cell, "--rounds", str(rounds)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
        seconds = json.loads(done.stdout)
        for way, times in seconds.items():
            middle, low, high = ratio(seconds, way, "none")
            rows.append(
                (
                    f"{engine}, {cell.upper()}: {way}",
                    f"{1e3 * np.median(times) / BATCHES:.1f}",
                    f"{middle:.2f} ({low:.2f} to {high:.2f})",
                )
            )
    print_table(("engine, cell: way", "ms per batch", "beside none: median, quartiles"), rows)


def source_of(count: int, seed: int) -> tuple[NDArray[np.int64], float]:
    """Sequences of symbols of KINDS kinds, and the entropy of a symbol given all before it.

    The two kinds before decide how likely each kind is; within a kind each symbol has its share.
    """
    fixed = np.random.default_rng(7)  # the source is one, whatever is drawn from it
    kinds = fixed.dirichlet(np.full(KINDS, 0.3), (KINDS, KINDS))  # (before, last) -> next
    each = SYMBOLS // KINDS
    within = fixed.dirichlet(np.full(each, 1.0), KINDS)
    rng = np.random.default_rng(seed)
    found = np.empty((count, LENGTH + 1), np.int64)
    bits = []
    for row in found:
        before, last = rng.integers(KINDS, size=2)
        for step in range(len(row)):
            kind = rng.choice(KINDS, p=kinds[before, last])
            symbol = rng.choice(each, p=within[kind])
            row[step] = FIRST + kind * each + symbol
            if step >= 2:  # then the network has seen both kinds
                bits.append(-np.log(kinds[before, last, kind] * within[kind, symbol]))
            before, last = last, kind
    return found, float(np.mean(bits))


def examples(symbols: NDArray[np.int64]) -> Examples:
    return Examples(Batch(x=symbols[:, :-1, None], y=symbols[:, 1:]))


def curve(name: str, seed: int, epochs: int, train: Examples, held: Examples) -> list[float]:
    """The loss of the other symbols after each epoch."""
    drops, chosen = DROPPING[name]
    vocabulary = FIRST + SYMBOLS
    spec = NetworkSpec(
        kind="many_to_many",
        embedding="tokens",
        embedding_size=64,
        vocab_size=vocabulary,
        output_size=vocabulary,
        hidden_size=128,
        **drops,
    )
    training = Training(
        epochs=epochs,
        batch_size=10,
        learning_rate=1e-2,
        loss="cross_entropy",
        patience=None,
        **chosen,
    )
    engine = load_engine("torch", spec, training, initial(spec, seed), device="cpu")
    history = fit(engine, train, held, training, seed=seed)
    return [float(record.validation_loss or 0.0) for record in history.records]


def tell_effect(seeds: int, epochs: int) -> None:
    symbols, _ = source_of(LEARNT, 0)
    others, least = source_of(JUDGED, 1)
    train, held = examples(symbols), examples(others)
    stops = sorted({max(1, epochs // 6), max(1, epochs // 3), epochs})
    rows = []
    for name in DROPPING:
        curves = [curve(name, seed, epochs, train, held) for seed in range(seeds)]
        lowest = [min(found) for found in curves]
        at = [1 + int(np.argmin(found)) for found in curves]
        rows.append(
            (
                name,
                *(mean_and_spread([found[stop - 1] for found in curves], 3) for stop in stops),
                mean_and_spread(lowest, 3),
                ", ".join(map(str, at)),
            )
        )
    print(
        f"Cross-entropy of {JUDGED * LENGTH:,} other symbols, learnt from {LEARNT * LENGTH:,}; "
        f"{seeds} seeds, mean ± spread. The source's own is {least:.3f}, of guessing at random "
        f"{np.log(SYMBOLS):.3f}. One source, one size of network, rates not tuned: what pays on "
        f"other data must be tried there.\n"
    )
    titles = [f"epoch {stop}" for stop in stops]
    print_table(("regularised by", *titles, "lowest", "at epoch"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=42)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--engines", nargs="+", default=["torch", "tensorflow"])
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(price(*given.child, given.rounds)))
        return
    for engine in given.engines:
        tell_price(engine, given.rounds)
    tell_effect(given.seeds, given.epochs)


if __name__ == "__main__":
    main()
