"""Networks for those who have PyTorch alone: weights.pth with network.py, and torch.export."""

from __future__ import annotations

import importlib.abc
import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gatewise.engines.torch.scanning import scanned
from gatewise.errors import RunError
from gatewise.reference import STATES
from gatewise.spec import NetworkSpec
from gatewise.weights import Weights, layer_prefixes, tied_table

WEIGHTS, SOURCE = "weights.pth", "network.py"

Feeds = dict[str, NDArray[Any]]
Named = Callable[[Feeds], Feeds]


def state_dict(spec: NetworkSpec, members: Sequence[Weights]) -> dict[str, Tensor]:
    """The weights by the names of the generated module's parameters; of several networks, those
    of number i begin with `members.i.`.
    """
    found: dict[str, Tensor] = {}
    for number, weights in enumerate(members):
        before = f"members.{number}." if len(members) > 1 else ""
        for name, value in _by_torch_name(spec, weights).items():
            found[before + name] = torch.from_numpy(np.array(value, dtype=np.float32, order="C"))
    return found


def _by_torch_name(spec: NetworkSpec, weights: Weights) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for name, value in weights.items():
        part, _, leaf = name.rpartition(".")
        if leaf in STACK_LEAVES or part.endswith(("forward", "backward")):
            continue  # below
        found |= _around_the_stack(spec, name, value)
    for part in ("encoder", "decoder") if spec.kind == "encoder_decoder" else ("encoder",):
        for layer in range(spec.num_layers):
            for prefix in layer_prefixes(spec, part, layer):
                found |= _of_layer(spec, weights, prefix, part, layer)
    if spec.tie_embedding:
        found["head.weight"] = weights[tied_table(spec)]
    return found


STACK_LEAVES = ("input", "recurrent", "candidate_bias")


def _of_layer(
    spec: NetworkSpec, weights: Weights, prefix: str, part: str, layer: int
) -> dict[str, NDArray[Any]]:
    """torch's two biases: ours is the first, the second is 0 but for the GRU's candidate."""
    end = f"l{layer}{'_reverse' if prefix.endswith('backward') else ''}"
    bias = weights[f"{prefix}.bias"]
    second = np.zeros_like(bias)
    if spec.cell == "gru":
        second[-spec.hidden_size :] = weights[f"{prefix}.candidate_bias"]
    return {
        f"{part}.weight_ih_{end}": weights[f"{prefix}.input"].T,
        f"{part}.weight_hh_{end}": weights[f"{prefix}.recurrent"].T,
        f"{part}.bias_ih_{end}": bias,
        f"{part}.bias_hh_{end}": second,
    }


