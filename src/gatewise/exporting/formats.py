"""The formats: what each writes into a folder, and how what was written is asked again.

A format's `write` may import its framework; `open` reads the files back, as their receiver will.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gatewise.engines.onnx.engine import Engine, build_graphs
from gatewise.errors import ArtifactError, UsageError
from gatewise.exporting import keras
from gatewise.exporting.interface import Part, Tensor
from gatewise.exporting.subject import Subject
from gatewise.exporting.verify import Verified, make_feeds, verify, verify_graphs


@dataclass(frozen=True, slots=True)
class Written:
    """What a format has written.

    files     of the network, in the folder
    parts     what they hold
    opening   lines of Python that load it, for README.md; then ask(part, inputs) gives its outputs
              by name. Or, where it is asked otherwise, None
    needs     what these lines need: packages as pip names them
    verified  what was compared with the model
    notes     what must be said
    """

    files: tuple[str, ...]
    parts: tuple[Part, ...]
    opening: tuple[str, ...] | None
    needs: tuple[str, ...]
    verified: Verified
    notes: tuple[str, ...] = ()


KERAS = "tensorflow"  # the extra
Write = Callable[[Subject, Path, int | None], Written]


def write_onnx(subject: Subject, folder: Path, length: int | None) -> Written:
    """The artifact's graphs, in float32."""
    del length
    return _onnx(subject, folder, int8=False)


def write_onnx_int8(subject: Subject, folder: Path, length: int | None) -> Written:
    """The same with weights of 8 bits; the difference is told."""
    del length
    return _onnx(subject, folder, int8=True)


def _onnx(subject: Subject, folder: Path, *, int8: bool) -> Written:
    from gatewise.engines.onnx import quantize
    from gatewise.engines.onnx.export import averaged, described

    graphs = subject.graphs[0]
    if len(subject.members) > 1:
        graphs = {"model": averaged([own["model"] for own in subject.graphs], subject.several)}
    notes = [*_averaging(subject)]
    if int8:
        small = quantize.quantize_graphs(graphs)
        share = sum(map(len, small.values())) / sum(map(len, graphs.values()))
        graphs = small
        notes.append(f"weights of 8 bits: {share:.0%} of the size of float32")
        left = quantize.left_in_float(subject.spec)
        notes += [left] if left else []
    elif subject.in_int8:
        notes.append("the model itself answers with weights of 8 bits; these are of 32 bits")
    for name, graph in graphs.items():
        facts = {**subject.facts(), "weights": "int8" if int8 else "float32"}
        (folder / f"{name}.onnx").write_bytes(described(graph, facts))
    files = tuple(f"{name}.onnx" for name in graphs)
    again = {name: (folder / f"{name}.onnx").read_bytes() for name in graphs}
    engine = Engine(subject.spec, again)
    verified = verify_graphs(subject, engine, **({"tolerance": None} if int8 else {}))
    parts = tuple(subject.parts(loops=False))
    opening = (
        "import numpy as np",
        "import onnxruntime",
        "",
        f"parts = {list(graphs)}",
        'sessions = {name: onnxruntime.InferenceSession(f"{name}.onnx") for name in parts}',
        "",
        "",
        "def ask(part, given):",
        "    names = [one.name for one in sessions[part].get_outputs()]",
        "    return dict(zip(names, sessions[part].run(names, given)))",
    )
    return Written(files, parts, opening, ("onnxruntime", "numpy"), verified, tuple(notes))


def _averaging(subject: Subject) -> list[str]:
    count = len(subject.members)
    if count == 1:
        return []
    return [f"{count} networks are averaged in it, as the model does"]


