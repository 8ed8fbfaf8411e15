"""The folder that `save` writes and `load` reads: JSON, safetensors and ONNX. Never pickle.

    manifest.json         what this is, which versions wrote it, the SHA-256 of every other file
    model.json            everything that is not a large array
    weights.safetensors   canonical weights
    arrays.safetensors    other arrays (the last rows of the data, say)
    *.onnx                the network, ready to run

Loading runs no code from the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gatewise.engines import processes
from gatewise.errors import ArtifactError
from gatewise.version import __version__

FORMAT = 1
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A saved model in memory.

    task      the name of its task (forecast)
    model     JSON-ready: spec, codec, history, settings
    weights   canonical weights
    arrays    other named arrays
    graphs    ONNX files by name, without the ending
    versions  of what wrote it
    """

    task: str
    model: dict[str, Any]
    weights: dict[str, NDArray[np.float32]]
    arrays: dict[str, NDArray[Any]]
    graphs: dict[str, bytes]
    versions: dict[str, str]


def versions(**others: str) -> dict[str, str]:
    """Of gatewise, Python, NumPy, and those given."""
    own = {"gatewise": __version__, "python": platform.python_version(), "numpy": np.__version__}
    return {**own, **others}


def write_artifact(path: str | os.PathLike[str], artifact: Artifact) -> Path:
    """Write the folder whole or not at all; an earlier artifact there is replaced.

    Of several processes that trained together the first one writes.
    Raises ArtifactError when something that is not an artifact stands at `path`.
    """
    target = Path(path).resolve()
    if processes.rank():
        return target
    if target.exists() and not _is_ours(target):
        raise ArtifactError(
            f"{target} exists and is not a gatewise model, or holds other files, too: it will "
            f"not be overwritten; choose another path or remove it"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        _fill(fresh, artifact)
        _swap(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target


def _is_ours(folder: Path) -> bool:
    """Whether the folder holds an artifact and nothing else: what `save` may replace."""
    try:
        named = {MANIFEST, *_manifest(folder)["files"]}
        return {entry.name for entry in folder.iterdir()} <= named
    except (ArtifactError, OSError):
        return False


def _fill(folder: Path, artifact: Artifact) -> None:
    from safetensors.numpy import save

    files = {
        "model.json": json.dumps(
            artifact.model, indent=1, ensure_ascii=False, default=_plain
        ).encode(),
        "weights.safetensors": save(_contiguous(artifact.weights)),
        "arrays.safetensors": save(_contiguous(artifact.arrays)),
        **{f"{name}.onnx": graph for name, graph in artifact.graphs.items()},
    }
    manifest = {
        "format": "gatewise",
        "format_version": FORMAT,
        "task": artifact.task,
        "versions": artifact.versions,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    files[MANIFEST] = json.dumps(manifest, indent=1).encode()
    for name, content in files.items():
        with (folder / name).open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    folder.chmod(0o755)


def _plain(value: object) -> object:
    """A NumPy number as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in an artifact")


def _swap(fresh: Path, target: Path) -> None:
    """Put `fresh` in the place of `target`; if that fails, `target` is what it was."""
    if not target.exists():
        fresh.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    old.rmdir()
    target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _contiguous(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def read_artifact(path: str | os.PathLike[str]) -> Artifact:
    """Read the folder back; every file is checked against the manifest first.

    Raises ArtifactError when it is missing, foreign, damaged, or written by a later version.
    """
    folder = Path(path)
    manifest = _manifest(folder)
    contents = {}
    for name, digest in manifest["files"].items():
        if not name or Path(name).name != name or name == "..":
            raise ArtifactError(f"{folder / MANIFEST} names a file outside its folder: '{name}'")
        contents[name] = _read(folder / name)
        if hashlib.sha256(contents[name]).hexdigest() != digest:
            raise ArtifactError(
                f"{folder / name} is damaged: its SHA-256 is not the one in {MANIFEST}; "
                f"save the model again or restore it from a copy"
            )
    try:
        return _assemble(manifest, contents)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"{folder} is whole but cannot be understood ({type(error).__name__}: {error}); "
            f"it was written by gatewise {manifest['versions'].get('gatewise')}, "
            f"this is {__version__}"
        ) from error


def _manifest(folder: Path) -> dict[str, Any]:
    if not folder.exists():
        raise ArtifactError(f"{folder} does not exist; expected a folder written by save")
    if not (folder / MANIFEST).is_file():
        raise ArtifactError(
            f"{folder} is not a gatewise model: it has no {MANIFEST}"
            + (_inside(folder) or "; expected a folder written by save")
        )
    try:
        manifest = json.loads(_read(folder / MANIFEST))
        version = manifest["format_version"]
        known = manifest["format"] == "gatewise" and isinstance(version, int)
        complete = isinstance(manifest["files"], dict) and isinstance(manifest["versions"], dict)
        known = known and complete and isinstance(manifest["task"], str)
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise ArtifactError(f"{folder / MANIFEST} is not the manifest of a gatewise model")
    if version > FORMAT:
        raise ArtifactError(
            f"{folder} was written by gatewise {manifest['versions'].get('gatewise')} in format "
            f"{version}; this version reads up to {FORMAT}: pip install --upgrade gatewise"
        )
    found: dict[str, Any] = manifest
    return found


def _inside(folder: Path) -> str:
    """A hint where a run's folder was given instead of the model in it."""
    if (folder / "model" / MANIFEST).is_file():
        return f"; did you mean {folder / 'model'}"
    return ""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing; the model's folder is not complete") from None
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from None


def _assemble(manifest: dict[str, Any], contents: dict[str, bytes]) -> Artifact:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        weights = load(contents["weights.safetensors"])
        arrays = load(contents["arrays.safetensors"])
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    graphs = {n.removesuffix(".onnx"): c for n, c in contents.items() if n.endswith(".onnx")}
    return Artifact(
        task=manifest["task"],
        model=json.loads(contents["model.json"]),
        weights=weights,
        arrays=arrays,
        graphs=graphs,
        versions=manifest["versions"],
    )