def _around_the_stack(spec: NetworkSpec, name: str, value: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """One weight that is in no recurrent layer."""
    part, _, leaf = name.rpartition(".")
    keys = "keys" if spec.kind == "encoder_decoder" else "hidden"
    renamed = {
        "embedding.table": "embedding.weight",
        "decoder.table": "table.weight",
        "decoder.positions": "positions",
        "attention.kernel": f"attention.{keys}.weight",
        "attention.bias": f"attention.{keys}.bias",
        "attention.score": "attention.score.weight",
        "attention.query": "attention.query.weight",
        "combine.kernel": "attention.combine.weight",
        "combine.bias": "attention.combine.bias",
    }
    if name == "attention.score":
        return {renamed[name]: value[None]}
    if part == "shortcut":
        shape = (spec.horizon, spec.output_size)
        own = "weight" if leaf == "kernel" else "bias"
        return {f"shortcut.{own}": value.reshape((-1, *shape) if leaf == "kernel" else shape)}
    if part.startswith("bridge"):
        _, layer, state = part.split(".")
        part = f"bridge.{state}.{layer}"
    turned = leaf in ("kernel", "query")
    own = "weight" if leaf == "kernel" else leaf
    return {renamed.get(name, f"{part}.{own}"): value.T if turned else value}


def save_weights(path: Path, spec: NetworkSpec, members: Sequence[Weights]) -> None:
    """A state_dict of plain tensors, that `torch.load(..., weights_only=True)` reads."""
    torch.save(state_dict(spec, members), path)


@final
class _Text(importlib.abc.InspectLoader):
    """A module from its text; nothing is compiled into a file beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 - the protocol's
        return self.path.read_text(encoding="utf-8")


def load_module(folder: Path) -> types.ModuleType:
    """The generated network.py as a module."""
    module = types.ModuleType("network")
    module.__file__ = str(folder / SOURCE)
    module.__spec__ = importlib.machinery.ModuleSpec("network", None)
    _Text(folder / SOURCE).exec_module(module)
    return module


def load_network(folder: Path) -> nn.Module:
    """The generated network with its weights, as whoever receives it loads it."""
    network: nn.Module = load_module(folder).load()
    return network


@final
class Flat(nn.Module):
    """A generated network with every input and output by its name, as `gatewise.exporting` and
    the ONNX graphs name them.

    which  model, or of a decoder of tokens encoder or decoder
    names  of its inputs, in order
    """

    def __init__(
        self, spec: NetworkSpec, network: nn.Module, which: str, names: Sequence[str]
    ) -> None:
        super().__init__()
        self.spec, self.network, self.which = spec, network, which

        def forward(**given: Tensor) -> dict[str, Tensor]:
            return self.told(given)

        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        taken = [inspect.Parameter(name, kind) for name in names]
        forward.__signature__ = inspect.Signature(taken)  # type: ignore[attr-defined]
        self.forward = forward  # what torch.export reads the names of

    def told(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Named tensors in and out."""
        spec = self.spec
        states = STATES[spec.cell]
        if spec.kind == "many_to_many" and not spec.bidirectional:
            begin = self._joined(given)
            output, state = self.network(given["x"], given["lengths"], begin)
            return {"output": output, **self._named(state, "next_")}
        if self.which == "encoder":
            read = self.network.encode(given["x"], given["lengths"])  # type: ignore[operator]
            state, *memory = (read,) if spec.attention == "none" else read
            return {
                **self._named(state, ""),
                **dict(zip(("memory", "keys"), memory, strict=False)),
            }
        if self.which == "decoder":
            begin = self._joined(given)
            others = {name: t for name, t in given.items() if name not in (*states, "tokens")}
            output, state, *attention = self.network.decode(given["tokens"], begin, **others)  # type: ignore[operator]
            told = {"output": output, **self._named(state, "next_")}
            return {**told, **dict(zip(("attention",), attention, strict=False))}
        told = self.network(**given)
        if isinstance(told, tuple):
            return {"output": told[0], "attention": told[1]}
        return {"output": told}

    def _joined(self, given: Mapping[str, Tensor]) -> Any:
        states = tuple(given[name] for name in STATES[self.spec.cell])
        return states if len(states) == 2 else states[0]

    def _named(self, state: Any, before: str) -> dict[str, Tensor]:
        states = state if isinstance(state, tuple) else (state,)
        names = STATES[self.spec.cell]
        return {before + name: part for name, part in zip(names, states, strict=True)}


def run_network(spec: NetworkSpec, network: nn.Module, which: str, names: Sequence[str]) -> Named:
    """A generated network as a function of named arrays."""
    return _runner(Flat(spec, network, which, names))


def _runner(module: Callable[..., Any]) -> Named:
    def run(feeds: Feeds) -> Feeds:
        with torch.no_grad():
            told = module(**{name: torch.from_numpy(array) for name, array in feeds.items()})
        return {name: tensor.numpy() for name, tensor in told.items()}

    return run


def save_program(
    path: Path,
    folder: Path,
    spec: NetworkSpec,
    which: str,
    example: Feeds,
    axes: Mapping[str, Mapping[int, str]],
) -> None:
    """The network in `folder` (network.py, weights.pth) through torch.export, into `path`.

    example  named inputs
    axes     of each input: axis of any size -> its name
    Raises RunError when torch.export refuses.
    """
    module = load_module(folder)
    module.recurrent = scanned  # type: ignore[attr-defined]
    flat = Flat(spec, module.load().requires_grad_(False), which, list(example))
    symbols = {symbol for named in axes.values() for symbol in named.values()}
    dims = {symbol: torch.export.Dim(symbol, min=1) for symbol in symbols}
    shapes = {name: {at: dims[symbol] for at, symbol in axes[name].items()} for name in example}
    tensors = {name: torch.from_numpy(array) for name, array in example.items()}
    torch.compiler.reset()  # what an earlier export has left would freeze this one's axes
    try:
        with torch.no_grad():
            program = torch.export.export(
                flat, (), kwargs=tensors, dynamic_shapes=shapes, strict=False
            )
        torch.export.save(program, path)
    except Exception as error:  # torch.export's own errors share no narrower class
        first = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise RunError(
            f"torch.export of torch {torch.__version__} failed on this network "
            f"({type(error).__name__}: {first}); --to torch carries it"
        ) from error


def load_program(path: Path) -> Named:
    """What `save_program` wrote, as a function of named arrays."""
    return _runner(torch.export.load(path).module())