def write_safetensors(subject: Subject, folder: Path, length: int | None) -> Written:
    """Canonical weights, with the spec in the metadata."""
    from safetensors import safe_open
    from safetensors.numpy import save_file

    del length
    path = folder / "weights.safetensors"
    arrays = {n: np.ascontiguousarray(a) for n, a in subject.artifact.weights.items()}
    save_file(arrays, path, metadata=subject.facts())
    with safe_open(path, framework="numpy") as file:
        again = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dict
        spec = type(subject.spec)(**json.loads(file.metadata()["spec"]))
    same = set(again) == set(arrays) and all(np.array_equal(again[n], arrays[n]) for n in arrays)
    if spec != subject.spec or not same:
        raise ArtifactError(f"{path.name} does not read back as it was written")
    if len(subject.members) > 1:
        from gatewise.engines.onnx.export import averaged

        each = [build_graphs(spec, weights)["model"] for weights in subject.members]
        graphs = {"model": averaged(each, subject.several)}
    else:
        graphs = build_graphs(spec, again)
    verified = verify_graphs(subject, Engine(spec, graphs))
    notes = []
    if len(subject.members) > 1:
        notes.append(
            f"{len(subject.members)} networks: the names of the second begin with '2.', and so on; "
            f"whoever reads them averages their probabilities"
        )
    opening = (
        "import json",
        "from safetensors import safe_open",
        "",
        'with safe_open("weights.safetensors", framework="numpy") as file:',
        '    spec = json.loads(file.metadata()["spec"])',
        "    weights = {name: file.get_tensor(name) for name in file.keys()}",
    )
    return Written((path.name,), (), opening, ("safetensors", "numpy"), verified, tuple(notes))


def write_torch(subject: Subject, folder: Path, length: int | None) -> Written:
    """weights.pth, and network.py that needs torch alone."""
    from gatewise.engines.torch import export

    del length
    _torch_files(subject, folder)
    network = export.load_network(folder)
    parts = tuple(subject.parts(loops=True))
    runs = {
        part.name: export.run_network(subject.spec, network, part.name, _names(part))
        for part in parts
    }
    verified = verify(subject, parts, lambda name, feeds: runs[name](feeds))
    return Written(
        (export.WEIGHTS, export.SOURCE),
        parts,
        None,
        ("torch",),
        verified,
        tuple(_averaging(subject)),
    )


def _torch_files(subject: Subject, folder: Path) -> None:
    from gatewise.engines.torch import export
    from gatewise.engines.torch.source import network_source

    title = f"A network that gatewise {subject.facts()['gatewise']} trained to {subject.task}."
    text = network_source(
        subject.spec, title, members=len(subject.members), several=subject.several
    )
    (folder / export.SOURCE).write_text(text, encoding="utf-8")
    export.save_weights(folder / export.WEIGHTS, subject.spec, subject.members)


def write_program(subject: Subject, folder: Path, length: int | None) -> Written:
    """.pt2 files through torch.export: any batch size and, but for segments, any length."""
    from gatewise.engines.torch import export

    spec = subject.spec
    length = fixed_length(subject, length)
    parts = tuple(subject.parts(loops=True))
    _torch_files(subject, folder)
    runs = {}
    for part in parts:
        rows, steps, written = _free_sizes(subject)
        example = make_feeds(spec, part, rows, length or steps, seed=0, written=written)
        export.save_program(
            folder / f"{part.name}.pt2", folder, spec, part.name, example, _axes(part, length)
        )
    for name in (export.SOURCE, export.WEIGHTS):
        (folder / name).unlink()
    for part in parts:
        runs[part.name] = export.load_program(folder / f"{part.name}.pt2")
    verified = verify(subject, parts, lambda name, feeds: runs[name](feeds), length=length)
    notes = [*_averaging(subject)]
    if length is not None:
        notes.append(f"its length is fixed, {length}: pad to that; --to torch reads any")
    opening = (
        "import numpy as np",
        "import torch",
        "",
        f"parts = {[part.name for part in parts]}",
        'programs = {name: torch.export.load(f"{name}.pt2").module() for name in parts}',
        "",
        "",
        "def ask(part, given):",
        "    tensors = {name: torch.from_numpy(array) for name, array in given.items()}",
        "    with torch.no_grad():",
        "        return {n: t.numpy() for n, t in programs[part](**tensors).items()}",
    )
    return Written(
        tuple(f"{part.name}.pt2" for part in parts),
        _fixed(parts, length),
        opening,
        ("torch",),
        verified,
        tuple(notes),
    )


