"""tinyshakespeare: learnt from the first nine tenths, judged on the last, which no training saw.

    python bench/language.py DATA [--seeds 3]

Nats per character of the network beside models that count characters, on the same text; what
training took; and a sample.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import sets
from tables import met, print_table

import gatewise as gw

MOST_NATS, MOST_MINUTES = 1.47, 12
PUBLISHED = ("Transformer, 10.7 M weights, on a GPU (nanoGPT)", 1.4697)


def judge(folder: Path, seed: int) -> tuple[dict, float, gw.Generator]:
    """Scores by name, seconds of training, the model."""
    known, held = sets.shakespeare(folder)
    began = time.perf_counter()
    model = gw.Generator(seed=seed, verbose=0).fit(known)
    seconds = time.perf_counter() - began
    scores = model.evaluate(held).scores()
    print(
        f"seed {seed}: {scores['network']['nats per character']:.4f} nats per character, "
        f"{seconds:.0f} s",
        flush=True,
    )
    return scores, seconds, model


def tell(runs: list[dict], took: list[float], model: gw.Generator) -> None:
    """The table of all seeds, the bars, a sample."""
    print()
    rows = []
    for who in runs[0]:
        nats = [run[who]["nats per character"] for run in runs]
        mean, spread = np.mean(nats), np.std(nats)
        rows.append((who, f"{mean:.4f} ± {spread:.4f}", f"{mean / np.log(2):.4f}"))
    rows.append((f"{PUBLISHED[0]}, published", f"{PUBLISHED[1]:.4f}", ""))
    print_table(("last tenth of tinyshakespeare", "nats per character", "bits"), rows)
    mean = float(np.mean([run["network"]["nats per character"] for run in runs]))
    good = met(mean <= MOST_NATS)
    print(f"{model.parameters_:,} weights. At most {MOST_NATS}: {mean:.4f}: {good}")
    slow = max(took) / 60
    print(f"at most {MOST_MINUTES} minutes: {slow:.1f}: {met(slow <= MOST_MINUTES)}\n")
    sample = model.generate("ROMEO:", length=400, temperature=0.8, seed=1)
    print(f"A sample at temperature 0.8:\n\n```text\nROMEO:{sample}\n```")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    runs = [judge(given.data, seed) for seed in range(given.seeds)]
    tell([scores for scores, _, _ in runs], [seconds for _, seconds, _ in runs], runs[-1][2])


if __name__ == "__main__":
    main()
