"""`export`: a folder with the network in another format, its codec, and how to use both."""

from __future__ import annotations

import copy
import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatewise import outputs
from gatewise.errors import MissingExtraError, UsageError, did_you_mean
from gatewise.exporting.codec_source import codec_source
from gatewise.exporting.ending import ending_in_order
from gatewise.exporting.formats import FORMATS, KERAS, Format, Written
from gatewise.exporting.readme import readme
from gatewise.exporting.subject import Subject, subject_of
from gatewise.exporting.verify import Verified
from gatewise.version import __version__

MANY = 50  # steps times layers of a decoder that is written step by step: half a minute
CODEC, PYTHON, README = "codec.json", "codec.py", "README.md"
MARK_KEY = "gatewise_export"
PACKAGES = {"torch": ("torch",), "tensorflow": ("keras", "tensorflow")}  # extra -> what it brings


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export has left.

    path      its folder
    to        the format
    files     of the network, beside codec.json, codec.py and README.md
    verified  what was compared with the model, and how far apart the answers are
    notes     what must be said of it
    """

    path: Path
    to: str
    files: tuple[str, ...]
    verified: Verified
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "to": self.to,
            "out": str(self.path),
            "files": list(self.files),
            "verified": {
                "batches": self.verified.batches,
                "sequences": self.verified.sequences,
                "steps": self.verified.steps,
                "difference": self.verified.difference,
                "largest_output": self.verified.scale,
            },
            "notes": list(self.notes),
        }


def export(
    model: Any,
    to: str,
    out: str | os.PathLike[str] | None = None,
    *,
    length: int | None = None,
    verbose: int = 1,
) -> Exported:
    """Write a model's network in another format, verified against the model.

    model   a fitted model, or the folder of a saved one
    to      onnx, onnx-int8, safetensors, torch, torch-export, keras, h5, savedmodel
    out     folder; None: named after model and format. An earlier export to the same format
            there is replaced
    length  torch-export alone: the one number of steps that it reads; None: any
    verbose 0: silent, 1: says on stderr before it begins what will take long

    Several batch sizes and lengths, padding and states are answered as the model answers them, or
    nothing is written. Raises UsageError, ArtifactError, MissingExtraError; RunError when the
    export answers otherwise.
    """
    form = _format(to, length)
    with ending_in_order():
        return _export(subject_of(model), to, form, out, length, verbose)


def _export(
    subject: Subject,
    to: str,
    form: Format,
    out: str | os.PathLike[str] | None,
    length: int | None,
    verbose: int,
) -> Exported:
    place = Path(f"{subject.name}-{to}") if out is None else Path(out)
    _check_place(place, to)
    steps, layers = subject.spec.horizon, subject.spec.num_layers
    if verbose and form.unrolls and subject.spec.decoder == "fed_back" and steps * layers > MANY:
        sys.stderr.write(
            f"note: this takes long: the {steps} steps of the decoder, of {layers} layers each, "
            f"are written one after another\n"
        )
        sys.stderr.flush()
    with outputs.replacing(place) as folder:
        written = form.write(subject, folder, length)
        whole = "int32" if form.extra == KERAS else "int64"
        source, more, needs = codec_source(subject, whole)
        text = outputs.to_json(_codec(subject, to, written, more))
        (folder / CODEC).write_text(text + "\n", encoding="utf-8")
        (folder / PYTHON).write_text(source, encoding="utf-8")
        (folder / README).write_text(readme(subject, to, written, needs), encoding="utf-8")
    return Exported(place, to, written.files, written.verified, written.notes)


def _format(to: str, length: int | None) -> Format:
    if to not in FORMATS:
        hint = did_you_mean(to, FORMATS)
        raise UsageError(f"there is no format '{to}'{hint} (formats: {', '.join(FORMATS)})")
    form = FORMATS[to]
    if length is not None and not form.lengths:
        raise UsageError(f"length is for torch-export; {to} carries sequences of any length")
    if length is not None and length < 1:
        raise UsageError(f"length must be at least 1, not {length}")
    for package in PACKAGES.get(form.extra, ()):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, form.extra)
    return form


def _check_place(place: Path, to: str) -> None:
    """Found out before anything is computed: whether the folder can be written.

    Raises UsageError.
    """
    outputs.check(place, CODEC, MARK_KEY)
    earlier = outputs.mark(place / CODEC).get(MARK_KEY)
    if earlier is not None and earlier != to:
        raise UsageError(
            f"{place} holds an export to {earlier}; choose another --out, or remove it"
        )


def _codec(
    subject: Subject, to: str, written: Written, more: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any]:
    """What codec.json says.

    more  path of a part of the codec, with dots -> what codec.py reads of it beyond that
    """
    codec = copy.deepcopy(subject.codec())
    for path, extra in more.items():
        place = codec
        for name in path.split("."):
            place = place[name]
        place.update(extra)
    return {
        MARK_KEY: to,
        "versions": {**subject.artifact.versions, "exported_by": __version__},
        "task": subject.task,
        "data": subject.artifact.model["data"],
        **codec,
        "interface": {
            part.name: {
                way: {
                    tensor.name: {
                        "shape": list(tensor.shape),
                        "dtype": tensor.dtype,
                        "meaning": tensor.meaning,
                    }
                    for tensor in tensors
                }
                for way, tensors in (("inputs", part.inputs), ("outputs", part.outputs))
            }
            for part in written.parts
        },
        "spec": subject.spec.model_dump(),
    }
