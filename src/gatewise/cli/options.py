"""The flags of a task verb and the keys of its --config file: one for each field of its settings.

Every field of ForecastOptions, Network and Training becomes a flag of the same name; its help is
the field's line in the class's docstring. Values stay text until the settings check them, so that
a flag, a key of a file and a Python argument get the same answer.
"""

from __future__ import annotations

import inspect
import json
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
import yaml
from pydantic import ConfigDict, Field

from gatewise.errors import SpecError, UsageError, did_you_mean
from gatewise.spec import Network, Settings, Training


class ForecastOptions(Settings):
    """What `gatewise forecast` takes besides the network and its training.

    target            column to forecast, several: a,b; None: the only column of numbers
    horizon           K, steps to forecast
    time              column of times; None: found if there is one
    features          further columns to learn from: a,b or all
    sort              sort the rows by time
    fill              what to put where a value or a time is missing
    duplicates        which row to keep where a time comes twice
    lookback          steps the network sees; None: chosen from the data
    strategy          how K steps come about
    scaling           of each column, learnt on the training rows alone
    window_scaling    of each window by its own values
    transform         whether the logarithm of the forecast columns is learnt
    calendar          learn from month, weekday, hour of each time
    channel_independent  one network for each column by itself; None: chosen from the data
    validation        of the other rows, share (below 1) or number at the end that decides when to
                      stop training
    retrain           then train anew on all but the test rows; None: where it is cheap
    test              last rows, kept from training, to be judged on; None: about a fifth
    refit             after judging, train anew on all rows, the test rows too, and ship that model
    folds             forecasts in a row that end with the data, K steps each; None: chosen
    engine            what trains the network
    device            where it trains
    seed              the same seed gives the same numbers
    out               folder for model, report, predictions; None: DATA's name and -forecast
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    target: tuple[str, ...] | None = Field(default=None, min_length=1)
    horizon: int = Field(ge=1)
    time: str | None = None
    features: tuple[str, ...] | None = None
    sort: bool = False
    fill: Literal["interpolate", "forward", "zero"] | None = None
    duplicates: Literal["first", "last", "mean"] | None = None
    lookback: int | None = Field(default=None, ge=1)
    strategy: Literal["auto", "direct", "recursive", "encoder_decoder", "by_position"] = "auto"
    scaling: Literal["standard", "minmax", "robust", "none"] = "standard"
    window_scaling: Literal["auto", "none", "last", "mean_std"] = "auto"
    transform: Literal["auto", "none", "log"] = "auto"
    calendar: bool = False
    channel_independent: bool | None = None
    validation: int | float = Field(default=0.2, gt=0)
    retrain: bool | None = None
    test: int | None = Field(default=None, ge=1)
    refit: bool = False
    folds: int | None = Field(default=None, ge=1)
    engine: Literal["torch"] = "torch"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: int = Field(default=0, ge=0)
    out: str | None = None


PANELS: dict[str, type[Settings]] = {
    "Data and task": ForecastOptions,
    "Network (what is not given suits the data)": Network,
    "Training (what is not given suits the data)": Training,
}
SECTIONS: dict[str, type[Settings]] = {"network": Network, "training": Training}
OF_A_RUN = {"gatewise", "settings"}  # keys of a metrics.json
FLAT = ForecastOptions  # its keys stand at the top of a file; those of the sections may


@dataclass(frozen=True, slots=True)
class Job:
    """All that a run was asked for, checked. Network and Training hold only what was given."""

    options: ForecastOptions
    network: Network
    training: Training


@dataclass(frozen=True, slots=True)
class Kind:
    """What a field takes: `label` for help, its choices, whether none is one of them."""

    label: str
    choices: tuple[str, ...] = ()
    nullable: bool = False
    many: bool = False

    @classmethod
    def of(cls, annotation: Any) -> Kind:
        parts = [annotation]
        if get_origin(annotation) in (Union, types.UnionType):
            parts = [part for part in get_args(annotation) if part is not type(None)]
        nullable = type(None) in get_args(annotation)
        main = float if parts == [int, float] else parts[0]
        if get_origin(main) is Literal:
            return cls("choice", tuple(map(str, get_args(main))), nullable)
        if get_origin(main) is tuple:
            return cls("text", nullable=nullable, many=True)
        label = {int: "int", float: "number", bool: "bool"}.get(main, "text")
        return cls(label, nullable=nullable)


def job(flags: Mapping[str, Any], config: str | None) -> Job:
    """Flags over the file over the defaults, checked; one message lists every problem.

    flags  field -> text, True, False or a list of texts
    Raises UsageError, SpecError.
    """
    given = {} if config is None else read_config(Path(config))
    given |= flags
    if given.get("horizon") is None:
        raise UsageError(
            "how far to forecast is missing: give --horizon STEPS (or a key of a --config file)"
        )
    built: dict[type[Settings], Any] = {}
    problems = []
    for model in PANELS.values():
        fields = model.model_fields
        values = {
            name: _plain(model, name, value) for name, value in given.items() if name in fields
        }
        try:
            built[model] = model(**values)
        except SpecError as error:
            problems.append(str(error))
    if problems:
        raise SpecError("; ".join(problems))
    return Job(built[ForecastOptions], built[Network], built[Training])


def _plain(model: type[Settings], name: str, value: Any) -> Any:
    """'none' as None where None is a choice, one text as a list where a list is wanted."""
    kind = Kind.of(model.model_fields[name].annotation)
    if kind.nullable and isinstance(value, str) and value.casefold() == "none":
        return None
    if kind.many and value is not None and not isinstance(value, (list, tuple)):
        return (value,)
    return value


def read_config(path: Path) -> dict[str, Any]:
    """The keys of a YAML file; those of `network:` and `training:` beside all others.

    Of the metrics.json of a run these are its settings.

    Raises UsageError: no such file, no YAML, unknown keys (with the nearest known ones).
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path} (--config)")
    try:
        content = _parsed(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not a YAML file: {' '.join(str(error).split())}") from None
    if isinstance(content, dict) and content.keys() >= OF_A_RUN:
        content = content["settings"]
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(
            f"{path} must hold 'key: value' lines, such as 'hidden_size: 64', "
            f"not a {type(content).__name__}"
        )
    found: dict[str, Any] = {}
    problems = []
    for section, key, value in _entries(content):
        known = set(SECTIONS[section].model_fields) if section else flat_keys()
        if key not in known:
            near = did_you_mean(key, known) or f"; known: {', '.join(sorted(known))}"
            problems.append(f"unknown key '{section}{':' if section else ''}{key}'{near}")
        elif key in found:
            problems.append(f"'{key}' is given twice")
        else:
            found[key] = value
    if problems:
        raise UsageError(f"{path}: {'; '.join(problems)}")
    return found


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)  # YAML would read it, too, but slowly, and 1e-05 as text
    except json.JSONDecodeError:
        return yaml.safe_load(text)