def _free_sizes(subject: Subject) -> list[int]:
    """Three sizes that no axis of the network has: torch.export takes an axis whose example has
    the size of another one for that one.
    """
    spec = subject.spec
    taken = {size for array in subject.members[0].values() for size in array.shape}
    taken |= {spec.hidden_size, spec.horizon, spec.positions, spec.output_size, spec.input_size}
    taken |= {spec.num_layers * spec.directions, subject.lookback or 0}
    taken |= {spec.future_size, len(subject.members)}
    return [size for size in range(5, 10_000) if size not in taken][:3]


def fixed_length(subject: Subject, length: int | None) -> int | None:
    """The one length that a program reads, None for any.

    torch.export puts guards on an axis that is cut into segments, so that such a program would
    refuse sequences that the network reads. Raises UsageError.
    """
    size = subject.spec.segment_length
    if size == 1:
        return length
    length = length or subject.lookback
    if length is None:
        raise UsageError(
            f"torch.export cannot carry sequences of any length that are read in segments of "
            f"{size} steps; fix one: --length N, a multiple of {size}; or use --to torch"
        )
    if length % size:
        raise UsageError(f"length {length} is not a multiple of the segments of {size} steps")
    return length


def _axes(part: Part, length: int | None) -> dict[str, dict[int, str]]:
    """Axes of any size of each input."""
    fixed = {"time"} if length else set()
    return {
        tensor.name: {
            at: axis
            for at, axis in enumerate(tensor.shape)
            if isinstance(axis, str) and axis not in fixed
        }
        for tensor in part.inputs
    }


def _fixed(parts: tuple[Part, ...], length: int | None) -> tuple[Part, ...]:
    """The parts with their one length in the place of any."""
    if length is None:
        return parts

    def told(tensor: Tensor) -> Tensor:
        return replace(tensor, shape=tuple(length if a == "time" else a for a in tensor.shape))

    return tuple(
        replace(part, inputs=tuple(map(told, part.inputs)), outputs=tuple(map(told, part.outputs)))
        for part in parts
    )


def _names(part: Part) -> list[str]:
    return [tensor.name for tensor in part.inputs]


def _keras(to: str) -> Write:
    def write(subject: Subject, folder: Path, length: int | None) -> Written:
        del length
        parts = keras.parts_of(subject)
        files, answers = keras.write(subject, folder, to, parts)
        told = iter(answers)
        verified = verify(subject, parts, lambda _, __: next(told))
        opening, needs = keras.opening(to, parts)
        return Written(files, parts, opening, needs, verified, tuple(_averaging(subject)))

    return write


@dataclass(frozen=True, slots=True)
class Format:
    """One of them.

    what    in a line
    extra   of gatewise that installs what is needed to write it, or ""
    write   into a folder, and verified
    lengths whether one length may be fixed
    unrolls whether a decoder that is fed back is written step by step
    """

    what: str
    extra: str
    write: Write
    lengths: bool = False
    unrolls: bool = False


FORMATS: Mapping[str, Format] = {
    "onnx": Format("ONNX graphs, run by onnxruntime", "", write_onnx),
    "onnx-int8": Format("ONNX graphs with weights of 8 bits", "", write_onnx_int8),
    "safetensors": Format("canonical weights, with the spec", "", write_safetensors),
    "torch": Format("weights.pth, and network.py that needs torch alone", "torch", write_torch),
    "torch-export": Format("programs (.pt2) of torch.export", "torch", write_program, True, True),
    "keras": Format(
        "models (.keras) of Keras 3, on any of its backends", KERAS, _keras("keras"), unrolls=True
    ),
    "h5": Format("models (.h5) in Keras' older format", KERAS, _keras("h5"), unrolls=True),
    "savedmodel": Format(
        "SavedModel, for TensorFlow Serving", KERAS, _keras("savedmodel"), unrolls=True
    ),
}
