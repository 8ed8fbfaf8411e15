"""`gatewise export`: a saved model's network in another format."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gatewise.cli.how import Quiet
from gatewise.cli.saved import Json, Model

WIDTH = 11  # of the names in front of places
ROUNDED = ("onnx-int8",)  # formats whose difference is told, not judged


def export(
    model: Model,
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help="One of the formats above.",
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="DIR", help="Folder of the results; None: MODEL-FORMAT."),
    ] = None,
    length: Annotated[
        int | None,
        typer.Option("--length", help="torch-export: read so many steps, no other number."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a saved model's network in another format, with what turns data into its inputs.

    Before it is there, it is read back and compared with the model. The largest
    difference is told; what answers otherwise is not written.

    \b
    Formats:
      onnx          ONNX graphs, run by onnxruntime
      onnx-int8     ONNX graphs with weights of 8 bits
      safetensors   canonical weights, with the spec
      torch         weights.pth, and network.py that needs torch alone
      torch-export  programs (.pt2) of torch.export
      keras         models (.keras) of Keras 3, on any of its backends
      h5            models (.h5) in Keras' older format
      savedmodel    SavedModel, for TensorFlow Serving

    \b
    Examples:
      gatewise export air-forecast/model --to onnx
      gatewise export air-forecast/model --to torch --out air-torch
      gatewise export reviews-classify/model --to savedmodel
      gatewise export book-generate/model --to onnx-int8
    """
    from gatewise import outputs
    from gatewise.cli import show
    from gatewise.exporting.export import PYTHON, README
    from gatewise.exporting.export import export as write

    done = write(model, to=to, out=out, length=length, verbose=0 if quiet else 1)
    console = show.open_console(sys.stderr if as_json else sys.stdout)
    if not quiet:
        show.notes(console, done.notes)
        word = "compared" if to in ROUNDED else "verified"
        show.say(console, f"{word}: {done.verified.words()}")
        for name in done.files:
            show.say(console, f"{'network':<{WIDTH}}  {done.path / name}")
        show.say(console, f"{'codec':<{WIDTH}}  {done.path / PYTHON}")
        show.say(console, f"{'readme':<{WIDTH}}  {done.path / README}")
    if as_json:
        sys.stdout.write(outputs.to_json(done.to_dict()) + "\n")
