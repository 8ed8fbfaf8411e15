"""Networks as models of Keras that need nothing else: what is exported."""

from __future__ import annotations

from typing import Any, final

import keras
from keras import ops

from gatewise.batch import Batch
from gatewise.engines.keras.cells import Recurrent, Stack, State, Tensor, lay_out, valid_steps
from gatewise.engines.keras.nets import Answer, EncoderDecoder, build
from gatewise.reference import STATES
from gatewise.spec import NetworkSpec
from gatewise.weights import Weights, tied_table


def functional(spec: NetworkSpec, weights: Weights) -> dict[str, Any]:
    """The network as functional models of standard layers and operations alone, which load
    wherever Keras is; inputs and outputs are named as in the ONNX graphs.

    model             x (B, T, F), lengths (B,), and where they are read future (B, K, P),
                      start (B, D), h and c (layers, B, H) -> output, attention, next_h, next_c
    encoder, decoder  of tokens, instead: x, lengths -> h, c, with attention memory (B, T, X);
                      tokens (B, K), h, c, memory, lengths -> output, attention, next_h, next_c
    """
    net = build(spec)
    for variable, value in lay_out(dict(net.slots()), weights):
        variable.assign(value)
    if spec.decoder == "fed_back":
        net.decoder = Steps(net.decoder)  # type: ignore[union-attr]
    if spec.tie_embedding:  # written a second time, as the head's matrix
        net.head.linear.kernel.assign(weights[tied_table(spec)].T)
    ids = spec.embedding == "tokens"
    read = {
        "x": keras.Input((None, spec.input_size), name="x", dtype="int32" if ids else "float32"),
        "lengths": keras.Input((), name="lengths", dtype="int32"),
    }
    if isinstance(net, EncoderDecoder) and net.table is not None:
        return {"encoder": _encoder(net, read), "decoder": _decoder(net)}
    given = dict(read)
    if spec.future_size:
        given["future"] = keras.Input((spec.horizon, spec.future_size), name="future")
    if spec.decoder == "fed_back":
        given["start"] = keras.Input((spec.output_size,), name="start")
    begin = spec.kind == "many_to_many" and not spec.bidirectional
    states = _state_inputs(spec) if begin else {}
    state = ops.stack(list(states.values())) if states else None
    answer = net(Batch(**given, state=state))
    return {"model": keras.Model({**given, **states}, _named(answer), name=spec.kind)}


@final
class Steps:
    """A decoder's stack for one step at a time, as cells: each call of a whole layer would bring
    a loop of its own, and a graph of 96 steps take minutes to write.
    """

    def __init__(self, stack: Stack) -> None:
        self.cells = [
            _cell(layer, f"decoder_{number}") for number, (layer,) in enumerate(stack.layers)
        ]

    def __call__(
        self, x: Tensor, _lengths: None, states: list[State], *_dropped: None
    ) -> tuple[Tensor, list[State]]:
        """See Stack; (B, 1, inputs) -> (B, 1, H); nothing is dropped"""
        finals: list[State] = []
        h = x[:, 0]
        for cell, state in zip(self.cells, states, strict=True):
            h, last = cell(h, list(state))
            finals.append(tuple(last))
        return h[:, None], finals


def _cell(layer: Recurrent, name: str) -> Any:
    """The layer's cell once more, under a name of its own: Keras finds operations by name."""
    cell = layer.layer.cell
    own = type(cell).from_config({**cell.get_config(), "name": name})
    own.build((None, cell.kernel.shape[0]))
    own.set_weights(cell.get_weights())
    return own


def _encoder(net: EncoderDecoder, read: dict[str, Any]) -> Any:
    memory, states, lengths = net.encode(Batch(**read))
    told = {name.removeprefix("next_"): part for name, part in _states_named(states).items()}
    if net.attention is not None:
        told["memory"] = ops.where(valid_steps(memory, lengths)[:, :, None], memory, 0.0)
    return keras.Model(read, told, name="encoder")


def _decoder(net: EncoderDecoder) -> Any:
    spec = net.spec
    given = {
        "tokens": keras.Input((None,), name="tokens", dtype="int32"),
        **_state_inputs(spec),
    }
    if net.attention is not None:
        given["memory"] = keras.Input((None, spec.encoded_size), name="memory")
        given["lengths"] = keras.Input((), name="lengths", dtype="int32")
    states = [
        tuple(given[name][layer] for name in STATES[spec.cell]) for layer in range(spec.num_layers)
    ]
    answer = net.write(given["tokens"], given.get("memory"), states, given.get("lengths"))
    return keras.Model(given, _named(answer), name="decoder")


def _state_inputs(spec: NetworkSpec) -> dict[str, Any]:
    shape = (spec.num_layers, None, spec.hidden_size)
    return {name: keras.Input(batch_shape=shape, name=name) for name in STATES[spec.cell]}


def _named(answer: Answer) -> dict[str, Tensor]:
    """What a model tells, under the names of the ONNX graphs."""
    told = {"output": answer.output}
    if answer.attention is not None:
        told["attention"] = answer.attention
    return told if answer.states is None else {**told, **_states_named(answer.states)}


def _states_named(states: list[State]) -> dict[str, Tensor]:
    """(layers, B, H) each; only an LSTM has c."""
    parts = zip("hc", zip(*states, strict=True), strict=False)
    return {f"next_{name}": ops.stack(layers) for name, layers in parts}
