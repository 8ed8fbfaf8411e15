"""What regularises, held against the equations: `python regularised.py jax out.json`.

What a step of training dropped is read off what it left alone: a weight that is multiplied by 0
has no slope. With this mask put into the weights, the NumPy equations must give the same loss and
the same slopes. The test runs the checks with `torch` in its own process, each engine on Keras in
another.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from engine_contract import SPECS, STILL, engine_of, learnt_from
from networks import only, random_weights

from gatewise import reference
from gatewise.batch import IGNORED, PADDING, Batch, Examples
from gatewise.engine import EpochPlan
from gatewise.reference.losses import LOSSES
from gatewise.reference.losses import cross_entropy as entropies
from gatewise.spec import NetworkSpec

RATE = 50.0  # of the one step: so that rounding of the weights hides no slope
P = 0.3
KEPT = 1.0 / (1.0 - P)
Weights = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """A network, what it drops, and the share of its decoder's steps that are fed the truth.

    rows  of a batch; variational masks can be read off one sequence alone
    """

    network: str
    loss: str
    drops: dict[str, Any]
    truth: float = 1.0
    rows: int = 5

    @property
    def spec(self) -> NetworkSpec:
        return SPECS[self.network].replace(**self.drops)

    def batch(self) -> Batch:
        batch = learnt_from(SPECS[self.network], self.loss, rows=max(self.rows, 5))
        return only(batch, int(np.argmax(batch.lengths))) if self.rows == 1 else batch


ALIKE = {"variational_dropout": True, "dropout": P, "input_dropout": P}
CASES = {
    "weight-drop, an LSTM both ways": Case(
        "lstm-1-bi-last-linear", "mse", {"recurrent_dropout": P}
    ),
    "weight-drop, a GRU that is fed back its own": Case(
        "gru-1-bi-fed_back-none-2ahead", "mse", {"recurrent_dropout": P}, truth=0.0
    ),
    "weight-drop, an RNN of two layers": Case(
        "rnn-2-uni-mean-none", "mae", {"recurrent_dropout": P}
    ),
    "weight-drop and rows, a state at each length": Case(
        "lstm-1-uni-steps-tokens",
        "cross_entropy",
        {"recurrent_dropout": P, "embedding_dropout": P},
    ),
    "weight-drop and rows, a decoder that reads what it wrote": Case(
        "lstm-1-bi-writes-additive",
        "cross_entropy",
        {"recurrent_dropout": P, "embedding_dropout": P},
        truth=0.0,
    ),
    "rows, two ids a step": Case("gru-2-bi-steps-pairs", "cross_entropy", {"embedding_dropout": P}),
    "alike at all steps, two layers": Case("gru-2-bi-steps-pairs", "cross_entropy", ALIKE, rows=1),
    "alike at all steps, a decoder that reads what it wrote": Case(
        "lstm-1-bi-writes-additive", "cross_entropy", ALIKE, truth=0.0, rows=1
    ),
}


def weights_of(spec: NetworkSpec, dtype: Any = np.float32) -> Weights:
    """As every network has them: PADDING adds nothing, dropped or not."""
    weights = random_weights(spec, dtype=dtype)
    for name, value in weights.items():
        if name.endswith(".table"):
            value[PADDING] = 0.0
    return weights


def stepped(engine: Any, case: Case, batch: Batch, seed: int) -> tuple[float, Weights]:
    """Loss and slopes of one step of training; exactly 0 where a weight stood still."""
    weights = weights_of(case.spec)
    engine.set_weights(weights)
    plan = EpochPlan([np.arange(len(batch.x))], np.full(1, RATE), np.full(1, case.truth), seed)
    loss = engine.train_epoch(Examples(batch), plan)
    moved = engine.get_weights()
    return loss, {n: (w.astype(np.float64) - moved[n]) / RATE for n, w in weights.items()}


def factors(case: Case, slopes: Weights) -> Weights:
    """By what each weight was multiplied, read off the slopes: 0 or 1 / (1 - p)."""
    found = {}
    for name, slope in slopes.items():
        whole = name.endswith(".recurrent") and case.spec.recurrent_dropout
        row = name.endswith(".table") and case.spec.embedding_dropout
        if case.spec.variational_dropout:
            # a linear map of dropped values is one with dropped rows
            row = name == "head.kernel" or name.endswith(".input")
        if whole:
            found[name] = KEPT * (slope != 0)
        elif row:
            found[name] = KEPT * (slope != 0).any(axis=1, keepdims=True)
    return found


def lowered(case: Case, weights: Weights, batch: Batch) -> float:
    """The loss of the equations, where the decoder reads what the case says."""
    spec, loss = case.spec, case.loss
    if spec.decoder != "tokens" or case.truth == 1.0:
        return reference.loss(spec, weights, batch, loss, teacher_forcing=case.truth == 1.0)
    written = np.array(batch.y)
    for step in range(written.shape[1]):  # step k reads what was written before
        output = reference.forward(spec, weights, replace(batch, y=written)).output
        written[:, step] = output[:, step].argmax(-1)
    output = reference.forward(spec, weights, replace(batch, y=written)).output
    truth = np.asarray(batch.y)
    return float(entropies(output, truth).sum() / (truth != IGNORED).sum())


def a_step_is_that_of_the_equations(engine: str, label: str) -> None:
    case = CASES[label]
    batch, rng = case.batch(), np.random.default_rng(0)
    built = engine_of(engine, case.spec, loss=case.loss, **STILL)
    whole = weights_of(case.spec, np.float64)
    masks = []
    for seed in (3, 6):
        loss, slopes = stepped(built, case, batch, seed)
        mask = factors(case, slopes)
        assert mask, "nothing was dropped"
        masks.append(np.concatenate([np.ravel(m) for m in mask.values()]))

        def at(weights: Weights, mask: Weights = mask) -> float:
            return lowered(case, {n: w * mask.get(n, 1.0) for n, w in weights.items()}, batch)

        assert abs(loss - at(whole)) < 1e-5 * max(1.0, loss), (loss, at(whole))
        for name, value in whole.items():
            there = np.argwhere(slopes[name] != 0)
            for index in rng.permutation(len(there))[:4]:
                entry = tuple(there[index])
                sides = []
                for step in (1e-5, -1e-5):
                    moved = value.copy()
                    moved[entry] += step
                    sides.append(at({**whole, name: moved}))
                slope = (sides[0] - sides[1]) / 2e-5
                ours = slopes[name][entry]
                assert abs(ours - slope) < 2e-6 + 2e-4 * abs(slope), (name, entry, ours, slope)
    assert not np.array_equal(*masks), "two seeds dropped the same"


def both_ways_read_the_same_of_a_sequence(engine: str) -> None:
    case = CASES["alike at all steps, two layers"]
    built = engine_of(engine, case.spec, loss=case.loss, **STILL)
    mask = factors(case, stepped(built, case, case.batch(), 1)[1])
    for layer in (0, 1):
        ahead, back = (mask[f"encoder.{layer}.{way}.input"] for way in ("forward", "backward"))
        np.testing.assert_array_equal(ahead, back)


def share_of(engine: str, case: Case, part: Callable[[Weights], Any], seeds: int = 12) -> float:
    """The share of dropped entries among those of a part of the factors."""
    built = engine_of(engine, case.spec, loss=case.loss, **STILL)
    batch = case.batch()
    found = [
        np.ravel(part(factors(case, stepped(built, case, batch, seed)[1])) == 0)
        for seed in range(seeds)
    ]
    return float(np.concatenate(found).mean())


def as_much_is_dropped_as_was_asked_for(engine: str) -> None:
    case = CASES["weight-drop, an LSTM both ways"]  # 12 times 200 entries
    share = share_of(engine, case, lambda found: np.stack(list(found.values())))
    assert abs(share - P) < 0.04, share  # four deviations
    case = CASES["rows, two ids a step"]
    read = np.unique(case.batch().x)
    read = read[read > 0]  # 12 times about 8 rows
    share = share_of(engine, case, lambda found: found["embedding.table"][read])
    assert abs(share - P) < 0.19, share


def each_sequence_has_its_own_features_dropped(engine: str) -> None:
    """A feature stands still where all rows drop it: p ** rows, not p."""
    case = replace(CASES["alike at all steps, two layers"], rows=5)
    share = share_of(engine, case, lambda found: found["head.kernel"])
    assert share < P / 2, share


EVERYTHING = {"recurrent_dropout": P, "embedding_dropout": P, "token_dropout": P, **ALIKE}


def _trained(engine: str, drops: dict[str, Any], first: int) -> Weights:
    spec = SPECS["lstm-1-bi-writes-additive"].replace(**drops)
    built = engine_of(engine, spec, loss="cross_entropy")
    source = Examples(learnt_from(spec, "cross_entropy", rows=6))
    rows = [np.arange(4), np.arange(4, 6)]
    for seed in (first, first + 1):
        built.train_epoch(source, EpochPlan(rows, np.full(2, 1e-2), np.full(2, 0.5), seed))
    return dict(built.get_weights())


def the_same_seed_drops_the_same(engine: str) -> None:
    one, same, other = (_trained(engine, EVERYTHING, first) for first in (0, 0, 10))
    for name, value in one.items():
        np.testing.assert_array_equal(value, same[name])
    assert max(np.abs(one[n] - other[n]).max() for n in one) > 1e-4


def what_is_off_draws_nothing(engine: str) -> None:
    """Then the seed decides nothing at all; the decoder is told the truth or nothing."""
    spec = SPECS["gru-2-bi-steps-pairs"]
    source = Examples(learnt_from(spec, "cross_entropy", rows=6))
    found = []
    for seed in (0, 10):
        built = engine_of(engine, spec, loss="cross_entropy")
        built.train_epoch(source, EpochPlan([np.arange(6)], np.full(1, 1e-2), np.ones(1), seed))
        found.append(built.get_weights())
    for name, value in found[0].items():
        np.testing.assert_array_equal(value, found[1][name])


def nothing_is_dropped_but_in_training(engine: str) -> None:
    for network in ("lstm-1-bi-writes-additive", "gru-2-bi-steps-pairs"):
        spec = SPECS[network]
        batch = learnt_from(spec, "cross_entropy")
        found = []
        for drops in ({}, EVERYTHING):
            built = engine_of(engine, spec.replace(**drops), loss="cross_entropy")
            loss = built.evaluate(Examples(batch), [np.arange(len(batch.x))])
            found.append((built.forward(batch).output, loss, built.gradients(batch)))
        (output, loss, slopes), (dropped, same, others) = found
        np.testing.assert_array_equal(output, dropped)
        assert loss == same
        for name, slope in slopes.items():
            np.testing.assert_array_equal(slope, others[name])


def labels_are_smoothed_as_the_equations_say(engine: str) -> None:
    """(1 - s) * -log p[truth] + s * mean over classes of -log p, each as its example weighs."""
    share = 0.2
    for network, loss in (
        ("lstm-1-bi-writes-additive-tied23", "cross_entropy"),
        ("gru-2-bi-steps-pairs", "cross_entropy"),
        ("rnn-1-bi-mean_max-tokens", "binary_cross_entropy"),
    ):
        spec = SPECS[network]
        weight = np.linspace(0.5, 2.0, 7).astype(np.float32)
        batch = replace(learnt_from(spec, loss, rows=7), weight=weight)
        output = reference.forward(spec, random_weights(spec, dtype=np.float64), batch).output
        truth = np.asarray(batch.y)
        if loss == "cross_entropy":
            known = truth != IGNORED
            every = [
                entropies(output, np.where(known, number, IGNORED))
                for number in range(spec.output_size)
            ]
            each = (1 - share) * entropies(output, truth) + share * np.mean(every, axis=0)
        else:
            known = np.ones(truth.shape)
            each = LOSSES[loss](output, truth * (1 - share) + share / 2)
        counts = weight.reshape(-1, *[1] * (each.ndim - 1))
        expected = (each * counts).sum() / (known * counts).sum()
        built = engine_of(engine, spec, loss=loss, label_smoothing=share)
        ours = built.evaluate(Examples(batch), [np.arange(4), np.arange(4, 7)])
        assert abs(ours - expected) < 1e-5, (network, ours, expected)


def weights_decay_as_the_equations_say(engine: str) -> None:
    """Of matrices alone. L2: g + l w in place of g; decoupled: w (1 - r d) in place of w."""
    spec, rate = SPECS["gru-1-uni-attention-pairs"], 0.1
    batch = learnt_from(spec, "mse")
    plan = EpochPlan([np.arange(len(batch.x))], np.full(1, rate), np.ones(1), seed=0)
    weights = random_weights(spec)
    base = {"clip_norm": None, "loss": "mse", "momentum": 0.0}
    slopes = engine_of(engine, spec, **base).gradients(batch)
    for chosen, penalty, decoupled in (
        ({"optimizer": "sgd", "l2": 0.3}, 0.3, 0.0),
        ({"optimizer": "sgd", "weight_decay": 0.2, "l2": 0.3}, 0.5, 0.0),
        ({"optimizer": "adamw", "weight_decay": 0.2, "l2": 0.3}, 0.3, 0.2),
        ({"optimizer": "adam", "weight_decay": 0.2, "l2": 0.3}, 0.5, 0.0),
    ):
        built = engine_of(engine, spec, **base, **chosen)
        built.train_epoch(Examples(batch), plan)
        for name, value in built.get_weights().items():
            matrix = weights[name].ndim > 1
            slope = slopes[name].astype(np.float64) + matrix * penalty * weights[name]
            kept = weights[name] * (1 - matrix * rate * decoupled)
            # the first step of Adam: its means are the slope and its square
            step = slope if chosen["optimizer"] == "sgd" else slope / (np.abs(slope) + 1e-8)
            clear = (np.abs(slope) > 1e-5) | (chosen["optimizer"] == "sgd")
            expected = kept - rate * step
            np.testing.assert_allclose(value[clear], expected[clear], atol=2e-5, err_msg=name)


CHECKS: dict[str, Callable[[str], None]] = {
    check.__name__: check
    for check in (
        both_ways_read_the_same_of_a_sequence,
        as_much_is_dropped_as_was_asked_for,
        each_sequence_has_its_own_features_dropped,
        the_same_seed_drops_the_same,
        what_is_off_draws_nothing,
        nothing_is_dropped_but_in_training,
        labels_are_smoothed_as_the_equations_say,
        weights_decay_as_the_equations_say,
    )
} | {
    f"equations of {label}": lambda engine, one=label: a_step_is_that_of_the_equations(engine, one)
    for label in CASES
}
# on Keras compiling takes longer than all else: there the others are for the night
SHORT = (
    "the_same_seed_drops_the_same",
    "equations of weight-drop, a GRU that is fed back its own",
    "equations of weight-drop and rows, a state at each length",
    "equations of weight-drop and rows, a decoder that reads what it wrote",
    "equations of alike at all steps, a decoder that reads what it wrote",
)


def main() -> None:
    name, out, *rest = sys.argv[1:]
    found = {}
    for label in CHECKS if rest == ["all"] else SHORT:
        try:
            CHECKS[label](name)
            found[label] = ""
        except Exception:  # whatever it is, the test of this check fails with these words
            found[label] = traceback.format_exc(limit=-3) or label
    Path(out).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
