"""The flags of a task verb and the keys of its --config file: one for each field of its settings.

Every field of the verb's own options, of Network and of Training becomes a flag of the same name;
its help is the field's line in the class's docstring. Values stay text until the settings check
them, so that a flag, a key of a file and a Python argument get the same answer.
"""

from __future__ import annotations

import inspect
import json
import re
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar, Union, get_args, get_origin

import typer
import yaml
from pydantic import ConfigDict

from gatewise.errors import SpecError, UsageError, did_you_mean
from gatewise.spec import Network, Settings, Training


class Options(Settings):
    """What a task verb takes besides the network and its training; each verb has its own class.

    verb         the word behind `gatewise`
    meaningless  fields of Network and Training that its task refuses: not in its help
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    verb: ClassVar[str]
    meaningless: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def completed(cls, given: dict[str, Any]) -> dict[str, Any]:
        """What was given, and what follows from it."""
        return given


Own = TypeVar("Own", bound=Options)
Verb = TypeVar("Verb", bound=Callable[..., Any])

SECTIONS: dict[str, type[Settings]] = {"network": Network, "training": Training}
OF_A_RUN = {"gatewise", "settings"}  # keys of a metrics.json


def panels(own: type[Options]) -> dict[str, type[Settings]]:
    """Heading in the help of the verb -> the settings whose fields stand there as flags."""
    return {
        "Data and task": own,
        "Network (what is not given suits the data)": Network,
        "Training (what is not given suits the data)": Training,
    }


@dataclass(frozen=True, slots=True)
class Job(Generic[Own]):
    """All that a run was asked for, checked. Network and Training hold only what was given."""

    options: Own
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
        if parts == [int, float, str]:
            return cls("number|file", nullable=nullable)
        main = float if parts == [int, float] else parts[0]
        if get_origin(main) is Literal:
            return cls("choice", tuple(map(str, get_args(main))), nullable)
        if get_origin(main) is tuple:
            return cls("text", nullable=nullable, many=True)
        if parts[1:] == [Literal["auto"]]:
            return cls("number|auto", nullable=nullable)
        label = {int: "int", float: "number", bool: "bool"}.get(main, "text")
        return cls(label, nullable=nullable)


def job(own: type[Own], flags: Mapping[str, Any], config: str | None) -> Job[Own]:
    """Flags over the file over the defaults, checked; one message lists every problem.

    own    the verb's own options
    flags  field -> text, True, False or a list of texts
    Raises UsageError, SpecError.
    """
    given = {} if config is None else read_config(Path(config), own)
    given |= flags
    given = own.completed(given)
    _check_there(own, given)
    built = settle(panels(own).values(), given)
    return Job(built[own], built[Network], built[Training])


def settle(models: Iterable[type[Settings]], given: Mapping[str, Any]) -> dict[type[Settings], Any]:
    """Each of the settings with the values that are its own. Raises SpecError, one message."""
    built: dict[type[Settings], Any] = {}
    problems = []
    for model in models:
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
    return built


def _check_there(own: type[Options], given: Mapping[str, Any]) -> None:
    """Raises UsageError that names every field without which the verb cannot begin."""
    fields = own.model_fields.items()
    missing = [name for name, field in fields if field.is_required() and given.get(name) is None]
    if missing:
        texts = field_help(own)
        listed = ", ".join(f"--{name.replace('_', '-')} ({texts[name]})" for name in missing)
        raise UsageError(f"still to be given, as a flag or a key of a --config file: {listed}")


def _plain(model: type[Settings], name: str, value: Any) -> Any:
    """'none' as None where None is a choice, one text as a list where a list is wanted."""
    kind = Kind.of(model.model_fields[name].annotation)
    if kind.nullable and isinstance(value, str) and value.casefold() == "none":
        return None
    if kind.many and value is not None and not isinstance(value, (list, tuple)):
        return (value,)
    return value


def read_config(path: Path, own: type[Options]) -> dict[str, Any]:
    """The keys of a YAML file; those of `network:` and `training:` beside all others.

    Of the metrics.json of a run these are its settings.

    own  the verb's own options: its keys stand at the top of the file
    Raises UsageError: no such file, no YAML, of another verb, unknown keys (with the nearest known
    ones).
    """
    if not path.is_file():
        raise UsageError(f"there is no file {path} (--config)")
    try:
        content = _parsed(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not a YAML file: {' '.join(str(error).split())}") from None
    if isinstance(content, dict) and content.keys() >= OF_A_RUN:
        verb = content.get("task", own.verb)
        if verb != own.verb:
            raise UsageError(
                f"{path} is of a run of 'gatewise {verb}': its settings are not those of "
                f"'gatewise {own.verb}'"
            )
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
        known = set(SECTIONS[section].model_fields) if section else flat_keys(own)
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


def flat_keys(own: type[Options]) -> set[str]:
    """All fields: a file may leave out `network:` and `training:`."""
    return {name for model in panels(own).values() for name in model.model_fields}


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


def with_panels(
    shown: Mapping[str, type[Settings]],
    *,
    hidden: Collection[str] = (),
    also: Sequence[inspect.Parameter] = (),
) -> Callable[[Verb], Verb]:
    """Spells out the `**flags` of a verb for typer: a parameter for each field of the settings.

    shown   heading in the help -> the settings whose fields stand there
    hidden  fields that do not stand there; given all the same, the task says why it refuses them
    also    further parameters, in front of these
    """
    every = [flag for panel, model in shown.items() for flag in _flags(panel, model, hidden)]
    flags = list({flag.name: flag for flag in reversed(every)}.values())[::-1]  # the first counts

    def spelled_out(verb: Verb) -> Verb:
        written = [
            parameter
            for parameter in inspect.signature(verb, eval_str=True).parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        # read by inspect.signature, and so by typer; mypy has no word for it
        verb.__signature__ = inspect.Signature([*written, *also, *flags])  # type: ignore[attr-defined]
        return verb

    return spelled_out


def _flags(
    panel: str, model: type[Settings], hidden: Collection[str]
) -> Iterator[inspect.Parameter]:
    texts = field_help(model)
    for name, field in model.model_fields.items():
        kind = Kind.of(field.annotation)
        flag = "--" + name.replace("_", "-")
        text = _help(texts[name], kind) + (" (required)" if field.is_required() else "")
        told: dict[str, Any] = {"hidden": True} if name in hidden else {}
        if kind.label == "bool":
            off = f"--no-{flag[2:]}"
            yield _parameter(name, bool, panel, flag, f"{text} (off: {off})", **told)
            yield _parameter(f"no_{name}", bool, panel, off, "", hidden=True)
        else:
            label = f"{kind.label}|none" if kind.nullable and not kind.choices else kind.label
            shown = type(label, (str,), {})  # typer shows the name of the type
            annotation = list[shown] if kind.many else shown  # type: ignore[valid-type]
            yield _parameter(name, annotation, panel, flag, text, metavar=label, parser=str, **told)


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


def split_names(given: Sequence[str] | None, known: Sequence[str]) -> list[str] | None:
    """`a,b` is two columns, unless a column has that very name."""
    if given is None:
        return None
    names: list[str] = []
    for text in given:
        parts = [text] if text in known else [part.strip() for part in text.split(",")]
        names += [part for part in parts if part]
    return names