def flat_keys() -> set[str]:
    """All fields: a file may leave out `network:` and `training:`."""
    return {name for model in PANELS.values() for name in model.model_fields}


def _entries(content: Mapping[Any, Any]) -> Iterator[tuple[str, str, Any]]:
    """(section or '', key, value); hidden-size is as good a key as hidden_size."""
    for key, value in content.items():
        name = str(key).replace("-", "_")
        if name not in SECTIONS:
            yield "", name, value
        elif isinstance(value, Mapping):
            for inner, innermost in value.items():
                yield name, str(inner).replace("-", "_"), innermost
        elif value is not None:
            raise UsageError(f"'{name}:' in the --config file must hold 'key: value' lines")


def with_flags(verb: Callable[..., Any]) -> Callable[..., Any]:
    """`verb`, its `**flags` spelled out for typer: one parameter for each field of the settings."""
    own = [
        parameter
        for parameter in inspect.signature(verb, eval_str=True).parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    flags = [flag for panel, model in PANELS.items() for flag in _flags(panel, model)]
    # read by inspect.signature, and so by typer; mypy has no word for it
    verb.__signature__ = inspect.Signature(own + flags)  # type: ignore[attr-defined]
    return verb


def _flags(panel: str, model: type[Settings]) -> Iterator[inspect.Parameter]:
    texts = field_help(model)
    for name, field in model.model_fields.items():
        kind = Kind.of(field.annotation)
        flag = "--" + name.replace("_", "-")
        text = _help(texts[name], kind) + (" (required)" if field.is_required() else "")
        if kind.label == "bool":
            off = f"--no-{flag[2:]}"
            yield _parameter(name, bool, panel, flag, f"{text} (off: {off})")
            yield _parameter(f"no_{name}", bool, panel, off, "", hidden=True)
        else:
            label = f"{kind.label}|none" if kind.nullable and not kind.choices else kind.label
            shown = type(label, (str,), {})  # typer shows the name of the type
            annotation = list[shown] if kind.many else shown  # type: ignore[valid-type]
            yield _parameter(name, annotation, panel, flag, text, metavar=label, parser=str)


def _parameter(
    name: str, annotation: Any, panel: str, flag: str, text: str, **settings: Any
) -> inspect.Parameter:
    option = typer.Option(flag, help=text, rich_help_panel=panel, show_default=False, **settings)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[annotation, option],
    )


def given(flags: Mapping[str, Any]) -> dict[str, Any]:
    """What typer parsed, by field: --no-x is x=False; a flag that was not given is left out."""
    found = {}
    for name, value in flags.items():
        field = name.removeprefix("no_")
        if value is None or value == []:
            continue
        found[field] = not value if name != field else value
    return found


def field_help(model: type[Settings]) -> dict[str, str]:
    """field -> its lines in the table of the model's docstring, joined."""
    texts: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc(model.__doc__ or "").splitlines():
        row = re.match(r"(\w+)\s+(\S.*)", line)
        if row and row[1] in model.model_fields:
            name = row[1]
            texts[name] = row[2]
        elif name and line.startswith("   "):
            texts[name] += " " + line.strip()
        else:
            name = ""
    return texts


def _help(text: str, kind: Kind) -> str:
    text = re.sub(r"\bNone\b", "none", text)
    unsaid = [choice for choice in kind.choices if not re.search(rf"\b{choice}\b", text)]
    if unsaid:
        text += f": {', '.join(kind.choices)}"
    if kind.choices and kind.nullable and "none" not in text:
        text += " or none"
    return text.replace("[", "\\[")
