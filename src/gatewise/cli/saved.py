"""`gatewise predict`, `evaluate` and `info`: what can be done with a saved model.

What the first two do is in a module for each task, named in MODULES. It has

    PREDICT, EVALUATE   those flags of saved_options that the task takes
    predict(saved, data, *, out, as_json, flags)    the exit code; None: 0
    evaluate(saved, data, *, as_json, flags)

Imports stand in the functions, so that help and wrong usage are answered at once.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from gatewise.cli.options import given, settle, with_panels
from gatewise.cli.saved_options import EVALUATE, PREDICT
from gatewise.errors import UsageError
from gatewise.spec import Settings

MODULES = {  # task -> what does it
    "forecast": "gatewise.cli.saved_forecast",
    "classify": "gatewise.cli.saved_classify",
    "tag": "gatewise.cli.saved_tag",
    "generate": "gatewise.cli.saved_generate",
    "translate": "gatewise.cli.saved_translate",
}

Model = Annotated[str, typer.Argument(metavar="MODEL", help="Folder of a saved model.")]
Asked = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="CSV, TSV, JSON Lines or Parquet file; of texts to classify, to translate or to "
        "continue also a plain file with one on each line. Of a tagger CoNLL or JSON Lines; or a "
        ".txt with a sentence on each line: it is one where its lines are neither single tokens "
        "nor end with the model's tags.",
    ),
]
Judged = Annotated[
    list[str],
    typer.Argument(
        metavar="DATA",
        help="CSV, TSV, JSON Lines or Parquet file; of a tagger CoNLL; of a translator also two "
        "files, SOURCES TARGETS or SOURCES,TARGETS; of a generator a text.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


@with_panels(PREDICT)
def predict(
    model: Model,
    data: Asked,
    *,
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="Write a file instead of showing it."),
    ] = None,
    as_json: Json = False,
    **flags: Any,
) -> int | None:
    """Answer with a saved model: the steps after the last row of DATA, a class for each text,
    a tag for each token, a translation of each line, a text for each prompt.

    A table on a terminal, CSV through a pipe; tagged sentences are CoNLL.

    \b
    Examples:
      gatewise predict air-forecast/model air.csv
      gatewise predict air-forecast/model air.csv --out next.csv
      gatewise predict reviews-classify/model new-reviews.csv --text review
      gatewise predict names-tag/model more.conll --out tagged.conll
      gatewise predict dates-translate/model lines.txt --beam 1
      gatewise predict book-generate/model prompts.txt --length 80
    """
    if out is not None and Path(out).is_dir():
        raise UsageError(f"--out {out} is a folder; give the name of a file in it")
    saved, task = loaded(model)
    module = _module(task)
    own = taken(task, module.PREDICT, given(flags), PREDICT)
    code: int | None = module.predict(saved, data, out=out, as_json=as_json, flags=own)
    return code


@with_panels(EVALUATE)
def evaluate(model: Model, files: Judged, *, as_json: Json = False, **flags: Any) -> None:
    """Score a saved model and the baselines on DATA that it was not trained on.

    Of a series the rows after those of the training count.

    \b
    Examples:
      gatewise evaluate air-forecast/model air-with-this-year.csv
      gatewise evaluate air-forecast/model air-with-this-year.csv --json
      gatewise evaluate reviews-classify/model more-reviews.csv --label sentiment
      gatewise evaluate names-tag/model more.conll
      gatewise evaluate dates-translate/model more.en more.de
      gatewise evaluate play-generate/model another-play.txt
    """
    saved, task = loaded(model)
    module = _module(task)
    own = taken(task, module.EVALUATE, given(flags), EVALUATE)
    most = 2 if task == "translate" else 1
    if len(files) > most:
        expected = "one of pairs, or two: SOURCES TARGETS" if most == 2 else "one"
        raise UsageError(f"{len(files)} files were given; expected {expected}")
    module.evaluate(saved, ",".join(files), as_json=as_json, flags=own)


def info(model: Model, *, as_json: Json = False) -> None:
    """Show what a saved model is, what it was trained on and how.

    With --json numbers and plain values, under the names of Python and --config.

    \b
    Examples:
      gatewise info air-forecast/model
    """
    from gatewise import outputs
    from gatewise.cli import show
    from gatewise.tasks.plain_facts import plain_facts
    from gatewise.tasks.shared import load

    saved = load(model)
    if as_json:
        sys.stdout.write(outputs.to_json(plain_facts(saved)) + "\n")
    else:
        show.facts(show.open_console(), saved.summary())


def loaded(path: str) -> tuple[Any, str]:
    """(model, name of its task)"""
    from gatewise.tasks.shared import TASKS, load

    saved = load(path)
    kind = type(saved).__name__
    return saved, next(task for task, (_, name) in TASKS.items() if name == kind)


def _module(task: str) -> Any:
    if task not in MODULES:
        raise UsageError(
            f"a model made by 'gatewise {task}' is used from Python: gatewise.load; "
            f"'gatewise info' shows what it is"
        )
    return importlib.import_module(MODULES[task])


def taken(
    task: str,
    known: Collection[str],
    asked: Mapping[str, Any],
    panels: Mapping[str, type[Settings]],
) -> dict[str, Any]:
    """The flags that the task knows, checked, whether they were given or not.

    asked  flag -> text, of those that were given
    Raises UsageError that names every flag that says nothing to a model of this task; SpecError.
    """
    foreign = [name for name in asked if name not in known]
    if foreign:
        listed = ", ".join(map(_flag, foreign))
        own = ", ".join(map(_flag, known)) or "none of its own"
        raise UsageError(
            f"{listed}: not for this model, which was made by 'gatewise {task}' "
            f"(flags for it: {own})"
        )
    built = settle(panels.values(), asked)
    values = {
        name: getattr(built[model], name)
        for model in panels.values()
        for name in model.model_fields
    }
    return {name: values[name] for name in known}


def _flag(field: str) -> str:
    return "--" + field.replace("_", "-")
