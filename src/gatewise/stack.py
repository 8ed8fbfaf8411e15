"""Recurrent layers by themselves: to see what they do, step by step, and to check it.

Axis letters: B sequences, T time steps, F features, H hidden units, S arrays of a state (h, and of
an LSTM c).
"""

from __future__ import annotations

from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from gatewise.batch import Batch, step_mask
from gatewise.engine import Engine, load_engine
from gatewise.errors import DataError, UsageError
from gatewise.spec import Network, NetworkSpec, Training
from gatewise.weights import Weights, initial, shapes

Singles = NDArray[np.float32]
OF_LAYERS = ("cell", "hidden_size", "num_layers", "bidirectional", "forget_bias")
LOUD = 1024.0  # size of the slopes handed to an engine: rounding of outputs is lost beside them


class Steps(NamedTuple):
    """What a stack shows.

    outputs  (B, T, H * directions) the top layer's h at every step, 0 behind each length
    state    (S, layers, B, H) after each last valid step; None of a bidirectional stack, which has
             read the end already
    """

    outputs: Singles
    state: Any


@final
class Stack:
    """Recurrent layers on an engine, without what stands around them in a network.

        stack = Stack(Network(cell="gru", hidden_size=8), inputs=3)
        outputs, state = stack.read(x)                 # (B, T, 3) -> (B, T, 8), (1, 1, B, 8)
        more, state = stack.read(later, state=state)   # goes on where x ended

    network  its cell, hidden_size, num_layers, bidirectional and forget_bias count
    inputs   F, features of a step
    weights  named as in gatewise.weights, `encoder.0.forward.input` (F, G*H) and so on; of a
             fitted model's `weights_` the encoder's are taken. None: seeded ones
    engine   torch, tensorflow, jax
    device   auto, cpu, cuda
    seed     of the initial weights

    Raises UsageError for weights that do not fit.
    """

    def __init__(
        self,
        network: Network,
        inputs: int,
        *,
        weights: Weights | None = None,
        engine: str = "torch",
        device: str = "auto",
        seed: int = 0,
    ) -> None:
        self.network, self.inputs = network, inputs
        self.engine, self.device = engine, device
        self.spec = self._spec(input_size=inputs)
        named = {n: s for n, s in shapes(self.spec).items() if not n.startswith("head.")}
        given = initial(self.spec, seed) if weights is None else weights
        self.weights: dict[str, Singles] = {
            name: _fitting(name, shape, given) for name, shape in named.items()
        }
        self._built: Engine | None = None

    def __repr__(self) -> str:
        return f"Stack({self.network!r}, inputs={self.inputs}, engine={self.engine!r})"

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(weight.size for weight in self.weights.values())

    def read(self, x: Any, *, lengths: Any = None, state: Any = None) -> Steps:
        """What the layers show of sequences (B, T, F), each of its length, and their last state.

        state  to begin with; None: zeros
        Raises DataError for shapes that do not fit.
        """
        x = self._sequences(x)
        rows, steps, _ = x.shape
        if lengths is not None:
            lengths = np.asarray(lengths, dtype=np.int64)
            if lengths.shape != (rows,) or not 1 <= lengths.min() <= lengths.max() <= steps:
                raise DataError(
                    f"lengths should be {rows} whole numbers from 1 to {steps}, one for each "
                    f"sequence, not {lengths.tolist()}"
                )
        if self._built is None:
            self._built = self._engine(self.spec, self.weights)
        found = self._built.forward(Batch(x=x, lengths=lengths, state=self._state(state, rows)))
        outputs = found.output
        if lengths is not None:
            outputs = outputs * step_mask(lengths, steps)[..., None]
        return Steps(outputs, found.state)

    def gradients(self, x: Any, upstream: Any, *, state: Any = None) -> dict[str, Singles]:
        """Of any loss, by each weight, and by "x" (B, T, F): back-propagation through time.

        upstream  (B, T, H * directions) the loss by each of the outputs; chain rule does the rest

        Of the mean square error: upstream = 2 * (outputs - truth) / outputs.size
        Sequences are of one length. Raises DataError for shapes that do not fit.
        """
        x = self._sequences(x)
        outputs = self.read(x, state=state).outputs
        upstream = np.asarray(upstream, dtype=np.float32)
        if upstream.shape != outputs.shape:
            raise DataError(
                f"upstream should have the shape of the outputs, {outputs.shape}, not "
                f"{upstream.shape}"
            )
        largest = float(np.abs(upstream).max()) or 1.0
        # an engine learns by a loss: of this one, the slopes by the outputs are `upstream`, scaled
        truth = outputs - upstream * (LOUD / largest)
        # each step is an id of its own, so that the slopes of the table are those by x
        rows, steps, features = x.shape
        ids = 1 + np.arange(rows * steps).reshape(rows, steps, 1)
        table = np.concatenate([np.zeros((1, features), np.float32), x.reshape(-1, features)])
        spec = self._spec(embedding="tokens", vocab_size=len(table), embedding_size=features)
        engine = self._engine(spec, {**self.weights, "embedding.table": table})
        found = engine.gradients(Batch(x=ids, state=self._state(state, rows), y=truth))
        scale = outputs.size / 2 * largest / LOUD
        named = {
            name: found[name] * np.float32(scale) for name in ("embedding.table", *self.weights)
        }
        by_x = named.pop("embedding.table")[1:].reshape(x.shape)
        return {**named, "x": by_x}

    def _spec(self, **reads: Any) -> NetworkSpec:
        kept = self.network.model_dump(include=set(OF_LAYERS))
        wide = self.network.hidden_size * (2 if self.network.bidirectional else 1)
        return NetworkSpec(**kept, kind="many_to_many", output_size=wide, **reads)

    def _engine(self, spec: NetworkSpec, weights: Weights) -> Engine:
        """With a head that shows the steps as they are."""
        size = spec.output_size
        head: Weights = {
            "head.kernel": np.eye(size, dtype=np.float32),
            "head.bias": np.zeros(size, np.float32),
        }
        return load_engine(
            self.engine, spec, Training(loss="mse"), {**weights, **head}, device=self.device
        )

    def _sequences(self, given: Any) -> Singles:
        x: Singles = np.asarray(given, dtype=np.float32)
        if x.ndim != 3 or x.shape[2] != self.inputs or not x.size:
            raise DataError(
                f"x should be (sequences, steps, {self.inputs}), not {x.shape}; a single sequence "
                f"is x[None]"
            )
        return x

    def _state(self, given: Any, rows: int) -> Singles | None:
        if given is None:
            return None
        if self.network.bidirectional:
            raise UsageError(
                "a bidirectional stack begins at both ends and cannot go on from a state; leave it "
                "out, or take bidirectional=False"
            )
        network = self.network
        shape = (1 + (network.cell == "lstm"), network.num_layers, rows, network.hidden_size)
        state: Singles = np.asarray(given, dtype=np.float32)
        if state.shape != shape:
            raise DataError(
                f"a state of {rows} sequences should be {shape} (h{', c' * (shape[0] > 1)}; "
                f"layers; sequences; units), not {state.shape}"
            )
        return state


def _fitting(name: str, shape: tuple[int, ...], given: Weights) -> Singles:
    if name not in given:
        raise UsageError(f"the weight '{name}' {shape} is missing (given: {', '.join(given)})")
    weight = np.array(given[name], dtype=np.float32)
    if weight.shape != shape:
        raise UsageError(f"the weight '{name}' should be {shape}, not {weight.shape}")
    return weight
