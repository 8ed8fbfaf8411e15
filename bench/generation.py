"""Characters a second that a generator of 1,024 units writes on one core.

    python bench/generation.py [--rounds 5] [--length 2000]

One LSTM layer, an embedding of 128 and 96 characters, weights at random: float32, int8 and, where
keras and tensorflow are installed, the plain loop that calls a Keras model once per character. All
in turns, in one process that may use one core, through `Generator.generate`.
"""

from __future__ import annotations

import argparse
import string
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from side_by_side import in_turns, on_one_core, ratio
from summary import Row, number, tell
from tables import met, print_table

import gatewise as gw

UNITS, EMBEDDING = 1024, 128
BARS = {"float32": 2_000, "int8": 8_000}  # characters a second
FASTER = 10  # times the Keras loop, in float32
KERAS = "keras call loop"


def generator(quantize: bool) -> gw.Generator:
    """As good as untrained: one step at next to no learning rate."""
    text = "".join(np.random.default_rng(0).permutation(list(string.printable[:96] * 4)))
    return gw.Generator(
        ngrams=1,  # characters alone, as the Keras model reads them
        quantize=quantize,
        validation=0,
        verbose=0,
        network=gw.Network(hidden_size=UNITS, embedding_size=EMBEDDING, dropout=0.0),
        training=gw.Training(epochs=1, batch_size=1, learning_rate=1e-9),
    ).fit(text)


def keras_loop(model: gw.Generator, length: int) -> Callable[[], object]:
    """The same network as a stateful Keras model, called for each character."""
    import keras  # type: ignore[import-not-found]

    size = model.spec_.vocab_size
    net = keras.Sequential(
        [
            keras.Input(batch_shape=(1, 1)),
            keras.layers.Embedding(size, EMBEDDING),
            keras.layers.LSTM(UNITS, stateful=True),
            keras.layers.Dense(size),
        ]
    )
    layer, names = "encoder.0.forward", ("input", "recurrent", "bias")
    weights = [
        model.weights_["embedding.table"],
        *(model.weights_[f"{layer}.{name}"] for name in names),
        model.weights_["head.kernel"],
        model.weights_["head.bias"],
    ]
    net.set_weights(weights)  # the same gate order, i f g o
    random = np.random.default_rng(0)

    def loop() -> str:
        written, token = [], 4
        for _ in range(length):
            logits = np.asarray(net(np.array([[token]])))[0].astype(np.float64)
            logits[:4] = -np.inf
            p = np.exp(logits - logits.max())
            token = int(random.choice(size, p=p / p.sum()))
            written.append(model.codec_.vocabulary[token - 4])
        return "".join(written)

    return loop


def compare(rounds: int, length: int) -> None:
    """Print the table and what follows from it."""
    models = {name: generator(name == "int8") for name in BARS}
    ways: dict[str, Callable[[], object]] = {
        name: lambda model=model: model.generate(length=length)  # type: ignore[misc]
        for name, model in models.items()
    }
    there = find_spec("keras") is not None and find_spec("tensorflow") is not None
    if there:
        ways[KERAS] = keras_loop(models["float32"], length)
    seconds = in_turns(ways, rounds)
    rows = []
    for name, taken in seconds.items():
        speeds = length / np.array(taken)
        bar = BARS.get(name)
        judged = ("", "") if bar is None else (f"{bar:,}", met(float(np.median(speeds)) >= bar))
        spread = f"{speeds.min():,.0f} to {speeds.max():,.0f}"
        rows.append((name, f"{np.median(speeds):,.0f}", spread, *judged))
    print(
        f"Characters a second of an LSTM of {UNITS:,} units on one core, "
        f"{rounds} rounds of {length:,} characters.\n"
    )
    print_table(("weights", "median", "least to most", "bar", ""), rows)
    for note in models["int8"].notes_:
        if "int8" in note:
            print(f"At random weights, {note}.\n")
    if there:
        middle, low, high = ratio(seconds, KERAS, "float32")
        print(
            f"{middle:.1f} times ({low:.1f} to {high:.1f}) as fast as the {KERAS} of the same "
            f"network; bar {FASTER} times: {met(middle >= FASTER)}."
        )
        told = []
        for name in BARS:
            each = [1000 * float(np.median(seconds[one])) / length for one in (name, KERAS)]
            sides = [f"{number(cost)} ms" for cost in each]
            job = f"Writing a character, {UNITS:,} units, {name}"
            told.append(
                Row(job, "Keras on TensorFlow, loop of calls", *sides, *ratio(seconds, name, KERAS))
            )
        tell(told)
    else:
        print(f"The {KERAS} of the same network: keras and tensorflow are not installed.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--length", type=int, default=2_000)
    given = parser.parse_args()
    with on_one_core():
        compare(given.rounds, given.length)


if __name__ == "__main__":
    main()
