"""Texts of unequal lengths: our padded batches beside `pack_padded_sequence`, in turns.

    python bench/padded_training.py [--rounds 5]

The same network (a bidirectional LSTM over token vectors, mean and maximum over the steps), the
same batches of similar lengths, Adam, the gradient clipped to norm 1. The lengths are made up, as
those of film reviews cut at 400 words are. Both ways run on all threads of PyTorch.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from side_by_side import in_turns, ratio
from summary import over_cases, tell
from tables import met, print_table
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from gatewise.batch import Batch
from gatewise.data.sequences import Ragged, Sequences
from gatewise.engines.torch.engine import Engine
from gatewise.spec import NetworkSpec, Training
from gatewise.training import fit
from gatewise.weights import initial

TEXTS, WORDS, LONGEST = 1024, 20_000, 400
CASES = ((64, 32), (64, 64), (128, 64))  # H, B
LEAST_RATIO = 3.0
SAME = 1e-5  # how near the losses must be before training


class Packed(nn.Module):
    """What one writes by hand after the manual."""

    def __init__(self, embedding_size: int, hidden_size: int) -> None:
        super().__init__()
        self.table = nn.Embedding(WORDS, embedding_size, padding_idx=0)
        self.lstm = nn.LSTM(embedding_size, hidden_size, batch_first=True, bidirectional=True)
        self.head = nn.Linear(4 * hidden_size, 2)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(
            self.table(x), lengths, batch_first=True, enforce_sorted=False
        )
        outputs, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        behind = (torch.arange(outputs.shape[1]) >= lengths[:, None])[..., None]
        mean = outputs.masked_fill(behind, 0.0).sum(1) / lengths[:, None]
        highest = outputs.masked_fill(behind, -torch.inf).amax(1)
        return self.head(torch.cat([mean, highest], dim=-1))


def texts() -> Sequences:
    """Random words in texts of film reviews' lengths: the cost does not depend on the words."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(5.2, 0.6, TEXTS), 10, LONGEST).astype(int)
    rows = [rng.integers(4, WORDS, (length, 1)).astype(np.int32) for length in lengths]
    return Sequences(Ragged.of(rows), classes=rng.integers(0, 2, (TEXTS, 1)))


def packed_like(engine: Engine) -> Packed:
    """The plain network with the engine's weights."""
    spec, weights = engine.spec, engine.get_weights()
    plain = Packed(spec.embedding_size, spec.hidden_size)
    named = {
        "table.weight": weights["embedding.table"],
        "head.weight": weights["head.kernel"].T,
        "head.bias": weights["head.bias"],
    }
    for way, ending in (("forward", ""), ("backward", "_reverse")):
        prefix = f"encoder.0.{way}"
        named |= {
            f"lstm.weight_ih_l0{ending}": weights[f"{prefix}.input"].T,
            f"lstm.weight_hh_l0{ending}": weights[f"{prefix}.recurrent"].T,
            f"lstm.bias_ih_l0{ending}": weights[f"{prefix}.bias"],
            f"lstm.bias_hh_l0{ending}": np.zeros_like(weights[f"{prefix}.bias"]),
        }
    with torch.no_grad():
        for name, value in named.items():
            plain.get_parameter(name).copy_(torch.from_numpy(np.ascontiguousarray(value)))
    return plain


def epoch_by_hand(plain: Packed, optimizer: torch.optim.Optimizer, batches: list[Batch]) -> None:
    plain.train()
    for batch in batches:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(plain(batch.x[..., 0], batch.lengths), batch.y[:, 0])
        loss.backward()
        nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
        optimizer.step()


def compare(hidden_size: int, batch_size: int, rounds: int) -> dict[str, list[float]]:
    """Seconds per epoch of each way."""
    source = texts()
    spec = NetworkSpec(
        kind="many_to_one",
        embedding="tokens",
        vocab_size=WORDS,
        embedding_size=128,
        output_size=2,
        hidden_size=hidden_size,
        bidirectional=True,
        pooling="mean_max",
    )
    training = Training(batch_size=batch_size, loss="cross_entropy", patience=None)
    engine = Engine(spec, training, initial(spec, 0), device="cpu")
    tensors = {name: torch.from_numpy(array) for name, array in source.arrays.items()}
    order = source.order(batch_size, seed=0, epoch=0)
    batches = [source.gather(tensors, torch.from_numpy(rows)) for rows in order]
    plain = packed_like(engine)
    told = engine.evaluate(source, order[:1])
    with torch.no_grad():
        first = batches[0]
        by_hand = nn.functional.cross_entropy(plain(first.x[..., 0], first.lengths), first.y[:, 0])
    if not np.isclose(told, float(by_hand), rtol=SAME):
        raise SystemExit(f"not the same network: losses {told:.6f} and {float(by_hand):.6f}")
    optimizer = torch.optim.Adam(plain.parameters(), lr=training.learning_rate)
    ways = {
        "ours": lambda: fit(engine, source, None, training, seed=0, epochs=1),
        "packed": lambda: epoch_by_hand(plain, optimizer, batches),
    }
    return in_turns(ways, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    rows, good = [], True
    told = []
    for hidden_size, batch_size in CASES:
        seconds = compare(hidden_size, batch_size, rounds)
        middle, low, high = ratio(seconds, "packed", "ours")
        good = good and middle >= LEAST_RATIO
        told.append((1 / middle, *(float(np.median(taken)) for taken in seconds.values())))
        cells = [f"{np.median(taken):.2f}" for taken in seconds.values()]
        rows.append(
            (f"H={hidden_size}, B={batch_size}", *cells, f"{middle:.1f} ({low:.1f} to {high:.1f})")
        )
    print(
        f"Seconds per epoch of {TEXTS} texts, medians of {rounds} rounds; ratios with their "
        f"quartiles. PyTorch takes {torch.get_num_threads()} threads.\n"
    )
    print_table(("network", "ours", "packed", "packed / ours"), rows)
    print(f"At least {LEAST_RATIO:g} times as fast in every row: {met(good)}")
    ratios, *costs = zip(*told, strict=True)
    job = f"Training, an epoch of unequal texts, {len(told)} networks"
    tell([over_cases(job, "PyTorch, packed loop", "s", ratios, costs)])


if __name__ == "__main__":
    main()
