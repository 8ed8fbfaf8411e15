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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    known, held = sets.shakespeare(given.data)
    runs, took = [], []
    for seed in range(given.seeds):
        began = time.perf_counter()
        model = gw.Generator(seed=seed, verbose=0).fit(known)
        took.append(time.perf_counter() - began)
        runs.append(model.evaluate(held).scores())
        nats = runs[-1]["network"]["nats per character"]
        print(f"seed {seed}: {nats:.4f} nats per character, {took[-1]:.0f} s", flush=True)
    print()
    rows = []
    for who in runs[0]:
        nats = [run[who]["nats per character"] for run in runs]
        mean, spread = np.mean(nats), np.std(nats)
        rows.append((who, f"{mean:.4f} ± {spread:.4f}", f"{mean / np.log(2):.4f}"))
    rows.append((f"{PUBLISHED[0]}, published", f"{PUBLISHED[1]:.4f}", ""))
    print_table(("last tenth of tinyshakespeare", "nats per character", "bits"), rows)
    mean = float(np.mean([run["network"]["nats per character"] for run in runs]))
    print(
        f"{model.parameters_:,} weights. At most {MOST_NATS}: {mean:.4f}: {met(mean <= MOST_NATS)}"
    )
    slow = max(took) / 60
    print(f"at most {MOST_MINUTES} minutes: {slow:.1f}: {met(slow <= MOST_MINUTES)}\n")
    print("ROMEO:" + model.generate("ROMEO:", length=400, temperature=0.8, seed=1))


if __name__ == "__main__":
    main()
