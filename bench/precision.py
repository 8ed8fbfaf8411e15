"""Training in float32, in bfloat16 and through torch.compile: seconds of an epoch, in turns.

    python bench/precision.py [--rounds 5] [--only NAME ...]

The same weights and batches each time, on the CPU; data and labels are made up. What compiling
itself takes, in the first epoch, is told apart.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from side_by_side import in_turns, ratio
from tables import print_table

from gatewise.batch import Batch, Examples, Source
from gatewise.data.sequences import Streams
from gatewise.engine import EpochPlan
from gatewise.engines.torch.engine import Engine
from gatewise.spec import NetworkSpec, Training
from gatewise.weights import initial

BATCHES = 8
WAYS: dict[str, dict[str, Any]] = {
    "float32": {},
    "bfloat16": {"precision": "bfloat16"},
    "compile": {"compile": True},
}


def windows(hidden: int, batch: int, steps: int, **chosen: Any) -> tuple[NetworkSpec, Source, int]:
    """Of a forecaster."""
    settings = {"kind": "many_to_one", "horizon": 12, **chosen}
    spec = NetworkSpec(input_size=8, output_size=1, hidden_size=hidden, **settings)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCHES * batch, steps, 8)).astype(np.float32)
    y = rng.normal(size=(BATCHES * batch, spec.horizon, 1)).astype(np.float32)
    start = y[:, 0] if spec.decoder == "fed_back" else None
    return spec, Examples(Batch(x=x, y=y, start=start)), batch


def text(hidden: int, batch: int, steps: int) -> tuple[NetworkSpec, Source, int]:
    """Of a language model of characters."""
    spec = NetworkSpec(
        kind="many_to_many",
        embedding="tokens",
        embedding_size=64,
        vocab_size=96,
        output_size=96,
        hidden_size=hidden,
    )
    ids = np.random.default_rng(0).integers(0, 96, BATCHES * batch * steps + 1)
    return spec, Streams(ids, steps), batch


CASES: dict[str, Callable[[], tuple[NetworkSpec, Source, int]]] = {
    "LSTM 32, B 32, T 48": lambda: windows(32, 32, 48),
    "LSTM 128, B 64, T 96": lambda: windows(128, 64, 96),
    "GRU 128, B 64, T 96": lambda: windows(128, 64, 96, cell="gru"),
    "LSTM 64, B 32, fed back 24 steps": lambda: windows(
        64, 32, 24, kind="encoder_decoder", decoder="fed_back", horizon=24
    ),
    "characters, LSTM 512, B 32, T 64": lambda: text(512, 32, 64),
}


def epochs(case: str, way: str) -> tuple[Callable[[], float], float]:
    """(what trains one epoch, seconds of the first one)"""
    spec, source, batch = CASES[case]()
    loss = "cross_entropy" if spec.vocab_size else "mse"
    training = Training(loss=loss, batch_size=batch, **WAYS[way])
    engine = Engine(spec, training, initial(spec, 0), device="cpu")
    batches = source.order(batch, seed=0, epoch=0)
    count = len(batches)
    plan = EpochPlan(batches, np.full(count, 1e-3), np.zeros(count), seed=0)
    began = time.perf_counter()
    engine.train_epoch(source, plan)
    return lambda: engine.train_epoch(source, plan), time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    given = parser.parse_args()
    rows = []
    for case in given.only:
        made = {way: epochs(case, way) for way in WAYS}
        seconds = in_turns({way: run for way, (run, _) in made.items()}, given.rounds)
        middle = {way: 1e3 * float(np.median(taken)) for way, taken in seconds.items()}
        ratios = [ratio(seconds, way, "float32") for way in ("bfloat16", "compile")]
        rows.append(
            (
                case,
                f"{middle['float32']:.0f} ms",
                *(f"{share:.2f} ({low:.2f} to {high:.2f})" for share, low, high in ratios),
                f"{made['compile'][1]:.0f} s",
            )
        )
    titles = (
        "network",
        "float32, an epoch",
        "bfloat16 / float32",
        "compile / float32",
        "to compile",
    )
    print_table(titles, rows)
    here = torch.backends.cpu.get_cpu_capability()
    print(
        f"Medians and quartiles of the ratios within each turn; below 1 is faster. PyTorch uses "
        f"{here} here; bfloat16 {'has' if has_bfloat16() else 'has no'} instructions of its own. "
        f"On a GPU neither was tried."
    )


def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself."""
    try:
        return "avx512_bf16" in open("/proc/cpuinfo", encoding="utf-8").read()
    except OSError:
        return False


if __name__ == "__main__":
    main()
