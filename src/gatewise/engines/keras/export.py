"""Networks for those who have Keras or TensorFlow alone. This is run as a process of its own,

    python -m gatewise.engines.keras.export JOB

because the backend of Keras is chosen once for a process, and this needs TensorFlow. In the folder
JOB are job.json, weights.safetensors and the questions question-0.npz, ...; what is written stands
in its folder `out`, and is then read back to answer into answer-0.npz, ...
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import keras
import numpy as np
import tensorflow as tf
from keras import ops
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

from gatewise.engines.keras.functional import functional
from gatewise.spec import NetworkSpec
from gatewise.weights import Weights

Answer = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]

SERVING = "serving_default"  # the signature that is asked where none is named
VERSION = "1"  # the folder that TensorFlow Serving looks for


def run(job: Path) -> None:
    """Write and answer what the job asks for."""
    from safetensors.numpy import load_file

    asked = json.loads((job / "job.json").read_text(encoding="utf-8"))
    spec = NetworkSpec(**asked["spec"])
    stored = load_file(job / "weights.safetensors")
    count = asked["members"]
    members = [_own(stored, number) for number in range(count)]
    models = built(spec, members, several=asked["several"])
    out = job / "out"
    out.mkdir()
    WRITE[asked["to"]](models, out)
    answer = READ[asked["to"]](list(models), out)
    for number, part in enumerate(asked["questions"]):
        with np.load(job / f"question-{number}.npz") as given:
            feeds = {name: tf.convert_to_tensor(array) for name, array in given.items()}
        told = {name: np.asarray(value) for name, value in answer(part, feeds).items()}
        np.savez(job / f"answer-{number}.npz", allow_pickle=False, **told)


def _own(stored: Weights, number: int) -> dict[str, Any]:
    """The weights of one network: those of the second begin with `1.`."""
    before = f"{number}."
    return {name[len(before) :]: w for name, w in stored.items() if name.startswith(before)}


def built(spec: NetworkSpec, members: Sequence[Weights], *, several: bool) -> dict[str, Any]:
    """The functional models by name; networks of classes whose probabilities are averaged are one.

    output = log of the mean of softmax(output_i); of several labels the mean's log odds.
    """
    models = [functional(spec, weights) for weights in members]
    if len(models) == 1:
        return models[0]
    first = models[0]["model"]
    given = {
        name: keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)
        for name, tensor in first.input.items()
    }
    told = [
        keras.Model(own["model"].input, own["model"].output, name=f"member_{number}")(given)
        for number, own in enumerate(models, 1)
    ]
    z = ops.stack([one["output"] for one in told])  # (M, B, 1, C)
    if several:
        true, false = (ops.logsumexp(ops.log_sigmoid(way * z), axis=0) for way in (1.0, -1.0))
        outputs = {"output": true - false}
    else:
        shares = ops.logsumexp(ops.log_softmax(z, axis=-1), axis=0)
        outputs = {"output": shares - math.log(len(told))}
    if "attention" in told[0]:
        outputs["attention"] = ops.mean(ops.stack([one["attention"] for one in told]), axis=0)
    return {"model": keras.Model(given, outputs, name="averaged")}


def save_keras(models: Mapping[str, Any], out: Path) -> None:
    """Keras' own format."""
    for name, model in models.items():
        model.save(out / f"{name}.keras")


def save_h5(models: Mapping[str, Any], out: Path) -> None:
    """Keras' older format, as its `load_model` reads it.

    Its own writer names operations (a cast, a comparison) so that its reader does not find them
    again, and fails above 64 kB of description. The description is that of the .keras format.
    """
    for name, model in models.items():
        with h5py.File(out / f"{name}.h5", "w") as file:
            file.attrs["keras_version"] = keras.__version__
            file.attrs["backend"] = keras.backend.backend()
            file.attrs["model_config"] = json.dumps(keras.saving.serialize_keras_object(model))
            save_weights_to_hdf5_group(file.create_group("model_weights"), model)


def _load(ending: str) -> Callable[[Sequence[str], Path], Answer]:
    def load(names: Sequence[str], out: Path) -> Answer:
        models = {
            name: keras.saving.load_model(out / f"{name}{ending}", compile=False) for name in names
        }
        return lambda part, feeds: models[part](feeds)

    return load


def save_for_serving(models: Mapping[str, Any], out: Path) -> None:
    """A SavedModel with a signature for each model, batch and time of any size."""
    archive = keras.export.ExportArchive()
    for name, model in models.items():
        archive.track(model)
        specs = [
            tf.TensorSpec(tensor.shape, tensor.dtype, name=key)
            for key, tensor in model.input.items()
        ]
        archive.add_endpoint(name if len(models) > 1 else SERVING, _by_name(model), specs)
    archive.write_out(str(out / VERSION), verbose=False)


def _by_name(model: Any) -> Callable[..., Any]:
    names = list(model.input)

    def told(*given: Any) -> Any:
        return model(dict(zip(names, given, strict=True)))

    return told


def load_served(names: Sequence[str], out: Path) -> Answer:
    """Its signatures, as TensorFlow Serving calls them."""
    signatures = tf.saved_model.load(str(out / VERSION)).signatures
    alone = len(names) == 1
    return lambda part, feeds: signatures[SERVING if alone else part](**feeds)


WRITE = {"keras": save_keras, "h5": save_h5, "savedmodel": save_for_serving}
READ = {"keras": _load(".keras"), "h5": _load(".h5"), "savedmodel": load_served}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    run(Path(sys.argv[1]))
